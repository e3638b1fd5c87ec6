"""Images of assembled pages, made by the child: of stored ones, or of the scan at its own resolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chassis.sandbox import Reply, TaskFailed
from contracts.errors import Unavailable
from contracts.errors.ingest import NotFound
from contracts.objects import ImageRef
from contracts.records.pages import Box, Page
from contracts.rpc.ingest import PageImageWanted
from services.ingest import paper, store
from services.ingest.context import Context

DEADLINE_S = 20

Shares = list[float]


def full_page_image(context: Context, request: PageImageWanted) -> ImageRef:
    """A page of a copy at the scan's own resolution, upright; made once, then remembered."""
    pages = paper.read(context, request.copy_id).pages
    if request.page_no > len(pages):
        raise NotFound
    page = pages[request.page_no - 1]
    masked = request.masked and page.hides
    header, covered = (page.header, [shares(each.box) for each in page.covered]) if masked else (None, [])
    if not masked and page.images.full is not None and page.source.turn_deg == 0:
        return page.images.full
    with context.db.reading() as sql:
        known = store.full_image(sql, page.page_id, masked=masked, covered=covered)
        intake = store.intake_of(sql, page.page_id)
    if known is not None:
        return known
    made = _draw(context, page, spreads=intake == "a3", header=header, covered=covered)
    with context.db.transaction() as uow:
        store.remember_full_image(uow.sql, page.page_id, made, masked=masked, covered=covered)
    return made


def _draw(context: Context, page: Page, *, spreads: bool, header: Box | None, covered: list[Shares]) -> ImageRef:
    with context.originals.at_hand(page.source.upload) as path:
        reply = _in_child(
            context,
            "full",
            files=[path],
            deadline_s=DEADLINE_S,
            side_no=page.source.side_no,
            spreads=spreads,
            clip=shares(page.source.clip),
            turn_deg=page.source.turn_deg,
            header=None if header is None else shares(header),
            covered=covered,
        )
    ref = context.objects.put("pages", reply.blobs[0], "image/jpeg")
    return ImageRef(object=ref, **reply.result)


def shares(box: Box) -> Shares:
    """As the child takes a box: x, y, w, h."""
    return [box.x, box.y, box.w, box.h]


def made_of(context: Context, images: Sequence[ImageRef], task: str, **options: Any) -> list[ImageRef]:
    """What the child makes of stored images, stored."""
    originals = [context.objects.get(image.object) for image in images]
    sizes = [len(each) for each in originals]
    reply = _in_child(context, task, blob=b"".join(originals), deadline_s=DEADLINE_S, sizes=sizes, **options)
    return [
        ImageRef(object=context.objects.put("pages", data, "image/jpeg"), **size)
        for size, data in zip(reply.result["images"], reply.blobs, strict=True)
    ]


def _in_child(context: Context, task: str, **options: Any) -> Reply:
    """Pages were read before, when they were cut: a child that fails on one now has met a busy machine, not bad paper.

    Raises:
        Unavailable: ``sandbox``; somebody waits, and may ask again.
    """
    try:
        return context.sandbox.run(task, **options)
    except TaskFailed as failure:
        raise Unavailable("sandbox", failure.outcome) from failure
