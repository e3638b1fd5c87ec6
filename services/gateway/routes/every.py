"""All resources of /api/v1. Importing this declares every operation."""

from __future__ import annotations

from services.gateway.api import Resource
from services.gateway.routes.audit import audit
from services.gateway.routes.booklets import booklets
from services.gateway.routes.candidate import candidate
from services.gateway.routes.comments import comments
from services.gateway.routes.copies import copies
from services.gateway.routes.exams import exams
from services.gateway.routes.exports import exports
from services.gateway.routes.identification import identification
from services.gateway.routes.images import images
from services.gateway.routes.jobs import jobs
from services.gateway.routes.maintenance import maintenance
from services.gateway.routes.marking import marking
from services.gateway.routes.printed_names import printed_names
from services.gateway.routes.results import results
from services.gateway.routes.scan_report import scan_report
from services.gateway.routes.session import personal_tokens, session
from services.gateway.routes.system import system
from services.gateway.routes.uploads import uploads
from services.gateway.routes.users import users

RESOURCES: tuple[Resource, ...] = (
    session,
    personal_tokens,
    users,
    exams,
    uploads,
    scan_report,
    booklets,
    copies,
    identification,
    printed_names,
    marking,
    comments,
    results,
    exports,
    jobs,
    audit,
    system,
    maintenance,
    candidate,
    images,
)
