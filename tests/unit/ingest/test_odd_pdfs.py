"""Hostile and odd PDFs through the real child, with its limits: each ends as foretold and none loses a page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from chassis.sandbox import Sandbox, TaskFailed
from contracts.errors import Refusal
from contracts.messages.ingest import SplitSheets
from services.ingest import splitting, usecases
from tests.scans import odd_files, odd_pages
from tests.scans.odd_files import Accepted, Odd, Refused, two

CASES = [*odd_files.CASES, *odd_pages.CASES]
LARGEST = 3 << 20  # bytes; what is vast in these files is compressed or claimed
HOPELESS_S = 2  # in the place of the real minute, for files known to take all of it


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    pool = Sandbox("services.ingest.pixels", size=1)
    yield pool
    pool.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_ends_as_foretold_and_loses_no_page(sandbox: Sandbox, case: Odd, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    data = case.build()
    path.write_bytes(data)
    assert len(data) < LARGEST
    assert ending(sandbox, path, case.outcome) == case.outcome


def ending(sandbox: Sandbox, path: Path, foretold: Accepted | Refused) -> Accepted | Refused:
    """What ingest makes of a file: registered, then cut side by side."""
    try:
        sides, doubts = usecases._inspect(context(sandbox, path), None)  # type: ignore[arg-type]
    except Refusal as refusal:
        return Refused(refusal.code)
    patience_s = HOPELESS_S if isinstance(foretold, Refused) else splitting.CUT_DEADLINE_S
    task = {"first_side": 1, "last_side": sides, "spreads": False}
    try:
        cut = sandbox.run("cut", files=[path], deadline_s=patience_s, **task).result["sides"]
    except TaskFailed as failure:
        command = SplitSheets(upload_id=uuid4(), first_side=1, last_side=sides)
        return Refused(splitting._problem(command, failure).code, cutting=True)
    assert [side["side_no"] for side in cut] == list(range(1, sides + 1))
    assert all([face["half"] for face in side["faces"]] == ["whole"] for side in cut)
    unsound = [side for side in cut if not side["sound"]]
    assert not any(face["blank"] for side in unsound for face in side["faces"])  # hidden, nobody would look at it
    codes = tuple(doubt["code"] for doubt in doubts)
    return Accepted(sides, codes, tuple(side["side_no"] for side in unsound))


def context(sandbox: Sandbox, path: Path) -> Any:
    """What looking into a file takes of the service's context."""

    @contextmanager
    def at_hand(_: object) -> Iterator[Path]:
        yield path

    return SimpleNamespace(
        sandbox=sandbox, originals=SimpleNamespace(at_hand=at_hand), settings=SimpleNamespace(max_sides=60)
    )


def test_after_all_of_them_a_good_scan_is_read(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(two())
    assert ending(sandbox, path, Accepted(2)) == Accepted(2)


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def test_a_file_cut_short_names_the_pages_that_are_gone(sandbox: Sandbox, tmp_path: Path) -> None:
    path, whole = tmp_path / "upload", odd_files.forty()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Refusal) as refused:
        usecases._inspect(context(sandbox, path), None)  # type: ignore[arg-type]
    assert "(missing pages: 21-40)" in refused.value.text("en")
    assert "(pages manquantes : 21-40)" in refused.value.text("fr")
