"""What grading refuses. Refusals of exams, rosters and identity alone are in ``grading_exams.py``.

Details are JSON values: points as decimal strings, times as RFC 3339.
"""

from __future__ import annotations

from contracts.errors import Refusal


class NotFound(Refusal):
    """Also for what the caller may not know of."""

    code, http_status = "grading.not_found", 404
    en = "There is no such thing, or it is not yours to see."
    fr = "Cet élément n'existe pas, ou n'est pas visible pour vous."


class NotYours(Refusal):
    """The caller may see it, but this act is somebody else's."""

    code, http_status = "grading.not_yours", 403
    en = "Only the person marking this copy, or an administrator, may do this."
    fr = "Seule la personne qui corrige cette copie, ou un administrateur, peut faire cela."


class VersionConflict(Refusal):
    """``current`` is the value as it is now, ``version`` its version."""

    code, http_status = "grading.version_conflict", 409
    en = "Somebody changed this since you read it (it is now at version {version}). Read it again and redo your change."
    fr = (
        "Cet élément a changé depuis votre lecture (il en est à la version {version})."
        " Relisez-le puis refaites votre modification."
    )


class VersionRequired(Refusal):
    """``version`` is the one in force."""

    code, http_status = "grading.version_required", 428
    en = "Send the version you read: something is stored here already (version {version})."
    fr = "Envoyez la version que vous avez lue : il y a déjà quelque chose ici (version {version})."


class BadCursor(Refusal):
    code, http_status = "grading.bad_cursor", 422
    en = "This cursor is not one we gave. Start the list again without it."
    fr = "Ce curseur ne vient pas d'ici. Reprenez la liste sans lui."


# Locks


class LockedByOther(Refusal):
    """``owner`` holds the copy until ``expires_at``."""

    code, http_status = "grading.locked_by_other", 409
    en = "{owner} is marking this copy. Choose another one or come back later."
    fr = "{owner} corrige cette copie. Choisissez-en une autre ou revenez plus tard."


class LockRequired(Refusal):
    code, http_status = "grading.lock_required", 428
    en = "Lock the copy first and send its token: only the person marking it may change it."
    fr = "Verrouillez d'abord la copie et envoyez son jeton : seule la personne qui la corrige peut la modifier."


class LockLost(Refusal):
    """The token is not, or no longer, that of a lock in force."""

    code, http_status = "grading.lock_lost", 409
    en = "Your lock on this copy has ended. Nothing was changed: lock the copy again, compare, and save again."
    fr = (
        "Votre verrou sur cette copie a pris fin. Rien n'a été modifié :"
        " verrouillez-la à nouveau, comparez, puis enregistrez."
    )


class NotLockable(Refusal):
    """``status`` is the copy's."""

    code, http_status = "grading.not_lockable", 409
    en = "This copy is finalised ({status}). To mark it again, have it reopened by an administrator."
    fr = "Cette copie est finalisée ({status}). Pour la corriger à nouveau, faites-la rouvrir par un administrateur."


class CopyFinalised(Refusal):
    """``status`` is the copy's: its paper is part of what was finalised."""

    code, http_status = "grading.copy_finalised", 409
    en = "This copy is finalised ({status}). Have an administrator reopen it, then add the sheets."
    fr = "Cette copie est finalisée ({status}). Faites-la rouvrir par un administrateur, puis ajoutez les feuilles."


class PagesMoved(Refusal):
    """New paper shows ``pages`` (by their numbers until now) under other numbers; marks would move to other pages."""

    code, http_status = "grading.pages_moved", 409
    en = "Pages {pages} of this copy carry their number in its marks. Add sheets behind them, not between them."
    fr = (
        "Les annotations désignent les pages {pages} par leur numéro. Ajoutez les feuilles à la suite, pas entre elles."
    )


# Marking


class DraftConflict(Refusal):
    """``version``, ``client_id``, ``payload`` and ``updated_at`` are the stored draft; what was sent is kept too."""

    code, http_status = "grading.draft_conflict", 409
    en = "This draft was saved from elsewhere (version {version}). Both are kept: compare them and save again."
    fr = (
        "Ce brouillon a été enregistré depuis un autre écran (version {version})."
        " Les deux sont conservés : comparez-les puis enregistrez."
    )


class DraftTooLarge(Refusal):
    """``max_bytes`` is the limit."""

    code, http_status = "grading.draft_too_large", 413
    en = "This draft is larger than {max_bytes} bytes. Save strokes as annotations and send less."
    fr = "Ce brouillon dépasse {max_bytes} octets. Enregistrez les tracés comme annotations et envoyez moins."


class OperationsTooLarge(Refusal):
    """``max_bytes`` is the limit of one request."""

    code, http_status = "grading.operations_too_large", 413
    en = "These operations are larger than {max_bytes} bytes. Send fewer at a time."
    fr = "Ces opérations dépassent {max_bytes} octets. Envoyez-en moins à la fois."


class OperationReused(Refusal):
    """An operation's id names what was sent with it first, for ever."""

    code, http_status = "grading.operation_reused", 422
    en = "Another operation was sent under this id. Send it again under an id of its own."
    fr = "Une autre opération a déjà été envoyée sous cet identifiant. Renvoyez-la sous un identifiant nouveau."


class ItemsUnscored(Refusal):
    """``items`` lists every item without a score."""

    code, http_status = "grading.items_unscored", 422
    en = "Some items have no score yet: {items}. Give each a score, 0 included."
    fr = "Certaines questions n'ont pas de note : {items}. Notez-les toutes, même 0."


class ScoreOutOfRange(Refusal):
    """``item``, ``score``, ``max``."""

    code, http_status = "grading.score_out_of_range", 422
    en = "The score {score} of {item} is not between 0 and {max}."
    fr = "La note {score} de {item} n'est pas comprise entre 0 et {max}."


class ScoreOffStep(Refusal):
    """``item``, ``score``, ``step``."""

    code, http_status = "grading.score_off_step", 422
    en = "The score {score} of {item} is not a multiple of {step}."
    fr = "La note {score} de {item} n'est pas un multiple de {step}."


class UnknownItem(Refusal):
    """``items`` are not leaves of the scheme in force, version ``scheme_version``."""

    code, http_status = "grading.unknown_item", 422
    en = "The marking scheme (version {scheme_version}) has no such item: {items}. Read the scheme again."
    fr = "Le barème (version {scheme_version}) n'a pas cette question : {items}. Relisez le barème."


class NoScheme(Refusal):
    code, http_status = "grading.no_scheme", 409
    en = "This exam has no marking scheme yet. Store one first."
    fr = "Cette épreuve n'a pas encore de barème. Enregistrez-en un d'abord."


class PageOutOfRange(Refusal):
    """``page``, ``page_count``; at finalisation ``annotations`` lists those on pages that are gone."""

    code, http_status = "grading.page_out_of_range", 422
    en = "Page {page} does not exist: this copy has {page_count} pages."
    fr = "La page {page} n'existe pas : cette copie a {page_count} pages."


# After marking


class NotFinal(Refusal):
    """``status`` is the copy's."""

    code, http_status = "grading.not_final", 409
    en = "This copy is not finalised ({status}), so it has no final document yet."
    fr = "Cette copie n'est pas finalisée ({status}) : elle n'a pas encore de document final."


class NotReopenable(Refusal):
    """``status`` is the copy's."""

    code, http_status = "grading.not_reopenable", 409
    en = "Only a copy whose finalisation has ended is reopened ({status}). Wait for it, or finalise it first."
    fr = "Seule une copie dont la finalisation est terminée peut être rouverte ({status}). Attendez, ou finalisez-la."


class ReasonRequired(Refusal):
    code, http_status = "grading.reason_required", 422
    en = "Candidates could read this copy. Say why it is opened again: they will see the reason."
    fr = "Les candidats ont pu lire cette copie. Dites pourquoi elle est rouverte : le motif leur sera montré."


class SecondPersonRequired(Refusal):
    code, http_status = "grading.second_person_required", 403
    en = "Candidates could read this copy, and you finalised it. Have another administrator reopen it."
    fr = (
        "Les candidats ont pu lire cette copie, que vous avez finalisée. Faites-la rouvrir par un autre administrateur."
    )


class ExamPublished(Refusal):
    """The results are out: what they rest on does not change under the candidates' eyes."""

    code, http_status = "grading.exam_published", 409
    en = "The results of this exam are published. Withdraw them first."
    fr = "Les résultats de cette épreuve sont publiés. Retirez-les d'abord."


class UnknownExam(Refusal):
    """Paper arrived for an exam that is not here."""

    code, http_status = "grading.unknown_exam", 404
    en = "There is no exam {exam_id}. Look whether grading has the right database, then send the message again."
    fr = "L'épreuve {exam_id} n'existe pas. Vérifiez la base de données de grading, puis renvoyez le message."


class CopyOfOtherExam(Refusal):
    """A copy never moves to another exam."""

    code, http_status = "grading.copy_of_other_exam", 409
    en = "This copy belongs to another exam."
    fr = "Cette copie appartient à une autre épreuve."
