"""Did it only memorise? What a player improvised, held against the tune that it learned.

Chapter 10 (Is it any good?) asks this of the network of the paper.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..arguments import checked
from ..playing.material import Material, bars_of
from ..playing.players import Piece
from . import measures


class Novelty(NamedTuple):
    """How far an improvised piece strays from its tune: shares between 0 and 1.

    choruses : how many were judged. own_bars : bars that are the tune's own at their place.
    known_bars : bars that the network may have heard at their place, the tune's own among them.
    elsewhere : bars that it did not hear there, but elsewhere in the form. new_bars : the rest.
    own_choruses : choruses that are one of the tune's from the first step to the last. longest_copy
    : of a chorus, the longest stretch that it shares with one of the tune's at the same place, in
    the mean. wrong_chords : steps at which the chords are not the form's.
    """

    choruses: int
    own_bars: float
    known_bars: float
    elsewhere: float
    new_bars: float
    own_choruses: float
    longest_copy: float
    wrong_chords: float

    def report(self) -> str:
        """The same in plain sentences. Chapter 10."""
        many = f"{self.choruses} chorus{'es' * (self.choruses != 1)}"
        return (
            f"Of the bars of {many}, {self.own_bars:.0%} are the tune's own at their place, "
            f"{self.known_bars - self.own_bars:.0%} others that the network heard there, "
            f"{self.elsewhere:.0%} it heard elsewhere in the form, {self.new_bars:.0%} are new.\n"
            f"{self.own_choruses:.0%} of the choruses are the tune's own throughout; the longest "
            f"stretch shared with it is {self.longest_copy:.0%} of a chorus in the mean.\n"
            f"{self.wrong_chords:.1%} of the steps have another chord than the form."
        )


@checked
def judge(piece: Piece) -> Novelty:
    """Judge an improvised piece: what of it is copied, what is new. Chapter 10.

    Of a piece without a melody, all shares but the last are 0.
    """
    known, form = piece.player.material, piece.tune
    chords = known.encoding.chord_units
    wrong = 0.0
    if known.encoding.chords:
        own_roll = known.chord_roll[:, chords]
        wrong = float(measures.wrong_steps(piece.roll[:, chords], own_roll).mean())
    if not known.encoding.melody:
        return Novelty(piece.choruses, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, wrong)
    lines = piece.lines
    own, heard, elsewhere = _bars(lines, known)
    copied = measures.longest_copy(lines, known.own).mean() / form.steps
    whole = (lines[:, None] == known.own[None]).all(axis=2).any(axis=1).mean()
    return Novelty(
        piece.choruses,
        float(own.mean()),
        float((own | heard).mean()),
        float((elsewhere & ~own & ~heard).mean()),
        float((~elsewhere & ~own & ~heard).mean()),
        float(whole),
        float(copied),
        wrong,
    )


def _bars(lines: np.ndarray, known: Material) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which bars are the tune's, which were heard there, which anywhere: ``(choruses, bars)``."""
    played = [bars_of(known.form, line) for line in lines]
    own = [bars_of(known.form, line) for line in known.own]
    everywhere = {bar.tobytes() for choices in known.choices for bar in choices}
    heard = [{bar.tobytes() for bar in choices} for choices in known.choices]
    if known.way == "by heart":
        heard = [{bar.tobytes() for bar in bars} for bars in zip(*own, strict=True)]
        everywhere = set().union(*heard)
    at_place = [{bar.tobytes() for bar in bars} for bars in zip(*own, strict=True)]
    rows = [[bar.tobytes() for bar in bars] for bars in played]

    def found(where: list[set[bytes]]) -> np.ndarray:
        return np.array([[bar in it for bar, it in zip(row, where, strict=True)] for row in rows])

    return found(at_place), found(heard), found([everywhere] * known.form.bars)
