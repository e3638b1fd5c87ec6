"""What a browser changes about an exam."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from contracts.rpc.grading import exams as rpc_exams
from tests.service.gateway.conftest import FakeRpc, Person
from tests.service.gateway.examples import exam_view

EXAM = UUID("0192f5c0-0000-7000-8000-000000000001")


@pytest.mark.parametrize(
    ("sent", "budget", "forget"),
    [
        ({"title": "Devoir"}, None, False),
        ({"identification_error_budget": "0.002"}, "0.002", False),
        ({"identification_error_budget": None}, None, True),
    ],
)
def test_an_error_budget_left_out_stays_and_null_is_the_installations(
    admin: Person, rpc: FakeRpc, sent: dict[str, Any], budget: str | None, forget: bool
) -> None:
    rpc.on(rpc_exams.UPDATE_EXAM, lambda _: exam_view(EXAM))
    assert admin.patch(f"/exams/{EXAM}", json={"version": 1, **sent}).status_code == 200
    (_, asked) = rpc.asked[-1]
    told = asked.model_dump(mode="json")
    assert (told["identification_error_budget"], told["forget_error_budget"]) == (budget, forget)


@pytest.mark.parametrize("budget", ["0.06", "-0.1", "0.0000001", "NaN", "viel"])
def test_a_budget_beyond_five_per_cent_is_refused(admin: Person, budget: str) -> None:
    answer = admin.patch(f"/exams/{EXAM}", json={"version": 1, "identification_error_budget": budget})
    assert answer.status_code == 422


def test_the_archive_is_a_list_of_its_own(admin: Person, rpc: FakeRpc) -> None:
    rpc.on(rpc_exams.LIST_EXAMS, lambda _: rpc_exams.Exams(items=(), next=None, total=0))
    assert admin.get("/exams?archived=true").status_code == 200
    assert admin.get("/exams").status_code == 200
    assert [request.archived for _, request in rpc.asked] == [True, False]


def test_a_scheme_is_tried_before_it_is_stored(admin: Person, rpc: FakeRpc) -> None:
    view = rpc_exams.SchemeView(exam_id=EXAM, version=0, nodes=(), step=Decimal("0.25"), total_points=Decimal(20))
    rpc.on(rpc_exams.PUT_SCHEME, lambda _: view)
    assert admin.put(f"/exams/{EXAM}/scheme?dry_run=true", json={"nodes": []}).status_code == 200
    assert admin.put(f"/exams/{EXAM}/scheme", json={"nodes": []}).status_code == 200
    assert [request.dry_run for _, request in rpc.asked] == [True, False]
    assert admin.put(f"/exams/{EXAM}/scheme", json={"nodes": [], "dry_run": True}).status_code == 422


def test_a_scheme_is_a_file_to_save_and_a_file_is_read_as_it_was_sent(admin: Person, rpc: FakeRpc) -> None:
    rpc.on(rpc_exams.WRITE_SCHEME_FILE, lambda _: rpc_exams.SchemeFile(text="path;label;points\r\n1;Été;20\r\n"))
    written = admin.get(f"/exams/{EXAM}/scheme.csv")
    assert written.data.decode() == "path;label;points\r\n1;Été;20\r\n"
    assert (written.headers["Content-Type"], written.headers["Cache-Control"]) == (
        "text/csv; charset=utf-8",
        "no-store",
    )
    assert "scheme.csv" in written.headers["Content-Disposition"]
    read: list[bytes] = []

    def draft(request: rpc_exams.ReadSchemeFile) -> rpc_exams.SchemeDraft:
        read.append(request.file)
        return rpc_exams.SchemeDraft(nodes=())

    rpc.on(rpc_exams.READ_SCHEME_FILE, draft)
    sent = {"file": (io.BytesIO(written.data), "bareme.csv")}
    assert admin.post(f"/exams/{EXAM}/scheme/csv", data=sent).json == {"nodes": [], "errors": []}
    assert read == [written.data]
    empty = admin.post(f"/exams/{EXAM}/scheme/csv", data=b"", content_type="text/csv")
    assert empty.json["code"] == "gateway.empty_file"
    large = admin.post(f"/exams/{EXAM}/scheme/csv", data=b"x" * 200_001, content_type="text/csv")
    assert large.status_code == 413
