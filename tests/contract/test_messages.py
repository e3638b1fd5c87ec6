"""Messages are promises: every one has an example, and what was frozen stays readable in both directions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel

from contracts.catalogue import MESSAGES, SERVICES, Audience, Kind, Message

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
by_type = pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.type)


@by_type
def test_every_message_has_an_example_that_its_model_reads(message: Message) -> None:
    event = json.loads((CONTRACTS / "examples" / f"{message.type}.json").read_text())
    assert event["type"] == message.type
    assert event["specversion"] == "1.0"
    message.model.model_validate(event["data"])


@by_type
def test_what_we_write_today_is_read_by_the_frozen_schema(message: Message) -> None:
    frozen = json.loads((CONTRACTS / "frozen" / f"{message.type}.schema.json").read_text())
    event = json.loads((CONTRACTS / "examples" / f"{message.type}.json").read_text())
    today = message.model.model_validate(event["data"]).model_dump(mode="json")
    jsonschema.validate(today, frozen, format_checker=jsonschema.FormatChecker())


def breaks(frozen: dict[str, Any], today: dict[str, Any]) -> list[str]:
    """What a reader or writer of the frozen version would stumble over."""
    added = set(today.get("required", ())) - set(frozen.get("required", ()))
    removed = set(frozen["properties"]) - set(today["properties"])
    return [f"{name}: a new field must be optional" for name in sorted(added)] + [
        f"{name}: a removed field is a new version" for name in sorted(removed)
    ]


@by_type
def test_nothing_breaks_the_frozen_version(message: Message) -> None:
    frozen = json.loads((CONTRACTS / "frozen" / f"{message.type}.schema.json").read_text())
    assert breaks(frozen, message.model.model_json_schema(mode="validation")) == []


def test_a_new_required_field_and_a_removed_one_both_trip_the_guard() -> None:
    class Was(BaseModel):
        kept: int
        gone: str = ""

    class Now(BaseModel):
        kept: int
        added: int

    assert breaks(Was.model_json_schema(), Now.model_json_schema()) == [
        "added: a new field must be optional",
        "gone: a removed field is a new version",
    ]


def test_no_example_or_frozen_schema_is_orphaned() -> None:
    types = {message.type for message in MESSAGES}
    assert {path.name.removesuffix(".json") for path in (CONTRACTS / "examples").glob("*.json")} == types
    assert {path.name.removesuffix(".schema.json") for path in (CONTRACTS / "frozen").glob("*.json")} == types


@by_type
def test_names_say_owner_noun_and_verb(message: Message) -> None:
    owner, noun, verb = message.name.split(".")
    assert owner in SERVICES
    assert noun
    past = verb.endswith("ed") or verb in {"withdrawn"}
    assert past is (message.kind is Kind.EVENT), "events are past participles, commands imperatives"


@by_type
def test_a_public_message_holds_no_name_and_no_mark(message: Message) -> None:
    if message.audience is not Audience.PUBLIC:
        return
    forbidden = {"last_name", "first_name", "ine", "name", "total", "score", "candidate_id", "class"}
    assert not forbidden & set(message.model.model_fields)
