"""What grading refuses about exams, schemes, rosters, identities and publication; ``grading.py`` has the rest."""

from __future__ import annotations

from typing import Any, ClassVar

from contracts.errors import Refusal


class ExamDeleted(Refusal):
    code, http_status = "grading.exam_deleted", 409
    en = "This exam was deleted. Restore it before you change it."
    fr = "Cet examen a été supprimé. Restaurez-le avant de le modifier."


class SchemeInvalid(Refusal):
    """``errors`` lists every problem: ``node`` is the node's id ("" for the tree), ``reason`` one of ``REASONS``."""

    code, http_status = "grading.scheme_invalid", 422
    en = "The marking scheme cannot be used: {shown}. Correct it and save again."
    fr = "Le barème n'est pas utilisable : {shown}. Corrigez-le puis enregistrez de nouveau."

    REASONS: ClassVar[dict[str, tuple[str, str]]] = {
        "duplicate_id": ("this id is used twice", "cet identifiant sert deux fois"),
        "no_label": ("a label is missing", "il manque un libellé"),
        "points_and_children": ("it has points and sub-questions", "il y a à la fois des points et des sous-questions"),
        "no_points": ("points are missing", "il manque les points"),
        "too_deep": ("there are more than 6 levels", "il y a plus de 6 niveaux"),
        "not_positive": ("points must be above 0", "les points doivent être supérieurs à 0"),
        "not_a_multiple_of_step": ("points are no multiple of the step", "les points ne sont pas un multiple du pas"),
        "no_items": ("there is no question", "il n'y a aucune question"),
        "too_many_items": ("there are too many questions", "il y a trop de questions"),
    }

    def __init__(self, *, errors: list[dict[str, str]]) -> None:
        super().__init__(errors=errors)

    def text(self, language: str) -> str:
        """Problems in words; a reason this process does not know yet is shown as it is."""
        told = []
        for error in self.details["errors"]:
            in_english, in_french = self.REASONS.get(error["reason"], (error["reason"], error["reason"]))
            words = in_french if language == "fr" else in_english
            told.append(f"{error['node']} ({words})" if error["node"] else words)
        return (self.fr if language == "fr" else self.en).format(shown=_listed(told))


class SchemeDoesNotAddUp(Refusal):
    """``sum`` is what the leaves add up to, bonus aside; ``nodes`` lists them with their points."""

    code, http_status = "grading.scheme_does_not_add_up", 422
    en = "The items add up to {sum} points and the exam is out of {expected}. Change the points or the exam's total."
    fr = (
        "Les questions totalisent {sum} points et l'examen est noté sur {expected}. "
        "Modifiez les points ou le total de l'examen."
    )

    def __init__(self, *, sum: str, expected: str, nodes: list[dict[str, str]]) -> None:
        super().__init__(sum=sum, expected=expected, nodes=nodes)


class SchemeStepUnfit(Refusal):
    code, http_status = "grading.scheme_step_unfit", 422
    en = "Steps of {step} point do not divide one point and the total of {total}. Choose 0.25, 0.5 or 1."
    fr = "Le pas de {step} point ne divise pas un point et le total de {total}. Choisissez 0,25, 0,5 ou 1."


class SchemeFileUnknown(Refusal):
    """``found`` is the header row; ``missing`` the columns that must be there."""

    code, http_status = "grading.scheme_file_unknown", 422
    en = "The first row must name the columns path, label, points (bonus and id as well, if you like). Found: {shown}."
    fr = (
        "La première ligne doit nommer les colonnes chemin, libellé, points "
        "(et si besoin bonus et id). Trouvé : {shown}."
    )

    def __init__(self, *, found: list[str], missing: list[str]) -> None:
        super().__init__(found=found, missing=missing, shown=_listed(found))


class TotalHasScheme(Refusal):
    """Copies have scores under a scheme that adds up to ``sum``: the exam cannot be out of ``total`` any more."""

    code, http_status = "grading.total_has_scheme", 409
    en = "Copies are marked already, out of {sum} points: the exam cannot be out of {total}. Keep the total."
    fr = (
        "Des copies sont déjà corrigées sur {sum} points : l'examen ne peut pas être noté sur {total}. Gardez le total."
    )


class RosterNotCsv(Refusal):
    """``found``: pdf, xlsx, xls, ods, rtf, html, json, image, archive, empty, binary or encoding (unknown letters)."""

    code, http_status = "grading.roster_not_csv", 422
    en = "This file is not a CSV list: {shown}. In your spreadsheet, save it as CSV and send that file."
    fr = (
        "Ce fichier n'est pas une liste CSV : {shown}. "
        "Dans votre tableur, enregistrez-le au format CSV et envoyez ce fichier."
    )

    FOUND: ClassVar[dict[str, tuple[str, str]]] = {
        "pdf": ("it is a PDF", "c'est un PDF"),
        "xlsx": ("it is an Excel workbook", "c'est un classeur Excel"),
        "xls": ("it is an old Excel workbook", "c'est un ancien classeur Excel"),
        "ods": ("it is a LibreOffice spreadsheet", "c'est un classeur LibreOffice"),
        "rtf": ("it is a text document", "c'est un document de texte"),
        "html": ("it is a web page", "c'est une page web"),
        "json": ("it is JSON", "c'est du JSON"),
        "image": ("it is an image", "c'est une image"),
        "archive": ("it is an archive", "c'est une archive"),
        "empty": ("it is empty", "il est vide"),
        "binary": ("it is not a text", "ce n'est pas un texte"),
        "encoding": ("its letters cannot be read", "ses lettres sont illisibles"),
    }

    def __init__(self, *, found: str) -> None:
        super().__init__(found=found)

    def text(self, language: str) -> str:
        found = self.details["found"]
        in_english, in_french = self.FOUND.get(found, (found, found))
        if language == "fr":
            return self.fr.format(shown=in_french)
        return self.en.format(shown=in_english)


class RosterTooLarge(Refusal):
    code, http_status = "grading.roster_too_large", 413
    en = "A roster has at most {max_rows} rows and {max_bytes} bytes. Split the file and import the parts."
    fr = (
        "Une liste compte au plus {max_rows} lignes et {max_bytes} octets. Découpez le fichier et importez les parties."
    )

    def __init__(self, *, max_rows: int, max_bytes: int) -> None:
        super().__init__(max_rows=max_rows, max_bytes=max_bytes)


class RosterQuoteOpen(Refusal):
    """A quotation mark without its partner makes the rest of the file one value: nothing after it can be trusted."""

    code, http_status = "grading.roster_quote_open", 422
    en = 'The quotation marks do not match from row {row} on. Correct that row (a quote inside a value is written "").'
    fr = (
        "Les guillemets ne se correspondent plus à partir de la ligne {row}. "
        'Corrigez cette ligne (un guillemet dans une valeur s\'écrit "").'
    )

    def __init__(self, *, row: int) -> None:
        super().__init__(row=row)


class RosterColumnsUnknown(Refusal):
    """``missing`` are the required columns nobody could find in the header row ``found``."""

    code, http_status = "grading.roster_columns_unknown", 422
    en = (
        "The first row must name the columns. Found: {shown}. Needed: Last name and First name (Nom, Prénom); "
        "understood too: INE, Class, Birth date."
    )
    fr = (
        "La première ligne doit nommer les colonnes. Trouvé : {shown}. Il faut : Nom et Prénom ; "
        "sont aussi compris : INE, Classe, Date de naissance."
    )

    def __init__(self, *, found: list[str], missing: list[str]) -> None:
        super().__init__(found=found, missing=missing, shown=_listed(found))


class RosterColumnMissing(Refusal):
    """``wanted``: columns that the mapping names and no row of the file does; ``found``: its header."""

    code, http_status = "grading.roster_column_missing", 422
    en = "The list has no column {absent}. It has: {shown}. Choose among these."
    fr = "La liste n'a pas de colonne {absent}. Elle a : {shown}. Choisissez parmi celles-ci."

    def __init__(self, *, wanted: list[str], found: list[str]) -> None:
        super().__init__(wanted=wanted, found=found, absent=_listed(wanted), shown=_listed(found))


class RosterColumnTwice(Refusal):
    code, http_status = "grading.roster_column_twice", 422
    en = "The columns {shown} mean the same thing. Keep one of them."
    fr = "Les colonnes {shown} désignent la même chose. N'en gardez qu'une."

    def __init__(self, *, columns: list[str]) -> None:
        super().__init__(columns=columns, shown=_listed(columns))


class RosterHasErrors(Refusal):
    """Nothing was imported. ``report`` is the whole RosterReport, ``errors`` its errors."""

    code, http_status = "grading.roster_has_errors", 422
    en = "Nothing was imported: {count} rows have errors. Correct them (each is listed) and send the file again."
    fr = "Rien n'a été importé : {count} lignes sont en erreur. Corrigez-les (liste jointe) et renvoyez le fichier."

    def __init__(self, *, report: dict[str, Any]) -> None:
        super().__init__(report=report, errors=report["errors"], count=len(report["errors"]))


class CandidateNotInExam(Refusal):
    code, http_status = "grading.candidate_not_in_exam", 422
    en = "This candidate is not on the exam's roster. Choose one of the roster, or import a complete roster first."
    fr = "Ce candidat n'est pas sur la liste de l'examen. Choisissez-en un autre ou importez d'abord la liste complète."


class CandidateTaken(Refusal):
    """The candidate already has a copy in this exam: ``anonymous_id`` says which one."""

    code, http_status = "grading.candidate_taken", 409
    en = "This candidate already has copy {anonymous_id}. Check both headers, and free that copy first if it is wrong."
    fr = "Ce candidat a déjà la copie {anonymous_id}. Vérifiez les deux en-têtes et libérez d'abord l'autre si besoin."


class IdentityChanged(Refusal):
    """A change names what it changes; ``candidate_id`` is the candidate the copy has now, null for none."""

    code, http_status = "grading.identity_changed", 409
    en = (
        "This copy is identified otherwise than you saw. Reload it; to change its candidate, say which one you replace."
    )
    fr = (
        "L'identité de cette copie n'est plus celle que vous avez vue. Rechargez-la ; "
        "pour changer de candidat, indiquez celui que vous remplacez."
    )


class SampleWithoutHeader(Refusal):
    code, http_status = "grading.sample_without_header", 409
    en = "No header was found on this copy: zones cannot be drawn on it. Choose another copy as the sample."
    fr = "Aucun en-tête n'a été trouvé sur cette copie : on ne peut pas y tracer de zones. Choisissez-en une autre."


class NothingToPublish(Refusal):
    code, http_status = "grading.nothing_to_publish", 409
    en = "This exam has no copy yet. Assemble, mark and identify copies before you publish."
    fr = "Cet examen n'a encore aucune copie. Assemblez, corrigez et identifiez des copies avant de publier."


class NotPublishable(Refusal):
    """``copies`` lists each copy that stands in the way: id, anonymous_id, reasons (not_graded, not_identified)."""

    code, http_status = "grading.not_publishable", 409
    en = "{count} copies are not marked or not identified: {shown}. Finish them, then publish."
    fr = "{count} copies ne sont pas corrigées ou pas identifiées : {shown}. Terminez-les, puis publiez."

    def __init__(self, *, copies: list[dict[str, Any]]) -> None:
        shown = _listed([copy["anonymous_id"] for copy in copies])
        super().__init__(copies=copies, count=len(copies), shown=shown)


def _listed(items: list[str], limit: int = 10) -> str:
    """The first few, for a sentence; all of them are in the details."""
    return ", ".join(items[:limit]) + (", …" if len(items) > limit else "")


class NothingToExport(Refusal):
    code, http_status = "grading.nothing_to_export", 409
    en = "No copy is graded yet, so there is no document to export."
    fr = "Aucune copie n'est encore corrigée : il n'y a pas de document à exporter."
