"""JPEG streams: what their markers say, and scaled decoding. Runs only in the child process."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

try:
    import simplejpeg
except ImportError:  # no wheel for this platform: Pillow does the same at 1.2 to 1.6 times the cost
    simplejpeg = None

Pixels = NDArray[np.uint8]  # (height, width) grey or (height, width, 3) RGB

SCREEN_QUALITY = 80
THUMB_QUALITY = 70

_ROWS = 16  # pixel rows that are coded together, at most
_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive: what browsers show


@dataclass(frozen=True)
class Head:
    """``plain``: grey or YCbCr of 8 bits that browsers and PDF readers show alike, the same way up.

    ``height_at`` is where in the stream the height stands, in two bytes; ``sequential``: no scan refines another.
    """

    width_px: int
    height_px: int
    components: int
    plain: bool
    height_at: int
    sequential: bool


def is_whole(raw: bytes) -> bool:
    """Whether a stream begins and ends as a JPEG does; scanners pad the end."""
    return raw.startswith(b"\xff\xd8") and raw.rstrip(b"\0\r\n ").endswith(b"\xff\xd9")


def count_scans(raw: bytes) -> int:
    """Start-of-scan markers. In entropy-coded data FF is always followed by 00 or a restart marker."""
    return raw.count(b"\xff\xda")


def read_head(raw: bytes) -> Head | None:
    """Walk the markers up to the first scan.

    Adobe's APP14 may say RGB or inverted CMYK, and an Exif orientation turns the picture in a browser only:
    such streams are whole, but not plain.
    """
    at, frame, frame_at, plain, sequential = 2, None, 0, True, True
    while at + 4 <= len(raw) and raw[at] == 0xFF:
        marker, length = raw[at + 1], int.from_bytes(raw[at + 2 : at + 4], "big")
        segment = raw[at + 4 : at + 2 + length]
        if marker == 0xDA:
            break
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and len(segment) >= 6:
            frame, frame_at, sequential = segment, at + 4, marker in (0xC0, 0xC1)
            plain = plain and marker in _FRAMES and segment[0] == 8 and segment[5] in (1, 3)
        elif marker == 0xEE and segment.startswith(b"Adobe"):
            plain = plain and segment[11:12] == b"\x01"
        elif marker == 0xE1 and segment.startswith(b"Exif"):
            plain = False
        at += 2 + length
    if frame is None:
        return None
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    return Head(width, height, frame[5], plain, frame_at + 1, sequential)


def scan_at(raw: bytes) -> int:
    """Where the first scan's marker stands in a sound stream."""
    at = 2
    while raw[at + 1] != 0xDA:
        at += 2 + int.from_bytes(raw[at + 2 : at + 4], "big")
    return at


def without_metadata(raw: bytes) -> bytes:
    """The same picture without comments and without what programs noted in it: Exif, XMP, IPTC, a user's name.

    Kept are the segments a decoder needs, and those that say what colours mean (JFIF, ICC, Adobe).
    """
    at, kept = 2, [raw[:2]]
    while at + 4 <= len(raw) and raw[at] == 0xFF and raw[at + 1] != 0xDA:
        marker, end = raw[at + 1], at + 2 + int.from_bytes(raw[at + 2 : at + 4], "big")
        if marker != 0xFE and (not 0xE0 <= marker <= 0xEF or marker in (0xE0, 0xE2, 0xEE)):
            kept.append(raw[at:end])
        at = end
    return b"".join([*kept, raw[at:]])


def decode(raw: bytes, *, grey: bool, min_height_px: int) -> tuple[Pixels, bool]:
    """Decode at the smallest eighth that keeps ``min_height_px``: the inverse DCT does the scaling.

    Returns:
        The pixels, and whether the stream was sound; of a damaged one the readable part is returned.

    Raises:
        ValueError: not decodable at all.
    """
    if simplejpeg is None:
        return _decode_with_pillow(raw, grey=grey, min_height_px=min_height_px)
    asked = {"colorspace": "GRAY" if grey else "RGB", "min_height": min_height_px, "min_width": 1}
    try:
        pixels, sound = simplejpeg.decode_jpeg(raw, **asked), True
    except ValueError:
        pixels, sound = simplejpeg.decode_jpeg(raw, strict=False, **asked), False
    return (pixels[..., 0] if grey else pixels), sound


def decode_upper(raw: bytes, head: Head, *, min_height_px: int, share: float) -> Pixels | None:
    """Grey pixels of the upper ``share`` of a sound stream, at the scale ``decode`` takes for the whole.

    The frame is declared to end after those rows, so that the decoder stops there. ``None`` when that cannot be done.
    """
    single = head.sequential and (head.components == 1 or count_scans(raw) == 1)
    if simplejpeg is None or not head.plain or not single:
        return None
    rows = min(head.height_px, -(-math.ceil(head.height_px * share) // _ROWS) * _ROWS)
    eighths = next(n for n in range(1, 9) if n == 8 or -(-head.height_px * n // 8) >= min_height_px)
    at = head.height_at
    upper = simplejpeg.decode_jpeg(
        raw[:at] + rows.to_bytes(2, "big") + raw[at + 2 :],
        colorspace="GRAY",
        min_height=-(-rows * eighths // 8),
        min_width=1,
        strict=False,  # it minds the rows that it was told are not there
    )[..., 0]
    wanted = round(share * -(-head.height_px * eighths // 8))
    return upper[:wanted] if len(upper) >= wanted else None


def _decode_with_pillow(raw: bytes, *, grey: bool, min_height_px: int) -> tuple[Pixels, bool]:
    try:
        image = Image.open(io.BytesIO(raw), formats=("JPEG",))
        image.draft("L" if grey else "RGB", (1, min_height_px))
        return np.asarray(image.convert("L" if grey else "RGB")), True
    except OSError as error:
        raise ValueError("not a JPEG that Pillow decodes") from error


def encode(pixels: Pixels, quality: int) -> bytes:
    if simplejpeg is None:
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
        return buffer.getvalue()
    if pixels.ndim == 2:
        grey = np.ascontiguousarray(pixels)[..., None]
        return bytes(simplejpeg.encode_jpeg(grey, quality=quality, colorspace="GRAY", colorsubsampling="Gray"))
    return bytes(
        simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality=quality, colorspace="RGB", colorsubsampling="420")
    )
