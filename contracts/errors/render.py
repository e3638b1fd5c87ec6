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
    en = "The scan of this copy is no longer in the store ({upload})."
    fr = "La numérisation de cette copie n'est plus dans le stockage ({upload})."


class ScanUnreadable(Refusal):
    """The original is not a PDF that can be opened without a password."""

    code, http_status = "render.scan_unreadable", 422
    en = "The scan of this copy cannot be opened ({upload})."
    fr = "La numérisation de cette copie ne s'ouvre pas ({upload})."


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
