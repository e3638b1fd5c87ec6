"""Codes that people type."""

from __future__ import annotations

import re

import pytest

from services.gateway import codes


def test_an_access_code_is_thirteen_letters_in_three_groups() -> None:
    made = {codes.new_access_code() for _ in range(1000)}
    assert len(made) == 1000
    for code in made:
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", code)
        assert codes.read_access_code(code) == code.replace("-", "")


@pytest.mark.parametrize(
    "typed",
    [
        "A0B1C-D2E3-F4G5",
        "a0b1cd2e3f4g5",
        " A0B1C D2E3 F4G5 ",
        "aOblC–d2e3—f4g5",
        "A0BIC_D2E3.F4G5",
        "A 0 B L C D 2 E 3 F 4 G 5",
    ],
)
def test_however_it_is_typed(typed: str) -> None:
    assert codes.read_access_code(typed) == "A0B1CD2E3F4G5"


@pytest.mark.parametrize(
    "typed", ["", "A0B1C-D2E3-F4G", "A0B1C-D2E3-F4G55", "A0B1C-D2E3-F4G!", "A0B1C-D2E3-F4GU", "é" * 13]
)
def test_what_cannot_be_a_code(typed: str) -> None:
    assert codes.read_access_code(typed) is None


def test_csrf_values_belong_to_one_session_and_one_key() -> None:
    one = codes.csrf_value("k" * 32, b"session 1")
    assert one == codes.csrf_value("k" * 32, b"session 1")
    assert one != codes.csrf_value("k" * 32, b"session 2")
    assert one != codes.csrf_value("j" * 32, b"session 1")
