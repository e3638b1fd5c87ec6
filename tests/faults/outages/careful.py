"""A journey on a bad wire: whoever got no answer looks what became of their write before they repeat it."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from demo import scans
from demo.client import JSON, ApiRefused
from tests.faults.outages.ground import Ground
from tests.story import paper
from tests.story.journey import MARKERS, PASSWORD, SCHEME, Journey, PatientClient, Pile, until

VERSIONED = {409, 428}


class CarefulClient(PatientClient):
    """A versioned write that is refused the second time may have been kept the first time: then that is the answer."""

    patience_s = 150.0

    def put(self, path: str, **options: Any) -> JSON:
        try:
            return super().put(path, **options)
        except ApiRefused as refused:
            if refused.status not in VERSIONED:
                raise
            found = self.get(path)
            sent = options["json"]
            if any(_plain(found.get(name)) != _plain(value) for name, value in sent.items()):
                raise
            return found


def _plain(value: Any) -> Any:
    """Points travel as text, with or without zeros at the end."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if each not in ([], None, False)}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    try:
        return Decimal(value)
    except (ArithmeticError, TypeError, ValueError):
        return value


class CarefulJourney(Journey):
    def open(self, admin_password: str) -> None:
        """As the journey's own; what it creates may be there already, because only the answer was lost."""
        self.admin = CarefulClient(self.base).sign_in("admin", admin_password)
        known = {user["username"] for user in self.admin.items("/users")}
        for name in set(MARKERS) - known:
            account = {"username": name, "password": PASSWORD, "role": "marker", "display_name": name.title()}
            self.admin.post("/users", json=account)
        self.markers = [CarefulClient(self.base).sign_in(name, PASSWORD) for name in MARKERS]
        body = {"title": self.pile.title, "date": "2026-05-12", "total_points": "20", "intake": self.pile.intake,
                "pages_per_booklet": 4}  # fmt: skip
        self.exam = self.admin.post("/exams", json=body)["id"]
        self.admin.put(f"/exams/{self.exam}/scheme", json={"nodes": SCHEME})
        roster = {"file": ("liste.csv", self.pile.roster, "text/csv")}
        report = self.admin.post(f"/exams/{self.exam}/roster", files=roster)
        assert report["errors"] == []
        assert report["created"] + report["unchanged"] == len(scans.PUPILS) + len(scans.ABSENT)

    def assemble(self) -> None:
        """The answer may have been lost and the booklets assembled: what counts is what became of each."""
        path = f"/exams/{self.exam}/booklets"
        found = self.admin.items(path)
        assert [booklet["doubts"] for booklet in found] == [[]] * len(self.pile.ines)
        assert self.admin.post(f"/exams/{self.exam}/copies/assemble")["left"] == []
        by_booklet = {booklet["id"]: booklet["copy_id"] for booklet in self.admin.items(path)}
        self.copies = [by_booklet[booklet["id"]] for booklet in found]
        arrived = f"/exams/{self.exam}/copies"
        until(lambda: self.admin.get(arrived)["total"] == len(self.copies), "copies in grading", 120)


def journey_of(ground: Ground, title: str, pupils: int, *, seed: int = 2008) -> CarefulJourney:
    """``pupils`` is at most 2: they fill one double sheet each."""
    chosen = scans.PUPILS[:pupils]
    pile = Pile(title, "a3", scans.a3_pile(chosen, seed=seed), scans.roster_csv(), [each.ine for each in chosen])
    return CarefulJourney(ground.base, pile)


def finish(journey: Journey) -> None:
    """From the copies' marks to the candidates, and everything is there once and right."""
    journey.publish()
    seen = journey.read_as_candidates()
    assert set(seen) == set(journey.pile.ines)
    for copy_id, ine in zip(journey.copies, journey.pile.ines, strict=True):
        assert Decimal(seen[ine]["total"]) == Decimal(journey.totals[copy_id])
        assert len(paper.page_sizes(seen[ine]["pdf"])) == 5  # four pages and the score sheet
        actions = Counter(event["action"] for event in journey.admin.items(f"/copies/{copy_id}/events"))
        assert (actions["FINALISE"], actions["GRADE"]) == (1, 1)
        assert len(journey.admin.get(f"/copies/{copy_id}/annotations")["items"]) == 2
    admin, exam = journey.admin, f"/exams/{journey.exam}"
    assert admin.get(f"{exam}/copies")["total"] == len(journey.pile.ines)
    assert admin.get(f"{exam}/uploads")["total"] == 1
    assert [each["title"] for each in admin.items("/exams")].count(journey.pile.title) == 1
