"""A file is what it begins like."""

from __future__ import annotations

import pytest

from contracts import files


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7\n", files.PDF),
        (b"\r\n" + bytes(500) + b"%PDF-1.4", files.PDF),
        (bytes(files.HEAD) + b"%PDF-1.4", None),
        (b"PK\x03\x04 %PDF-1.4", files.ZIP),
        (b"PK\x05\x06", None),
        (b"", None),
        *((begin + b" %PDF-1.7", None) for begin in (b"<html>", b"{", b"\x89PNG", b"\xff\xd8\xff", b"MZ", b"GIF89a")),
    ],
)
def test_what_a_file_is_told_by_its_first_bytes(head: bytes, kind: str | None) -> None:
    assert files.kind_of(head) == kind
