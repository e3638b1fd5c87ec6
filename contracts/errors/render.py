"""What render refuses: a record or scan no final PDF can be made of. People read it as DocumentComposed's reason."""

from __future__ import annotations

from contracts.errors import Refusal


class RecordUnreadable(Refusal):
    """The stored object is not a MarkingRecord v1, or contradicts itself. ``problem`` says how, without its texts."""

    code, http_status = "render.record_unreadable", 422
    en = "The marking record cannot be read ({problem}). Finalise the copy again."
    fr = "Le procès-verbal de correction est illisible ({problem}). Finalisez à nouveau la copie."


class ScanMissing(Refusal):
    """``upload`` is the sha256 of an original that is no longer in the store."""

    code, http_status = "render.scan_missing", 422
    en = "The scan of this copy is no longer in the store ({upload:.12}). Have it put back, then finalise again."
    fr = (
        "La numérisation de cette copie n'est plus dans le stockage ({upload:.12}). "
        "Faites-la remettre, puis relancez la finalisation."
    )


class ScanUnreadable(Refusal):
    """The original is not a PDF that can be opened without a password."""

    code, http_status = "render.scan_unreadable", 422
    en = "The scan of this copy cannot be opened ({upload:.12})."
    fr = "La numérisation de cette copie ne s'ouvre pas ({upload:.12})."


class PageMissing(Refusal):
    """``page_no`` of the record points to a side the scan does not have."""

    code, http_status = "render.page_missing", 422
    en = "Page {page_no} is missing: the scan has no side {side_no}."
    fr = "La page {page_no} manque : la numérisation n'a pas de face {side_no}."


class PageDamaged(Refusal):
    """The side is there but its image is incomplete: a PDF of it would be silently partial."""

    code, http_status = "render.page_damaged", 422
    en = "Page {page_no} is damaged in the scan (side {side_no}). Scan it again."
    fr = "La page {page_no} est abîmée dans la numérisation (face {side_no}). Numérisez-la de nouveau."


class TooManySheets(Refusal):
    """Of answer sheets to print: ``pages`` in all, of ``max``."""

    code, http_status = "render.too_many_sheets", 422
    en = "{pages} pages are more than one document may have ({max}). Print them in several batches."
    fr = "{pages} pages dépassent la limite d'un document ({max}). Imprimez-les en plusieurs lots."


class NotFoldable(Refusal):
    """``pages`` of a copy on A3 double sheets must be a multiple of 4."""

    code, http_status = "render.not_foldable", 422
    en = "An A3 double sheet has 4 pages: {pages} pages cannot be folded. Ask for a multiple of 4, or for A4."
    fr = "Une double feuille A3 compte 4 pages : {pages} pages ne se plient pas. Demandez un multiple de 4, ou du A4."


class UnknownExport(Refusal):
    """render has not heard of it yet, or it was never asked for."""

    code, http_status = "render.unknown_export", 404
    en = "There is no such export. Start it again from the results."
    fr = "Cet export n'existe pas. Relancez-le depuis les résultats."


class ExportNotReady(Refusal):
    """``status`` is ``building`` or ``failed``; ``done`` when the zip was kept long enough and is gone."""

    code, http_status = "render.export_not_ready", 409
    en = "This export cannot be downloaded ({status}). Wait for it, or start it again from the results."
    fr = "Cet export ne peut pas être téléchargé ({status}). Attendez-le, ou relancez-le depuis les résultats."


class DocumentMissing(Refusal):
    """Of one copy in an export; the others are in the zip."""

    code, http_status = "render.document_missing", 422
    en = "The final document is no longer in the store. Reopen and finalise the copy again."
    fr = "Le document final n'est plus dans le stockage. Rouvrez la copie et finalisez-la à nouveau."


class DocumentDamaged(Refusal):
    """Of one copy in an export: the bytes in the store are not those that were stored."""

    code, http_status = "render.document_damaged", 422
    en = "The final document is damaged in the store. Reopen and finalise the copy again."
    fr = "Le document final est abîmé dans le stockage. Rouvrez la copie et finalisez-la à nouveau."


class NothingExported(Refusal):
    code, http_status = "render.nothing_exported", 422
    en = "Not one document could be read. Start the export again."
    fr = "Aucun document n'a pu être lu. Relancez l'export."
