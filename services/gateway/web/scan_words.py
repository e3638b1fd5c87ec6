"""The scan acceptance report in the reader's words: where, what was found, and what to do about it."""

from __future__ import annotations

from contracts.rpc.ingest import PageCount, ScanFinding
from services.gateway.web.languages import catalogue, t

# What to do, where the severity alone does not say it.
_ADVICE = {
    "copies_extra": "join",
    "copies_missing": "count",
    "direction_unsure": "one_hand",
    "file_repaired": "compare",
    "sheets_extra": "none",
    "sheets_missing": "find",
    "short_booklet": "find",
    "upload_cancelled": "repeat",
    "upload_failed": "repeat",
    "upload_unfinished": "wait",
}


def finding(found: ScanFinding) -> str:
    """One sentence, such as ``Side 14: left half clipped on the left; rescan this sheet.``"""
    rescan = "rescan" if found.severity == "error" else "check"
    advice = t(f"report.advice.{_ADVICE.get(found.code, rescan)}")
    what = _what(found)
    if found.side_no is not None:
        return t("report.on_side", side=found.side_no, what=what, advice=advice)
    if found.upload_id is not None:
        return t("report.in_upload", filename=found.filename, what=what, advice=advice)
    return t("report.in_exam", what=what, advice=advice)


def conservation(pages: PageCount) -> str:
    return t("report.conserved" if pages.holds else "report.lost", **pages.model_dump())


def _what(found: ScanFinding) -> str:
    """A doubt's words, or a finding's; what has none yet shows its code."""
    known = catalogue("fr")
    if f"doubt.{found.code}" in known:
        return t(f"doubt.{found.code}")
    if f"report.found.{found.code}" not in known:
        return t("report.found.unnamed", code=found.code)
    edges = ", ".join(t(f"report.edge.{edge}") for edge in found.details.get("edges", ()))
    part = t(f"report.half.{found.half or 'whole'}")
    return t(f"report.found.{found.code}", part=part, **found.details | {"edges": edges})
