"""MusicXML."""
from .source import Source
def is_musicxml(data: bytes) -> bool:
    return data[:2] == b"PK" or data[:400].lstrip().startswith((b"<", b"\xef\xbb\xbf<", b"\xff\xfe<", b"\xfe\xff"))
def from_musicxml(data: bytes, where: str) -> Source:
    raise ValueError(f"{where}: later")
