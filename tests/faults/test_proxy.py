"""The fault proxy itself: each fault is what a client sees."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.proxy import Proxy, Wire


@pytest.fixture
def echo() -> Iterator[int]:
    """Port of a server that sends everything back."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=send_back, args=(connection,), daemon=True).start()

    def send_back(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(65536):
                    connection.sendall(data)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    with Proxy(echo) as running:
        yield running


def _connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def _ask(client: socket.socket, data: bytes) -> bytes:
    """Sends from a thread: an echo of more than the sockets hold would stop both ends."""

    def send() -> None:
        with contextlib.suppress(OSError):  # whoever receives is told as well
            client.sendall(data)

    sending = threading.Thread(target=send)
    sending.start()
    received = b""
    while len(received) < len(data):
        part = client.recv(65536)
        if not part:
            raise ConnectionAbortedError("ended early")
        received += part
    sending.join()
    return received


def _says_nothing(client: socket.socket, for_s: float = 0.3) -> bool:
    client.settimeout(for_s)
    client.sendall(b"?")
    try:
        client.recv(1)
    except TimeoutError:
        return True
    return False


def test_a_whole_wire_carries_every_byte_in_order_and_ends_when_the_client_does(proxy: Proxy) -> None:
    data = bytes(range(256)) * 20_000
    with _connect(proxy) as client:
        assert _ask(client, data) == data
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""  # the server's end is passed on too
    end = time.monotonic() + 5
    while proxy.connections and time.monotonic() < end:
        time.sleep(0.01)
    assert proxy.connections == 0


def test_delay_is_added_in_each_direction_and_varies(proxy: Proxy) -> None:
    proxy.carry(Wire(delay_s=0.1, jitter_s=0.05))
    took = []
    with _connect(proxy) as client:
        for _ in range(6):
            started = time.monotonic()
            assert _ask(client, b"x") == b"x"
            took.append(time.monotonic() - started)
    assert min(took) >= 0.1  # twice 0.1 ± 0.05
    assert max(took) - min(took) > 0.005
    proxy.clear()
    with _connect(proxy) as client:
        started = time.monotonic()
        _ask(client, b"x")
        assert time.monotonic() - started < 0.1


def test_chunks_that_are_late_by_chance_keep_their_order(proxy: Proxy) -> None:
    proxy.carry(Wire(delay_s=0.02, jitter_s=0.02))
    with _connect(proxy) as client:
        for number in range(50):
            client.sendall(number.to_bytes(2, "big"))
            time.sleep(0.001)
        received = b""
        while len(received) < 100:
            received += client.recv(100)
    assert received == b"".join(number.to_bytes(2, "big") for number in range(50))


def test_bandwidth_bounds_a_transfer(proxy: Proxy) -> None:
    proxy.carry(Wire(bytes_per_s=1_000_000))
    started = time.monotonic()
    with _connect(proxy) as client:
        assert len(_ask(client, bytes(500_000))) == 500_000
    assert 0.4 < time.monotonic() - started < 3


def test_connections_are_reset_by_chance(proxy: Proxy) -> None:
    proxy.carry(Wire(resets_per_s=5))
    with _connect(proxy) as client, pytest.raises(ConnectionError):  # whichever of sending and receiving is told
        for _ in range(1000):
            _ask(client, b"x")
            time.sleep(0.01)


def test_a_refusing_wire_resets_what_is_open_and_lets_nobody_in_until_it_is_whole_again(proxy: Proxy) -> None:
    with _connect(proxy) as client:
        _ask(client, b"x")
        proxy.refuse()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with pytest.raises(ConnectionRefusedError):
        _connect(proxy)
    proxy.clear()
    with _connect(proxy) as client:
        assert _ask(client, b"back") == b"back"


def test_a_mute_wire_takes_everything_and_never_answers_on_a_connection_that_met_it(proxy: Proxy) -> None:
    with _connect(proxy) as before:
        _ask(before, b"x")
        proxy.mute()
        with _connect(proxy) as during:
            assert _says_nothing(before)
            assert _says_nothing(during)
            proxy.clear()
            assert _says_nothing(before)  # a client without a bound of its own would wait for ever
            assert _says_nothing(during)
            with _connect(proxy) as after:
                assert _ask(after, b"back") == b"back"


def test_a_dead_server_behind_is_seen_as_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with Proxy(port) as proxy, pytest.raises(ConnectionResetError), _connect(proxy) as client:
        client.recv(1)
