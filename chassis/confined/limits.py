"""Limits a child puts on itself before it imports anything that parses, and what its service keeps from it."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from chassis.confined import landlock, syscalls

# linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38

MAX_OPEN_FILES = 64


@dataclass(frozen=True)
class Limits:
    """``memory_mb`` is address space; ``cpu_s`` is per task; ``scratch_mb`` is the largest file the child may write.

    ``reads``: directories, besides what Python and its libraries need, of which files may be opened.
    """

    memory_mb: int
    cpu_s: int
    scratch_mb: int
    may_start_programs: bool
    reads: Sequence[str] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def die_with_parent() -> None:
    """Be killed when the *thread* that started this process ends: the pool starts children from one that stays."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def close_to_others() -> None:
    """For a service: from now on nobody but root looks into this process, and it leaves no core file.

    Its memory and environment hold keys, and a child that a hostile scan has taken over runs as the same user. A
    program that this process starts is another matter: it can be looked into again.
    """
    _prctl(PR_SET_DUMPABLE, 0)


def confine(limits: Limits) -> None:
    """Cap memory, files and descriptors and close the network, for good. Inherited by every program it starts."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    syscalls.refuse(syscalls.WAYS_OUT)
    _cap(resource.RLIMIT_AS, limits.memory_mb << 20)
    _cap(resource.RLIMIT_CORE, 0)
    _cap(resource.RLIMIT_FSIZE, limits.scratch_mb << 20)
    _cap(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
    with contextlib.suppress(OSError), Path("/proc/self/oom_score_adj").open("w", encoding="ascii") as score:
        score.write("1000")  # if the machine runs out of memory, this process goes first, not the service


def close_files(limits: Limits) -> bool:
    """Let nothing be opened but code, what the machine says of itself, ``reads`` and, if any may be written, files in
    the child's own directory. ``False`` where the kernel cannot; then the rights of its user are all that holds.
    """
    code = {sys.prefix, sys.base_prefix, *(path for path in sys.path if path)}
    code |= {"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", *limits.reads}
    machine = ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu", "/dev/urandom", "/dev/zero")
    rules = [(path, landlock.RUN if limits.may_start_programs else landlock.READ) for path in sorted(code)]
    rules += [(path, landlock.READ) for path in machine]
    rules += [("/dev/null", landlock.WRITE), (str(Path.cwd()), landlock.WRITE if limits.scratch_mb else landlock.READ)]
    return landlock.allow_only(rules)


def forbid_programs() -> None:
    """No new process or thread from here on, said twice.

    The kernel does not hold root to NPROC (which counts the whole user, so only "none" can be said), and the list of
    calls is empty on a machine we do not know.
    """
    syscalls.refuse(syscalls.PROGRAMS)
    _cap(resource.RLIMIT_NPROC, 0)


def arm_cpu(cpu_s: int) -> None:
    """Allow ``cpu_s`` more seconds of processor time from now; beyond, SIGXCPU ends the process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime)
    resource.setrlimit(resource.RLIMIT_CPU, (used + cpu_s, resource.RLIM_INFINITY))


def _cap(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
