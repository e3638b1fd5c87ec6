from __future__ import annotations

import dataclasses

import pytest
from amqp.exceptions import PreconditionFailed

from chassis.bus import topology
from chassis.bus.publisher import connect
from chassis.bus.topology import Queue, queues_of
from contracts.catalogue import BY_TYPE, MESSAGES

COMPOSE = BY_TYPE["render.document.compose.v1"]


def test_a_consumer_has_a_main_queue_one_per_delay_and_a_dead_one() -> None:
    names = [queue.name for queue in queues_of(COMPOSE, "render", (0.5, 30))]
    main = "render.on.render.document.compose.v1"
    assert names == [main, f"{main}.retry.0.5s", f"{main}.retry.30s", f"{main}.dead"]


def test_retries_return_to_the_main_queue_and_a_worn_out_delivery_is_dead() -> None:
    main, retry, dead = queues_of(COMPOSE, "render", (5,))
    assert main.bindings == (("render.commands", "render.document.compose.v1"),)
    assert main.arguments["x-dead-letter-routing-key"] == dead.name
    assert (retry.arguments["x-dead-letter-routing-key"], retry.arguments["x-message-ttl"]) == (main.name, 5000)
    assert "x-dead-letter-exchange" not in dead.arguments  # the end of the road


def test_every_consumer_of_the_catalogue_has_its_queues_and_nobody_else() -> None:
    mains = {queue.name for queue in topology.topology().queues if queue.bindings}
    assert mains == {message.queue(consumer) for message in MESSAGES for consumer in message.consumers}
    assert {queue.arguments["x-queue-type"] for queue in topology.topology().queues} == {"quorum"}


def test_declaring_again_is_harmless_and_a_change_is_refused(vhost: str) -> None:
    wanted = topology.topology()
    with connect(vhost) as connection:
        topology.declare(connection.channel(), wanted)
        topology.declare(connection.channel(), wanted)
        first, *others = wanted.queues
        changed = Queue(first.name, {**first.arguments, "x-delivery-limit": 1}, first.bindings)
        with pytest.raises(PreconditionFailed):
            topology.declare(connection.channel(), dataclasses.replace(wanted, queues=(changed, *others)))


def test_the_plain_form_is_json() -> None:
    plain = topology.plain()
    assert plain["exchanges"][-1] == "nameko-rpc"
    assert plain["queues"][0]["arguments"]["x-queue-type"] == "quorum"
