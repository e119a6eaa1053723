"""Recipes: everything that a training depends on, as data, and those of both experiments.

A `Recipe` says what is trained and how; `training` follows it, and a result carries it. As printed
in the paper they are `PAPER` and `PAPER_2`, as we recommend them `RECOMMENDED` and `RECOMMENDED_2`.

Chapter 6 (One step at a time) explains them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .. import briefly, limits
from ..arguments import checked, either, real, several, whole
from .layout import Rule
from .network import Topology, Voice

STAIRCASE = (-0.5, -1.0, -1.5, -2.0)
"""The paper's gate biases (section 3.1): they let the blocks come online one by one."""


_GATE_BIASES = ("input_gate_bias", "forget_gate_bias", "output_gate_bias")
_BIAS = either(real(), several(real(), expected="a tuple of one for each block"))


@checked(
    learning_rate=real(0),
    momentum=real(0, below=1),
    initial_range=real(0, 1e6),
    **dict.fromkeys(_GATE_BIASES, _BIAS),
    output_bias=real(),
    wrong=real(0),
    decay=real(0),
    clip=real(above=0, finite=False),
)
@dataclass(frozen=True)
class Learning:
    """How one voice learns. The defaults are the paper's, where it gives one (section 3.1).

    Attributes
    ----------
    learning_rate : step against the gradient, after every time step.
    momentum : share of the last change of a weight that is made again, 0 up to (not with) 1.
    initial_range : weights begin uniform in plus or minus this (not given in the paper).
    input_gate_bias, forget_gate_bias, output_gate_bias : one for each block, at the start; or one
        number for all, of which a `Recipe`, which knows the blocks, makes as many as there are.
    output_bias : of every output unit, at the start.
    wrong : an output that is farther than this from its target makes the step a gross error; with
        1 or more none ever is. 0.5 means: on the wrong side of the threshold.
    until : when the voice stops learning, its momentum (or running means) cleared: ``"test"``, when
        the network first passes its test, or ``"plateau"``, when after that its cross-entropy falls
        no more.
    decay : how fast the learning rate falls after the test is passed: after so many more steps t,
        it is ``learning_rate / (1 + decay * t)``, set anew after each test. 0: it stays.
    optimiser : what is made of the gradient of a step: ``"momentum"``, as in the paper, or
        ``"adam"`` (Kingma and Ba, 2015; `bptt.adam_update`) or ``"rmsprop"`` (Tieleman and Hinton,
        2012; `bptt.rmsprop_update`), which have no use for ``momentum``.
    clip : the largest norm of the voice's gradient of a step, over all of its weights; a longer one
        is shortened. Infinity: none is.

    Raises
    ------
    ValueError : for a number that is not finite or out of its range.
    """

    learning_rate: float = 1e-5
    momentum: float = 0.9
    initial_range: float = 0.1
    input_gate_bias: tuple[float, ...] | float = STAIRCASE
    forget_gate_bias: tuple[float, ...] | float = STAIRCASE
    output_gate_bias: tuple[float, ...] | float = STAIRCASE
    output_bias: float = 0.5
    wrong: float = 0.5
    until: Literal["test", "plateau"] = "test"
    decay: float = 0.0
    optimiser: Literal["momentum", "adam", "rmsprop"] = "momentum"
    clip: float = np.inf

    __repr__ = briefly.differing

    @property
    def rule(self) -> Rule:
        """How the kernel's weights learn: at once where nothing needs the whole gradient."""
        whole = self.optimiser != "momentum" or self.clip < np.inf
        return self.optimiser if whole else "at once"


def _for_each_block(voice: Voice, learning: Learning) -> Learning:
    """How a voice learns, with a bias of each kind of gate for each of its blocks."""
    blocks, given = len(voice.blocks), {}
    for name in _GATE_BIASES:
        biases = getattr(learning, name)
        given[name] = biases if np.ndim(biases) else (float(biases),) * blocks
        if len(given[name]) != blocks:
            raise ValueError(
                f"voice {voice.name!r}: {len(given[name])} {name.replace('_', ' ')}es for {blocks} "
                "blocks"
            )
    return replace(learning, **given)


@checked(
    forgiven=whole(0, limits.TRAINING),
    seed=whole(0),
    give_up_after=whole(1, limits.TRAINING),
    test_every=whole(1, limits.BETWEEN_TESTS),
    choruses=whole(1, limits.CHORUSES),
    window=whole(1, limits.TRAINING),
    gain=real(below=1),
    patience=whole(1, limits.TRAINING),
    windows=whole(1, limits.TRAINING),
    fresh=whole(0, limits.TRAINING),
    restart=whole(0, limits.TRAINING),
)
@dataclass(frozen=True)
class Recipe:
    """Everything a training depends on, apart from the music.

    Attributes
    ----------
    topology : the network to train.
    voices : how each of its voices learns, in the same order.
    forgiven : the gross error of this number since the last reset causes the next one: 1 resets at
        each, 8 forgives seven. 0: never reset.
    seed : of all randomness: initial weights, and which chorus is heard when.
    give_up_after : training ends after so many steps if the test is not passed by then. Once it is,
        ``windows`` is the bound; `max_steps` is that of all steps together.
    test_every : steps between two tests.
    choruses : a network has learned when it plays this many without one wrong note.
    window, gain, patience : the rule for a plateau, looked for once the test is passed.
        Cross-entropy, summed over the voices that go on, is averaged over windows of so many steps.
        Where none of the last ``patience`` windows was lower than the best one before them by more
        than the share ``gain``, training ends.
    windows : training ends after this many of them even if there is no plateau.
    fresh : once the test is passed, and with it the last reset, each chorus of this number begins
        from a cleared state, as a performance does. 0: none does.
    restart : until the test is passed, this many choruses in a row without a reset are followed by
        one that begins from a cleared state. Else a network that errs no more is never reset, and
        never learns to begin, as its test does. 0: none is.
    at_end : what becomes of the state where an episode ends: ``"flow"``, it flows on into the next,
        or ``"clear"``, the next begins from a cleared one.

    Raises
    ------
    ValueError : if the voices don't match the topology, or for a number out of its range.
    """

    topology: Topology
    voices: tuple[Learning, ...]
    forgiven: int = 8
    seed: int = 0
    give_up_after: int = 25_000_000
    test_every: int = 4_800
    choruses: int = 1_000
    window: int = 2_400_000
    gain: float = 0.002
    patience: int = 5
    windows: int = 20
    fresh: int = 0
    restart: int = 0
    at_end: Literal["flow", "clear"] = "flow"

    def __post_init__(self) -> None:
        if len(self.voices) != len(self.topology.voices):
            raise ValueError(
                f"{len(self.voices)} voices learn, the topology has {len(self.topology.voices)}"
            )
        learning = map(_for_each_block, self.topology.voices, self.voices)
        object.__setattr__(self, "voices", tuple(learning))
        if self.window % self.test_every and any(it.until == "plateau" for it in self.voices):
            raise ValueError(
                f"a window of {self.window} steps is not some whole times {self.test_every}, "
                "the steps between two tests"
            )

    def __repr__(self) -> str:
        parts = []
        for voice, learning in zip(self.topology.voices, self.voices, strict=True):
            apart = briefly.set_apart(voice, known=("name", "inputs", "blocks", "outputs"))
            apart += briefly.set_apart(learning)
            parts.append(", ".join((briefly.voices([voice]), *apart)))
        parts.append(", ".join(briefly.set_apart(self, known=("topology", "voices"))))
        return f"Recipe({'; '.join(filter(None, parts))})"

    @checked(learned_at=whole(0))
    def anew_after(self, learned_at: int = 0) -> int:
        """How many episodes in a row without a reset until the next begins from a cleared state.

        0 if none does. ``learned_at`` : steps after which the test was passed, 0 if it was not yet.
        """
        if self.at_end == "clear":
            return 1
        return self.fresh if learned_at else self.restart

    @property
    def max_steps(self) -> int:
        """The most steps that training can take, up to the test and after it."""
        goes_on = any(learning.until == "plateau" for learning in self.voices)
        return self.give_up_after + goes_on * self.windows * self.window


PAPER = Recipe(
    Topology((Voice("chords", 12, (2, 2, 2, 2)),)),
    (Learning(),),
    give_up_after=400_000_000,
    test_every=19_200,
)
"""Experiment 1 as printed. What the paper leaves open is filled in: see the Reconstruction page."""

RECOMMENDED = Recipe(
    Topology((Voice("chords", 12, (2, 2, 2, 2), g=(-1.0, 1.0)),)),
    (Learning(learning_rate=2e-4, initial_range=0.02, forget_gate_bias=(1.0, 2.0, 3.0, 4.0)),),
)
"""Experiment 1 as we recommend it: the same rule, a larger rate, forget gates that begin open."""

_MELODY = Voice("melody", 13, (2, 2, 2, 2), reads=("chords",), choice="sample")

PAPER_2 = replace(
    PAPER,
    topology=Topology((*PAPER.topology.voices, _MELODY)),
    voices=(
        replace(PAPER.voices[0], until="plateau"),
        Learning(wrong=1.0, until="plateau"),
    ),
    window=24_000_000,
    windows=5,
)
"""Experiment 2 as printed: the melody as the chords, and both learn on, for five windows at most.

A melody's choices are no errors, so only those of the chords count as gross (``wrong``)."""

RECOMMENDED_2 = replace(
    RECOMMENDED,
    topology=Topology((*RECOMMENDED.topology.voices, _MELODY)),
    voices=(
        *RECOMMENDED.voices,
        Learning(learning_rate=3e-3, wrong=1.0, until="plateau", decay=1e-7),
    ),
)
"""Experiment 2 as we recommend it: chords as in `RECOMMENDED`, which stop learning when they have
passed their test; the melody's gates begin as printed, with a larger rate that falls."""
