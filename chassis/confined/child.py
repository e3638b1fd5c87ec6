"""The child process: confine itself, import one module, then carry out tasks until the socket closes.

A task is a function of that module, ``def name(files, blob, **params) -> (json_value, list_of_bytes)``; ``files``
are paths like ``/dev/fd/5`` of files the parent opened for reading. It may raise a ``Refusal``, which reaches the
caller as such, or ``MemoryError``, also when a library reports exhaustion in its own words.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from chassis.confined import frames
from chassis.confined.limits import Limits, arm_cpu, close_files, confine, die_with_parent, forbid_programs
from contracts.errors import Refusal

EXIT_OUT_OF_MEMORY = 77
ENDLESS = frames.Clock(None)


def main(descriptor: int, module_name: str, limits_json: str) -> None:
    """Entry of the process; started by chassis.sandbox.worker with an empty environment and directory."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which closes its children
    os.set_inheritable(descriptor, False)  # a program started by a task must not hold the socket open
    sock = socket.socket(fileno=descriptor)
    sock.setblocking(True)  # the flag is shared with the parent's end of a green socketpair
    limits = Limits(**json.loads(limits_json))
    confine(limits)
    try:
        _serve(sock, module_name, limits)
    except EOFError:
        return
    except MemoryError:
        os._exit(EXIT_OUT_OF_MEMORY)  # at once: unwinding and finalisers would need memory


def _serve(sock: socket.socket, module_name: str, limits: Limits) -> None:
    try:
        module = importlib.import_module(module_name)
    except MemoryError:
        raise
    except Exception as error:  # whatever it is, the service must hear of it
        frames.send(sock, {"defect": _where(error)}, (), ENDLESS)
        return
    gc.collect()
    gc.freeze()  # what was imported stays: looking through it for garbage takes a hundredth of a busy child's time
    if not limits.may_start_programs:
        forbid_programs()
    frames.send(sock, {"ready": True, "files_closed": close_files(limits)}, (), ENDLESS)
    while True:
        head, blobs, files = frames.receive_with_files(sock, ENDLESS)
        arm_cpu(limits.cpu_s)
        try:
            answer, output = _carry_out(module, head, blobs[0], files)
        finally:
            for file in files:
                os.close(file)
        frames.send(sock, answer, output, ENDLESS)


def _carry_out(
    module: ModuleType, head: dict[str, Any], blob: bytes, files: list[int]
) -> tuple[dict[str, Any], list[bytes]]:
    try:
        task = getattr(module, head["task"])
        result, output = task([f"/dev/fd/{file}" for file in files], blob, **head["params"])
        json.dumps(result)  # a result that is no JSON is a defect of the task: say so here, with its place
        return {"result": result}, output
    except Refusal as refusal:
        return {"refused": refusal.to_wire()}, []
    except MemoryError:
        raise
    except Exception as error:  # a task's defect is an answer too
        return {"defect": _where(error)}, []


def _where(error: BaseException) -> str:
    """Type and innermost places, such as ``KeyError at pixels.py:41 < pixels.py:12``.

    Not the message: it may quote the document, and this line is logged.
    """
    places = traceback.extract_tb(error.__traceback__)[-4:]
    trail = " < ".join(f"{Path(place.filename).name}:{place.lineno}" for place in reversed(places))
    return f"{type(error).__name__} at {trail}"
