"""A picture coded in bands, so that replacing some spares coding the others again. Runs only in the child.

A JPEG may be interrupted every so many blocks by a restart marker, after which nothing refers to what came before
(ITU-T T.81, E.1.4): bands coded alike, one after the other with such markers between them, are one picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.ingest.pixels import jpeg
from services.ingest.pixels.jpeg import Pixels

_ROWS = 16  # a band begins where blocks do, in colour also where those of half size do
_MOST_BLOCKS = 0xFFFF  # between two restart markers


@dataclass(frozen=True)
class Bands:
    """``rows``: pixel rows of each band but the last; ``streams``: each a JPEG of its own."""

    rows: int
    height_px: int
    quality: int
    streams: tuple[bytes, ...]
    blocks: int

    @classmethod
    def of(cls, pixels: Pixels, quality: int, rows: int) -> Bands:
        """Bands of about that many rows."""
        height, width = pixels.shape[:2]
        edge = 8 if pixels.ndim == 2 else 16
        across = -(-width // edge)
        rows = _ROWS * max(1, min(-(-rows // _ROWS), _MOST_BLOCKS // (across * _ROWS // edge)))
        streams = tuple(jpeg.encode(pixels[top : top + rows], quality) for top in range(0, height, rows))
        return cls(rows, height, quality, streams, across * rows // edge)

    def over(self, upper: Pixels) -> Bands:
        """The picture with these rows instead of its upper ones; they fill bands."""
        fresh = [jpeg.encode(upper[top : top + self.rows], self.quality) for top in range(0, len(upper), self.rows)]
        return replace(self, streams=(*fresh, *self.streams[len(fresh) :]))

    def filled(self, rows: int) -> int:
        """That many rows and those that fill the last one's band."""
        return min(self.height_px, -(-rows // self.rows) * self.rows)

    def joined(self) -> bytes:
        first = self.streams[0]
        at = jpeg.scan_at(first)
        frame = jpeg.read_head(first)
        assert frame is not None  # it was coded here
        head = first[: frame.height_at] + self.height_px.to_bytes(2, "big") + first[frame.height_at + 2 : at]
        interval = b"\xff\xdd\x00\x04" + self.blocks.to_bytes(2, "big")
        start = first[at : _coded_at(first, at)]
        return b"".join((head, interval, start, *_interrupted(self.streams), b"\xff\xd9"))


def _interrupted(streams: Sequence[bytes]) -> list[bytes]:
    parts = []
    for number, stream in enumerate(streams):
        if number:
            parts.append(bytes((0xFF, 0xD0 + (number - 1) % 8)))
        parts.append(stream[_coded_at(stream, jpeg.scan_at(stream)) : -2])
    return parts


def _coded_at(stream: bytes, scan_at: int) -> int:
    return scan_at + 2 + int.from_bytes(stream[scan_at + 2 : scan_at + 4], "big")
