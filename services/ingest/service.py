"""ingest on the bus: what the gateway may ask, and its own private work."""

from __future__ import annotations

import os
from collections.abc import Mapping

from chassis import status
from chassis.bus.app import App, every
from chassis.bus.rpc_server import serve
from chassis.bus.subscription import Delivery, subscribe
from contracts.messages.ingest import SplitSheets, UnpackEntry
from contracts.objects import ImageRef
from contracts.rpc import AskedAgain, Done, LookForStuck
from contracts.rpc import ingest as rpc
from contracts.rpc import status as status_rpc
from services.ingest import archives, assembling, covering, images, repeating, reporting, splitting, usecases
from services.ingest.context import Context

# As many chunks at a time as there are children by default; a smaller pool makes the others wait for a child.
CHUNKS_AT_ONCE = max(2, os.cpu_count() or 2)


class IngestService:
    """Knows paper: files become pages, pages become booklets, booklets become copies."""

    name = "ingest"
    app = App()

    @classmethod
    def build(cls, environ: Mapping[str, str]) -> Context:
        return Context.build(environ)

    @serve(rpc.REGISTER_UPLOAD)
    def register_upload(self, request: rpc.RegisterUpload) -> rpc.UploadRegistered:
        return archives.register_upload(self.app, request)

    @serve(rpc.GET_UPLOAD)
    def get_upload(self, request: rpc.OneUpload) -> rpc.UploadView:
        return archives.get_upload(self.app, request.upload_id)

    @serve(rpc.LIST_UPLOADS)
    def list_uploads(self, request: rpc.OfExam) -> rpc.Uploads:
        return usecases.list_uploads(self.app, request)

    @serve(rpc.LIST_ARCHIVES)
    def list_archives(self, request: rpc.OfExam) -> rpc.Uploads:
        return archives.list_archives(self.app, request)

    @serve(rpc.CANCEL_UPLOAD)
    def cancel_upload(self, request: rpc.CancelUpload) -> rpc.UploadView:
        return archives.cancel_upload(self.app, request)

    @serve(rpc.REPEAT_UPLOAD)
    def repeat_upload(self, request: rpc.RepeatUpload) -> rpc.UploadRegistered:
        return repeating.repeat_upload(self.app, request)

    @serve(rpc.CONFIRM_UPLOAD)
    def confirm_upload(self, request: rpc.ConfirmUpload) -> rpc.UploadView:
        return usecases.confirm_upload(self.app, request)

    @serve(rpc.PAPER_OF_EXAMS)
    def paper_of_exams(self, request: rpc.PaperWanted) -> rpc.PaperOfExams:
        return reporting.paper_of_exams(self.app, request)

    @serve(rpc.LIST_BOOKLETS)
    def list_booklets(self, request: rpc.OfExam) -> rpc.Booklets:
        return usecases.list_booklets(self.app, request)

    @serve(rpc.GET_BOOKLET)
    def get_booklet(self, request: rpc.OneBooklet) -> rpc.BookletView:
        return usecases.get_booklet(self.app, request.booklet_id)

    @serve(rpc.EDIT_BOOKLET)
    def edit_booklet(self, request: rpc.EditBooklet) -> rpc.BookletView:
        return usecases.edit_booklet(self.app, request)

    @serve(rpc.SPLIT_BOOKLET)
    def split_booklet(self, request: rpc.SplitBooklet) -> rpc.Booklets:
        return usecases.split_booklet(self.app, request)

    @serve(rpc.MERGE_BOOKLETS)
    def merge_booklets(self, request: rpc.MergeBooklets) -> rpc.BookletView:
        return usecases.merge_booklets(self.app, request)

    @serve(rpc.INSERT_PAGES)
    def insert_pages(self, request: rpc.InsertPages) -> rpc.Booklets:
        return usecases.insert_pages(self.app, request)

    @serve(rpc.LIST_STAGING_ACTS)
    def list_staging_acts(self, request: rpc.OfExam) -> rpc.StagingActs:
        return usecases.list_staging_acts(self.app, request)

    @serve(rpc.UNDO_ACT)
    def undo_act(self, request: rpc.UndoAct) -> rpc.Booklets:
        return usecases.undo_act(self.app, request)

    @serve(rpc.UNDO_IN_BOOKLET)
    def undo_in_booklet(self, request: rpc.UndoInBooklet) -> rpc.Booklets:
        return usecases.undo_in_booklet(self.app, request)

    @serve(rpc.DROP_BOOKLET)
    def drop_booklet(self, request: rpc.DropBooklet) -> Done:
        return usecases.drop_booklet(self.app, request)

    @serve(rpc.ASSEMBLE_COPY)
    def assemble_copy(self, request: rpc.AssembleCopy) -> rpc.Assembled:
        return assembling.assemble_copy(self.app, request)

    @serve(rpc.ASSEMBLE_CERTAIN)
    def assemble_certain(self, request: rpc.AssembleCertain) -> rpc.Assembled:
        return assembling.assemble_certain(self.app, request)

    @serve(rpc.ADD_PAPER)
    def add_paper(self, request: rpc.AddPaper) -> rpc.PaperAdded:
        return assembling.add_paper(self.app, request)

    @serve(rpc.COVER_ZONE)
    def cover_zone(self, request: rpc.CoverZone) -> rpc.ZoneCovered:
        return covering.cover_zone(self.app, request)

    @serve(rpc.UNCOVER_ZONE)
    def uncover_zone(self, request: rpc.UncoverZone) -> Done:
        return covering.uncover_zone(self.app, request)

    @serve(rpc.SCAN_REPORT)
    def scan_report(self, request: rpc.WantScanReport) -> rpc.ScanReport:
        return reporting.scan_report(self.app, request)

    @serve(rpc.FULL_PAGE_IMAGE)
    def full_page_image(self, request: rpc.PageImageWanted) -> ImageRef:
        return images.full_page_image(self.app, request)

    @subscribe(SplitSheets, concurrency=CHUNKS_AT_ONCE, on_exhausted="split_failed")
    def split_sheets(self, delivery: Delivery[SplitSheets]) -> None:
        splitting.split_sheets(self.app, delivery.payload, delivery.transaction)

    def split_failed(self, delivery: Delivery[SplitSheets]) -> None:
        splitting.split_failed(delivery.payload, delivery.error, delivery.transaction)

    @subscribe(UnpackEntry, on_exhausted="unpack_failed")
    def unpack_entry(self, delivery: Delivery[UnpackEntry]) -> None:
        archives.unpack(self.app, delivery.payload, delivery.transaction)

    def unpack_failed(self, delivery: Delivery[UnpackEntry]) -> None:
        archives.unpack_failed(delivery.payload, delivery.error, delivery.transaction)

    @every(seconds=900)
    def ask_for_stuck(self) -> None:
        archives.ask_for_stuck(self.app)

    @serve(rpc.ASK_FOR_STUCK_UPLOADS)
    def ask_for_stuck_uploads(self, request: LookForStuck) -> AskedAgain:
        return archives.ask_for_stuck_uploads(self.app, request)

    @serve(status_rpc.INGEST_STATUS)
    def status(self, _: status_rpc.AskStatus) -> status_rpc.ServiceStatus:
        return status.of(self.app.db, self.app.objects)


service = IngestService
