"""Write the hash-pinned locks again: one for everything embedded, for development, for each service's image, for npm.

Locks carry hashes and no addresses, so that they install from any index.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
EXTRAS = ("embedded", "dev", "gateway", "ingest", "ocr", "grading", "render", "oversight")


def main() -> None:
    """Dev first: it holds everything, so the others take the same versions from it."""
    options = "--universal --python-version 3.11 --generate-hashes --no-header --no-annotate"
    options += " --no-emit-index-url --no-emit-find-links --no-emit-package korrigo --quiet"
    command = [sys.executable, "-m", "uv", "pip", "compile", *options.split()]
    for extra in sorted(EXTRAS, key=lambda name: name != "dev"):
        same = [] if extra == "dev" else ["--constraint", str(HERE / "dev.txt")]
        _write(f"{extra}.txt", [*command, "--extra", extra, *same, str(HERE.parent / "pyproject.toml")])
    _write("node.txt", [*command, str(HERE / "node.in")])


def _write(name: str, command: list[str]) -> None:
    target = HERE / name
    subprocess.run([*command, "-o", str(target)], check=True)
    print(f"{name}: {sum('==' in line for line in target.read_text().splitlines())} packages")


if __name__ == "__main__":
    main()
