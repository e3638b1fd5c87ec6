"""The gateway does not start with a door ajar."""

from __future__ import annotations

import pytest

from chassis.settings import SettingsError, load
from services.gateway.limits import LOGIN_ACCOUNT, WriteCeiling
from services.gateway.settings import Settings

ENVIRON = {
    "KORRIGO_DATABASE_URL": "postgresql://localhost/gateway",
    "KORRIGO_BUS_URL": "inproc://",
    "KORRIGO_S3_ENDPOINT": "localhost:9000",
    "KORRIGO_S3_ACCESS_KEY": "a",
    "KORRIGO_S3_SECRET_KEY": "b",
    "KORRIGO_SECRET_KEY": "s" * 32,
}


def test_cookies_are_secure_unless_said_otherwise() -> None:
    assert load(Settings, ENVIRON).secure is True
    assert load(Settings, ENVIRON | {"KORRIGO_SECURE": "no"}).secure is False


@pytest.mark.parametrize("key", ["", "too short"])
def test_a_weak_secret_key_stops_the_start_and_is_not_shown(key: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load(Settings, ENVIRON | {"KORRIGO_SECRET_KEY": key})
    (problem,) = refused.value.problems
    assert problem.startswith("KORRIGO_SECRET_KEY")
    assert "too short" not in problem


def test_the_rate_factor_widens_every_limit() -> None:
    assert LOGIN_ACCOUNT.most(load(Settings, ENVIRON)) == 5
    assert LOGIN_ACCOUNT.most(load(Settings, ENVIRON | {"KORRIGO_RATE_FACTOR": "100"})) == 500
    assert LOGIN_ACCOUNT.most(load(Settings, ENVIRON | {"KORRIGO_RATE_FACTOR": "0.01"})) == 1


def test_the_write_ceiling_counts_each_person_for_a_minute() -> None:
    from contracts.errors.gateway import TooManyRequests

    now = 600.0
    ceiling = WriteCeiling(load(Settings, ENVIRON | {"KORRIGO_WRITES_PER_MINUTE": "2"}), clock=lambda: now)
    ceiling.hit("ada")
    ceiling.hit("ada")
    ceiling.hit("bob")
    with pytest.raises(TooManyRequests) as refused:
        ceiling.hit("ada")
    assert refused.value.details["retry_after_s"] == 60
    now = 660.0
    ceiling.hit("ada")
