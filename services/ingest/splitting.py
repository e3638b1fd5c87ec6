"""From a registered upload to its pages and booklets, chunk by chunk, however often a chunk is delivered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from chassis import observe
from chassis.db import Transaction, UnitOfWork
from chassis.ids import uuid7
from chassis.sandbox import TaskFailed
from contracts.errors import Refusal
from contracts.errors.ingest import SplittingFailed, Unreadable
from contracts.messages.ingest import SplitSheets, UploadSettled
from contracts.objects import ObjectRef
from services.ingest import domain, imposition, store
from services.ingest.context import Context

log = observe.logger("ingest.splitting")

CUT_DEADLINE_S = 60

# What the child says of a face beyond the columns it has; each may be missing.
FEATURES = (
    "skew_deg", "blur", "clipped", "bleed", "blank_unsure", "fingerprint", "margin", "writing_top", "writing_bottom",
    "lean", "turned", "page_no", "code",
)  # fmt: skip
# Faces that cast a doubt on their booklet, whatever becomes of it: kept as the feature ``doubts``.
MASK_FAILED, FOREIGN_CODE = "mask_failed", "foreign_code"


def send_chunks(uow: UnitOfWork, upload_id: UUID, sides: Iterable[int], size: int) -> None:
    """One command for every ``size`` sides."""
    for first, last in domain.chunks(sides, size):
        uow.send(SplitSheets(upload_id=upload_id, first_side=first, last_side=last), subject=str(upload_id))


def split_sheets(context: Context, command: SplitSheets, transaction: Transaction) -> None:
    """Cut some sides of an upload; whoever completes it groups its pages and tells that it is ready.

    Each side is kept as soon as its images are, so that progress counts sides, a cancelled upload stops at the next one
    and a process that is killed leaves those before it. The message is done with the last. A second delivery cuts all
    of them again, writes the same objects, and finds its rows there.
    """
    with context.db.reading() as sql:
        upload = store.upload_row(sql, command.upload_id)
    if upload.status != "splitting":  # cancelled or failed meanwhile: take the message off the queue, do nothing
        with transaction():
            return
    with context.originals.at_hand(store.as_object(upload.object)) as path:
        try:
            reply = context.sandbox.run(
                "cut",
                files=[path],
                deadline_s=CUT_DEADLINE_S,
                first_side=command.first_side,
                last_side=command.last_side,
                spreads=upload.intake == "a3",
            )
        except TaskFailed as failure:
            if failure.outcome == "timeout":  # it would take as long again; the person is told within two minutes
                raise _problem(command, failure) from failure
            raise
    *others, last = reply.result["sides"]
    for side in others:
        rows = _page_rows(context, upload, side, reply.blobs)
        with context.db.transaction() as uow:
            if not _keep(uow, upload.id, rows):
                break
    rows = _page_rows(context, upload, last, reply.blobs)
    with transaction() as uow:
        _keep(uow, upload.id, rows)
    log.info("sides_cut", upload_id=str(upload.id), first_side=command.first_side, last_side=command.last_side)


def _keep(uow: UnitOfWork, upload_id: UUID, rows: Sequence[dict[str, Any]]) -> bool:
    """Store the pages of a side; whether there is any reason to go on."""
    upload = store.upload_row(uow.sql, upload_id, lock=True)
    if upload.status != "splitting":
        return False
    done, sides = store.add_pages(uow.sql, upload.id, rows)
    if done == sides:
        _finish(uow, upload)
    return done < sides


def _finish(uow: UnitOfWork, upload: Any) -> None:
    faces = store.faces(uow.sql, upload.id)
    drafts = imposition.segment(upload.intake, upload.pages_per_booklet, faces, upload.grouping)
    doubtful = store.doubtful_pages(uow.sql, upload.id)
    drafts = [imposition.with_doubts(draft, doubtful) for draft in drafts]
    booklets = store.add_booklets(uow.sql, upload.exam_id, upload.id, drafts)
    store.share_doubts(uow.sql, upload.id)
    store.add_doubts(uow.sql, upload.id, [vars(doubt) for doubt in imposition.of_piles(drafts)])
    store.settle_upload(uow.sql, upload.id, "ready")
    uow.send(
        UploadSettled(
            upload_id=upload.id,
            exam_id=upload.exam_id,
            outcome="ready",
            sides=upload.sides,
            pages=len(faces),
            booklets=booklets,
        ),
        subject=str(upload.id),
    )


def split_failed(command: SplitSheets, error: BaseException | None, transaction: Transaction) -> None:
    """A chunk failed for good: so did its upload, with a reason that a person can act on. Pages cut so far stay."""
    problem = _problem(command, error)
    with transaction() as uow:
        settled = store.settle_upload(uow.sql, command.upload_id, "failed", problem.to_wire())
        if settled is None:
            return
        tell_settled(uow, settled, "failed", problem.code)
    log.warning("upload_failed", upload_id=str(command.upload_id), code=problem.code)


def ask_for_stuck(context: Context) -> tuple[UUID, ...]:
    """Ask again for the sides of every upload that stands still; whose there were. What is cut stays.

    A command is lost to its upload when the broker calls it dead: its consumer died over it too often, and nobody was
    told.
    """
    after_s, size = context.settings.stuck_after_s, context.settings.chunk_sides
    with context.db.reading() as sql:
        overdue = store.stuck_uploads(sql, after_s)
    asked = []
    for upload_id in overdue:
        with context.db.transaction() as uow:
            missing = store.claim_stuck(uow.sql, upload_id, after_s)
            send_chunks(uow, upload_id, missing, size)
        if missing:
            asked.append(upload_id)
    if asked:
        log.warning("stuck_uploads_asked_again", uploads=len(asked))
    return tuple(asked)


def tell_settled(uow: UnitOfWork, upload: Any, outcome: Any, code: str | None = None) -> None:
    """Tell that an upload came to an end without booklets."""
    uow.send(
        UploadSettled(
            upload_id=upload.id,
            exam_id=upload.exam_id,
            outcome=outcome,
            sides=upload.sides,
            pages=upload.pages,
            booklets=0,
            error_code=code,
        ),
        subject=str(upload.id),
    )


def _problem(command: SplitSheets, error: BaseException | None) -> Refusal:
    if isinstance(error, Refusal):
        return error
    if isinstance(error, TaskFailed):
        return Unreadable(first_side=command.first_side, last_side=command.last_side, outcome=error.outcome)
    return SplittingFailed()


def _page_rows(context: Context, upload: Any, side: dict[str, Any], blobs: Sequence[bytes]) -> list[dict[str, Any]]:
    """Store the images of one side and describe its pages as rows."""

    def stored(image: dict[str, int]) -> dict[str, Any]:
        ref: ObjectRef = context.objects.put("pages", blobs[image["blob"]], "image/jpeg")
        return {"object": ref.model_dump(), "width_px": image["width_px"], "height_px": image["height_px"]}

    rows = []
    for face in side["faces"]:
        header = face["header"]
        rows.append(
            {
                "id": uuid7(),
                "side_no": side["side_no"],
                "half": face["half"],
                "clip": face["clip"],
                "turn_deg": face["turn_deg"],
                "sound": side["sound"],
                "blank": face["blank"],
                "ink": face["ink"],
                "header": None if header is None else "sure" if header["sure"] else "unsure",
                "header_box": face.get("header_box"),
                "images": {name: stored(image) for name, image in face["images"].items()},
                "masked": {name: stored(image) for name, image in face["masked"].items()} if header else None,
                "header_image": stored(face["header_image"]) if header else None,
                "features": _features(face, upload.exam_id),
            }
        )
    return rows


def _features(face: dict[str, Any], exam_id: UUID) -> dict[str, Any]:
    """What is kept of a face. A code of another exam says nothing here but that the sheet may be in the wrong pile."""
    kept = {name: face[name] for name in FEATURES if face.get(name) is not None}
    doubts = []
    if not face.get("mask_holds", True):
        doubts.append(MASK_FAILED)
    if "code" in kept and kept["code"]["exam"] != str(exam_id):
        del kept["code"]
        doubts.append(FOREIGN_CODE)
    return kept | ({"doubts": doubts} if doubts else {})
