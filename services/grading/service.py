"""grading on the bus: what the gateway may ask, what it hears, what it does by the clock. No rule, no SQL."""

from __future__ import annotations

from collections.abc import Mapping

from chassis import status
from chassis.bus.app import App, every
from chassis.bus.rpc_server import serve
from chassis.bus.subscription import Delivery, subscribe
from contracts.messages.ingest import CopyAssembled, UploadSettled
from contracts.messages.ocr import PrintExtracted, TextExtracted
from contracts.messages.render import DocumentComposed, ExportSettled
from contracts.rpc import AskedAgain, Done, LookForStuck
from contracts.rpc import status as status_rpc
from contracts.rpc.grading import audit as audit_rpc
from contracts.rpc.grading import copies as copies_rpc
from contracts.rpc.grading import desk as desk_rpc
from contracts.rpc.grading import exams as exams_rpc
from contracts.rpc.grading import operations as operations_rpc
from contracts.rpc.grading import printed as printed_rpc
from contracts.rpc.grading import results as results_rpc
from services.grading.context import Context
from services.grading.usecases import (
    allocation,
    candidates,
    comments,
    copies,
    desk,
    exams,
    exports,
    finalise,
    identity,
    locks,
    marking,
    matching,
    operations,
    pile,
    printed,
    publication,
    reopening,
    results,
    roster,
    sheets,
    statistics,
    trail,
)


class GradingService:
    """Everything a person decides about copies, and what the system holds them to."""

    name = "grading"
    app = App()

    @classmethod
    def build(cls, environ: Mapping[str, str]) -> Context:
        return Context.build(environ)

    # Exams and schemes

    @serve(exams_rpc.CREATE_EXAM)
    def create_exam(self, request: exams_rpc.CreateExam) -> exams_rpc.ExamView:
        return exams.create_exam(self.app, request)

    @serve(exams_rpc.GET_EXAM)
    def get_exam(self, request: exams_rpc.OneExam) -> exams_rpc.ExamView:
        return exams.get_exam(self.app, request)

    @serve(exams_rpc.LIST_EXAMS)
    def list_exams(self, request: exams_rpc.ListExams) -> exams_rpc.Exams:
        return exams.list_exams(self.app, request)

    @serve(exams_rpc.UPDATE_EXAM)
    def update_exam(self, request: exams_rpc.UpdateExam) -> exams_rpc.ExamView:
        return exams.update_exam(self.app, request)

    @serve(exams_rpc.DELETE_EXAM)
    def delete_exam(self, request: exams_rpc.DeleteExam) -> exams_rpc.ExamView:
        return exams.delete_exam(self.app, request)

    @serve(exams_rpc.RESTORE_EXAM)
    def restore_exam(self, request: exams_rpc.OneExam) -> exams_rpc.ExamView:
        return exams.restore_exam(self.app, request)

    @serve(exams_rpc.GET_SCHEME)
    def get_scheme(self, request: exams_rpc.OneExam) -> exams_rpc.SchemeView:
        return exams.get_scheme(self.app, request)

    @serve(exams_rpc.PUT_SCHEME)
    def put_scheme(self, request: exams_rpc.PutScheme) -> exams_rpc.SchemeView:
        return exams.put_scheme(self.app, request)

    @serve(exams_rpc.READ_SCHEME_FILE)
    def read_scheme_file(self, request: exams_rpc.ReadSchemeFile) -> exams_rpc.SchemeDraft:
        return exams.read_scheme_file(self.app, request)

    @serve(exams_rpc.WRITE_SCHEME_FILE)
    def write_scheme_file(self, request: exams_rpc.OneExam) -> exams_rpc.SchemeFile:
        return exams.write_scheme_file(self.app, request)

    # Who sits the exam, and whose copy is whose

    @serve(exams_rpc.IMPORT_ROSTER)
    def import_roster(self, request: exams_rpc.ImportRoster) -> exams_rpc.RosterReport:
        return roster.import_roster(self.app, request)

    @serve(exams_rpc.LOOK_AT_ROSTER)
    def look_at_roster(self, request: exams_rpc.LookAtRoster) -> exams_rpc.RosterLook:
        return roster.look_at_roster(self.app, request)

    @serve(exams_rpc.FIND_BAD_ROWS)
    def find_bad_rows(self, request: exams_rpc.FindBadRows) -> exams_rpc.BadRows:
        return roster.find_bad_rows(self.app, request)

    @serve(exams_rpc.LIST_CANDIDATES)
    def list_candidates(self, request: exams_rpc.ListCandidates) -> exams_rpc.Candidates:
        return candidates.list_candidates(self.app, request)

    @serve(copies_rpc.IDENTIFICATION_QUEUE)
    def identification_queue(self, request: copies_rpc.ListIdentification) -> copies_rpc.IdentificationQueue:
        return identity.identification_queue(self.app, request)

    @serve(copies_rpc.IDENTIFY)
    def identify(self, request: copies_rpc.Identify) -> copies_rpc.IdentificationView:
        return identity.identify(self.app, request)

    @serve(copies_rpc.UNIDENTIFY)
    def unidentify(self, request: copies_rpc.OneCopy) -> copies_rpc.IdentificationView:
        return identity.unidentify(self.app, request)

    @serve(copies_rpc.SOLVE_IDENTIFICATION)
    def solve_identification(self, request: copies_rpc.ExamQuery) -> copies_rpc.Matching:
        return matching.solve_identification(self.app, request)

    @serve(copies_rpc.READ_AGAIN)
    def read_again(self, request: copies_rpc.OneCopy) -> copies_rpc.IdentificationView:
        return identity.read_again(self.app, request)

    @serve(copies_rpc.READ_FAILED_AGAIN)
    def read_failed_again(self, request: copies_rpc.ExamQuery) -> copies_rpc.ReadAgain:
        return identity.read_failed_again(self.app, request)

    @serve(copies_rpc.GET_SHEET_MODEL)
    def get_sheet_model(self, request: copies_rpc.ExamQuery) -> copies_rpc.SheetModelView:
        return sheets.get_sheet_model(self.app, request)

    @serve(copies_rpc.PUT_SHEET_MODEL)
    def put_sheet_model(self, request: copies_rpc.PutSheetModel) -> copies_rpc.SheetModelView:
        return sheets.put_sheet_model(self.app, request)

    @serve(copies_rpc.REMOVE_SHEET_MODEL)
    def remove_sheet_model(self, request: copies_rpc.ExamQuery) -> Done:
        sheets.remove_sheet_model(self.app, request)
        return Done()

    @subscribe(TextExtracted)
    def text_extracted(self, delivery: Delivery[TextExtracted]) -> None:
        identity.text_extracted(delivery.payload, delivery.transaction)

    @every(seconds=900)
    def ask_for_unread_headers(self) -> None:
        identity.ask_for_unread(self.app)

    @every(seconds=3)
    def match_due(self) -> None:
        matching.match_due(self.app)

    @serve(printed_rpc.LIST_PRINTED_NAMES)
    def list_printed_names(self, request: printed_rpc.ListPrintedNames) -> printed_rpc.PrintedNames:
        return printed.list_printed_names(self.app, request)

    @serve(printed_rpc.DISMISS_PRINTED_NAME)
    def dismiss_printed_name(self, request: printed_rpc.DismissPrintedName) -> Done:
        return printed.dismiss_printed_name(self.app, request)

    @serve(printed_rpc.READ_PRINT_AGAIN)
    def read_print_again(self, request: copies_rpc.ExamQuery) -> printed_rpc.PrintAgain:
        return printed.read_print_again(self.app, request)

    @subscribe(PrintExtracted)
    def print_extracted(self, delivery: Delivery[PrintExtracted]) -> None:
        printed.print_extracted(delivery.payload, delivery.transaction)

    @every(seconds=3)
    def check_printed_names(self) -> None:
        printed.compare_next(self.app)
        printed.read_next(self.app)

    # Copies

    @subscribe(UploadSettled)
    def upload_settled(self, delivery: Delivery[UploadSettled]) -> None:
        copies.upload_settled(delivery.payload, delivery.transaction)

    @subscribe(CopyAssembled, concurrency=2)
    def copy_assembled(self, delivery: Delivery[CopyAssembled]) -> None:
        copies.copy_assembled(self.app, delivery.payload, delivery.transaction)

    @serve(copies_rpc.EXPECT_PAPER)
    def expect_paper(self, request: copies_rpc.OneCopy) -> Done:
        return copies.expect_paper(self.app, request)

    @serve(copies_rpc.LIST_COPIES)
    def list_copies(self, request: copies_rpc.ListCopies) -> copies_rpc.Copies:
        return copies.list_copies(self.app, request)

    @serve(copies_rpc.GET_COPY)
    def get_copy(self, request: copies_rpc.OneCopy) -> copies_rpc.CopyView:
        return copies.get_copy(self.app, request)

    @serve(copies_rpc.PAGE_IMAGE)
    def page_image(self, request: copies_rpc.PageImage) -> copies_rpc.PageImageFound:
        return copies.page_image(self.app, request)

    @serve(copies_rpc.COPY_EVENTS)
    def copy_events(self, request: copies_rpc.ListAudit) -> copies_rpc.AuditTrail:
        return copies.copy_events(self.app, request)

    @serve(audit_rpc.SEARCH_AUDIT)
    def search_audit(self, request: audit_rpc.SearchAudit) -> audit_rpc.AuditLines:
        return trail.search_audit(self.app, request)

    @serve(copies_rpc.ALLOCATE)
    def allocate(self, request: copies_rpc.Allocate) -> copies_rpc.Allocations:
        return allocation.allocate(self.app, request)

    @serve(copies_rpc.GET_ALLOCATION)
    def get_allocation(self, request: copies_rpc.ExamQuery) -> copies_rpc.Allocations:
        return allocation.get_allocation(self.app, request)

    # Marking

    @serve(copies_rpc.TAKE_LOCK)
    def take_lock(self, request: copies_rpc.TakeLock) -> copies_rpc.LockView:
        return locks.take_lock(self.app, request)

    @serve(copies_rpc.RENEW_LOCK)
    def renew_lock(self, request: copies_rpc.HeldLock) -> copies_rpc.LockView:
        return locks.renew_lock(self.app, request)

    @serve(copies_rpc.RELEASE_LOCK)
    def release_lock(self, request: copies_rpc.HeldLock) -> Done:
        return locks.release_lock(self.app, request)

    @serve(copies_rpc.GET_DRAFT)
    def get_draft(self, request: copies_rpc.OneCopy) -> copies_rpc.DraftView:
        return marking.get_draft(self.app, request)

    @serve(copies_rpc.PUT_DRAFT)
    def put_draft(self, request: copies_rpc.PutDraft) -> copies_rpc.DraftView:
        return marking.put_draft(self.app, request)

    @serve(operations_rpc.APPLY_OPERATIONS)
    def apply_operations(self, request: operations_rpc.ApplyOperations) -> operations_rpc.OperationsApplied:
        return operations.apply_operations(self.app, request)

    @serve(copies_rpc.LIST_ANNOTATIONS)
    def list_annotations(self, request: copies_rpc.OneCopy) -> copies_rpc.Annotations:
        return marking.list_annotations(self.app, request)

    @serve(copies_rpc.CREATE_ANNOTATION)
    def create_annotation(self, request: copies_rpc.CreateAnnotation) -> copies_rpc.AnnotationView:
        return marking.create_annotation(self.app, request)

    @serve(copies_rpc.CHANGE_ANNOTATION)
    def change_annotation(self, request: copies_rpc.ChangeAnnotation) -> copies_rpc.AnnotationView:
        return marking.change_annotation(self.app, request)

    @serve(copies_rpc.REMOVE_ANNOTATION)
    def remove_annotation(self, request: copies_rpc.RemoveAnnotation) -> Done:
        return marking.remove_annotation(self.app, request)

    @serve(copies_rpc.GET_SCORES)
    def get_scores(self, request: copies_rpc.OneCopy) -> copies_rpc.ScoresView:
        return marking.get_scores(self.app, request)

    @serve(copies_rpc.PUT_SCORES)
    def put_scores(self, request: copies_rpc.PutScores) -> copies_rpc.ScoresView:
        return marking.put_scores(self.app, request)

    @serve(desk_rpc.OPEN_DESK)
    def open_desk(self, request: desk_rpc.OpenDesk) -> desk_rpc.DeskView:
        return desk.open_desk(self.app, request)

    @serve(desk_rpc.LIST_COMMENTS)
    def list_comments(self, request: desk_rpc.ListComments) -> desk_rpc.Comments:
        return comments.list_comments(self.app, request)

    @serve(desk_rpc.CREATE_COMMENT)
    def create_comment(self, request: desk_rpc.CreateComment) -> desk_rpc.CommentView:
        return comments.create_comment(self.app, request)

    @serve(desk_rpc.CHANGE_COMMENT)
    def change_comment(self, request: desk_rpc.ChangeComment) -> desk_rpc.CommentView:
        return comments.change_comment(self.app, request)

    @serve(desk_rpc.REMOVE_COMMENT)
    def remove_comment(self, request: desk_rpc.RemoveComment) -> Done:
        return comments.remove_comment(self.app, request)

    @serve(results_rpc.GET_PILE)
    def get_pile(self, request: copies_rpc.ExamQuery) -> results_rpc.Pile:
        return pile.get_pile(self.app, request)

    @serve(results_rpc.SET_FLAG)
    def set_flag(self, request: results_rpc.SetFlag) -> results_rpc.FlagView:
        return pile.set_flag(self.app, request)

    @every(seconds=60)
    def release_ended_locks(self) -> None:
        locks.release_ended(self.app)

    # Finalising and publishing

    @serve(copies_rpc.FINALISE)
    def finalise(self, request: copies_rpc.Finalise) -> copies_rpc.FinaliseStarted:
        return finalise.finalise(self.app, request)

    @subscribe(DocumentComposed, concurrency=2)
    def document_composed(self, delivery: Delivery[DocumentComposed]) -> None:
        finalise.document_composed(delivery.payload, delivery.transaction)

    @every(seconds=900)
    def ask_for_stuck_documents(self) -> None:
        finalise.ask_for_stuck(self.app)

    @serve(copies_rpc.ASK_FOR_STUCK_COPIES)
    def ask_for_stuck_copies(self, request: LookForStuck) -> AskedAgain:
        return finalise.ask_for_stuck_copies(self.app, request)

    @serve(copies_rpc.REOPEN)
    def reopen(self, request: copies_rpc.Reopen) -> copies_rpc.CopyView:
        return reopening.reopen(self.app, request)

    @serve(copies_rpc.FINAL_DOCUMENT)
    def final_document(self, request: copies_rpc.OneCopy) -> exams_rpc.Document:
        return finalise.final_document(self.app, request)

    @serve(exams_rpc.PUBLISH)
    def publish(self, request: exams_rpc.Publish) -> exams_rpc.PublicationView:
        return publication.publish(self.app, request)

    @serve(exams_rpc.WITHDRAW)
    def withdraw(self, request: exams_rpc.Publish) -> exams_rpc.PublicationView:
        return publication.withdraw(self.app, request)

    @serve(results_rpc.GET_STATISTICS)
    def get_statistics(self, request: copies_rpc.ExamQuery) -> results_rpc.Statistics:
        return statistics.get_statistics(self.app, request)

    @serve(results_rpc.LIST_RESULTS)
    def list_results(self, request: results_rpc.ListResults) -> results_rpc.Results:
        return results.list_results(self.app, request)

    @serve(results_rpc.MAKE_RESULTS_FILE)
    def make_results_file(self, request: results_rpc.ResultsFile) -> results_rpc.FileMade:
        return results.make_results_file(self.app, request)

    @serve(results_rpc.START_EXPORT)
    def start_export(self, request: results_rpc.StartExport) -> results_rpc.ExportStarted:
        return exports.start_export(self.app, request)

    @subscribe(ExportSettled)
    def export_settled(self, delivery: Delivery[ExportSettled]) -> None:
        exports.export_settled(delivery.payload, delivery.transaction)

    @serve(exams_rpc.OWN_RESULTS)
    def own_results(self, request: exams_rpc.OwnResults) -> exams_rpc.CandidateResults:
        return candidates.own_results(self.app, request)

    @serve(exams_rpc.OWN_DOCUMENT)
    def own_document(self, request: exams_rpc.OwnDocument) -> exams_rpc.Document:
        return candidates.own_document(self.app, request)

    @serve(status_rpc.GRADING_STATUS)
    def status(self, _: status_rpc.AskStatus) -> status_rpc.ServiceStatus:
        return status.of(self.app.db, self.app.objects)


service = GradingService
