"""A private RabbitMQ for tests, beside the PostgreSQL and the object store of ``chassis.servers``."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

from chassis.processes import Child, ServerFailed
from chassis.servers import ObjectStore, Postgres, Server

__all__ = ["ObjectStore", "Postgres", "RabbitMQ", "ServerFailed", "workspace"]

# Debian's /usr/sbin/rabbitmq-* insist on root or rabbitmq; these work for anybody.
_PROGRAMS = Path("/usr/lib/rabbitmq/bin")
_LOOPBACK = "-kernel inet_dist_use_interface {127,0,0,1}"


class RabbitMQ(Server):
    """Debian's RabbitMQ on ports of its own, user ``guest``. Give each test module a vhost of its own.

    It has its own epmd (Erlang's port mapper), as a child of ours: the daemon it would start itself outlives everybody.
    """

    _port_count = 3

    def __init__(self, directory: Path, *, durable: bool = False) -> None:
        super().__init__(directory, durable=durable)
        self._mapper: Child | None = None

    @property
    def url(self) -> str:
        """AMQP URL of the default vhost."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def create_vhost(self, name: str) -> str:
        """AMQP URL of a new, empty vhost. Takes about a second."""
        self.control("add_vhost", name)
        self.control("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{name}"

    def drop_vhost(self, name: str) -> None:
        self.control("delete_vhost", name)

    def control(self, *arguments: str) -> str:
        """Run ``rabbitmqctl -q`` and return what it printed."""
        done = subprocess.run(
            [_PROGRAMS / "rabbitmqctl", "-q", *arguments],
            env={**os.environ, **self._environ()},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ServerFailed(f"rabbitmqctl {arguments[0]}: {done.stderr or done.stdout}")
        return done.stdout

    def stop(self) -> None:
        # The start script passes SIGTERM on and ends with the broker (1.1-1.3 s).
        if self.child is not None:
            self.child.stop(timeout_s=15)
            self.child = None
        self._end()

    def kill(self) -> None:
        # The broker is our child's child: nobody else waits for its end, and until then it has the ports.
        with contextlib.suppress(OSError, ValueError):
            broker = os.pidfd_open(int((self.directory / "pid").read_text()))
            signal.pidfd_send_signal(broker, signal.SIGKILL)
            select.select([broker], [], [], 15)
            os.close(broker)
        super().kill()
        self._end()

    def _end(self) -> None:
        if self._mapper is not None:
            self._mapper.stop()
            self._mapper = None
        super().stop()

    def _invent(self) -> dict[str, str]:
        return {"node": f"k{os.getpid()}"}

    def _launch(self) -> None:
        if not (_PROGRAMS / "rabbitmq-server").exists():
            raise ServerFailed("RabbitMQ is not installed: apt-get install rabbitmq-server")
        (self.directory / "home").mkdir(exist_ok=True)
        (self.directory / "env.conf").touch()
        (self.directory / "plugins").write_text("[].")
        (self.directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            "vm_memory_high_watermark.absolute = 512MiB\n"
            "disk_free_limit.absolute = 50MB\n"
        )
        mapper = shutil.which("epmd")
        if mapper is None:
            raise ServerFailed("Erlang is not installed: apt-get install rabbitmq-server")
        log = self.directory / "log"
        log.write_bytes(b"")
        self._mapper = Child(
            [mapper, "-port", str(self.ports[2]), "-address", "127.0.0.1"], log=self.directory / "epmd.log"
        )
        self.child = Child([str(_PROGRAMS / "rabbitmq-server")], log=log, environ=self._environ())
        self.child.wait_until(self._check, what="RabbitMQ", timeout_s=120)
        # It greets a moment before it takes commands.
        self.control("await_startup", "--timeout", "60")

    def _check(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
            probe.settimeout(2)
            probe.sendall(b"AMQP\x00\x00\x09\x01")
            if probe.recv(1) != b"\x01":  # a method frame: connection.start
                raise ConnectionError("no AMQP greeting")

    def _environ(self) -> dict[str, str]:
        directory = self.directory
        return {
            "HOME": str(directory / "home"),  # the Erlang cookie is there
            "RABBITMQ_NODENAME": f"{self._memory['node']}p{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.ports[1]),
            "ERL_EPMD_PORT": str(self.ports[2]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(directory / "logs"),
            "RABBITMQ_PID_FILE": str(directory / "pid"),
            "RABBITMQ_CONF_ENV_FILE": str(directory / "env.conf"),
            "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{_LOOPBACK} +S 1:1 +sbwt none",
            "RABBITMQ_CTL_ERL_ARGS": _LOOPBACK,
        }


@contextlib.contextmanager
def workspace(name: str) -> Iterator[Path]:
    """A directory with a short path that other users may pass through (a server may run as another); removed after."""
    directory = Path(mkdtemp(prefix=f"korrigo-{name}-", dir="/tmp"))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
