"""An alert that asks for a metric nobody has never rings: every rule names what exists, and has its page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY, CollectorRegistry

from chassis import metrics as metrics  # registers them

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "observability" / "rules" / "korrigo.yaml"
RUNBOOKS = ROOT / "docs" / "runbooks"
REQUIRED = {"CopyFailed", "DeadLetters", "OutboxLag", "NotReady", "SandboxKills", "InvariantBroken", "NotVerified"}
_LANGUAGE = {"sum", "min", "max", "by", "without", "increase", "rate", "and", "or", "unless", "on", "ignoring", "time"}
_TARGET = {"job", "instance", "le"}
"""Labels that Prometheus adds."""


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def known(registry: CollectorRegistry = REGISTRY) -> dict[str, set[str]]:
    """Every series that a process shows, with its labels."""
    found = {}
    for name, collector in registry._names_to_collectors.items():
        if name != getattr(collector, "_name", "") or getattr(collector, "_type", "") == "gauge":
            found[name] = set(getattr(collector, "_labelnames", ())) | _TARGET
    return found


def mistakes(expr: str) -> set[str]:
    """Metrics that do not exist, and labels that the metric of the rule does not have."""
    labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", " ".join(re.findall(r"{([^}]*)}", expr))))
    for group in re.findall(r"\bby\s*\(([^)]*)\)", expr):
        labels |= {label.strip() for label in group.split(",")}
    bare = re.sub(r"{[^}]*}|\[[^\]]*\]|\bby\s*\([^)]*\)", " ", expr)
    names = set(re.findall(r"[A-Za-z_:][\w:]*", bare)) - _LANGUAGE
    series = known()
    unknown = names - series.keys()
    has = set().union(*(series[name] for name in names - unknown))
    return unknown | (labels - has if not unknown else set())


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_a_rule_asks_for_what_there_is(rule: dict[str, Any]) -> None:
    assert mistakes(rule["expr"]) == set()
    assert rule["labels"]["severity"] in {"warning", "critical"}
    named = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    kept = {label.strip() for group in re.findall(r"\bby\s*\(([^)]*)\)", rule["expr"]) for label in group.split(",")}
    assert named <= kept


@pytest.mark.parametrize(
    ("expr", "wrong"),
    [
        ("korrigo_outbox_lag > 60", {"korrigo_outbox_lag"}),
        ('korrigo_queue_messages{que=~".+"} > 0', {"que"}),
        ("max by (pod) (korrigo_queue_messages) > 0", {"pod"}),
        ("increase(copies_grading_failed[5m]) > 0", {"copies_grading_failed"}),
    ],
)
def test_a_slip_of_the_pen_is_seen(expr: str, wrong: set[str]) -> None:
    assert mistakes(expr) == wrong


def test_what_must_ring_has_a_rule() -> None:
    """P0-DI-004, P0-OP-08."""
    assert {rule["alert"] for rule in rules()} == REQUIRED


def test_every_rule_has_a_page_that_says_what_to_do_and_every_page_a_rule() -> None:
    pages = {ROOT / rule["annotations"]["runbook"]: rule["alert"] for rule in rules()}
    assert set(pages) == set(RUNBOOKS.glob("*.md"))
    for page, alert in pages.items():
        text = page.read_text()
        assert text.startswith(f"# {alert}\n")
        for part in ("**Means.**", "**Look at**", "**Mend**", "\n    "):
            assert part in text, (page.name, part)


def test_commands_of_the_pages_exist() -> None:
    text = "".join(page.read_text() for page in RUNBOOKS.glob("*.md"))
    for module in set(re.findall(r"python -m ((?:chassis|oversight)[\w.]*)", text)):
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), module
    api = (ROOT / "contracts" / "generated" / "openapi.json").read_text()
    for path in set(re.findall(r"\$KORRIGO(/api/v1/\S+)", text)):
        assert re.search(re.sub(r"\\\$[A-Z]+", r"{\\w+}", re.escape(path)), api), path
