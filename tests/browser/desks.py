"""An exam to be marked on screen, and a marker's hands on its desk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect

from demo import scans
from demo.client import Client
from tests.story.journey import Journey, Pile, until

# Twelve items: 20 points and a bonus.
SCHEME: list[dict[str, Any]] = [
    {
        "id": f"e{exercise}",
        "label": f"Exercice {exercise}",
        "children": [
            {"id": f"e{exercise}.{question}", "label": f"{question}. {label}", "points": points}
            for question, (label, points) in enumerate(questions, start=1)
        ],
    }
    for exercise, questions in enumerate(
        (
            (("Sens de variation", "1"), ("Récurrence", "1.5"), ("Convergence", "1.5"), ("Limite", "2")),
            (("Limite en l’infini", "1"), ("Dérivée", "2"), ("Maximum", "2"), ("Équation", "2")),
            (("Arbre pondéré", "1.5"), ("Probabilités totales", "2"), ("Loi binomiale", "3.5")),
        ),
        start=1,
    )
] + [{"id": "bonus", "label": "Soin", "points": "1", "bonus": True}]
COMMENTS = (
    {"item_id": None, "text": "Justifier davantage", "points": "-0.25", "official": True},
    {"item_id": "e1.2", "text": "Hérédité mal justifiée : citer f", "points": "-0.5", "official": True},
    {"item_id": None, "text": "Très bonne rédaction", "points": None, "official": True},
)


@dataclass
class Exam:
    """An exam of twelve items, all its copies ``marker``'s; each test takes the copies it changes."""

    id: str
    marker: Client
    copies: list[str]


def exam_to_mark(base: str, admin_password: str, copies: int = 24) -> Exam:
    pupils = [*scans.PUPILS] * (copies // len(scans.PUPILS))
    pile = Pile("Bac blanc", "a4", scans.a4_pile(pupils), scans.roster_csv(), [each.ine for each in pupils])
    journey = Journey(base, pile)
    journey.open(admin_password)
    admin, marker = journey.admin, journey.markers[0]
    version = admin.get(f"/exams/{journey.exam}/scheme")["version"]
    admin.put(f"/exams/{journey.exam}/scheme", json={"version": version, "nodes": SCHEME})
    for comment in COMMENTS:
        admin.post(f"/exams/{journey.exam}/comments", json=comment)
    journey.finish_upload(journey.start_upload())
    # Asked again while a busy machine leaves some for later.
    until(lambda: not admin.post(f"/exams/{journey.exam}/copies/assemble")["left"], "every booklet assembled")
    until(lambda: admin.get(f"/exams/{journey.exam}/copies")["total"] == copies, "copies in grading")
    admin.post(f"/exams/{journey.exam}/allocation", json={"marker_ids": [marker.user["id"]]})
    return Exam(journey.exam, marker, [each["id"] for each in marker.items(f"/exams/{journey.exam}/copies")])


class Hands:
    """What one does at the desk. ``keys`` counts what was pressed."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.keys = 0
        expect(page.get_by_role("toolbar", name="Outils de correction")).to_be_visible()
        expect(page.locator("score-panel [data-score]").first).to_be_visible()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.keys += 1

    def drag(self, *places: tuple[float, float]) -> None:
        """Over the first page, in shares of what one sees of it: (0, 0) to (1, 1)."""
        points = [self.at(*place) for place in places]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*point, steps=6)
        self.page.mouse.up()

    def tap(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.at(x, y))

    def at(self, x: float, y: float) -> tuple[float, float]:
        box = self.page.get_by_role("img", name="Page 1 sur").bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * min(box["height"], 700)

    def saved(self) -> None:
        expect(self.page.locator(".saved")).to_contain_text("Enregistré")

    def field(self, name: str) -> Any:
        return self.page.get_by_role("textbox", name=f"Note de {name}")
