"""A wire that can be bad: a TCP proxy on 127.0.0.1 before a real server, whose faults are switched while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Self

from chassis.processes import PORTS

CHUNK = 64 * 1024
_TICK_S = 0.1
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER without lingering: close sends RST and drops what is unsent


@dataclass(frozen=True)
class Wire:
    """A wire that carries, but badly.

    Attributes:
        delay_s, jitter_s: each chunk arrives ``delay_s`` ± up to ``jitter_s`` later, in each direction; order is kept.
        bytes_per_s: bandwidth of each connection in each direction; None is unbounded.
        resets_per_s: chance of each connection, in each second, of being reset.
    """

    delay_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float | None = None
    resets_per_s: float = 0.0


class _Break(Enum):
    REFUSING = "refusing"
    MUTE = "mute"


class Proxy:
    """Listens on ``port`` and passes on to ``target`` (a port of 127.0.0.1). ``with`` runs it; a thread of its own.

    - ``clear()`` carries without a fault; ``carry(Wire(…))`` badly. Both apply to open connections at once.
    - ``refuse()``: nobody listens, and open connections are reset.
    - ``mute()``: connections are accepted, and whatever is sent vanishes. One that was open then, or was opened
      then, says nothing ever again, even when the wire is whole again: as after a failover that forgot it.
    """

    def __init__(self, target: int, *, seed: int = 0) -> None:
        self.target = target
        self.resets = 0
        self._random = random.Random(seed)
        self._state: Wire | _Break = Wire()
        self._open: set[_Connection] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy of {target}", daemon=True)

    def __enter__(self) -> Self:
        (self.port,) = PORTS.take(1)
        self._thread.start()
        self._wait(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self._wait(self._end)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        PORTS.release(self.port)

    def clear(self) -> None:
        self.carry(Wire())

    def carry(self, wire: Wire) -> None:
        self._wait(lambda: self._become(wire))

    def refuse(self) -> None:
        self._wait(lambda: self._become(_Break.REFUSING))

    def mute(self) -> None:
        self._wait(lambda: self._become(_Break.MUTE))

    @property
    def connections(self) -> int:
        return len(self._open)

    # in the loop's thread

    def _wait(self, act: Callable[[], object]) -> None:
        async def acting() -> None:
            result = act()
            if asyncio.iscoroutine(result):
                await result

        asyncio.run_coroutine_threadsafe(acting(), self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, limit=CHUNK)

    async def _become(self, state: Wire | _Break) -> None:
        before, self._state = self._state, state
        if state is _Break.REFUSING:
            if self._server is not None:
                self._server.close()
                self._server = None
            for connection in list(self._open):
                connection.reset()
            return
        for connection in self._open:
            if state is _Break.MUTE:
                connection.mute = True
            elif before is _Break.MUTE:
                connection.forget_server()
        if self._server is None:
            await self._listen()

    async def _end(self) -> None:
        await self._become(_Break.REFUSING)
        while self._open:
            await asyncio.sleep(0.01)

    def wire(self) -> Wire:
        return self._state if isinstance(self._state, Wire) else Wire()

    def unlucky(self) -> bool:
        """Whether a connection is reset in this tick."""
        struck = self._random.random() < self.wire().resets_per_s * _TICK_S
        self.resets += struck
        return struck

    def late_by(self) -> float:
        wire = self.wire()
        return max(0.0, wire.delay_s + wire.jitter_s * self._random.uniform(-1, 1))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self, reader, writer)
        connection.mute = self._state is _Break.MUTE
        self._open.add(connection)
        try:
            await connection.run()
        finally:
            self._open.discard(connection)


class _Connection:
    """One client's connection and ours to the server behind."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.mute = False
        self._cut_off = False
        self._proxy = proxy
        self._client = (reader, writer)
        self._server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        try:
            if not self.mute:
                self._server = await asyncio.open_connection("127.0.0.1", self._proxy.target, limit=CHUNK)
        except OSError:
            self.reset()  # the server behind is down: say it as it would
        if self._cut_off:
            self.reset()  # again: the server's end may have been opened meanwhile
            return
        directions = [self._pump(self._client[0], self._server[1] if self._server else None)]
        if self._server is not None:
            directions.append(self._pump(self._server[0], self._client[1]))
        self._tasks = [asyncio.ensure_future(each) for each in (*directions, self._fate())]
        with contextlib.suppress(asyncio.CancelledError, OSError):
            # The fate only ever resets; the two directions may end one after the other (a half-closed connection).
            await asyncio.gather(*self._tasks[:-1])
        for task in self._tasks:
            task.cancel()
        for _, writer in self._ends():
            writer.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter | None) -> None:
        """From ``source`` to ``sink``, each chunk when its time has come."""
        arriving: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)
        loop = asyncio.get_running_loop()

        async def deliver() -> None:
            while not self.mute:
                due, chunk = await arriving.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                if self.mute or sink is None:
                    continue
                if not chunk:
                    sink.write_eof()
                    return
                try:
                    sink.write(chunk)
                    await sink.drain()
                except OSError:
                    self.reset()

        delivering = asyncio.ensure_future(deliver())
        free_at = due = 0.0
        try:
            while chunk := await source.read(CHUNK):
                if self.mute:
                    continue
                now, rate = loop.time(), self._proxy.wire().bytes_per_s
                free_at = max(now, free_at) + (len(chunk) / rate if rate else 0.0)
                due = max(due, free_at + self._proxy.late_by())  # never before what was sent before
                await arriving.put((due, chunk))
                if free_at > now:
                    await asyncio.sleep(free_at - now)  # or the whole transfer would be taken in at once
            if not self.mute:
                await arriving.put((due, b""))
                await delivering
        finally:
            delivering.cancel()

    async def _fate(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            if self._proxy.unlucky():
                self.reset()

    def reset(self) -> None:
        """Both sides see RST."""
        self._cut_off = True
        self._cut(*self._ends())
        for task in self._tasks:
            task.cancel()

    def forget_server(self) -> None:
        """The wire is whole again: the server learns that this client is gone; the client, which is mute, does not."""
        if self._server is not None:
            self._cut(self._server)

    def _ends(self) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        return [self._client] if self._server is None else [self._client, self._server]

    @staticmethod
    def _cut(*ends: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        for _, writer in ends:
            sock: socket.socket = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
