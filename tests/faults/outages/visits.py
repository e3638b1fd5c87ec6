"""One plausible request to every route there is, and which parts of the system its answer needs.

``test_visits.py`` compares the table with the policy, so that no route is forgotten.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import requests

from demo import scans
from demo.client import JSON, Client
from tests.story.journey import HIGHLIGHT, MARKERS, PASSWORD, SCHEME, Journey, PatientClient, Pile, until

GATEWAY, GRADING, INGEST, RENDER, STORE = "gateway", "grading", "ingest", "render", "store"
"""What may be lacking: the gateway's database, what a service answers (over bus and database), objects."""

PATIENCE_S = 25.0  # of the visitor: a request above 10 s is to be measured, not cut off
_serial = itertools.count(1)


@dataclass
class Scene:
    """What the requests are about, fresh for every outage. ``done`` is a published exam, ``desk`` one being marked."""

    base: str
    admin: Client
    tourist: Client
    leaver: Client
    form_leaver: Client
    portal: Client
    form_portal: Client
    portal_leaver: Client
    access_code: str
    marker_ids: list[str]
    tourist_id: str
    token_id: str
    session_id: str
    done: str
    graded: str
    desk: str
    exam: JSON = field(default_factory=dict)
    spare: JSON = field(default_factory=dict)
    scheme_version: int = 0
    copies: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    annotations: list[JSON] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    booklet: JSON = field(default_factory=dict)
    upload: str = ""
    job: str = ""
    export: str = ""
    candidates: list[JSON] = field(default_factory=list)


Options = dict[str, Any]
Wanted = tuple[Client | None, str, str, Options]


@dataclass(frozen=True)
class Visit:
    """``ask`` says who asks, method, path and the rest of the request."""

    endpoint: str
    needs: frozenset[str]
    ask: Callable[[Scene], Wanted]


@dataclass(frozen=True)
class Answer:
    """``status`` 0: no answer at all; ``note`` says why, or quotes the problem's code."""

    endpoint: str
    status: int
    seconds: float
    retry_after: str | None = None
    note: str = ""
    body: JSON = field(default_factory=dict)


def small_pile(pupils: int, pages: int = 2) -> bytes:
    """A4 pages, never the same bytes twice."""
    return scans.a4_pile(scans.PUPILS[:pupils], pages=pages, dpi=75, seed=next(_serial))


def _api(client: str | None, method: str, path: str, **fixed: Any) -> Callable[[Scene], Wanted]:
    def ask(scene: Scene) -> Wanted:
        who = getattr(scene, client) if client else None
        options = {name: value(scene) if callable(value) else value for name, value in fixed.items()}
        return who, method, "/api/v1" + path.format(s=scene), options

    return ask


def _page(client: str | None, path: str) -> Callable[[Scene], Wanted]:
    return lambda s: (
        getattr(s, client) if client else None,
        "GET",
        path.format(s=s),
        {"headers": {"Accept": "text/html"}},
    )


def _form(client: str | None, path: str, **fields: Any) -> Callable[[Scene], Wanted]:
    def ask(scene: Scene) -> Wanted:
        who = getattr(scene, client) if client else None
        data = {name: value(scene) if callable(value) else value for name, value in fields.items()}
        return who, "POST", path, {"data": data, "headers": {"Accept": "text/html"}}

    return ask


def _held(number: int) -> Callable[[Scene], dict[str, str]]:
    return lambda s: {"X-Lock-Token": s.tokens[number]}


def _one_more(name: str) -> str:
    return f"{name}{next(_serial)}"


def _table() -> Iterator[tuple[str, str, Callable[[Scene], Wanted]]]:
    desk, copy, booklet = "/exams/{s.desk}", "/copies/{s.copies[0]}", "/booklets/{s.booklet[id]}"
    sign_in = {"username": MARKERS[0], "password": PASSWORD}
    scores = {"scores": {"a1": "2.5", "a2i": "1", "a2ii": "3", "b": "7"}, "remarks": {}, "appraisal": ""}
    dot = {"page": 1, "type": "highlight", **HIGHLIGHT}

    yield "session.open", "gateway", _api(None, "POST", "/session", json=sign_in)
    yield "session.show", "gateway", _api("admin", "GET", "/session")
    yield "session.close", "gateway", _api("leaver", "DELETE", "/session")
    new_password = {"current": PASSWORD, "new": PASSWORD}
    yield "session.change_password", "gateway", _api("tourist", "PUT", "/session/password", json=new_password)
    yield "tokens.index", "gateway", _api("admin", "GET", "/tokens")
    yield "tokens.create", "gateway", _api("admin", "POST", "/tokens", json={"name": "script"})
    yield "tokens.remove", "gateway", _api("admin", "DELETE", "/tokens/{s.token_id}")
    yield "session.index_sessions", "gateway", _api("admin", "GET", "/sessions")
    yield "session.end", "gateway", _api("tourist", "DELETE", "/sessions/{s.session_id}")
    yield "users.index", "gateway", _api("admin", "GET", "/users")

    def user(_: Scene) -> JSON:
        return {"username": _one_more("person"), "password": PASSWORD, "role": "marker"}

    yield "users.create", "gateway", _api("admin", "POST", "/users", json=user)
    yield "users.show", "gateway", _api("admin", "GET", "/users/{s.tourist_id}")
    yield "users.change", "gateway", _api("admin", "PATCH", "/users/{s.tourist_id}", json={"display_name": "T."})

    yield "exams.index", "gateway grading", _api("admin", "GET", "/exams")
    yield "exams.create", "gateway grading", _api("admin", "POST", "/exams", json=lambda _: new_exam("Autre"))
    yield "exams.show", "gateway grading", _api("admin", "GET", desk)
    change = {"json": lambda s: {"title": "Bureau", "version": s.exam["version"]}}
    yield "exams.change", "gateway grading", _api("admin", "PATCH", desk, **change)
    at_version = {"params": lambda s: {"version": s.spare["version"]}}
    yield "exams.remove", "gateway grading", _api("admin", "DELETE", "/exams/{s.spare[id]}", **at_version)
    yield "exams.restore", "gateway grading", _api("admin", "POST", desk + "/restore")
    yield "exams.scheme", "gateway grading", _api("admin", "GET", desk + "/scheme")
    scheme = {"json": lambda s: {"nodes": SCHEME, "version": s.scheme_version}}
    yield "exams.put_scheme", "gateway grading", _api("admin", "PUT", desk + "/scheme", **scheme)
    yield "exams.scheme_file", "gateway grading", _api("admin", "GET", desk + "/scheme.csv")
    rows = {
        "data": "path;label;points;bonus\n1;Exercice;;\n1.1;Question;20;\n",
        "headers": {"Content-Type": "text/csv"},
    }
    yield "exams.read_scheme_file", "gateway grading", _api("admin", "POST", desk + "/scheme/csv", **rows)
    roster = {"files": {"file": ("liste.csv", scans.roster_csv(), "text/csv")}}
    yield "exams.import_roster", "gateway grading store", _api("admin", "POST", desk + "/roster", **roster)
    yield "exams.bad_rows", "gateway grading store", _api("admin", "POST", desk + "/roster/errors.csv", **roster)
    yield "exams.look_at_roster", "gateway grading store", _api("admin", "POST", desk + "/roster/columns", **roster)
    printed = {"params": {"copies": 2, "pages": 2}}
    yield "exams.sheets", "gateway grading render store", _api("admin", "GET", desk + "/sheets.pdf", **printed)
    yield "exams.candidates", "gateway grading", _api("admin", "GET", desk + "/candidates")
    missing = {"json": {"only_missing": True}}
    yield "exams.issue_access_codes", "gateway grading", _api("admin", "POST", desk + "/access-codes", **missing)
    yield "exams.publish", "gateway grading", _api("admin", "PUT", desk + "/publication")
    yield "exams.withdraw", "gateway grading", _api("admin", "DELETE", desk + "/publication")

    yield "uploads.index", "gateway ingest", _api("admin", "GET", desk + "/uploads")
    yield "uploads.archives", "gateway ingest", _api("admin", "GET", desk + "/archives")
    scan = {"files": lambda _: {"file": ("pile.pdf", small_pile(1), "application/pdf")}}
    yield "uploads.create", "gateway grading ingest store", _api("admin", "POST", desk + "/uploads", **scan)
    yield "uploads.show", "gateway ingest", _api("admin", "GET", "/uploads/{s.upload}")
    yield "uploads.confirm", "gateway ingest", _api("admin", "POST", "/uploads/{s.upload}/confirm")
    yield "scan_report.show", "gateway ingest", _api("admin", "GET", desk + "/scan-report")
    yield "booklets.index", "gateway ingest", _api("admin", "GET", desk + "/booklets")
    yield "booklets.show", "gateway ingest", _api("admin", "GET", booklet)

    def pages(s: Scene) -> JSON:
        kept = [{"id": page["id"], "turn_deg": 0, "dropped": False} for page in s.booklet["pages"]]
        return {"version": s.booklet["version"], "pages": kept}

    yield "booklets.change", "gateway ingest", _api("admin", "PATCH", booklet, json=pages)
    taken_back = {"params": lambda s: {"version": s.booklet["version"], "restore": "true"}}
    yield "booklets.remove", "gateway ingest", _api("admin", "DELETE", booklet, **taken_back)
    cut = {"json": lambda s: {"version": s.booklet["version"], "before_page": s.booklet["pages"][1]["page_no"]}}
    yield "booklets.split", "gateway ingest", _api("admin", "POST", booklet + "/split", **cut)
    one = {"json": lambda s: {"booklet_ids": [s.booklet["id"], s.booklet["id"]]}}
    yield "booklets.merge", "gateway ingest", _api("admin", "POST", desk + "/booklets/merge", **one)

    def itself(s: Scene) -> JSON:
        page, version = s.booklet["pages"][0]["id"], s.booklet["version"]
        return {"source_id": s.booklet["id"], "source_version": version, "page_ids": [page], "version": version}

    yield "booklets.insert", "gateway ingest", _api("admin", "POST", booklet + "/insert", json=itself)
    yield "booklets.acts", "gateway ingest", _api("admin", "GET", desk + "/booklets/acts")
    yield "booklets.undo", "gateway ingest", _api("admin", "POST", desk + "/booklets/undo", json={})
    seen = {"json": lambda s: {"version": s.booklet["version"]}}
    yield "booklets.undo_in_one", "gateway ingest", _api("admin", "POST", booklet + "/undo", **seen)
    alone = {"json": lambda s: {"booklet_ids": [s.booklet["id"]]}}
    yield "booklets.assemble", "gateway ingest store", _api("admin", "POST", desk + "/copies", **alone)
    yield "booklets.assemble_certain", "gateway ingest store", _api("admin", "POST", desk + "/copies/assemble")

    def staged_image(s: Scene) -> Wanted:
        return s.admin, "GET", s.booklet["pages"][0]["screen"]["href"], {}

    yield "images.show", "gateway store", staged_image

    yield "copies.index", "gateway grading", _api("admin", "GET", desk + "/copies")
    yield "copies.show", "gateway grading", _api("admin", "GET", copy)
    yield "copies.page", "gateway grading store", _api("admin", "GET", copy + "/pages/1")
    full = {"params": {"size": "full"}}
    yield "copies.page", "gateway grading ingest store", _api("admin", "GET", "/copies/{s.graded}/pages/1", **full)
    late = {"json": lambda s: {"booklet_ids": [s.booklet["id"]]}}
    yield "copies.add_paper", "gateway grading ingest store", _api("admin", "POST", copy + "/paper", **late)
    zone = {"json": {"page_no": 1, "box": {"x": 0.1, "y": 0.5, "w": 0.3, "h": 0.1}}}
    yield "copies.cover", "gateway grading ingest store", _api("admin", "POST", copy + "/covers", **zone)
    # Nothing is covered under this id: refused, after the paper was looked at.
    yield "copies.uncover", "gateway grading ingest store", _api("admin", "DELETE", copy + f"/covers/{UUID(int=0)}")
    yield "copies.final", "gateway grading store", _api("admin", "GET", "/copies/{s.graded}/final.pdf")
    yield "copies.events", "gateway grading", _api("admin", "GET", copy + "/events")
    yield "audit.index", "gateway grading", _api("admin", "GET", "/audit")
    yield "identification.index", "gateway grading", _api("admin", "GET", desk + "/identification")
    choice = {"json": lambda s: {"candidate_id": s.candidates[0]["id"]}}
    yield "identification.identify", "gateway grading", _api("admin", "PUT", copy + "/identification", **choice)
    yield "identification.unidentify", "gateway grading", _api("admin", "DELETE", copy + "/identification")
    yield "identification.solve", "gateway grading", _api("admin", "POST", desk + "/identification/solve")
    yield "identification.read_again", "gateway grading", _api("admin", "POST", copy + "/identification/reading")
    readings = desk + "/identification/readings"
    yield "identification.read_failed_again", "gateway grading", _api("admin", "POST", readings)
    printed = desk + "/printed-names"
    yield "printed_names.index", "gateway grading", _api("admin", "GET", printed)
    yield "printed_names.read_failed_again", "gateway grading", _api("admin", "POST", printed + "/readings")
    nowhere = copy + "/printed-names/00000000-0000-0000-0000-000000000001"
    yield "printed_names.dismiss", "gateway grading", _api("admin", "DELETE", nowhere)
    zone = {"kind": "last_name", "x": 0.1, "y": 0.1, "w": 0.5, "h": 0.2}
    drawn = {"json": lambda s: {"sample_copy_id": s.copies[0], "zones": [zone]}}
    yield "identification.put_sheet_model", "gateway grading", _api("admin", "PUT", desk + "/sheet-model", **drawn)
    yield "identification.sheet_model", "gateway grading", _api("admin", "GET", desk + "/sheet-model")
    yield "identification.remove_sheet_model", "gateway grading", _api("admin", "DELETE", desk + "/sheet-model")

    markers = {"json": lambda s: {"marker_ids": s.marker_ids}}
    yield "marking.allocate", "gateway grading", _api("admin", "POST", desk + "/allocation", **markers)
    yield "marking.allocation", "gateway grading", _api("admin", "GET", desk + "/allocation")
    yield "marking.lock", "gateway grading", _api("admin", "POST", copy + "/lock")
    yield "marking.heartbeat", "gateway grading", _api("admin", "POST", copy + "/lock/heartbeat", headers=_held(0))
    yield "marking.unlock", "gateway grading", _api("admin", "DELETE", "/copies/{s.copies[2]}/lock", headers=_held(2))
    yield "marking.draft", "gateway grading", _api("admin", "GET", copy + "/draft")
    draft = {"json": {"client_id": "desk", "version": 0, "payload": {"a1": "2"}}, "headers": _held(0)}
    yield "marking.put_draft", "gateway grading", _api("admin", "PUT", copy + "/draft", **draft)
    operation = {"id": str(uuid4()), "do": "score", "item_id": "a1", "score": "2", "was": None}
    applied = {"json": {"client_id": "desk", "ops": [operation]}, "headers": _held(0)}
    yield "marking.apply", "gateway grading", _api("admin", "PATCH", copy + "/draft", **applied)
    yield "marking.desk", "gateway grading", _api("admin", "GET", copy + "/desk")
    comment = {"text": "Bien vu", "points": "0.5"}
    yield "comments.index", "gateway grading", _api("admin", "GET", desk + "/comments")
    yield "comments.create", "gateway grading", _api("admin", "POST", desk + "/comments", json=comment)
    changed = {"json": comment | {"version": 1}}
    yield "comments.change", "gateway grading", _api("admin", "PATCH", "/comments/{s.comments[0]}", **changed)
    first = {"params": {"version": 1}}
    yield "comments.remove", "gateway grading", _api("admin", "DELETE", "/comments/{s.comments[1]}", **first)
    yield "marking.list_annotations", "gateway grading", _api("admin", "GET", copy + "/annotations")
    yield (
        "marking.annotate",
        "gateway grading",
        _api("admin", "POST", copy + "/annotations", json=dot, headers=_held(0)),
    )
    change = {"json": {"content": "bien", "version": 1}, "headers": _held(0)}
    yield (
        "marking.change_annotation",
        "gateway grading",
        _api("admin", "PATCH", "/annotations/{s.annotations[0][id]}", **change),
    )
    gone = {"params": {"version": 1}, "headers": _held(0)}
    yield (
        "marking.remove_annotation",
        "gateway grading",
        _api("admin", "DELETE", "/annotations/{s.annotations[1][id]}", **gone),
    )
    yield "marking.scores", "gateway grading", _api("admin", "GET", copy + "/scores")
    yield "marking.put_scores", "gateway grading", _api("admin", "PUT", copy + "/scores", json=scores, headers=_held(0))
    yield (
        "marking.finalise",
        "gateway grading store",
        _api("admin", "POST", "/copies/{s.copies[1]}/finalise", headers=_held(1)),
    )
    yield "marking.reopen", "gateway grading", _api("admin", "POST", "/copies/{s.graded}/reopen")
    done, flag = "/exams/{s.done}", {"json": {"flagged": True, "note": "À revoir"}}
    yield "results.pile", "gateway grading", _api("admin", "GET", desk + "/pile")
    yield "results.flag", "gateway grading", _api("admin", "PUT", copy + "/flag", **flag)
    yield "results.statistics", "gateway grading", _api("admin", "GET", done + "/statistics")
    yield "results.index", "gateway grading", _api("admin", "GET", done + "/results")
    yield "results.as_csv", "gateway grading store", _api("admin", "GET", done + "/results.csv")
    yield "results.as_pronote", "gateway grading store", _api("admin", "GET", done + "/results.pronote.csv")
    yield "exports.create", "gateway grading store", _api("admin", "POST", done + "/exports")
    yield "exports.show", "gateway render store", _api("admin", "GET", "/exports/{s.export}")
    stuck = "/maintenance/stuck-"
    yield "maintenance.stuck_copies", "gateway grading", _api("admin", "POST", stuck + "copies")
    yield "maintenance.stuck_uploads", "gateway ingest", _api("admin", "POST", stuck + "uploads")
    yield "jobs.index", "gateway", _api("tourist", "GET", "/jobs")
    yield "jobs.show", "gateway", _api("admin", "GET", "/jobs/{s.job}")
    yield "jobs.events", "gateway ingest", _api("admin", "GET", "/jobs/{s.job}/events")
    yield "jobs.cancel", "gateway ingest", _api("admin", "DELETE", "/jobs/{s.job}")
    yield "jobs.events_of_several", "gateway ingest", _api("admin", "GET", "/jobs/events?ids={s.job}")
    yield "jobs.repeat", "gateway ingest", _api("admin", "POST", "/jobs/{s.job}/items/{s.upload}/repeat")
    yield "system.show", "gateway", _api("admin", "GET", "/system")

    yield (
        "candidate.open",
        "gateway",
        _api(None, "POST", "/candidate/session", json=lambda s: {"access_code": s.access_code}),
    )
    yield "candidate.show", "gateway", _api("portal", "GET", "/candidate/session")
    yield "candidate.close", "gateway", _api("portal_leaver", "DELETE", "/candidate/session")
    yield "candidate.results", "gateway grading store", _api("portal", "GET", "/candidate/results")
    yield "candidate.final", "gateway grading store", _api("portal", "GET", "/candidate/copies/{s.graded}/final.pdf")

    yield "web.home", "gateway", _page("admin", "/")
    yield "web.sign_in", "", _page(None, "/sign-in")
    yield "web.sign_in", "gateway", _form(None, "/sign-in", **sign_in)
    yield "web.candidate_sign_in", "gateway", _form(None, "/candidate", access_code=lambda s: s.access_code)
    yield "web.choose_language", "", _form(None, "/language", language="en", next="/")
    yield "web.asset", "", _page(None, "/assets/0/css/none.css")
    yield "web.sign_out", "gateway", _form("form_leaver", "/sign-out", csrf_token=lambda s: _csrf(s.form_leaver))
    yield "web.leave", "gateway", _form("form_portal", "/leave", csrf_token=lambda s: _csrf(s.form_portal))
    for name in ("scheme", "roster", "identification", "allocation", "copies", "publication", "access-codes"):
        yield "web." + name.replace("-", "_"), "gateway grading", _page("admin", "/exams/{s.desk}/" + name)
    for endpoint, name in (("pile", "pile"), ("statistics", "statistics"), ("exam_results", "results")):
        yield "web." + endpoint, "gateway grading", _page("admin", "/exams/{s.done}/" + name)
    yield "web.scans", "gateway grading ingest", _page("admin", "/exams/{s.desk}/scans")
    yield "web.exams", "gateway grading", _page("admin", "/exams")
    yield "web.new_exam", "gateway", _page("admin", "/exams/new")
    yield "web.exam", "gateway grading", _page("admin", "/exams/{s.desk}")
    yield "web.copy", "gateway grading", _page("admin", copy)
    yield "web.users", "gateway", _page("admin", "/users")
    yield "web.mark", "gateway grading", _page("admin", copy + "/mark")
    yield "web.mark_next", "gateway grading", _page("admin", "/exams/{s.desk}/mark")
    yield "web.audit", "gateway grading", _page("admin", "/audit")
    for name in ("account", "jobs", "system"):
        yield "web." + name, "gateway", _page("admin", "/" + name)
    yield "web.results", "gateway grading store", _page("portal", "/results")
    yield "documents.openapi", "", _api(None, "GET", "/openapi.json")
    yield "documents.page", "", _api(None, "GET", "/docs")
    yield "static", "", _page(None, "/static/none.css")


VISITS = tuple(Visit(endpoint, frozenset(needs.split()), ask) for endpoint, needs, ask in _table())


def _csrf(client: Client) -> str:
    return str(client.http.headers["X-CSRF-Token"])


def new_exam(title: str) -> JSON:
    return {"title": title, "date": "2026-05-12", "total_points": "20", "intake": "a4", "pages_per_booklet": 2}


def visit(scene: Scene, each: Visit) -> Answer:
    """Ask, on a connection of its own, and wait for the whole answer."""
    who, method, path, options = each.ask(scene)
    headers = {**(dict(who.http.headers) if who else {}), **options.pop("headers", {})}
    cookies = who.http.cookies if who else None
    started = time.monotonic()
    try:
        answer = requests.request(
            method,
            scene.base + path,
            headers=headers,
            cookies=cookies,
            timeout=PATIENCE_S,
            allow_redirects=False,
            **options,
        )
    except requests.RequestException as error:
        return Answer(each.endpoint, 0, time.monotonic() - started, note=repr(error)[:200])
    seconds = time.monotonic() - started
    body = answer.json() if "json" in answer.headers.get("Content-Type", "") else {}
    note = f"{body.get('code', '')} {body.get('dependency', '')}".strip() if answer.status_code >= 400 else ""
    return Answer(each.endpoint, answer.status_code, seconds, answer.headers.get("Retry-After"), note, body)


def visit_all(scene: Scene, at_once: int = 24) -> list[Answer]:
    with ThreadPoolExecutor(at_once) as visitors:
        return list(visitors.map(lambda each: visit(scene, each), VISITS))


class Stage:
    """Builds scenes: once the exams and people, then for each outage what the last one may have used up."""

    def __init__(self, base: str, admin_password: str) -> None:
        self._base, self._password = base, admin_password
        pupils = scans.PUPILS[:1]
        pile = Pile("Résultats", "a3", scans.a3_pile(pupils), scans.roster_csv(), [each.ine for each in pupils])
        self._journey = journey = Journey(base, pile)
        journey.open(admin_password)
        journey.finish_upload(journey.start_upload())
        journey.assemble()
        journey.identify()
        journey.allocate()
        journey.mark_all()
        journey.publish()
        ids: dict[str, str] = {}
        codes = journey.admin.post(f"/exams/{journey.exam}/access-codes")["items"]
        candidates = {c["id"]: c["ine"] for c in journey.admin.items(f"/exams/{journey.exam}/candidates")}
        self._code = next(each["code"] for each in codes if candidates[each["candidate_id"]] == pupils[0].ine)
        for name in ("tourist", "leaver"):  # whoever changes their password ends their other sessions
            person = {"username": name, "password": PASSWORD, "role": "operator", "display_name": name.title()}
            ids[name] = journey.admin.post("/users", json=person)["id"]
        self._tourist_id = ids["tourist"]
        self._desk = journey.admin.post("/exams", json=new_exam("Bureau"))["id"]
        journey.admin.put(f"/exams/{self._desk}/scheme", json={"nodes": SCHEME})
        journey.admin.post(f"/exams/{self._desk}/roster", files={"file": ("l.csv", scans.roster_csv(), "text/csv")})

    def scene(self) -> Scene:
        admin = PatientClient(self._base).sign_in("admin", self._password)
        desk = f"/exams/{self._desk}"

        def staff(name: str) -> Client:
            return PatientClient(self._base).sign_in(name, PASSWORD)

        def candidate() -> Client:
            return PatientClient(self._base).sign_in_candidate(self._code)

        staff("tourist")  # a session that can be ended
        tourist = staff("tourist")
        scene = Scene(
            base=self._base,
            admin=admin,
            tourist=tourist,
            leaver=staff("leaver"),
            form_leaver=staff("leaver"),
            portal=candidate(),
            form_portal=candidate(),
            portal_leaver=candidate(),
            access_code=self._code,
            marker_ids=[marker.user["id"] for marker in self._journey.markers],
            tourist_id=self._tourist_id,
            token_id=admin.post("/tokens", json={"name": "gone soon"})["id"],
            session_id=next(each["id"] for each in tourist.get("/sessions")["items"] if not each["current"]),
            done=self._journey.exam,
            graded=self._journey.copies[0],
            desk=self._desk,
            candidates=admin.items(f"{desk}/candidates"),
        )
        files = {"file": ("pile.pdf", small_pile(4), "application/pdf")}
        job = admin.wait(admin.post(f"{desk}/uploads", files=files))
        assert job["status"] == "succeeded", job
        scene.job, scene.upload = job["id"], job["items"][0]["id"]
        found = [each for each in admin.items(f"{desk}/booklets") if each["upload_id"] == scene.upload]
        assert len(found) == 4
        for each in found[:3]:
            made = admin.post(f"{desk}/copies", json={"booklet_ids": [each["id"]]})
            scene.copies += made["copy_ids"]
        scene.booklet = found[3]
        for copy_id in scene.copies:
            until(lambda copy_id=copy_id: self._has_come(admin, copy_id), "a copy in grading")
            scene.tokens.append(admin.post(f"/copies/{copy_id}/lock")["token"])
        held = {"X-Lock-Token": scene.tokens[1]}
        scores = {"scores": {"a1": "2.5", "a2i": "1", "a2ii": "3", "b": "7"}, "remarks": {}, "appraisal": ""}
        admin.put(f"/copies/{scene.copies[1]}/scores", json=scores, headers=held)
        dot = {"page": 1, "type": "highlight", **HIGHLIGHT}
        for _ in range(2):
            made = admin.post(
                f"/copies/{scene.copies[0]}/annotations", json=dot, headers={"X-Lock-Token": scene.tokens[0]}
            )
            scene.annotations.append(made)
        for text in ("à changer", "à retirer"):
            scene.comments.append(admin.post(f"{desk}/comments", json={"text": text})["id"])
        scene.exam = admin.get(desk)
        scene.scheme_version = admin.get(f"{desk}/scheme")["version"]
        scene.spare = admin.post("/exams", json=new_exam("Bientôt mise de côté"))
        zipped = admin.wait(admin.post(f"/exams/{scene.done}/exports"))
        scene.export = zipped["result"]["href"].rpartition("/")[2]
        return scene

    @staticmethod
    def _has_come(admin: Client, copy_id: str) -> bool:
        return admin.http.get(f"{admin.base}/api/v1/copies/{copy_id}", timeout=30).status_code == 200
