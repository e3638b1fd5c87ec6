"""Native code, confined: child processes with limits, killed at their deadline."""

from chassis.sandbox.pool import Sandbox
from chassis.sandbox.worker import Reply, TaskFailed

__all__ = ["Reply", "Sandbox", "TaskFailed"]
