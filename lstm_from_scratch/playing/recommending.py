"""Which network for a form of your own, and how it learns.

The recommended recipe of Experiment 1 was made for the paper's form. Chapter 11 (How sure are we?)
puts both to forms of one bar to thirty-two.
"""

from __future__ import annotations

from dataclasses import replace

from ..arguments import checked, instance
from ..machine.network import Topology
from ..machine.recipes import RECOMMENDED, Recipe
from ..music.blues import Form

FORGIVEN = 4
"""The gross error of this number since the last reset causes the next one."""

BLOCKS = 16
"""Memory blocks, of one cell each: every cell has gates of its own."""

RESTART = 960
"""Steps that may go by without a reset; then a chorus begins from a cleared state."""


@checked(form=instance(Form))
def recommend(form: Form) -> Recipe:
    """The recipe by which a form's chords are learned, for forms that are not the paper's.

    Parameters
    ----------
    form : any; its chords are learned as in Experiment 1 (`encoding.CHORDS_ONLY`).

    Returns
    -------
    Recipe : the rule, the rates and the ranges of `RECOMMENDED`, with sixteen blocks of one cell,
        every fourth gross error a reset, and a beginning from a cleared state at least every 960
        steps, or once a chorus where that is longer. What was measured is in the study
        ``own-forms``.

    Raises
    ------
    ValueError : if ``form`` is none.

    Section 3.1; chapter 11.
    """
    (voice,), (learning,) = RECOMMENDED.topology.voices, RECOMMENDED.voices
    times = BLOCKS // len(voice.blocks)
    biases = ("input_gate_bias", "forget_gate_bias", "output_gate_bias")
    stairs = {name: getattr(learning, name) * times for name in biases}
    return replace(
        RECOMMENDED,
        topology=Topology((replace(voice, blocks=(1,) * BLOCKS),)),
        voices=(replace(learning, **stairs),),
        forgiven=FORGIVEN,
        restart=max(1, RESTART // form.steps),
    )
