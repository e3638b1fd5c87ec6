"""Scripts as browsers get them: without comments and spaces, the names of locals short. A module stays one file.

The minifier is a Go library. It runs in a process of its own, which ends before the gateway answers anyone: a Go
runtime would bring its threads and signal handlers into a server that forks.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import cast

MIMETYPE = "text/javascript"


def minified(sources: dict[str, str]) -> dict[str, str]:
    """Each module under its name, its exports unchanged.

    Raises:
        CalledProcessError: one of them is no JavaScript; the child says which, and where.
    """
    command = [sys.executable, "-m", __name__]
    answer = subprocess.run(command, input=json.dumps(sources), stdout=subprocess.PIPE, text=True, check=True)
    return cast(dict[str, str], json.loads(answer.stdout))


def _main() -> None:
    import minify

    small = {}
    for name, source in json.load(sys.stdin).items():
        try:
            small[name] = minify.string(MIMETYPE, source)
        except minify.MinifyError as wrong:
            sys.exit(f"{name}: {wrong}")
    json.dump(small, sys.stdout)


if __name__ == "__main__":
    _main()
