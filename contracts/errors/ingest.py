"""What ingest refuses: files it cannot read safely, and edits that would lose or double a page."""

from __future__ import annotations

from contracts.errors import Refusal

# Files


class NotAPdf(Refusal):
    code, http_status = "ingest.not_a_pdf", 415
    en = "This file is not a PDF. Save the scan as PDF and upload it again."
    fr = "Ce fichier n'est pas un PDF. Enregistrez la numérisation en PDF puis déposez-la à nouveau."


class Encrypted(Refusal):
    code, http_status = "ingest.encrypted", 422
    en = "This file is protected by a password. Save it without protection and upload it again."
    fr = "Ce fichier est protégé par un mot de passe. Enregistrez-le sans protection puis déposez-le à nouveau."


class ArchiveDamaged(Refusal):
    code, http_status = "ingest.archive_damaged", 422
    en = "This archive is damaged or was cut short. Make it again, or upload its PDFs one by one."
    fr = "Cette archive est endommagée ou tronquée. Refaites-la, ou déposez ses PDF un par un."


class ArchiveUnsafe(Refusal):
    """More than ``max_entries`` files, more than ``max_mb`` unpacked, or packed tighter than any scan can be."""

    code, http_status = "ingest.archive_unsafe", 413
    en = (
        "An archive may hold {max_entries} files and {max_mb} MB of scans at most. Upload the PDFs in several archives."
    )
    fr = (
        "Une archive peut contenir au plus {max_entries} fichiers et {max_mb} Mo de numérisations."
        " Répartissez les PDF en plusieurs archives."
    )


class NestedArchive(Refusal):
    """Of a file in an archive: it is one itself."""

    code, http_status = "ingest.nested_archive", 422
    en = "This file of the archive is an archive itself. Unpack it and upload its PDFs."
    fr = "Ce fichier de l'archive est lui-même une archive. Décompressez-le et déposez ses PDF."


class EmptyFile(Refusal):
    """No byte, or a PDF without a page."""

    code, http_status = "ingest.empty_file", 422
    en = "This file holds no page. Scan the sheets again and upload the new file."
    fr = "Ce fichier ne contient aucune page. Numérisez à nouveau les feuilles et déposez le nouveau fichier."


class TooManyPages(Refusal):
    """``pages`` found, ``max`` allowed in one upload."""

    code, http_status = "ingest.too_many_pages", 413
    en = "This PDF has {pages} pages, one upload takes at most {max}. Split the pile into several files."
    fr = "Ce PDF compte {pages} pages, un dépôt en accepte {max} au plus. Répartissez la pile en plusieurs fichiers."


class Damaged(Refusal):
    """``reason``: ``structure`` or ``pages``; ``sides``: the PDF pages that are missing, when they can be told."""

    code, http_status = "ingest.damaged", 422
    en = "This PDF is damaged or was cut short{where}. Copy the file again from the scanner and upload it."
    fr = (
        "Ce PDF est endommagé ou a été tronqué{where}."
        " Récupérez à nouveau le fichier depuis le scanner puis déposez-le."
    )

    def text(self, language: str) -> str:
        """Names the pages when they are known: a file whose structure is lost has none to name."""
        sides = self.details.get("sides")
        where = ""
        if isinstance(sides, list) and sides:
            where = f" (pages manquantes : {_runs(sides)})" if language == "fr" else f" (missing pages: {_runs(sides)})"
        return (self.fr if language == "fr" else self.en).format(where=where)


def _runs(numbers: list[int]) -> str:
    """Growing numbers in words: 3, 20-40."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)


class PageTooLarge(Refusal):
    """``side_no``: the PDF page; ``reason``: ``paper`` (its size or shape) or ``pixels`` (its image)."""

    code, http_status = "ingest.page_too_large", 413
    en = "Page {side_no} has a size no exam sheet has. Scan at 300 dpi or less, in A4 or A3, and upload again."
    fr = (
        "La page {side_no} a des dimensions impossibles pour une copie."
        " Numérisez à 300 ppp au plus, en A4 ou A3, puis déposez à nouveau."
    )


class UnsafeImage(Refusal):
    """``side_no``: a page whose image takes unreasonably long to decode (a JPEG of very many scans)."""

    code, http_status = "ingest.unsafe_image", 422
    en = "The image of page {side_no} is built in a way we do not open. Print the file to a new PDF and upload that."
    fr = (
        "L'image de la page {side_no} est construite d'une façon que nous n'ouvrons pas."
        " Imprimez le fichier vers un nouveau PDF et déposez celui-ci."
    )


class Unreadable(Refusal):
    """The child process gave up on sides ``first_side`` … ``last_side``: ``outcome`` says how."""

    code, http_status = "ingest.unreadable", 422
    en = "Pages {first_side} to {last_side} cannot be read. Scan these sheets again and upload the new file."
    fr = (
        "Les pages {first_side} à {last_side} sont illisibles."
        " Numérisez à nouveau ces feuilles et déposez le nouveau fichier."
    )


class SplittingFailed(Refusal):
    """Never raised over RPC: the problem kept on an upload whose sides could not be cut for a technical reason."""

    code, http_status = "ingest.splitting_failed", 503
    en = "The pages could not be cut because of a technical failure. Upload the same file again in a few minutes."
    fr = (
        "Les pages n'ont pas pu être découpées à cause d'un incident technique."
        " Déposez à nouveau le même fichier dans quelques minutes."
    )


# Staging


class NotFound(Refusal):
    """Also for a copy of another exam, or a page number beyond the last."""

    code, http_status = "ingest.not_found", 404
    en = "There is no such upload, booklet or page. Reload the list."
    fr = "Ce dépôt, ce fascicule ou cette page n'existe pas. Rechargez la liste."


class UploadSettled(Refusal):
    """``status`` is the upload's."""

    code, http_status = "ingest.upload_settled", 409
    en = "This upload is already finished ({status}): set its booklets aside instead of cancelling it."
    fr = "Ce dépôt est déjà terminé ({status}) : écartez ses fascicules au lieu de l'annuler."


class NothingToRepeat(Refusal):
    """``status`` is the upload's: only what failed or was cancelled is read again."""

    code, http_status = "ingest.nothing_to_repeat", 409
    en = "This file did not fail: there is nothing to try again. Reload the list."
    fr = "Ce fichier n'a pas échoué : il n'y a rien à réessayer. Rechargez la liste."


class VersionConflict(Refusal):
    """``version`` is the booklet's version now."""

    code, http_status = "ingest.version_conflict", 409
    en = "Somebody changed this booklet since you read it (it is now at version {version}). Read it again."
    fr = "Ce fascicule a changé depuis votre lecture (il en est à la version {version}). Relisez-le."


class BookletFrozen(Refusal):
    """``booklet_id`` is part of a copy: assembling is not undone."""

    code, http_status = "ingest.booklet_frozen", 409
    en = "This booklet is already assembled into a copy and can no longer change."
    fr = "Ce fascicule est déjà agrafé dans une copie et ne peut plus changer."


class BookletSetAside(Refusal):
    """``booklet_id`` was set aside as stray paper."""

    code, http_status = "ingest.booklet_set_aside", 409
    en = "This booklet was set aside. Take it back before you work on it."
    fr = "Ce fascicule a été écarté. Reprenez-le avant de travailler dessus."


class PagesNotConserved(Refusal):
    """``missing``, ``unknown`` and ``repeated`` are page ids."""

    code, http_status = "ingest.pages_not_conserved", 422
    en = "Send every page of the booklet exactly once; mark a page as dropped instead of leaving it out."
    fr = "Envoyez chaque page du fascicule exactement une fois ; écartez une page au lieu de l'omettre."


class CannotSplitThere(Refusal):
    """``before_page`` is beyond ``pages``, the booklet's number of pages."""

    code, http_status = "ingest.cannot_split_there", 422
    en = "This booklet has {pages} pages: cut before page 2 to {pages}."
    fr = "Ce fascicule compte {pages} pages : coupez avant l'une des pages 2 à {pages}."


class CannotInsertThere(Refusal):
    """``before_page`` is beyond ``last``, the place behind the booklet's last page; it has ``pages``."""

    code, http_status = "ingest.cannot_insert_there", 422
    en = "This booklet has {pages} pages: insert before page 1 to {last}."
    fr = "Ce fascicule compte {pages} pages : insérez avant l'une des pages 1 à {last}."


class PageNotThere(Refusal):
    """``page_id`` is not, or no longer, in the booklet it was to be taken from, or was named twice."""

    code, http_status = "ingest.page_not_there", 422
    en = "A page you want to move is not in that booklet. Read the booklet again and name each page once."
    fr = "Une page à déplacer n'est pas dans ce fascicule. Relisez-le et citez chaque page une seule fois."


class NothingToUndo(Refusal):
    code, http_status = "ingest.nothing_to_undo", 409
    en = "There is nothing left to undo here: all was undone, or its booklets are assembled."
    fr = "Il n'y a plus rien à annuler ici : tout a été annulé, ou les fascicules sont agrafés."


class UndoneAlready(Refusal):
    """``act_id`` was undone by somebody else meanwhile."""

    code, http_status = "ingest.undone_already", 409
    en = "Somebody undid this meanwhile. Reload the list before you undo more."
    fr = "Quelqu'un l'a annulé entre-temps. Rechargez la liste avant d'annuler autre chose."


class LaterAct(Refusal):
    """``act_id`` was done later to a booklet that the act to be undone touched; ``kind`` is what it was."""

    code, http_status = "ingest.later_act", 409
    en = "One of these booklets was changed again later. Undo that later change first."
    fr = "L'un de ces fascicules a encore été modifié par la suite. Annulez d'abord cette modification."


class PaperChanged(Refusal):
    """Sheets or covers were added at the same moment; the copy's paper is no longer at ``revision``."""

    code, http_status = "ingest.paper_changed", 409
    en = "The pages of this copy were changed at the same moment. Reload it, then try again."
    fr = "Les pages de cette copie ont été modifiées au même moment. Rechargez-la, puis recommencez."


class TooManyCovers(Refusal):
    """``page_no`` has ``most`` covered zones already."""

    code, http_status = "ingest.too_many_covers", 422
    en = "This page has as many covered zones as it can have. Take one back, then cover a larger zone."
    fr = "Cette page a déjà autant de zones masquées que possible. Retirez-en une, puis masquez une zone plus grande."


class RepeatedBooklet(Refusal):
    """``booklet_id`` was named twice."""

    code, http_status = "ingest.repeated_booklet", 422
    en = "The same booklet is named twice. Name each booklet once."
    fr = "Le même fascicule est cité deux fois. Citez chaque fascicule une seule fois."


class MixedExams(Refusal):
    """``booklet_id`` belongs to another exam than the one named."""

    code, http_status = "ingest.mixed_exams", 422
    en = "These booklets belong to different exams. Choose booklets of one exam."
    fr = "Ces fascicules appartiennent à des épreuves différentes. Choisissez ceux d'une seule épreuve."


class NoPageLeft(Refusal):
    """Every page was dropped."""

    code, http_status = "ingest.no_page_left", 422
    en = "Every page is set aside: a copy needs at least one. Take a page back, or set the booklet aside."
    fr = "Toutes les pages sont écartées : une copie en demande au moins une. Reprenez-en une, ou écartez le fascicule."


class BadCursor(Refusal):
    code, http_status = "ingest.bad_cursor", 422
    en = "This cursor is not one we gave. Start the list again without it."
    fr = "Ce curseur ne vient pas d'ici. Reprenez la liste sans lui."
