"""Pages, and the objects that hold them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from chassis.objects import Objects
from contracts.errors import Refusal, Unavailable
from contracts.objects import ObjectRef
from oversight import garbage
from oversight.inventory import Inventory
from services.ingest import domain as staging_domain
from services.ingest import splitting, staging
from services.ingest import usecases as ingest_usecases
from tests.faults.simulation.defects.planting import defect, replaced
from tests.faults.simulation.world import World


@defect("I13")
def leaves_the_last_page_behind(_: World) -> Iterator[None]:
    def pages_to_assemble(booklets: Any) -> Any:
        return original(booklets)[:-1] or original(booklets)

    original = staging_domain.pages_to_assemble
    with replaced((staging_domain, "pages_to_assemble", pages_to_assemble)):
        yield


@defect("I13")
def loses_a_page_when_merging(_: World) -> Iterator[None]:
    def place_pages(sql: Any, places: Any) -> None:
        original(sql, places[:-1] if len(places) > 2 else places)

    original = staging.place_pages
    with replaced((staging, "place_pages", place_pages)):
        yield


@defect("defect")
def calls_an_upload_ready_too_early(_: World) -> Iterator[None]:
    def add_pages(sql: Any, upload_id: Any, rows: Any) -> tuple[int, int]:
        done, sides = original(sql, upload_id, rows)
        return (sides if done else 0, sides)

    original = splitting.store.add_pages
    with replaced((splitting.store, "add_pages", add_pages)):
        yield


@defect("I9")
def takes_a_failed_write_for_done(_: World) -> Iterator[None]:
    def put(self: Any, kind: str, data: Any, digest: str, size: int, media_type: str) -> Any:
        try:
            return original(self, kind, data, digest, size, media_type)
        except Unavailable:
            return ObjectRef(key=f"{kind}/{digest[:2]}/{digest}", sha256=digest, size=size, media_type=media_type)

    original = Objects._put
    with replaced((Objects, "_put", put)):
        yield


@defect("defect")
def deletes_what_it_refuses_at_once(_: World) -> Iterator[None]:
    """Somebody else may be putting the same bytes."""

    def inspect(context: Any, ref: Any) -> Any:
        try:
            return original(context, ref)
        except Refusal:
            context.objects.delete(ref.key)
            raise

    original = ingest_usecases._inspect
    with replaced((ingest_usecases, "_inspect", inspect)):
        yield


@defect("I9")
def collects_what_is_still_young(_: World) -> Iterator[None]:
    """No grace: an object goes whose row is about to be written."""

    def collect(installation: Any, **options: Any) -> Any:
        return original(installation, **options | {"grace": timedelta(0)})

    original = garbage.collect
    with replaced((garbage, "collect", collect)):
        yield


@defect("I9")
def collects_without_asking_about_pages(_: World) -> Iterator[None]:
    class Blind(Inventory):
        def read_names(self, read: Any) -> None:
            super().read_names(read)
            self._sqlite.execute("DELETE FROM named WHERE key LIKE 'pages/%'")

    with replaced((garbage, "Inventory", Blind)):
        yield
