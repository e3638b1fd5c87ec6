"""What must hold in render's database: it names documents, and makes them again when they are lost."""

from __future__ import annotations

from chassis.invariants import Subjects, objects_in

SUBJECTS = (
    Subjects(
        "artefacts",
        key="record_sha256",
        type="text",
        objects=("SELECT record_sha256, document_key, document_size FROM artefacts WHERE {record_sha256}",),
    ),
    Subjects("exports", objects=(objects_in("exports", "document"),)),
)
