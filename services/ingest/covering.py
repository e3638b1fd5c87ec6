"""Covering zones of an assembled copy for markers: a name may stand elsewhere than in the header.

Whether a copy may change is grading's to say. What candidates get is drawn from the scan and covers nothing.
"""

from __future__ import annotations

from uuid import uuid4, uuid5

from chassis import observe
from contracts.errors.ingest import NotFound, TooManyCovers
from contracts.model import Actor
from contracts.records.pages import Box, Cover, Page, PageImages, PageManifest
from contracts.rpc import Done
from contracts.rpc.ingest import CoverZone, UncoverZone, ZoneCovered
from services.ingest import paper, staging
from services.ingest.context import Context
from services.ingest.images import made_of, shares

log = observe.logger("ingest.covering")

MOST = 20  # on one page; who needs more covers a larger zone


def cover_zone(context: Context, request: CoverZone) -> ZoneCovered:
    """The copy's paper gets its next revision, with the zone painted over on what markers see of the page.

    Asked again under its name: the zone is covered already.

    Raises:
        NotFound: no such copy or page.
        TooManyCovers: nothing was covered.
        PaperChanged: the paper was changed at the same moment; nothing was covered.
    """
    manifest = paper.read(context, request.copy_id)
    page = next((each for each in manifest.pages if each.page_no == request.page_no), None)
    if page is None:
        raise NotFound
    cover_id = uuid4() if request.once is None else uuid5(request.once, "cover")
    cover = Cover(id=cover_id, box=Box.model_validate(request.box.model_dump()))
    revision = manifest.revision
    if cover_id not in {each.id for each in page.covered}:
        if len(page.covered) >= MOST:
            raise TooManyCovers(page_no=request.page_no, most=MOST)
        revision = _covered(context, manifest, page, (*page.covered, cover), by=request.by)
    return ZoneCovered(copy_id=request.copy_id, revision=revision, page_no=request.page_no, cover=cover)


def uncover_zone(context: Context, request: UncoverZone) -> Done:
    """The paper's next revision shows the zone again.

    Raises:
        NotFound: no such copy, or nothing is covered under this id (any more).
        PaperChanged: as for ``cover_zone``.
    """
    manifest = paper.read(context, request.copy_id)
    for page in manifest.pages:
        left = tuple(each for each in page.covered if each.id != request.cover_id)
        if len(left) < len(page.covered):
            _covered(context, manifest, page, left, by=request.by)
            return Done()
    raise NotFound


def _covered(context: Context, manifest: PageManifest, page: Page, covered: tuple[Cover, ...], *, by: Actor) -> int:
    """Images and manifest first, then the assembly and its news in one transaction that finds the paper as it was."""
    changed = page.model_copy(update={"covered": covered, "masked": _masked(context, page, covered)})
    pages = tuple(changed if each.page_no == page.page_no else each for each in manifest.pages)
    after = manifest.model_copy(update={"revision": manifest.revision + 1, "pages": pages})
    news = paper.written(context, after, by)
    with context.db.transaction() as uow:
        staging.freeze(uow.sql, [], news, [changed], by=by.id)
        uow.send(news, subject=str(news.copy_id))
    log.info("covers_changed", copy_id=news.copy_id, revision=news.revision, page_no=page.page_no, covers=len(covered))
    return news.revision


def _masked(context: Context, page: Page, covered: tuple[Cover, ...]) -> PageImages | None:
    """Always from what staff see, so that covering and uncovering never adds up losses of quality."""
    if page.header is None and not covered:
        return None
    header = None if page.header is None else shares(page.header)
    boxes = [shares(each.box) for each in covered]
    screen, thumb = made_of(context, [page.images.screen, page.images.thumb], "cover", header=header, covered=boxes)
    return PageImages(screen=screen, thumb=thumb)
