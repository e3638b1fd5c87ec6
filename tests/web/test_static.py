"""Files of the pages: kept for ever under their digest, and none of them breaks the CSP or Trusted Types."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from flask import Flask

from services.gateway.web import assets

STATIC = Path(assets.__file__).parent.parent / "static"
MODULES = sorted((STATIC / "js").rglob("*.js"))
# Sinks that turn text into code or markup.
SINKS = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc")


def _address(app: Flask, name: str) -> str:
    with app.app_context():
        return assets.asset(name)


def test_a_file_is_kept_for_ever_under_its_digest(app: Flask) -> None:
    client = app.test_client()
    with client.get(_address(app, "css/korrigo.css")) as answer:
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == assets.FOR_EVER
    with client.get(_address(app, "css/korrigo.css"), headers={"If-None-Match": answer.headers["ETag"]}) as again:
        assert again.status_code == 304


def test_a_file_of_another_version_is_answered_but_not_kept(app: Flask) -> None:
    with app.test_client().get("/assets/000000000000/js/main.js") as answer:
        assert answer.headers["Cache-Control"] == assets.ASK_AGAIN


def test_nothing_outside_the_directory_is_served(app: Flask) -> None:
    for name in ("../app.py", "..%2fapp.py", "js/../../app.py", "/etc/passwd"):
        assert app.test_client().get(f"/assets/0/{name}").status_code in {404, 308}


def test_the_digest_tells_bytes_and_names(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = assets.digest(tmp_path)
    (tmp_path / "a").write_text("2")
    second = assets.digest(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert len({first, second, assets.digest(tmp_path)}) == 3


def test_modules_use_no_sink() -> None:
    assert SINKS.search("place.innerHTML = name")
    assert [path.name for path in MODULES if SINKS.search(path.read_text())] == []


def test_modules_import_only_each_other() -> None:
    for path in MODULES:
        for name in re.findall(r'(?:from|import) "([^"]+)"', path.read_text()):
            assert name.startswith("."), f"{path.name}: {name}"
            assert (path.parent / name).is_file(), f"{path.name}: {name}"


def test_every_icon_asked_for_is_drawn() -> None:
    drawn = {each.get("id") for each in ElementTree.parse(STATIC / "icons.svg").getroot()}
    templates = (STATIC.parent / "templates").rglob("*.html")
    asked = {name for path in templates for name in re.findall(r"(?:icon|empty)\('([\w-]+)'", path.read_text())}
    asked |= {name for path in MODULES for name in re.findall(r'icon\("([\w-]+)"\)', path.read_text())}
    asked |= {name for path in MODULES for name in re.findall(r'picture: "([\w-]+)"', path.read_text())}
    assert asked - drawn == set()


def test_pages_load_only_what_is_there(app: Flask) -> None:
    for path in (STATIC.parent / "templates").rglob("*.html"):
        for name in re.findall(r"asset\('([\w/.-]+)'\)", path.read_text()):
            assert (STATIC / name).is_file(), name
