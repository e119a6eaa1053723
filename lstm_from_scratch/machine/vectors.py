"""Short vectors inside compiled code: what lets the kernel use the processor's wide registers.

A `Vector` is a value of ``width`` float64 numbers that lives in registers while a compiled function
runs. Numba hands it to LLVM as a vector type, so that one addition adds all of its elements at
once, with whatever registers the processor has. Every operation acts on each element by itself in
strict IEEE arithmetic, without contraction or reordering: the same numbers come out to the bit
whatever the processor, and whether a network stands alone or in a lane beside others.

Appendix A (The engine room) says why this is worth having.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import factorial
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import RequireLiteralValue
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.core.typing.templates import signature as template_signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from . import compiling  # noqa: F401 (refuses to go on where nothing is compiled)

_F64, _I64 = ir.DoubleType(), ir.IntType(64)

_LOG2_E = 1.4426950408889634
# ln 2 in two parts: the first has zeros at its end, so that k * _LN2_HIGH is exact.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
# Adding 1.5 * 2**52 leaves the nearest integer in the low bits of a float64.
_ROUND = 6755399441055744.0
_EXP_LIMIT = 700.0
_TAYLOR = [1.0 / factorial(n) for n in range(14)]


class Vector(types.Type):
    """The Numba type of a vector of ``width`` float64 numbers."""

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__(name=f"Vector({width})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Vector) -> None:
        super().__init__(dmm, fe_type, ir.VectorType(_F64, fe_type.width))


def _constant(value: Any, like: ir.Value) -> ir.Constant:
    """The same number in every element of a vector of ``like``'s type."""
    return ir.Constant(like.type, [value] * like.type.count)


def _shuffle(builder: ir.IRBuilder, vector: ir.Value, picks: list[int]) -> ir.Value:
    """The elements ``picks`` of a vector, in that order."""
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(picks)), picks)
    return builder.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), mask)


def _filled(builder: ir.IRBuilder, number: ir.Value, count: int) -> ir.Value:
    """A vector that has one number in every element."""
    one = ir.Constant(ir.VectorType(_F64, 1), ir.Undefined)
    one = builder.insert_element(one, number, ir.Constant(ir.IntType(32), 0))
    return _shuffle(builder, one, [0] * count)


def _literal(argument: types.Type) -> int:
    if not isinstance(argument, types.IntegerLiteral):
        raise RequireLiteralValue("a width must be known when the function is compiled")
    return argument.literal_value


def _address(context: Any, builder: ir.IRBuilder, array_type: Any, array: Any, index: Any) -> Any:
    data = cgutils.create_struct_proxy(array_type)(context, builder, value=array).data
    return builder.gep(data, [index])


@intrinsic(prefer_literal=True)
def load(typingctx, array, index, width):
    """``width`` neighbouring elements of a flat array, from ``index``."""
    count = _literal(width)

    def codegen(context, builder, signature, arguments):
        address = _address(context, builder, signature.args[0], *arguments[:2])
        vector = ir.VectorType(_F64, count)
        return builder.load(builder.bitcast(address, vector.as_pointer()), align=8)

    return Vector(count)(array, types.int64, width), codegen


@intrinsic
def store(typingctx, array, index, vector):
    """Write a vector into a flat array, from ``index``."""

    def codegen(context, builder, signature, arguments):
        address = _address(context, builder, signature.args[0], *arguments[:2])
        builder.store(
            arguments[2], builder.bitcast(address, arguments[2].type.as_pointer()), align=8
        )
        return context.get_dummy_value()

    return types.none(array, types.int64, vector), codegen


@intrinsic(prefer_literal=True)
def splat(typingctx, number, width):
    """One number in every element."""
    count = _literal(width)

    def codegen(context, builder, signature, arguments):
        return _filled(builder, arguments[0], count)

    return Vector(count)(types.float64, width), codegen


@intrinsic(prefer_literal=True)
def tile(typingctx, vector, times):
    """A vector repeated ``times`` times, end to end."""
    count = _literal(times)

    def codegen(context, builder, signature, arguments):
        return _shuffle(builder, arguments[0], list(range(vector.width)) * count)

    return Vector(vector.width * count)(vector, times), codegen


@intrinsic(prefer_literal=True)
def resized(typingctx, vector, width):
    """The first ``width`` elements of a vector; zeros after it if it has fewer."""
    count = _literal(width)

    def codegen(context, builder, signature, arguments):
        # A mask's numbers go on from the first vector into the second, which is all zeros.
        size = vector.width
        picks = [min(k, size) for k in range(count)]
        mask = ir.Constant(ir.VectorType(ir.IntType(32), count), picks)
        return builder.shuffle_vector(arguments[0], _constant(0.0, arguments[0]), mask)

    return Vector(count)(vector, width), codegen


def _folding(combine: Callable[[ir.IRBuilder, ir.Value, ir.Value], ir.Value]) -> Any:
    """An intrinsic that cuts a vector into ``parts`` slices and combines them, first to last."""

    def fold(typingctx, vector, parts):
        width = vector.width // _literal(parts)

        def codegen(context, builder, signature, arguments):
            slices = [
                _shuffle(builder, arguments[0], list(range(start, start + width)))
                for start in range(0, vector.width, width)
            ]
            total = slices[0]
            for part in slices[1:]:
                total = combine(builder, total, part)
            return total

        return Vector(width)(vector, parts), codegen

    return intrinsic(prefer_literal=True)(fold)


def _larger(builder: ir.IRBuilder, a: ir.Value, b: ir.Value) -> ir.Value:
    return builder.select(builder.fcmp_ordered(">", b, a), b, a)


fold_sum = _folding(lambda builder, a, b: builder.fadd(a, b))
fold_product = _folding(lambda builder, a, b: builder.fmul(a, b))
fold_maximum = _folding(_larger)


@intrinsic
def absolute(typingctx, vector):
    """The absolute value of each element."""

    def codegen(context, builder, signature, arguments):
        bits = ir.VectorType(_I64, vector.width)
        number = builder.bitcast(arguments[0], bits)
        number = builder.and_(number, _constant(0x7FFFFFFFFFFFFFFF, number))
        return builder.bitcast(number, arguments[0].type)

    return vector(vector), codegen


@intrinsic
def flush(typingctx, vector, least):
    """Each element, or 0 where its absolute value is below ``least``; NaN passed on."""

    def codegen(context, builder, signature, arguments):
        vector, least = arguments
        bits = builder.bitcast(vector, ir.VectorType(_I64, vector.type.count))
        size = builder.and_(bits, _constant(0x7FFFFFFFFFFFFFFF, bits))
        limit = _filled(builder, least, vector.type.count)
        small = builder.fcmp_ordered("<", builder.bitcast(size, vector.type), limit)
        return builder.select(small, _constant(0.0, vector), vector)

    return vector(vector, types.float64), codegen


def _exp(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """e to the power of each element, within 3 units in the last place, NaN passed on.

    ``exp(x) = 2**k * exp(r)`` with k the nearest integer to ``x / ln 2`` and ``|r| < 0.35``, where
    fourteen terms of the Taylor series suffice. They are summed in pairs (Estrin's scheme), which
    keeps the chain of dependent operations short; k goes straight into the exponent's bits.
    """

    def c(value: float) -> ir.Constant:
        return _constant(value, x)

    def madd(a: ir.Value, b: ir.Value, d: ir.Value) -> ir.Value:
        return builder.fadd(a, builder.fmul(b, d))

    x = builder.select(builder.fcmp_ordered("<", x, c(-_EXP_LIMIT)), c(-_EXP_LIMIT), x)
    x = builder.select(builder.fcmp_ordered(">", x, c(_EXP_LIMIT)), c(_EXP_LIMIT), x)
    shifted = builder.fadd(builder.fmul(x, c(_LOG2_E)), c(_ROUND))
    k = builder.fsub(shifted, c(_ROUND))
    r = builder.fsub(builder.fsub(x, builder.fmul(k, c(_LN2_HIGH))), builder.fmul(k, c(_LN2_LOW)))
    terms = [madd(c(_TAYLOR[n]), c(_TAYLOR[n + 1]), r) for n in range(0, 14, 2)]
    power = r
    while len(terms) > 1:
        power = builder.fmul(power, power)
        pairs = [madd(terms[n], terms[n + 1], power) for n in range(0, len(terms) - 1, 2)]
        terms = pairs + terms[2 * len(pairs) :]
    bits = ir.VectorType(_I64, x.type.count)
    exponent = builder.bitcast(shifted, bits)
    exponent = builder.shl(exponent, _constant(52, exponent))
    return builder.bitcast(builder.add(builder.bitcast(terms[0], bits), exponent), x.type)


@intrinsic
def exp(typingctx, vector):
    """e to the power of each element, within 3 units in the last place; beyond ±700 it stays."""

    def codegen(context, builder, signature, arguments):
        return _exp(builder, arguments[0])

    return vector(vector), codegen


@intrinsic
def logistic(typingctx, vector):
    """The logistic sigmoid 1 / (1 + exp(-x)) of each element, within 4 units in the last place."""

    def codegen(context, builder, signature, arguments):
        one = _constant(1.0, arguments[0])
        negative = builder.fsub(_constant(0.0, arguments[0]), arguments[0])
        return builder.fdiv(one, builder.fadd(one, _exp(builder, negative)))

    return vector(vector), codegen


def _elementwise(symbol: Callable, emit: str) -> None:
    """Teach the compiler ``symbol`` (+, -, *, /) for two vectors, or a vector and a number.

    Said to its typing and lowering by hand: an ``overload`` would have each use typed as a function
    of its own, which made a kernel take twice as long to compile.
    """

    @infer_global(symbol)
    class _Typed(AbstractTemplate):
        def generic(self, arguments: tuple[types.Type, ...], _: Any) -> Any:
            if len(arguments) != 2:
                return None
            vectors = [it for it in arguments if isinstance(it, Vector)]
            rest = [it for it in arguments if not isinstance(it, Vector)]
            if not vectors or {*rest} - {types.float64} or len({*vectors}) > 1:
                return None
            return template_signature(vectors[0], *arguments)

    def operate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> ir.Value:
        width = signature.return_type.width
        both = [
            value if isinstance(kind, Vector) else _filled(builder, value, width)
            for kind, value in zip(signature.args, arguments, strict=True)
        ]
        return getattr(builder, emit)(*both)

    for kinds in ((Vector, Vector), (Vector, types.Float), (types.Float, Vector)):
        lower_builtin(symbol, *kinds)(operate)


_elementwise(operator.add, "fadd")
_elementwise(operator.sub, "fsub")
_elementwise(operator.mul, "fmul")
_elementwise(operator.truediv, "fdiv")
