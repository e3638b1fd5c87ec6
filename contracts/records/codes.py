"""What the code on a printed answer sheet says: exam, copy and page, never a person.

Paper lasts: a sheet printed today is read years later, so the text is versioned and never changed. 44 characters, all
of QR's alphanumeric set: ``KRG1``, the exam's id (26), the copy's number (8), the page (2), a check (4), the last
four in base 32 without the letters that look like digits (Crockford's alphabet).
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from uuid import UUID

VERSION = "KRG1"
COPY_BITS = 40  # 4000 random numbers of 40 bits meet once in 137 000 exams
MOST_PAGES = 99

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_EXAM, _COPY, _PAGE, _CHECK = 26, 8, 2, 4
_TEXT = re.compile(rf"{VERSION}[{_DIGITS}]{{{_EXAM + _COPY + _PAGE + _CHECK}}}")


@dataclass(frozen=True)
class PageCode:
    """``copy_no`` is random, below 2**40: it names a set of sheets, and nothing but the paper ties it to anybody.

    ``page_no`` counts the pages of the copy, from 1.
    """

    exam_id: UUID
    copy_no: int
    page_no: int

    def to_text(self) -> str:
        said = VERSION + _base32(self.exam_id.int, _EXAM) + copy_label(self.copy_no) + _base32(self.page_no, _PAGE)
        return said + _check(said)

    @classmethod
    def read(cls, text: str) -> PageCode | None:
        """``None`` for whatever we did not print: another QR code, a later version, a misread character."""
        if _TEXT.fullmatch(text) is None or _check(text[:-_CHECK]) != text[-_CHECK:]:
            return None
        exam, rest = text[len(VERSION) :][:_EXAM], text[len(VERSION) + _EXAM :]
        exam_id, page_no = _number(exam), _number(rest[_COPY : _COPY + _PAGE])
        if exam_id >> 128 or not 1 <= page_no <= MOST_PAGES:
            return None
        return cls(UUID(int=exam_id), _number(rest[:_COPY]), page_no)


def copy_label(copy_no: int) -> str:
    """The copy's number as people read it on the sheet: eight characters."""
    return _base32(copy_no, _COPY)


def _check(said: str) -> str:
    """20 bits of CRC-32 (ISO 3309), which also covers the version."""
    return _base32(zlib.crc32(said.encode("ascii")) & 0xFFFFF, _CHECK)


def _base32(number: int, length: int) -> str:
    return "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(length)))


def _number(text: str) -> int:
    value = 0
    for digit in text:
        value = value << 5 | _DIGITS.index(digit)
    return value
