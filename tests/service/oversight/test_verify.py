"""Every invariant holds in a school that the real use cases filled, and each look sees its own breach and no other.

A breach is made as the superuser, with triggers and foreign keys off: no use case could make it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
import urllib3

from chassis.ids import uuid7
from chassis.outbox import replayed_id
from contracts.errors import Unavailable
from contracts.model import Actor, Role
from contracts.rpc.grading import copies as copies_rpc
from contracts.rpc.grading import exams as exams_rpc
from oversight.installation import SERVICES, Installation
from oversight.progress import Progress
from oversight.report import Report
from oversight.verify import verify
from services.grading.usecases import publication, reopening
from tests.service.oversight.school import ADMIN, Known, School
from tests.service.oversight.shelf import ShelfObjects

SECOND = Actor(id=UUID(int=3), name="Proviseur", role=Role.ADMIN)


def look(installation: Installation, **options: Any) -> Report:
    return verify(installation, settled_after_s=0, second_look_s=0, **options)


def spoil(installation: Installation, service: str, *statements: str, **values: Any) -> None:
    """Change rows as nobody may; a statement that changes none is a mistake in the test."""
    with installation.databases[service].engine.begin() as sql:
        sql.execute(sa.text("SET session_replication_role = replica"))
        for statement in statements:
            changed = sql.execute(sa.text(statement), values).rowcount
            assert changed != 0, statement
        sql.execute(sa.text("SET session_replication_role = origin"))


def only(report: Report, invariants: str, service: str, *subjects: object) -> None:
    """These invariants were found broken, for these subjects of this service, and nothing else.

    But that the trail tells of most rows too: a row that was changed behind its back is always a breach of I10 as well.
    """
    found = {finding[:3] for finding in report.findings if finding.invariant in invariants.split()}
    assert {finding.invariant for finding in report.findings} <= {*invariants.split(), "I10"}, report
    assert found == {(each, service, str(subject)) for each in invariants.split() for subject in subjects}, report


def test_a_school_that_worked_without_faults_is_sound(installation: Installation) -> None:
    report = look(installation, deep=True)
    assert report.findings == []
    assert report.notes == []
    assert report.complete
    assert report.checked["grading.copies"] == 5
    assert report.checked["objects.bytes"] == report.checked["objects.named"] > 20


# In grading. Each case: the invariant, the copy or exam that is named, and SQL that may use their ids by name.

_RECORD_OF_TWICE = "(SELECT record FROM results WHERE copy_id = :twice AND revision = 1)"
_ONCE_OUT = (
    "INSERT INTO published_copies SELECT exam_id, 0, copy_id, 1, candidate_id, person_id FROM published_copies"
    " WHERE copy_id = :twice"
)
GRADING = {
    "marks under a lock that was never taken": (
        "I1", "published", "UPDATE marks SET fence = 7 WHERE copy_id = :published",
    ),
    "an annotation under somebody else's lock": (
        "I1", "published", "UPDATE annotations SET updated_by = gen_random_uuid() WHERE copy_id = :published",
    ),
    "a save under an older lock than the one before": (
        "I1", "twice", "UPDATE draft_saves SET fence = 2 WHERE copy_id = :twice AND version = 1",
    ),
    "a lock with another number than its copy's": (
        "I1", "locked", "UPDATE locks SET fence = 9 WHERE copy_id = :locked",
    ),
    "a copy that is locked by nobody": ("I1", "locked", "DELETE FROM locks WHERE copy_id = :locked"),
    "a document that is not that of the result": (
        "I2", "published", "UPDATE copies SET final_size = final_size + 1 WHERE id = :published",
    ),
    "a result of a revision that is still to come": (
        "I2 I3 I6", "locked", "INSERT INTO results SELECT CAST(:locked AS uuid), 2, exam_id, record, document, total,"
        " graded_at FROM results WHERE copy_id = :twice AND revision = 1",
    ),
    "totals that differ": ("I3", "published", "UPDATE copies SET total = total + 0.25 WHERE id = :published"),
    "a total that is not its record's": ("I3", "failed", "UPDATE copies SET record_total = 19 WHERE id = :failed"),
    "a score that is not the one frozen": (
        "I3", "published", """UPDATE marks SET scores = scores || '{"q1": "7"}' WHERE copy_id = :published""",
    ),
    "a record of another revision": (
        "I3", "failed", f"UPDATE copies SET record = {_RECORD_OF_TWICE} WHERE id = :failed",
    ),
    "a draft that is older than its last save": ("I4", "twice", "UPDATE drafts SET version = 1 WHERE copy_id = :twice"),
    "a draft with another payload than its last save": (
        "I4", "twice", """UPDATE drafts SET payload = '{"text": "autre"}' WHERE copy_id = :twice""",
    ),
    "a save that is gone": ("I4", "twice", "DELETE FROM draft_saves WHERE copy_id = :twice AND version = 1"),
    "a draft that is gone": ("I4", "locked", "DELETE FROM drafts WHERE copy_id = :locked"),
    "a save that was not based on the one before": (
        "I4", "twice", "UPDATE draft_saves SET base_version = 0 WHERE copy_id = :twice AND version = 2",
    ),
    "a failure without a reason": (
        "I5", "failed", "ALTER TABLE copies DROP CONSTRAINT ck_copies_failed_says_why",
        "UPDATE copies SET error_message = '' WHERE id = :failed",
    ),
    "an attempt nobody recorded": ("I6", "published", "UPDATE copies SET attempt = 2 WHERE id = :published"),
    "a result that is gone": ("I6", "twice", "DELETE FROM results WHERE copy_id = :twice AND revision = 1"),
    "an event that was changed": (
        "I10", "ready", """UPDATE audit SET details = '{"fence": 2}' WHERE copy_id = :ready AND action = 'RELEASE'""",
    ),
    "an event that is gone": ("I10", "published", "DELETE FROM audit WHERE copy_id = :published AND action = 'SCORES'"),
    "events that were swapped": (
        "I10", "published", "ALTER TABLE audit DROP CONSTRAINT pk_audit",
        "UPDATE audit SET seq = 13 - seq WHERE copy_id = :published AND seq IN (6, 7)",
    ),
    "a state that no event led to": (
        "I10", "locked", "DELETE FROM locks WHERE copy_id = :locked",
        "UPDATE copies SET status = 'READY', owner_id = NULL, owner = NULL, locked_at = NULL WHERE id = :locked",
    ),
    "an event of the exam that was changed": (
        "I10", "exam", "UPDATE audit SET actor = 'Personne' WHERE subject_id = :exam AND seq = 2",
    ),
    "a copy of somebody who sits another exam": (
        "I14", "ready", "UPDATE copies SET candidate_id = (SELECT id FROM candidates WHERE exam_id = :exam LIMIT 1)"
        " WHERE id = :ready",
    ),
    "a candidate with two copies": (
        "I14", "ready locked", "DROP INDEX uq_copies_candidate",
        "UPDATE copies SET candidate_id = (SELECT min(k.id::text)::uuid FROM candidates k WHERE k.exam_id <> :exam)"
        " WHERE id IN (:ready, :locked)",
    ),
    "a candidate nobody is answerable for": (
        "I14", "published", "UPDATE identifications SET decided_by = NULL WHERE copy_id = :published",
    ),
    "a copy whose candidate was taken from it without a trace": (
        "I10 I14 I17", "twice", "UPDATE identifications SET decided_by = 'machine' WHERE copy_id = :twice",
        "UPDATE copies SET candidate_id = NULL WHERE id = :twice",
    ),
    "one candidate twice": (
        "I15", "exam", "ALTER TABLE candidates DROP CONSTRAINT uq_candidates_exam_id_candidate_key",
        "UPDATE candidates SET candidate_key = 'one' WHERE exam_id = :exam",
    ),
    "a candidate who is nobody": (
        "I15", "exam other", "DELETE FROM persons WHERE id = (SELECT person_id FROM candidates WHERE exam_id = :exam"
        " AND NOT EXISTS (SELECT 1 FROM copies WHERE candidate_id = candidates.id))",
    ),
    "a copy that changed hands while its results are out": (
        "I17", "published", "UPDATE copies SET candidate_id = (SELECT id FROM candidates WHERE exam_id = :exam"
        " AND first_name = 'Louise') WHERE id = :published",
    ),
    "a published document that was swapped": (
        "I17", "published",
        "UPDATE results SET document = (SELECT document FROM results WHERE copy_id = :twice AND revision = 1)"
        " WHERE copy_id = :published",
        "UPDATE copies SET final_key = document ->> 'key', final_sha256 = document ->> 'sha256',"
        " final_size = (document ->> 'size')::bigint FROM results WHERE copy_id = :published AND id = copy_id",
    ),
    "a revision that was out and changed without a reason": ("I17", "twice", _ONCE_OUT),
    "a revision that was out and changed by whoever had finalised it": (
        "I17", "twice", _ONCE_OUT, f"INSERT INTO reopenings VALUES (:twice, 2, 'Oubli.', now(), '{ADMIN.id}')",
    ),
    "a publication that is not counted": ("I17", "exam", "UPDATE exams SET publication = 2 WHERE id = :exam"),
}  # fmt: skip


@pytest.mark.parametrize("case", GRADING)
def test_a_breach_in_grading_is_seen_as_what_it_is(installation: Installation, known: Known, case: str) -> None:
    invariant, subject, *statements = GRADING[case]
    ids = {name: value for name, value in vars(known).items() if any(f":{name}" in each for each in statements)}
    spoil(installation, "grading", *statements, **ids)
    only(look(installation), invariant, "grading", *(getattr(known, name) for name in subject.split()))


def test_a_revision_that_was_out_and_changed_by_a_second_person_with_a_reason_is_sound(
    school: School, known: Known
) -> None:
    once = exams_rpc.Publish(exam_id=known.exam, by=ADMIN)
    publication.withdraw(school.grading, once)
    again = copies_rpc.Reopen(copy_id=known.twice, reason="Une page oubliée.", by=SECOND)
    reopening.reopen(school.grading, again)
    school.finalise(known.twice, school.lock(known.twice))
    school.carry()
    publication.publish(school.grading, once)
    school.carry()
    assert look(school.installation).findings == []


# In ingest, and between ingest and grading.

_OF_BOOKLET = "booklet_id = (SELECT id FROM booklets WHERE copy_id = :published)"
PAPER = {
    "a page that is gone": ("I13", f"DELETE FROM pages WHERE {_OF_BOOKLET} AND place = 1"),
    "a page in another place": ("I13", f"UPDATE pages SET place = 9 WHERE {_OF_BOOKLET} AND place = 2"),
    "a page in another booklet": (
        "I13", f"UPDATE pages SET place = 3, booklet_id = (SELECT id FROM booklets WHERE copy_id = :ready)"
        f" WHERE {_OF_BOOKLET} AND place = 1",
    ),
    "a page without a booklet": (
        "I13", f"UPDATE pages SET booklet_id = NULL, place = NULL WHERE {_OF_BOOKLET} AND place = 2",
    ),
    "half a side": ("I13", f"UPDATE pages SET half = 'left' WHERE {_OF_BOOKLET} AND place = 1"),
    "pages turned round after assembling": (
        "I13", "UPDATE pages p SET place = 3 - p.place FROM booklets b WHERE b.id = booklet_id AND b.copy_id = :twice",
    ),
    "a page taken back after assembling": ("I13", f"UPDATE pages SET dropped = false WHERE {_OF_BOOKLET}"),
    "sides that are not counted": ("I13", "UPDATE uploads SET pages = pages + 1"),
    "an assembly that grading was never told": (
        "I7", "UPDATE assemblies SET revision = 2 WHERE copy_id = :twice",
    ),
}  # fmt: skip


OWN_INGEST = pytest.mark.parametrize("own", [("ingest", "grading")], indirect=True, ids=[""])


@OWN_INGEST
@pytest.mark.parametrize("case", PAPER)
def test_a_breach_in_paper_is_seen_as_what_it_is(installation: Installation, known: Known, case: str) -> None:
    invariant, statement = PAPER[case]
    ids = {name: value for name, value in vars(known).items() if f":{name}" in statement}
    spoil(installation, "ingest", statement, **ids)
    report = look(installation)
    assert {(finding.invariant, finding.service) for finding in report.findings} >= {(invariant, "ingest")}, report
    assert {finding.invariant for finding in report.findings} <= {invariant, "I13"}


def test_grading_shows_the_pages_of_the_manifest(installation: Installation, known: Known) -> None:
    spoil(
        installation, "grading",
        "UPDATE copies SET pages = (SELECT jsonb_agg(page ORDER BY no DESC)"
        " FROM jsonb_array_elements(pages) WITH ORDINALITY AS e(page, no)) WHERE id = :twice", twice=known.twice,
    )  # fmt: skip
    only(look(installation), "I13", "ingest", known.twice)


def test_grading_and_ingest_know_the_same_paper(installation: Installation, known: Known) -> None:
    spoil(installation, "grading", "UPDATE copies SET page_count = 7 WHERE id = :ready", ready=known.ready)
    only(look(installation), "I7", "ingest", known.ready)


@OWN_INGEST
def test_a_copy_that_was_never_assembled_is_seen(installation: Installation, known: Known) -> None:
    spoil(
        installation, "ingest",
        "UPDATE booklets SET copy_id = NULL WHERE copy_id = :ready",
        "DELETE FROM assemblies WHERE copy_id = :ready", ready=known.ready,
    )  # fmt: skip
    only(look(installation), "I7", "grading", known.ready)


def test_an_assembly_is_given_time_to_arrive(installation: Installation, known: Known) -> None:
    spoil(
        installation, "grading", "DELETE FROM audit WHERE copy_id = :ready", "DELETE FROM copies WHERE id = :ready",
        "DELETE FROM audit_heads WHERE subject_id = :ready", ready=known.ready,
    )  # fmt: skip
    assert verify(installation, settled_after_s=900, second_look_s=0).ok
    only(look(installation), "I7", "ingest", known.ready)


# Messages


def test_a_message_that_is_due_and_not_sent(installation: Installation) -> None:
    spoil(installation, "grading", "UPDATE outbox SET sent_at = NULL WHERE id = 1")
    only(look(installation), "I7", "grading", 1)
    assert verify(installation, settled_after_s=900, second_look_s=0).ok


def test_a_message_that_had_no_effect(installation: Installation) -> None:
    message_id = _first(installation, "grading", "SELECT message_id FROM inbox WHERE consumer LIKE '%assembled%'")
    spoil(installation, "grading", "DELETE FROM inbox WHERE message_id = :id", id=message_id)
    only(look(installation), "I7", "ingest", message_id)
    assert verify(installation, settled_after_s=900, second_look_s=0).ok
    assert look(_with_dead(installation, message_id)).ok


def _with_dead(installation: Installation, message_id: UUID) -> Installation:
    return replace(installation, dead_letters=lambda: [message_id])


def test_a_dead_letter_that_was_sent_again_is_known_for_what_it_was(installation: Installation) -> None:
    first = _first(installation, "grading", "SELECT message_id FROM inbox WHERE consumer LIKE '%assembled%'")
    again = replayed_id(replayed_id(first))
    spoil(
        installation, "grading", "UPDATE inbox SET message_id = :again WHERE message_id = :first",
        first=first, again=again,
    )  # fmt: skip
    assert look(installation).ok


def test_an_effect_of_a_message_that_was_never_sent(installation: Installation) -> None:
    ghost = uuid7()
    spoil(
        installation, "grading", "INSERT INTO inbox VALUES ('grading.on.ingest.upload.settled.v1', :ghost, now())",
        ghost=ghost,
    )  # fmt: skip
    only(look(installation), "I7", "grading", ghost)


def _first(installation: Installation, service: str, query: str) -> Any:
    with installation.databases[service].reading() as sql:
        return sql.execute(sa.text(query)).scalars().first()


# The schema


def test_a_foreign_key_that_would_delete_marking(installation: Installation) -> None:
    spoil(
        installation, "grading", "ALTER TABLE marks DROP CONSTRAINT fk_marks_copy_id_copies",
        "ALTER TABLE marks ADD CONSTRAINT gone FOREIGN KEY (copy_id) REFERENCES copies ON DELETE CASCADE",
    )  # fmt: skip
    only(look(installation), "I16", "grading", "marks.gone")


def test_a_table_that_is_no_longer_append_only(installation: Installation) -> None:
    spoil(installation, "grading", "ALTER TABLE results DISABLE TRIGGER results_append_only")
    report = look(installation)
    only(report, "I16", "grading", "results")
    assert [finding.what.split(",")[0] for finding in report.findings] == [
        "its rows can be deleted", "its rows can be changed",
    ]  # fmt: skip


# Objects


def shelf_of(installation: Installation) -> Any:
    assert isinstance(installation.objects, ShelfObjects)
    return installation.objects.shelf


def test_a_document_that_is_gone(installation: Installation, known: Known) -> None:
    key = _first(installation, "grading", f"SELECT final_key FROM copies WHERE id = '{known.published}'")
    del shelf_of(installation).entries[key]
    only(look(installation), "I2", "grading", known.published)


def test_a_page_image_that_is_gone(installation: Installation) -> None:
    page = _first(installation, "ingest", "SELECT id FROM pages ORDER BY id LIMIT 1")
    key = _first(installation, "ingest", f"SELECT images #>> '{{thumb,object,key}}' FROM pages WHERE id = '{page}'")
    del shelf_of(installation).entries[key]
    only(look(installation), "I9", "ingest", page)


def test_bytes_that_were_changed_in_the_store(installation: Installation, known: Known) -> None:
    key = _first(installation, "grading", f"SELECT final_key FROM copies WHERE id = '{known.published}'")
    entries = shelf_of(installation).entries
    data, modified, media_type = entries[key]
    entries[key] = (data[:-1] + bytes([data[-1] ^ 1]), modified, media_type)
    assert look(installation).ok  # the size is right; only reading it tells
    only(look(installation, deep=True), "I2", "grading", known.published)
    entries[key] = (data[:-1], modified, media_type)
    only(look(installation), "I2", "grading", known.published)


def test_a_record_that_does_not_add_up(installation: Installation, known: Known) -> None:
    """Consistently wrong in every row: only the record's own scores tell."""
    named = _first(installation, "grading", f"SELECT record FROM copies WHERE id = '{known.failed}'")
    record = json.loads(shelf_of(installation).entries[named["key"]][0])
    record["total"] = "15"
    wrong = installation.objects.put("records", json.dumps(record).encode(), "application/json")
    spoil(
        installation, "grading", "UPDATE copies SET record = CAST(:record AS jsonb), record_total = 15 WHERE id = :id",
        record=wrong.model_dump_json(), id=known.failed,
    )  # fmt: skip
    only(look(installation), "I3", "grading", known.failed)


def test_an_object_that_nothing_names_is_told_when_it_is_old(installation: Installation) -> None:
    orphan = installation.objects.put("pages", b"nobody's", "image/jpeg")
    young, old = look(installation), look(installation, grace=timedelta(0))
    assert (young.findings, young.notes) == ([], [])
    (roster,) = [each.key for each in installation.objects.list("rosters/")]  # read once, named by no row
    assert (old.findings, [note.subject for note in old.notes]) == ([], ["pages", "rosters"])
    only(look(installation, grace=timedelta(0), strict=True), "I9", "objects", orphan.key, roster)


# Looking while the system works


def test_a_finalisation_without_an_end_is_told_after_its_time(school: School, known: Known) -> None:
    token = school.lock(known.ready)
    school.score(known.ready, token)
    school.finalise(known.ready, token)
    assert verify(school.installation, settled_after_s=900, second_look_s=0).ok
    report = verify(school.installation, settled_after_s=900, unended_after_s=0, second_look_s=0)
    only(report, "I5", "grading", known.ready)
    school.carry()
    assert look(school.installation).ok


def test_what_was_only_a_matter_of_timing_is_not_told(installation: Installation) -> None:
    message_id = _first(installation, "grading", "SELECT message_id FROM inbox WHERE consumer LIKE '%assembled%'")
    spoil(installation, "grading", "UPDATE inbox SET consumer = '?' WHERE message_id = :id", id=message_id)
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        consumer = "grading.on.ingest.copy.assembled.v1"
        spoil(
            installation, "grading", "UPDATE inbox SET consumer = :consumer WHERE message_id = :id",
            id=message_id, consumer=consumer,
        )  # fmt: skip

    assert verify(installation, settled_after_s=0, second_look_s=0.5, pause=pause).ok
    assert waited == [0.5]


def test_small_pages_find_what_one_page_finds(
    installation: Installation, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = look(installation, deep=True)
    monkeypatch.setattr("oversight.verify.PAGE", 2)
    monkeypatch.setattr("oversight.inventory.PAGE", 2)
    assert look(installation, deep=True).checked == whole.checked
    spoil(installation, "grading", "UPDATE marks SET fence = 7")
    only(look(installation), "I1", "grading", known.published, known.twice, known.failed)


def test_a_look_that_was_bounded_goes_on_where_it_was(installation: Installation, known: Known, tmp_path: Path) -> None:
    """Without time each call does one step: a page of rows, or one object."""
    spoil(installation, "grading", "UPDATE locks SET fence = 9")
    state = tmp_path / "state.json"
    looks = 1
    while not (report := look(installation, deep=True, progress=Progress(state), seconds=0)).complete:
        assert state.exists()
        looks += 1
    assert looks > report.checked["objects.bytes"] == report.checked["objects.named"] > 20
    only(report, "I1", "grading", known.locked)  # found long before the last call, told once
    assert report.checked["grading.copies"] == 5
    assert not state.exists()


def test_a_look_that_was_interrupted_goes_on_where_it_was(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oversight.verify.PAGE", 2)
    state, asked = tmp_path / "state.json", Counter[str]()

    def away(verb: str, _: str) -> None:
        asked[verb] += 1
        if asked["get"] == 20:
            raise urllib3.exceptions.HTTPError("the store went away")

    def here(verb: str, _: str) -> None:
        asked[verb] += 1

    shelf_of(installation).before = away
    with pytest.raises(Unavailable):
        look(installation, deep=True, progress=Progress(state))
    before = Progress(state).report.checked["objects.bytes"]
    assert before > 0
    asked.clear()
    shelf_of(installation).before = here
    monkeypatch.setattr("oversight.verify.PAGE", 1000)
    report = look(installation, deep=True, progress=Progress(state))
    assert report.complete
    assert asked["get"] == report.checked["objects.named"] - before


def test_a_look_writes_nothing(installation: Installation) -> None:
    before = {service: _written(installation, service) for service in SERVICES}
    look(installation, deep=True)
    assert {service: _written(installation, service) for service in SERVICES} == before


def _written(installation: Installation, service: str) -> Any:
    return _first(installation, service, "SELECT pg_current_xact_id_if_assigned()::text"), hashlib.sha256(
        repr(_first(installation, service, "SELECT max(xmin::text::bigint) FROM outbox")).encode()
    ).hexdigest()


def test_a_look_costs_the_same_number_of_statements_whatever_there_is(school: School) -> None:
    """Few, so that the simulator can look after every schedule; nine of grading's are for the sealed trail."""
    from contextlib import ExitStack

    from tests.service.grading.desk import counted

    look(school.installation)
    with ExitStack() as stack:
        seen = {name: stack.enter_context(counted(each)) for name, each in school.installation.databases.items()}
        look(school.installation)
    assert max(len(statements) for statements in seen.values()) <= 35, {name: len(seen[name]) for name in seen}
