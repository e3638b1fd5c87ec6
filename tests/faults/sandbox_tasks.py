"""Tasks that misbehave, one fault each; run in a sandbox child by test_sandbox.py."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contracts.errors import Refusal

_KEYCTL = {"x86_64": 250, "aarch64": 219}[platform.machine()]

Answer = tuple[Any, list[bytes]]


class TooBlurred(Refusal):
    code, http_status = "faults.too_blurred", 422
    fr, en = (
        "Image trop floue ({sharpness}).",
        "The image is too blurred ({sharpness}).",
    )


def echo(files: list[str], blob: bytes, **params: Any) -> Answer:
    contents = [Path(file).read_bytes() for file in files]
    return {"pid": os.getpid(), **params}, [blob, *contents]


def nap(files: list[str], blob: bytes, seconds: float) -> Answer:
    time.sleep(seconds)
    return os.getpid(), []


def hang(files: list[str], blob: bytes) -> Answer:
    while True:
        ctypes.CDLL(None).usleep(100_000)


def hang_with_program(files: list[str], blob: bytes) -> Answer:
    """Both hang; the program is found by what it is called with."""
    return subprocess.Popen(["/bin/sleep", blob.decode()]).wait(), []


def eat_memory(files: list[str], blob: bytes) -> Answer:
    hoard = []
    while True:
        hoard.append(bytearray(16 << 20))


def burn(files: list[str], blob: bytes) -> Answer:
    while True:
        pass


def fork_bomb(files: list[str], blob: bytes) -> Answer:
    while True:
        os.fork()


def segfault(files: list[str], blob: bytes) -> Answer:
    ctypes.string_at(0)
    return None, []


def flood(files: list[str], blob: bytes) -> Answer:
    return None, [bytes(1 << 20)] * 16


def chatter(files: list[str], blob: bytes) -> Answer:
    """Endless output on both standard streams."""
    while True:
        os.write(1, b"x" * 65536)
        os.write(2, b"x" * 65536)


def trickle(files: list[str], blob: bytes) -> Answer:
    """Speaks the protocol itself, one byte at a time: each read of the parent succeeds, the frame never ends."""
    ours = next(fd for fd in range(3, 64) if _is_socket(fd))
    os.write(ours, (1 << 20).to_bytes(4, "big"))
    while True:
        os.write(ours, b" ")
        time.sleep(0.05)


def babble(files: list[str], blob: bytes) -> Answer:
    ours = next(fd for fd in range(3, 64) if _is_socket(fd))
    os.write(ours, (5).to_bytes(4, "big") + b"[[[[[")
    time.sleep(60)
    return None, []


def refuse(files: list[str], blob: bytes) -> Answer:
    raise TooBlurred(sharpness=3)


def stumble(files: list[str], blob: bytes) -> Answer:
    roster: dict[str, str] = {}
    return roster["DURAND"], []


def surroundings(files: list[str], blob: bytes) -> Answer:
    """What a hostile document would find if it took the process over."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return {
        "environment": dict(os.environ),
        "directory": os.listdir("."),
        "modules": sorted(
            name for name in sys.modules if name.split(".")[0] in {"nameko", "kombu", "psycopg", "minio"}
        ),
        "no_new_privs": "NoNewPrivs:\t1" in status,
        "own_session": os.getsid(0) == os.getpid(),
        "oom_score_adj": int(Path("/proc/self/oom_score_adj").read_text(encoding="ascii")),
        "descriptors": [int(fd) for fd in os.listdir("/proc/self/fd")],
    }, []


def write_file(files: list[str], blob: bytes, size: int) -> Answer:
    try:
        Path("scratch").write_bytes(bytes(size))
    except OSError as error:
        return type(error).__name__, []
    return "written", []


def write_input(files: list[str], blob: bytes) -> Answer:
    try:
        os.write(int(files[0].rsplit("/", 1)[1]), b"x")
    except OSError as error:
        return error.errno, []
    return None, []


def escape(files: list[str], blob: bytes) -> Answer:
    """Tries what an intruder would; the error of each attempt, ``None`` for a success."""
    libc = ctypes.CDLL(None, use_errno=True)
    attempts: dict[str, Callable[[], Any]] = {
        "network": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "local socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        "program": lambda: os.spawnv(os.P_WAIT, "/bin/true", ["true"]),
        "parent's memory": lambda: _checked(libc, libc.process_vm_readv(os.getppid(), None, 0, None, 0, 0)),
        "service's life": lambda: os.kill(os.getppid(), 0),
        "keys": lambda: _checked(libc, libc.syscall(_KEYCTL, 0, -3, 0)),
        "a handle on the service": lambda: os.close(os.pidfd_open(os.getppid())),
        "namespace": lambda: _checked(libc, libc.unshare(0x10000000)),
    }
    found = {}
    for name, attempt in attempts.items():
        try:
            result = attempt()
            found[name] = "refused" if name == "program" and result == 127 else None
        except OSError as error:
            found[name] = errno.errorcode[error.errno or 0]
    return found, []


def open_files(files: list[str], blob: bytes, reading: list[str], writing: list[str]) -> Answer:
    """What comes of opening each path, to read or to write: an error's name, or None."""
    found: dict[str, str | None] = {}
    for path, mode in [*((path, "rb") for path in reading), *((path, "ab") for path in writing)]:
        try:
            with Path(path).open(mode):
                found[path] = None
        except OSError as error:
            found[path] = errno.errorcode[error.errno or 0]
    return found, []


def _checked(libc: ctypes.CDLL, result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "")


def _is_socket(fd: int) -> bool:
    try:
        socket.socket(fileno=os.dup(fd)).close()
    except OSError:
        return False
    return True
