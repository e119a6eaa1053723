"""What a notebook shows where a cell ends in a chorus, a network or a training.

A chorus is a small player, a network the table of its voices, a result that table and a sentence.
Neither `music` nor `machine` knows of pages, so IPython is told here; importing `showing` in a
notebook does it.

Chapter 4 (The memory block) explains what stands in the table.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import briefly
from ..arguments import checked

if TYPE_CHECKING:  # rooms are imported when there is something to show
    from ..machine import training
    from ..machine.network import Network, Topology
    from ..music.blues import Chorus


@checked
def chorus(chorus: Chorus) -> str:
    """A chorus as a small player, with the chord symbols of its form if the book knows it.

    Chapter 1.
    """
    from ..music.blues import FORMS, SHARED, TWELVE_BAR, chord_notes
    from .player import hear

    known = (TWELVE_BAR, SHARED, *FORMS.values())
    form = next((form for form in known if chord_notes(form) == chorus.chords), None)
    return hear(chorus, form=form)._repr_html_()


@checked
def topology(topology: Topology) -> str:
    """Who reads whom, as a table with a row for each voice. Chapter 4."""
    heads = ("Voice", "Inputs", "Memory blocks", "Reads", "Plays")
    rows = []
    for voice in topology.voices:
        blocks = briefly.cells(voice.blocks) + (", peepholes" if voice.peepholes else "")
        plays = {"threshold": "all above 0.5", "sample": "one, drawn"}[voice.choice]
        rows.append((voice.name, voice.inputs, blocks, ", ".join(("itself", *voice.reads)), plays))
    lines = [_row("th", heads, ' scope="col"'), *(_row("td", row) for row in rows)]
    return f"<table>{''.join(lines)}</table>"


@checked
def network(network: Network) -> str:
    """A network: the table of its voices, and how many weights can learn. Chapter 4."""
    weights = briefly.counted(network.weights, "weight")
    return f"<p>Network of {weights}</p>{topology(network.topology)}"


@checked
def result(result: training.Result) -> str:
    """A training: what came of it, and the network. Chapter 6."""
    said = html.escape(repr(result).removeprefix("Result(").removesuffix(")"))
    return f"<p>{said[0].upper()}{said[1:]}</p>{network(result.network)}"


def _row(kind: str, values: tuple[object, ...], more: str = "") -> str:
    cells = "".join(f"<{kind}{more}>{html.escape(str(value))}</{kind}>" for value in values)
    return f"<tr>{cells}</tr>"


SHOWN: dict[tuple[str, str], Callable[[Any], str]] = {
    ("music.blues", "Chorus"): chorus,
    ("machine.network", "Topology"): topology,
    ("machine.network", "Network"): network,
    ("machine.training", "Result"): result,
}
"""How each type is shown, by the room it comes from and its name."""


def switch_on(shell: Any = None) -> bool:
    """Tell IPython how to show what is `SHOWN`; False where there is no IPython to be told.

    Parameters
    ----------
    shell : an IPython shell; unless given the one that runs this, if any.

    Chapter 1.
    """
    if shell is None and "IPython" in sys.modules:
        shell = sys.modules["IPython"].get_ipython()
    if shell is None:
        return False
    if not hasattr(shell, "display_formatter"):
        raise ValueError(f"shell: expected an IPython shell, got {briefly.came(shell)}")
    house = __name__.partition(".")[0]
    formatter = shell.display_formatter.formatters["text/html"]
    for (room, name), show in SHOWN.items():
        formatter.for_type_by_name(f"{house}.{room}", name, show)
    return True
