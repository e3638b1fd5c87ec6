"""The way to the marking desk, and its first frame."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from contracts.model import Role
from contracts.rpc.grading import copies, exams
from tests.service.gateway.conftest import FakeRpc
from tests.service.gateway.examples import NOON
from tests.web.conftest import COPY, EXAM, MARKER, Page, Reader, always, full_copy, full_exam, play_exam

FIRST, SECOND = UUID(int=21), UUID(int=22)


def _summary(copy_id: UUID, lock: copies.LockView | None = None) -> copies.CopySummary:
    fields = full_copy(id=copy_id, lock=lock).model_dump(exclude={"pages", "final_available"})
    return copies.CopySummary(**fields)


def _piles(rpc: FakeRpc, **by_status: tuple[copies.CopySummary, ...]) -> None:
    def listed(request: copies.ListCopies) -> copies.Copies:
        assert request.status is not None
        assert request.marker_id == request.by.id
        items = by_status.get(request.status.value, ())
        return copies.Copies(items=items, next=None, total=len(items))

    rpc.on(copies.LIST_COPIES, listed)


def test_marking_goes_on_with_the_copy_that_was_begun(rpc: FakeRpc, reader: Callable[..., Reader]) -> None:
    _piles(rpc, LOCKED=(_summary(SECOND),), READY=(_summary(FIRST),))
    answer = reader(Role.MARKER).open(f"/exams/{EXAM}/mark")
    assert (answer.status_code, answer.location) == (303, f"/copies/{SECOND}/mark")


def test_a_copy_somebody_else_holds_is_passed_over(rpc: FakeRpc, reader: Callable[..., Reader]) -> None:
    lock = copies.LockView(owner="Karim", owner_id=MARKER, expires_at=NOON)
    _piles(rpc, LOCKED=(_summary(SECOND, lock),), READY=(_summary(FIRST),))
    assert reader(Role.MARKER).open(f"/exams/{EXAM}/mark").location == f"/copies/{FIRST}/mark"


def test_with_nothing_left_to_mark_one_comes_to_the_pile(rpc: FakeRpc, reader: Callable[..., Reader]) -> None:
    _piles(rpc)
    assert reader(Role.MARKER).open(f"/exams/{EXAM}/mark").location == f"/exams/{EXAM}/copies"


def test_the_first_frame_holds_the_first_page(rpc: FakeRpc, reader: Callable[..., Reader]) -> None:
    play_exam(rpc)
    page = Page(reader(Role.MARKER).open(f"/copies/{COPY}/mark").text)
    image = f"/api/v1/copies/{COPY}/pages/1?size=screen&v=1"
    assert image in {each.get("src") for each in page.all("img")}
    assert image in {each.get("href") for each in page.all("link") if each.get("as") == "image"}


def test_operators_do_not_mark(rpc: FakeRpc, reader: Callable[..., Reader]) -> None:
    play_exam(rpc)
    for path in (f"/copies/{COPY}/mark", f"/exams/{EXAM}/mark"):
        assert reader(Role.OPERATOR).open(path).status_code == 403


def test_a_marker_is_told_what_is_left(rpc: FakeRpc, reader: Callable[..., Reader]) -> None:
    play_exam(rpc)
    progress = exams.Progress(copies=3, identified=0, by_status={"GRADED": 1, "READY": 1, "LOCKED": 1})
    exam = full_exam(progress=progress)
    rpc.on(exams.LIST_EXAMS, always(exams.Exams(items=(exam,), next=None, total=1)))
    rpc.on(exams.GET_EXAM, always(exam))
    for path in ("/exams", f"/exams/{EXAM}/copies"):
        page = Page(reader(Role.MARKER).open(path).text)
        assert f"/exams/{EXAM}/mark" in {each.get("href") for each in page.all("a")}
