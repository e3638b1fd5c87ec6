"""Recognition with tesseract, which pytesseract starts as a program of its own. Runs only in the child process."""

from __future__ import annotations

import io
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytesseract
from PIL import Image

from contracts.errors.ocr import UnreadableImage
from services.ocr.fields import Grey, read_layout

# A header is a strip of a page; a whole A3 side at 300 dpi has 17 Mpx and is still served.
MAX_PIXELS = 40_000_000
MAX_WIDTH_PX = 1700  # 210 mm at 205 dpi; more adds time, not certainty (paper at 300 dpi read no better)
ONE_LINE, ONE_BLOCK = 7, 6  # tesseract's page segmentation modes

Answer = tuple[Any, list[bytes]]


def installed(_files: list[str], _blob: bytes) -> Answer:
    """``{"version", "languages"}`` of the installed tesseract, ``version`` null where there is none."""
    try:
        version = str(pytesseract.get_tesseract_version()).splitlines()[0]
        languages = sorted(pytesseract.get_languages())
    except (pytesseract.TesseractNotFoundError, pytesseract.TesseractError, SystemExit):
        return {"version": None, "languages": []}, []
    return {"version": version, "languages": languages}, []


def read(_files: list[str], image: bytes, languages: list[str]) -> Answer:
    """Lines of ``[text, confidence]``: first each field's handwriting, then the whole strip, both from the top.

    Args:
        image: any format Pillow knows, upright.
        languages: tesseract's names, most likely first.

    Raises:
        UnreadableImage: not an image, or larger than MAX_PIXELS.
    """
    header = read_layout(_load(image))
    language = "+".join(languages)
    found = _recognise(list(header.fields), language, ONE_LINE)
    found += _recognise([header.clean], language, ONE_BLOCK)
    return found, []


def read_untouched(_files: list[str], image: bytes, languages: list[str]) -> Answer:
    """Lines of the strip as it is: what ``read`` is measured against (benchmarks/reading_headers.py)."""
    return _recognise([np.asarray(_load(image), np.uint8)], "+".join(languages), ONE_BLOCK), []


def _load(data: bytes) -> Image.Image:
    """Grey, at most MAX_WIDTH_PX wide."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImage(reason="too_large")
            image.draft("L", (MAX_WIDTH_PX, MAX_WIDTH_PX * image.height // image.width))
            grey = image.convert("L")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise UnreadableImage(reason="not_an_image") from None
    if grey.width > MAX_WIDTH_PX:
        grey = grey.resize((MAX_WIDTH_PX, max(1, grey.height * MAX_WIDTH_PX // grey.width)), Image.Resampling.BOX)
    return grey


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
