"""Both catalogues are complete, every key is used, every key used exists."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

from contracts.errors.grading import NotFound
from contracts.rpc.grading.copies import CopyStatus
from services.gateway.web import languages
from services.gateway.web.progress import StepName

GATEWAY = Path(languages.__file__).parent.parent
SOURCES = [
    *(GATEWAY / "templates").rglob("*.html"),
    *(GATEWAY / "static" / "js").rglob("*.js"),
    *(GATEWAY / "web").rglob("*.py"),
]
KEY = r"[a-zA-Z][\w-]*(?:\.[\w-]+)*"
FRENCH, ENGLISH = languages.catalogue("fr"), languages.catalogue("en")


def used() -> tuple[set[str], set[str]]:
    """Keys written out, and beginnings (``status.``) that code completes."""
    whole, begun = set(), set()
    for source in SOURCES:
        text = source.read_text(encoding="utf-8")
        whole |= set(re.findall(rf"['\"`]({KEY})['\"`]", text))
        begun |= set(re.findall(rf"['\"`]({KEY}\.)['\"]? ?~", text)) | set(re.findall(rf"['\"`]({KEY}\.)\$?\{{", text))
    return whole, begun


def test_both_languages_have_the_same_keys_and_no_empty_text() -> None:
    assert FRENCH.keys() == ENGLISH.keys()
    for catalogue in (FRENCH, ENGLISH):
        assert [key for key, text in catalogue.items() if not text.strip()] == []


def test_both_languages_name_the_same_values() -> None:
    for key in FRENCH:
        named = [{name for _, name, _, _ in Formatter().parse(each[key]) if name} for each in (FRENCH, ENGLISH)]
        assert named[0] == named[1], key


def test_plurals_come_in_pairs() -> None:
    ones = {key.removesuffix(".one") for key in FRENCH if key.endswith(".one")}
    others = {key.removesuffix(".other") for key in FRENCH if key.endswith(".other")}
    assert ones == others


def test_every_key_is_used() -> None:
    whole, begun = used()
    unused = []
    for key in FRENCH:
        base = re.sub(r"\.(one|other)$", "", key)
        if not ({key, base} & whole or any(key.startswith(each) for each in begun)):
            unused.append(key)
    assert unused == []


def test_every_key_that_is_used_exists() -> None:
    called = re.compile(rf"(?<![\w.])(t|n)\(\s*['\"]({KEY})['\"]\s*[,)]")
    for source in SOURCES:
        for function, key in called.findall(source.read_text(encoding="utf-8")):
            assert (key if function == "t" else f"{key}.one") in FRENCH, f"{source.name}: {key}"


def test_everything_with_a_code_has_words() -> None:
    for status in CopyStatus:
        assert f"status.{status.value}" in FRENCH
    for step in StepName:
        assert f"step.{step}.name" in FRENCH
        assert f"step.{step}.todo" in FRENCH
        assert f"step.{step}.act" in FRENCH
    for month in range(1, 13):
        assert f"month.{month}" in FRENCH


def test_french_punctuation_never_starts_a_line() -> None:
    """A blank before : ; ? ! would let the sign fall to the next line."""
    assert [key for key, text in FRENCH.items() if re.search(r" [:;?!»]", text)] == []


def test_refusals_use_the_same_two_languages() -> None:
    assert {language for language in languages.LANGUAGES if NotFound().text(language)} == {"fr", "en"}
