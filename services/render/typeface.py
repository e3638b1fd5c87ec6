"""Measuring, cleaning and breaking text for the typefaces in ``fonts/``. Pure; sizes and widths in points."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

FONTS = Path(__file__).parent / "fonts"
MISSING = "\N{REPLACEMENT CHARACTER}"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"

# French sets a space before these signs (and after an opening guillemet) that a line must not break at.
_HIGH_SIGN = re.compile(r" (?=[;:!?»%](?:\s|$))|(?<=«) ")
# Joiners, variation selectors, directional marks: they have no shape, so leaving them out loses nothing one can see.
_SHAPELESS = {"Cf", "Cc", "Cs"}


@dataclass(frozen=True, eq=False)
class Face:
    """One typeface. ``resource`` is its name in every page's font resources; advances are thousandths of an em."""

    resource: str
    name: str
    file: Path
    ascent: int
    descent: int
    cap_height: int
    bbox: tuple[int, int, int, int]
    glyphs: Mapping[str, tuple[int, int]]
    advances: Mapping[str, int]
    characters: frozenset[str]

    def width(self, text: str, size: float) -> float:
        """Width of cleaned text; characters this face lacks are drawn, so measured, in the regular one."""
        if self.characters.issuperset(text):
            return sum(map(self.advances.__getitem__, text)) * size / 1000
        own, other = self.advances, REGULAR.advances
        return sum(own.get(char) or other[char] for char in text) * size / 1000

    def runs(self, text: str) -> Iterable[tuple[Face, str]]:
        """Cleaned text as stretches of one face each."""
        if self.characters.issuperset(text):
            yield self, text
            return
        start = 0
        for index in range(1, len(text) + 1):
            if index == len(text) or (text[index] in self.advances) != (text[start] in self.advances):
                yield (self if text[start] in self.advances else REGULAR), text[start:index]
                start = index


def _read_faces() -> tuple[Face, Face]:
    metrics = json.loads((FONTS / "metrics.json").read_text())
    faces = []
    for resource, key in (("R", "regular"), ("B", "bold")):
        of = metrics[key]
        glyphs = {chr(int(code)): (gid, advance) for code, (gid, advance) in of["glyphs"].items()}
        advances = {char: advance for char, (_, advance) in glyphs.items()}
        faces.append(Face(resource, of["name"], FONTS / f"{key}.ttf", of["ascent"], of["descent"], of["cap_height"],
                          tuple(of["bbox"]), glyphs, advances, frozenset(glyphs)))  # fmt: skip
    return faces[0], faces[1]


REGULAR, BOLD = _read_faces()


class Reader:
    """Turns a person's text into text the faces can draw, and counts what they cannot (``replaced``)."""

    def __init__(self) -> None:
        self.replaced = 0

    def clean(self, text: str) -> str:
        """Composed characters, line feed the only control; what has no glyph becomes a visible mark, counted."""
        text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
        text = _HIGH_SIGN.sub(NO_BREAK_SPACE, text)
        known = REGULAR.characters
        if known.issuperset(text):
            return text
        out = []
        for char in text:
            if char in known or char == "\n":
                out.append(char)
            elif unicodedata.category(char) == "Zs":
                out.append(" ")
            elif unicodedata.category(char) not in _SHAPELESS and not unicodedata.name(char, "").startswith(
                "VARIATION SELECTOR"
            ):
                out.append(MISSING)
                self.replaced += 1
        return "".join(out)

    def line(self, text: str) -> str:
        """``clean``, on one line."""
        return " ".join(self.clean(text).split("\n")).strip()


def wrap(text: str, face: Face, size: float, width: float) -> list[str]:
    """Break cleaned text into lines no wider than ``width``. A word longer than a line is cut, never lost."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line, used = "", 0.0
        space = face.width(" ", size)
        for word in paragraph.split(" "):
            room = face.width(word, size)
            if line and used + space + room <= width:
                line, used = f"{line} {word}", used + space + room
                continue
            if line:
                lines.append(line)
            while room > width and len(word) > 1:
                head = _longest_head(word, face, size, width)
                lines.append(head)
                word = word[len(head) :]
                room = face.width(word, size)
            line, used = word, room
        lines.append(line)
    while len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    return lines


def _longest_head(word: str, face: Face, size: float, width: float) -> str:
    used = 0.0
    for index, char in enumerate(word):
        used += face.width(char, size)
        if used > width:
            return word[: max(index, 1)]
    return word
