"""``python -m tests.faults.simulation``: run schedules, look for planted defects, or replay one seed."""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import closing, nullcontext

from chassis.testing.servers import Postgres, workspace
from tests.faults.figures import report
from tests.faults.simulation import campaign, schedule
from tests.faults.simulation.defects import DEFECTS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000)
    parser.add_argument("--first", type=int, help="first seed; default: seeds that were never used, and past failures")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--hunt", action="store_true", help="plant every defect and look for it")
    parser.add_argument("--replay", type=int, metavar="SEED")
    parser.add_argument("--times", type=int, default=1, help="how often to replay")
    parser.add_argument("--defect", choices=sorted(DEFECTS), help="planted while replaying")
    asked = parser.parse_args()
    with workspace("simulation") as directory, Postgres(directory / "pg", durable=False) as postgres:
        if asked.replay is not None:
            return replay(postgres, asked.replay, asked.times, asked.defect)
        if asked.hunt:
            return hunt(postgres, asked.processes)
        first, count = asked.first, asked.schedules
        seeds = campaign.fresh_seeds(count) if first is None else list(range(first, first + count))
        tally = campaign.run(postgres, seeds, asked.processes)
        print(tally)
        report("simulation", tally.figures())
        return 1 if tally.failures else 0


def replay(postgres: Postgres, seed: int, times: int, defect: str | None) -> int:
    digests = set()
    with campaign.quiet(), closing(campaign.prepared(postgres, "replay")) as world:
        for _ in range(times):
            with DEFECTS[defect].plant(world) if defect else nullcontext():
                outcome = schedule.run(world, seed, digested=True)
            digests.add(outcome.digest)
            print(outcome.digest, *outcome.violations, sep="\n  ")
    print(f"{times} replays, {len(digests)} different")
    return 0 if len(digests) == 1 else 1


def hunt(postgres: Postgres, processes: int) -> int:
    found = campaign.hunt(postgres, sorted(DEFECTS), processes)
    for name, outcome in found.items():
        print(f"{name:45} {'NOT FOUND' if outcome is None else f'schedule {outcome.seed}: {outcome.violations[0]}'}")
    caught = [outcome for outcome in found.values() if outcome is not None]
    print(f"{len(caught)} of {len(found)} defects found")
    if len(caught) == len(found):
        seeds = {name: outcome.seed for name, outcome in sorted(found.items()) if outcome is not None}
        campaign.SHOWN.write_text(json.dumps(seeds, indent=1) + "\n")
    latest = max((each.seed for each in caught), default=None)
    report("defects", {"planted": len(found), "found": len(caught), "latest schedule": latest})
    return 0 if len(caught) == len(found) else 1


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # as in a campaign's processes: it is too late to set it in this one
        environ = os.environ | {"PYTHONHASHSEED": "0"}
        os.execve(sys.executable, [sys.executable, "-m", "tests.faults.simulation", *sys.argv[1:]], environ)
    sys.exit(main())
