"""States that many schedules begin with, each made once by the real use cases."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from contracts.rpc import LookForStuck, ingest
from contracts.rpc.grading import copies, exams
from tests.faults.simulation.children import scan
from tests.faults.simulation.clock import STARTED
from tests.faults.simulation.people import (
    ADMIN,
    ITEMS,
    MARKERS,
    NODES,
    OPERATOR,
    PDF,
    ROSTER,
    SECOND_ADMIN,
    STEP,
    Scene,
)
from tests.faults.simulation.world import World

ROUNDS = 200  # a message that is tried three times, and its answers, take some twenty


def open_exam(world: World) -> Scene:
    """An exam with a scheme and a roster; no paper yet."""
    exam = world.call(exams.CREATE_EXAM, exams.CreateExam(title="Bac blanc", intake=ingest.Intake.A4, by=ADMIN))
    world.call(exams.PUT_SCHEME, exams.PutScheme(exam_id=exam.id, version=None, nodes=NODES, step=STEP, by=ADMIN))
    file = world.objects.put("rosters", ROSTER.encode(), "text/csv")
    world.call(exams.IMPORT_ROSTER, exams.ImportRoster(exam_id=exam.id, file=file, dry_run=False, by=ADMIN))
    listed = world.call(exams.LIST_CANDIDATES, exams.ListCandidates(exam_id=exam.id, by=ADMIN))
    return Scene(exam.id, [(each.id, each.person_id) for each in listed.items])


def paper_staged(world: World) -> Scene:
    """A pile is split into two booklets, which nobody has assembled."""
    scene = open_exam(world)
    file = world.objects.put("uploads", scan("first pile", (True, False, True, False), spreads=False), PDF)
    profile = ingest.ScanProfile(intake=ingest.Intake.A4, pages_per_booklet=2)
    world.call(
        ingest.REGISTER_UPLOAD,
        ingest.RegisterUpload(exam_id=scene.exam_id, object=file, filename="scan.pdf", by=OPERATOR, profile=profile),
    )
    settle(world)
    return scene


def copies_ready(world: World) -> Scene:
    """Two copies on the markers' desks, identified."""
    scene = paper_staged(world)
    answer = world.call(ingest.ASSEMBLE_CERTAIN, ingest.AssembleCertain(exam_id=scene.exam_id, by=OPERATOR))
    settle(world)
    scene.copy_ids = list(answer.copy_ids)
    markers = tuple(copies.Marker(id=each.id, name=each.name) for each in MARKERS)
    given = world.call(copies.ALLOCATE, copies.Allocate(exam_id=scene.exam_id, markers=markers, by=OPERATOR))
    by_id = {each.id: each for each in MARKERS}
    scene.markers = {copy_id: by_id[each.marker_id] for each in given.items for copy_id in each.copy_ids}
    for copy_id, (candidate_id, _) in zip(scene.copy_ids, scene.candidates, strict=False):
        world.call(copies.IDENTIFY, copies.Identify(copy_id=copy_id, candidate_id=candidate_id, by=OPERATOR))
    return scene


def settle(world: World) -> None:
    """Let messages go until none is left, without a fault. The clock moves from one due time to the next.

    No watch runs: what only a watch would save has been lost.
    """
    for _ in range(ROUNDS):
        for service in world.unsent():
            world.relay(service)
        found = world.may_deliver()
        for message in found:
            world.deliver(message)
        world.tasks.finish()
        if not found:
            due = world.next_due()
            if due is None:
                return
            world.clock.set(max(due, world.clock.now))


def answer_late(world: World) -> Scene:
    """The answer to a first attempt is still on its way; a second was asked for, graded, and its copy reopened."""
    scene = copies_ready(world)
    (copy_id, by), *_ = scene.markers.items()
    token = world.call(copies.TAKE_LOCK, copies.TakeLock(copy_id=copy_id, by=by)).token
    scores = {item: Decimal(1) for item in ITEMS}
    world.call(copies.PUT_SCORES, copies.PutScores(copy_id=copy_id, token=token, by=by, scores=scores))
    world.call(copies.FINALISE, copies.Finalise(copy_id=copy_id, token=token, by=by))
    world.relay("grading")
    world.deliver(world.may_deliver()[0])
    world.relay("render")
    (late,) = world.broker.ready
    world.broker.ready.remove(late)
    world.clock.move(2_000)
    world.call(copies.ASK_FOR_STUCK_COPIES, LookForStuck(by=ADMIN))
    settle(world)
    world.call(copies.REOPEN, copies.Reopen(copy_id=copy_id, by=SECOND_ADMIN))
    late.due = STARTED + timedelta(seconds=45)
    world.broker.ready.append(late)
    return scene


def results_out(world: World) -> Scene:
    """Both copies are graded, and candidates may read them."""
    scene = copies_ready(world)
    for copy_id, by in scene.markers.items():
        token = world.call(copies.TAKE_LOCK, copies.TakeLock(copy_id=copy_id, by=by)).token
        scores = {item: Decimal(2) if item != "extra" else Decimal(1) for item in ITEMS}
        world.call(copies.PUT_SCORES, copies.PutScores(copy_id=copy_id, token=token, by=by, scores=scores))
        world.call(copies.FINALISE, copies.Finalise(copy_id=copy_id, token=token, by=by))
    settle(world)
    world.call(exams.PUBLISH, exams.Publish(exam_id=scene.exam_id, by=ADMIN))
    settle(world)
    return scene


PRESETS: dict[str, Any] = {
    "exam_open": open_exam, "paper_staged": paper_staged, "copies_ready": copies_ready, "answer_late": answer_late,
    "results_out": results_out,
}  # fmt: skip
