"""Nothing a marker did is lost: whatever fails, each act ends on the server or is kept here and offered.

The desk's own synchronisation, driven without the desk around it, against the real system.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Error, Page

from demo import scans
from demo.client import Client
from tests.browser.stack import Stack, assembled
from tests.browser.visits import Visits
from tests.story.journey import Pile, until

PEOPLE = "/exams"  # any page of the staff
NO_NETWORK = r"ERR_(INTERNET_DISCONNECTED|FAILED|CONNECTION|EMPTY_RESPONSE|NETWORK)|Failed to load resource"

OPEN = """async ([user, copy]) => {
  const ours = document.querySelector('script[type=module][src]').src.replace(/js\\/.*/, "js/marking/sync.js");
  const { Sync } = await import(ours);
  window.sync ??= new Sync(user);
  const desk = await sync.open(copy);
  return { annotations: desk.annotations, scores: desk.scores.scores, state: sync.state.value, role: sync.role.value };
}"""
UNTIL = """async (condition) => {
  const end = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`${condition}: ${sync.state.value}, ${sync.pending.value}`);
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}"""


@pytest.fixture(scope="module")
def pile(stack: Stack) -> list[str]:
    """Copies of the first marker, each for one test."""
    pupils = [*scans.PUPILS] * 4
    about = Pile("Devoir commun", "a4", scans.a4_pile(pupils), scans.roster_csv(), [each.ine for each in pupils])
    journey = assembled(stack.world, about)
    stack.admin.post(f"/exams/{journey.exam}/allocation", json={"marker_ids": [stack.people["marker"].user["id"]]})
    return journey.copies


@pytest.fixture
def copy(pile: list[str]) -> str:
    return pile.pop()


class Desk:
    """One window. ``page``, and what one does in it."""

    def __init__(self, page: Page, client: Client, copy_id: str) -> None:
        self.page, self.client, self.copy_id = page, client, copy_id

    def open(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate(OPEN, [self.client.user["id"], self.copy_id])
        return found

    def score(self, points: str, item: str = "a1") -> None:
        self.record({"do": "score", "item_id": item, "score": points})

    def tick(self, content: str = "") -> str:
        name = str(uuid.uuid4())
        self.record({"do": "annotate", "annotation_id": name, "annotation": tick(content)})
        return name

    def record(self, act: dict[str, Any]) -> None:
        self.page.evaluate("(act) => sync.record(act)", act)

    def until(self, condition: str) -> None:
        self.page.evaluate(f"() => ({UNTIL})(() => {condition})")

    def value(self, expression: str) -> Any:
        return self.page.evaluate(f"() => {expression}")

    def saved(self) -> None:
        self.until("sync.state.value === 'saved' && sync.pending.value === 0")

    def kept(self) -> int:
        """How many acts this computer keeps of the copy."""
        count: int = self.page.evaluate("(copy) => sync.journal.of(copy).then((ops) => ops.length)", self.copy_id)
        return count

    def stored(self) -> dict[str, Any]:
        return self.client.get(f"/copies/{self.copy_id}/desk")

    def scores(self) -> dict[str, str]:
        scores: dict[str, str] = self.stored()["scores"]["scores"]
        return scores

    def contents(self) -> list[str]:
        return sorted(each["content"] for each in self.stored()["annotations"])


def tick(content: str) -> dict[str, Any]:
    return {"page": 1, "type": "tick", "x": 0.5, "y": 0.5, "w": 0.05, "h": 0.05, "content": content}


Opened = Callable[..., Desk]


@pytest.fixture
def at_desk(page: Visits, stack: Stack, copy: str) -> Opened:
    page.allow(NO_NETWORK)

    def opened(shown: Page | None = None) -> Desk:
        desk = Desk(shown or page("marker", PEOPLE), stack.people["marker"], copy)
        desk.open()
        return desk

    return opened


def cut(page: Page) -> None:
    """The network of what is written; the page itself stays readable."""
    page.route("**/draft", lambda route: route.abort())


def test_what_is_done_is_on_the_server_and_forgotten_here(at_desk: Opened) -> None:
    desk = at_desk()
    desk.score("1.5")
    name = desk.tick("vu")
    desk.record({"do": "annotate", "annotation_id": name, "annotation": tick("bien vu")})
    desk.record({"do": "remark", "item_id": "a1", "text": "Oui."})
    desk.record({"do": "appraise", "text": "Un bon travail."})
    assert desk.value("sync.pending.value") == 5
    desk.saved()
    stored = desk.stored()
    assert (stored["scores"]["scores"], stored["scores"]["remarks"]) == ({"a1": "1.5"}, {"a1": "Oui."})
    assert (stored["scores"]["appraisal"], desk.contents()) == ("Un bon travail.", ["bien vu"])
    desk.record({"do": "erase", "annotation_id": name})
    desk.record({"do": "annotate", "annotation_id": name, "annotation": tick("repris")})  # undo
    desk.saved()
    assert desk.contents() == ["repris"]
    until(lambda: desk.kept() == 0, "nothing is kept that is settled")


def test_a_reload_in_the_middle_loses_nothing(at_desk: Opened) -> None:
    desk = at_desk()
    cut(desk.page)
    desk.score("1.5")
    desk.tick("avant le rechargement")
    desk.until("sync.state.value === 'offline'")
    desk.page.reload()
    cut(desk.page)
    opened = desk.open()
    assert opened["scores"] == {"a1": "1.5"}  # shown, before anything was sent
    assert [each["content"] for each in opened["annotations"]] == ["avant le rechargement"]
    assert desk.kept() == 2  # the closing page has sent them, and could not hear the answer
    desk.page.unroute("**/draft")
    desk.page.evaluate("() => sync.flush()")
    desk.saved()
    assert (desk.scores(), desk.contents()) == ({"a1": "1.5"}, ["avant le rechargement"])


def test_a_crash_of_the_tab_loses_nothing(at_desk: Opened) -> None:
    desk = at_desk()
    cut(desk.page)
    desk.score("2")
    desk.tick("avant la panne")
    desk.until("sync.state.value === 'offline'")
    context, url = desk.page.context, desk.page.url
    with desk.page.expect_event("crash"), contextlib.suppress(Error):  # the page is gone before it can answer
        desk.page.goto("chrome://crash")
    after = at_desk(_new_page(context, url))
    after.saved()
    assert (after.scores(), after.contents()) == ({"a1": "2"}, ["avant la panne"])


def _new_page(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    return page


def test_five_minutes_without_a_network_end_with_all_of_it_sent(at_desk: Opened) -> None:
    desk = at_desk()
    desk.page.clock.install()
    desk.page.context.set_offline(True)
    desk.score("0.5")
    desk.until("sync.state.value === 'offline'")
    for number in range(5):
        desk.page.clock.fast_forward("01:00")
        desk.tick(f"minute {number}")
    desk.score("1")
    assert desk.value("sync.pending.value") == 7
    assert desk.value("sync.marks.value.scores.a1") == "1"
    desk.page.context.set_offline(False)
    desk.saved()
    assert (desk.scores(), desk.contents()) == ({"a1": "1"}, [f"minute {number}" for number in range(5)])


def test_a_restart_of_the_server_loses_nothing(at_desk: Opened, stack: Stack) -> None:
    desk = at_desk()
    desk.score("1")
    stack.world.system.kill("gateway")
    desk.tick("pendant la panne")
    desk.until("sync.state.value === 'offline'")
    stack.world.system.start("gateway")
    desk.saved()
    assert (desk.scores(), desk.contents()) == ({"a1": "1"}, ["pendant la panne"])


def test_an_answer_that_was_lost_does_not_do_it_twice(at_desk: Opened) -> None:
    desk = at_desk()
    answered: list[int] = []

    def lose(route: Any) -> None:
        answered.append(route.fetch().status)
        route.abort()

    desk.page.route("**/draft", lose, times=1)
    desk.tick("une seule fois")
    desk.saved()
    assert answered == [200]
    assert desk.contents() == ["une seule fois"]


def steal(desk: Desk, admin: Client) -> dict[str, str]:
    """The marker's lock ends, and the administrator takes the copy."""
    mine = desk.client.post(f"/copies/{desk.copy_id}/lock")["token"]
    desk.client.delete(f"/copies/{desk.copy_id}/lock", headers={"X-Lock-Token": mine})
    return {"X-Lock-Token": admin.post(f"/copies/{desk.copy_id}/lock")["token"]}


def test_a_lock_that_was_taken_keeps_all_and_offers_it(at_desk: Opened, stack: Stack) -> None:
    desk = at_desk()
    theirs = steal(desk, stack.admin)
    desk.score("1")
    desk.tick("à moi")
    desk.until("sync.state.value === 'lost-lock'")
    assert desk.value("sync.lost.value.owner") == "Admin"
    desk.page.reload()
    opened = desk.open()
    assert (opened["state"], opened["scores"]) == ("lost-lock", {"a1": "1"})
    kept = json.loads(desk.page.evaluate("() => sync.exported().text()"))
    assert [act["do"] for act in kept["acts"]] == ["score", "annotate"]
    op = {"id": str(uuid.uuid4()), "do": "score", "item_id": "a1", "score": "2", "was": None}
    stack.admin.patch(f"/copies/{desk.copy_id}/draft", json={"client_id": "a", "ops": [op]}, headers=theirs)
    stack.admin.delete(f"/copies/{desk.copy_id}/lock", headers=theirs)
    desk.page.evaluate("() => sync.applyAgain()")
    desk.until("sync.state.value === 'conflict'")  # what nobody else touched is done, the rest is to be chosen
    (conflict,) = desk.value("sync.conflicts.value")
    assert (conflict["mine"], conflict["theirs"], desk.contents()) == ("1", "2", ["à moi"])
    desk.page.reload()  # choosing can wait
    desk.open()
    desk.until("sync.state.value === 'conflict'")
    desk.page.evaluate("() => sync.choose(sync.conflicts.value[0].id, 'mine')")
    desk.saved()
    assert desk.scores() == {"a1": "1"}
    until(lambda: desk.kept() == 0, "nothing is kept that is settled")


def test_a_lock_that_ended_unnoticed_is_taken_again(at_desk: Opened) -> None:
    desk = at_desk()
    mine = desk.client.post(f"/copies/{desk.copy_id}/lock")["token"]
    desk.client.delete(f"/copies/{desk.copy_id}/lock", headers={"X-Lock-Token": mine})
    desk.score("1.5")
    desk.saved()
    assert desk.scores() == {"a1": "1.5"}


def test_of_two_windows_one_writes_and_the_other_may_take_over(at_desk: Opened) -> None:
    left = at_desk()
    right = at_desk(_new_page(left.page.context, left.page.url))
    assert (left.value("sync.role.value"), right.value("sync.role.value")) == ("writing", "watching")
    left.score("1")
    right.until("sync.marks.value.scores.a1 === '1'")  # it sees what is done in the other
    assert right.value("(() => { try { sync.record({do: 'appraise', text: '?'}); } catch { return 'refused'; } })()")
    cut(left.page)
    left.tick("pas encore envoyé")
    left.until("sync.state.value === 'offline'")
    right.page.evaluate("() => sync.takeOver()")
    right.saved()
    assert (left.value("sync.role.value"), right.contents()) == ("watching", ["pas encore envoyé"])
    right.score("2")
    right.saved()
    left.page.unroute("**/draft")
    right.page.close()
    left.until("sync.role.value === 'writing' && sync.marks.value.scores.a1 === '2'")
    left.score("0.5")
    left.saved()
    assert left.scores() == {"a1": "0.5"}


def test_a_full_computer_says_so_and_sends_at_once(at_desk: Opened, page: Visits) -> None:
    page.allow("the journal took nothing more")
    desk = at_desk()
    desk.page.evaluate(
        "() => { IDBObjectStore.prototype.add = () => { throw new DOMException('full', 'QuotaExceededError'); }; }"
    )
    desk.score("1")
    desk.until("sync.state.value === 'storage-full' && sync.pending.value === 0")
    assert desk.scores() == {"a1": "1"}


def test_two_computers_of_one_person_end_in_a_choice(at_desk: Opened, page: Visits) -> None:
    here, there = at_desk(), at_desk(page("marker", PEOPLE))
    here.score("1")
    here.saved()
    there.score("2")  # it has not seen the other
    there.until("sync.state.value === 'conflict'")
    assert there.value("[sync.conflicts.value[0].mine, sync.conflicts.value[0].theirs]") == ["2", "1"]
    there.page.evaluate("() => sync.choose(sync.conflicts.value[0].id, 'theirs')")
    there.saved()
    assert there.scores() == {"a1": "1"}


def test_what_cannot_be_done_says_why_and_holds_up_nothing(at_desk: Opened) -> None:
    desk = at_desk()
    cut(desk.page)
    desk.score("1000")
    desk.score("1.5")
    desk.tick("la suite")
    desk.page.unroute("**/draft")
    desk.until("sync.conflicts.value.length === 1 && sync.pending.value === 0")
    assert desk.value("sync.conflicts.value[0].refused.code") == "grading.score_out_of_range"
    assert (desk.scores(), desk.contents()) == ({"a1": "1.5"}, ["la suite"])
    desk.page.evaluate("() => sync.choose(sync.conflicts.value[0].id, 'theirs')")
    desk.saved()


def test_the_copy_before_is_sent_and_given_back_while_the_next_one_is_marked(at_desk: Opened, pile: list[str]) -> None:
    desk = at_desk()
    following = pile.pop()
    desk.page.evaluate("(copy) => sync.prefetch(copy)", following)
    desk.score("1")
    before = desk.copy_id
    desk.page.evaluate("(copy) => sync.open(copy).then(() => true)", following)
    desk.page.evaluate(f"() => ({UNTIL})(() => sync.state.value === 'saved')")
    until(lambda: desk.client.get(f"/copies/{before}")["status"] == "READY", "the lock is given back")
    assert desk.scores() == {"a1": "1"}


def test_what_a_crash_left_of_another_copy_is_sent_when_any_desk_opens(at_desk: Opened, pile: list[str]) -> None:
    desk = at_desk()
    cut(desk.page)
    desk.score("2")
    desk.until("sync.state.value === 'offline'")
    desk.page.reload()
    other = Desk(desk.page, desk.client, pile.pop())
    other.open()
    until(lambda: desk.scores() == {"a1": "2"}, "what was left is sent")


def test_finalising_waits_for_what_is_unsent(at_desk: Opened) -> None:
    desk = at_desk()
    for item, points in {"a1": "2.5", "a2i": "0.75", "a2ii": "3", "b": "7"}.items():
        desk.score(points, item)
    cut(desk.page)
    refused = "sync.finalise().then(() => 'done', (problem) => problem.document.code)"
    assert desk.value(refused) == "offline"
    desk.page.unroute("**/draft")
    assert desk.value(refused) == "done"
    assert desk.stored()["copy"]["status"] in {"GRADING_IN_PROGRESS", "GRADED"}


def test_a_page_that_is_closed_sends_what_fits(at_desk: Opened) -> None:
    desk = at_desk()
    desk.score("1")
    desk.page.goto("about:blank")
    until(lambda: desk.scores() == {"a1": "1"}, "the last request arrives")
