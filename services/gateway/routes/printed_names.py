"""Names of the roster in the printed text of pages, for those who may see names; never for markers."""

from __future__ import annotations

from uuid import UUID

from contracts.rpc.grading import printed as rpc
from services.gateway.api import Page, Resource
from services.gateway.auth import caller
from services.gateway.context import ask

printed_names = Resource("printed_names")


@printed_names.operation("GET", "/exams/<uuid:exam_id>/printed-names", query=Page, reply=rpc.PrintedNames)
def index(exam_id: UUID, query: Page) -> rpc.PrintedNames:
    """Where printed text shows a name of the roster to markers, and how far the pages are looked through."""
    return ask(rpc.LIST_PRINTED_NAMES, query, exam_id=exam_id, by=caller().actor)


@printed_names.operation("DELETE", "/copies/<uuid:copy_id>/printed-names/<uuid:name_id>", statuses=(204,))
def dismiss(copy_id: UUID, name_id: UUID) -> None:
    """Say that no name stands there that markers should not see; it is not told again."""
    ask(rpc.DISMISS_PRINTED_NAME, copy_id=copy_id, id=name_id, by=caller().actor)


@printed_names.operation("POST", "/exams/<uuid:exam_id>/printed-names/readings", reply=rpc.PrintAgain)
def read_failed_again(exam_id: UUID) -> rpc.PrintAgain:
    """Read every page once more whose printed text could not be read."""
    return ask(rpc.READ_PRINT_AGAIN, exam_id=exam_id, by=caller().actor)
