"""The caller alone; its conversations with a service are in the scenarios of ``test_every_bus``."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from chassis.bus import inproc, rpc_client, topology
from chassis.bus.publisher import connect
from chassis.bus.rpc_client import RpcClient
from chassis.testing.servers import RabbitMQ
from contracts.errors import Unavailable
from contracts.rpc import Done, Method, ingest
from tests.bus.watching import until
from tests.faults.proxy import Proxy

ASK = Method("ocr", "ask", ingest.OfExam, Done)


def test_without_a_broker_a_call_fails_quickly() -> None:
    client = RpcClient("amqp://guest:guest@127.0.0.1:1//")
    for _ in range(2):
        started = time.monotonic()
        with pytest.raises(Unavailable) as failure:
            client.call(ASK, ingest.OfExam(exam_id=uuid4()))
        assert failure.value.dependency == "bus"
        assert time.monotonic() - started < 1.5
    assert not client.ready()
    client.close()


def test_a_question_nobody_waits_for_any_more_is_not_asked() -> None:
    url = "inproc://deadline"
    client = RpcClient(url)
    until(client.ready)
    with connect(url) as connection:
        channel = connection.channel()
        channel.queue_declare(queue="rpc-ocr")
        channel.queue_bind(queue="rpc-ocr", exchange=topology.RPC_EXCHANGE, routing_key="ocr.*")
        with pytest.raises(Unavailable) as failure:
            client.call(ASK, ingest.OfExam(exam_id=uuid4()), timeout_s=0.3)
        assert (failure.value.dependency, failure.value.reason) == ("ocr", "no answer in time")
        until(lambda: channel.queue_declare(queue="rpc-ocr", passive=True).message_count == 0, seconds=1)
    client.close()
    inproc.forget(url)


def test_the_connection_ends_with_the_client() -> None:
    url = "inproc://ended"
    client = RpcClient(url)
    until(client.ready)
    client.close()
    assert not client.ready()
    with connect(url) as connection, connection.channel() as channel:
        assert not [name for name in channel.broker.queues if name.startswith("rpc.reply-")]
    inproc.forget(url)


def test_a_silent_broker_is_not_waited_for_and_left_when_it_stays_silent(
    rabbitmq: RabbitMQ, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_client, "HEARTBEAT_S", 2)
    with Proxy(rabbitmq.port) as wire:
        client = RpcClient(vhost.replace(f":{rabbitmq.port}/", f":{wire.port}/"))
        until(client.ready)
        wire.mute()
        until(lambda: not client.ready(), seconds=6)  # 1.25 of the heartbeat, and a second to look
        started = time.monotonic()
        with pytest.raises(Unavailable, match="bus"):
            client.call(ASK, ingest.OfExam(exam_id=uuid4()))
        assert time.monotonic() - started < 1.5
        wire.clear()
        until(client.ready, seconds=15)  # on a new connection: the old one never speaks again
        client.close()
