"""What the gateway refuses before any service is asked: who one is, what one sends, how often."""

from __future__ import annotations

from contracts.errors import Refusal


class NotSignedIn(Refusal):
    code, http_status = "gateway.not_signed_in", 401
    en = "Sign in first: there is no session, or it has ended."
    fr = "Connectez-vous d'abord : il n'y a pas de session, ou elle a pris fin."


class WrongCredentials(Refusal):
    """One answer for an unknown user, a wrong password and a deactivated account."""

    code, http_status = "gateway.wrong_credentials", 401
    en = "The user name or the password is wrong."
    fr = "L'identifiant ou le mot de passe est incorrect."


class WrongAccessCode(Refusal):
    """One answer for an unknown, an expired and a replaced code."""

    code, http_status = "gateway.wrong_access_code", 401
    en = "This access code is not valid. Check it, or ask your school for a new one."
    fr = "Ce code d'accès n'est pas valable. Vérifiez-le, ou demandez-en un nouveau à votre établissement."


class WrongRole(Refusal):
    code, http_status = "gateway.wrong_role", 403
    en = "Your role does not allow this."
    fr = "Votre rôle ne permet pas cette action."


class CsrfRefused(Refusal):
    code, http_status = "gateway.csrf", 403
    en = "The X-CSRF-Token header is missing or wrong: read its value from the session and send it again."
    fr = "L'en-tête X-CSRF-Token manque ou est faux : relisez sa valeur dans la session et recommencez."


class NotFound(Refusal):
    """Also the answer for what the caller may not know of."""

    code, http_status = "gateway.not_found", 404
    en = "There is nothing here."
    fr = "Il n'y a rien à cette adresse."


class MethodNotAllowed(Refusal):
    code, http_status = "gateway.method_not_allowed", 405
    en = "This address does not accept this method."
    fr = "Cette adresse n'accepte pas cette méthode."


class BadHost(Refusal):
    code, http_status = "gateway.bad_host", 400
    en = "This server does not answer under that host name."
    fr = "Ce serveur ne répond pas sous ce nom d'hôte."


class MalformedRequest(Refusal):
    code, http_status = "gateway.malformed", 400
    en = "The request cannot be read."
    fr = "La requête est illisible."


class MalformedJson(Refusal):
    code, http_status = "gateway.malformed_json", 400
    en = "The body is not valid JSON."
    fr = "Le corps de la requête n'est pas du JSON valide."


class WrongMediaType(Refusal):
    code, http_status = "gateway.wrong_media_type", 415
    en = "This content type is not accepted here; expected: {expected}."
    fr = "Ce type de contenu n'est pas accepté ici ; attendu : {expected}."


class NotAPdf(Refusal):
    code, http_status = "gateway.not_a_pdf", 415
    en = "This file is not a PDF. Export the scan as PDF and upload it again."
    fr = "Ce fichier n'est pas un PDF. Exportez la numérisation en PDF puis déposez-la à nouveau."


class EmptyFile(Refusal):
    code, http_status = "gateway.empty_file", 422
    en = "The file is empty. Scan the pile again, or choose the right file."
    fr = "Le fichier est vide. Choisissez le bon fichier, ou numérisez de nouveau."


class TooLarge(Refusal):
    code, http_status = "gateway.too_large", 413
    en = "This is larger than the {max_bytes} bytes accepted here."
    fr = "Ceci dépasse les {max_bytes} octets acceptés ici."


class InvalidFields(Refusal):
    """``errors`` lists every field that is wrong."""

    code, http_status = "gateway.invalid_fields", 422
    en = "Some fields are not acceptable; see errors."
    fr = "Certains champs ne sont pas acceptables ; voir errors."


class VersionRequired(Refusal):
    code, http_status = "gateway.version_required", 428
    en = "Send the version you read: nobody's work is overwritten unseen."
    fr = "Envoyez la version que vous avez lue : on n'écrase pas le travail d'un autre sans l'avoir vu."


class RangeNotSatisfiable(Refusal):
    code, http_status = "gateway.range", 416
    en = "The range asked for lies outside the file."
    fr = "La plage demandée est hors du fichier."


class TooManyRequests(Refusal):
    """``retry_after_s`` is also the Retry-After header."""

    code, http_status = "gateway.too_many_requests", 429
    en = "Too many requests; try again in {retry_after_s} seconds."
    fr = "Trop de demandes ; réessayez dans {retry_after_s} secondes."


class IdempotencyMismatch(Refusal):
    code, http_status = "gateway.idempotency_mismatch", 422
    en = "This Idempotency-Key was used for another request; choose a new one."
    fr = "Cette Idempotency-Key a servi pour une autre demande ; prenez-en une nouvelle."


class IdempotencyInProgress(Refusal):
    code, http_status = "gateway.idempotency_in_progress", 409
    en = "The first request with this Idempotency-Key is still running; try again in {retry_after_s} seconds."
    fr = "La première demande portant cette Idempotency-Key est en cours ; réessayez dans {retry_after_s} secondes."


class PasswordRefused(Refusal):
    """``errors`` holds one entry per reason."""

    code, http_status = "gateway.password_refused", 422
    en = "This password is too easy to guess; see errors."
    fr = "Ce mot de passe est trop facile à deviner ; voir errors."


class UsernameTaken(Refusal):
    code, http_status = "gateway.username_taken", 409
    en = "This user name is taken."
    fr = "Cet identifiant est déjà pris."


class LastAdmin(Refusal):
    code, http_status = "gateway.last_admin", 409
    en = "This is the last active administrator; appoint another one first."
    fr = "C'est le dernier administrateur actif ; nommez-en un autre d'abord."


class UnknownMarkers(Refusal):
    """``marker_ids`` are those who are not active markers."""

    code, http_status = "gateway.unknown_markers", 422
    en = "Some of these people are not active markers: {marker_ids}."
    fr = "Certaines de ces personnes ne sont pas des correcteurs actifs : {marker_ids}."


class ExamDeleted(Refusal):
    code, http_status = "gateway.exam_deleted", 409
    en = "This exam was deleted; restore it first."
    fr = "Cette épreuve a été supprimée ; restaurez-la d'abord."


class JobNotCancellable(Refusal):
    code, http_status = "gateway.job_not_cancellable", 409
    en = "This job cannot be cancelled; it ends by itself."
    fr = "Cette tâche ne peut pas être annulée ; elle se termine d'elle-même."
