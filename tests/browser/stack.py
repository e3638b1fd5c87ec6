"""The real system with what people would find in it: exams at every stage, marked copies, results, accounts."""

from __future__ import annotations

from dataclasses import dataclass, field

from demo import scans
from demo.client import Client
from tests.story.journey import MARKERS, PASSWORD, Journey, PatientClient, Pile
from tests.story.world import World

OPERATOR = "jeanne.martin"


@dataclass
class Stack:
    """``ids`` are for addresses: exams ``marking``, ``published`` and ``fresh`` (nothing in it yet), copies ``ready``
    and ``graded`` (identified, too) of the first marker in ``marking``. ``people`` are signed in over HTTP: admin,
    operator, marker, other (a second marker), candidate.
    """

    world: World
    base: str
    ids: dict[str, str] = field(default_factory=dict)
    people: dict[str, Client] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    access_code: str = ""

    @property
    def admin(self) -> Client:
        return self.people["admin"]


def seeded(world: World) -> Stack:
    """As people would have done it; about a minute, mostly of reading headers and drawing PDFs."""
    stack = Stack(world, world.system.base)
    published = _published(world)
    stack.people |= {"admin": published.admin, "marker": published.markers[0], "other": published.markers[1]}
    stack.passwords = {"admin": world.admin_password, MARKERS[0]: PASSWORD, MARKERS[1]: PASSWORD, OPERATOR: PASSWORD}
    stack.admin.post(
        "/users",
        json={"username": OPERATOR, "password": PASSWORD, "role": "operator", "display_name": "Jeanne Martin"},
    )
    stack.people["operator"] = PatientClient(stack.base).sign_in(OPERATOR, PASSWORD)
    marking = _marking(world)
    allocated = {copy["id"] for copy in stack.people["marker"].items(f"/exams/{marking.exam}/copies")}
    own = [id_ for id_ in marking.copies if id_ in allocated]  # who is identified comes first
    for copy_id in (own[0], next(id_ for id_ in marking.copies if id_ not in own)):
        marker = marking.markers[0 if copy_id in own else 1]
        assert marker.wait(marking.mark(marker, copy_id))["status"] == "succeeded"
    fresh = {"title": "Devoir surveillé n° 3", "date": "2026-06-18", "total_points": "20", "intake": "a4"}
    stack.ids = {
        "published": published.exam,
        "marking": marking.exam,
        "fresh": stack.admin.post("/exams", json=fresh | {"pages_per_booklet": 4})["id"],
        "graded": own[0],
        "ready": own[1],
    }
    codes = stack.admin.post(f"/exams/{published.exam}/access-codes")["items"]
    reader = next(
        each for each in stack.admin.items(f"/exams/{published.exam}/candidates") if each["copy_id"] is not None
    )
    stack.access_code = next(each["code"] for each in codes if each["candidate_id"] == reader["id"])
    stack.people["candidate"] = PatientClient(stack.base).sign_in_candidate(stack.access_code)
    return stack


def _published(world: World) -> Journey:
    """A small exam whose results can be read."""
    pupils = scans.PUPILS[:2]
    pile = Pile("Devoir surveillé n° 2", "a4", scans.a4_pile(pupils), scans.roster_csv(), [each.ine for each in pupils])
    journey = assembled(world, pile)
    journey.identify()
    journey.allocate()
    journey.mark_all()
    journey.publish()
    return journey


def _marking(world: World) -> Journey:
    """An exam that is being marked: all allocated; whose the last two copies are is still to be said."""
    pile = Pile("Bac blanc de mathématiques", "a3", scans.a3_pile(), scans.roster_csv(), [p.ine for p in scans.PUPILS])
    journey = assembled(world, pile)
    journey.wait_for_readings()
    candidates = {each["ine"]: each["id"] for each in journey.admin.items(f"/exams/{journey.exam}/candidates")}
    for copy_id, ine in list(zip(journey.copies, pile.ines, strict=True))[:-2]:
        journey.admin.put(f"/copies/{copy_id}/identification", json={"candidate_id": candidates[ine]})
    journey.allocate()
    return journey


def assembled(world: World, pile: Pile) -> Journey:
    """An exam of its own with its copies."""
    journey = Journey(world.system.base, pile)
    journey.open(world.admin_password)
    journey.finish_upload(journey.start_upload())
    journey.assemble()
    return journey
