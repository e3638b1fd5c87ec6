"""The table of requests is complete."""

from __future__ import annotations

from services.gateway.openapi import openapi_document
from services.gateway.policy import RULES
from tests.faults.outages.visits import VISITS

WATCHED_BY_ITSELF = {"health.live", "health.ready"}  # asked all the time, on every process


def test_every_route_is_visited_when_something_is_down() -> None:
    described = {one["operationId"] for methods in openapi_document()["paths"].values() for one in methods.values()}
    visited = {each.endpoint for each in VISITS}
    assert described - visited == set()
    assert set(RULES) - visited == WATCHED_BY_ITSELF
    assert visited - set(RULES) == set()
