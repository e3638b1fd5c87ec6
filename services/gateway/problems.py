"""Every answer that is not a success is one problem document (RFC 9457), in the caller's language."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from chassis.observe import logger, report_defect
from contracts.errors import Refusal, Unavailable, from_wire
from contracts.errors import gateway as refusals

MEDIA_TYPE = "application/problem+json"
PAGE_RENDERER = "korrigo_problem_page"
"""``app.extensions`` key under which the web pages register how a person sees a problem outside ``/api``."""

LANGUAGE_COOKIE = "korrigo_language"
"""What somebody chose on a page; it goes before what their browser prefers."""

log = logger("gateway.problems")

_TITLES_FR = {
    400: "Requête illisible",
    401: "Connexion nécessaire",
    403: "Action interdite",
    404: "Introuvable",
    405: "Méthode refusée",
    409: "Conflit",
    413: "Trop volumineux",
    415: "Type de contenu refusé",
    416: "Plage invalide",
    422: "Demande refusée",
    428: "Version nécessaire",
    429: "Trop de demandes",
    500: "Erreur interne",
    503: "Momentanément indisponible",
}
_DEFECT = {
    "fr": "Une erreur imprévue s'est produite. Donnez le numéro de la demande à l'assistance.",
    "en": "Something unforeseen went wrong. Give the number of the request to your support.",
}
_UNAVAILABLE = {
    "fr": "Une partie du système ne répond pas pour le moment. Rien n'est perdu ; réessayez dans un instant.",
    "en": "Part of the system does not answer right now. Nothing is lost; try again in a moment.",
}
_LANGUAGES = ("fr", "en")
_RESERVED = {"type", "title", "status", "detail", "instance", "code", "request_id"}


def language() -> str:
    """``fr`` unless English was chosen or is preferred: the schools this is made for are French."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in _LANGUAGES:
        return chosen
    return request.accept_languages.best_match(_LANGUAGES, default="fr") or "fr"


def document(status: int, code: str, detail: str, members: Mapping[str, Any] | None = None) -> dict[str, Any]:
    members = members or {}
    title = _TITLES_FR.get(status) if language() == "fr" else None
    problem: dict[str, Any] = {
        "type": f"urn:korrigo:problem:{code}",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": g.get("request_id"),
    }
    problem.update({name: value for name, value in members.items() if name not in _RESERVED})
    hidden = {name: value for name, value in members.items() if name in _RESERVED}
    if hidden:  # a refusal's detail that RFC 9457 already has a meaning for, such as the copy's status
        problem["details"] = hidden
    return problem


def in_words(failure: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What a service wrote down of a failure (code, details), with its sentence in the caller's language."""
    if failure is None or "detail" in failure:
        return None if failure is None else dict(failure)
    told = from_wire({"code": failure["code"], "details": failure.get("details", {})}).text(language())
    return {**failure, "detail": told}


def answer(problem: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    page = current_app.extensions.get(PAGE_RENDERER)
    if page is not None and not request.path.startswith(("/api/", "/health/")):
        response: Response = current_app.make_response(page(problem))
        response.status_code = response.status_code if 300 <= response.status_code < 400 else problem["status"]
    else:
        response = as_json(problem)
    response.headers["Content-Language"] = language()
    response.vary.update(["Accept-Language", "Cookie"])
    response.headers.update(headers or {})
    return response


def as_json(problem: dict[str, Any]) -> Response:
    body = json.dumps(problem, ensure_ascii=False, default=str)
    return Response(body, problem["status"], content_type=MEDIA_TYPE)


def of_refusal(refusal: Refusal) -> Response:
    headers = {}
    if "retry_after_s" in refusal.details:
        headers["Retry-After"] = str(refusal.details["retry_after_s"])
    if "size" in refusal.details and refusal.http_status == 416:
        headers["Content-Range"] = f"bytes */{refusal.details['size']}"
    if refusal.http_status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="korrigo"'
    text = refusal.text(language())
    return answer(document(refusal.http_status, refusal.code, text, refusal.details), headers)


def of_unavailable(failure: Unavailable) -> Response:
    log.warning("dependency_unavailable", dependency=failure.dependency)
    problem = document(503, "gateway.unavailable", _UNAVAILABLE[language()], {"dependency": failure.dependency})
    return answer(problem, {"Retry-After": str(failure.retry_after_s)})


def of_http(error: HTTPException) -> Response:
    """What Flask and werkzeug refuse by themselves."""
    if error.response is not None and error.code is not None and error.code < 400:
        return current_app.make_response(error.response)  # a redirect
    by_status: dict[int, Refusal] = {
        404: refusals.NotFound(),
        405: refusals.MethodNotAllowed(),
        413: refusals.TooLarge(max_bytes=request.max_content_length),
        415: refusals.WrongMediaType(expected="application/json"),
        416: refusals.RangeNotSatisfiable(),
    }
    known = by_status.get(error.code or 500)
    if known is None and error.code is not None and 400 <= error.code < 500:
        known = refusals.MalformedRequest()
    if known is None:
        return of_defect(error)
    response = of_refusal(known)
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def of_defect(error: BaseException) -> Response:
    report_defect("request_failed", error, route=str(request.url_rule or ""))
    return answer(document(500, "gateway.defect", _DEFECT[language()]))


def register(app: Flask) -> None:
    app.register_error_handler(Refusal, of_refusal)
    app.register_error_handler(Unavailable, of_unavailable)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, of_defect)
