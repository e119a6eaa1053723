"""The colours that the player, the live pages and the blind test share, light and dark.

Chapter 1 (Twelve bars) has the first player.
"""

from __future__ import annotations

from importlib.resources import files


def palette() -> str:
    """The style sheet to put before one's own: properties such as ``--ground``. Chapter 1."""
    return files(__package__).joinpath("palette.css").read_text(encoding="utf-8")
