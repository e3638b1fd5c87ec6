"""Files of the pages: kept for ever under their digest, and none of them breaks the CSP or Trusted Types."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from subprocess import CalledProcessError
from xml.etree import ElementTree

import pytest
from flask import Flask

from services.gateway.scripts import minified
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


def test_texts_are_compressed_for_who_can_read_that(app: Flask) -> None:
    client = app.test_client()
    address = _address(app, "js/core/words.js")
    plain = client.get(address)
    zipped = client.get(address, headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.data) == plain.data
    assert plain.headers["ETag"] != zipped.headers["ETag"]
    assert {plain.headers["Vary"], zipped.headers["Vary"]} == {"Accept-Encoding"}


SMALLER = {
    "// no\nexport function half(width) {\n  return width / 2; // said\n}": "export function half(e){return e/2}",
    "export const a = `// kept ${b /* gone */ + `  /* ${c} */`}`": "export const a=`// kept ${b+`  /* ${c} */`}`",
    "export class Desk { #busy = 1; /** @type {any} */ busy = /[/*]/g }": "export class Desk{#e=1;busy=/[/*]/g}",
    "await Promise.all([import(`./${name}.js`)]);": "await Promise.all([import(`./${name}.js`)])",
}


def test_scripts_keep_their_exports_and_what_they_do() -> None:
    given = {f"{number}.js": source for number, source in enumerate(SMALLER)}
    assert list(minified(given).values()) == list(SMALLER.values())


def test_a_script_that_is_none_is_named_and_nothing_starts(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CalledProcessError):
        minified({"good.js": "let a = 1", "js/bad.js": "let = = 1"})
    assert "js/bad.js: " in capfd.readouterr().err


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


def test_the_gateway_does_not_start_without_what_is_vendored(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="make vendor"):
        assets.register(Flask("bare", static_folder=tmp_path))


def test_modules_use_no_sink() -> None:
    assert SINKS.search("place.innerHTML = name")
    assert [path.name for path in MODULES if SINKS.search(path.read_text())] == []


def test_modules_import_only_each_other() -> None:
    for path in MODULES:
        for name in _imports(path):
            assert name.startswith("."), f"{path.name}: {name}"
            assert (path.parent / name).is_file(), f"{path.name}: {name}"
            assert path.name == "island.js" or "vendor" not in name, f"{path.name}: {name}"


def _imports(module: Path) -> list[str]:
    return re.findall(r"""(?:from|import) ?["']([^"']+)["']""", _code(module))


def _code(module: Path) -> str:
    """Without comments, which may speak of imports as types do."""
    return re.sub(r"/\*.*?\*/", "", module.read_text(), flags=re.DOTALL)


def _screens() -> dict[str, list[Path]]:
    """Each template with the modules it loads by itself; every page loads those of ``base.html``."""
    loads = {
        path.name: [STATIC / name for name in re.findall(r"<script[^>]*asset\('([^']+)'\)", path.read_text())]
        for path in (STATIC.parent / "templates").rglob("*.html")
    }
    return {name: [*modules, *loads["base.html"]] for name, modules in loads.items()}


def _closure(modules: list[Path]) -> set[Path]:
    found: set[Path] = set()
    while modules:
        module = modules.pop().resolve()
        if module not in found:
            found.add(module)
            modules.extend(module.parent / name for name in _imports(module))
    return found


def _unasked(module: Path) -> list[Path]:
    """What a module loads once its screen is drawn, before anybody asks for it."""
    later = re.search(r"const UNASKED = \[(.*?)\]", _code(module))
    return [module.parent / f"{name}.js" for name in re.findall(r'"([^"]+)"', later[1])] if later else []


def test_a_screen_loads_at_most_40_kb_of_scripts_unasked() -> None:
    assert _unasked(STATIC / "js/marking/desk.js")
    for screen, modules in _screens().items():
        loaded = _closure([each for module in modules for each in (module, *_unasked(module))])
        if screen == "mark.html":
            assert {"island.js", "lit-html.js", "signals-core.js"} <= {path.name for path in loaded}
        size = sum(len(assets.ready(STATIC)[path.relative_to(STATIC).as_posix()].zipped) for path in loaded)
        assert size <= 40_000, f"{screen}: {size} bytes in {sorted(path.name for path in loaded)}"


def test_every_icon_asked_for_is_drawn() -> None:
    drawn = {each.get("id") for each in ElementTree.parse(STATIC / "vendor/icons.svg").getroot()}
    templates = (STATIC.parent / "templates").rglob("*.html")
    asked = {name for path in templates for name in re.findall(r"(?:icon|empty)\('([\w-]+)'", path.read_text())}
    asked |= {name for path in MODULES for name in re.findall(r'icon\("([\w-]+)"\)', _code(path))}
    asked |= {name for path in MODULES for name in re.findall(r'picture: "([\w-]+)"', path.read_text())}
    assert asked - drawn == set()


def test_pages_load_only_what_is_there(app: Flask) -> None:
    for path in (STATIC.parent / "templates").rglob("*.html"):
        for name in re.findall(r"asset\('([\w/.-]+)'\)", path.read_text()):
            assert (STATIC / name).is_file(), name
