"""From frozen marks to a document that candidates read."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from services.grading.domain import copies as copies_domain
from services.grading.domain import marking as marking_domain
from services.grading.store import copies, marking, tables
from services.grading.usecases import finalise, reopening
from services.render import store as render_store
from tests.faults.simulation.defects.planting import defect, replaced
from tests.faults.simulation.world import World


@defect("I3")
def freezes_without_a_second_look(_: World) -> Iterator[None]:
    with replaced((marking, "edition", lambda *_: (1,))):
        yield


@defect("I3")
def adds_up_in_floats(_: World) -> Iterator[None]:
    def copy_total(items: Any, step: Any, scores: Any, most: Any) -> Decimal:
        exact = original(items, step, scores, most)
        added = sum(float(scores[item.item_id]) for item in items)
        return min(exact, Decimal(int(added * 10)) / 10)

    original = marking_domain.copy_total
    with replaced((marking_domain, "copy_total", copy_total)):
        yield


@defect("I3")
def takes_the_answer_to_any_attempt(_: World) -> Iterator[None]:
    def document_composed(payload: Any, transaction: Any) -> None:
        with transaction() as uow:
            copy = copies.hold_any(uow, payload.copy_id)
            if copy is not None and copy.status == copies_domain.Status.GRADING_IN_PROGRESS:
                current = payload.model_copy(update={"revision": copy.revision, "attempt": copy.attempt})
                if payload.document is not None:
                    finalise._grade(uow, copy, current)
                else:
                    finalise._try_again_or_fail(uow, copy, copies_domain.Outcome(payload.outcome), payload.reason)

    with replaced((finalise, "document_composed", document_composed)):
        yield


@defect("I2")
def grades_and_keeps_no_result(_: World) -> Iterator[None]:
    with replaced((copies, "keep_result", lambda *_: None)):
        yield


@defect("I5")
def watch_takes_finalised_copies_back(_: World) -> Iterator[None]:
    def ask_for_stuck(app: Any) -> Any:
        table = tables.copies
        with app.db.reading() as sql:
            overdue = copies.stuck(sql, app.settings.stuck_after_s)
        for copy_id, *_ in overdue:
            with app.db.transaction() as uow:
                uow.sql.execute(
                    table.update()
                    .where(table.c.id == copy_id, table.c.status == "GRADING_IN_PROGRESS")
                    .values(
                        status="READY", owner_id=None, owner=None, attempted_at=None, record=None, record_total=None
                    )
                )
        return tuple(copy_id for copy_id, *_ in overdue)

    with replaced((finalise, "ask_for_stuck", ask_for_stuck)):
        yield


@defect("I3")
def remembers_documents_without_their_record(_: World) -> Iterator[None]:
    def find(sql: Any, record_sha256: str, template_version: int) -> Any:
        any_record = sql.execute(sa.select(render_store.artefacts.c.record_sha256).limit(1)).scalar()
        return original(sql, any_record or record_sha256, template_version)

    original = render_store.find
    with replaced((render_store, "find", find)):
        yield


@defect("I17")
def reopens_while_published(_: World) -> Iterator[None]:
    with replaced((copies, "hold_unpublished", lambda *_: None)):
        yield


@defect("I17")
def changes_what_was_shown_without_a_reason(_: World) -> Iterator[None]:
    with replaced((reopening, "check_change_of_released", lambda *_: None)):
        yield
