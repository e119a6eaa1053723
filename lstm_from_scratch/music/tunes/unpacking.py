"""From bytes to the elements of a score: archives and XML from strangers, unpacked with care.

An archive is unpacked to no more than `limits.FILE` bytes, and a document that declares entities of
its own is refused, so that no small file becomes a large one.

Chapter 1 (Twelve bars) writes MusicXML.
"""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from ... import limits
from ...arguments import checked

PACKED = b"PK\x03\x04"
"""What an archive begins with."""

_DEPTH = 60


@checked
def root_of(data: bytes, where: str) -> Element:
    """The outermost element of a score, plain or in an archive. Chapter 1.

    Parameters
    ----------
    where : what errors call the file.

    Raises
    ------
    ValueError : for what is damaged, no XML, or larger than `limits` allow.
    """
    if data[:4] == PACKED:
        data = _unpacked(data, where)
    return _parsed(data, where)


def _unpacked(data: bytes, where: str) -> bytes:
    """The score in an archive: the one that its container names, or the first there is."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()[:1000]
            wanted = ""
            if "META-INF/container.xml" in names:
                with suppress(ValueError):  # a damaged one is not needed
                    container = _parsed(_member(archive, "META-INF/container.xml", where), where)
                    found = [it.get("full-path", "") for it in container.iter("rootfile")]
                    wanted = next((name for name in found if name in names), "")
            inside = [
                name
                for name in names
                if name.lower().endswith((".xml", ".musicxml")) and not name.startswith("META-INF")
            ]
            if not (wanted or inside):
                raise ValueError(f"{where}: there is no score in this file, an archive")
            return _member(archive, wanted or inside[0], where)
    except Exception as error:  # zipfile meets damage with whatever broke
        if str(error).startswith(where):
            raise
        raise ValueError(f"{where}: a damaged archive: {type(error).__name__}: {error}") from error


def _member(archive: zipfile.ZipFile, name: str, where: str) -> bytes:
    """What is packed under a name, if it is no larger than `limits.FILE`."""
    with archive.open(name) as file:
        data = file.read(limits.FILE + 1)
    if len(data) > limits.FILE:
        raise ValueError(f"{where}: expected at most {limits.FILE:,} bytes in it, {name} has more")
    return data


def _parsed(data: bytes, where: str) -> Element:
    """The elements of a document without a single entity of its own."""
    builder, parser = TreeBuilder(), expat.ParserCreate()
    open_elements, count = 0, 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal open_elements, count
        open_elements, count = open_elements + 1, count + 1
        if open_elements > _DEPTH or count > limits.EVENTS:
            raise ValueError(
                f"{where}: expected at most {limits.EVENTS:,} elements, {_DEPTH} within one another"
            )
        builder.start(tag.rpartition("}")[2], attributes)

    def end(tag: str) -> None:
        nonlocal open_elements
        open_elements -= 1
        builder.end(tag.rpartition("}")[2])

    def entity(*_: object) -> None:
        raise ValueError(f"{where}: it declares entities of its own, which no score needs: refused")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = builder.data, entity
    parser.buffer_text = True
    try:
        parser.Parse(data, True)
        return builder.close()
    except expat.ExpatError as error:
        cut = " or cut short" if error.code in (3, 5) else ""
        raise ValueError(
            f"{where}: damaged XML{cut}: {error} ({len(data):,} bytes that begin with {data[:8]!r})"
        ) from error
    except (AssertionError, LookupError, UnicodeError) as error:
        raise ValueError(f"{where}: damaged XML: {error}") from error
