"""What kombu users rely on means the same on RabbitMQ and inside one process. Plain kombu, real threads."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

import kombu
import pytest
from amqp.exceptions import NotFound, PreconditionFailed, ResourceLocked

from chassis.bus import inproc
from chassis.bus.publisher import Publisher, Unroutable, connect
from tests.bus.watching import until

_serial = itertools.count(1)


@pytest.fixture(scope="module", params=["rabbitmq", "inproc"])
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("vhost")) if request.param == "rabbitmq" else "inproc://parity"


@pytest.fixture
def name() -> str:
    return f"parity-{next(_serial)}"


@pytest.fixture
def connection(url: str) -> Iterator[Any]:
    with connect(url) as opened:
        yield opened


class Reader:
    """Consumes a queue; keeps deliveries unsettled until told."""

    def __init__(self, url: str, queue: str, *, prefetch: int = 0, no_ack: bool = False) -> None:
        self.connection = connect(url)
        self.channel = self.connection.channel()
        self.got: list[Any] = []
        if prefetch:
            self.channel.basic_qos(0, prefetch, False)
        self.consumer = kombu.Consumer(self.channel, [kombu.Queue(queue, no_declare=True)], on_message=self.got.append)
        self.consumer.consume(no_ack=no_ack)

    def read(self, *, count: int | None = None, seconds: float = 3) -> list[Any]:
        """Until ``count`` have come, or for ``seconds`` when none is said."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and (count is None or len(self.got) < count):
            try:
                self.connection.drain_events(timeout=0.05)
            except TimeoutError:
                continue
        assert count is None or len(self.got) >= count, f"{len(self.got)} of {count} came"
        return self.got

    def bodies(self, **options: Any) -> list[str]:
        return [_text(message.body) for message in self.read(**options)]

    def close(self) -> None:
        self.connection.close()


def _text(body: bytes | str) -> str:
    return body if isinstance(body, str) else body.decode()


def put(connection: Any, body: str, *, exchange: str = "", routing_key: str, **properties: Any) -> None:
    channel = connection.default_channel
    message = channel.prepare_message(body, None, "text/plain", "utf-8", {}, properties)
    channel.basic_publish(message, exchange=exchange, routing_key=routing_key)


def declare(connection: Any, queue: str, **options: Any) -> Any:
    return connection.default_channel.queue_declare(queue=queue, **{"durable": True, "auto_delete": False, **options})


@pytest.mark.parametrize(
    ("binding", "key", "matches"),
    [
        ("a.b", "a.b", True), ("a.b", "a.bb", False), ("a.*", "a.b", True), ("a.*", "a.b.c", False),
        ("a.*", "a", False), ("*.b", "a.b", True), ("a.#", "a", True), ("a.#", "a.b.c", True), ("a.#", "ab", False),
        ("#.c", "c", True), ("#.c", "a.b.c", True), ("#", "", True), ("#", "a.b", True), ("a.#.d", "a.d", True),
        ("a.#.d", "a.b.c.d", True), ("a.#.d", "a.b.c", False), ("a.+", "a.b", False),
    ],
)  # fmt: skip
def test_topic_words(url: str, connection: Any, name: str, binding: str, key: str, matches: bool) -> None:
    connection.default_channel.exchange_declare(exchange=name, type="topic", durable=False, auto_delete=False)
    declare(connection, name)
    connection.default_channel.queue_bind(queue=name, exchange=name, routing_key=binding)
    put(connection, "x", exchange=name, routing_key=key)
    put(connection, "end", routing_key=name)
    reader = Reader(url, name)
    assert reader.bodies(count=1 + matches) == ["x"] * matches + ["end"]
    reader.close()


def test_fanout_and_direct(url: str, connection: Any, name: str) -> None:
    channel = connection.default_channel
    for kind in ("fanout", "direct"):
        channel.exchange_declare(exchange=name + kind, type=kind, durable=False, auto_delete=False)
        declare(connection, name + kind)
        channel.queue_bind(queue=name + kind, exchange=name + kind, routing_key="key")
        put(connection, "other", exchange=name + kind, routing_key="other")
        put(connection, "key", exchange=name + kind, routing_key="key")
        put(connection, "end", routing_key=name + kind)
    fanout, direct = Reader(url, name + "fanout"), Reader(url, name + "direct")
    assert fanout.bodies(count=3) == ["other", "key", "end"]
    assert direct.bodies(count=2) == ["key", "end"]
    fanout.close()
    direct.close()


def test_two_bindings_of_one_queue_deliver_once(url: str, connection: Any, name: str) -> None:
    connection.default_channel.exchange_declare(exchange=name, type="topic", durable=False, auto_delete=False)
    declare(connection, name)
    for binding in ("a.*", "a.b"):
        connection.default_channel.queue_bind(queue=name, exchange=name, routing_key=binding)
    put(connection, "once", exchange=name, routing_key="a.b")
    put(connection, "end", routing_key=name)
    reader = Reader(url, name)
    assert reader.bodies(count=2) == ["once", "end"]
    reader.close()


def test_mandatory_without_a_queue_is_unroutable_and_the_next_message_is_not(
    url: str, connection: Any, name: str
) -> None:
    declare(connection, name)
    publisher = Publisher(url)
    with pytest.raises(Unroutable):
        publisher.publish(b"lost", exchange="", routing_key=name + "-nowhere")
    # The broker also confirmed the lost message. On the same channel the next one would take that for its own.
    assert publisher._channel is None
    publisher.publish(b"lost silently", exchange="", routing_key=name + "-nowhere", mandatory=False)
    publisher.publish(b"found", exchange="", routing_key=name)
    publisher.close()
    reader = Reader(url, name)
    assert reader.bodies(count=1) == ["found"]
    reader.close()


def test_an_exchange_that_is_not_there(connection: Any, name: str) -> None:
    with pytest.raises(NotFound):
        connection.channel().exchange_declare(exchange=name, type="topic", passive=True)


def test_prefetch_bounds_what_is_in_hand(url: str, connection: Any, name: str) -> None:
    declare(connection, name)
    reader = Reader(url, name, prefetch=2)
    for number in range(5):
        put(connection, str(number), routing_key=name)
    assert reader.bodies(seconds=0.3) == ["0", "1"]
    assert declare(connection, name, passive=True).message_count == 3
    reader.got[0].ack()
    assert reader.bodies(count=3) == ["0", "1", "2"]
    reader.close()


def test_consumers_share_the_work(url: str, connection: Any, name: str) -> None:
    declare(connection, name)
    readers = [Reader(url, name, prefetch=1, no_ack=False) for _ in range(2)]
    for number in range(2):
        put(connection, str(number), routing_key=name)
    assert sorted(readers[0].bodies(count=1) + readers[1].bodies(count=1)) == ["0", "1"]
    for reader in readers:
        reader.close()


def test_unsettled_messages_come_back_marked_when_their_reader_is_gone(url: str, connection: Any, name: str) -> None:
    declare(connection, name)
    for number in range(3):
        put(connection, str(number), routing_key=name)
    first = Reader(url, name)
    assert [message.delivery_info["redelivered"] for message in first.read(count=3)] == [False] * 3
    first.got[1].ack()
    first.close()
    second = Reader(url, name)
    assert second.bodies(count=2) == ["0", "2"]
    assert [message.delivery_info["redelivered"] for message in second.got] == [True, True]
    second.close()


def test_requeue_brings_the_message_back(url: str, connection: Any, name: str) -> None:
    declare(connection, name)
    put(connection, "again", routing_key=name)
    reader = Reader(url, name, prefetch=1)
    reader.read(count=1)[0].requeue()
    assert reader.bodies(count=2) == ["again", "again"]
    assert reader.got[1].delivery_info["redelivered"]
    reader.close()


def test_a_reject_goes_to_the_dead_letters(url: str, connection: Any, name: str) -> None:
    declare(connection, name + "-dead")
    passing_on = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": name + "-dead"}
    declare(connection, name, arguments=passing_on)
    put(connection, "poison", routing_key=name)
    reader = Reader(url, name)
    reader.read(count=1)[0].reject()
    dead = Reader(url, name + "-dead")
    assert dead.bodies(count=1) == ["poison"]
    death = dead.got[0].headers["x-death"][0]
    assert (death["queue"], death["reason"], death["count"]) == (name, "rejected", 1)
    reader.close()
    dead.close()


@pytest.mark.parametrize("where", ["queue", "message"])
def test_expired_messages_move_on_and_no_sooner(url: str, connection: Any, name: str, where: str) -> None:
    declare(connection, name)
    passing_on = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": name}
    arguments = passing_on | ({"x-message-ttl": 300} if where == "queue" else {})
    declare(connection, name + "-wait", arguments=arguments)
    properties = {} if where == "queue" else {"expiration": "300"}
    reader, started = Reader(url, name), time.monotonic()
    put(connection, "later", routing_key=name + "-wait", **properties)
    assert reader.bodies(count=1) == ["later"]
    assert 0.28 < time.monotonic() - started < 1
    assert reader.got[0].headers["x-death"][0]["reason"] == "expired"
    reader.close()


def test_a_message_in_hand_does_not_expire(url: str, connection: Any, name: str) -> None:
    declare(connection, name)
    put(connection, "held", routing_key=name, expiration="100")
    reader = Reader(url, name, prefetch=1)
    (message,) = reader.read(count=1)
    time.sleep(0.3)
    message.ack()
    assert declare(connection, name, passive=True).message_count == 0
    reader.close()


def test_an_exclusive_queue_is_its_connections_alone_and_ends_with_it(url: str, connection: Any, name: str) -> None:
    owner = connect(url)
    declare(owner, name, exclusive=True, durable=False)
    with pytest.raises(ResourceLocked):
        connection.channel().queue_declare(queue=name, exclusive=True)
    owner.close()
    with pytest.raises(NotFound):
        connection.channel().queue_declare(queue=name, passive=True)


def test_an_auto_delete_queue_ends_with_its_last_reader(url: str, connection: Any, name: str) -> None:
    declare(connection, name, auto_delete=True)
    readers = [Reader(url, name), Reader(url, name)]
    readers[0].close()
    assert declare(connection, name, passive=True).consumer_count == 1
    readers[1].close()
    with pytest.raises(NotFound):
        connection.channel().queue_declare(queue=name, passive=True)


def test_an_unused_queue_expires(connection: Any, name: str) -> None:
    declare(connection, name, arguments={"x-expires": 200})

    def gone() -> bool:
        try:
            connection.channel().queue_declare(queue=name, passive=True)
        except NotFound:
            return True
        return False

    assert not gone()  # looking at it counts as use on RabbitMQ
    time.sleep(0.6)
    assert gone()


def test_other_arguments_are_refused(connection: Any, name: str) -> None:
    declare(connection, name)
    with pytest.raises(PreconditionFailed):
        connection.channel().queue_declare(queue=name, durable=True, auto_delete=False, arguments={"x-expires": 9000})


def test_a_message_keeps_all_it_came_with(url: str, connection: Any, name: str) -> None:
    declare(connection, name)
    publisher = Publisher(url)
    publisher.publish(
        "é".encode(), exchange="", routing_key=name, content_type="text/plain", headers={"n": 1, "s": "ü"},
        message_id="m", correlation_id="c", reply_to="r", type="t",
    )  # fmt: skip
    publisher.close()
    reader = Reader(url, name)
    (message,) = reader.read(count=1)
    assert _text(message.body) == "é"
    assert {key: message.headers[key] for key in ("n", "s")} == {"n": 1, "s": "ü"}
    expected = {"message_id": "m", "correlation_id": "c", "reply_to": "r", "type": "t", "content_type": "text/plain"}
    assert {key: message.properties[key] for key in expected} == expected
    assert message.delivery_info["routing_key"] == name
    reader.close()


def test_get_and_purge(connection: Any, name: str) -> None:
    channel = connection.default_channel
    declare(connection, name)
    for body in "abc":
        put(connection, body, routing_key=name)
    until(lambda: declare(connection, name, passive=True).message_count == 3)
    message = channel.basic_get(name, no_ack=True)
    assert _text(message.body) == "a"
    assert channel.queue_purge(queue=name) == 2
    assert channel.basic_get(name) is None


def test_a_cancelled_reader_takes_nothing_new(url: str, connection: Any, name: str) -> None:
    declare(connection, name)
    reader = Reader(url, name)
    reader.consumer.cancel()
    put(connection, "left", routing_key=name)
    assert reader.bodies(seconds=0.2) == []
    assert declare(connection, name, passive=True).message_count == 1
    reader.close()


def test_many_publishers_and_readers_lose_and_double_nothing(url: str, connection: Any, name: str) -> None:
    declare(connection, name)

    def publish(part: int) -> None:
        publisher = Publisher(url)
        for number in range(100):
            publisher.publish(f"{part}-{number}".encode(), exchange="", routing_key=name)
        publisher.close()

    seen: list[str] = []

    def consume() -> None:
        reader = Reader(url, name, prefetch=7)
        while len(seen) < 400:
            while reader.got:
                message = reader.got.pop()
                message.ack()
                seen.append(_text(message.body))
            reader.read(seconds=0.05)
        reader.close()

    threads = [threading.Thread(target=publish, args=(part,)) for part in range(4)]
    threads += [threading.Thread(target=consume) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(seen) == sorted(f"{part}-{number}" for part in range(4) for number in range(100))


def test_each_name_is_a_broker_of_its_own_that_may_be_forgotten(name: str) -> None:
    with connect("inproc://one") as connection:
        declare(connection, name)
    with connect("inproc://another") as other, pytest.raises(NotFound):
        other.channel().queue_declare(queue=name, passive=True)
    with connect("inproc://one") as later:
        later.channel().queue_declare(queue=name, passive=True)
    inproc.forget("inproc://one")
    with connect("inproc://one") as later, pytest.raises(NotFound):
        later.channel().queue_declare(queue=name, passive=True)
