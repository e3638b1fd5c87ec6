"""Whatever a task does, its caller gets an outcome in time and the next task works."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from chassis.sandbox import Sandbox, TaskFailed, worker
from chassis.sandbox.worker import sweep
from contracts.errors import REGISTRY as REFUSALS
from contracts.errors import Refusal, Unavailable

TASKS = "tests.faults.sandbox_tasks"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    pool = Sandbox(TASKS, size=1, memory_mb=512, cpu_s=2, may_start_programs=True, max_reply_mb=8)
    yield pool
    pool.close()


def _works(sandbox: Sandbox) -> bool:
    return sandbox.run("echo", blob=b"again", deadline_s=5).blobs == [b"again"]


def _outcome(sandbox: Sandbox, task: str, deadline_s: float = 10, **params: Any) -> str:
    with pytest.raises(TaskFailed) as failure:
        sandbox.run(task, deadline_s=deadline_s, **params)
    return failure.value.outcome


def _gone(pid: int, within_s: float = 3.0) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        stat = Path(f"/proc/{pid}/stat")
        try:
            if stat.read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def _running(argument: str, within_s: float = 5.0) -> int:
    """The program called with this one argument."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        for each in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if each.read_bytes().endswith(b"\0" + argument.encode() + b"\0"):
                    return int(each.parent.name)
        time.sleep(0.02)
    raise AssertionError("never started")


def test_values_blobs_and_files_arrive_whole(sandbox: Sandbox, tmp_path: Path) -> None:
    big = os.urandom(3 << 20)
    for name, data in (("a", b"first"), ("b", big)):
        (tmp_path / name).write_bytes(data)
    reply = sandbox.run("echo", files=[tmp_path / "a", tmp_path / "b"], blob=big, page_no=3, name="Zoé")
    assert reply.result | {"pid": 0} == {"pid": 0, "page_no": 3, "name": "Zoé"}
    assert reply.blobs == [big, b"first", big]


def test_hang_is_killed_at_its_deadline(sandbox: Sandbox) -> None:
    started = time.monotonic()
    assert _outcome(sandbox, "hang", deadline_s=0.5) == "timeout"
    assert time.monotonic() - started < 3
    assert _works(sandbox)


def test_program_started_by_a_hanging_task_is_killed_too(sandbox: Sandbox) -> None:
    assert _works(sandbox)
    seconds = f"300.{os.getpid()}"
    with ThreadPoolExecutor(1) as thread:
        outcome = thread.submit(_outcome, sandbox, "hang_with_program", 5, blob=seconds.encode())
        program = _running(seconds)
        assert outcome.result() == "timeout"
    assert _gone(program)


def test_memory_bomb_ends_alone(sandbox: Sandbox) -> None:
    assert _outcome(sandbox, "eat_memory") == "out_of_memory"
    assert _works(sandbox)


def test_segfault_is_a_crash(sandbox: Sandbox) -> None:
    assert _outcome(sandbox, "segfault") == "crashed"
    assert _works(sandbox)


def test_processor_time_is_limited_per_task(sandbox: Sandbox) -> None:
    assert _outcome(sandbox, "burn", deadline_s=20) == "timeout"  # SIGXCPU after 2 s; 20 s would pass without it
    assert _works(sandbox)


def test_endless_output_on_standard_streams_meets_the_deadline(
    sandbox: Sandbox,
) -> None:
    assert _outcome(sandbox, "chatter", deadline_s=0.5) == "timeout"
    assert _works(sandbox)


def test_reply_that_trickles_meets_the_deadline(sandbox: Sandbox) -> None:
    started = time.monotonic()
    assert _outcome(sandbox, "trickle", deadline_s=1) == "timeout"  # a time-out per read would never expire
    assert time.monotonic() - started < 4
    assert _works(sandbox)


@pytest.mark.parametrize("task", ["flood", "babble"])
def test_reply_beyond_its_bounds_or_no_reply_at_all_is_a_crash(sandbox: Sandbox, task: str) -> None:
    assert _outcome(sandbox, task) == "crashed"
    assert _works(sandbox)


def test_child_killed_while_idle_is_replaced(sandbox: Sandbox) -> None:
    first = sandbox.run("echo").result["pid"]
    os.kill(first, signal.SIGKILL)
    assert _gone(first)
    assert sandbox.run("echo", deadline_s=5).result["pid"] != first


def test_child_killed_at_work_counts_as_out_of_memory(sandbox: Sandbox) -> None:
    pid = sandbox.run("echo").result["pid"]
    threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()  # as the kernel's out-of-memory killer does
    assert _outcome(sandbox, "nap", seconds=20) == "out_of_memory"
    assert _works(sandbox)


def test_refusal_of_a_task_reaches_the_caller_and_the_child_lives_on(
    sandbox: Sandbox,
) -> None:
    pid = sandbox.run("echo").result["pid"]
    with pytest.raises(Refusal) as refusal:
        sandbox.run("refuse")
    assert (refusal.value.code, refusal.value.details) == (
        "faults.too_blurred",
        {"sharpness": 3},
    )
    assert sandbox.run("echo").result["pid"] == pid
    assert "faults.too_blurred" not in REFUSALS  # this process never imported the task's module


def test_defect_is_told_by_place_and_never_quotes_the_document(
    sandbox: Sandbox,
) -> None:
    with pytest.raises(TaskFailed) as failure:
        sandbox.run("stumble")
    assert failure.value.outcome == "crashed"
    assert failure.value.detail.startswith("KeyError at sandbox_tasks.py:")
    assert "DURAND" not in str(failure.value)


def test_child_holds_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KORRIGO_DATABASE_URL", "postgresql://korrigo:secret@db/ingest")
    with Path("/dev/null").open("rb") as held:
        os.set_inheritable(held.fileno(), True)
        pool = Sandbox(TASKS, size=1, environment={"PATH": "/usr/bin"})
        found = pool.run("surroundings").result
        pool.close()
    assert set(found["environment"]) - {"LC_CTYPE"} == {
        "LANG",
        "TMPDIR",
        "OPENBLAS_NUM_THREADS",
        "PATH",
    }
    assert "secret" not in str(found)
    assert found["directory"] == []
    assert found["modules"] == []
    assert found["no_new_privs"]
    assert found["own_session"]
    assert found["oom_score_adj"] == 1000
    assert len(found["descriptors"]) == 5  # three null streams, the socket, and the listing itself


def test_child_reaches_no_network_no_program_and_no_other_process() -> None:
    pool = Sandbox(TASKS, size=1)
    found = pool.run("escape").result
    pool.close()
    assert {"network", "local socket", "program", "parent's memory", "namespace", "service's life"} < set(found)
    assert set(found.values()) == {"EPERM"}


def test_fork_bomb_has_no_first_fork() -> None:
    pool = Sandbox(TASKS, size=1)
    with pytest.raises(TaskFailed) as failure:
        pool.run("fork_bomb", deadline_s=5)
    pool.close()
    assert failure.value.outcome == "crashed"
    assert failure.value.detail.startswith(("PermissionError", "BlockingIOError"))  # root's forks are not counted


def test_child_that_may_start_programs_still_reaches_no_network() -> None:
    pool = Sandbox(TASKS, size=1, may_start_programs=True)
    found = pool.run("escape").result
    pool.close()
    assert found.pop("program") is None
    assert set(found.values()) == {"EPERM"}


def test_child_writes_no_file_unless_allowed_and_never_its_input(
    tmp_path: Path,
) -> None:
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-")
    strict, loose = Sandbox(TASKS, size=1), Sandbox(TASKS, size=1, scratch_mb=1)
    try:
        assert strict.run("write_file", size=1).result in ("OSError", "PermissionError")
        assert loose.run("write_file", size=1 << 20).result == "written"
        assert loose.run("write_file", size=(1 << 20) + 1).result == "OSError"
        assert loose.run("write_input", files=[tmp_path / "scan.pdf"]).result == errno.EBADF
    finally:
        strict.close()
        loose.close()


@pytest.mark.parametrize("may_start_programs", [False, True])
def test_child_opens_nothing_but_code_and_what_it_is_given(tmp_path: Path, may_start_programs: bool) -> None:
    given, other = tmp_path / "scan.pdf", Path(__file__).resolve().parents[2] / "not-for-children"
    given.write_bytes(b"%PDF-")
    elsewhere = ["/etc/passwd", "/etc/hostname", str(Path.home()), f"/proc/{os.getpid()}/environ", "/var/log"]
    pool = Sandbox(TASKS, size=1, scratch_mb=1, may_start_programs=may_start_programs)
    try:
        asked = {"reading": [*elsewhere, "/dev/null"], "writing": [str(other), str(tmp_path / "new"), "own"]}
        found = pool.run("open_files", **asked).result
        assert pool.run("echo", files=[given]).blobs[1:] == [b"%PDF-"]
    finally:
        pool.close()
    allowed = {path for path, error in found.items() if error is None}
    assert allowed == {"/dev/null", "own"}
    assert {found["/etc/passwd"], found[str(other)], found[str(tmp_path / "new")]} == {"EACCES"}
    assert not other.exists()


def test_a_kernel_that_cannot_close_files_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    warned = []
    monkeypatch.setattr(worker.log, "warning", lambda event, **_: warned.append(event))
    blind = "from chassis.confined import landlock; landlock.version = lambda: 0; from chassis.confined.child"
    monkeypatch.setattr(worker, "BOOT", worker.BOOT.replace("from chassis.confined.child", blind))
    pool = Sandbox(TASKS, size=1)
    assert _works(pool)
    pool.close()
    assert warned == ["sandbox_files_open"]


def test_four_callers_share_two_children() -> None:
    pool = Sandbox(TASKS, size=2)
    pool.run("echo")
    with ThreadPoolExecutor(4) as callers:
        pids = list(callers.map(lambda _: pool.run("nap", seconds=0.2).result, range(4)))
    pool.close()
    assert len(pids) == 4
    assert len(set(pids)) == 2


def test_child_outlives_the_thread_whose_call_started_it() -> None:
    pool = Sandbox(TASKS, size=1, preload=False)
    pids: list[int] = []
    caller = threading.Thread(target=lambda: pids.append(pool.run("echo").result["pid"]))
    caller.start()
    caller.join()
    time.sleep(0.2)  # PDEATHSIG of a child started by that thread would have struck by now
    assert pool.run("echo").result["pid"] == pids[0]
    pool.close()


def test_no_free_child_in_time_is_unavailable() -> None:
    pool = Sandbox(TASKS, size=1, wait_s=0.3)
    with ThreadPoolExecutor(1) as other:
        busy = other.submit(pool.run, "nap", seconds=1.5)
        time.sleep(0.5)
        with pytest.raises(Unavailable) as refused:
            pool.run("echo")
        assert refused.value.dependency == "sandbox"
        busy.result()
    assert _works(pool)
    pool.close()


def test_child_is_replaced_after_its_share_of_tasks() -> None:
    pool = Sandbox(TASKS, size=1, recycle_after=2)
    first, second, third = (pool.run("echo").result["pid"] for _ in range(3))
    pool.close()
    assert first == second != third
    assert _gone(first)


def test_module_that_cannot_be_imported_is_a_crash() -> None:
    pool = Sandbox("tests.faults.no_such_module", size=1)
    with pytest.raises(TaskFailed) as failure:
        pool.run("echo")
    pool.close()
    assert "ModuleNotFoundError" in failure.value.detail


def test_close_leaves_no_process_and_no_directory() -> None:
    pool = Sandbox(TASKS, size=2)
    found = pool.run("surroundings").result
    pid = pool.run("echo").result["pid"]
    pool.close()
    assert _gone(pid)
    assert not Path(found["environment"]["TMPDIR"]).exists()
    with pytest.raises(Unavailable):
        pool.run("echo")


def test_children_die_with_a_killed_service() -> None:
    program = f"""
from chassis.sandbox import Sandbox
pool = Sandbox({TASKS!r}, size=1)
print(pool.run("echo").result["pid"], flush=True)
pool.run("hang", deadline_s=60)
"""
    service = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path.cwd(),
    )
    assert service.stdout is not None
    child = int(service.stdout.readline())
    time.sleep(0.2)
    service.kill()
    service.wait()
    service.stdout.close()
    assert _gone(child)


def test_directories_of_a_killed_service_are_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL leaves nobody to tidy up; what a living service holds, and what is brand new, is left alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    program = (
        f"from chassis.sandbox import Sandbox; pool = Sandbox({TASKS!r}, size=2); print('up', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        cwd=Path.cwd(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as service:
        assert service.stdout is not None
        assert service.stdout.readline() == b"up\n"
        left = sorted(tmp_path.iterdir())
        assert len(left) == 2
        assert sweep(settled_s=0) == 0
        service.kill()
    assert sweep() == 0  # a minute has not passed
    assert sorted(tmp_path.iterdir()) == left
    assert sweep(settled_s=0) == 2
    assert list(tmp_path.iterdir()) == []


def test_failures_are_counted_by_outcome(sandbox: Sandbox) -> None:
    labels = {"module": TASKS, "outcome": "timeout"}
    before = REGISTRY.get_sample_value("korrigo_sandbox_kills_total", labels) or 0
    _outcome(sandbox, "hang", deadline_s=0.2)
    assert REGISTRY.get_sample_value("korrigo_sandbox_kills_total", labels) == before + 1


GREEN = f"""
import eventlet
eventlet.monkey_patch()
import time
from chassis.sandbox import Sandbox, TaskFailed

pool = Sandbox({TASKS!r}, size=2)
pool.run("echo", blob=b"x" * (4 << 20))
stalls = []

def heart():
    while True:
        before = time.monotonic()
        eventlet.sleep(0.01)
        stalls.append(time.monotonic() - before - 0.01)

def hang():
    try:
        pool.run("hang", deadline_s=1)
    except TaskFailed as failure:
        return failure.outcome

eventlet.spawn(heart)
eventlet.sleep(0.05)
work = [eventlet.spawn(hang), *[eventlet.spawn(pool.run, "nap", seconds=0.5) for _ in range(3)]]
outcomes = [work[0].wait(), len({{each.wait().result for each in work[1:]}})]
pool.run("echo", blob=b"x" * (4 << 20))
pool.close()
print(outcomes, max(stalls) < 0.3, len(stalls) > 50)
"""


def test_event_loop_runs_on_while_children_work() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", GREEN],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path.cwd(),
    )
    # The hang holds one child for 1 s; the naps, 0.5 s each, share the other and perhaps the hang's successor.
    assert done.stdout.splitlines()[-1] in {
        "['timeout', 1] True True",
        "['timeout', 2] True True",
    }, done.stdout + done.stderr
