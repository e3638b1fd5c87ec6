"""What may be written: planted names and an INE must come out of no log line and no crash report."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pydantic
import pytest

from chassis import privacy
from contracts.errors import Unavailable

INE = "070912345AB"
NAME = "Dupont-Lefèvre"


@pytest.mark.parametrize("ine", ["070912345AB", "0709123456A", "1234567890K", "0abc1234567", "070912345ab"])
def test_an_ine_is_recognised_in_any_text(ine):
    if ine == "0abc1234567":  # an INE ends with a letter
        assert privacy.scrub(f"x {ine} y") == f"x {ine} y"
    else:
        assert privacy.scrub(f"key ({ine}) taken") == "key ([withheld]) taken"


@pytest.mark.parametrize(
    "harmless",
    ["018f2b1c-aaaa-7bbb-8ccc-0123456789ab", "a" * 64, "1" * 40, "ingest.copy.assembled.v1", "12345678901", "0012345"],
)
def test_ids_and_digests_stay_readable(harmless):
    assert privacy.scrub(harmless) == harmless


def test_credentials_in_a_url_and_mail_addresses_are_withheld():
    assert privacy.scrub("amqp://user:secret@bus:5672/x") == "amqp://[withheld]@bus:5672/x"
    assert privacy.scrub("sent to jean.dupont@lycee.fr now") == "sent to [withheld] now"


@pytest.mark.parametrize(
    "key",
    ["ine", "candidate_ine", "last_name", "firstname", "filename", "file_name", "email", "password", "session_token"],
)
def test_a_personal_key_is_withheld_whatever_its_type(key):
    assert privacy.writable(key, 12) == privacy.WITHHELD
    assert privacy.writable(key, "x") == privacy.WITHHELD


@pytest.mark.parametrize("key", ["name", "title", "remark", "who", "comment"])
def test_text_under_an_unknown_key_is_withheld(key):
    assert privacy.writable(key, NAME) == privacy.WITHHELD


def test_values_that_cannot_carry_a_name_are_kept():
    identifier = uuid.uuid4()
    assert privacy.writable("copy_id", identifier) == str(identifier)
    assert privacy.writable("items", 14) == 14
    assert privacy.writable("total", Decimal("12.5")) == "12.5"
    assert privacy.writable("machine", True) is True  # "ine" inside a word is not the key "ine"
    assert privacy.writable("outcome", "done") == "done"
    assert privacy.writable("page_ids", [identifier]) == [str(identifier)]


def test_the_text_of_an_error_is_not_a_field():
    assert privacy.writable("error", "Unavailable") == "Unavailable"
    assert privacy.writable("error", f"no such file: {NAME}") == privacy.WITHHELD
    assert privacy.writable("error", ValueError(NAME)) == "ValueError: [withheld]"


def test_nested_values_obey_the_same_rule():
    assert privacy.writable("error", {"code": "x", "last_name": NAME}) == {"code": "x", "last_name": privacy.WITHHELD}


def test_errors_that_quote_data_lose_their_text():
    class Person(pydantic.BaseModel):
        age: int

    with pytest.raises(pydantic.ValidationError) as invalid:
        Person.model_validate({"age": NAME})
    for error in (ValueError(NAME), KeyError(NAME), FileNotFoundError(2, "No such file", NAME), invalid.value):
        assert NAME not in privacy.describe(error)
    assert privacy.describe(invalid.value) == "ValidationError: age int_parsing"
    assert privacy.describe(FileNotFoundError(2, "No such file", NAME)) == "FileNotFoundError: [Errno 2] No such file"


def test_errors_that_speak_of_code_keep_their_text():
    assert privacy.describe(TypeError("missing argument 'x'")) == "TypeError: missing argument 'x'"
    assert (
        privacy.describe(Unavailable("database", "no free connection")) == "Unavailable: database: no free connection"
    )


def test_a_trace_shows_frames_of_the_whole_chain_and_no_value():
    def inner(value: str) -> None:
        raise ValueError(value)

    try:
        try:
            inner(NAME)
        except ValueError as error:
            raise RuntimeError(f"could not mark {NAME}") from error
    except RuntimeError as error:
        text = privacy.trace(error)
    assert NAME not in text
    assert "in inner" in text
    assert text.index("ValueError: [withheld]") < text.index("RuntimeError: [withheld]")
