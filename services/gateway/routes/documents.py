"""The API's own description, for programs and for people."""

from __future__ import annotations

import json
from functools import cache

from flask import Blueprint, Response
from markupsafe import Markup

from services.gateway.api import PREFIX
from services.gateway.openapi import openapi_document

blueprint = Blueprint("documents", __name__, url_prefix=PREFIX)

_PAGE = Markup(
    "<!doctype html><html lang=en><meta charset=utf-8><title>Korrigo API</title><h1>Korrigo API</h1>"
    "<p>The reference is <a href=openapi.json>openapi.json</a> (OpenAPI 3.1).</p><dl>{entries}</dl></html>"
)
_ENTRY = Markup("<dt id={anchor}><code>{method} {path}</code></dt><dd>{summary}<br><small>{roles}</small></dd>")


@cache
def _document() -> str:
    return json.dumps(openapi_document(), ensure_ascii=False)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    return Response(_document(), content_type="application/json", headers={"Cache-Control": "public, max-age=300"})


@blueprint.get("/docs")
def page() -> Response:
    """All operations on one page, without a script or a style of its own: nothing the CSP would have to allow."""
    return Response(_entries(), content_type="text/html; charset=utf-8")


@cache
def _entries() -> str:
    entries = Markup("").join(
        _ENTRY.format(
            anchor=operation["operationId"],
            method=method.upper(),
            path=path,
            summary=operation["summary"],
            roles=", ".join(operation["x-roles"]) or "everybody",
        )
        for path, methods in openapi_document()["paths"].items()
        for method, operation in methods.items()
    )
    return _PAGE.format(entries=entries)
