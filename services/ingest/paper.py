"""The paper of a copy, one manifest a revision: read, and told with the next one."""

from __future__ import annotations

from uuid import UUID

from contracts.messages.ingest import CopyAssembled
from contracts.model import Actor
from contracts.records.pages import PageManifest
from services.ingest import staging, store
from services.ingest.context import Context


def read(context: Context, copy_id: UUID) -> PageManifest:
    """As it is now. Raises: NotFound."""
    with context.db.reading() as sql:
        assembly = staging.paper_of(sql, copy_id)
    return context.objects.get_json(store.as_object(assembly.manifest), PageManifest)


def written(context: Context, manifest: PageManifest, by: Actor) -> CopyAssembled:
    """What is to be told of it, once an assembly names the manifest that is in the store from now on."""
    return CopyAssembled(
        copy_id=manifest.copy_id,
        exam_id=manifest.exam_id,
        revision=manifest.revision,
        manifest=context.objects.put_json("manifests", manifest),
        page_count=len(manifest.pages),
        by=by,
    )
