"""Looking into a zip of PDFs: what it says it holds, and whether that can be unpacked safely. Runs only in the child.

Nothing is unpacked here, and nobody believes a path: names are for people to recognise their files.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from contracts.errors.ingest import ArchiveDamaged, ArchiveUnsafe, EmptyFile, Encrypted, NotAPdf

MAX_ENTRIES = 1000
MAX_TOTAL_MB = 500
MAX_RATIO = 100  # scans are compressed already; a bomb is a thousand times smaller than what it becomes
MAX_DIRECTORY = 4 << 20  # bytes of table of contents
SMALL = 1 << 20  # what unpacks to less is no bomb, whatever its ratio
_ENCRYPTED = 0x1


def listed(path: str) -> list[dict[str, int | str]]:
    """``place`` in the table of contents and ``name`` of every file.

    Raises:
        ArchiveDamaged, ArchiveUnsafe, Encrypted, EmptyFile.
        NotAPdf: no file is called one; word processors save zips too.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if Path(path).stat().st_size - archive.start_dir > MAX_DIRECTORY:
                raise ArchiveUnsafe(max_entries=MAX_ENTRIES, max_mb=MAX_TOTAL_MB)
            files = [(place, info) for place, info in enumerate(archive.infolist()) if not info.is_dir()]
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, OSError) as error:
        raise ArchiveDamaged from error
    if not files:
        raise EmptyFile
    if not any(info.filename.lower().endswith(".pdf") for _, info in files):
        raise NotAPdf
    total = sum(info.file_size for _, info in files)
    bomb = any(info.file_size > max(SMALL, MAX_RATIO * info.compress_size) for _, info in files)
    if len(files) > MAX_ENTRIES or total > MAX_TOTAL_MB << 20 or bomb:
        raise ArchiveUnsafe(max_entries=MAX_ENTRIES, max_mb=MAX_TOTAL_MB)
    if any(info.flag_bits & _ENCRYPTED for _, info in files):
        raise Encrypted
    return [{"place": place, "name": _plain(info.filename)} for place, info in files]


def _plain(name: str) -> str:
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(char for char in last if char.isprintable() and not "\ud800" <= char <= "\udfff")[:200] or "?"
