"""Names of the roster that stand in the printed text of pages."""

from __future__ import annotations

from uuid import UUID

from contracts.model import Actor, Model
from contracts.records.pages import Box
from contracts.rpc import Done, Listing, Method
from contracts.rpc.grading.copies import ExamQuery, OneCopy


class ListPrintedNames(Listing):
    exam_id: UUID
    by: Actor


class PrintedName(Model):
    """``box``: where on the page, as markers see it, the name or number of this candidate stands."""

    id: UUID
    copy_id: UUID
    anonymous_id: str
    page_no: int
    box: Box
    last_name: str
    first_name: str


class PrintedNames(Model):
    """``checking``: whether the exam looks for names. Of its ``pages`` that are not blank, ``waiting`` are still to be
    read or compared, and ``unread`` could not be read.
    """

    items: tuple[PrintedName, ...]
    next: str | None
    total: int
    checking: bool
    pages: int
    waiting: int
    unread: int


class DismissPrintedName(OneCopy):
    """``id`` of the place, as listed."""

    id: UUID


class PrintAgain(Model):
    """``pages``: how many are read once more."""

    pages: int


LIST_PRINTED_NAMES = Method("grading", "list_printed_names", ListPrintedNames, PrintedNames)
DISMISS_PRINTED_NAME = Method("grading", "dismiss_printed_name", DismissPrintedName, Done)
READ_PRINT_AGAIN = Method("grading", "read_print_again", ExamQuery, PrintAgain)
