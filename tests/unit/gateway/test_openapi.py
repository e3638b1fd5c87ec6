"""The document that describes the API, held against the promise."""

from __future__ import annotations

import re
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from openapi_spec_validator import validate

from services.gateway.openapi import openapi_document

# The promised resources of the journey, path by path. What is not built yet is not here and not in the document.
PROMISED = """
/session POST GET DELETE
/session/password PUT
/sessions GET
/sessions/{} DELETE
/tokens GET POST
/tokens/{} DELETE
/users GET POST
/audit GET
/system GET
/users/{} GET PATCH
/exams GET POST
/exams/{} GET PATCH DELETE
/exams/{}/restore POST
/exams/{}/scheme GET PUT
/exams/{}/scheme.csv GET
/exams/{}/scheme/csv POST
/exams/{}/roster POST
/exams/{}/roster/errors.csv POST
/exams/{}/roster/columns POST
/exams/{}/candidates GET
/exams/{}/sheets.pdf GET
/exams/{}/uploads GET POST
/exams/{}/archives GET
/exams/{}/scan-report GET
/uploads/{} GET
/uploads/{}/confirm POST
/exams/{}/booklets GET
/booklets/{} GET PATCH DELETE
/booklets/{}/split POST
/booklets/{}/insert POST
/booklets/{}/undo POST
/exams/{}/booklets/merge POST
/exams/{}/booklets/undo POST
/exams/{}/booklets/acts GET
/exams/{}/copies GET POST
/exams/{}/copies/assemble POST
/copies/{} GET
/copies/{}/pages/{} GET
/copies/{}/paper POST
/copies/{}/covers POST
/copies/{}/covers/{} DELETE
/exams/{}/identification GET
/exams/{}/identification/solve POST
/exams/{}/identification/readings POST
/exams/{}/printed-names GET
/exams/{}/printed-names/readings POST
/copies/{}/printed-names/{} DELETE
/exams/{}/sheet-model GET PUT DELETE
/copies/{}/identification PUT DELETE
/copies/{}/identification/reading POST
/exams/{}/allocation POST GET
/copies/{}/lock POST DELETE
/copies/{}/lock/heartbeat POST
/copies/{}/draft GET PUT PATCH
/copies/{}/annotations GET POST
/annotations/{} PATCH DELETE
/copies/{}/scores GET PUT
/copies/{}/finalise POST
/copies/{}/reopen POST
/copies/{}/final.pdf GET
/copies/{}/flag PUT
/exams/{}/comments GET POST
/comments/{} PATCH DELETE
/copies/{}/desk GET
/exams/{}/pile GET
/exams/{}/statistics GET
/exams/{}/results GET
/exams/{}/results.csv GET
/exams/{}/results.pronote.csv GET
/exams/{}/exports POST
/exports/{} GET
/copies/{}/events GET
/exams/{}/publication PUT DELETE
/exams/{}/access-codes POST
/candidate/session POST GET DELETE
/candidate/results GET
/candidate/copies/{}/final.pdf GET
/jobs GET
/jobs/{} GET DELETE
/jobs/{}/events GET
/jobs/events GET
/jobs/{}/items/{}/repeat POST
/images/{} GET
/maintenance/stuck-copies POST
/maintenance/stuck-uploads POST
"""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document()


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_it_offers_exactly_what_was_promised(document: dict[str, Any]) -> None:
    promised = {line.split()[0]: set(line.split()[1:]) for line in PROMISED.split("\n") if line}
    offered = {
        re.sub(r"{\w+}", "{}", path.removeprefix("/api/v1")): {method.upper() for method in methods}
        for path, methods in document["paths"].items()
    }
    assert offered == promised


def test_bodies_never_ask_for_what_only_the_gateway_knows(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        if name.startswith("New") or name.endswith(("Change", "Wanted", "Choice", "Split", "Merge")):
            assert schema["properties"].keys().isdisjoint({"by", "exam_id", "booklet_id", "annotation_id", "token"})
            assert schema["additionalProperties"] is False


def test_answers_never_hold_an_address_of_the_store(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert "ObjectRef" not in schemas
    assert "ImageRef" not in schemas


def test_shapes_worth_fixing(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["Job"]["properties"].keys() >= {
        "id", "type", "status", "done", "total", "error", "items", "result",
    }  # fmt: skip
    assert schemas["JobStatus"]["enum"] == ["queued", "running", "succeeded", "failed", "cancelled"]
    assert schemas["RosterReport"]["properties"].keys() == {"created", "updated", "unchanged", "skipped", "errors"}
    assert schemas["Suggestion"]["properties"].keys() == {
        "candidate_id", "last_name", "first_name", "class", "confidence", "by_place",
    }  # fmt: skip
    assert "token" not in schemas["LockSeen"]["properties"]
    for listing in ("Users", "Tokens", "Exams", "Copies", "Booklets", "Uploads", "Candidates", "Jobs", "Annotations"):
        assert schemas[listing]["properties"].keys() == {"items", "next", "total"}


def test_a_version_is_required_where_it_is_promised(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("ExamChange", "BookletChange", "BookletSplit", "NewDraft", "AnnotationChange"):
        assert "version" in schemas[name]["required"]
    for name in ("NewScheme", "NewScores"):
        assert "version" not in schemas[name]["required"]


@pytest.mark.parametrize(
    "error",
    [
        {"field": "title", "code": "missing", "message": "this field is required"},
        {"row": 9, "field": "ine", "value": "12", "reason": "format"},
        {"node": "", "reason": "no_items"},
    ],
    ids=["field", "row of a roster", "node of a scheme"],
)
def test_every_kind_of_listed_error_is_described(error: dict[str, Any]) -> None:
    known = {"type": "urn:x", "title": "t", "status": 422, "detail": "d", "code": "c", "request_id": None}
    document = openapi_document()
    schema = {"$ref": "#/components/schemas/Problem", "components": document["components"]}
    jsonschema.validate({**known, "errors": [error]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**known, "errors": [{"foo": 1}]}, schema)
