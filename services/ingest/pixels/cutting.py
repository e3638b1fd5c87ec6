"""From one side of the pile to its upright A4 pages. Runs only in the child process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from contracts.records.codes import PageCode
from services.ingest.pixels import codes, jpeg
from services.ingest.pixels.bands import Bands
from services.ingest.pixels.contrast import against_paper, find_skew
from services.ingest.pixels.header import Header
from services.ingest.pixels.jpeg import Pixels
from services.ingest.pixels.marks import fingerprint
from services.ingest.pixels.masking import covered_rows, hides, masked_pixels
from services.ingest.pixels.measure import Face, find_fold, measure
from services.ingest.pixels.sides import GRID_PX, SCREEN_PX, Side, grid, thumb, turned

# Evidence for which way up, in units of ``Face.lean``: a header that was really found settles it.
HEADER_WEIGHT = 20.0
UNSURE_HEADER_WEIGHT = 1.5
DECIDED = 0.8

READING_QUALITY = 85
HANGING = 3 / 297  # 3 mm: how far a letter hangs below its box
SIDEWAYS_ASPECT = 1.15
MIRRORED = {"left": "right", "right": "left"}


@dataclass(frozen=True)
class _Part:
    """One face: ``half``, its columns as shares of the upright side, and what was seen."""

    half: str
    first: float
    last: float
    face: Face
    code: PageCode | None = None

    def of(self, pixels: Pixels) -> Pixels:
        width = pixels.shape[1]
        return pixels[:, round(self.first * width) : round(self.last * width)]

    def upside_down(self) -> _Part:
        half = MIRRORED.get(self.half, self.half)
        return _Part(half, 1 - self.last, 1 - self.first, self.face.upside_down(), self.code)


class _Lying:
    """A side laid level, one way or the other. ``level``: in screen size; None: it is shown as stored. ``grey``: on the
    measuring grid, ``small``: as a thumbnail, ``quarter``: the turn that laid it level.
    """

    def __init__(self, side_no: int, side: Side) -> None:
        as_stored = side.shown_as_stored
        displayed = side.pixels(GRID_PX if as_stored else SCREEN_PX)
        if as_stored and not side.sound:  # every browser would make something else of it
            as_stored, displayed = False, side.pixels(SCREEN_PX)
        self.side_no = side_no
        self.side = side
        self.quarter = 90 if _lies_sideways(displayed, side.spread) else 0
        level = turned(displayed, self.quarter)
        look = grid(level)
        self.small = thumb(look)
        self.grey = np.ascontiguousarray(look[..., 1] if look.ndim == 3 else look)
        self.level = None if as_stored else level


@dataclass(frozen=True)
class _Upright:
    """What was seen on a side, and the half turn that sets it upright; ``turn_sure``: the side itself told."""

    lying: _Lying
    parts: Sequence[_Part]
    fold: float | None
    half_turn: int
    turn_sure: bool


class Cutter:
    """Collects the sides of one task. ``sides`` is JSON:

    ``{"side_no", "sound", "spread", "kind": "A3" | "A4", "fold", "turn_sure", "faces": [...]}``, where ``fold`` is the
    share of the side's width at which a fold was seen, and ``turn_sure`` says whether the side itself told which way
    up it is. A face is ``{"half", "clip": [x, y, w, h], "turn_deg", "blank", "ink", "header": null | {"bottom",
    "boxes", "sure"}, "images": {"full"?, "screen", "thumb"}, "header_box"?, "masked"?: {"screen", "thumb"},
    "mask_holds"?, "header_image"?, "code": null | {"exam", "copy", "page"}}`` and what ``_seen`` adds; an image is
    ``{"blob", "width_px", "height_px"}``.
    """

    def __init__(self) -> None:
        self.sides: list[dict[str, Any]] = []
        self.blobs: list[bytes] = []
        self._known_turn = 0
        self._codes = codes.Codes()

    def add(self, sides: Mapping[int, Side]) -> None:
        """Look at some sides, by number, then code what is shown of them.

        One kind of work at a time: decoding and coding push everything else out of a core's cache, the more so the
        small steps of measuring.
        """
        lying = [_Lying(side_no, side) for side_no, side in sides.items()]
        for each in [self._measured(each) for each in lying]:
            self.sides.append(self._shown(each))

    def _measured(self, lying: _Lying) -> _Upright:
        grey = lying.grey
        found = self._codes.of(lying.side, lying.quarter, grey)
        parts, fold = _parts(codes.without(grey, found), lying.side.spread)
        parts = [
            part if each is None else replace(part, code=each.code) for part, each in zip(parts, found, strict=True)
        ]
        del lying.grey  # its parts keep what is looked at again
        half_turn, turn_sure = self._half_turn(parts, found)
        if half_turn:
            parts = [part.upside_down() for part in reversed(parts)]
            fold = fold and 1 - fold
        return _Upright(lying, parts, fold, half_turn, turn_sure)

    def _shown(self, upright: _Upright) -> dict[str, Any]:
        lying, half_turn = upright.lying, upright.half_turn
        side, level, small = lying.side, lying.level, lying.small
        turn_deg = lying.quarter + half_turn
        if half_turn:
            level = turned(side.pixels(SCREEN_PX) if level is None else level, 180)
            small = turned(small, 180)
        return {
            "side_no": lying.side_no,
            "sound": side.sound,
            "spread": side.spread,
            "kind": side.kind,
            "fold": upright.fold,
            "turn_sure": upright.turn_sure,
            "faces": [
                {
                    "half": part.half,
                    "clip": _clip(part, lying.quarter, half_turn),
                    "turn_deg": turn_deg,
                    "turned": half_turn == 180,
                    **_seen(part.face, side.sound),
                    "code": part.code and codes.as_json(part.code),
                    **self._images(side, part, part.of(small), level, turn_deg),
                }
                for part in upright.parts
            ],
        }

    def _half_turn(self, parts: Sequence[_Part], found: Sequence[codes.Found | None]) -> tuple[int, bool]:
        """0 or 180, and whether that is sure; a printed code knows.

        A side that says nothing (blank) lies as the last first page did: one hand laid the pile.
        """
        told = sum(1 if each.upright else -1 for each in found if each is not None and each.upright is not None)
        if told:
            self._known_turn = 180 if told < 0 else 0
            return self._known_turn, True
        lean = 0.0
        for part in parts:
            lean += part.face.lean
            for header, sign in ((part.face.header, 1), (part.face.turned_header, -1)):
                if header is not None:
                    lean += sign * (HEADER_WEIGHT if header.sure else UNSURE_HEADER_WEIGHT)
        if abs(lean) < DECIDED:
            return self._known_turn, False
        half_turn = 180 if lean < 0 else 0
        if abs(lean) > HEADER_WEIGHT / 2:
            self._known_turn = half_turn
        return half_turn, True

    def _images(self, side: Side, part: _Part, small: Pixels, level: Pixels | None, turn_deg: int) -> dict[str, Any]:
        """What a person sees of a face. ``level``: the upright side in screen size; None: it is shown as stored."""
        images = {"thumb": self._encoded(small, jpeg.THUMB_QUALITY)}
        if level is None or _full_is_the_stream(side, part):
            assert side.scan is not None
            images["full"] = self._keep(
                jpeg.without_metadata(side.scan.stream), side.scan.width_px, side.scan.height_px
            )
        header = part.face.header
        if header is None:
            shown = images["full"] if level is None else self._encoded(part.of(level), jpeg.SCREEN_QUALITY)
            return {"images": images | {"screen": shown}}
        box = header_box(header, part.face.skew_deg)
        screen = side.pixels(None) if level is None else part.of(level)
        if level is None:
            images["screen"] = images["full"]
            upper = masked_pixels(screen, box)
            masked = self._encoded(upper, jpeg.SCREEN_QUALITY)
        else:
            covered = covered_rows(box, len(screen))
            bands = Bands.of(screen, jpeg.SCREEN_QUALITY, covered)
            upper = masked_pixels(screen[: bands.filled(covered)], box, height_px=len(screen))
            images["screen"] = self._kept(bands.joined(), screen)
            masked = self._kept(bands.over(upper).joined(), screen)
        strip_share = min(1.0, box[3] + _drop(part.face.skew_deg) + HANGING)  # the reader wants to see the rule too
        if level is None and screen.ndim == 2:  # grey, and fine enough
            strip = screen[: round(strip_share * len(screen))]
        else:
            strip = part.of(side.reading(turn_deg, strip_share))
        return {
            "images": images,
            "header_box": box,
            "header_image": self._encoded(strip, READING_QUALITY),
            "masked": {
                "screen": masked,
                "thumb": self._encoded(masked_pixels(small, box), jpeg.THUMB_QUALITY),
            },
            "mask_holds": hides(upper, box, part.face.contrast, part.face.skew_deg, height_px=len(screen)),
        }

    def _encoded(self, pixels: Pixels, quality: int) -> dict[str, int]:
        return self._kept(jpeg.encode(pixels, quality), pixels)

    def _kept(self, data: bytes, pixels: Pixels) -> dict[str, int]:
        return self._keep(data, pixels.shape[1], pixels.shape[0])

    def _keep(self, data: bytes, width_px: int, height_px: int) -> dict[str, int]:
        self.blobs.append(data)
        return {"blob": len(self.blobs) - 1, "width_px": width_px, "height_px": height_px}


def _seen(face: Face, sound: bool) -> dict[str, Any]:
    """What was measured on an upright face, for whoever groups the pages and tells people what to scan again.

    ``skew_deg``: rows slide down to the right. ``blur``: 0 sharp to 1 unreadable. ``clipped``: edges that cut through
    writing. ``bleed``: share of the free paper on which the other page shows. ``fingerprint``: alike when a page was
    fed twice, None when there is nothing to compare. ``margin``: the side of the margin line. ``writing_top``,
    ``writing_bottom``: shares of the height where ink begins and ends. ``lean``: what margin, alignment and ruling
    say for this way up. ``page_no``: as printed; None: not read.
    """
    top, bottom = face.written or (None, None)
    blank = sound and face.blank and face.header is None
    return {
        "blank": blank,
        "blank_unsure": face.blank_unsure and face.header is None,
        "ink": face.ink_squares,
        "header": None if face.header is None else vars(face.header),
        "skew_deg": face.skew_deg,
        "blur": face.blur,
        "clipped": list(face.clipped),
        "bleed": face.bleed,
        "fingerprint": None if blank else fingerprint(face.squares, face.header.bottom if face.header else 0.0),
        "margin": face.margin,
        "writing_top": top,
        "writing_bottom": bottom,
        "lean": face.lean,
        "page_no": None,
    }


def _lies_sideways(displayed: Pixels, spread: bool) -> bool:
    height, width = displayed.shape[:2]
    return bool(height > width if spread else width > SIDEWAYS_ASPECT * height)


def _parts(grey: Pixels, spread: bool) -> tuple[list[_Part], float | None]:
    """The faces of a level side, and its fold if one was seen."""
    contrast = against_paper(grey)
    skew_deg = find_skew(contrast)
    if not spread:
        return [_Part("whole", 0.0, 1.0, measure(contrast, skew_deg))], None
    fold = find_fold(grey)
    at = 0.5 if fold is None else fold
    left, right = (np.ascontiguousarray(half) for half in np.split(contrast, [round(at * grey.shape[1])], axis=1))
    return [
        _Part("left", 0.0, at, measure(left, skew_deg, ("left", "top", "bottom"))),
        _Part("right", at, 1.0, measure(right, skew_deg, ("right", "top", "bottom"))),
    ], fold


def _clip(part: _Part, quarter: int, half_turn: int) -> list[float]:
    """The part as a share of the side as displayed: a quarter turn clockwise moved (u, v) to (1 - v, u)."""
    first, last = (1 - part.last, 1 - part.first) if half_turn else (part.first, part.last)
    return [0.0, 1 - last, 1.0, last - first] if quarter else [first, 0.0, last - first, 1.0]


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
