"""What a browser changes about an exam."""

from __future__ import annotations

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
