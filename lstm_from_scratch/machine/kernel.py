"""The inner loops of training and free run, compiled: the same steps as `network` and `gradient`.

Those two modules are written to be read; this one is written to be run. It differs in layout, not
in arithmetic: a network is packed into one flat array, the *arena*, where each voice has a `Room`
whose size and place are known to the compiler. Several networks of one topology may stand side by
side in *lanes*; the ordinary case is one lane. The innermost dimension of everything is the lane,
then the block: that is what a processor works on at once (see `vectors`).

Here are the loops over steps and voices, and the `Arena` that runs them. `layout` says where
everything stands, `packing` puts networks in and takes them out, `steps` is one step of one voice,
and `updates` is what it learns from it.

Nothing here may be reordered by the compiler: a seed gives the same weights, bit for bit, on every
machine, alone or in a lane beside others.

Appendix A (The engine room) explains this module.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .. import briefly, limits
from ..arguments import (
    array,
    check,
    checked,
    either,
    expect_shape,
    instance,
    none,
    real,
    whole,
)
from . import packing
from .caching import njit
from .compiling import overload
from .episodes import Packed, from_rolls
from .layout import CLEARED, MEMORY, Room, Rule, rooms, zeros
from .network import Network, State, Topology
from .steps import changed, clear, hear, listen, present, recalled
from .updates import RESCALE, SWEPT_EVERY, judge, practise, sweep


def _in_every_room(work: Any) -> Any:
    """Make of a function of one room a function of a tuple of them: did any of them say True?"""

    def every(rooms, *args):
        """Replaced below when compiled."""

    @overload(every, jit_options={"forceinline": True})
    def _(rooms, *args):
        if len(rooms) == 1:
            return lambda rooms, *args: work(rooms[0], *args)

        def both(rooms, *args):
            first = work(rooms[0], *args)
            rest = every(rooms[1:], *args)
            return first or rest

        return both

    return every


_listen_all = _in_every_room(listen)
_present_all = _in_every_room(present)
_practise_all = _in_every_room(practise)
_hear_all = _in_every_room(hear)
_judge_all = _in_every_room(judge)
_clear_all = _in_every_room(clear)
_sweep_all = _in_every_room(sweep)
_recalled_all = _in_every_room(recalled)
_changed_all = _in_every_room(changed)


# Columns of the cursors that say where each lane is: the episode it hears (in music: the chorus; -1
# if there is none left), the step it is at, how many of those ordered for it are used up, its gross
# errors and whole episodes since it was last cleared, and the steps since it was last swept.
_SONG, _STEP, _USED, _ERRORS, _WHOLE, _SINCE = range(6)


@njit(cache=True, error_model="numpy", nogil=True)
def _train(rooms, arena, heard, orders, cursors, forgiven, fresh, tally, steps):
    """Learn for some steps; see `Arena.train`. Returns how many there were."""
    inputs, targets, judged, starts, ahead = heard
    lanes, ordered = orders.shape
    for lane in range(lanes):
        cursors[lane, _USED] = 0
    for done in range(steps):
        for lane in range(lanes):
            song, now, used = cursors[lane, _SONG], cursors[lane, _STEP], cursors[lane, _USED]
            if song < 0:
                return done
            row = starts[song] + now
            target = row + ahead
            if row + 1 < starts[song + 1]:
                cursors[lane, _STEP] = now + 1
            else:
                cursors[lane, _SONG] = orders[lane, used] if used < ordered else -1
                cursors[lane, _STEP] = 0
                cursors[lane, _USED] = used + 1
                cursors[lane, _WHOLE] += 1
                if ahead:
                    target = starts[orders[lane, used]]
            _present_all(rooms, arena, lane, inputs[row], targets[target], judged[row])
        _listen_all(rooms, arena)
        _practise_all(rooms, arena)
        for lane in range(lanes):
            if _judge_all(rooms, arena, lane):
                tally[lane, 0] += 1
                cursors[lane, _ERRORS] += 1
                if cursors[lane, _ERRORS] >= forgiven[lane]:
                    tally[lane, 1] += 1
                    _clear_all(rooms, arena, lane)
                    # In music a chorus that was to begin now has been asked for, and is over.
                    if ahead or cursors[lane, _STEP] > 0:
                        used = cursors[lane, _USED]
                        cursors[lane, _SONG] = orders[lane, used] if used < ordered else -1
                        cursors[lane, _USED] += 1
                    cursors[lane, _STEP] = 0
                    cursors[lane, _ERRORS] = 0
                    cursors[lane, _WHOLE] = 0
            if cursors[lane, _STEP] == 0 and cursors[lane, _WHOLE] >= fresh[lane]:
                _clear_all(rooms, arena, lane)
                cursors[lane, _WHOLE] = 0
            cursors[lane, _SINCE] += 1
            if cursors[lane, _SINCE] == SWEPT_EVERY:
                _sweep_all(rooms, arena, lane)
                cursors[lane, _SINCE] = 0
    return steps


@njit(cache=True, error_model="numpy", nogil=True)
def _raised(number, power):
    """A number to some power; the first power is the number itself, and costs nothing."""
    return number if power == 1.0 else number**power


@checked(
    outputs=array("units", some=True, dtype=float),
    draw=real(0, below=1, as_float=True),
    temperature=real(0, as_float=True),
)
@njit(cache=True, error_model="numpy", nogil=True)
def draw_unit(outputs, draw, temperature):
    """Choose one unit: outputs made to sum to 1 are its probability (section 4.2).

    Parameters
    ----------
    outputs : of one voice, shape ``(units,)``, each at least 0.
    draw : a uniform random number from 0 up to 1.
    temperature : outputs are raised to 1 / temperature first; 1 leaves them as they are, and 0
        takes the largest.

    Returns
    -------
    The number of the unit; -1 if the outputs sum to nothing or are not finite.

    Chapter 8.
    """
    largest = 0
    for unit in range(len(outputs)):
        if not 0.0 <= outputs[unit] < math.inf:
            return -1
        if outputs[unit] > outputs[largest]:
            largest = unit
    if outputs[largest] == 0.0:
        return -1
    if temperature == 0.0:
        return largest
    # Relative to the largest, so that no power of it can vanish or overflow.
    power, total, passed = 1.0 / temperature, 0.0, 0.0
    for unit in range(len(outputs)):
        total += _raised(outputs[unit] / outputs[largest], power)
    for unit in range(len(outputs)):
        passed += _raised(outputs[unit] / outputs[largest], power)
        if passed > draw * total:
            return unit
    return largest


@njit(cache=True, error_model="numpy", nogil=True)
def _run(rooms, arena, roll, given, predictions, voices, draws, temperature):
    """Predict without learning, from step ``given`` on with its own choices; see `Arena.run`."""
    for step in range(len(roll)):
        _present_all(rooms, arena, 0, roll[step], predictions[step], 0.0)
        _listen_all(rooms, arena)
        _hear_all(rooms, arena)
        _recalled_all(rooms, arena, predictions, step)
        if not given <= step + 1 < len(roll):
            continue
        for voice in range(len(voices)):
            start, stop, samples = voices[voice]
            for unit in range(start, stop):
                on = predictions[step, unit] > 0.5 and not samples
                roll[step + 1, unit] = 1.0 if on else 0.0
            if samples:
                outputs = predictions[step, start:stop]
                unit = draw_unit(outputs, draws[step + 1, voice], temperature)
                if unit < 0:
                    return step + 1
                roll[step + 1, start + unit] = 1.0
    return 0


@njit(cache=True, error_model="numpy", nogil=True)
def _recall(rooms, arena, roll, choruses, snapshot, prediction):
    """Free run until the first wrong note or the first return of a state; see `Arena.recall`."""
    length = len(roll)
    taken = 0
    for chorus in range(1, choruses + 1):
        for now in range(length):
            # As long as no note was wrong, the network's own output is the form itself.
            _present_all(rooms, arena, 0, roll[now], roll[(now + 1) % length], 0.0)
            _listen_all(rooms, arena)
            _hear_all(rooms, arena)
            if _recalled_all(rooms, arena, prediction, 0):
                return (chorus - 1) * length + now, 0
        if taken > 0 and not _changed_all(rooms, arena, snapshot):
            return chorus * length, chorus - taken
        if chorus & (chorus - 1) == 0:  # after 1, 2, 4, 8, ... choruses
            snapshot[:] = arena
            taken = chorus
    return choruses * length, 0


class Recall(NamedTuple):
    """How long a free run kept to the form.

    steps : predictions in a row that were right on every unit.
    period : 0, or the number of choruses after which the whole state came back bit for bit: then
        the network goes on in that circle for ever.
    """

    steps: int
    period: int


class Tally(NamedTuple):
    """What happened in some steps of training, for each lane.

    gross_errors, resets : counts, shape ``(lanes,)``.
    cross_entropy : nats in all, shape ``(lanes, voices)``.
    steps : how many there were.
    """

    gross_errors: np.ndarray
    resets: np.ndarray
    cross_entropy: np.ndarray
    steps: int


def _check_rules(rules: tuple[Rule, ...], voices: int, lanes: int) -> None:
    """See that so many voices can learn by these rules in so many lanes."""
    if len(rules) != voices or not set(rules) <= set(MEMORY):
        raise ValueError(
            f"expected a rule for each of {voices} voices, each one of "
            f"{list(MEMORY)}, got {list(rules)}"
        )
    if lanes > 1 and set(rules) != {"at once"}:
        raise ValueError(
            f"{lanes} lanes: only the rule 'at once' learns in several, got {list(rules)}"
        )


@checked(lanes=whole(1, limits.UNITS))
class Arena:
    """Networks of one topology packed side by side, with all that training needs of them.

    Parameters
    ----------
    topology : of all networks in it.
    lanes : how many stand side by side.
    rules : how the weights of each voice learn, see `Rule`; ``None``: all at once.

    Raises
    ------
    ValueError : for a number of rules that is not that of the voices, a rule that there is not, or
        several lanes with a rule other than at once.
    """

    def __init__(
        self, topology: Topology, lanes: int = 1, rules: tuple[Rule, ...] | None = None
    ) -> None:
        if rules is not None:
            _check_rules(rules, len(topology.voices), lanes)
        self.topology, self.lanes = topology, lanes
        self.rooms: tuple[Room, ...] = rooms(topology, lanes, rules)
        self.data = zeros(sum(room.size for room in self.rooms))
        self.cursors = np.zeros((lanes, 6), dtype=np.int64)
        packing.furnish(self.rooms, self.data, topology)

    def __repr__(self) -> str:
        lanes = briefly.counted(self.lanes, "lane")
        return f"Arena({briefly.voices(self.topology.voices)}; {lanes})"

    def set_weights(self, network: Network, lane: int = 0) -> None:
        """Put a network into a lane, cleared and without momentum or running means."""
        packing.put_weights(self.rooms, self.data, lane, self.topology, network)
        for room in self.rooms:
            packing.forget(room, self.data, lane)
        self.clear(lane)

    def weights(self, lane: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The matrices ``hidden`` and ``output`` of a lane, as `Network` has them."""
        return self._matrices("", lane)

    def velocity(self, lane: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The momentum of each weight of a lane, shaped as the weights are.

        Of a voice that learns by Adam it is the running mean of the gradient.
        """
        return self._matrices("_velocity", lane)

    def square(self, lane: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The running mean of each gradient's square, of Adam or RMSProp; 0 elsewhere."""
        return self._matrices("_square", lane)

    def _matrices(self, table: str, lane: int) -> tuple[np.ndarray, np.ndarray]:
        where = self.rooms, self.data, lane, self.topology
        return packing.matrix(*where, f"hidden{table}"), packing.matrix(*where, f"output{table}")

    def network(self, lane: int = 0) -> Network:
        """A copy of the network in a lane.

        Raises
        ------
        ValueError : if one of its weights is not finite.
        """
        return Network(self.topology, *self.weights(lane))

    def state(self, lane: int = 0) -> State:
        """A copy of the state of the network in a lane."""
        return packing.state(self.rooms, self.data, lane, self.topology)

    def set_state(self, state: State, lane: int = 0) -> None:
        """Put a state into a lane: the next run goes on from it."""
        for name, values in zip(State._fields, state, strict=True):
            expect_shape(f"state, {name}", values, (self.topology.cells,))
        packing.put_state(self.rooms, self.data, lane, self.topology, state)

    def partials(self, lane: int = 0) -> np.ndarray:
        """The partials of a lane, shape ``(3, cells, sources)``: cell, input gate, forget gate.

        They are 0 where no weight needs them.
        """
        return packing.partials(self.rooms, self.data, lane, self.topology)

    def clear(self, lane: int = 0) -> None:
        """Clear states, cell outputs and partials of a lane; weights and momentum stay."""
        check("lane", lane, whole(0, self.lanes - 1))
        for room in self.rooms:
            for name in CLEARED:
                if name in room.shapes():
                    room.view(self.data, name)[..., lane] = 0.0

    @checked(
        learning_rate=real(0),
        momentum=real(0, below=1),
        wrong=real(0, finite=False),
        clip=real(0, finite=False),
    )
    def set_learning(
        self,
        voice: int,
        *,
        learning_rate: float,
        momentum: float,
        wrong: float = np.inf,
        clip: float = np.inf,
        lane: int = 0,
    ) -> None:
        """Set how a voice learns: how fast, with what momentum, what error of an output is gross.

        With a learning rate of 0 it stops, and its momentum and running means are cleared; its
        partials, which then stand still, are cleared when it goes on. ``clip`` is the largest norm
        of its gradient of a step; a longer one is shortened.

        Raises
        ------
        ValueError : for a limit to the norm where weights learn at once.
        """
        check("voice", voice, whole(0, len(self.rooms) - 1))
        check("lane", lane, whole(0, self.lanes - 1))
        room = self.rooms[voice]
        if room.rule != "at once":
            room.view(self.data, "clip")[0, lane] = clip
        elif clip != np.inf:
            raise ValueError(
                f"a gradient's norm is known when the step is over: where weights learn at once it "
                f"can't be limited to {clip}"
            )
        if room.view(self.data, "rate")[0, lane] == 0.0:
            for name in room.shapes():
                if name.endswith("partials"):
                    room.view(self.data, name)[..., lane] = 0.0
        for name, value in (("rate", learning_rate), ("momentum", momentum), ("wrong", wrong)):
            room.view(self.data, name)[0, lane] = value
        if learning_rate == 0.0:
            room.view(self.data, "momentum")[0, lane] = 0.0
            packing.forget(room, self.data, lane)

    @property
    def used(self) -> int:
        """How many of the episodes ordered for the first lane its last training used up."""
        return int(self.cursors[0, _USED])

    @property
    def through(self) -> bool:
        """Has the first lane heard all that was ordered for it?"""
        return bool(self.cursors[0, _SONG] < 0)

    @checked(episode=whole(0, limits.TRAINING), lane=whole(0))
    def begin(self, episode: int, lane: int = 0) -> None:
        """Let a lane go on at the beginning of an episode, in whatever state it is.

        Raises
        ------
        ValueError : for a lane that isn't there.
        """
        check("lane", lane, whole(0, self.lanes - 1))
        self.cursors[lane, [_SONG, _STEP]] = episode, 0

    @checked(
        rolls=either(
            array("choruses", "steps", "inputs", some=True, dtype=float), instance(Packed)
        ),
        orders=array("lanes", "drawn", whole=True, dtype=np.int64),
        forgiven=array("lanes", whole=True, dtype=np.int64),
        steps=whole(0, limits.BETWEEN_TESTS),
        fresh=either(array("lanes", whole=True, dtype=np.int64), none()),
    )
    def train(
        self,
        rolls: np.ndarray | Packed,
        orders: np.ndarray,
        forgiven: np.ndarray,
        steps: int,
        fresh: np.ndarray | None = None,
    ) -> Tally:
        """Learn online for some steps, going on where the last call stopped.

        Parameters
        ----------
        rolls : choruses, shape ``(choruses, steps, inputs)``; or packed episodes.
        orders : for each lane the episodes to go on with after the present one, shape ``(lanes,
            episodes)``. What is not used up is forgotten; of rolls there must be more than
            ``steps``. Where they are used up, training ends.
        forgiven : for each lane, how many gross errors cause a reset.
        steps : how many.
        fresh : for each lane, after how many episodes in a row the next begins from a cleared
            state; ``None``: never.

        Raises
        ------
        ValueError : for other shapes, or an order in which a chorus is missing.
        """
        packed = rolls if isinstance(rolls, Packed) else from_rolls(rolls)
        self._expect_order(packed, orders, forgiven, steps)
        for room in self.rooms:
            room.view(self.data, "likelihood")[:] = 1.0
            room.view(self.data, "rescaled")[:] = 0.0
        tally = np.zeros((self.lanes, 2), dtype=np.int64)
        fresh = np.full(self.lanes, np.iinfo(np.int64).max) if fresh is None else fresh
        done = _train(
            self.rooms,
            self.data,
            tuple(packed),
            orders,
            self.cursors,
            forgiven,
            fresh,
            tally,
            steps,
        )
        entropy = [
            -np.log(room.view(self.data, "likelihood")[0])
            - room.view(self.data, "rescaled")[0] * np.log(RESCALE)
            for room in self.rooms
        ]
        return Tally(tally[:, 0], tally[:, 1], np.array(entropy).T, int(done))

    def _expect_order(
        self, packed: Packed, orders: np.ndarray, forgiven: np.ndarray, steps: int
    ) -> None:
        """See that compiled code, which does not look, finds every episode that it goes for."""
        rows, episodes = len(packed.inputs), len(packed.starts) - 1
        expect_shape("rolls", packed.inputs, (rows, self.topology.inputs))
        expect_shape("rolls", packed.targets, (rows, self.topology.outputs))
        expect_shape("forgiven", forgiven, (self.lanes,))
        enough = not packed.ahead or orders.shape[1] > steps
        if len(orders) != self.lanes or not enough:
            raise ValueError(
                f"orders: expected more than {steps} choruses for each of {self.lanes} lanes, got "
                f"shape {orders.shape}"
            )
        if orders.size and not 0 <= orders.min() <= orders.max() < episodes:
            raise ValueError(
                f"orders: expected numbers of episodes from 0 to {episodes - 1}, got "
                f"{orders.min()} to {orders.max()}"
            )

    @checked(
        roll=array("steps", "inputs", some=True, dtype=float),
        given=whole(1, limits.RUN),
        draws=either(array("steps", "voices", dtype=float), none()),
        temperature=real(0, as_float=True),
    )
    def run(
        self,
        roll: np.ndarray,
        given: int,
        draws: np.ndarray | None = None,
        temperature: float = 1.0,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Hear a roll without learning (one lane), going on from the state it is in.

        Parameters
        ----------
        roll : inputs, shape ``(steps, inputs)``; rows from ``given`` on are replaced by the
            network's own choices, as each voice makes them (see `Voice`).
        given : rows that are not replaced, at least 1.
        draws : uniform random numbers for voices that draw, shape ``(steps, voices)``.
        temperature : of their drawing, see `draw_unit`.

        Returns
        -------
        roll, predictions : what was heard, and the prediction made at each step, of shape
            ``(steps, outputs)``.

        Raises
        ------
        ValueError : if a voice that draws has outputs that can't be probabilities; for rows to
            choose where a voice has not an output for each input.
        """
        expect_shape("roll", roll, (len(roll), self.topology.inputs))
        if given < len(roll):
            self._goes_on_by_itself()
        heard, predictions = roll.copy(), np.zeros((len(roll), self.topology.outputs))
        draws = np.zeros((len(roll), len(self.rooms))) if draws is None else draws
        expect_shape("draws", draws, (len(roll), len(self.rooms)))
        voices = np.array(
            [
                (room.start, room.start + room.inputs, voice.choice == "sample")
                for room, voice in zip(self.rooms, self.topology.voices, strict=True)
            ]
        )
        failed = _run(self.rooms, self.data, heard, given, predictions, voices, draws, temperature)
        if failed:
            wrong = "the outputs of a voice sum to zero or are not finite"
            raise ValueError(f"step {failed}: {wrong}; no note can be drawn from them")
        return heard, predictions

    def _goes_on_by_itself(self) -> None:
        if not self.topology.predicts_inputs:
            raise ValueError(
                f"a network with {self.topology.inputs} inputs and {self.topology.outputs} outputs "
                "can't go on by itself: each voice needs an output for each of its inputs"
            )

    @checked(
        roll=array("steps", "inputs", some=True, dtype=float), choruses=whole(1, limits.CHORUSES)
    )
    def recall(self, roll: np.ndarray, choruses: int) -> Recall:
        """Free run from a cleared state until the first wrong note, or the return of a state.

        Parameters
        ----------
        roll : one chorus, shape ``(steps, inputs)``; its first row is given.
        choruses : how many to play at the most.
        """
        self._goes_on_by_itself()
        expect_shape("roll", roll, (len(roll), self.topology.inputs))
        self.clear()
        snapshot, predictions = np.zeros(self.data.shape), np.zeros((1, roll.shape[1]))
        return Recall(*_recall(self.rooms, self.data, roll, choruses, snapshot, predictions))


@checked(inputs=array("steps", "inputs", some=True, dtype=float))
def predict(network: Network, inputs: np.ndarray) -> np.ndarray:
    """What a network predicts at each step of some inputs, from a cleared state.

    As `network.record` has it, and many times faster. Inputs are any numbers, of shape ``(steps,
    inputs)``; outputs have the shape ``(steps, outputs)``.

    Raises
    ------
    ValueError : for inputs of another width.

    Chapter 12.
    """
    expect_shape("inputs", inputs, (len(inputs), network.topology.inputs))
    arena = Arena(network.topology)
    arena.set_weights(network)
    return arena.run(inputs, len(inputs))[1]
