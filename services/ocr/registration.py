"""Find the zones drawn on a sample strip on every other strip of the same paper. Runs only in the child process.

Both strips are level already, so that what is left is a shift: the whole strip's, found by correlating coarse images
of the ink, and a little more around each zone, for paper that moved through two scanners differently. What is printed
on both agrees; what two people wrote does not, so the sample may be a filled-in copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from contracts.records.sheet import FieldKind, Zone
from services.ocr.fields import Box, boxes
from services.ocr.strip import Mask, Strip, spans

Coarse = npt.NDArray[np.float32]

CELL_MM = 0.5  # a pixel of the coarse images: thinner than a rule's neighbourhood, 62 000 of them in a header
REACH_MM = (30, 25)  # down, across: headers are cut and paper lies differently
AROUND_MM = (12, 30)  # down, across: print that helps to find a zone, its label above all
FEW = 30  # cells of ink; less does not say where a zone is
LOCAL = 4  # cells; what a scanner's drawing-in and 1 % of scale leave at the edges
SAME_PAPER = (
    0.75  # share of the sample's print found; at least 0.86 on its own paper, less than 0.71 on 36 of 42 others
)
PRINTED = 0.8  # share of a word of the sample's ink found here too, for it to be print
SAME_BOX = 0.5  # intersection over union
SLACK_MM = 0.25  # around print that is erased


@dataclass(frozen=True)
class Sample:
    """A sample strip, prepared once."""

    strip: Strip
    boxes: tuple[Box, ...]
    coarse: Coarse

    def place(self, zones: Sequence[Zone], strip: Strip) -> list[tuple[FieldKind, Box]] | None:
        """Where each zone is on ``strip``; ``None`` when this is another paper."""
        drawn = [self._drawn(zone) for zone in zones]
        print_, there = self._print(drawn), _coarse(strip)
        shift = _shift(print_, there)
        if _found(print_, there, shift) < SAME_PAPER:
            return None
        known = boxes(strip)
        return [
            (zone.kind, self._placed(box, strip, _locally(print_, there, shift, box, self.strip.mm), known))
            for zone, box in zip(zones, drawn, strict=True)
        ]

    def _drawn(self, zone: Zone) -> Box:
        """The sample's box that was meant, or what was drawn."""
        height, width = self.strip.grey.shape
        top, left = round(zone.y * height), round(zone.x * width)
        bottom, right = round((zone.y + zone.h) * height), round((zone.x + zone.w) * width)
        drawn = _within(self.strip, top, bottom, left, right)
        return _same(drawn, self.boxes) or drawn

    def _print(self, drawn: Sequence[Box]) -> Coarse:
        """The sample's ink without what may be somebody's writing: the zones, but for their edges."""
        print_ = self.coarse.copy()
        per = self.strip.mm * CELL_MM
        for box in drawn:
            inside = slice(round(box.top / per) + 2, round(box.bottom / per) - 2)
            print_[inside, round(box.left / per) + 2 : round(box.right / per) - 2] = 0
        return print_ if (print_ > 0.1).sum() >= FEW else self.coarse

    def _placed(self, drawn: Box, strip: Strip, shift_mm: tuple[float, float], known: Sequence[Box]) -> Box:
        """A box of the strip where there is one; else the zone itself, with the sample's print marked in it."""
        down, across = shift_mm
        scale = strip.mm / self.strip.mm

        def moved(rows: int, columns: int) -> tuple[int, int]:
            return round(rows * scale + down * strip.mm), round(columns * scale + across * strip.mm)

        (top, left), (bottom, right) = moved(drawn.top, drawn.left), moved(drawn.bottom, drawn.right)
        expected = _within(strip, top, bottom, left, right)
        found = _same(expected, known)
        if found is not None:
            return found
        sides = tuple((max(0, round(start * scale) - 1), round(end * scale) + 1) for start, end in drawn.uprights)
        return replace(expected, uprights=sides, printed=_printed(self.strip, drawn, strip, expected))


def prepare(strip: Strip) -> Sample:
    return Sample(strip, tuple(boxes(strip)), _coarse(strip))


def _within(strip: Strip, top: int, bottom: int, left: int, right: int) -> Box:
    """At least one pixel of the strip, wherever somebody drew or the paper went."""
    rows, columns = strip.grey.shape
    top, left = min(max(0, top), rows - 1), min(max(0, left), columns - 1)
    return Box(top, min(max(top + 1, bottom), rows), left, min(max(left + 1, right), columns))


def _coarse(strip: Strip) -> Coarse:
    """Ink per cell of CELL_MM, 0 to 1."""
    height, width = strip.ink.shape
    size = (max(1, round(width / strip.mm / CELL_MM)), max(1, round(height / strip.mm / CELL_MM)))
    ink = Image.fromarray(strip.ink.astype(np.uint8) * 255)
    return np.asarray(np.asarray(ink.resize(size, Image.Resampling.BOX)) / 255, np.float32)


def _shift(sample: Coarse, there: Coarse) -> tuple[int, int]:
    """Cells down and across from the sample to the strip, within REACH_MM: the peak of the phase correlation."""
    down, across = (round(reach / CELL_MM) for reach in REACH_MM)
    shape = tuple(
        max(one, other) + reach for one, other, reach in zip(sample.shape, there.shape, (down, across), strict=True)
    )
    product = np.fft.rfft2(there, shape) * np.conj(np.fft.rfft2(sample, shape))
    # Half way between correlation, which likes dense ink, and phase alone, which likes noise.
    peaks = np.fft.irfft2(product / np.sqrt(np.maximum(np.abs(product), 1e-6)), shape)
    window = np.roll(peaks, (down, across), (0, 1))[: 2 * down + 1, : 2 * across + 1]
    row, column = np.unravel_index(int(window.argmax()), window.shape)
    return int(row) - down, int(column) - across


def _found(sample: Coarse, there: Coarse, shift: tuple[int, int]) -> float:
    """The share of the sample's ink that has ink within one cell on the strip."""
    near = _dilated(_moved(there, shift, sample.shape) > 0.1, 1)
    ink = sample > 0.1
    return float((ink & near).sum() / max(1, ink.sum()))


def _moved(there: Coarse, shift: tuple[int, int], shape: tuple[int, ...]) -> Coarse:
    """The strip as the sample's frame sees it, white where it ends."""
    frame = np.zeros(shape, np.float32)
    down, across = shift
    top, left = max(0, -down), max(0, -across)
    part = there[max(0, down) : max(0, down + shape[0]), max(0, across) : max(0, across + shape[1])]
    part = part[: max(0, shape[0] - top), : max(0, shape[1] - left)]
    frame[top : top + part.shape[0], left : left + part.shape[1]] = part
    return frame


def _locally(sample: Coarse, there: Coarse, shift: tuple[int, int], box: Box, mm: float) -> tuple[float, float]:
    """Millimetres down and across from the sample to the strip near ``box``, to a fraction of a cell."""
    tall, wide = (round(around / CELL_MM) for around in AROUND_MM)
    per = mm * CELL_MM
    rows = slice(max(0, round(box.top / per) - tall), round(box.bottom / per) + tall)
    columns = slice(max(0, round(box.left / per) - wide), round(box.right / per) + wide)
    print_ = sample[rows, columns] - sample[rows, columns].mean()
    scores = np.zeros((2 * LOCAL + 1, 2 * LOCAL + 1))
    for row in range(-LOCAL, LOCAL + 1):
        for column in range(-LOCAL, LOCAL + 1):
            part = _moved(there, (shift[0] + row, shift[1] + column), sample.shape)[rows, columns]
            scores[row + LOCAL, column + LOCAL] = float((print_ * part).sum())
    row, column = (int(each) for each in np.unravel_index(int(scores.argmax()), scores.shape))
    if (sample[rows, columns] > 0.1).sum() < FEW or {row, column} & {0, 2 * LOCAL}:  # no print, or other ink
        row = column = LOCAL
    finely = (_vertex(scores[:, column], row) - LOCAL, _vertex(scores[row], column) - LOCAL)
    return (shift[0] + finely[0]) * CELL_MM, (shift[1] + finely[1]) * CELL_MM


def _vertex(scores: npt.NDArray[np.float64], peak: int) -> float:
    """Where the parabola through the peak and its neighbours is highest."""
    if not 0 < peak < len(scores) - 1:
        return peak
    before, at, after = scores[peak - 1 : peak + 2]
    bend = before - 2 * at + after
    return peak if bend >= 0 else peak + float(0.5 * (before - after) / bend)


def _same(box: Box, known: Sequence[Box]) -> Box | None:
    def overlap(other: Box) -> float:
        rows = min(box.bottom, other.bottom) - max(box.top, other.top)
        columns = min(box.right, other.right) - max(box.left, other.left)
        common = max(0, rows) * max(0, columns)
        return common / max(1, _area(box) + _area(other) - common)

    best = max(known, key=overlap, default=None)
    return best if best is not None and overlap(best) >= SAME_BOX else None


def _area(box: Box) -> int:
    return (box.bottom - box.top) * (box.right - box.left)


def _printed(sample: Strip, drawn: Box, strip: Strip, expected: Box) -> Mask:
    """What both strips have in the zone: all rules, and each word of the sample that is found here again.

    Not each letter: two people's letters may happen to cover each other, their words do not.
    """
    slack = max(1, round(SLACK_MM * strip.mm))
    size = (expected.right - expected.left, expected.bottom - expected.top)

    def seen_here(mask: Mask) -> Mask:
        part = Image.fromarray(mask[drawn.top : drawn.bottom, drawn.left : drawn.right].astype(np.uint8))
        return np.asarray(part.resize(size, Image.Resampling.NEAREST)) > 0

    rules, ink = seen_here(sample.rules), seen_here(sample.ink & ~sample.rules)
    here = _dilated(strip.ink[expected.top : expected.bottom, expected.left : expected.right], slack)
    printed = rules.copy()
    for top, bottom in spans(ink.any(axis=1)):
        for start, end in spans(ink[top:bottom].any(axis=0), gap=round(strip.mm)):
            part = ink[top:bottom, start:end]
            if (part & here[top:bottom, start:end]).sum() >= PRINTED * part.sum():
                printed[top:bottom, start:end] |= part
    return _dilated(printed, slack)


def _dilated(mask: Mask, by: int) -> Mask:
    for _ in range(by):
        wide = mask.copy()
        wide[1:] |= mask[:-1]
        wide[:-1] |= mask[1:]
        wide[:, 1:] |= mask[:, :-1]
        wide[:, :-1] |= mask[:, 1:]
        mask = wide
    return mask
