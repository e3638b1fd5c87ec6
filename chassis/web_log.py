"""gunicorn's own lines, in the form of all others."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

from chassis import observe
from chassis.settings import Process, load


class WebLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    """For ``--logger-class``: begins before the application is there, which then configures the same logs again."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        observe.configure("gateway", load(Process))
        self.error_log.handlers = []
        self.error_log.propagate = True
