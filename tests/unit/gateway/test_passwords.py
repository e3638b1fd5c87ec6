"""Which passwords are good enough, and how hashing is bounded."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from contracts.errors.gateway import PasswordRefused, TooManyRequests
from services.gateway import passwords
from services.gateway.passwords import Passwords, require_good, weaknesses


def _weak(password: str, username: str = "ada", name: str = "Ada Lovelace") -> set[str]:
    return set(weaknesses(password, username=username, display_name=name))


@pytest.mark.parametrize(
    "password",
    ["tournesol-grenadine-42", "correct horse battery", "été à la plage", "Zx9#kQ2!vB7@", "  blanks at both ends  "],
)
def test_long_unlikely_passwords_are_good(password: str) -> None:
    assert _weak(password) == set()


@pytest.mark.parametrize(
    ("password", "reasons"),
    [
        ("123456", {"too_short", "all_numeric", "common"}),
        ("password", {"too_short", "common"}),
        ("Zx9#kQ2!vB7", {"too_short"}),
        ("x" * 129, {"too_long", "common"}),
        ("739104628551", {"all_numeric"}),
        ("motdepasse2026!", {"common"}),
        ("P@ssw0rd!2026", {"common"}),
        ("azertyazerty", {"common"}),
        ("123456789012", {"all_numeric", "common"}),
        ("abababababab", {"common"}),
        ("aaaaaaaaaaaa", {"common"}),
        ("qwertyuiopas", {"common"}),
        ("lovelace!!29374", {"similar_to_user"}),
        ("lov3lace-ada", {"similar_to_user"}),
    ],
)
def test_each_weakness_is_named(password: str, reasons: set[str]) -> None:
    assert _weak(password, username="ada.lovelace" if "ada" in password else "ada") == reasons


def test_short_parts_of_a_name_do_not_count() -> None:
    """Somebody called Li could otherwise use no password with "li" in it."""
    assert _weak("brilliant-olives", username="li", name="Li Wu") == set()


def test_the_refusal_tells_every_reason_in_the_callers_language() -> None:
    with pytest.raises(PasswordRefused) as refused:
        require_good("password", username="ada", display_name="Ada", field="new", language="fr")
    assert refused.value.details["errors"] == [
        {"field": "new", "code": "too_short", "message": "au moins 12 caractères"},
        {"field": "new", "code": "common", "message": "ce mot de passe est parmi les premiers essayés"},
    ]


def test_hashes_verify_and_are_never_the_same() -> None:
    hasher = Passwords(1, 0)
    first, second = hasher.hash("tournesol"), hasher.hash("tournesol")
    assert first != second
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hasher.matches(first, "tournesol")
    assert not hasher.matches(first, "tournesol ")
    assert not hasher.matches("damaged", "tournesol")
    assert not hasher.outdated(first)


def test_nobody_has_no_password() -> None:
    """Not even the one the stand-in hash was made of."""
    assert not Passwords(1, 0).matches(None, "nobody has this password")


def test_never_more_at_once_than_allowed_and_the_surplus_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = Passwords(2, 3)
    guard, running, peak, refused = threading.Lock(), 0, 0, 0
    all_refused = threading.Event()

    def slow(_: str) -> str:
        nonlocal running, peak
        with guard:
            running += 1
            peak = max(peak, running)
        assert all_refused.wait(10)
        with guard:
            running -= 1
        return "hash"

    monkeypatch.setattr(hasher, "_hasher", type("Slow", (), {"hash": staticmethod(slow)}))

    def attempt(_: int) -> str:
        nonlocal refused
        try:
            return hasher.hash("x")
        except TooManyRequests:
            with guard:
                refused += 1
                if refused == 15:
                    all_refused.set()
            return "refused"

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(attempt, range(20)))
    assert peak == 2
    assert found.count("hash") == 5  # two run, three wait
    assert found.count("refused") == 15
    assert hasher.hash("x") == "hash"  # nothing leaked: the next one is served


def test_waiting_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAIT_S", 0.05)
    hasher = Passwords(1, 1)
    hasher._running.acquire()
    with pytest.raises(TooManyRequests):
        hasher.hash("x")
    hasher._running.release()
    assert hasher.hash("x")
