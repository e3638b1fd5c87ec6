"""From a strip to fields with letters: which box is which, and what stands in it. Runs only in the child process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from contracts.records.sheet import MAX_FIELDS, FieldKind
from services.ocr.fields import Box, boxes, label, written
from services.ocr.handwriting import Letters, Recogniser
from services.ocr.labels import Label, kinds, meaning, prefix
from services.ocr.strip import Grey, Strip

MAX_LINES_READ = 12  # 15 ms each; a header with more boxes is a form
SAME_PRINT = 0.9  # correlation of two prints of one label; two different ones of equal length reached 0.6
LOOK_PX = 24  # height of what is compared
MAX_KNOWN = 64


@dataclass(frozen=True)
class Field:
    kind: FieldKind
    letters: Letters


class Reader:
    """Reads header after header; what the printed labels of this paper look like, it learns from the first ones."""

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser
        self._known: list[tuple[npt.NDArray[np.float32], Label]] = []

    def read(self, strip: Strip, zones: Sequence[tuple[FieldKind, Box]] | None = None) -> list[Field]:
        """The fields that hold ink, from the top; those of ``zones`` where the sheet is known."""
        if zones is not None:
            downwards = sorted(zones, key=lambda zone: (zone[1].top, zone[1].left))
            lines = [(kind, line) for kind, box in downwards if (line := written(strip, box)) is not None]
            read = [Field(kind, _unlabelled(self._recogniser.read(line))[1]) for kind, line in lines]
            return [field for field in read if field.letters.text]
        return _fewer(self._found(strip))

    def _found(self, strip: Strip) -> list[Field]:
        found = boxes(strip)
        lines = [(box, line) for box in found if (line := written(strip, box)) is not None][:MAX_LINES_READ]
        read = [(box, *_unlabelled(self._recogniser.read(line))) for box, line in lines]
        named = [
            (box, inside or self._label(strip, box, found), letters)
            for (box, _, letters), inside in zip(read, _labels_in_cells(read), strict=True)
            if letters.text
        ]
        meant = [(said, letters) for box, said, letters in named if said is not None or not box.open]
        decided = kinds([said for said, _ in meant], [letters.text for _, letters in meant])
        return [Field(kind, letters) for (_, letters), kind in zip(meant, decided, strict=True) if kind]

    def _label(self, strip: Strip, box: Box, others: list[Box]) -> Label | None:
        image = label(strip, box, others)
        if image is None:
            return None
        look = _look(image)
        for known, named in self._known:
            if known.shape == look.shape and float((known * look).mean()) > SAME_PRINT:
                return named
        read = meaning(self._recogniser.read(image).text)
        if read is not None:
            self._known = [*self._known, (look, read)][-MAX_KNOWN:]
        return read


def _unlabelled(letters: Letters) -> tuple[Label | None, Letters]:
    """A label printed inside the box, and what was written after it."""
    named = prefix(letters.text)
    if named is None:
        return None, letters
    kind, length = named
    while length < len(letters.text) and letters.text[length] in " .:":
        length += 1
    first = letters.starts[length] if length < len(letters.text) else len(letters.rows)
    return kind, replace(
        letters, text=letters.text[length:], rows=letters.rows[first:],
        starts=tuple(start - first for start in letters.starts[length:]),
    )  # fmt: skip


def _labels_in_cells(read: Sequence[tuple[Box, Label | None, Letters]]) -> list[Label | None]:
    """In a table the label is the cell on the left, or else the one above."""
    labels = [named for _, named, _ in read]
    titles = [(box, named) for box, named, letters in read if named is not None and not letters.text]
    for place, (box, named, letters) in enumerate(read):
        if named is not None or not letters.text:
            continue
        near = box.bottom - box.top
        for title, meant in titles:
            beside = abs(title.top - box.top) < near / 4 and 0 <= box.left - title.right < near
            above = abs(title.left - box.left) < near / 2 and 0 <= box.top - title.bottom < near / 2
            if beside or above:
                labels[place] = meant
                break
    return labels


def _fewer(fields: list[Field]) -> list[Field]:
    """At most MAX_FIELDS, those of unknown kind left out first."""
    kept = sorted(range(len(fields)), key=lambda place: (fields[place].kind == "unknown", place))[:MAX_FIELDS]
    return [fields[place] for place in sorted(kept)]


def _look(image: Grey) -> npt.NDArray[np.float32]:
    """A label small enough to be compared, of mean 0 and variance 1; two prints of it are equally wide, or nearly."""
    width = max(8, round(image.shape[1] * LOOK_PX / image.shape[0] / 8) * 8)
    small = np.asarray(Image.fromarray(image).resize((width, LOOK_PX), Image.Resampling.BOX), np.float32)
    return np.asarray((small - small.mean()) / max(1.0, float(small.std())), np.float32)
