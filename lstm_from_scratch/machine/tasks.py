"""The tasks that LSTM was first known for: Reber strings, counting, spikes at intervals.

Each is a few lines: what is heard, what should be predicted, and a test that says how far a network
gets. They come from Hochreiter and Schmidhuber (1997), Gers, Schmidhuber and Cummins (2000) and
Gers and Schmidhuber (2000, 2001), whose authors wrote the paper on music a little later. A recipe
stands beside each; its learning rule is the paper's, as everywhere in this book.

Chapter 12 (The tasks it came from) learns them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .. import limits
from ..arguments import checked, whole
from .episodes import Episode
from .kernel import Arena, predict
from .network import Network, Topology, Voice
from .recipes import Learning, Recipe

NEVER = 1_000.0
"""The bias of a gate that stays open for ever: its activation is 1 to the last bit, so that its
weights have no gradient. With it on all forget gates, a network is the LSTM of 1997."""

OPEN = (0.5, 1.0, 1.5, 2.0)
"""Forget biases at the start as in Gers, Schmidhuber and Cummins (2000), who give them the other
sign than the input and output gates'."""


# ---- Reber strings -------------------------------------------------------------------------------

SYMBOLS = "BTSXPVE"
"""What Reber strings are made of: one input and one output unit each."""

_ARCS = (
    {"T": 1, "P": 2},
    {"S": 1, "X": 3},
    {"T": 2, "V": 4},
    {"X": 2, "S": 5},
    {"P": 3, "V": 5},
    {},
)
"""Reber's grammar (1967) between its B and E: which symbols lead where. Nothing leads on from the
last."""

REBER = Recipe(
    Topology((Voice("symbols", len(SYMBOLS), (2, 2, 2, 2)),)),
    (
        Learning(
            learning_rate=0.01,
            initial_range=0.2,
            forget_gate_bias=OPEN,
            output_bias=0.0,
            wrong=0.7,
        ),
    ),
    forgiven=1,
    give_up_after=3_000_000,
    test_every=20_000,
    choruses=1_000_000,
)
"""Reber strings without end. Blocks, biases, initial range and reset as in Gers, Schmidhuber and
Cummins (2000): a step is wrong when an output is more than 0.7 away (a squared error of 0.49), and
the stream is broken off there. Rate, momentum and cross-entropy are ours."""


class Stream(NamedTuple):
    """Reber strings, one after another.

    inputs : the symbols, one unit each, shape ``(symbols, 7)``. follows : 1 for each symbol that
    the grammar allows next, 0 elsewhere, of the same shape. ends : True at the last symbol of each
    string, shape ``(symbols,)``.
    """

    inputs: np.ndarray
    follows: np.ndarray
    ends: np.ndarray

    @property
    def episode(self) -> Episode:
        """The stream as something to learn: each symbol is asked for the next one, the last for
        the B with which any string begins."""
        return Episode(self.inputs, np.concatenate([self.inputs[1:], _units("B")]))


def _units(symbols: str) -> np.ndarray:
    """One row for each symbol, with its unit on."""
    return np.eye(len(SYMBOLS))[[SYMBOLS.index(symbol) for symbol in symbols]]


@checked
def reber_string(rng: np.random.Generator | int) -> str:
    """Draw a string of the embedded Reber grammar, such as ``BTBPVVETE``.

    Its second symbol, T or P, comes again as the last but one, whatever stands between: that is
    what must be remembered. Every branch has a chance of a half. Chapter 12.
    """
    rng = np.random.default_rng(rng)
    outer, inner, at = "TP"[rng.integers(2)], "", 0
    while _ARCS[at]:
        symbol = list(_ARCS[at])[rng.integers(2)]
        inner, at = inner + symbol, _ARCS[at][symbol]
    return f"B{outer}B{inner}E{outer}E"


@checked
def reber_follows(string: str) -> list[str]:
    """Which symbols the grammar allows after each symbol of a string of it.

    After the E at the end another string begins.

    Raises
    ------
    ValueError : for what is no string of the embedded grammar.

    Chapter 12.
    """
    allowed, at = ["TP", "B", "TP"], 0
    for symbol in string[3:-3]:
        if symbol not in _ARCS[at]:
            raise ValueError(f"string: {string!r} is not of the embedded Reber grammar")
        at = _ARCS[at][symbol]
        allowed.append("".join(_ARCS[at]) or "E")
    outer = string[1:2]
    if at != 5 or outer not in "TP" or string[:3] + string[-3:] != f"B{outer}BE{outer}E":
        raise ValueError(f"string: {string!r} is not of the embedded Reber grammar")
    return [*allowed, outer, "E", "B"]


@checked(symbols=whole(1, limits.RUN))
def reber_stream(symbols: int, rng: np.random.Generator | int) -> Stream:
    """Draw strings of the embedded Reber grammar until there are so many symbols, or a few more.

    Chapter 12.
    """
    rng = np.random.default_rng(rng)
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    known: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
    drawn = 0
    while drawn < symbols:
        string = reber_string(rng)
        if string not in known:
            follows = np.stack([_units(allowed).sum(axis=0) for allowed in reber_follows(string)])
            known[string] = _units(string), follows, np.arange(len(string)) == len(string) - 1
        parts.append(known[string])
        drawn += len(string)
    return Stream(*(np.concatenate(part) for part in zip(*parts, strict=True)))


@checked(unjudged=whole(0, limits.RUN))
def follows_grammar(
    stream: Stream, *, cleared: bool = False, unjudged: int = 0
) -> Callable[[Network], int]:
    """A stopping test: how many symbols of a stream does a network predict before its first error?

    A prediction is right when each symbol that the grammar allows next has a larger output than
    each that it doesn't: then the one long memory in a string, T or P, is right too.

    Parameters
    ----------
    stream : held out from training. cleared : let the network begin each string from a cleared
        state; otherwise it hears one endless stream. unjudged : so many symbols at the beginning
        are only heard; the answer counts them.

    Chapter 12.
    """
    ends = np.flatnonzero(stream.ends) + 1
    # Without clearing, about a thousand strings at a time: an early error ends the test early.
    stops = ends if cleared else np.append(ends[99:-1:1_000], ends[-1])

    def test(network: Network) -> int:
        arena, start = Arena(network.topology), 0
        arena.set_weights(network)
        for stop in stops:
            if cleared:
                arena.clear()
            _, predictions = arena.run(stream.inputs[start:stop], stop - start)
            allowed = stream.follows[start:stop] > 0
            least = np.where(allowed, predictions, np.inf).min(axis=1)
            wrong = least <= np.where(allowed, -np.inf, predictions).max(axis=1)
            wrong[: max(0, unjudged - start)] = False
            if wrong.any():
                return start + int(np.argmax(wrong))
            start = int(stop)
        return start

    return test


# ---- Counting ------------------------------------------------------------------------------------

COUNTING = Recipe(
    Topology((Voice("letters", 4, (1, 1), peepholes=True),)),
    (
        Learning(
            learning_rate=1e-3,
            input_gate_bias=(-0.5, -1.0),
            forget_gate_bias=(0.5, 1.0),
            output_gate_bias=(-0.5, -1.0),
            output_bias=0.0,
        ),
    ),
    forgiven=1,
    give_up_after=5_000_000,
    test_every=50_000,
    choruses=1_000,
)
"""a^n b^n c^n with two blocks of one cell with peepholes, as in Gers and Schmidhuber (2001); the
other numbers are ours."""


@checked(n=whole(1, 100_000))
def counted(n: int) -> Episode:
    """The string a^n b^n c^n as an episode: at each step, which letters may come next?

    Units are the mark between strings, a, b and c. After the mark comes an a; after an a another
    one or the first b; from there on all is determined, and the mark comes after the last c.
    Targets have 1 for each letter that may come. Gers and Schmidhuber (2001); chapter 12.
    """
    heard = np.repeat([0, 1, 2, 3], [1, n, n, n])
    targets = np.zeros((3 * n + 1, 4))
    targets[np.arange(3 * n + 1), np.r_[heard[1:], 0]] = 1.0
    targets[1 : n + 1, 1:3] = 1.0
    return Episode(np.eye(4)[heard], targets)


@checked(most=whole(1, 10_000))
def counts_to(most: int = 1_000) -> Callable[[Network], int]:
    """A stopping test: up to which n is every string right, each begun from a cleared state?

    A string is right when at each of its steps just the letters that may come next have outputs
    above a half. Chapter 12.
    """

    def test(network: Network) -> int:
        for n in range(1, most + 1):
            inputs, targets, _ = counted(n)
            if ((predict(network, inputs) > 0.5) != (targets > 0.5)).any():
                return n - 1
        return most

    return test


# ---- Spikes at intervals -------------------------------------------------------------------------

SPIKES = Recipe(
    Topology((Voice("spike", 1, (1, 1, 1, 1), g=(-1.0, 1.0), peepholes=True),)),
    (
        Learning(
            learning_rate=3e-3,
            input_gate_bias=-1.0,
            forget_gate_bias=(1.0, 2.0, 3.0, 4.0),
            output_gate_bias=0.0,
            output_bias=0.0,
        ),
    ),
    forgiven=2,
    give_up_after=3_000_000,
    test_every=20_000,
    choruses=100,
)
"""A spike every so many steps, learned as music is: the step's target is the next step."""


@checked(interval=whole(2, limits.PIECE))
def spikes(interval: int) -> np.ndarray:
    """A spike and the silence until the next one, shape ``(interval, 1)``: a roll of one unit.

    Gers and Schmidhuber (2000); chapter 12.
    """
    roll = np.zeros((interval, 1))
    roll[0] = 1.0
    return roll


@checked
def without_peepholes(recipe: Recipe) -> Recipe:
    """A recipe for the same network whose gates don't see the cells' states. Chapter 12."""
    voices = tuple(replace(voice, peepholes=False) for voice in recipe.topology.voices)
    return replace(recipe, topology=Topology(voices))


@checked
def without_forget_gates(recipe: Recipe) -> Recipe:
    """A recipe for the same network with forget gates that stay open for ever, as in 1997.

    Chapter 12.
    """
    voices = tuple(replace(learning, forget_gate_bias=NEVER) for learning in recipe.voices)
    return replace(recipe, voices=voices)
