"""What the player, live pages, the blind test and movable figures share: colours, buttons.

Chapter 1 (Twelve bars) has the first player.
"""

from __future__ import annotations

from importlib.resources import files


def palette() -> str:
    """The style sheet, light and dark, to put before one's own: ``--ground`` ... Chapter 1."""
    return files(__package__).joinpath("palette.css").read_text(encoding="utf-8")
