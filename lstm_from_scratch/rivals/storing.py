"""Networks of the rivals, written to files and read; some come with the package.

Chapters 10 (Is it any good?) and 15 (Older composers) compare with them.
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
from .todd import SequentialNetwork

FORMAT = 1
"""Version of the files that `save` writes."""

_KINDS = {kind.__name__: kind for kind in (FeedForward, SimpleNetwork, SequentialNetwork)}


@checked
def save(
    network: FeedForward | SimpleNetwork | SequentialNetwork, path: str | os.PathLike[str]
) -> None:
    """Write the weights of a network to an ``.npz`` file, whole or not at all. Chapter 10."""
    file = io.BytesIO()
    fields = {"hidden": network.hidden, "output": network.output}
    if isinstance(network, SequentialNetwork):
        fields["decay"] = np.array(network.decay)
    np.savez_compressed(file, format=FORMAT, kind=type(network).__name__, **fields)
    write_whole(path, file.getvalue())


@checked
def load(path: str | os.PathLike[str]) -> FeedForward | SimpleNetwork | SequentialNetwork:
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
            fields = [archive.array(name, "f", (None, None)) for name in ("hidden", "output")]
            if _KINDS[kind] is SequentialNetwork:
                fields.append(float(archive.array("decay", "f", ())))
            return _KINDS[kind](*fields)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"there is no file {os.fspath(path)!r}; what comes with the package is "
            "got by name, as in storing.stored('simple-network')"
        ) from error
    # A damaged archive fails in many ways; whatever it is, it is not a file of ours.
    except Exception as error:
        raise ValueError(f"{os.fspath(path)}: not a network of ours: {error}") from error


@checked
def stored(name: str) -> FeedForward | SimpleNetwork | SequentialNetwork:
    """A network of chapter 10 or 15 that comes with the package, such as ``"simple-network"``.

    It is that of seed 0 in ``results/composers.csv``, or for ``"todd"`` in
    ``results/older-composers.csv``; ``tools/train_stored.py`` made it.

    Raises
    ------
    ValueError : if there is none of that name.
    """
    return shipped(files(__package__) / "trained", name, load)
