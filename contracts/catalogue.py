"""Every message there is: who owns it, who hears it. Topology, AsyncAPI and tests derive from this page."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from contracts.messages import grading, ingest, ocr, render
from contracts.model import Tolerant


class Kind(StrEnum):
    EVENT = "event"
    COMMAND = "command"


class Audience(StrEnum):
    """``PRIVATE``: a service to itself; ``SERVICES``: between ours; ``PUBLIC``: a promise to other school systems."""

    PRIVATE = "private"
    SERVICES = "services"
    PUBLIC = "public"


PUBLIC_EXCHANGE = "korrigo.public"


@dataclass(frozen=True)
class Message:
    """One message type. ``owner`` is the service that emits an event, or that carries out a command."""

    name: str
    version: int
    owner: str
    kind: Kind
    audience: Audience
    model: type[Tolerant]
    senders: tuple[str, ...]
    consumers: tuple[str, ...]

    @property
    def type(self) -> str:
        """CloudEvents ``type`` and routing key, such as ``ingest.copy.assembled.v1``."""
        return f"{self.name}.v{self.version}"

    @property
    def exchange(self) -> str:
        if self.audience is Audience.PUBLIC:
            return PUBLIC_EXCHANGE
        return f"{self.owner}.{'commands' if self.kind is Kind.COMMAND else 'events'}"

    def queue(self, consumer: str) -> str:
        return f"{consumer}.on.{self.type}"


def _event(name: str, model: type[Tolerant], *consumers: str, audience: Audience = Audience.SERVICES) -> Message:
    owner = name.split(".", 1)[0]
    return Message(name, 1, owner, Kind.EVENT, audience, model, (owner,), consumers)


def _command(name: str, model: type[Tolerant], sender: str) -> Message:
    owner = name.split(".", 1)[0]
    audience = Audience.PRIVATE if sender == owner else Audience.SERVICES
    return Message(name, 1, owner, Kind.COMMAND, audience, model, (sender,), (owner,))


MESSAGES: tuple[Message, ...] = (
    _command("ingest.sheets.split", ingest.SplitSheets, sender="ingest"),
    _command("ingest.entry.unpack", ingest.UnpackEntry, sender="ingest"),
    _event("ingest.upload.settled", ingest.UploadSettled, "grading"),
    _event("ingest.copy.assembled", ingest.CopyAssembled, "grading"),
    _command("ocr.text.extract", ocr.ExtractText, sender="grading"),
    _event("ocr.text.extracted", ocr.TextExtracted, "grading"),
    _command("ocr.print.extract", ocr.ExtractPrint, sender="grading"),
    _event("ocr.print.extracted", ocr.PrintExtracted, "grading"),
    _command("render.document.compose", render.ComposeDocument, sender="grading"),
    _event("render.document.composed", render.DocumentComposed, "grading"),
    _command("render.export.build", render.BuildExport, sender="grading"),
    _event("render.export.settled", render.ExportSettled, "grading"),
    _event("grading.copy.graded", grading.CopyGraded, audience=Audience.PUBLIC),
    _event("grading.copy.grading_failed", grading.CopyGradingFailed, audience=Audience.PUBLIC),
    _event("grading.exam.published", grading.ExamPublished, audience=Audience.PUBLIC),
    _event("grading.exam.withdrawn", grading.ExamWithdrawn, audience=Audience.PUBLIC),
)

BY_MODEL: dict[type[Tolerant], Message] = {message.model: message for message in MESSAGES}
BY_TYPE: dict[str, Message] = {message.type: message for message in MESSAGES}
SERVICES: tuple[str, ...] = ("ingest", "ocr", "grading", "render")
