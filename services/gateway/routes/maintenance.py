"""For whoever does not want to wait for the clock: what is overdue is asked for again, nothing is taken back."""

from __future__ import annotations

from chassis import observe
from contracts.rpc import AskedAgain, ingest
from contracts.rpc.grading import copies as rpc
from services.gateway.api import Resource
from services.gateway.auth import caller
from services.gateway.context import ask

maintenance = Resource("maintenance")
audit = observe.logger(observe.AUDIT)


@maintenance.operation("POST", "/maintenance/stuck-copies", reply=AskedAgain)
def stuck_copies() -> AskedAgain:
    """Ask again for every final document that is overdue; the answer names the copies."""
    asked = ask(rpc.ASK_FOR_STUCK_COPIES, by=caller().actor)
    audit.info("stuck_copies_asked_again", count=asked.total, actor_id=caller().id)
    return asked


@maintenance.operation("POST", "/maintenance/stuck-uploads", reply=AskedAgain)
def stuck_uploads() -> AskedAgain:
    """Ask again for the pages of every upload that stands still; the answer names the uploads."""
    asked = ask(ingest.ASK_FOR_STUCK_UPLOADS, by=caller().actor)
    audit.info("stuck_uploads_asked_again", count=asked.total, actor_id=caller().id)
    return asked
