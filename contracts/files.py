"""What an uploaded file is by its first bytes, alike for all who take files in; whether it is sound, they find out.

A PDF may have other bytes before its header (ISO 32000-1, annex H.3.4.1), but not those with which another kind of
file begins: such a file is two things at once, and readers differ on which.
"""

from __future__ import annotations

PDF, ZIP = "application/pdf", "application/zip"
HEAD = 1024
"""Bytes to look at."""

_ZIP = b"PK\x03\x04"
_OTHERS = (
    b"PK", b"MZ", b"\x7fELF", b"<", b"{", b"\x1f\x8b", b"RIFF",
    b"\x89PNG", b"GIF8", b"\xff\xd8", b"II*\0", b"MM\0*",
)  # fmt: skip


def kind_of(head: bytes) -> str | None:
    """``PDF``, ``ZIP`` or neither."""
    if head.startswith(_ZIP):
        return ZIP
    return PDF if b"%PDF-" in head[:HEAD] and not head.startswith(_OTHERS) else None
