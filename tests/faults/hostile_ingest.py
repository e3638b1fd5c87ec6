"""``python -m tests.faults.hostile_ingest``: the ingest service, with children that catch the faults of a scan."""

import os
import subprocess
import sys

from tests.story.system import ROOT, System


def launch_ingest(system: System) -> None:
    """In the place of the system's own ingest, which has been stopped; returns when it is ready."""
    with (system.directory / "ingest.log").open("ab") as log:
        system._running["ingest"] = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.hostile_ingest"],
            cwd=ROOT,
            env=system._environ["ingest"],
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    system.wait_ready("ingest")


def main() -> int:
    from chassis.bus.hosting import service_class
    from chassis.run import run_service
    from chassis.settings import load
    from services.ingest import context
    from services.ingest.settings import Settings

    sandbox = context.Sandbox
    context.Sandbox = lambda _, **options: sandbox("tests.faults.hostile_pixels", **options)  # type: ignore
    return run_service(service_class("ingest"), load(Settings), {})


if __name__ == "__main__":
    os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"
    import eventlet

    eventlet.monkey_patch()
    sys.exit(main())
