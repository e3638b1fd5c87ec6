"""From one side of the pile to its upright A4 pages. Runs only in the child process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from contracts.records.codes import PageCode
from services.ingest.pixels import codes, jpeg
from services.ingest.pixels.header import Header
from services.ingest.pixels.jpeg import Pixels
from services.ingest.pixels.masking import hides, masked_pixels
from services.ingest.pixels.measure import Face, find_fold, measure
from services.ingest.pixels.sides import SCREEN_PX, Side, grid, thumb, turned

# Evidence for which way up, in units of ``Face.lean``: a header that was really found settles it.
HEADER_WEIGHT = 20.0
UNSURE_HEADER_WEIGHT = 1.5
DECIDED = 0.8

READING_QUALITY = 85
HANGING = 3 / 297  # 3 mm: how far a letter hangs below its box
SIDEWAYS_ASPECT = 1.15


@dataclass(frozen=True)
class _Part:
    """One face: ``half``, its columns as shares of the side laid level (before a half turn), and what was seen."""

    half: str
    first: float
    last: float
    face: Face
    code: PageCode | None = None


class Cutter:
    """Collects the sides of one task. ``sides`` is JSON:

    ``{"side_no", "sound", "spread", "faces": [{"half", "clip": [x, y, w, h], "turn_deg", "blank", "ink",
    "header": null | {"bottom", "boxes", "sure"}, "images": {"full"?, "screen", "thumb"},
    "masked"?: {"screen", "thumb"}, "mask_holds"?, "header_image"?, "code": null | {"exam", "copy", "page"},
    **features}]}`` where an image is ``{"blob", "width_px", "height_px"}`` and features are what ``_features`` gives.
    """

    def __init__(self) -> None:
        self.sides: list[dict[str, Any]] = []
        self.blobs: list[bytes] = []
        self._known_turn = 0
        self._codes = codes.Codes()

    def add(self, side: Side, side_no: int) -> None:
        displayed = side.pixels(SCREEN_PX)
        quarter = 90 if _lies_sideways(displayed, side.spread) else 0
        level = turned(displayed, quarter)
        look = grid(level)
        found = self._codes.of(side, quarter, look)
        parts = _parts(codes.without(look, found), side.spread)
        parts = [
            part if each is None else replace(part, code=each.code) for part, each in zip(parts, found, strict=True)
        ]
        half_turn = self._half_turn(parts, found)
        if half_turn:
            level = turned(level, 180)
            parts = [_upside_down(part) for part in reversed(parts)]
        turn_deg = quarter + half_turn
        self.sides.append(
            {
                "side_no": side_no,
                "sound": side.sound,
                "spread": side.spread,
                "faces": [self._page(side, level, part, quarter, turn_deg) for part in parts],
            }
        )

    def _half_turn(self, parts: Sequence[_Part], found: Sequence[codes.Found | None]) -> int:
        """0 or 180; a printed code knows. A side that says nothing (blank) lies as the last first page did: one hand
        laid the pile.
        """
        told = sum(1 if each.upright else -1 for each in found if each is not None and each.upright is not None)
        if told:
            self._known_turn = 180 if told < 0 else 0
            return self._known_turn
        lean = 0.0
        for part in parts:
            lean += part.face.lean
            for header, sign in ((part.face.header, 1), (part.face.turned_header, -1)):
                if header is not None:
                    lean += sign * (HEADER_WEIGHT if header.sure else UNSURE_HEADER_WEIGHT)
        if abs(lean) < DECIDED:
            return self._known_turn
        half_turn = 180 if lean < 0 else 0
        if abs(lean) > HEADER_WEIGHT / 2:
            self._known_turn = half_turn
        return half_turn

    def _page(self, side: Side, level: Pixels, part: _Part, quarter: int, turn_deg: int) -> dict[str, Any]:
        first, last = (part.first, part.last) if turn_deg == quarter else (1 - part.last, 1 - part.first)
        screen = np.ascontiguousarray(_columns(level, first, last))
        header = part.face.header
        page: dict[str, Any] = {
            "half": part.half,
            "clip": _clip(part, quarter),
            "turn_deg": turn_deg,
            "blank": side.sound and part.face.blank and header is None,
            "ink": part.face.ink_cells,
            "header": None if header is None else vars(header),
            "images": self._shown(screen),
            **_features(part.face, turn_deg - quarter == 180),
            "code": part.code and codes.as_json(part.code),
        }
        if _full_is_the_stream(side, part):
            assert side.scan is not None
            page["images"]["full"] = self._keep(
                jpeg.without_metadata(side.stream()), side.scan.width_px, side.scan.height_px
            )
        if header is not None:
            box = header_box(header, part.face.skew_deg)
            page["header_box"] = box
            masked = masked_pixels(screen, box)
            page["masked"] = self._shown(masked)
            page["mask_holds"] = hides(masked, box)
            # The reader wants to see the rule too.
            strip = side.reading(turn_deg, min(1.0, box[3] + _drop(part.face.skew_deg) + HANGING))
            page["header_image"] = self._encoded(_columns(strip, first, last), READING_QUALITY)
        return page

    def _shown(self, screen: Pixels) -> dict[str, Any]:
        return {
            "screen": self._encoded(screen, jpeg.SCREEN_QUALITY),
            "thumb": self._encoded(thumb(screen), jpeg.THUMB_QUALITY),
        }

    def _encoded(self, pixels: Pixels, quality: int) -> dict[str, int]:
        return self._keep(jpeg.encode(pixels, quality), pixels.shape[1], pixels.shape[0])

    def _keep(self, data: bytes, width_px: int, height_px: int) -> dict[str, int]:
        self.blobs.append(data)
        return {"blob": len(self.blobs) - 1, "width_px": width_px, "height_px": height_px}


def _lies_sideways(displayed: Pixels, spread: bool) -> bool:
    height, width = displayed.shape[:2]
    return bool(height > width if spread else width > SIDEWAYS_ASPECT * height)


def _parts(look: Pixels, spread: bool) -> list[_Part]:
    if not spread:
        return [_Part("whole", 0.0, 1.0, measure(look))]
    fold = find_fold(look)
    column = round(fold * look.shape[1])
    return [
        _Part("left", 0.0, fold, measure(look[:, :column])),
        _Part("right", fold, 1.0, measure(look[:, column:])),
    ]


def _upside_down(part: _Part) -> _Part:
    half = {"left": "right", "right": "left"}.get(part.half, part.half)
    face = part.face
    return _Part(
        half,
        part.first,
        part.last,
        Face(face.skew_deg, face.ink_cells, -face.lean, face.turned_header, face.header),
        part.code,
    )


def _features(face: Face, was_turned: bool) -> dict[str, Any]:
    """What whoever groups the pages wants to know of a face; ``None``: not measured."""
    return {
        "skew_deg": face.skew_deg,
        "blur": None,
        "clipped": [],
        "bleed": None,
        "blank_unsure": False,
        "fingerprint": None,
        "margin": None,
        "writing_top": None,
        "writing_bottom": None,
        "lean": face.lean,
        "turned": was_turned,
        "page_no": None,
    }


def _columns(pixels: Pixels, first: float, last: float) -> Pixels:
    width = pixels.shape[1]
    return pixels[:, round(first * width) : round(last * width)]


def _clip(part: _Part, quarter: int) -> list[float]:
    """The part as a share of the side as displayed: a quarter turn clockwise moved (u, v) to (1 - v, u)."""
    if quarter:
        return [0.0, 1 - part.last, 1.0, part.last - part.first]
    return [part.first, 0.0, part.last - part.first, 1.0]


def _full_is_the_stream(side: Side, part: _Part) -> bool:
    return part.half == "whole" and side.scan is not None and side.scan.kind == "jpeg" and side.scan.turn_deg == 0


def header_box(header: Header, skew_deg: float) -> list[float]:
    """The whole band from the top edge to the header's end.

    On a tilted page the band ends where the rule crosses the middle, so that the first answer line stays; but always
    below the low corner of the lowest box, with room for letters that hang out of it.
    """
    return [0.0, 0.0, 1.0, min(1.0, max(header.bottom, header.floor + _drop(skew_deg) + HANGING))]


def _drop(skew_deg: float) -> float:
    """How much lower a tilted page's corner is than its middle, as a share of an A4 page's height."""
    return float(abs(np.tan(np.radians(skew_deg))) * 0.5 * 210 / 297)
