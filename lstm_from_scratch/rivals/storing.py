"""Networks of the rivals, written to files and read; some come with the package.

Chapter 10 (Is it any good?) compares with them.
"""

from __future__ import annotations

import io
import os
from importlib.resources import files

import numpy as np

from ..arguments import check, checked, one_of
from ..files import write_whole
from ..machine.storing import Archive, shipped
from .feed_forward import FeedForward
from .simple_rnn import SimpleNetwork

FORMAT = 1
"""Version of the files that `save` writes."""

_KINDS = {kind.__name__: kind for kind in (FeedForward, SimpleNetwork)}


@checked
def save(network: FeedForward | SimpleNetwork, path: str | os.PathLike[str]) -> None:
    """Write the weights of a network to an ``.npz`` file, whole or not at all. Chapter 10."""
    file = io.BytesIO()
    np.savez_compressed(
        file,
        format=FORMAT,
        kind=type(network).__name__,
        hidden=network.hidden,
        output=network.output,
    )
    write_whole(path, file.getvalue())


@checked
def load(path: str | os.PathLike[str]) -> FeedForward | SimpleNetwork:
    """Read a file that `save` wrote. Nothing in it is executed. Chapter 10.

    Raises
    ------
    ValueError : if the file is truncated, is something else, or comes from another version.
    FileNotFoundError : if there is none.
    """
    try:
        with Archive(path) as archive:
            version = archive.array("format", "i", ())
            if version != FORMAT:
                raise ValueError(f"it has format {version}, expected {FORMAT}")
            kind = check("kind", archive.text("kind"), one_of(*_KINDS))
            matrices = (archive.array(name, "f", (None, None)) for name in ("hidden", "output"))
            return _KINDS[kind](*matrices)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"there is no file {os.fspath(path)!r}; what comes with the package is "
            "got by name, as in storing.stored('simple-network')"
        ) from error
    # A damaged archive fails in many ways; whatever it is, it is not a file of ours.
    except Exception as error:
        raise ValueError(f"{os.fspath(path)}: not a network of ours: {error}") from error


@checked
def stored(name: str) -> FeedForward | SimpleNetwork:
    """A network of chapter 10 that comes with the package, such as ``"simple-network"``.

    It is that of seed 0 in ``results/composers.csv``; ``tools/train_stored.py`` made it.

    Raises
    ------
    ValueError : if there is none of that name.
    """
    return shipped(files(__package__) / "trained", name, load)
