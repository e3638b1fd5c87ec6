"""The score sheet that closes a final PDF: what was marked, how much, and what the marker says. Pure.

A4 portrait. Blocks flow from page to page; only the footer needs to know how many pages there are.
"""

from __future__ import annotations

from decimal import Decimal

from contracts.records.marking import MarkingRecord, RecordedItem
from services.render.canvas import BLACK, GREY, HAIR, Canvas, Colour
from services.render.ink import GREEN, InkedCopy
from services.render.typeface import BOLD, MISSING, REGULAR, Face, wrap
from services.render.wording import day, label, moment, points

WIDTH, HEIGHT = 595.276, 841.890  # A4: 210 x 297 mm at 72 / 25.4 points a millimetre
LEFT, RIGHT = 56.7, WIDTH - 56.7  # 20 mm
TOP, BOTTOM = 62.0, HEIGHT - 68.0
INDENT = 14.0
POINTS_COLUMN = 96.0
TEXT_W = RIGHT - LEFT - POINTS_COLUMN
TINT: Colour = (0.957, 0.961, 0.973)


def draw(record: MarkingRecord, copy: InkedCopy) -> list[Canvas]:
    """All pages of the score sheet, then the comments that were too long for their page."""
    flow = _Flow(record, copy)
    flow.heading()
    flow.items()
    flow.total()
    flow.appraisal()
    flow.long_comments()
    flow.footers()
    return flow.pages


class _Flow:
    def __init__(self, record: MarkingRecord, copy: InkedCopy) -> None:
        self.record, self.copy, self.language = record, copy, record.language
        self.pages: list[Canvas] = []
        self.y = 0.0
        self.title = copy.reader.line(record.exam_title)
        maxima = [record.total_points, *(item.max_points for item in record.items)]
        widest = max(REGULAR.width(points(value, record.language), 11.5) for value in maxima)
        self.maximum_x = RIGHT - widest - REGULAR.width(" / ", 11.5)
        self._turn_page()

    @property
    def canvas(self) -> Canvas:
        return self.pages[-1]

    def say(self, key: str, **values: object) -> str:
        return label(self.language, key, **values)

    def _turn_page(self) -> None:
        self.pages.append(Canvas(WIDTH, HEIGHT))
        self.y = TOP

    def _room(self, height: float) -> bool:
        """Make room for a block; True when that took a new page."""
        if self.y + height <= BOTTOM:
            return False
        self._turn_page()
        line = next(iter(wrap(self.title, REGULAR, 8.5, RIGHT - LEFT - 70)))
        self.canvas.text(LEFT, self.y - 14, f"{line} {self.say('continued')}", REGULAR, 8.5, GREY)
        self.canvas.line((LEFT, self.y - 6), (RIGHT, self.y - 6), colour=HAIR, line=0.6)
        self.y += 10
        return True

    def heading(self) -> None:
        """Title and circumstances on the left, the total large on the right."""
        total, out_of = points(self.record.total, self.language), f"/ {points(self.record.total_points, self.language)}"
        total_w = BOLD.width(total, 34) + 6 + REGULAR.width(out_of, 15)
        box_w = max(total_w + 32, 118.0)
        self.canvas.rectangle(RIGHT - box_w, TOP - 8, box_w, 58, fill=TINT, radius=6)
        start = RIGHT - box_w + (box_w - total_w) / 2
        self.canvas.text(start, TOP + 33, total, BOLD, 34, BLACK)
        self.canvas.text(start + BOLD.width(total, 34) + 6, TOP + 33, out_of, REGULAR, 15, GREY)

        self.canvas.text(LEFT, TOP + 2, self.say("sheet"), BOLD, 9.5, GREY)
        self.y = TOP + 26
        for line in wrap(self.title, BOLD, 18, RIGHT - LEFT - box_w - 24):
            self.canvas.text(LEFT, self.y, line, BOLD, 18)
            self.y += 23
        facts = [f"{self.say('anonymous')} {self.copy.reader.line(self.record.anonymous_id)}"]
        if self.record.exam_date is not None:
            facts.insert(0, day(self.record.exam_date, self.language))
        self.canvas.text(LEFT, self.y - 2, "  ·  ".join(facts), REGULAR, 10, GREY)
        self.y = max(self.y + 30, TOP + 84)

    def items(self) -> None:
        if not self.record.items:
            return
        self._table_head()
        above: tuple[str, ...] = ()
        for item in self.record.items:
            parents = item.path[:-1]
            shared = next((i for i, (a, b) in enumerate(zip(parents, above, strict=False)) if a != b),
                          min(len(parents), len(above)))  # fmt: skip
            for depth in range(shared, len(parents)):
                self._group(parents[depth], depth)
            above = parents
            self._item(item, len(parents))

    def _table_head(self) -> None:
        self.canvas.text(LEFT, self.y, self.say("question"), REGULAR, 8.5, GREY)
        self.canvas.text_right(self.maximum_x, self.y, self.say("points"), REGULAR, 8.5, GREY)
        self.canvas.line((LEFT, self.y + 6), (RIGHT, self.y + 6), colour=BLACK, line=0.8)
        self.y += 11

    def _next_rows(self, height: float) -> None:
        if self._room(height):
            self.y += 4
            self._table_head()

    def _group(self, name: str, depth: int) -> None:
        lines = wrap(self.copy.reader.line(name), BOLD, 10.5, TEXT_W - depth * INDENT)
        self._next_rows(len(lines) * 14 + 32)  # a heading never stays alone at the foot of a page
        self.y += 7
        for line in lines:
            self._next_rows(14)
            self.canvas.text(LEFT + depth * INDENT, self.y + 10, line, BOLD, 10.5)
            self.y += 14
        self.y += 2

    def _item(self, item: RecordedItem, depth: int) -> None:
        reader, left = self.copy.reader, LEFT + depth * INDENT
        name = reader.line(item.path[-1] if item.path else item.item_id)
        lines = wrap(name, REGULAR, 10, TEXT_W - depth * INDENT - 40)
        self._next_rows(len(lines) * 14 + 5)
        baseline = self.y + 11
        self._score(item.score, item.max_points, baseline, 10.5, GREEN if item.bonus else BLACK)
        if item.bonus:
            after = left + REGULAR.width(lines[0], 10) + 8
            self.canvas.text(after, baseline, self.say("bonus"), BOLD, 8.5, GREEN)
        for line in lines:
            self._next_rows(14)
            self.canvas.text(left, self.y + 11, line, REGULAR, 10)
            self.y += 14
        if item.remark:
            self._lines(reader.clean(item.remark), left, TEXT_W - depth * INDENT, size=9, leading=12.2, colour=GREY,
                        in_table=True)  # fmt: skip
        self.y += 4
        self.canvas.line((left, self.y), (RIGHT, self.y), colour=HAIR, line=0.5)
        self.y += 1

    def _score(self, score: Decimal, out_of: Decimal, baseline: float, size: float, colour: Colour = BLACK) -> None:
        """Both numbers in columns of their own, so that a pupil can add the first one up."""
        self.canvas.text_right(self.maximum_x, baseline, points(score, self.language), BOLD, size, colour)
        self.canvas.text(self.maximum_x, baseline, f" / {points(out_of, self.language)}", REGULAR, size - 1, GREY)

    def _lines(self, text: str, left: float, width: float, *, size: float, leading: float, colour: Colour = BLACK,
               face: Face = REGULAR, in_table: bool = False) -> None:  # fmt: skip
        for line in wrap(text, face, size, width):
            if in_table:
                self._next_rows(leading)
            else:
                self._room(leading)
            self.canvas.text(left, self.y + size, line, face, size, colour)
            self.y += leading

    def total(self) -> None:
        self._room(40)
        self.y += 8
        self.canvas.rectangle(LEFT - 8, self.y, RIGHT - LEFT + 16, 26, fill=TINT, radius=4)
        self.canvas.text(LEFT, self.y + 17.5, self.say("total"), BOLD, 11.5)
        self._score(self.record.total, self.record.total_points, self.y + 17.5, 12.5)
        self.y += 26

    def appraisal(self) -> None:
        if self.record.appraisal:
            self._section(self.say("appraisal"))
            self._lines(self.copy.reader.clean(self.record.appraisal), LEFT, RIGHT - LEFT, size=10.5, leading=15.5)

    def long_comments(self) -> None:
        if not self.copy.continued:
            return
        self._section(self.say("long_comments"))
        for comment in self.copy.continued:
            self._room(44)
            place = self.say("on_page", page=comment.page_no)
            self.canvas.text(LEFT, self.y + 9, f"{comment.number}.  {place}", BOLD, 9, GREY)
            self.y += 14
            self._lines(comment.text, LEFT, RIGHT - LEFT, size=9, leading=12.2)
            self.y += 8

    def _section(self, name: str) -> None:
        self._room(64)
        self.y += 26
        self.canvas.text(LEFT, self.y, name, BOLD, 11.5)
        self.y += 8

    def footers(self) -> None:
        """Last, when the number of pages and of replaced characters is known."""
        marked = self.say("marked", date=moment(self.record.finalised_at, self.language))
        left = f"{marked}  ·  {self.say('revision', revision=self.record.revision)}"
        for number, canvas in enumerate(self.pages, 1):
            y = HEIGHT - 42
            canvas.line((LEFT, y - 12), (RIGHT, y - 12), colour=HAIR, line=0.6)
            canvas.text(LEFT, y, left, REGULAR, 8.5, GREY)
            canvas.text_right(RIGHT, y, self.say("page", page=number, pages=len(self.pages)), REGULAR, 8.5, GREY)
        if self.copy.reader.replaced:
            told = self.say("replaced", sign=MISSING, count=self.copy.reader.replaced)
            self.canvas.text(LEFT, HEIGHT - 30, told, REGULAR, 7.5, GREY)
