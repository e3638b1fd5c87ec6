"""The candidate's door: a personal code opens it, and only their own published results are behind it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from flask import Response, g, request
from pydantic import StringConstraints

from chassis import observe
from chassis.db import UnitOfWork
from contracts.model import Model, Role
from contracts.rpc.grading import exams as rpc
from services.gateway import auth, codes, limits, people, streams
from services.gateway.api import Resource, respond
from services.gateway.auth import Caller, Means, caller
from services.gateway.context import ask, gateway

candidate = Resource("candidate")


class CandidateSignIn(Model):
    access_code: Annotated[str, StringConstraints(max_length=100)]


class CandidateSession(Model):
    """``csrf_token`` goes into X-CSRF-Token with every write."""

    person_id: UUID
    csrf_token: str | None


@candidate.operation("POST", "/candidate/session", body=CandidateSignIn, reply=CandidateSession, statuses=(201,))
def open(body: CandidateSignIn) -> Response:
    """Enter with a personal access code; upper or lower case, with or without blanks and dashes."""
    here = gateway()
    attempt = (limits.LOGIN_ADDRESS, request.remote_addr or "unknown")
    limits.hit(here.db, here.settings, attempt)
    with here.db.transaction() as work:
        access = people.find_access(work, body.access_code)
        before = request.cookies.get(auth.cookie_name(here.settings, Means.CANDIDATE))
        if before:
            auth.end_session(work, codes.digest(before))
        secret, digest = auth.open_session(work, here.settings.candidate_session_s, access_id=access.id)
        _note(work, access.person_id, "candidate.session", None)
        limits.forgive(work, attempt)
        people.tidy(work)
    observe.logger(observe.AUDIT).info("candidate_entered", person_id=access.person_id)
    who = Caller(access.person_id, "", "", Role.CANDIDATE, Means.CANDIDATE, digest)
    response = respond(_session_of(who), 201)
    auth.set_cookie(response, Means.CANDIDATE, secret)
    return response


@candidate.operation("GET", "/candidate/session", reply=CandidateSession)
def show() -> CandidateSession:
    """The session as it stands, with the value for X-CSRF-Token."""
    return _session_of(caller())


@candidate.operation("DELETE", "/candidate/session", statuses=(204,))
def close() -> Response:
    """Leave."""
    return auth.leave(Means.CANDIDATE)


@candidate.operation("GET", "/candidate/results", reply=rpc.CandidateResults)
def results() -> rpc.CandidateResults:
    """My published results."""
    who = caller()
    found = ask(rpc.OWN_RESULTS, person_id=who.id)
    with gateway().db.transaction() as work:
        _note(work, who.id, "candidate.results", None)
    return found


@candidate.operation(
    "GET",
    "/candidate/copies/<uuid:copy_id>/final.pdf",
    statuses=(200, 206, 304),
    gives=("application/pdf",),
)
def final(copy_id: UUID) -> Response:
    """My marked copy as PDF; 404 for anybody else's, and for what is not published."""
    who = caller()
    document = ask(rpc.OWN_DOCUMENT, person_id=who.id, copy_id=copy_id)
    response = streams.send(document.object, caching=streams.NEVER, filename=document.filename)
    with gateway().db.transaction() as work:
        _note(work, who.id, "candidate.final", copy_id)
    return response


def _session_of(who: Caller) -> CandidateSession:
    return CandidateSession(person_id=who.id, csrf_token=who.csrf_token)


def _note(work: UnitOfWork, person: UUID, action: str, subject: UUID | None) -> None:
    people.note_access(
        work,
        actor_id=person,
        role=Role.CANDIDATE,
        action=action,
        subject_id=subject,
        request_id=g.get("request_id"),
    )
