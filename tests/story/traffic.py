"""What travels on the broker while a story runs: a second consumer on every exchange, taking nothing from anybody."""

from __future__ import annotations

import json
import threading
from collections import Counter
from types import TracebackType
from typing import Self

import kombu

from chassis.bus.topology import RPC_EXCHANGE
from contracts.catalogue import MESSAGES


class Traffic:
    """Counts messages by (type, subject) and remote calls by (queue they came to, where the answer goes)."""

    def __init__(self, bus_url: str) -> None:
        self.messages: Counter[tuple[str, str]] = Counter()
        self.calls: Counter[tuple[str, str]] = Counter()
        self._connection = kombu.Connection(bus_url)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        channel = self._connection.default_channel
        queue = kombu.Queue("story.traffic", channel=channel, auto_delete=True, durable=False)
        queue.declare()
        exchanges = {message.exchange for message in MESSAGES}
        for name in exchanges:
            kombu.Exchange(name, type="topic", durable=True, channel=channel).declare()
            queue.bind_to(name, routing_key="#")
        queue.bind_to(RPC_EXCHANGE, routing_key="*.*")
        self._consumer = kombu.Consumer(channel, queues=[queue], on_message=self._count, no_ack=True)
        self._consumer.consume()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._connection.release()

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                self._connection.drain_events(timeout=0.2)
            except TimeoutError:
                continue

    def _count(self, message: kombu.Message) -> None:
        if message.delivery_info["exchange"] == RPC_EXCHANGE:
            self.calls[message.delivery_info["routing_key"], message.properties["reply_to"]] += 1
        else:
            event = json.loads(message.body)
            self.messages[event["type"], event["subject"]] += 1
