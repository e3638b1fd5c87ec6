"""What a final PDF is a function of, and how its making may end. Pure."""

from __future__ import annotations

from typing import Literal, TypeAlias

from contracts.errors import Refusal

TEMPLATE_VERSION = 2
"""Part of the memo's key: one more whenever the same record is to be drawn differently (a test holds the drawing)."""

REASON_LENGTH = 500

Outcome: TypeAlias = Literal["done", "refused_input", "out_of_memory", "timeout", "crashed"]

_FAILURES: dict[Outcome, str] = {
    "timeout": "Le PDF final n'a pas pu être composé dans le temps imparti, après plusieurs essais.",
    "out_of_memory": "Le PDF final demande plus de mémoire que la limite, après plusieurs essais.",
    "crashed": "La composition du PDF final a échoué, après plusieurs essais.",
}


def refusal_reason(refusal: Refusal, language: str) -> str:
    """The refusal's own sentence: it already says what to do next."""
    return refusal.text(language)[:REASON_LENGTH]


def failure_reason(outcome: Outcome, detail: str) -> str:
    """For a person first, then ``detail`` for whoever reads logs; ``detail`` must not quote a document."""
    return f"{_FAILURES[outcome]} ({detail})"[:REASON_LENGTH] if detail else _FAILURES[outcome]
