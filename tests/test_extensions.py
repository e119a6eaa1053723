"""Peepholes and softmax outputs: they stand beside the equations, and change nothing else.

What they compute is tested with all the rest, against loops in `test_network.py` and derivatives in
`test_gradient.py`. Here it is where they stand, and what goes through their doors.
"""

from __future__ import annotations

import inspect
import pickle
import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from lstm_from_scratch.machine import extensions, gradient, network, squashing
from lstm_from_scratch.machine.extensions import late_sources, through
from lstm_from_scratch.machine.gradient import (
    advance,
    cross_entropy,
    no_partials,
    step_gradient,
)
from lstm_from_scratch.machine.network import Network, State, Topology, Voice, forward
from lstm_from_scratch.showing.source import show

CORE = (forward, advance, step_gradient, cross_entropy)
PLAIN = Voice("v", 3, (2, 1), choice="sample")
EXTENDED = {
    "peepholes": replace(PLAIN, peepholes=True),
    "softmax": replace(PLAIN, activation="softmax"),
    "both": replace(PLAIN, peepholes=True, activation="softmax"),
}
every_extension = pytest.mark.parametrize("kind", EXTENDED)


def drawn(voice: Voice) -> tuple[Network, State, np.ndarray]:
    """A network of one voice with no weight at 0, a state, and inputs."""
    rng, t = np.random.default_rng(5), Topology((voice,))
    hidden = rng.uniform(0.1, 0.9, t.hidden_mask.shape) * t.hidden_mask
    output = rng.uniform(0.1, 0.9, t.output_mask.shape) * t.output_mask
    return Network(t, hidden, output), State(rng.normal(size=3), rng.normal(size=3)), np.eye(3)[0]


# ---- Where they stand ----------------------------------------------------------------------------


@pytest.mark.parametrize("function", CORE, ids=lambda function: function.__name__)
def test_the_core_that_a_reader_is_shown_is_the_equations_alone(function) -> None:
    body = re.sub(r'""".*?"""', "", show(function).code, flags=re.S)
    assert not re.search(r"peephole|softmax|late|respond|\bif\b|\braise\b", body), body
    assert len(body.splitlines()) < 45


def test_imports_run_downwards() -> None:
    """No module knows those that stand above it, but for the names of types."""
    above = {squashing: "extensions|network|gradient", extensions: "network|gradient",
             network: "gradient"}  # fmt: skip
    for module, names in above.items():
        taken = [thing for thing in vars(module).values() if inspect.ismodule(thing)]
        homes = {getattr(thing, "__module__", "") for thing in vars(module).values()}
        found = homes | {thing.__name__ for thing in taken}
        assert not [name for name in found if re.search(rf"_scratch\.({names})$", name or "")]


# ---- What goes through -------------------------------------------------------------------------


def test_doors_stand_in_their_order_and_may_change_what_goes_in_and_comes_out() -> None:
    def first(onward, a, b=1):
        return ["first", *onward(a + 1, b)]

    def second(onward, a, b):
        return ["second", *onward(a, b)]

    @through(first, second)
    def core(a, b):
        """Two numbers."""
        return [a, b]

    assert core(1, 5) == core(a=1, b=5) == ["first", "second", 2, 5]
    assert core(1) == ["first", "second", 2, 1]
    assert (core.__name__, core.__doc__) == ("core", "Two numbers.")
    assert str(inspect.signature(core)) == "(a, b=1)"
    assert inspect.unwrap(core)(1, 5) == [1, 5]


@pytest.mark.parametrize("function", CORE, ids=lambda function: function.__name__)
def test_a_function_behind_doors_is_still_one_that_other_processes_find(function) -> None:
    assert pickle.loads(pickle.dumps(function)) is function


def test_arguments_may_be_named() -> None:
    net, state, inputs = drawn(EXTENDED["both"])
    step = forward(network=net, state=state, inputs=inputs)
    partials = advance(net, no_partials(net.topology), state, step)
    found = step_gradient(network=net, partials=partials, step=step, target=inputs)
    assert found.hidden.tobytes() == step_gradient(net, partials, step, inputs).hidden.tobytes()
    assert cross_entropy([0.2, 0.8], [0, 1], activation="softmax") == pytest.approx(-np.log(0.8))


def test_a_network_without_extensions_goes_straight_through() -> None:
    net, state, inputs = drawn(PLAIN)
    step, core = forward(net, state, inputs), inspect.unwrap(forward)(net, state, inputs)
    assert all(one.tobytes() == other.tobytes() for one, other in zip(step, core, strict=True))
    partials = advance(net, no_partials(net.topology), state, step)
    found = step_gradient(net, partials, step, inputs)
    plain = inspect.unwrap(step_gradient)(net, partials, step, inputs)
    assert all(one.tobytes() == other.tobytes() for one, other in zip(found, plain, strict=True))


@every_extension
def test_an_extension_without_weight_leaves_the_gates_and_cells_as_they_are(kind: str) -> None:
    """Peepholes of weight 0 see nothing; softmax outputs are of no matter to what is inside."""
    plain, state, inputs = drawn(PLAIN)
    t = Topology((EXTENDED[kind],))
    columns = np.r_[: t.cell_sources.stop, t.sources - 1]
    hidden, output = np.zeros(t.hidden_mask.shape), np.zeros(t.output_mask.shape)
    hidden[:, columns], output[:, columns] = plain.hidden, plain.output
    step, other = forward(plain, state, inputs), forward(Network(t, hidden, output), state, inputs)
    outside = {"sources", "output_sources", "prediction"}
    for name in set(step._fields) - outside:
        np.testing.assert_allclose(getattr(other, name), getattr(step, name), rtol=1e-14)
    for name in ("sources", "output_sources"):
        np.testing.assert_allclose(getattr(other, name)[columns], getattr(step, name), rtol=1e-14)
    odds = step.prediction / (1 - step.prediction)
    expected = step.prediction if kind == "peepholes" else odds / odds.sum()
    np.testing.assert_allclose(other.prediction, expected, rtol=1e-12)


def test_output_gates_see_the_states_of_this_step_and_the_others_those_before() -> None:
    net, state, inputs = drawn(EXTENDED["peepholes"])
    t, step = net.topology, forward(net, state, inputs)
    early, late = step.sources, late_sources(t, step.sources, step.cell_state)
    assert early[t.state_sources].tolist() == state.cell_state.tolist()
    assert late[t.state_sources].tolist() == step.cell_state.tolist()
    assert np.delete(late, t.state_sources).tolist() == np.delete(early, t.state_sources).tolist()
    for gate, rows, read in (
        ("input_gate", t.input_gates, early),
        ("forget_gate", t.forget_gates, early),
        ("output_gate", t.output_gates, late),
    ):
        expected = squashing.logistic(net.hidden[rows] @ read)
        np.testing.assert_allclose(getattr(step, gate), expected, rtol=1e-14)


@every_extension
def test_what_does_not_fit_is_refused_at_the_first_door(kind: str) -> None:
    net, state, inputs = drawn(EXTENDED[kind])
    step = forward(net, state, inputs)
    learn = partial(step_gradient, net, no_partials(net.topology), step)
    for wrong, call, message in (
        (np.zeros(4), lambda x: forward(net, state, x), r"inputs: expected shape \(3,\), got"),
        (np.full(3, np.inf), lambda x: forward(net, state, x), "inputs must be finite"),
        (np.zeros(6), lambda y: forward(net, State(y, y), inputs), r"cell_state: .* \(3,\), got"),
        (np.zeros((1, 3)), learn, r"target: expected shape \(3,\), got \(1, 3\)"),
        ([0.0, 1.0], learn, r"target: expected shape \(3,\), got \(2,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            call(wrong)


def test_they_have_a_module_of_their_own() -> None:
    for name in ("softmax", "late_sources", "check_one_unit_on"):
        assert getattr(extensions, name).__module__ == extensions.__name__
        assert not hasattr(network, name) and not hasattr(gradient, name)
