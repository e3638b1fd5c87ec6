"""Write the hash-pinned locks again: one for everything embedded, one for development, one per service's image.

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
    for extra in sorted(EXTRAS, key=lambda name: name != "dev"):
        target = HERE / f"{extra}.txt"
        same = [] if extra == "dev" else ["--constraint", str(HERE / "dev.txt")]
        command = [sys.executable, "-m", "uv", "pip", "compile", *options.split(), "--extra", extra, *same]
        subprocess.run([*command, str(HERE.parent / "pyproject.toml"), "-o", str(target)], check=True)
        print(f"{target.name}: {sum('==' in line for line in target.read_text().splitlines())} packages")


if __name__ == "__main__":
    main()
