"""render on the bus: one command in, one reply out; and answer sheets while somebody waits."""

from __future__ import annotations

from collections.abc import Mapping

from chassis import status
from chassis.bus.app import App, every
from chassis.bus.rpc_server import serve
from chassis.bus.subscription import Delivery, subscribe
from contracts.messages.render import BuildExport, ComposeDocument
from contracts.rpc import render as rpc
from contracts.rpc import status as status_rpc
from services.render import exports, usecases
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

    @subscribe(BuildExport, on_exhausted="export_failed")
    def build_export(self, delivery: Delivery[BuildExport]) -> None:
        exports.build_export(self.app, delivery)

    def export_failed(self, delivery: Delivery[BuildExport]) -> None:
        exports.give_up(delivery)

    @serve(rpc.GET_EXPORT)
    def get_export(self, request: rpc.GetExport) -> rpc.ExportView:
        return exports.get_export(self.app, request)

    @every(seconds=3600)
    def forget_old_exports(self) -> None:
        exports.forget_old_exports(self.app)

    @serve(rpc.ANSWER_SHEETS)
    def answer_sheets(self, request: rpc.AnswerSheetsWanted) -> rpc.AnswerSheets:
        return usecases.answer_sheets(self.app, request)

    @serve(status_rpc.RENDER_STATUS)
    def status(self, _: status_rpc.AskStatus) -> status_rpc.ServiceStatus:
        return status.of(self.app.db, self.app.objects)


service = RenderService
