"""ocr on the bus: for each command in, one event out."""

from __future__ import annotations

from collections.abc import Mapping

from chassis import status
from chassis.bus.app import App
from chassis.bus.rpc_server import serve
from chassis.bus.subscription import Delivery, subscribe
from contracts.messages.ocr import ExtractPrint, ExtractText
from contracts.rpc import status as status_rpc
from services.ocr import printed, usecases
from services.ocr.context import Context

CHILDREN = 2
"""Headers read at a time in each process; each may keep one core busy. Scale out by processes."""


class OcrService:
    name = "ocr"
    app = App()

    @classmethod
    def build(cls, environ: Mapping[str, str]) -> Context:
        return Context.build(environ, children=CHILDREN)

    @subscribe(ExtractText, concurrency=CHILDREN, on_exhausted="extraction_failed")
    def extract_text(self, delivery: Delivery[ExtractText]) -> None:
        usecases.extract_text(self.app, delivery.payload, delivery.transaction)

    def extraction_failed(self, delivery: Delivery[ExtractText]) -> None:
        usecases.extraction_failed(self.app, delivery.payload, delivery.error, delivery.transaction)

    @subscribe(ExtractPrint, on_exhausted="print_failed")
    def extract_print(self, delivery: Delivery[ExtractPrint]) -> None:
        printed.extract_print(self.app, delivery.payload, delivery.transaction)

    def print_failed(self, delivery: Delivery[ExtractPrint]) -> None:
        printed.print_failed(delivery.payload, delivery.error, delivery.transaction)

    @serve(status_rpc.OCR_STATUS)
    def status(self, _: status_rpc.AskStatus) -> status_rpc.ServiceStatus:
        return status.of(self.app.db, self.app.objects)


service = OcrService
