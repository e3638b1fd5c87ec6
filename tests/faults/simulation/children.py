"""Children that do in a line of Python what native code does in a second: the same questions, answers of one shape.

A scan is JSON: ``{"name", "spreads", "sides": [{"header": bool}]}``. A final document is JSON too and says what a real
one prints: the total and the pages.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from chassis.failpoints import Failpoint, reached
from chassis.sandbox import Reply, TaskFailed
from contracts.errors.ingest import NotAPdf
from services.ocr.domain import Line, Reading
from services.ocr.engines import Sheet

FAILS = 0.04
INSPECTION_FAILS = 0.15
"""Somebody waits for that answer, and asks again: it fails beside others that ask about the same file."""
POISON = "poison"
"""A pile of that name kills whoever cuts it, every time."""
OUTCOMES = ("timeout", "out_of_memory", "crashed")


def scan(name: str, sides: Sequence[bool], *, spreads: bool) -> bytes:
    """A pile whose sides have a header or not."""
    return json.dumps({"name": name, "spreads": spreads, "sides": [{"header": each} for each in sides]}).encode()


class Children:
    """Stands where a service has a sandbox; ``task`` names one of the methods below."""

    def __init__(self) -> None:
        self.reset(random.Random(0))

    def reset(self, chance: random.Random) -> None:
        self.chance = chance
        self.faulty = False
        self.compositions = 0

    def run(
        self, task: str, *, files: Sequence[bytes] = (), blob: bytes = b"", deadline_s: float = 60, **params: Any
    ) -> Reply:
        if self.faulty and self.chance.random() < (INSPECTION_FAILS if task == "inspect" else FAILS):
            raise TaskFailed(self.chance.choice(OUTCOMES), "simulated")
        reply: Reply = getattr(self, f"_{task}")(files, blob, params)
        reached(Failpoint.SANDBOX_ANSWERED)
        return reply

    def close(self) -> None:
        """Nothing runs."""

    # ingest

    def _inspect(self, files: Sequence[bytes], _: bytes, __: Mapping[str, Any]) -> Reply:
        try:
            return Reply({"sides": len(json.loads(files[0])["sides"]), "doubts": []})
        except ValueError as error:
            raise NotAPdf() from error

    def _cut(self, files: Sequence[bytes], _: bytes, params: Mapping[str, Any]) -> Reply:
        pile = json.loads(files[0])
        if pile["name"].startswith(POISON):
            raise TaskFailed("crashed", "simulated")
        blobs: list[bytes] = []
        sides = []
        for side_no in range(params["first_side"], params["last_side"] + 1):
            side = pile["sides"][side_no - 1]
            halves = ("left", "right") if params["spreads"] else ("whole",)
            faces = [
                self._face(f"{pile['name']}:{side_no}:{half}", half, side["header"] and half != "left", blobs)
                for half in halves
            ]
            sides.append({"side_no": side_no, "sound": True, "spread": params["spreads"], "faces": faces})
        return Reply({"sides": sides}, blobs)

    def _face(self, name: str, half: str, header: bool, blobs: list[bytes]) -> dict[str, Any]:
        def image(kind: str, width: int) -> dict[str, int]:
            blobs.append(f"{kind} of {name}".encode())
            return {"blob": len(blobs) - 1, "width_px": width, "height_px": width * 2}

        face: dict[str, Any] = {
            "half": half, "clip": [0.5 if half == "right" else 0, 0, 1 if half == "whole" else 0.5, 1], "turn_deg": 0,
            "blank": False, "ink": 1, "header": None,
            "images": {"screen": image("screen", 1240), "thumb": image("thumb", 220)},
        }  # fmt: skip
        if header:
            face |= {
                "header": {"sure": True}, "header_box": [0, 0, 1, 0.2], "header_image": image("header", 900),
                "masked": {"screen": image("masked screen", 1240), "thumb": image("masked thumb", 220)},
            }  # fmt: skip
        return face

    def _turn(self, _: Sequence[bytes], blob: bytes, params: Mapping[str, Any]) -> Reply:
        return _images([each + b" turned %d" % params["turn_deg"] for each in _apart(blob, params["sizes"])])

    def _hide(self, _: Sequence[bytes], blob: bytes, params: Mapping[str, Any]) -> Reply:
        pages = _apart(blob, params["sizes"])
        return _images([*(each + b" hidden" for each in pages), pages[0] + b" upper part"])

    # render

    def _compose(self, files: Sequence[bytes], blob: bytes, params: Mapping[str, Any]) -> Reply:
        """No two compositions have the same bytes: whoever mixes up two of them is caught by the digest."""
        self.compositions += 1
        record = json.loads(blob)
        document = {
            "copy_id": record["copy_id"], "revision": record["revision"], "total": record["total"],
            "record_sha256": params["record_sha256"], "pages": len(record["pages"]), "composition": self.compositions,
        }  # fmt: skip
        return Reply({"page_count": len(record["pages"]) + 1, "replaced": 0}, [json.dumps(document).encode()])


def _apart(blob: bytes, sizes: Sequence[int]) -> list[bytes]:
    ends = list(itertools.accumulate(sizes))
    return [blob[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def _images(blobs: Sequence[bytes]) -> Reply:
    return Reply({"images": [{"width_px": 300, "height_px": 300}] * len(blobs)}, blobs)


class Reader:
    """Stands where ocr has an engine."""

    def __init__(self, children: Children) -> None:
        self._children = children

    def version(self, languages: Sequence[str]) -> str | None:
        return "simulated 1"

    def parameters(self, languages: Sequence[str], lexicon: Sequence[str], /) -> Mapping[str, str]:
        return {}

    def read(self, image: bytes, languages: Sequence[str], lexicon: Sequence[str], sheet: Sheet | None, /) -> Reading:
        reply = self._children.run("read", blob=image)
        return Reading("done", tuple(Line(text, 0.9) for text in reply.result))


class ReadingChildren(Children):
    def _read(self, _: Sequence[bytes], blob: bytes, __: Mapping[str, Any]) -> Reply:
        return Reply([blob.decode()])
