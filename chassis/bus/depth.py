"""How many messages wait in each queue of a service, the dead ones above all: somebody has to look at those."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from chassis import metrics, observe
from chassis.bus import topology
from chassis.bus.publisher import BUS_ERRORS, connect
from contracts.catalogue import MESSAGES
from contracts.errors import Unavailable

EVERY_S = 15.0
_UNKNOWN: tuple[type[BaseException], ...] = (*BUS_ERRORS, Unavailable)
log = observe.logger("chassis.bus.depth")


class Depth:
    """Sets ``korrigo_queue_messages`` for the queues of ``service`` until told to stop."""

    def __init__(self, url: str, service: str, retry_delays_s: Sequence[float]) -> None:
        self._url, self._service = url, service
        self._queues = [
            queue.name
            for message in MESSAGES
            if service in message.consumers
            for queue in topology.queues_of(message, service, retry_delays_s)
        ]
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            try:
                self.measure()
            except _UNKNOWN as error:
                log.debug("queue_depth_unknown", error=type(error).__name__)

    def measure(self) -> None:
        with connect(self._url) as connection:
            channel: Any = connection.channel()
            for queue in self._queues:
                found = channel.queue_declare(queue=queue, passive=True)
                metrics.QUEUE_DEPTH.labels(service=self._service, queue=queue).set(found.message_count)

    def stop(self) -> None:
        self._stopping.set()
