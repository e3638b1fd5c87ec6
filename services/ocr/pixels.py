"""The tasks of the child process: fields letter by letter, or lines with tesseract, a program pytesseract starts."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytesseract
from PIL import Image

from contracts.errors.ocr import UnreadableImage
from contracts.records.letters import pack
from contracts.records.sheet import Zone
from services.ocr.fields import boxes, erased, written
from services.ocr.handwriting import recogniser
from services.ocr.header import Reader
from services.ocr.registration import Sample, prepare
from services.ocr.strip import Grey, load, straighten

ONE_LINE, ONE_BLOCK, PAGE = 7, 6, 3  # tesseract's page segmentation modes
A4_INCHES = 8.27
LAST_IN_TURN = 19  # the least a process can ask for; tesseract inherits it
SAMPLES_AT_HAND = 4  # exams being read at the same time

Answer = tuple[Any, list[bytes]]


def installed(_files: list[str], _blob: bytes) -> Answer:
    """``{"version", "languages"}`` of the installed tesseract, ``version`` null where there is none."""
    try:
        version = str(pytesseract.get_tesseract_version()).splitlines()[0]
        languages = sorted(pytesseract.get_languages())
    except (pytesseract.TesseractNotFoundError, pytesseract.TesseractError, SystemExit):
        return {"version": None, "languages": []}, []
    return {"version": version, "languages": languages}, []


def recogniser_installed(_files: list[str], _blob: bytes) -> Answer:
    """Name and versions of the recogniser of handwriting, null where there is none."""
    found = recogniser()
    return (found.version if found is not None else None), []


def read_fields(files: list[str], image: bytes, sample: str = "", zones: list[dict[str, Any]] | None = None) -> Answer:
    """``{"kind", "text", "confidence", "letters", "steps"}`` of each field, from the top; none where none is found.

    Args:
        files: the sample of the sheet model, if there is one.
        image: any format Pillow knows, upright.
        sample: digest of the sample; what was made of it once is kept.
        zones: of the sheet model, as JSON. A strip that is not on this paper is read as if there were none.

    Raises:
        UnreadableImage: not an image, or larger than MAX_PIXELS.
    """
    strip = straighten(load(image))
    known = _sample(sample, files[0]) if files and zones else None
    placed = known.place([Zone.model_validate(zone) for zone in zones or ()], strip) if known is not None else None
    return [
        {
            "kind": field.kind,
            "text": field.letters.text,
            "confidence": round(field.letters.confidence, 3),
            "letters": pack(field.letters.rows.tobytes()),
            "steps": len(field.letters.rows),
        }
        for field in _reader().read(strip, placed)
    ], []


def read(_files: list[str], image: bytes, languages: list[str]) -> Answer:
    """Lines of ``[text, confidence]``: first each field's handwriting, then the whole strip, both from the top.

    Args:
        image: any format Pillow knows, upright.
        languages: tesseract's names, most likely first.

    Raises:
        UnreadableImage: not an image, or larger than MAX_PIXELS.
    """
    strip = straighten(load(image))
    found = boxes(strip)
    language = "+".join(languages)
    fields = [line for box in found if (line := written(strip, box)) is not None]
    lines = _recognise(fields, language, ONE_LINE) + _recognise([erased(strip, found)], language, ONE_BLOCK)
    return lines, []


def read_untouched(_files: list[str], image: bytes, languages: list[str]) -> Answer:
    """Lines of the strip as it is: what ``read`` is measured against (benchmarks/reading_headers.py)."""
    return _recognise([np.asarray(load(image), np.uint8)], "+".join(languages), ONE_BLOCK), []


def read_page(_files: list[str], image: bytes, languages: list[str]) -> Answer:
    """``[text, line, [x, y, w, h]]`` of each word in reading order, in shares of the page; lines are numbered from 0.

    Args:
        image: a page, upright, any format Pillow knows.
        languages: tesseract's names, most likely first.

    Raises:
        UnreadableImage: not an image, or larger than MAX_PIXELS.
    """
    with suppress(OSError):  # where it may not stand back, it takes turns with the others
        os.setpriority(os.PRIO_PROCESS, 0, LAST_IN_TURN)
    page = load(image)
    page.save("page.png", compress_level=1, dpi=(page.width / A4_INCHES,) * 2)
    data = pytesseract.image_to_data(
        "page.png", lang="+".join(languages), config=f"--oem 3 --psm {PAGE}", output_type=pytesseract.Output.DICT
    )
    keys = list(zip(data["block_num"], data["par_num"], data["line_num"], strict=True))
    lines = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    boxes = zip(data["left"], data["top"], data["width"], data["height"], strict=True)
    return [
        [text, lines[key], [round(x / page.width, 4), round(y / page.height, 4),
                            round(w / page.width, 4), round(h / page.height, 4)]]
        for text, key, (x, y, w, h) in zip(data["text"], keys, boxes, strict=True)
        if str(text).strip()
    ], []  # fmt: skip


@cache
def _reader() -> Reader:
    found = recogniser()
    if found is None:
        raise LookupError("no recogniser is installed")  # the service asks first
    return Reader(found)


@lru_cache(SAMPLES_AT_HAND)
def _sample(_digest: str, file: str) -> Sample | None:
    try:
        return prepare(straighten(load(Path(file).read_bytes())))
    except UnreadableImage:  # of the sheet, not of this copy
        return None


def _recognise(images: list[Grey], language: str, mode: int) -> list[tuple[str, float]]:
    """One start of tesseract for all images, through a list file: 7 ms a field instead of 107."""
    if not images:
        return []
    names = []
    for number, pixels in enumerate(images):
        names.append(f"{number}.png")
        Image.fromarray(np.ascontiguousarray(pixels)).save(names[-1], compress_level=1, dpi=(200, 200))
    Path("images.txt").write_text("\n".join(names) + "\n", encoding="ascii")
    data = pytesseract.image_to_data(
        "images.txt", lang=language, config=f"--oem 3 --psm {mode}", output_type=pytesseract.Output.DICT
    )
    words: dict[tuple[int, int, int, int], list[tuple[str, float]]] = defaultdict(list)
    keys = zip(data["page_num"], data["block_num"], data["par_num"], data["line_num"], strict=True)
    for key, text, confidence in zip(keys, data["text"], data["conf"], strict=True):
        if str(text).strip():
            words[key].append((str(text).strip(), max(0.0, float(confidence)) / 100))
    return [_line(found) for _, found in sorted(words.items())]


def _line(words: list[tuple[str, float]]) -> tuple[str, float]:
    """The words of a line and their confidence, long words counting more."""
    letters = sum(len(text) for text, _ in words)
    confidence = sum(len(text) * certain for text, certain in words) / letters
    return " ".join(text for text, _ in words), round(min(1.0, confidence), 3)
