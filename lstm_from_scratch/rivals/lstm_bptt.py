"""The paper's network by another rule: full BPTT, one update after each chorus.

The same memory blocks, the same first weights, the same resets as `training.train`; but the
gradient is `bptt.full_gradient`'s, of the summed error of a whole chorus, by every path within it.
Compiled; a test holds it to the readable form.

Chapter 11 (How sure are we?) sets it beside the paper's rule, and both beside a plain network.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arguments import checked
from ..machine.bptt import update
from ..machine.caching import njit
from ..machine.network import Network
from ..machine.training import Recipe, initial_network
from .layers import CHUNK, back, squash, turn, weigh
from .rehearsal import Lesson, Result, rehearse
from .rehearsal import checked as checked_roll

# Rows of all weights, as in `network`: input gates, forget gates, output gates, cells; then the
# output units. `ranges` are the lower end and the width of g, and of h. What is recorded of a step:
# the logistics of all hidden units' net inputs and of the states, before g and h stretch them.


@njit(cache=True, error_model="numpy", nogil=True)
def _listen(across, block, ranges, x, y, before, state, y_after, hidden, squashed, p):  # type: ignore[no-untyped-def]
    """One step forward: y and state of the step before are read, those after it are written."""
    g_low, g_width, h_low, h_width = ranges
    inputs, cells = x.size, y.size
    blocks = (across.shape[1] - inputs - cells) // 3
    units = 3 * blocks + cells
    weigh(across, 0, units, x, y, hidden)
    squash(hidden, units, 1.0)
    for c in range(cells):
        candidate = g_low + g_width * hidden[3 * blocks + c]
        state[c] = hidden[blocks + block[c]] * before[c] + hidden[block[c]] * candidate
        squashed[c] = state[c]
    squash(squashed, cells, 1.0)
    for c in range(cells):
        y_after[c] = hidden[2 * blocks + block[c]] * (h_low + h_width * squashed[c])
    weigh(across, units, inputs, x, y_after, p)
    squash(p, inputs, 1.0)


@njit(cache=True, error_model="numpy", nogil=True)
def _back(weights, block, ranges, x, ys, states, hidden, squashed, deltas, gradient):  # type: ignore[no-untyped-def]
    """Go back over a chorus; ``ys[0]`` and ``states[0]`` are what it found. See `bptt.backward`."""
    g_low, g_width, h_low, h_width = ranges
    cells = block.size
    units = len(weights) - x.shape[1]
    blocks = (units - cells) // 3
    into_output, later_output = np.zeros(cells), np.zeros(cells)
    later_state, into_net = np.zeros(cells), np.zeros(units)
    gradient[:] = 0.0
    for t in range(len(x) - 1, -1, -1):
        # Into outputs and states of the cells: from this step's error, and from later steps.
        into_output[:] = later_output
        back(weights, units, deltas[t], x[t], ys[t + 1], gradient, into_output)
        into_net[:] = 0.0
        for c in range(cells):
            i, f, o = block[c], blocks + block[c], 2 * blocks + block[c]
            offered, q = hidden[t, 3 * blocks + c], squashed[t, c]
            into_state = into_output[c] * hidden[t, o] * h_width * q * (1.0 - q) + later_state[c]
            into_net[i] += into_state * (g_low + g_width * offered)
            into_net[f] += into_state * states[t, c]
            into_net[o] += into_output[c] * (h_low + h_width * q)
            into_net[3 * blocks + c] = into_state * hidden[t, i] * g_width
            later_state[c] = into_state * hidden[t, f]
        # Through the logistic of every hidden unit.
        for r in range(units):
            into_net[r] *= hidden[t, r] * (1.0 - hidden[t, r])
        later_output[:] = 0.0
        back(weights, 0, into_net, x[t], ys[t], gradient, later_output)


@njit(cache=True, error_model="numpy", nogil=True)
def _train(
    weights, block, ranges, memory, found, counts, roll, choruses, wrong, forgiven,
    adam, rate, momentum, clip,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Learn from whole choruses, one update each; return the error in nats."""
    (length, inputs), cells = roll.shape, block.size
    units = len(weights) - inputs
    across, gradient = np.empty(weights.shape[::-1]), np.empty(weights.shape)
    ys, states = np.empty((length + 1, cells)), np.empty((length + 1, cells))
    hidden, squashed = np.zeros((length, units + CHUNK)), np.zeros((length, cells + CHUNK))
    deltas, p = np.empty((length, inputs)), np.zeros(inputs + CHUNK)
    error = 0.0
    for _ in range(choruses):
        turn(weights, across)
        states[0], ys[0] = found
        for t in range(length):
            _listen(
                across, block, ranges, roll[t], ys[t], states[t],
                states[t + 1], ys[t + 1], hidden[t], squashed[t], p,
            )  # fmt: skip
            worst, likelihood = 0.0, 1.0
            for k in range(inputs):
                deltas[t, k] = p[k] - roll[(t + 1) % length, k]
                off = abs(deltas[t, k])
                worst = max(worst, off)
                likelihood *= 1.0 - off
            error -= np.log(max(likelihood, 1e-300))
            counts[1] += worst > wrong
            counts[2] += worst > wrong
        _back(weights, block, ranges, roll, ys, states, hidden, squashed, deltas, gradient)
        update(weights, gradient, memory, adam, rate, momentum, clip, counts[0])
        counts[0] += 1
        found[0], found[1] = states[length], ys[length]
        if counts[1] >= forgiven:
            counts[1] = 0
            counts[3] += 1
            found[:] = 0.0
    return error


@checked
def train(
    recipe: Recipe,
    roll: np.ndarray,
    test: Callable[[Network], int],
    look: Callable[[Network], object] | None = None,
) -> Result[Network, Recipe]:
    """Train on one chorus, over and over, until the free run holds or the steps are used up.

    One update after each chorus, from the gradient of its summed error; the state flows on from
    chorus to chorus, and what a chorus finds counts as constant. Gross errors are counted as in
    `training.train`, but the state is cleared between two choruses, not within one.

    Parameters
    ----------
    recipe : how, for a topology of one voice that stops learning when its test is passed. The same
        seed begins with the same weights as in `training.train`.
    roll : the chorus, shape ``(steps, inputs)``, zeros and ones.
    test : how many choruses a network plays without a wrong note, see `composing.keeps_form`.
    look : called with the network at each test, if given.

    Raises
    ------
    ValueError : for another roll, tests that don't fall between two choruses, more than one voice
        or another than the paper's, RMSProp, or a recipe that goes on after the test.
    Diverged : if a weight is not finite any more; it has the network of the last test, and its
        ``step`` is the first test at which that was seen.

    Williams and Zipser (1995); chapter 11.
    """
    t = recipe.topology
    if len(t.voices) != 1:
        raise ValueError(f"BPTT trains one voice, the topology has {len(t.voices)}")
    (voice,), (learning,) = t.voices, recipe.voices
    if voice.activation != "logistic" or voice.peepholes or not t.predicts_inputs:
        raise ValueError(
            "BPTT trains the paper's blocks: logistic outputs, one for each input, and no peepholes"
        )
    if learning.until != "test" or recipe.fresh or recipe.restart:
        raise ValueError("BPTT stops at its test: it needs until='test', fresh=0 and restart=0")
    if learning.optimiser == "rmsprop":
        raise ValueError("BPTT follows its gradient by momentum or Adam, got rmsprop")
    roll = checked_roll(roll, t.inputs)
    # As `training.train` parts its randomness: what draws the order of choruses comes first.
    rngs = np.random.default_rng(recipe.seed).spawn(2)[1:]
    start = initial_network(recipe, rngs)
    weights = np.concatenate([start.hidden, start.output])
    memory, found = np.zeros((2, *weights.shape)), np.zeros((2, t.cells))
    (g_low, g_high), (h_low, h_high) = voice.g, voice.h
    ranges = tuple(map(float, (g_low, g_high - g_low, h_low, h_high - h_low)))
    # Updates, gross errors since the last reset, gross errors, resets.
    counts = np.zeros(4, dtype=np.int64)
    how = (
        float(learning.wrong),
        recipe.forgiven or np.iinfo(np.int64).max,
        learning.optimiser == "adam",
        float(learning.learning_rate),
        float(learning.momentum),
        float(learning.clip),
    )

    def network() -> Network:
        return Network(t, weights[: t.hidden_units].copy(), weights[t.hidden_units :].copy())

    def learn(steps: int) -> Lesson:
        _, _, wrong, resets = counts
        choruses = steps // len(roll)
        block = t.block_of_cell
        error = _train(weights, block, ranges, memory, found, counts, roll, choruses, *how)
        return Lesson(error, counts[2] - wrong, counts[3] - resets)

    return rehearse(recipe, roll, weights, network, learn, test, look)
