"""Marking desks: windows that send what was done as operations, late, twice and without having seen each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from contracts.errors import Unavailable
from contracts.rpc.grading import operations
from tests.faults.simulation.history import Operated

if TYPE_CHECKING:
    from tests.faults.simulation.people import People

ITEMS = {"q1": 8, "q2": 12, "extra": 1}


@dataclass
class Seen:
    """What one window knows of one copy: versions of its annotations, the removed ones too, and scores."""

    notes: dict[UUID, int] = field(default_factory=dict)
    scores: dict[str, Decimal | None] = field(default_factory=dict)


class Desks:
    def __init__(self, people: People) -> None:
        self.people = people
        self.windows: dict[tuple[UUID, str], Seen] = {}
        self.sent: list[operations.ApplyOperations] = []

    def operate(self) -> None:
        """Some things that were done in one of two windows."""
        copy_id, by, token = self.people.held()
        window = self.people.chance.choice(("left", "right"))
        seen = self.windows.setdefault((copy_id, window), Seen())
        ops: list[dict[str, Any]] = []
        for _ in range(self.people.chance.randint(1, 4)):
            op = self._op(copy_id, window)
            if "item_id" not in op or op["item_id"] not in {each.get("item_id") for each in ops}:  # once in a request
                ops.append(op)
        new = sum(op["do"] == "annotate" and op["version"] == 0 for op in ops)
        self.people.history.asked_notes[copy_id] += new
        request = operations.ApplyOperations.model_validate(
            {"copy_id": copy_id, "token": token, "by": by, "client_id": window, "ops": ops}
        )
        self.sent.append(request)
        self._send(request, seen)

    def send_late(self) -> None:
        """A request that was answered long ago, or lost, comes once more."""
        if not self.sent:
            raise Unavailable("nobody", "nothing sent yet")
        request = self.people.chance.choice(self.sent)
        token = self.people.tokens.get((request.copy_id, request.by.id))
        self._send(request.model_copy(update={"token": token}), self.windows[request.copy_id, request.client_id])

    def _op(self, copy_id: UUID, window: str) -> dict[str, Any]:
        chance, seen = self.people.chance, self.windows[copy_id, window]
        other = "right" if window == "left" else "left"
        op: dict[str, Any] = {"id": UUID(int=chance.getrandbits(128), version=4)}
        kind = chance.choice(("annotate", "annotate", "erase", "score", "score"))
        if kind == "score":
            item = chance.choice(list(ITEMS))
            score = None if chance.random() < 0.2 else Decimal(chance.randrange(ITEMS[item] * 10 + 1)) / 10
            return op | {"do": "score", "item_id": item, "score": score, "was": seen.scores.get(item)}
        if seen.notes and chance.random() < 0.7:
            note, version = chance.choice(list(seen.notes.items()))
        else:
            kind, note, version = "annotate", UUID(int=chance.getrandbits(128), version=4), 0
        op |= {"do": kind, "annotation_id": note, "version": version}
        seen.notes[note] = version + 1  # the desk goes on before it was answered
        if version == 0:
            self.windows.setdefault((copy_id, other), Seen()).notes[note] = 1  # seen there, and what follows is not
        if kind == "erase":
            return op
        content = f"trait {chance.randrange(10**9)}"
        fields = {"page": 1, "type": "comment", "x": 0.5, "y": 0.4, "w": 0.2, "h": 0.1, "content": content}
        return op | {"annotation": fields}

    def _send(self, request: operations.ApplyOperations, seen: Seen) -> None:
        sent = [(op, op.model_dump(mode="json")) for op in request.ops]
        history = self.people.history
        try:
            applied = self.people.ask(operations.APPLY_OPERATIONS, request)
        except Unavailable:
            history.operated += [Operated(request.copy_id, said, None) for _, said in sent]
            raise
        for (op, said), told in zip(sent, applied.ops, strict=True):
            history.operated.append(Operated(request.copy_id, said, told.outcome))
            if isinstance(op, operations.Annotate | operations.Erase):
                if told.outcome == "done" and told.version != op.version + 1:
                    history.contradictions.append(f"operation {op.id} on version {op.version} made {told.version}")
                if told.version is not None:
                    seen.notes[op.annotation_id] = max(told.version, seen.notes.get(op.annotation_id, 0))
            elif isinstance(op, operations.Score):
                seen.scores[op.item_id] = applied.scores.scores.get(op.item_id)
