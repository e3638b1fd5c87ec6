"""What the tables must hold, told by the audit trail alone: a row changed behind the trail's back shows.

``Rows`` are rows by table and key, each with the columns the trail speaks of. A column whose value is too long for the
trail, or not for it, stands there as a digest under a name of its own (``texts_sha256``). An event of an older release
says less, and what is not said is not compared.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from services.grading.domain.audit import Event
from services.grading.domain.copies import ABSENT, FINALISED, TRANSITIONS, Move, Status

Rows: TypeAlias = dict[tuple[str, Any], dict[str, Any]]

BEGINNINGS = {"ASSEMBLE", "CREATE_EXAM"}


def replay(trail: Sequence[Event]) -> Rows:
    """What one copy's, or one exam's, whole trail says its rows are."""
    rows: Rows = {}
    for event in trail:
        tell = _of_copy if event.copy_id is not None else _of_exam
        tell(rows, event, event.details)
    return rows


def differences(told: Rows, stored: Rows) -> list[str]:
    """Where what is stored is not what the trail says, in words without personal data."""
    found = [f"{table} has lost a row" for table, _ in sorted(told.keys() - stored.keys(), key=str)]
    found += [f"{table} has a row nobody wrote" for table, _ in sorted(stored.keys() - told.keys(), key=str)]
    for place in sorted(told.keys() & stored.keys(), key=str):
        row = stored[place]
        wrong = [column for column, value in told[place].items() if row[column] != value]
        found += [f"{place[0]}.{column} is not what was written" for column in sorted(wrong)]
    return found


# Copies

_DIGESTS = {"record": "record_sha256", "error_message": "message_sha256"}
_OF_A_STATE = {column for columns in ABSENT.values() for column in columns}


def _of_copy(rows: Rows, event: Event, details: Mapping[str, Any]) -> None:
    row = rows.setdefault(("copies", event.subject_id), {})
    finalised_before = details.get("status") in FINALISED
    if event.action == "ASSEMBLE" or (event.action == Move.NEW_PAPER and finalised_before):
        _enter(row, Status.READY)
    elif event.action in TRANSITIONS and event.action != Move.NEW_PAPER:  # an open copy's paper changes, not its state
        _enter(row, TRANSITIONS[Move(event.action)].target)
    if event.action in {*TRANSITIONS, "ALLOCATE", "IDENTIFY", "UNIDENTIFY"}:
        row["version"] = row.get("version", 1) + 1  # one event for each change, neither more nor fewer
    match event.action:
        case "ASSEMBLE":
            row |= {"version": 1, "revision": 1, "fence": 0, "candidate_id": None, "marker_id": None}
            row |= {"exam_id": event.exam_id, "created_at": event.at} | _paper(details) | _said(details, "anonymous_id")
        case Move.LOCK:
            row |= {"owner_id": event.actor_id, "owner": event.actor, "locked_at": event.at, "fence": details["fence"]}
        case Move.FINALISE:
            row |= {"attempt": event.attempt, "tries": 0, "record_sha256": details["record"]}
            row |= _said(details, record="record_ref") | _points(details, record_total="total")
        case Move.TRY_AGAIN:
            row |= {"attempt": event.attempt, "tries": row.get("tries", 0) + (details["after"] != "no_answer")}
        case Move.FAIL:
            row |= {"tries": details["tries"], "error_code": details["error_code"]} | _said(details, "message_sha256")
        case Move.GRADE:
            _graded(rows, row, event)
        case Move.REOPEN:
            row["revision"] = event.revision
        case Move.NEW_PAPER:
            row |= {"revision": row.get("revision", 1) + finalised_before} | _paper(details)
        case "ALLOCATE":
            row |= {"marker_id": UUID(details["marker_id"])} | _said(details, "marker_sha256")
        case "IDENTIFY" | "UNIDENTIFY":
            candidate = details["candidate_id"]
            row["candidate_id"] = None if candidate is None else UUID(candidate)
        case "SCORES":
            rows["marks", event.subject_id] = {"updated_by": event.actor_id} | _said(
                details, "version", "fence", "scheme_version", "scores", "texts_sha256"
            )
        case "ANNOTATION_CREATED" | "ANNOTATION_CHANGED" | "ANNOTATION_REMOVED":
            rows["annotations", UUID(details["annotation_id"])] = {
                "updated_by": event.actor_id,
                "removed": event.action == "ANNOTATION_REMOVED",
            } | _said(details, "version", "fence", "sha256")
    if "reason_sha256" in details:
        by = None if event.action == Move.NEW_PAPER else event.actor_id  # whose paper it is did not reopen the copy
        why = {"reopened_at": event.at, "reopened_by": by, "reason_sha256": details["reason_sha256"]}
        rows["reopenings", row["revision"]] = why


def _enter(row: dict[str, Any], state: Status) -> None:
    """Clear what the state does not have; what it has and did not have before is for the event to say."""
    cleared = {*ABSENT[state]}
    cleared |= {_DIGESTS[column] for column in cleared & _DIGESTS.keys()}
    for column in (_OF_A_STATE | {*_DIGESTS.values()}) - cleared:
        if row.get(column) is None:
            row.pop(column, None)
    row |= {"status": state, **dict.fromkeys(cleared)}
    if state is Status.READY:
        row |= {"attempt": 0, "tries": 0}


def _graded(rows: Rows, row: dict[str, Any], event: Event) -> None:
    details = event.details
    worth = _points(details, total="total")
    if "graded_at" in details:
        worth["graded_at"] = dt.datetime.fromisoformat(details["graded_at"])
    row |= worth | {"final_sha256": details["document"]}
    if "document_ref" in details:
        row |= {"final_key": details["document_ref"]["key"], "final_size": details["document_ref"]["size"]}
    record: dict[str, Any] = {column: row[column] for column in ("record_sha256", "record") if column in row}
    rows["results", event.revision] = {
        "exam_id": event.exam_id,
        "document_sha256": details["document"],
        **record,
        **worth,
        **_said(details, document="document_ref"),
    }


def _paper(details: Mapping[str, Any]) -> dict[str, Any]:
    return _said(details, "paper_revision", "paper_sha256", manifest_sha256="manifest", page_count="pages")


# Exams


def _of_exam(rows: Rows, event: Event, details: Mapping[str, Any]) -> None:
    row = rows.setdefault(("exams", event.subject_id), {})
    if event.action in {"CHANGE_EXAM", "DELETE_EXAM", "RESTORE_EXAM", "PUBLISH", "WITHDRAW"}:
        row["version"] = row.get("version", 1) + 1
    publication = ("publications", details.get("publication"))
    match event.action:
        case "CREATE_EXAM":
            row |= {"version": 1, "scheme_version": 0, "publication": 0, "published_at": None, "deleted_at": None}
            row |= {"deleted_by": None, "created_at": event.at, "created_by": event.actor_id}
            row |= {"class_statistics": False, "check_printed_names": False} | _fields(details)
        case "CHANGE_EXAM":
            for changed in details["fields"]:
                row.pop("title_sha256" if changed == "title" else changed, None)
            row |= _fields(details.get("values", {}))
            if "scheme_version" in details["fields"]:
                row["scheme_version"] = 0
        case "PUT_SCHEME":
            row["scheme_version"] = details["version"]
            rows["schemes", details["version"]] = {
                "created_at": event.at,
                "created_by": event.actor_id,
            } | _said(details, "sha256")
        case "DELETE_EXAM":
            row |= {"deleted_at": event.at, "deleted_by": event.actor_id}
        case "RESTORE_EXAM":
            row |= {"deleted_at": None, "deleted_by": None}
        case "PUBLISH":
            row |= {"publication": details["publication"], "published_at": event.at}
            rows[publication] = {"published_at": event.at, "published_by": event.actor_id}
            rows[publication] |= {"withdrawn_at": None, "withdrawn_by": None}
            rows["published_copies", details["publication"]] = _said(details, "copies", "sha256")
        case "WITHDRAW":
            row["published_at"] = None
            rows.setdefault(publication, {}).update(withdrawn_at=event.at, withdrawn_by=event.actor_id)


def _fields(details: Mapping[str, Any]) -> dict[str, Any]:
    fields = _said(
        details, "intake", "pages_per_booklet", "title_sha256", "class_statistics", "check_printed_names"
    ) | _points(details, total_points="total_points")
    budget = "identification_error_budget"
    if budget in details:
        fields[budget] = None if details[budget] is None else Decimal(details[budget])
    if "date" in details:
        fields["date"] = None if details["date"] is None else dt.date.fromisoformat(details["date"])
    return fields


# Only what an event says: those of an older release say less.


def _said(details: Mapping[str, Any], *names: str, **columns: str) -> dict[str, Any]:
    wanted = dict(zip(names, names, strict=True)) | columns
    return {column: details[name] for column, name in wanted.items() if name in details}


def _points(details: Mapping[str, Any], **columns: str) -> dict[str, Any]:
    return {column: Decimal(value) for column, value in _said(details, **columns).items()}
