"""Tell the stories of some seeds in this process, which has the settings of `stories.py`."""

from __future__ import annotations

import gc
import json
import sys
import time
from argparse import ArgumentParser
from pathlib import Path

import django


def main() -> int:
    """Tell the stories of the seeds; print what came of them as JSON, and what is wrong."""
    parser = ArgumentParser(prog="python -m bench.simulate.run", description="Simulated stories.")
    parser.add_argument("seeds", help="such as 7 or 1-500")
    parser.add_argument("--tables", type=Path, required=True, help="an SQLite file, migrated")
    parser.add_argument("--hours", type=float, default=3.0, help="of faults, before the calm")
    parser.add_argument("--lie", default="", help="of the network: see network.Lie")
    parser.add_argument("--show", action="store_true", help="print every step")
    given = parser.parse_args()
    first, _, last = given.seeds.partition("-")
    django.setup()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)  # as a worker does
    from bench.simulate.database import Tables  # noqa: PLC0415  needs the apps
    from bench.simulate.network import Lie  # noqa: PLC0415
    from bench.simulate.story import Wrong, prepare, tell  # noqa: PLC0415

    tables = Tables(given.tables)
    prepare(tables)
    told, wrong, began = [], [], time.process_time()
    for seed in range(int(first), int(last or first) + 1):
        try:
            told.append(tell(seed, tables, hours=given.hours, lie=Lie(given.lie), show=given.show))
        except Wrong as exc:
            wrong.append(str(exc))
            print(exc, file=sys.stderr, flush=True)
            if given.show:
                raise
            if given.lie:
                break  # one is enough
    print(
        json.dumps(
            {
                "stories": len(told) + len(wrong),
                "wrong": wrong,
                "cpu_seconds": time.process_time() - began,
                "field_days": sum(each.field_days for each in told),
                "steps": sum(each.steps for each in told),
                "digests": {each.seed: each.digest for each in told},
                "counts": {
                    name: sum(each.counts[name] for each in told)
                    for name in (told[0].counts if told else ())
                },
            }
        )
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
