"""Settings: the process says all that is wrong with its environment at once, and never prints a secret."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from chassis import settings
from chassis.settings import Common, SettingsError, env, load, variables

COMPLETE = {
    "KORRIGO_DATABASE_URL": "postgresql://ingest:pa55word@db:5432/ingest",
    "KORRIGO_BUS_URL": "amqp://korrigo:rabb1t@bus:5672/",
    "KORRIGO_S3_ENDPOINT": "store:9000",
    "KORRIGO_S3_ACCESS_KEY": "store-user",
    "KORRIGO_S3_SECRET_KEY": "store-pass",
}


def test_every_problem_is_reported_at_once_with_its_name_and_purpose():
    wrong = {**COMPLETE, "KORRIGO_INTERNAL_PORT": "70000", "KORRIGO_LOG_FORMAT": "xml"}
    del wrong["KORRIGO_BUS_URL"], wrong["KORRIGO_S3_ENDPOINT"]
    with pytest.raises(SettingsError) as refused:
        load(Common, wrong)
    named = {problem.split()[0] for problem in refused.value.problems}
    assert named == {"KORRIGO_INTERNAL_PORT", "KORRIGO_LOG_FORMAT", "KORRIGO_BUS_URL", "KORRIGO_S3_ENDPOINT"}
    assert "the RabbitMQ broker that all services share" in str(refused.value)
    assert "whole number from 0 to 65535 (got '70000')" in str(refused.value)


def test_an_empty_variable_counts_as_missing():
    with pytest.raises(SettingsError, match="KORRIGO_DATABASE_URL is missing"):
        load(Common, {**COMPLETE, "KORRIGO_DATABASE_URL": "  "})


def test_secrets_are_in_no_repr_and_no_message():
    shown = repr(load(Common, COMPLETE))
    for secret in ("pa55word", "rabb1t", "store-user", "store-pass"):
        assert secret not in shown
    with pytest.raises(SettingsError) as refused:
        load(Common, {**COMPLETE, "KORRIGO_DATABASE_URL": "mysql://u:pa55word@db/x"})
    assert "KORRIGO_DATABASE_URL is not valid" in str(refused.value)
    assert "pa55word" not in str(refused.value)


def test_both_spellings_of_a_postgresql_url_mean_psycopg_3():
    for url in ("postgresql://a@b/c", "postgresql+psycopg://a@b/c"):
        assert load(Common, {**COMPLETE, "KORRIGO_DATABASE_URL": url}).database_url == "postgresql+psycopg://a@b/c"


def test_defaults_are_used_and_may_be_overridden():
    assert load(Common, COMPLETE).s3_secure is False
    assert load(Common, {**COMPLETE, "KORRIGO_S3_SECURE": "Yes"}).s3_secure is True


def test_a_service_adds_its_own_fields_and_may_compare_them():
    @dataclass(frozen=True, kw_only=True)
    class Window(Common):
        first: int = env("KORRIGO_FIRST", settings.whole(0, 9), default=0, doc="where it begins")
        last: int = env("KORRIGO_LAST", settings.whole(0, 9), doc="where it ends")

        def __post_init__(self) -> None:
            if self.last < self.first:
                raise ValueError("KORRIGO_LAST is before KORRIGO_FIRST")

    assert load(Window, {**COMPLETE, "KORRIGO_LAST": "3"}).last == 3
    with pytest.raises(SettingsError, match="KORRIGO_LAST is before"):
        load(Window, {**COMPLETE, "KORRIGO_FIRST": "4", "KORRIGO_LAST": "3"})


@pytest.mark.parametrize(
    ("parse", "good", "value", "bad"),
    [
        (settings.flag, "off", False, "maybe"),
        (settings.whole(1, 10), "10", 10, "11"),
        (settings.whole(1, 10), "1", 1, "1.0"),
        (settings.number(0, 1), "0.5", 0.5, "nan"),
        (settings.one_of("a", "b"), "b", "b", "c"),
        (settings.url("amqp"), "amqp://h", "amqp://h", "amqp:h"),
        (settings.secret_text(3), "abc", "abc", "ab"),
        (settings.word_list, "a, b c", ("a", "b", "c"), None),
    ],
)
def test_parsers_accept_and_refuse(parse, good, value, bad):
    assert parse(good) == value
    if bad is not None:
        with pytest.raises(ValueError, match="must"):
            parse(bad)


def test_every_variable_is_described_for_the_documentation():
    described = {each.name: each for each in variables(Common)}
    assert described["KORRIGO_DATABASE_URL"].required
    assert described["KORRIGO_DATABASE_URL"].secret
    assert described["KORRIGO_INTERNAL_PORT"].default == "0"
    assert described["KORRIGO_INTERNAL_PORT"].expects == "whole number from 0 to 65535"
    assert described["SENTRY_DSN"].default == "none"
    assert all(each.doc for each in described.values())
