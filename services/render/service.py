"""render on the bus: one command in, one reply out."""

from __future__ import annotations

from collections.abc import Mapping

from chassis.bus.app import App
from chassis.bus.subscription import Delivery, subscribe
from contracts.messages.render import ComposeDocument
from services.render import usecases
from services.render.context import Context


class RenderService:
    """Makes final documents. It holds nothing that could not be made again."""

    name = "render"
    app = App()

    @classmethod
    def build(cls, environ: Mapping[str, str]) -> Context:
        return Context.build(environ)

    @subscribe(ComposeDocument, concurrency=2, on_exhausted="compose_failed")
    def compose_document(self, delivery: Delivery[ComposeDocument]) -> None:
        usecases.compose_document(self.app, delivery)

    def compose_failed(self, delivery: Delivery[ComposeDocument]) -> None:
        usecases.give_up(delivery)


service = RenderService
