"""How long the gateway waits for a service, whatever the method's own patience."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import pytest
from flask import Flask

from contracts.rpc import Done, Method, ingest
from services.gateway.context import LONGEST_CALL_S, Gateway, ask

NOTHING = cast(Any, None)


class NotingRpc:
    def __init__(self) -> None:
        self.waited_s: list[float | None] = []

    def call(self, method: Any, request: Any, *, timeout_s: float | None = None) -> Any:
        self.waited_s.append(timeout_s)
        return Done()

    def ready(self) -> bool:
        return True


@pytest.mark.parametrize(("own_s", "waited_s"), [(5, 5), (20, LONGEST_CALL_S), (30, LONGEST_CALL_S)])
def test_a_slow_method_is_not_waited_for_longer_than_a_request_may_last(own_s: float, waited_s: float) -> None:
    rpc, app = NotingRpc(), Flask("asking")
    app.extensions["korrigo"] = Gateway(NOTHING, NOTHING, NOTHING, rpc, NOTHING)
    with app.app_context():
        ask(Method("ingest", "slow", ingest.OfExam, Done, timeout_s=own_s), exam_id=UUID(int=1))
    assert rpc.waited_s == [waited_s]
