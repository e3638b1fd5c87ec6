"""The people of one exam: each act is a question to a service, repeated as careful clients do, and remembered."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from contracts.errors import Refusal, RemoteDefect, Unavailable
from contracts.errors.grading import DraftConflict, ExamPublished, VersionConflict, VersionRequired
from contracts.errors.ingest import VersionConflict as BookletChanged
from contracts.model import Actor, Model, Role
from contracts.rpc import LookForStuck, Method, ingest
from contracts.rpc.grading import copies, exams
from tests.faults.simulation.children import POISON, scan
from tests.faults.simulation.desks import Desks
from tests.faults.simulation.history import Finalised, History, Note, SavedDraft, SavedScores, Told
from tests.faults.simulation.world import World

Q = TypeVar("Q", bound=Model)
A = TypeVar("A", bound=Model)

PDF = "application/pdf"
STEP = Decimal("0.1")  # no binary fraction: a total that was a float on its way shows
ITEMS = {"q1": Decimal(8), "q2": Decimal(12), "extra": Decimal(1)}
NODES = (
    exams.SchemeNode(id="ex1", label="Exercice 1", children=(
        exams.SchemeNode(id="q1", label="Question 1", points=Decimal(8)),
        exams.SchemeNode(id="q2", label="Question 2", points=Decimal(12)),
    )),
    exams.SchemeNode(id="extra", label="Soin", points=Decimal(1), bonus=True),
)  # fmt: skip
ROSTER = (
    "INE;Nom;Prénom;Classe\n"
    "120000001AA;MARTIN;Alice;T1\n120000002AB;BERNARD;Bruno;T1\n120000003AC;PETIT;Chloé;T1\n120000004AD;ROUX;David;T1\n"
)


def _actor(number: int, name: str, role: Role) -> Actor:
    return Actor(id=UUID(int=number), name=name, role=role)


ADMIN, SECOND_ADMIN = _actor(1, "Direction", Role.ADMIN), _actor(2, "Proviseur", Role.ADMIN)
OPERATOR = _actor(3, "Secrétariat", Role.OPERATOR)
MARKERS = (_actor(4, "Mme Curie", Role.MARKER), _actor(5, "M. Borel", Role.MARKER))


@dataclass
class Scene:
    """What everybody knows of the exam when a schedule begins; lists grow as people learn."""

    exam_id: UUID
    candidates: list[tuple[UUID, UUID]]
    """Candidate and person."""
    copy_ids: list[UUID] = field(default_factory=list)
    markers: dict[UUID, Actor] = field(default_factory=dict)


class People:
    """What may happen, with how often, and what their clients keep: tokens, versions, ids."""

    def __init__(self, world: World, scene: Scene, chance: random.Random, history: History) -> None:
        self.world, self.scene, self.chance, self.history = world, scene, chance, history
        self.copy_ids = list(scene.copy_ids)
        self.markers = dict(scene.markers)
        self.tokens: dict[tuple[UUID, UUID], str] = {}
        self.draft_versions: dict[tuple[UUID, UUID, str], int] = {}
        self.score_versions: dict[UUID, int] = {}
        self.scheme_version = 1
        self.piles = 0
        self.desks = Desks(self)
        self.paper_acts = [
            (self.upload, 2), (self.edit_booklet, 1.5), (self.merge_or_split, 1), (self.set_aside, 0.5),
            (self.assemble, 3), (self.cancel_upload, 0.3), (self.change_scheme, 0.3), (self.import_roster, 0.3),
            (self.look_for_stuck, 0.5),
        ]  # fmt: skip
        self.marking_acts = [
            (self.lock, 4), (self.renew, 1), (self.release, 1), (self.save_draft, 7), (self.score, 5),
            (self.desks.operate, 8), (self.desks.send_late, 2),
            (self.annotate, 3), (self.change_annotation, 5), (self.remove_annotation, 1), (self.finalise, 9),
            (self.try_again, 1), (self.reopen, 1.5), (self.publish, 2), (self.withdraw, 1), (self.identify, 2),
            (self.allocate, 1), (self.read_results, 1), (self.delete_and_restore, 0.3),
        ]  # fmt: skip

    def act(self) -> None:
        """Somebody does something. Whatever answer they do not get, they do not know."""
        possible = self.paper_acts + (self.marking_acts if self.copy_ids else [])
        verbs, weights = zip(*possible, strict=True)
        verb = self.chance.choices(verbs, weights)[0]

        def work() -> None:
            try:
                verb()
            except (Refusal, Unavailable, RemoteDefect):
                return

        self.world.tasks.start(verb.__name__, work)

    def ask(self, method: Method[Q, A], request: Q, tries: int = 3) -> A:
        for _ in range(tries - 1):
            try:
                return self.world.call(method, request)
            except Unavailable:
                self.world.tasks.pause()
        return self.world.call(method, request)

    def _told(self, action: str, subject_id: UUID, by: Actor) -> None:
        self.history.acts.append(Told(action, subject_id, by.id))

    def _copy(self) -> UUID:
        if not self.copy_ids:
            raise Unavailable("nobody", "no copy yet")
        return self.chance.choice(self.copy_ids)

    def _marker(self, copy_id: UUID) -> Actor:
        """Whose copy it is, or the head of the school, who may mark all."""
        mine = self.markers.get(copy_id)
        return ADMIN if mine is None or self.chance.random() < 0.3 else mine

    def held(self) -> tuple[UUID, Actor, str | None]:
        """A copy, and somebody who once had its lock, or thinks so."""
        if not self.tokens or self.chance.random() < 0.2:
            self.lock()
        copy_id, owner = self.chance.choice(list(self.tokens))
        by = next(each for each in (*MARKERS, ADMIN) if each.id == owner)
        return copy_id, by, self.tokens[copy_id, owner]

    # Locks

    def lock(self) -> None:
        copy_id = self._copy()
        by = self._marker(copy_id)
        view = self.ask(copies.TAKE_LOCK, copies.TakeLock(copy_id=copy_id, by=by))
        assert view.token is not None
        self.tokens[copy_id, by.id] = view.token
        self._told("LOCK", copy_id, by)

    def renew(self) -> None:
        copy_id, by, token = self.held()
        self.ask(copies.RENEW_LOCK, copies.HeldLock(copy_id=copy_id, token=token, by=by))

    def release(self) -> None:
        copy_id, by, token = self.held()
        self.ask(copies.RELEASE_LOCK, copies.HeldLock(copy_id=copy_id, token=token, by=by))

    # Marking

    def save_draft(self) -> None:
        """From one of two windows, which do not know of each other."""
        copy_id, by, token = self.held()
        window = self.chance.choice(("left", "right"))
        base = self.draft_versions.get((copy_id, by.id, window), 0)
        payload = {"text": f"{window} {self.chance.randrange(10**9)}"}
        request = copies.PutDraft(
            copy_id=copy_id, token=token, by=by, client_id=window, version=base, payload=payload
        )  # fmt: skip
        try:
            view = self.ask(copies.PUT_DRAFT, request)
        except DraftConflict as conflict:
            self.history.kept.append((copy_id, payload))
            self.draft_versions[copy_id, by.id, window] = conflict.details["version"]
            return
        self.draft_versions[copy_id, by.id, window] = view.version
        saved = SavedDraft(copy_id, by.id, base, view.version, payload)
        self.history.drafts.append(saved)

    def score(self) -> None:
        self._score(*self.held(), complete=self.chance.random() < 0.7)

    def _score(self, copy_id: UUID, by: Actor, token: str | None, *, complete: bool) -> None:
        items = [item for item in ITEMS if complete or self.chance.random() < 0.7]
        scores = {item: Decimal(self.chance.randrange(int(ITEMS[item] / STEP) + 1)) * STEP for item in items}
        version = self.score_versions.get(copy_id)
        request = copies.PutScores(copy_id=copy_id, token=token, by=by, version=version, scores=scores)
        try:
            view = self.ask(copies.PUT_SCORES, request)
        except (VersionConflict, VersionRequired) as conflict:
            self.score_versions[copy_id] = conflict.details["version"]
            return
        if view.version != (version or 0) + 1:
            self.history.contradictions.append(f"copy {copy_id}: scores based on {version} became {view.version}")
        self.score_versions[copy_id] = view.version
        self.history.scores.append(SavedScores(copy_id, view.version, scores))
        self._told("SCORES", copy_id, by)

    def annotate(self) -> None:
        copy_id, by, token = self.held()
        content = f"remarque {self.chance.randrange(10**9)}"
        fields = copies.AnnotationFields(page=1, type="comment", x=0.5, y=0.4, w=0.2, h=0.1, content=content)
        once = UUID(int=self.chance.getrandbits(128), version=4)
        request = copies.CreateAnnotation(copy_id=copy_id, token=token, by=by, annotation=fields, once=once)
        self.history.asked_notes[copy_id] += 1
        view = self.ask(copies.CREATE_ANNOTATION, request)
        if view.id in self.history.notes:
            self.history.contradictions.append(f"two annotations are called {view.id}")
        self.history.notes[view.id] = Note(copy_id, view.version, content)
        self._told("ANNOTATION_CREATED", copy_id, by)

    def _note(self) -> tuple[UUID, Note, Actor, str | None]:
        standing = [(each, note) for each, note in self.history.notes.items() if not note.removed]
        if not standing:
            raise Unavailable("nobody", "no annotation yet")
        note_id, note = self.chance.choice(standing)
        by = self._marker(note.copy_id)
        return note_id, note, by, self.tokens.get((note.copy_id, by.id))

    def change_annotation(self) -> None:
        """Sometimes in two windows, the second of which did not see the change made in the first."""
        note_id, note, by, token = self._note()
        base = note.version
        self._change(note_id, note, by, token, base)
        if self.chance.random() < 0.3:
            self._change(note_id, note, by, token, base)

    def _change(self, note_id: UUID, note: Note, by: Actor, token: str | None, base: int) -> None:
        content = f"autrement {self.chance.randrange(10**9)}"
        request = copies.ChangeAnnotation(annotation_id=note_id, token=token, version=base, content=content, by=by)
        try:
            view = self.ask(copies.CHANGE_ANNOTATION, request)
        except Unavailable:
            note.unsure = True
            raise
        except VersionConflict as conflict:
            if conflict.details["version"] > note.version:
                note.version, note.content = conflict.details["version"], conflict.details["current"]["content"]
            return
        if view.version != base + 1:
            self.history.contradictions.append(f"annotation {note_id}: a change of {base} became {view.version}")
        if view.version > note.version:
            note.version, note.content, note.unsure = view.version, content, False

    def remove_annotation(self) -> None:
        note_id, note, by, token = self._note()
        request = copies.RemoveAnnotation(annotation_id=note_id, token=token, version=note.version, by=by)
        try:
            self.ask(copies.REMOVE_ANNOTATION, request)
        except Unavailable:
            note.unsure = True
            raise
        note.removed = True

    # Finalising

    def finalise(self) -> None:
        copy_id, by, token = self.held()
        if copy_id not in self.score_versions or self.chance.random() < 0.4:
            self._score(copy_id, by, token, complete=True)
        self._finalise(copies.Finalise(copy_id=copy_id, token=token, by=by))

    def try_again(self) -> None:
        """Somebody in charge sees a copy that failed, or believes so."""
        self._finalise(copies.Finalise(copy_id=self._copy(), token=None, by=ADMIN))

    def _finalise(self, request: copies.Finalise) -> None:
        started = self.ask(copies.FINALISE, request)
        self.history.finalised.append(Finalised(started.copy_id, started.revision))

    def look_for_stuck(self) -> None:
        """An operator does not wait for the watch."""
        self.ask(copies.ASK_FOR_STUCK_COPIES, LookForStuck(by=ADMIN))
        self.ask(ingest.ASK_FOR_STUCK_UPLOADS, LookForStuck(by=ADMIN))

    def reopen(self) -> None:
        copy_id, by = self._copy(), self.chance.choice((ADMIN, SECOND_ADMIN))
        reason = self.chance.choice((None, "Une page oubliée."))
        request = copies.Reopen(copy_id=copy_id, by=by, reason=reason)
        try:
            view = self.ask(copies.REOPEN, request)
        except ExamPublished:
            self.withdraw()
            view = self.ask(copies.REOPEN, request)
        if view.status in {copies.CopyStatus.READY, copies.CopyStatus.LOCKED}:
            self._told("REOPEN", copy_id, by)

    # Publishing

    def publish(self) -> None:
        view = self.ask(exams.PUBLISH, exams.Publish(exam_id=self.scene.exam_id, by=ADMIN))
        if not view.published:
            self.history.contradictions.append("an exam that was just published is not")
        self._told("PUBLISH", self.scene.exam_id, ADMIN)

    def withdraw(self) -> None:
        self.ask(exams.WITHDRAW, exams.Publish(exam_id=self.scene.exam_id, by=ADMIN))

    def read_results(self) -> None:
        """A candidate reads; whatever they see of a revision is the same for ever."""
        _, person_id = self.chance.choice(self.scene.candidates)
        for each in self.ask(exams.OWN_RESULTS, exams.OwnResults(person_id=person_id)).items:
            document = self.ask(exams.OWN_DOCUMENT, exams.OwnDocument(person_id=person_id, copy_id=each.copy_id))
            seen = (each.total, document.object.sha256)
            known = self.history.shown.setdefault((each.copy_id, each.revision), seen)
            if known != seen and document.filename.endswith(f"-{each.revision}.pdf"):
                self.history.contradictions.append(
                    f"copy {each.copy_id} revision {each.revision} was shown twice, once otherwise"
                )

    def identify(self) -> None:
        copy_id, (candidate_id, _) = self._copy(), self.chance.choice(self.scene.candidates)
        queue = self.ask(
            copies.IDENTIFICATION_QUEUE,
            copies.ListIdentification(exam_id=self.scene.exam_id, pending_only=False, by=OPERATOR),
        )
        current = next((each.candidate_id for each in queue.items if each.copy_id == copy_id), None)
        if current is not None and self.chance.random() < 0.3:
            self.ask(copies.UNIDENTIFY, copies.OneCopy(copy_id=copy_id, by=OPERATOR))
            self._told("UNIDENTIFY", copy_id, OPERATOR)
            return
        request = copies.Identify(copy_id=copy_id, candidate_id=candidate_id, replaces=current, by=OPERATOR)
        self.ask(copies.IDENTIFY, request)
        if current != candidate_id:
            self._told("IDENTIFY", copy_id, OPERATOR)

    def allocate(self) -> None:
        markers = tuple(copies.Marker(id=each.id, name=each.name) for each in MARKERS)
        answer = self.ask(copies.ALLOCATE, copies.Allocate(exam_id=self.scene.exam_id, markers=markers, by=OPERATOR))
        by_id = {each.id: each for each in MARKERS}
        self.markers |= {copy_id: by_id[each.marker_id] for each in answer.items for copy_id in each.copy_ids}

    def change_scheme(self) -> None:
        """The label of a question, which makes a new version."""
        label = f"Question {self.chance.randrange(10**6)}"
        nodes = (NODES[0].model_copy(update={"label": label}), NODES[1])
        request = exams.PutScheme(
            exam_id=self.scene.exam_id, version=self.scheme_version, nodes=nodes, step=STEP, by=ADMIN
        )
        try:
            self.scheme_version = self.ask(exams.PUT_SCHEME, request).version
        except VersionConflict as conflict:
            self.scheme_version = conflict.details["version"]

    def delete_and_restore(self) -> None:
        """By mistake, and back at once. Between the two, nobody finds the exam."""
        exam = self.ask(exams.GET_EXAM, exams.OneExam(exam_id=self.scene.exam_id, by=ADMIN))
        self.ask(exams.DELETE_EXAM, exams.DeleteExam(exam_id=exam.id, version=exam.version, by=ADMIN))
        self._told("DELETE_EXAM", exam.id, ADMIN)
        self.ask(exams.RESTORE_EXAM, exams.OneExam(exam_id=exam.id, by=ADMIN), tries=20)

    def import_roster(self) -> None:
        """The same roster again: whatever happens, nobody comes twice."""
        file = self.world.objects.put("rosters", ROSTER.encode(), "text/csv")
        report = self.ask(
            exams.IMPORT_ROSTER, exams.ImportRoster(exam_id=self.scene.exam_id, file=file, dry_run=False, by=OPERATOR)
        )
        if (report.created, report.unchanged) != (0, len(self.scene.candidates)):
            self.history.contradictions.append("a roster imported again was not a no-op")

    # Paper

    def upload(self) -> None:
        """A new pile, or one that was sent before."""
        self.piles += self.chance.random() < 0.7 or not self.piles
        name = f"{POISON if self.chance.random() < 0.1 else 'pile'} {self.chance.randint(1, self.piles)}"
        spreads = len(name) % 2 == 0 or name.endswith("2")
        sides = (True, False, True, False)
        file = self.world.objects.put("uploads", scan(name, sides, spreads=spreads), PDF)
        request = ingest.RegisterUpload(
            exam_id=self.scene.exam_id, object=file, filename="scan.pdf", by=OPERATOR,
            profile=ingest.ScanProfile(intake=ingest.Intake.A3 if spreads else ingest.Intake.A4, pages_per_booklet=2),
        )  # fmt: skip
        answer = self.ask(ingest.REGISTER_UPLOAD, request)
        if self.history.uploads.setdefault(answer.upload.id, answer.upload.sides) != len(sides):
            self.history.contradictions.append(f"upload {answer.upload.id} has another number of sides")

    def cancel_upload(self) -> None:
        if self.history.uploads:
            upload_id = self.chance.choice(list(self.history.uploads))
            self.ask(ingest.CANCEL_UPLOAD, ingest.CancelUpload(upload_id=upload_id, by=OPERATOR))

    def _booklets(self) -> list[ingest.BookletView]:
        listed = self.ask(ingest.LIST_BOOKLETS, ingest.OfExam(exam_id=self.scene.exam_id))
        found = [each for each in listed.items if each.copy_id is None and not each.set_aside]
        if not found:
            raise Unavailable("nobody", "no booklet yet")
        return found

    def edit_booklet(self) -> None:
        booklet = self.chance.choice(self._booklets())
        pages = list(booklet.pages)
        self.chance.shuffle(pages)
        edits = tuple(
            ingest.PageEdit(
                id=page.id, turn_deg=self.chance.choice((0, 0, 90, 180)), dropped=self.chance.random() < 0.15
            )
            for page in pages
        )
        try:
            self.ask(
                ingest.EDIT_BOOKLET,
                ingest.EditBooklet(booklet_id=booklet.id, version=booklet.version, pages=edits, by=OPERATOR),
            )
        except BookletChanged:
            return

    def merge_or_split(self) -> None:
        found = self._booklets()
        self.chance.shuffle(found)
        booklet = found[0]
        if len(found) > 1 and self.chance.random() < 0.5:
            ids = tuple(each.id for each in found[:2])
            self.ask(
                ingest.MERGE_BOOKLETS,
                ingest.MergeBooklets(exam_id=self.scene.exam_id, booklet_ids=ids, by=OPERATOR),
            )
        elif len(booklet.pages) > 1:
            before = self.chance.randint(2, len(booklet.pages))
            request = ingest.SplitBooklet(
                booklet_id=booklet.id, version=booklet.version, before_page=before, by=OPERATOR
            )  # fmt: skip
            self.ask(ingest.SPLIT_BOOKLET, request)

    def set_aside(self) -> None:
        booklet = self.chance.choice(self._booklets())
        request = ingest.DropBooklet(booklet_id=booklet.id, version=booklet.version, by=OPERATOR)
        self.ask(ingest.DROP_BOOKLET, request)

    def assemble(self) -> None:
        if self.chance.random() < 0.5:
            request = ingest.AssembleCertain(exam_id=self.scene.exam_id, by=OPERATOR)
            for copy_id in self.ask(ingest.ASSEMBLE_CERTAIN, request).copy_ids:
                self._assembled(copy_id)
            return
        booklet = self.chance.choice(self._booklets())
        answer = self.ask(
            ingest.ASSEMBLE_COPY,
            ingest.AssembleCopy(exam_id=self.scene.exam_id, booklet_ids=(booklet.id,), by=OPERATOR),
        )
        self._assembled(answer.copy_ids[0])

    def _assembled(self, copy_id: UUID) -> None:
        if copy_id in self.history.assembled:
            self.history.contradictions.append(f"copy {copy_id} was assembled twice")
        self.history.assembled.add(copy_id)
        self.copy_ids.append(copy_id)
