"""Who may do what: the one table. A route without a line here answers 403 to everybody, and a test fails.

What somebody may do *to this copy* is grading's to say: it gets the caller with every question and answers
``not_found`` for what they may not know of. Here stands only which roles may knock at which door, and how often.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.model import Role
from services.gateway import limits
from services.gateway.limits import Limit

ADMIN, OPERATOR, MARKER, CANDIDATE = Role.ADMIN, Role.OPERATOR, Role.MARKER, Role.CANDIDATE


@dataclass(frozen=True)
class Rule:
    """``roles`` empty: open to all. ``limit`` counts the caller's requests of this kind."""

    roles: frozenset[Role]
    limit: Limit | None = None

    @property
    def public(self) -> bool:
        return not self.roles


def _for(*roles: Role, limit: Limit | None = None) -> Rule:
    return Rule(frozenset(roles), limit)


EVERYBODY = _for()
_STAFF = _for(ADMIN, OPERATOR, MARKER)
_DESK = _for(ADMIN, OPERATOR)
_MARKING = _for(ADMIN, MARKER)
_ADMIN = _for(ADMIN)
_CANDIDATE = _for(CANDIDATE)

RULES: dict[str, Rule] = {
    # people
    "session.open": EVERYBODY,
    "session.show": _STAFF,
    "session.close": _STAFF,
    "session.change_password": _for(ADMIN, OPERATOR, MARKER, limit=limits.PASSWORD_CHANGE),
    "session.index_sessions": _STAFF,
    "session.end": _STAFF,
    "tokens.index": _STAFF,
    "tokens.create": _STAFF,
    "tokens.remove": _STAFF,
    "users.index": _ADMIN,
    "users.create": _for(ADMIN, limit=limits.USER_CREATION),
    "users.show": _ADMIN,
    "users.change": _ADMIN,
    # exams
    "exams.index": _STAFF,
    "exams.create": _ADMIN,
    "exams.show": _STAFF,
    "exams.change": _ADMIN,
    "exams.remove": _ADMIN,
    "exams.restore": _ADMIN,
    "exams.scheme": _STAFF,
    "exams.put_scheme": _ADMIN,
    "exams.scheme_file": _STAFF,
    "exams.read_scheme_file": _ADMIN,
    "exams.import_roster": _for(ADMIN, OPERATOR, limit=limits.ROSTER_IMPORT),
    "exams.look_at_roster": _for(ADMIN, OPERATOR, limit=limits.ROSTER_IMPORT),
    "exams.bad_rows": _DESK,
    "exams.candidates": _DESK,
    "exams.sheets": _DESK,
    "exams.issue_access_codes": _DESK,
    "exams.publish": _ADMIN,
    "exams.withdraw": _ADMIN,
    # paper
    "uploads.index": _DESK,
    "uploads.archives": _DESK,
    "uploads.create": _for(ADMIN, OPERATOR, limit=limits.SCAN_UPLOAD),
    "uploads.show": _DESK,
    "scan_report.show": _DESK,
    "uploads.confirm": _DESK,
    "booklets.index": _DESK,
    "booklets.show": _DESK,
    "booklets.change": _DESK,
    "booklets.remove": _DESK,
    "booklets.split": _DESK,
    "booklets.merge": _DESK,
    "booklets.insert": _DESK,
    "booklets.acts": _DESK,
    "booklets.undo": _DESK,
    "booklets.undo_in_one": _DESK,
    "booklets.assemble": _DESK,
    "booklets.assemble_certain": _DESK,
    "images.show": _DESK,
    # copies
    "copies.index": _STAFF,
    "copies.show": _STAFF,
    "copies.add_paper": _DESK,
    "copies.cover": _DESK,
    "copies.uncover": _DESK,
    "copies.page": _STAFF,
    "copies.final": _STAFF,
    "copies.events": _DESK,
    "identification.index": _DESK,
    "identification.identify": _DESK,
    "identification.unidentify": _DESK,
    "identification.solve": _DESK,
    "identification.read_again": _DESK,
    "identification.read_failed_again": _DESK,
    "printed_names.index": _DESK,
    "printed_names.dismiss": _DESK,
    "printed_names.read_failed_again": _DESK,
    "identification.sheet_model": _DESK,
    "identification.put_sheet_model": _DESK,
    "identification.remove_sheet_model": _DESK,
    "marking.allocate": _ADMIN,
    "marking.allocation": _DESK,
    "marking.lock": _MARKING,
    "marking.unlock": _MARKING,
    "marking.heartbeat": _MARKING,
    "marking.desk": _MARKING,
    "marking.draft": _MARKING,
    "marking.put_draft": _MARKING,
    "marking.apply": _MARKING,
    "marking.list_annotations": _MARKING,
    "marking.annotate": _MARKING,
    "marking.change_annotation": _MARKING,
    "marking.remove_annotation": _MARKING,
    "marking.scores": _MARKING,
    "marking.put_scores": _MARKING,
    "marking.finalise": _MARKING,
    "marking.reopen": _ADMIN,
    "comments.index": _MARKING,
    "comments.create": _MARKING,
    "comments.change": _MARKING,
    "comments.remove": _MARKING,
    # the exam as a whole
    "results.pile": _MARKING,
    "results.flag": _MARKING,
    "results.statistics": _MARKING,
    "results.index": _ADMIN,
    "results.as_csv": _ADMIN,
    "results.as_pronote": _ADMIN,
    "exports.create": _ADMIN,
    "exports.show": _ADMIN,
    "jobs.index": _STAFF,
    "jobs.show": _STAFF,
    "jobs.events": _STAFF,
    "jobs.events_of_several": _STAFF,
    "jobs.repeat": _STAFF,
    "jobs.cancel": _STAFF,
    "audit.index": _ADMIN,
    "system.show": _for(ADMIN, limit=limits.SYSTEM_STATUS),
    "maintenance.stuck_copies": _ADMIN,
    "maintenance.stuck_uploads": _ADMIN,
    # candidates
    "candidate.open": EVERYBODY,
    "candidate.show": _CANDIDATE,
    "candidate.close": _CANDIDATE,
    "candidate.results": _CANDIDATE,
    "candidate.final": _CANDIDATE,
    # pages
    "web.home": EVERYBODY,
    "web.sign_in": EVERYBODY,
    "web.candidate_sign_in": EVERYBODY,
    "web.choose_language": EVERYBODY,
    "web.asset": EVERYBODY,
    "web.sign_out": _STAFF,
    "web.leave": _CANDIDATE,
    "web.exams": _STAFF,
    "web.new_exam": _ADMIN,
    "web.exam": _STAFF,
    "web.scheme": _STAFF,
    "web.roster": _DESK,
    "web.scans": _DESK,
    "web.jobs": _STAFF,
    "web.identification": _DESK,
    "web.allocation": _DESK,
    "web.copies": _STAFF,
    "web.copy": _STAFF,
    "web.mark": _MARKING,
    "web.mark_next": _MARKING,
    "web.pile": _MARKING,
    "web.statistics": _MARKING,
    "web.exam_results": _ADMIN,
    "web.publication": _ADMIN,
    "web.access_codes": _DESK,
    "web.account": _STAFF,
    "web.users": _ADMIN,
    "web.audit": _ADMIN,
    "web.system": _for(ADMIN, limit=limits.SYSTEM_STATUS),
    "web.results": _CANDIDATE,
    # the server itself
    "documents.openapi": EVERYBODY,
    "documents.page": EVERYBODY,
    "health.live": EVERYBODY,
    "health.ready": EVERYBODY,
    "static": EVERYBODY,
}
