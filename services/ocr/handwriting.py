"""Read one line of handwriting letter by letter with PP-OCRv6. Runs only in the child process.

The model is the small recogniser that the wheel ``rapidocr`` carries; nothing else of that package is used or even
imported. For a line 48 px high it gives a probability for each of 18 708 characters every 8 px.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from contracts.records.letters import BLANK, MAX_STEPS, OTHER, PER_NAT, column
from services.ocr.strip import Grey

MODEL = "models/PP-OCRv6_rec_small.onnx"
HEIGHT_PX = 48  # of every image the model was trained on
STEP_PX = 8
NARROWEST_PX = 48
WIDEST_PX = MAX_STEPS * STEP_PX
LEAST = 1e-8  # probability; a byte ends at 1.2e-7


@dataclass(frozen=True)
class Letters:
    """One line as it was read. ``rows``: (steps, COLUMNS) probabilities in bytes, as contracts.records.letters says.

    ``starts`` holds for each character of ``text`` the step it was read at; ``confidence`` is the mean probability of
    the characters.
    """

    text: str
    confidence: float
    rows: npt.NDArray[np.uint8]
    starts: tuple[int, ...]


@cache
def recogniser() -> Recogniser | None:
    """Loaded once and kept warm (0.1 s); None where onnxruntime or the model is not installed."""
    package = importlib.util.find_spec("rapidocr")
    places = package.submodule_search_locations if package is not None else None
    model = Path(places[0]) / MODEL if places else None
    if model is None or not model.is_file() or importlib.util.find_spec("onnxruntime") is None:
        return None
    return Recogniser(model)


class Recogniser:
    """One thread, because each child keeps one core busy."""

    def __init__(self, model: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        # Number 0 is the blank; after the listed characters comes the space.
        listed = self._session.get_modelmeta().custom_metadata_map["character"].split("\n")
        classes = self._session.get_outputs()[0].shape[-1]
        self._characters = ["", *listed, *[" "] * (classes - 1 - len(listed))]
        places = np.array([BLANK, *(column(each) for each in self._characters[1:])])
        self._order = np.argsort(places, kind="stable")
        self._order = self._order[places[self._order] != OTHER]
        self._heads = np.searchsorted(places[self._order], np.arange(OTHER))
        self.version = (
            f"PP-OCRv6 small (rapidocr {importlib.metadata.version('rapidocr')},"
            f" onnxruntime {importlib.metadata.version('onnxruntime')})"
        )

    def read(self, line: Grey) -> Letters:
        """What is written on one line, dark on white. Nothing at all gives no text."""
        likely = self._run(line)
        best = likely.argmax(axis=1)
        starts = [step for step in range(len(best)) if best[step] and (step == 0 or best[step - 1] != best[step])]
        chosen = likely[starts, best[starts]]
        return Letters(
            text="".join(self._characters[best[step]] for step in starts),
            confidence=float(chosen.mean()) if starts else 0.0,
            rows=self._folded(likely),
            starts=tuple(starts),
        )

    def _run(self, line: Grey) -> npt.NDArray[np.float32]:
        height, width = line.shape
        scaled = min(WIDEST_PX, max(STEP_PX, round(width * HEIGHT_PX / height)))
        small = Image.fromarray(line).resize((scaled, HEIGHT_PX), Image.Resampling.BILINEAR)
        pixels = np.zeros((HEIGHT_PX, max(NARROWEST_PX, -(-scaled // STEP_PX) * STEP_PX)), np.float32)
        pixels[:, :scaled] = np.asarray(small, np.float32) / 127.5 - 1
        batch = np.broadcast_to(pixels, (1, 3, *pixels.shape))
        output: Any = self._session.run(None, {self._input: np.ascontiguousarray(batch)})[0]
        return np.asarray(output[0][: -(-scaled // STEP_PX)], np.float32)

    def _folded(self, likely: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
        sums = np.add.reduceat(likely[:, self._order], self._heads, axis=1)
        rest = np.clip(1 - sums.sum(axis=1, keepdims=True), 0, 1)
        nats = -np.log(np.maximum(np.hstack([sums, rest]), LEAST))
        return np.asarray(np.minimum(255, np.round(PER_NAT * nats)), np.uint8)
