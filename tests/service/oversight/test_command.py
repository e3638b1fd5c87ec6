"""What operators type, and the watch that does it for ever."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from prometheus_client import REGISTRY

from chassis.objects import Objects
from chassis.processes import PORTS, Child
from chassis.servers import ObjectStore
from oversight.command import main
from oversight.installation import SERVICES, Installation
from oversight.settings import Settings
from oversight.watch import Watch
from tests.service.oversight.school import AUDIT_KEY
from tests.service.oversight.test_verify import spoil

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def environ(database_url: Callable[[str], str], s3: ObjectStore, objects: Objects) -> dict[str, str]:
    """An installation without any exam, as its operator's environment names it."""
    urls = {f"KORRIGO_{service.upper()}_DATABASE_URL": database_url(service) for service in SERVICES}
    return {**urls, **s3.environ(), "KORRIGO_AUDIT_KEY": AUDIT_KEY}


def test_an_empty_installation_is_sound(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify"], environ) == 0
    assert "everything holds" in capsys.readouterr().out


def test_a_broken_one_is_told_with_ids_to_people_and_machines(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    engine = sa.create_engine(environ["KORRIGO_GRADING_DATABASE_URL"], poolclass=sa.NullPool)
    with engine.begin() as sql:
        sql.execute(sa.text("ALTER TABLE audit DISABLE TRIGGER audit_append_only"))
    assert main(["verify"], environ) == 1
    assert "I16  grading  audit: its rows can be changed" in capsys.readouterr().out
    assert main(["verify", "--json"], environ) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["findings"][0] == {
        "invariant": "I16", "service": "grading", "subject": "audit",
        "what": "its rows can be deleted, they are only to be added to",
    }  # fmt: skip
    assert told["complete"]


@pytest.mark.parametrize("verb", [["verify"], ["gc"]])
def test_what_cannot_be_reached_is_not_called_sound(
    environ: dict[str, str], verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    away = {**environ, "KORRIGO_OCR_DATABASE_URL": "postgresql://korrigo:wrong@127.0.0.1:1/ocr"}
    assert main(verb, away) == 2
    assert "could not be looked at: database" in capsys.readouterr().err
    no_store = {**environ, "KORRIGO_S3_SECRET_KEY": "wrong"}
    assert main(verb, no_store) == 2
    assert "could not be looked at: object_store" in capsys.readouterr().err


def test_a_database_of_another_release_is_not_called_broken(
    environ: dict[str, str], empty_database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify"], {**environ, "KORRIGO_RENDER_DATABASE_URL": empty_database_url}) == 2
    assert "could not be looked at: database: UndefinedTable" in capsys.readouterr().err


def test_missing_settings_are_all_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify"], {}) == 2
    told = capsys.readouterr().err
    assert all(f"KORRIGO_{service.upper()}_DATABASE_URL" in told for service in SERVICES)


def test_garbage_is_collected_and_counted(
    environ: dict[str, str], objects: Objects, capsys: pytest.CaptureFixture[str]
) -> None:
    objects.put("pages", b"young", "image/jpeg")
    assert main(["gc", "--dry-run", "--json"], environ) == 0
    assert json.loads(capsys.readouterr().out) == {
        "moved": {}, "removed": {}, "restored": {}, "in_bin": {"objects": 0, "bytes": 0},
    }  # fmt: skip
    assert main(["gc"], environ) == 0
    assert "0 objects" in capsys.readouterr().out


def test_a_grace_in_which_an_upload_could_be_lost_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(SystemExit):
        main(["gc", "--grace-hours", "23"], environ)


def test_the_directory_of_a_running_demo_is_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--data", str(tmp_path)], {}) == 2
    assert "no server has kept its data" in capsys.readouterr().err


def _settings() -> Settings:
    urls: dict[str, Any] = {f"{service}_database_url": "unused" for service in SERVICES}
    return Settings(**urls, audit_key=AUDIT_KEY, s3_endpoint="unused", s3_access_key="unused", s3_secret_key="unused")


def _metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_a_turn_of_the_watch_counts_what_it_found(installation: Installation) -> None:
    watch = Watch(installation, _settings())
    watch.turn()
    assert _metric("korrigo_invariant_findings", invariant="I1") == 0
    first = _metric("korrigo_verify_last_success_timestamp_seconds")
    assert first
    assert _metric("korrigo_garbage_objects") == 0
    spoil(installation, "grading", "UPDATE locks SET fence = 9")
    watch.turn()
    assert _metric("korrigo_invariant_findings", invariant="I1") == 1
    assert (_metric("korrigo_verify_last_success_timestamp_seconds") or 0) > first


def test_the_watch_puts_back_at_once_what_is_missing_and_in_the_bin(installation: Installation) -> None:
    (key,) = [each.key for each in installation.objects.list("manifests/")][:1]
    installation.objects.copy(key, f"bin/{key}")
    installation.objects.delete(key)
    Watch(installation, _settings()).turn()
    assert installation.objects.stat(key) is not None


def test_the_watch_runs_answers_and_ends(environ: dict[str, str], tmp_path: Path) -> None:
    (port,) = PORTS.take(1)
    environ |= {"KORRIGO_INTERNAL_PORT": str(port), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    child = Child([sys.executable, "-m", "oversight", "watch"], log=tmp_path / "log", environ=environ)

    def asked(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def has_looked() -> None:
        if "korrigo_verify_last_success_timestamp_seconds 1." not in asked("/metrics"):
            raise ConnectionError("not yet")

    try:
        child.wait_until(has_looked, what="the watch", timeout_s=60)
        assert json.loads(asked("/health/ready"))["ready"]
    finally:
        child.stop(timeout_s=20)
        PORTS.release(port)
    assert '"event": "verified"' in (tmp_path / "log").read_text()
