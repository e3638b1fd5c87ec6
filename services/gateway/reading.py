"""From untrusted bytes to a validated value: JSON bodies and queries, with every wrong field named at once."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, NoReturn

import pydantic
from flask import request

from contracts.errors import gateway as refusals
from services.gateway.problems import language

LARGEST_WHOLE = 2**53
DEEPEST = 64

_TEXTS = {
    "missing": ("ce champ est obligatoire", "this field is required"),
    "extra_forbidden": ("ce champ n'existe pas", "there is no such field"),
    "string_type": ("un texte est attendu", "a text is expected"),
    "string_too_short": ("trop court", "too short"),
    "string_too_long": ("trop long", "too long"),
    "string_pattern_mismatch": ("ce format n'est pas accepté", "this format is not accepted"),
    "uuid_parsing": ("un identifiant UUID est attendu", "a UUID is expected"),
    "uuid_type": ("un identifiant UUID est attendu", "a UUID is expected"),
    "int_parsing": ("un nombre entier est attendu", "a whole number is expected"),
    "int_type": ("un nombre entier est attendu", "a whole number is expected"),
    "int_from_float": ("un nombre entier est attendu", "a whole number is expected"),
    "bool_parsing": ("vrai ou faux est attendu", "true or false is expected"),
    "bool_type": ("vrai ou faux est attendu", "true or false is expected"),
    "decimal_parsing": ("un nombre décimal est attendu", "a decimal number is expected"),
    "finite_number": ("un nombre fini est attendu", "a finite number is expected"),
    "float_parsing": ("un nombre est attendu", "a number is expected"),
    "float_type": ("un nombre est attendu", "a number is expected"),
    "decimal_type": ("un nombre décimal est attendu", "a decimal number is expected"),
    "decimal_max_places": ("trop de décimales", "too many decimals"),
    "decimal_max_digits": ("trop de chiffres", "too many digits"),
    "decimal_whole_digits": ("trop de chiffres", "too many digits"),
    "enum": ("valeur inconnue", "unknown value"),
    "literal_error": ("valeur inconnue", "unknown value"),
    "greater_than": ("trop petit", "too small"),
    "greater_than_equal": ("trop petit", "too small"),
    "less_than": ("trop grand", "too large"),
    "less_than_equal": ("trop grand", "too large"),
    "too_short": ("pas assez d'éléments", "not enough items"),
    "too_long": ("trop d'éléments", "too many items"),
    "model_type": ("un objet JSON est attendu", "a JSON object is expected"),
    "dict_type": ("un objet JSON est attendu", "a JSON object is expected"),
    "tuple_type": ("une liste est attendue", "a list is expected"),
    "datetime_from_date_parsing": ("un instant RFC 3339 est attendu", "an RFC 3339 instant is expected"),
    "timezone_aware": ("un instant avec son fuseau est attendu", "an instant with its offset is expected"),
    "date_from_datetime_parsing": ("une date AAAA-MM-JJ est attendue", "a date YYYY-MM-DD is expected"),
    "date_type": ("une date AAAA-MM-JJ est attendue", "a date YYYY-MM-DD is expected"),
    "date_parsing": ("une date AAAA-MM-JJ est attendue", "a date YYYY-MM-DD is expected"),
    "wrong_password": ("ce n'est pas votre mot de passe actuel", "this is not your present password"),
    "control_character": (
        "ce texte contient un caractère de contrôle invisible ; retapez-le au lieu de le coller",
        "this text holds an invisible control character; type it instead of pasting it",
    ),
    "text_not_storable": ("ce texte contient un caractère interdit", "this text holds a forbidden character"),
    "number_not_storable": ("ce nombre est hors limites", "this number is out of bounds"),
    "too_deep": ("trop de niveaux imbriqués", "nested too deeply"),
}


def field_error(field: str, code: str, fallback: str = "") -> dict[str, str]:
    french, english = _TEXTS.get(code, ("valeur refusée", fallback or "not acceptable"))
    return {"field": field, "code": code, "message": french if language() == "fr" else english}


def refuse_fields(*errors: tuple[str, str]) -> NoReturn:
    """422 with each (field, code)."""
    raise refusals.InvalidFields(errors=[field_error(field, code) for field, code in errors])


def json_body(model: type[pydantic.BaseModel], *, versioned: bool) -> pydantic.BaseModel:
    """The request's JSON body as ``model``.

    Raises:
        VersionRequired: a versioned write without the version that was read; told before any other mistake.
        InvalidFields: lists every wrong field.
    """
    raw = request.get_data()
    if raw and not request.is_json:
        raise refusals.WrongMediaType(expected="application/json")
    data = _parse(raw) if raw else {}
    if versioned and isinstance(data, dict) and "version" not in data:
        raise refusals.VersionRequired()
    return validated(model, data)


def query(model: type[pydantic.BaseModel], *, versioned: bool) -> pydantic.BaseModel:
    """The query string as ``model``; parameters it does not name are ignored, as the web expects."""
    if versioned and "version" not in request.args:
        raise refusals.VersionRequired()
    data = {name: value for name, value in request.args.items() if name in model.model_fields}
    return validated(model, data)


def validated(model: type[pydantic.BaseModel], data: Any) -> pydantic.BaseModel:
    _require_storable(data)
    try:
        return model.model_validate(data)
    except pydantic.ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise refusals.InvalidFields(errors=[_shown(each) for each in found]) from None


def _shown(error: Any) -> dict[str, str]:
    return field_error(".".join(str(part) for part in error["loc"]), error["type"], error["msg"])


def _parse(raw: bytes) -> Any:
    def refuse(_: str) -> NoReturn:
        raise ValueError("JSON has no NaN and no Infinity")

    try:
        return json.loads(raw, parse_constant=refuse)
    except (ValueError, RecursionError):  # ValueError covers bad UTF-8 and numbers of thousands of digits
        raise refusals.MalformedJson() from None


def _require_storable(data: Any) -> None:
    """Refuse what PostgreSQL or JSON cannot hold, once, at the door: NUL, lone surrogates, endless numbers."""
    pending: list[tuple[Any, str, int]] = [(data, "", 0)]
    while pending:
        value, path, depth = pending.pop()
        if depth > DEEPEST:
            refuse_fields((path.split(".")[0], "too_deep"))
        if isinstance(value, str) and not _storable_text(value):
            refuse_fields((path, "text_not_storable"))
        if isinstance(value, int) and abs(value) > LARGEST_WHOLE:
            refuse_fields((path, "number_not_storable"))
        if isinstance(value, float) and not math.isfinite(value):
            refuse_fields((path, "number_not_storable"))
        for name, inner in _members(value):
            if isinstance(name, str) and not _storable_text(name):
                refuse_fields((path, "text_not_storable"))
            pending.append((inner, f"{path}.{name}" if path else str(name), depth + 1))


def _members(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _storable_text(value: str) -> bool:
    return "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
