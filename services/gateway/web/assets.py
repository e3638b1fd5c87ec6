"""Style sheets, modules, icons: served under a digest of them all, so that they are kept for ever and never stale.

The digest stands in the path, not in the query: a module's relative imports and a style sheet's ``url()`` inherit it,
and no import map (an inline script) is needed. What is text is compressed once, at start; scripts are minified first.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from flask import Flask, Response, current_app, request, send_from_directory

from services.gateway.scripts import MIMETYPE as SCRIPT
from services.gateway.scripts import minified

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
COMPLETE = "vendor/icons.svg"  # what requirements/web.py writes last
_DIGEST = "korrigo_assets"
_TEXT = {".js": SCRIPT, ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml"}


def digest(directory: Path) -> str:
    """Changes when any file below ``directory`` changes its name or its bytes."""
    found = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            found.update(f"{path.relative_to(directory)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:12]


@dataclass(frozen=True)
class Ready:
    """A text as it leaves, with and without compression."""

    mimetype: str
    plain: bytes
    zipped: bytes


@cache
def ready(directory: Path) -> dict[str, Ready]:
    """Every text below ``directory`` by its name; read once a process."""
    texts = {
        path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8")
        for path in directory.rglob("*")
        if path.suffix in _TEXT
    }
    texts |= minified({name: text for name, text in texts.items() if name.endswith(".js")})
    return {name: _compressed(Path(name).suffix, text.encode()) for name, text in texts.items()}


def _compressed(suffix: str, text: bytes) -> Ready:
    return Ready(_TEXT[suffix], text, gzip.compress(text, 9, mtime=0))


def asset(name: str) -> str:
    """Address of a file below ``static/``."""
    return f"/assets/{current_app.extensions[_DIGEST]}/{name}"


def serve(version: str, name: str) -> Response:
    """A file. Another version's address (a page opened before an update) is answered, but not to be kept."""
    directory = cast(str, current_app.static_folder)
    text = ready(Path(directory)).get(name)
    response = _sent(text) if text else send_from_directory(directory, name, conditional=True)
    current = version == current_app.extensions[_DIGEST]
    response.headers["Cache-Control"] = FOR_EVER if current else ASK_AGAIN
    return response


def _sent(text: Ready) -> Response:
    zipped = bool(request.accept_encodings["gzip"])
    response = Response(text.zipped if zipped else text.plain, mimetype=text.mimetype)
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]


def register(app: Flask) -> None:
    if not (Path(cast(str, app.static_folder)) / COMPLETE).is_file():
        raise RuntimeError("static/vendor is missing: run `make vendor`")
    ready(Path(cast(str, app.static_folder)))  # before the first who asks has to wait for it
    app.extensions[_DIGEST] = digest(Path(cast(str, app.static_folder)))
    app.add_url_rule("/assets/<version>/<path:name>", "web.asset", serve)
    app.jinja_env.globals["asset"] = asset
