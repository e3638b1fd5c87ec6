"""Defects to be planted, one at a time, in code that has none of them. A hunt that misses one is worth nothing.

Each is a context manager that takes the world and changes the product while it is open. They are mistakes that were
made somewhere: by a framework's defaults, by an older system, by the first draft of a fix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from chassis import outbox
from chassis.bus.container import settle
from chassis.bus.publisher import Unroutable
from chassis.bus.relay import Relay
from chassis.bus.subscription import Delivery, Subscription
from chassis.db import UnitOfWork
from chassis.objects import Objects
from contracts.catalogue import BY_MODEL
from contracts.errors import Refusal, Unavailable
from oversight import garbage
from oversight.inventory import Inventory
from services.grading.domain import copies as copies_domain
from services.grading.domain import marking as marking_domain
from services.grading.store import audit, copies, drafts, locks, marking, tables
from services.grading.usecases import finalise, reopening
from services.grading.usecases import marking as marking_usecases
from services.ingest import domain as staging_domain
from services.ingest import splitting
from services.ingest import usecases as ingest_usecases
from services.render import store as render_store
from tests.faults.simulation.world import World


@dataclass(frozen=True)
class Defect:
    """``shows_as``: how the violations begin that this defect must lead to; others do not count as caught."""

    plant: Callable[[World], AbstractContextManager[Any]]
    shows_as: str


DEFECTS: dict[str, Defect] = {}

_outbox, _inbox = outbox.tables(sa.MetaData())


def defect(shows_as: str) -> Callable[[Callable[[World], Iterator[None]]], None]:
    """Register under the function's name, which says what the program does wrong."""

    def register(plant: Callable[[World], Iterator[None]]) -> None:
        DEFECTS[plant.__name__] = Defect(contextmanager(plant), shows_as)

    return register


def _replaced(*changes: tuple[Any, str, Any]) -> ExitStack:
    stack = ExitStack()
    for owner, name, value in changes:
        stack.enter_context(patch.object(owner, name, value))
    return stack


# Locks


@defect("I1")
def writes_without_looking_at_the_lock(_: World) -> Iterator[None]:
    nobody = locks.Lease(tables.sa.Uuid, "", "", 0, None, True)  # type: ignore[arg-type]

    def required(sql: Any, copy_id: Any, token: Any, by: Any) -> Any:
        return locks.current(sql, copy_id) or nobody

    with _replaced((locks, "required", required)):
        yield


@defect("I1")
def takes_a_lock_that_is_in_force(_: World) -> Iterator[None]:
    def current(sql: Any, copy_id: Any) -> Any:
        lease = original(sql, copy_id)
        return lease and replace(lease, in_force=False)

    original = locks.current
    with _replaced((locks, "current", current)), _replaced((locks, "required", _required_with(original))):
        yield


def _required_with(current: Any) -> Any:
    def required(sql: Any, copy_id: Any, token: Any, by: Any) -> Any:
        with patch.object(locks, "current", current):
            return original(sql, copy_id, token, by)

    original = locks.required
    return required


@defect("I1")
def lets_the_fence_stand_still(_: World) -> Iterator[None]:
    def move(uow: Any, copy_id: Any, by_move: Any, *expected: Any, **values: Any) -> Any:
        values.pop("fence", None)
        return original(uow, copy_id, by_move, *expected, **values)

    original = copies.move
    with _replaced((copies, "move", move)):
        yield


@defect("I1")
def sweeps_a_lease_and_leaves_its_copy_locked(_: World) -> Iterator[None]:
    def move(uow: Any, copy_id: Any, by_move: Any, *expected: Any, **values: Any) -> Any:
        return None if by_move is copies_domain.Move.EXPIRE else original(uow, copy_id, by_move, *expected, **values)

    original = copies.move
    with _replaced((copies, "move", move)):
        yield


# Drafts, scores, annotations


@defect("I4")
def autosave_does_not_compare(_: World) -> Iterator[None]:
    def put(uow: Any, save: Any) -> Any:
        stored = drafts.draft(uow.sql, save.copy_id, save.owner_id)
        table = drafts.drafts
        if stored is None:
            return original(uow, replace(save, base_version=0))
        row = uow.sql.execute(
            table.update()
            .where(table.c.copy_id == save.copy_id, table.c.owner_id == save.owner_id)
            .values(client_id=save.client_id, version=stored.version + 1, fence=save.fence, payload=save.payload)
            .returning(table.c.version, table.c.updated_at)
        ).one()
        return row.version, row.updated_at

    original = drafts.put
    with _replaced((drafts, "put", put)):
        yield


@defect("I4")
def two_windows_overwrite_each_other(_: World) -> Iterator[None]:
    def put(uow: Any, save: Any) -> Any:
        table = drafts.drafts
        uow.sql.execute(
            table.update()
            .where(table.c.copy_id == save.copy_id, table.c.owner_id == save.owner_id)
            .values(client_id=save.client_id)
        )
        return original(uow, save)

    original = drafts.put
    with _replaced((drafts, "put", put)):
        yield


@defect("I4")
def forgets_a_draft_that_it_refuses(_: World) -> Iterator[None]:
    def keep(uow: Any, save: Any, version: Any, saved_at: Any) -> None:
        if version is not None:
            original(uow, save, version, saved_at)

    original = drafts.keep
    with _replaced((drafts, "keep", keep)):
        yield


@defect("contradiction")
def scores_overwrite_whatever_is_stored(_: World) -> Iterator[None]:
    def put_scores(app: Any, request: Any) -> Any:
        with app.db.reading() as sql:
            stored = marking.marks(sql, request.copy_id)
        return original(app, request.model_copy(update={"version": stored.version or None}))

    original = marking_usecases.put_scores
    with _replaced((marking_usecases, "put_scores", put_scores)):
        yield


@defect("contradiction")
def annotations_overwrite_whatever_is_stored(_: World) -> Iterator[None]:
    def change(uow: Any, annotation_id: Any, version: Any, changes: Any, **options: Any) -> Any:
        stored = marking.annotation(uow.sql, annotation_id)
        return None if stored is None else original(uow, annotation_id, stored.version, changes, **options)

    original = marking.change_annotation
    with _replaced((marking, "change_annotation", change)):
        yield


# Finalising


@defect("I3")
def freezes_without_a_second_look(_: World) -> Iterator[None]:
    with _replaced((marking, "edition", lambda *_: (1,))):
        yield


@defect("I3")
def adds_up_in_floats(_: World) -> Iterator[None]:
    def copy_total(items: Any, step: Any, scores: Any, most: Any) -> Decimal:
        exact = original(items, step, scores, most)
        added = sum(float(scores[item.item_id]) for item in items)
        return min(exact, Decimal(int(added * 10)) / 10)

    original = marking_domain.copy_total
    with _replaced((marking_domain, "copy_total", copy_total)):
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

    with _replaced((finalise, "document_composed", document_composed)):
        yield


@defect("I2")
def grades_and_keeps_no_result(_: World) -> Iterator[None]:
    with _replaced((copies, "keep_result", lambda *_: None)):
        yield


@defect("I5")
def watch_takes_finalised_copies_back(_: World) -> Iterator[None]:
    def ask_for_stuck(app: Any) -> int:
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
        return len(overdue)

    with _replaced((finalise, "ask_for_stuck", ask_for_stuck)):
        yield


@defect("I3")
def remembers_documents_without_their_record(_: World) -> Iterator[None]:
    def find(sql: Any, record_sha256: str, template_version: int) -> Any:
        any_record = sql.execute(sa.select(render_store.artefacts.c.record_sha256).limit(1)).scalar()
        return original(sql, any_record or record_sha256, template_version)

    original = render_store.find
    with _replaced((render_store, "find", find)):
        yield


@defect("I17")
def reopens_while_published(_: World) -> Iterator[None]:
    with _replaced((copies, "hold_unpublished", lambda *_: None)):
        yield


@defect("I17")
def changes_what_was_shown_without_a_reason(_: World) -> Iterator[None]:
    with _replaced((reopening, "check_change_of_released", lambda *_: None)):
        yield


# Messages


@defect("I5")
def sends_after_the_commit(world: World) -> Iterator[None]:
    """The event is lost with a process that dies between the two."""

    def send(self: Any, payload: Any, *, subject: str, delay_s: float = 0) -> Any:
        message = BY_MODEL[type(payload)]
        message_id = original(self, payload, subject=subject, delay_s=delay_s)
        row = self.sql.execute(_outbox.delete().where(_outbox.c.message_id == message_id).returning(_outbox)).one()
        relay = world.hosted[self._service].relay
        self.after_commit.append(lambda: relay._publish(row))
        assert message.type == row.type
        return message_id

    original = UnitOfWork.send
    with _replaced((UnitOfWork, "send", send)):
        yield


@defect("I5")
def marks_as_sent_what_it_is_about_to_send(_: World) -> Iterator[None]:
    def flush(self: Any) -> int:
        due = (_outbox.c.sent_at.is_(None)) & (_outbox.c.not_before <= sa.func.clock_timestamp())
        with self._database.transaction() as work:
            rows = work.sql.execute(sa.select(_outbox).where(due).order_by(_outbox.c.id)).all()
            work.sql.execute(
                _outbox.update()
                .where(_outbox.c.id.in_([row.id for row in rows]))
                .values(sent_at=sa.func.clock_timestamp())
            )
        for row in rows:
            self._publish(row)
        return len(rows)

    with _replaced((Relay, "flush", flush)):
        yield


@defect("I5")
def sends_without_waiting_for_the_confirm(_: World) -> Iterator[None]:
    def publish(self: Any, row: Any) -> None:
        try:
            original(self, row)
        except (Unavailable, Unroutable):
            return

    original = Relay._publish
    with _replaced((Relay, "_publish", publish)):
        yield


@defect("I5")
def acknowledges_before_the_effect(_: World) -> Iterator[None]:
    def handle(self: Any, service: Any, message: Any) -> str:
        settle(message)
        return str(original(self, service, message))

    original = Subscription._handle
    with _replaced((Subscription, "_handle", handle)):
        yield


@defect("I5")
def acknowledges_what_failed(_: World) -> Iterator[None]:
    """nameko's default."""
    with _replaced((Subscription, "_failed", lambda *_: "retried")):
        yield


@defect("I7")
def keeps_no_inbox(_: World) -> Iterator[None]:
    @contextmanager
    def transaction(self: Any) -> Iterator[Any]:
        self.entered += 1
        with self.database.transaction() as work:
            yield work

    with _replaced((Delivery, "transaction", transaction)):
        yield


@defect("I5")
def marks_the_inbox_before_the_effect(_: World) -> Iterator[None]:
    @contextmanager
    def transaction(self: Any) -> Iterator[Any]:
        with original(self):
            pass
        with self.database.transaction() as work:
            yield work

    original = Delivery.transaction
    with _replaced((Delivery, "transaction", transaction)):
        yield


@defect("I5")
def tells_nobody_that_it_gave_up(world: World) -> Iterator[None]:
    heard = [each for hosted in world.hosted.values() for each in hosted.subscriptions.values()]
    with _replaced(*((each, "on_exhausted", None) for each in heard)):
        yield


@defect("I7")
def settles_an_upload_and_tells_nobody(_: World) -> Iterator[None]:
    def send(self: Any, payload: Any, *, subject: str, delay_s: float = 0) -> Any:
        if type(payload).__name__ == "UploadSettled":
            return None
        return original(self, payload, subject=subject, delay_s=delay_s)

    original = UnitOfWork.send
    with _replaced((UnitOfWork, "send", send)):
        yield


# The trail


@defect("I10")
def writes_the_trail_after_the_commit(world: World) -> Iterator[None]:
    def append(uow: Any, *entries: Any) -> None:
        def later() -> None:
            with world.databases["grading"].transaction() as work:
                original(work, *entries)

        uow.after_commit.append(later)

    original = audit.append
    with _replaced((audit, "append", append)):
        yield


@defect("I10")
def identifies_without_a_trace(_: World) -> Iterator[None]:
    def append(uow: Any, *entries: Any) -> None:
        original(uow, *(each for each in entries if each.action not in {"IDENTIFY", "UNIDENTIFY"}))

    original = audit.append
    with _replaced((audit, "append", append)):
        yield


# Paper and objects


@defect("I13")
def leaves_the_last_page_behind(_: World) -> Iterator[None]:
    def pages_to_assemble(booklets: Any) -> Any:
        return original(booklets)[:-1] or original(booklets)

    original = staging_domain.pages_to_assemble
    with _replaced((staging_domain, "pages_to_assemble", pages_to_assemble)):
        yield


@defect("defect")
def loses_a_page_when_merging(_: World) -> Iterator[None]:
    def place_pages(sql: Any, places: Any) -> None:
        original(sql, places[:-1] if len(places) > 2 else places)

    from services.ingest import staging

    original = staging.place_pages
    with _replaced((staging, "place_pages", place_pages)):
        yield


@defect("defect")
def calls_an_upload_ready_too_early(_: World) -> Iterator[None]:
    def add_pages(sql: Any, upload_id: Any, rows: Any) -> tuple[int, int]:
        done, sides = original(sql, upload_id, rows)
        return (sides if done else 0, sides)

    original = splitting.store.add_pages
    with _replaced((splitting.store, "add_pages", add_pages)):
        yield


@defect("I2")
def takes_a_failed_write_for_done(_: World) -> Iterator[None]:
    def put(self: Any, kind: str, data: Any, digest: str, size: int, media_type: str) -> Any:
        try:
            return original(self, kind, data, digest, size, media_type)
        except Unavailable:
            from contracts.objects import ObjectRef

            return ObjectRef(key=f"{kind}/{digest[:2]}/{digest}", sha256=digest, size=size, media_type=media_type)

    original = Objects._put
    with _replaced((Objects, "_put", put)):
        yield


@defect("defect")
def deletes_what_it_refuses_at_once(_: World) -> Iterator[None]:
    """Somebody else may be putting the same bytes."""

    def inspect(context: Any, ref: Any) -> int:
        try:
            return int(original(context, ref))
        except Refusal:
            context.objects.delete(ref.key)
            raise

    original = ingest_usecases._inspect
    with _replaced((ingest_usecases, "_inspect", inspect)):
        yield


@defect("I9")
def collects_what_is_still_young(_: World) -> Iterator[None]:
    """No grace: an object goes whose row is about to be written."""

    def collect(installation: Any, **options: Any) -> Any:
        return original(installation, **options | {"grace": timedelta(0)})

    original = garbage.collect
    with _replaced((garbage, "collect", collect)):
        yield


@defect("I9")
def collects_without_asking_about_pages(_: World) -> Iterator[None]:
    class Blind(Inventory):
        def read_names(self, read: Any) -> None:
            super().read_names(read)
            self._sqlite.execute("DELETE FROM named WHERE key LIKE 'pages/%'")

    with _replaced((garbage, "Inventory", Blind)):
        yield


@defect("I6")
def creates_again_what_was_asked_again(_: World) -> Iterator[None]:
    def create(app: Any, request: Any) -> Any:
        return original(app, request.model_copy(update={"once": None}))

    original = marking_usecases.create_annotation
    with _replaced((marking_usecases, "create_annotation", create)):
        yield


def first_caught(world: World, name: str, seeds: Iterable[int], run: Callable[[World, int], Any]) -> Any:
    """The first outcome that shows the defect for what it is, or ``None``."""
    planted = DEFECTS[name]
    with planted.plant(world):
        for seed in seeds:
            outcome = run(world, seed)
            if any(violation.startswith(planted.shows_as) for violation in outcome.violations):
                return outcome
    return None
