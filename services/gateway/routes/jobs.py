"""Slow work, from outside."""

from __future__ import annotations

from uuid import UUID

from services.gateway import jobs as views
from services.gateway.api import Page, Resource
from services.gateway.auth import caller

jobs = Resource("jobs")


@jobs.operation("GET", "/jobs", query=Page, reply=views.Jobs)
def index(query: Page) -> views.Jobs:
    """My jobs, latest first."""
    return views.listed(caller(), query.limit, query.cursor)


@jobs.operation("GET", "/jobs/<uuid:job_id>", reply=views.Job)
def show(job_id: UUID) -> views.Job:
    """A job as it stands now."""
    return views.find(job_id, caller())


@jobs.operation("DELETE", "/jobs/<uuid:job_id>", reply=views.Job)
def cancel(job_id: UUID) -> views.Job:
    """Cancel an upload; a finalisation cannot be cancelled."""
    return views.cancel(job_id, caller())
