"""What of the file system a child still reaches: a list of what is allowed, everything else refused (Landlock).

From Linux 6.12 on it also keeps the child from signals to processes that it did not start. Needs Linux 5.13 and no
privilege. Inherited by every program the child starts. Descriptors that are open already stay usable.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Iterable
from pathlib import Path

# asm-generic/unistd.h and asm/unistd_64.h agree on these numbers.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_MACHINES = {"x86_64", "aarch64"}
# linux/landlock.h
_VERSION = 1
_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_ALL = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}  # by the kernel's version
_NEWEST = (1 << 16) - 1
_TRUNCATE = 1 << 14
_CONNECT_OR_BIND = 3  # TCP
_OTHERS_SOCKETS_AND_SIGNALS = 3
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE

READ = _READ_FILE | _READ_DIR
RUN = READ | _EXECUTE
WRITE = READ | _WRITE_FILE | _TRUNCATE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG


def version() -> int:
    """What the kernel knows of it; 0: nothing."""
    if platform.machine() not in _MACHINES:
        return 0
    return max(0, int(ctypes.CDLL(None).syscall(_CREATE_RULESET, None, 0, _VERSION)))


def allow_only(rules: Iterable[tuple[str, int]]) -> bool:
    """From here on only these may be opened, each with all beneath it; ``False`` where the kernel cannot.

    What does not exist is left out. Needs no_new_privs.
    """
    known = version()
    if known == 0:
        return False
    handled = _ALL.get(known, _NEWEST)
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = struct.pack("=QQQ", handled, _CONNECT_OR_BIND, _OTHERS_SOCKETS_AND_SIGNALS)
    size = 8 if known < 4 else 16 if known < 6 else 24
    ruleset = _checked(libc.syscall(_CREATE_RULESET, attributes[:size], size, 0))
    try:
        for path, access in rules:
            _add(libc, ruleset, path, access & handled)
        _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return True


def _add(libc: ctypes.CDLL, ruleset: int, path: str, access: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not Path(path).is_dir():
            access &= _OF_FILES
        rule = ctypes.create_string_buffer(struct.pack("=Qi", access, place))
        _checked(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))
    finally:
        os.close(place)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
