"""What a marker does at a desk, as operations on the marks of one copy (ADR 0016)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from pydantic import Field

from contracts.model import Model, Points
from contracts.rpc import Method
from contracts.rpc.grading.copies import AnnotationFields, AnnotationView, HeldLock, Prose, ScoresView

_VERSION_MAX = 2**31 - 1  # of a PostgreSQL integer


class Operation(Model):
    """One thing that a marker did. ``id`` is the client's: the same operation sent again is done once, for ever."""

    id: UUID


class Annotate(Operation):
    """``version`` 0 makes the annotation, another one changes it; one that was removed comes back as it is sent."""

    do: Literal["annotate"]
    annotation_id: UUID
    version: int = Field(ge=0, le=_VERSION_MAX)
    annotation: AnnotationFields


class Erase(Operation):
    do: Literal["erase"]
    annotation_id: UUID
    version: int = Field(ge=1, le=_VERSION_MAX)


class Score(Operation):
    """``was`` is what the marker saw, null for no score; so it is in the others."""

    do: Literal["score"]
    item_id: str
    score: Points | None
    was: Points | None


class Remark(Operation):
    do: Literal["remark"]
    item_id: str
    text: Prose
    was: Prose


class Appraise(Operation):
    do: Literal["appraise"]
    text: Prose
    was: Prose


AnyOperation: TypeAlias = Annotated[Annotate | Erase | Score | Remark | Appraise, Field(discriminator="do")]
OPERATIONS_AT_ONCE = 200


class ApplyOperations(HeldLock):
    """Applied in order, in one transaction; each operation has an outcome of its own."""

    client_id: str = Field(min_length=1, max_length=64)
    ops: tuple[AnyOperation, ...] = Field(min_length=1, max_length=OPERATIONS_AT_ONCE)


class OperationProblem(Model):
    """A refusal as it crosses the bus."""

    code: str
    details: dict[str, Any]


class OperationOutcome(Model):
    """``conflict``: it was based on something else than ``current``, which stays. ``refused``: ``problem`` says why.

    ``version`` is the annotation's, or that of the scores, after this request. ``current`` is an annotation, a score
    or a text, null for none and where nothing is in conflict. All that was sent is kept, whatever the outcome.
    """

    id: UUID
    outcome: Literal["done", "conflict", "refused"]
    version: int | None = None
    current: AnnotationView | str | None = None
    problem: OperationProblem | None = None


class OperationsApplied(Model):
    copy_id: UUID
    ops: tuple[OperationOutcome, ...]
    scores: ScoresView


APPLY_OPERATIONS = Method("grading", "apply_operations", ApplyOperations, OperationsApplied)
