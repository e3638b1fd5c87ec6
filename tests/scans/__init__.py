"""Scans drawn for tests, and where the larger sample scans may be."""

import os
from pathlib import Path

SAMPLES = Path(os.environ.get("KORRIGO_SAMPLES", Path(__file__).resolve().parents[3] / "shared" / "data"))
