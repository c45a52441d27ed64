"""`python -m bench [--soak] [name …]`: a line a figure, `name=value goal=bound ok|short|skipped`.

A module takes part by being named here and having `figures()`, a list of Figure. A figure that is
short of its goal is told, not punished: the exit code is 0 unless a benchmark breaks.
"""

import os
from argparse import ArgumentParser
from importlib import import_module

MODULES = {
    "client": "bench.client",
    "backtest": "bench.forecast.backtest",
    "backtest_real": "bench.forecast.backtest_real",
    "backtest_effects": "bench.forecast.effect_verdicts",
    "quota_cells": "bench.forecast.quota_cells",
    "young_groups": "bench.forecast.young_groups",
    "joint_sum": "bench.forecast.joint_sum",
    "known_events": "bench.forecast.known_events",
    "backtest_simulated": "bench.forecast.simulated_fields",
    "early_warning": "bench.forecast.pause_risk",
    "attention": "bench.attention.attention",
    "advice": "bench.advice.advice",
    "pages": "bench.pages.pages",
    "many_groups": "bench.pages.many_groups",
    "api": "bench.pages.api",
    "audit": "bench.pages.audit",
    "cycle": "bench.cycle.cycle",
    "history": "bench.cycle.history_size",
    "memory": "bench.cycle.memory",
    "freshness": "bench.cycle.freshness",
    "simulate": "bench.simulate.simulate",
}
SEEDED = ("attention", "advice", "mutants")  # whose worlds, or draws, can be chosen
SOAK = {  # the long ones
    "soak": "bench.cycle.memory_growth",
    "crowd": "bench.load.worker_scaling",
    "edits": "bench.faults.edits",
    "load": "bench.load.working_day",
    "kills": "bench.faults.kills",
    "faults": "bench.faults.faults",
    "channels": "bench.faults.channel_faults",
    "replay": "bench.faults.rule_replay",
    "latency": "bench.load.alert_latency",
    "fuzz": "bench.faults.fuzz",
    "story": "bench.faults.one_story",
    "simulate": "bench.simulate.soak",
    "mutants": "bench.mutation.mutation",
}


def main() -> None:
    """Measure the modules that were asked for, in their order."""
    parser = ArgumentParser(prog="python -m bench", description="The benchmarks.")
    parser.add_argument("--soak", action="store_true", help="the long ones instead")
    parser.add_argument("names", nargs="*", metavar="name", help="only these modules")
    parser.add_argument(
        "--seeds",
        nargs="+",
        type=int,
        metavar="seed",
        help=f"other worlds or draws, for {', '.join(SEEDED)}",
    )
    parser.add_argument(
        "--mutants", type=int, metavar="number", help="how many to draw, for mutants alone (300)"
    )
    given = parser.parse_args()
    known = SOAK if given.soak else MODULES
    if unknown := set(given.names) - known.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    if given.seeds and (not given.names or set(given.names) - {*SEEDED}):
        parser.error(f"--seeds is for {', '.join(SEEDED)} alone")
    if given.mutants and given.names != ["mutants"]:
        parser.error("--mutants is for mutants alone")
    chosen = {key: value for key in ("seeds", "mutants") if (value := getattr(given, key))}
    if given.names == ["mutants"]:  # in a run of all the long ones it is a sample
        chosen.setdefault("mutants", 300)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    for name in given.names or known:
        for figure in import_module(known[name]).figures(**chosen):
            print(figure, flush=True)


if __name__ == "__main__":
    main()
