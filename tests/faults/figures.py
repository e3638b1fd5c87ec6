"""What a campaign measured: printed at its end, and kept as JSON where KORRIGO_FIGURES says."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def report(name: str, figures: dict[str, Any]) -> None:
    """``name`` is that of the file, without its ending."""
    rounded = {key: round(value, 2) if isinstance(value, float) else value for key, value in figures.items()}
    print(f"\n{name}: {json.dumps(rounded, ensure_ascii=False)}")
    directory = os.environ.get("KORRIGO_FIGURES")
    if directory:
        Path(directory).mkdir(parents=True, exist_ok=True)
        (Path(directory) / f"{name}.json").write_text(json.dumps(rounded, indent=2, ensure_ascii=False) + "\n")
