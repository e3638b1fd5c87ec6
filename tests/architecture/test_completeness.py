"""Nothing can be forgotten: every method is served, every message heard, every refusal worded in both languages."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import string
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy.dialects.postgresql import JSONB

from contracts import catalogue, errors, rpc
from contracts.rpc import Method
from oversight.installation import subjects

ROOT = Path(__file__).resolve().parents[2]
CODE = ("services", "chassis", "contracts", "demo", "oversight")
RPC_MODULES = (
    "contracts.rpc.ingest", "contracts.rpc.grading.exams", "contracts.rpc.grading.copies",
    "contracts.rpc.grading.audit", "contracts.rpc.grading.desk", "contracts.rpc.grading.operations",
    "contracts.rpc.grading.printed", "contracts.rpc.grading.results", "contracts.rpc.render", "contracts.rpc.status",
)  # fmt: skip


def methods() -> list[Method]:
    modules: list[ModuleType] = [importlib.import_module(name) for name in RPC_MODULES]
    return [value for module in modules for value in vars(module).values() if isinstance(value, Method)]


def test_every_remote_procedure_is_served_under_its_name() -> None:
    for method in methods():
        served = importlib.import_module(f"services.{method.service}.service").service
        assert hasattr(served, method.name), f"{method.service}.{method.name} is called by nobody's answer"


def test_every_remote_procedure_is_called_by_the_gateway() -> None:
    gateway = "\n".join(path.read_text() for path in (ROOT / "services" / "gateway").rglob("*.py"))
    for name in RPC_MODULES:
        for constant, value in vars(importlib.import_module(name)).items():
            if isinstance(value, Method):
                assert re.search(rf"\b{constant}\b", gateway), f"{constant} is served but never asked for"


@pytest.mark.parametrize("message", catalogue.MESSAGES, ids=lambda message: message.type)
def test_every_message_is_subscribed_to_by_its_consumers(message: catalogue.Message) -> None:
    for consumer in message.consumers:
        source = (ROOT / "services" / consumer / "service.py").read_text()
        assert re.search(rf"@subscribe\([\w.]*{message.model.__name__}\b", source), consumer


def refusals() -> list[type[errors.Refusal]]:
    for path in (ROOT / "contracts" / "errors").glob("*.py"):
        if path.stem != "__init__":
            importlib.import_module(f"contracts.errors.{path.stem}")
    return [each for _, each in sorted(errors.REGISTRY.items()) if each.__module__.startswith("contracts.")]


@pytest.mark.parametrize("refusal", refusals(), ids=lambda refusal: refusal.code)
def test_every_refusal_says_the_same_in_both_languages(refusal: type[errors.Refusal]) -> None:
    assert re.fullmatch(r"(contracts|gateway|ingest|ocr|grading|render)\.[a-z0-9_]+", refusal.code)
    assert 400 <= refusal.http_status < 500 or refusal.http_status == 503
    assert refusal.en != refusal.fr
    assert refusal.en.endswith((".", "?", ":")) or "{" in refusal.en
    fields = {name for _, name, _, _ in string.Formatter().parse(refusal.en) if name}
    assert fields == {name for _, name, _, _ in string.Formatter().parse(refusal.fr) if name}


def test_no_module_is_named_after_nothing() -> None:
    nameless = {"utils", "util", "helpers", "helper", "manager", "managers", "base", "common", "misc"}
    for package in CODE:
        for path in (ROOT / package).rglob("*.py"):
            assert path.stem not in nameless, path


@pytest.mark.parametrize(
    "module", [*(f"services.{name}.service" for name in catalogue.SERVICES), "services.gateway.app"]
)
def test_native_libraries_are_imported_by_the_children_alone(module: str) -> None:
    """A decoder that crashes or hangs takes a child with it, never a service."""
    native = {"pymupdf", "fitz", "PIL", "numpy", "onnxruntime", "simplejpeg", "pytesseract", "zxingcpp"}
    if module == "services.grading.service":
        native -= {"numpy"}  # decodes nothing: it weighs headers against a whole roster
    told = f"import json, sys, {module}; print(json.dumps([*sys.modules]))"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", told], cwd=ROOT, capture_output=True, check=True)
    imported = set(json.loads(done.stdout))
    assert module in imported
    assert not native & imported
    late = re.compile(rf"^ +(?:import|from) ({'|'.join(native)})\b", re.MULTILINE)  # in a function, when it is called
    for name in sorted(imported):
        if name.startswith(f"{module.rpartition('.')[0]}."):
            assert not late.search(inspect.getsource(importlib.import_module(name))), name


# JSON columns that hold no reference to an object, whatever is written there.
NAME_NO_OBJECT = {
    "ingest": {
        "uploads.error", "pages.clip", "pages.header_box", "pages.features", "staging_acts.before",
        "archives.created_by", "archive_entries.error", "full_images.covered",
    },
    "ocr": {"readings.lines", "readings.fields"},
    "grading": {
        "schemes.nodes", "identifications.lines", "identifications.fields", "identifications.ranked",
        "sheet_models.zones", "printed_pages.words", "printed_pages.found", "printed_pages.dismissed",
        "drafts.payload", "draft_saves.payload", "marks.scores",
        "marks.remarks", "annotations.strokes", "annotations.pressures", "operations.op", "operations.problem",
        "audit.details",
    },
    "render": {"exports.copies"},
    "gateway": {"idempotency_keys.answer", "jobs.outcome"},
}  # fmt: skip


@pytest.mark.parametrize("service", NAME_NO_OBJECT)
def test_the_garbage_collector_knows_every_column_that_names_an_object(service: str) -> None:
    """A column forgotten here would lose its objects: each is read for names, or stands in the list above."""
    store = importlib.import_module(f"services.{service}.store")
    tables = (
        store if hasattr(store, "metadata") else importlib.import_module(f"services.{service}.{'store.tables'}")
    ).metadata.tables.values()
    may_name = {
        f"{table.name}.{column.name}"
        for table in tables
        for column in table.columns
        if isinstance(column.type, JSONB) or (column.name.endswith("_key") and column.name != "candidate_key")
    }
    read = {
        column
        for group in subjects(service)
        for query in group.objects
        for column in may_name
        if column.startswith(f"{group.table}.") or f" {column.partition('.')[0]}," in query
        if re.search(rf"\b{column.partition('.')[2]}\b", query)
    }
    assert may_name == read | NAME_NO_OBJECT[service]
    assert not read & NAME_NO_OBJECT[service]


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    declared = re.compile(r"\benv\(\s*\"([A-Z0-9_]+)\"")
    names = {
        name for part in CODE for path in (ROOT / part).rglob("*.py") for name in declared.findall(path.read_text())
    }
    assert "KORRIGO_DATABASE_URL" in names
    assert not {name for name in names if f"`{name}`" not in page}


def test_locks_name_no_index_and_pin_every_hash() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        assert "://" not in text, lock.name
        pinned = re.findall(r"^[a-z0-9][^\n]*==", text, re.MULTILINE)
        assert pinned
        assert text.count("--hash=sha256:") >= len(pinned)


def test_the_contract_package_imports_nothing_of_ours() -> None:
    assert rpc.__name__ == "contracts.rpc"
    for path in (ROOT / "contracts").rglob("*.py"):
        assert not re.search(
            r"^\s*(?:from|import) (services|chassis|demo|oversight)\b", path.read_text(), re.MULTILINE
        ), path
