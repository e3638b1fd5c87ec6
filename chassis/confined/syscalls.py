"""Kernel calls a child never needs, answered with EPERM from here on (seccomp; needs no privilege).

A list of refusals, not of permissions: what MuPDF, numpy and tesseract call differs by version and machine, while the
ways out of a process that has been taken over are few. Inherited by every program the child starts.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
from collections.abc import Iterable

PR_SET_SECCOMP = 22  # linux/prctl.h
SECCOMP_MODE_FILTER = 2  # linux/seccomp.h
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | errno.EPERM
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
_NUMBER_AT, _MACHINE_AT = 0, 4  # struct seccomp_data
_X32 = 0x40000000  # the same calls under other numbers

# linux/audit.h, asm/unistd_64.h, asm-generic/unistd.h
_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_NUMBERS = {
    "x86_64": {
        "socket": 41, "socketpair": 53, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311,
        "io_uring_setup": 425, "unshare": 272, "setns": 308, "mount": 165, "bpf": 321, "userfaultfd": 323,
        "perf_event_open": 298, "io_uring_enter": 426, "io_uring_register": 427, "pidfd_open": 434, "pidfd_getfd": 438,
        "pidfd_send_signal": 424, "kcmp": 312, "process_madvise": 440, "add_key": 248, "request_key": 249,
        "keyctl": 250, "open_by_handle_at": 304, "chroot": 161, "pivot_root": 155, "umount2": 166, "move_mount": 429,
        "open_tree": 428, "fsopen": 430, "fsmount": 432, "mount_setattr": 442, "fanotify_init": 300, "init_module": 175,
        "finit_module": 313, "kexec_load": 246, "kexec_file_load": 320, "mknodat": 259, "shmget": 29, "msgget": 68,
        "semget": 64, "execve": 59, "execveat": 322, "clone": 56, "clone3": 435, "fork": 57, "vfork": 58,
    },
    "aarch64": {
        "socket": 198, "socketpair": 199, "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271,
        "io_uring_setup": 425, "unshare": 97, "setns": 268, "mount": 40, "bpf": 280, "userfaultfd": 282,
        "perf_event_open": 241, "io_uring_enter": 426, "io_uring_register": 427, "pidfd_open": 434, "pidfd_getfd": 438,
        "pidfd_send_signal": 424, "kcmp": 272, "process_madvise": 440, "add_key": 217, "request_key": 218,
        "keyctl": 219, "open_by_handle_at": 265, "chroot": 51, "pivot_root": 41, "umount2": 39, "move_mount": 429,
        "open_tree": 428, "fsopen": 430, "fsmount": 432, "mount_setattr": 442, "fanotify_init": 262, "init_module": 105,
        "finit_module": 273, "kexec_load": 104, "kexec_file_load": 294, "mknodat": 33, "shmget": 194, "msgget": 186,
        "semget": 190, "execve": 221, "execveat": 281, "clone": 220, "clone3": 435,
    },
}  # fmt: skip

PROGRAMS = frozenset({"execve", "execveat", "clone", "clone3", "fork", "vfork"})
"""New programs and new processes. Not every machine has every one of these calls."""

WAYS_OUT = frozenset(_NUMBERS["x86_64"]) - PROGRAMS
"""The network, other processes' memory, and kernel doors that widen what can be attacked."""


def refuse(names: Iterable[str]) -> bool:
    """Refuse these calls for good; ``False`` where this machine or kernel cannot. Needs no_new_privs."""
    numbers = _NUMBERS.get(platform.machine())
    if numbers is None:
        return False
    refused = sorted(numbers[name] for name in names if name in numbers)
    program = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_IF_EQUAL, 1, 0, _MACHINES[platform.machine()]),
        (_RETURN, 0, 0, _REFUSE),  # a 32 bit call: other numbers, never needed
        (_LOAD, 0, 0, _NUMBER_AT),
        (_IF_AT_LEAST, len(refused) + 1, 0, _X32),
        *((_IF_EQUAL, len(refused) - place, 0, number) for place, number in enumerate(refused)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0) == 0)
