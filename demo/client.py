"""Korrigo's API as a person uses it: one signed-in session, refusals as exceptions."""

from __future__ import annotations

import time
from typing import Any, Self

import requests

JSON = dict[str, Any]
FINISHED = {"succeeded", "failed", "cancelled"}


class ApiRefused(Exception):
    """The API answered with a problem document; ``problem`` is it, ``status`` its HTTP status."""

    def __init__(self, status: int, problem: JSON) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')}")
        self.status = status
        self.problem = problem


class Client:
    """One person's session. ``base`` is the server's address without a path; every call waits at most 30 s."""

    def __init__(self, base: str, *, language: str = "fr") -> None:
        self.base = base.rstrip("/")
        self.http = requests.Session()
        self.http.headers["Accept-Language"] = language
        self.user: JSON = {}

    def sign_in(self, username: str, password: str) -> Self:
        """Open a session; later writes carry its CSRF token."""
        opened = self.post("/session", json={"username": username, "password": password})
        self.user = opened["user"]
        self.http.headers["X-CSRF-Token"] = opened["csrf_token"]
        return self

    def sign_in_candidate(self, access_code: str) -> Self:
        opened = self.post("/candidate/session", json={"access_code": access_code})
        self.http.headers["X-CSRF-Token"] = opened["csrf_token"]
        return self

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Any call under ``/api/v1``; raises ApiRefused from 400 up."""
        options.setdefault("timeout", 30)
        answer = self.http.request(method, f"{self.base}/api/v1{path}", **options)
        if answer.status_code >= 400:
            body = answer.json() if "json" in answer.headers.get("Content-Type", "") else {"detail": answer.text[:200]}
            raise ApiRefused(answer.status_code, body)
        return answer

    def get(self, path: str, **options: Any) -> JSON:
        return self._json(self.call("GET", path, **options))

    def post(self, path: str, **options: Any) -> JSON:
        return self._json(self.call("POST", path, **options))

    def put(self, path: str, **options: Any) -> JSON:
        return self._json(self.call("PUT", path, **options))

    def patch(self, path: str, **options: Any) -> JSON:
        return self._json(self.call("PATCH", path, **options))

    def delete(self, path: str, **options: Any) -> None:
        self.call("DELETE", path, **options)

    def items(self, path: str, **params: Any) -> list[JSON]:
        """A whole list, cursor by cursor."""
        found: list[JSON] = []
        cursor = None
        while True:
            page = self.get(path, params={**params, "limit": 200, **({"cursor": cursor} if cursor else {})})
            found += page["items"]
            cursor = page["next"]
            if cursor is None:
                return found

    def wait(self, job: JSON, *, timeout_s: float = 120) -> JSON:
        """The job once it has ended, however it ended. TimeoutError after ``timeout_s``."""
        end = time.monotonic() + timeout_s
        while job["status"] not in FINISHED:
            if time.monotonic() > end:
                raise TimeoutError(f"job {job['id']} is {job['status']} at {job['done']}/{job['total']}")
            time.sleep(0.2)
            job = self.get(f"/jobs/{job['id']}")
        return job

    @staticmethod
    def _json(answer: requests.Response) -> JSON:
        return answer.json() if answer.content else {}
