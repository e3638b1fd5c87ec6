"""Style sheets, modules, icons: served under a digest of them all, so that they are kept for ever and never stale.

The digest stands in the path, not in the query: a module's relative imports and a style sheet's ``url()`` inherit it,
and no import map (an inline script) is needed.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import cast

from flask import Flask, Response, current_app, send_from_directory

FOR_EVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
COMPLETE = "vendor/icons.svg"  # what requirements/web.py writes last
_DIGEST = "korrigo_assets"


def digest(directory: Path) -> str:
    """Changes when any file below ``directory`` changes its name or its bytes."""
    found = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            found.update(f"{path.relative_to(directory)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:12]


def asset(name: str) -> str:
    """Address of a file below ``static/``."""
    return f"/assets/{current_app.extensions[_DIGEST]}/{name}"


def serve(version: str, name: str) -> Response:
    """A file. Another version's address (a page opened before an update) is answered, but not to be kept."""
    directory = cast(str, current_app.static_folder)
    response = send_from_directory(directory, name, conditional=True)
    current = version == current_app.extensions[_DIGEST]
    response.headers["Cache-Control"] = FOR_EVER if current else ASK_AGAIN
    return response


def register(app: Flask) -> None:
    if not (Path(cast(str, app.static_folder)) / COMPLETE).is_file():
        raise RuntimeError("static/vendor is missing: run `make vendor`")
    app.extensions[_DIGEST] = digest(Path(cast(str, app.static_folder)))
    app.add_url_rule("/assets/<version>/<path:name>", "web.asset", serve)
    app.jinja_env.globals["asset"] = asset
