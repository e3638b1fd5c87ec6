"""Joining booklets into copies, and late sheets to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4, uuid5

from chassis import observe
from contracts.errors import Refusal
from contracts.messages.ingest import CopyAssembled
from contracts.model import Actor
from contracts.objects import ImageRef
from contracts.records.pages import Box, Page, PageImages, PageManifest, PageSource
from contracts.rpc.ingest import AddPaper, AssembleCertain, AssembleCopy, Assembled, PaperAdded
from services.ingest import domain, paper, staging, store
from services.ingest.context import Context
from services.ingest.images import made_of
from services.ingest.usecases import distinct

log = observe.logger("ingest.assembling")


def assemble_copy(context: Context, request: AssembleCopy) -> Assembled:
    """One copy of the booklets named, in that order. Naming them is a person's word that they are right."""
    distinct(request.booklet_ids)
    with context.db.reading() as sql:
        booklets = staging.load(sql, request.exam_id, request.booklet_ids)
    copy_id = _new_copy_id(request.once, booklets[0].id)
    if booklets[0].copy_id != copy_id:
        _assemble(context, booklets, copy_id, by=request.by, bare=request.first_page_bare)
    return Assembled(copy_ids=(copy_id,), left=())


def assemble_certain(context: Context, request: AssembleCertain) -> Assembled:
    """One copy of each booklet without a doubt. One that somebody changes meanwhile is left, and hurts no other."""
    with context.db.reading() as sql:
        certain, doubtful = staging.open_booklets(sql, request.exam_id)
        booklets = staging.load(sql, request.exam_id, certain) if certain else []
        before = staging.copies_of(sql, request.exam_id) if request.once else []
    copy_ids = [copy_id for booklet_id, copy_id in before if copy_id == _new_copy_id(request.once, booklet_id)]
    left = list(doubtful)
    for booklet in booklets:
        copy_id = _new_copy_id(request.once, booklet.id)
        try:
            _assemble(context, [booklet], copy_id, by=request.by)
            copy_ids.append(copy_id)
        except Refusal as refusal:
            log.info("booklet_left", booklet_id=str(booklet.id), code=refusal.code)
            left.append(booklet.id)
    return Assembled(copy_ids=tuple(copy_ids), left=tuple(left))


def _new_copy_id(once: UUID | None, first_booklet: UUID) -> UUID:
    """Markers see it, and a time ordered one would tell the order of the pile: random, or told by what they never see.

    Args:
        once: the request's name; the same request makes the same copies.
        first_booklet: of those that become the copy.
    """
    return uuid4() if once is None else uuid5(once, str(first_booklet))


def add_paper(context: Context, request: AddPaper) -> PaperAdded:
    """Late sheets behind a copy's pages, as its paper's next revision. Whether it may change is grading's to say.

    Asked again under its name: its booklets are in that copy already.
    """
    distinct(request.booklet_ids)
    with context.db.reading() as sql:
        assembly = staging.paper_of(sql, request.copy_id)
        booklets = staging.load(sql, assembly.exam_id, request.booklet_ids)
    joined = all(booklet.copy_id == request.copy_id for booklet in booklets)
    if request.once is not None and joined:
        return PaperAdded(copy_id=request.copy_id, revision=assembly.revision, page_count=assembly.page_count)
    earlier = context.objects.get_json(store.as_object(assembly.manifest), PageManifest)
    news = _assemble(context, booklets, request.copy_id, by=request.by, earlier=earlier, bare=request.first_page_bare)
    return PaperAdded(copy_id=request.copy_id, revision=news.revision, page_count=news.page_count)


def _assemble(
    context: Context,
    booklets: Sequence[domain.Booklet],
    copy_id: UUID,
    *,
    by: Actor,
    earlier: PageManifest | None = None,
    bare: bool = False,
) -> CopyAssembled:
    """Manifest first, then the assembly and its news in one transaction that finds the booklets as they were read.

    ``earlier``: the copy's paper so far. Its pages come first and keep their numbers. ``bare``: a person's word that
    first pages without a header carry no name.
    """
    staged = domain.pages_to_assemble([booklet.editable() for booklet in booklets])
    with context.db.reading() as sql:
        rows = staging.page_rows(sql, [page.id for page in staged])
    known = earlier.pages if earlier else ()
    named = set() if bare else domain.first_pages(booklets)
    added = (
        _page(context, no, page, rows[page.id], may_name=page.id in named)
        for no, page in enumerate(staged, start=len(known) + 1)
    )
    manifest = PageManifest(
        exam_id=booklets[0].exam_id,
        copy_id=copy_id,
        revision=earlier.revision + 1 if earlier else 1,
        pages=(*known, *added),
    )
    news = paper.written(context, manifest, by)
    ids = [booklet.id for booklet in booklets]
    with context.db.transaction() as uow:
        for now, before in zip(staging.load(uow.sql, None, ids, lock=True), booklets, strict=True):
            now.editable().at_version(before.version)
        staging.freeze(uow.sql, ids, news, manifest.pages[len(known) :], by=by.id)
        uow.send(news, subject=str(copy_id))
    log.info("copy_assembled", copy_id=str(copy_id), revision=news.revision, pages=news.page_count)
    return news


def _page(context: Context, page_no: int, staged: domain.StagedPage, row: Any, *, may_name: bool) -> Page:
    """A page as it is frozen, with images that stand the way a person left them.

    A page that ``may_name`` somebody though no header was found on it, and any page whose mask did not hold, shows
    markers nothing of its upper part: whoever assembles it overrules the doubt about the pages, not anonymity.
    """
    images = PageImages.model_validate(row.images)
    masked = None if row.masked is None else PageImages.model_validate(row.masked)
    header_image = None if row.header_image is None else ImageRef.model_validate(row.header_image)
    header = None if row.header_box is None else domain.turned_box(_box(row.header_box), staged.turn_deg)
    if staged.turn_deg:
        images, masked, header_image = _turned(context, staged.turn_deg, images, masked, header_image)
    if (may_name and header is None) or "mask_failed" in row.features.get("doubts", ()):
        header = domain.upper_part(header, context.settings.hidden_share)
        masked, header_image = _hidden(context, images, header.h)
    return Page(
        page_no=page_no,
        page_id=row.id,
        source=PageSource(
            upload=store.as_object(row.upload_object),
            side_no=row.side_no,
            clip=_box(row.clip),
            turn_deg=(row.turn_deg + staged.turn_deg) % 360,
        ),
        blank=row.blank,
        images=images,
        header=header,
        masked=masked,
        header_image=header_image,
    )


def _turned(
    context: Context,
    turn_deg: int,
    images: PageImages,
    masked: PageImages | None,
    header_image: ImageRef | None,
) -> tuple[PageImages, PageImages | None, ImageRef | None]:
    wanted = [images.screen, images.thumb]
    if masked is not None and header_image is not None:
        wanted += [masked.screen, masked.thumb, header_image]
    done = made_of(context, wanted, "turn", turn_deg=turn_deg)
    upright = PageImages(full=images.full, screen=done[0], thumb=done[1])
    if masked is None:
        return upright, None, None
    return upright, PageImages(screen=done[2], thumb=done[3]), done[4]


def _hidden(context: Context, images: PageImages, share: float) -> tuple[PageImages, ImageRef]:
    """A page without its upper part, and that part."""
    screen, thumb, upper = made_of(context, [images.screen, images.thumb], "hide", share=share)
    return PageImages(screen=screen, thumb=thumb), upper


def _box(shares: Sequence[float]) -> Box:
    return Box(x=shares[0], y=shares[1], w=shares[2], h=shares[3])
