"""Edits under fire: lost answers are settled and never repeated, a crowd overwrites nobody.

Real processes on one database push prices to a simulated exchange in a process of its own. What is
held against the truth is the exchange's own record of what it was sent and what it took.

Then the trial of `tests/edits`: five hundred edits of every kind through the product's forms, by
two people, at an exchange that lags by up to 200 seconds, disagrees with itself, rounds, loses
answers and moves groups, while a third person edits there. `EDITS_SEED` and `EDITS_TRIED` choose
another trial, `EDITS_WRONGS=1` prints each wrong.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from math import ceil
from typing import Any

from bench.shared.environment import SQLITE, Environment, Tables, run, stage
from bench.shared.figure import Figure
from dashboard.simulator.harness import Simulator

LOST, CROWD = 500, 200
TRIED, SEED = int(os.environ.get("EDITS_TRIED", "500")), int(os.environ.get("EDITS_SEED", "1"))
TRIED_GROUPS, TRIED_DRAFTS = 30, 12
# What the trial's verdict calls it, what the figure is called, and whether it has to be none.
WRONGS = {
    "untouched": ("edits_untouched_changed", True),
    "falsely_confirmed": ("edits_false_confirmed", True),
    "twice": ("edits_sent_twice", True),
    "unsettled": ("edits_unsettled_60s_after_lag", True),
    "falsely_refused": ("edits_taken_but_called_refused", True),
    "stored_otherwise": ("edits_tables_wrong_60s_after_lag", True),
    "formless": ("edits_no_form_for_a_moved_group", True),
    "violations": ("edits_requests_against_the_contract", True),
    "crashes": ("edits_pages_broken", True),
    "raced": ("edits_overwritten_within_seconds", False),
}
PEOPLE = 4
OPERATION = "update_cost_per_interview"
LOSSES = ("lost_answer", "reset", "http_502")
RATE, SHARE = 0.3, 0.5  # of each of them, and of all of them at the least


def figures() -> list[Figure]:
    """Edits until five hundred answers are lost, and two hundred of one group at once."""
    with field(SQLITE) as (given, simulator):
        lost = lose_answers(given, simulator, answers=LOST)
    with field(SQLITE) as (given, simulator):
        crowd = crowd_in(given, simulator, edits=CROWD)
    note = f"{lost['lost']} answers lost of {lost['edits']} edits, ends: {lost['states']}"
    return [
        Figure("lost_answers", lost["lost"], f"≥ {LOST}", lost["lost"] >= LOST),
        Figure("blind_repeats_of_lost_edits", lost["repeats"], "0", not lost["repeats"], note),
        Figure("unsettled_lost_edits", lost["open"], "0", not lost["open"]),
        Figure("lost_edits_with_a_false_end", lost["false"], "0", not lost["false"]),
        Figure(
            "silent_overwrites",
            crowd["overwrites"] + crowd["repeats"],
            "0",
            not crowd["overwrites"] + crowd["repeats"],
            f"{crowd['edits']} edits of one group by {PEOPLE} processes: {crowd['states']}",
        ),
        *tried(),
    ]


def tried(edits: int = TRIED, seed: int = SEED) -> list[Figure]:
    """What went wrong in a trial of so many edits, by the exchange's own record."""
    with stage(SQLITE) as given:
        told = run("tests.edits.run:trial", given, seed, edits, TRIED_GROUPS, TRIED_DRAFTS)
    if os.environ.get("EDITS_WRONGS"):
        print(*told["lines"], sep="\n", file=sys.stderr)
    note = f"seed {seed}, {told['interfered']} by a third person, {told['moved']} moves"
    made = [Figure("edits_tried", told["tries"], f"≥ {edits}", told["tries"] >= edits, note)]
    for name, (figure, must) in WRONGS.items():
        goal = "0" if must else "none set"
        made.append(Figure(figure, told[name], goal, not told[name] or not must))
    made[1] = made[1]._replace(note=", ".join(f"{k} {v}" for k, v in told["counts"].items()))
    return made


@contextmanager
def field(engine: str, tables: Tables | None = None) -> Iterator[tuple[Environment, Simulator]]:
    """An empty product beside an exchange with some live groups, known to its tables."""
    exchange = Simulator(process=True, groups=60, history_days=1)
    with exchange as simulator, stage(engine, tables) as given:
        rows = simulator.groups(status="live", pricing_model="dynamic")
        run("bench.faults.edits:fill", given, f"{simulator.base_url}/v1", rows)
        yield given, simulator


def fill(base_url: str, rows: list[dict[str, Any]]) -> None:
    """The tables of these groups, and people who may edit them."""
    from dashboard.fielding.models import (  # noqa: PLC0415
        ExchangeAccount,
        Membership,
        Project,
        TargetGroup,
        User,
    )

    account = ExchangeAccount.objects.create(
        name="field",
        exchange_id="101",
        base_url=base_url,
        auth="api_key",
        secret="key",
        requests_per_minute=0,
    )
    for row in rows:
        project, _ = Project.objects.get_or_create(
            account=account,
            exchange_id=row["project_id"],
            defaults={"name": "P", "status": "active"},
        )
        TargetGroup.objects.create(
            account=account,
            project=project,
            exchange_id=row["id"],
            name=row["human_readable_id"],
            status="live",
            currency=row["currency_code"],
        )
    for number in range(PEOPLE):
        user = User.objects.create_user(f"person-{number}", f"person-{number}@example.com")
        Membership.objects.create(user=user, account=account, role="editor")


def lose_answers(
    given: Environment, simulator: Simulator, *, answers: int, people: int = PEOPLE
) -> dict[str, Any]:
    """Edits until so many answers are lost: after the exchange took them, or on the way there."""
    for number, kind in enumerate(LOSSES):
        simulator.fault(kind, operation=OPERATION, rate=RATE, seed=number)
    simulator.control("DELETE", "requests")
    tried, lost, told = 0, 0, []
    while lost < answers:
        tried += _push(given, ceil((answers - lost) / SHARE), "alone", tried, people)
        told = run("bench.faults.edits:ends", given)
        lost = sum(fault["hits"] for fault in simulator.control("GET", "faults")["faults"])
    asked = [one for one in simulator.edits() if one["operation"] == OPERATION]
    taken = {(one["target_group_id"], _price(one)) for one in asked if one["status"] < 300}
    twice = len(asked) - len({(one["target_group_id"], _price(one)) for one in asked})
    return {
        "edits": len(told),
        "lost": lost,
        "repeats": twice + max(0, simulator.requests()[OPERATION] - len(told)),
        "open": sum(one["state"] in ("sending", "unknown") for one in told),
        "false": sum(
            (one["state"] == "confirmed") != ((one["group"], Decimal(one["wanted"])) in taken)
            for one in told
        ),
        "states": dict(Counter(one["state"] for one in told)),
    }


def crowd_in(
    given: Environment, simulator: Simulator, *, edits: int, people: int = PEOPLE
) -> dict[str, Any]:
    """Edits of one group by everybody at once, each from a form of its own, sent twice."""
    simulator.control("DELETE", "requests")
    tried = _push(given, edits, "together", 0, people)
    told = [
        one for one in run("bench.faults.edits:ends", given) if one["token"].startswith("together")
    ]
    seen = {Decimal(one["wanted"]): Decimal(one["before"]) for one in told}
    held: Decimal | None = None
    overwrites = 0
    asked = [one for one in simulator.edits() if one["operation"] == OPERATION]
    for one in asked:
        overwrites += held is not None and seen[_price(one)] != held
        held = _price(one)
    states = Counter(one["state"] for one in told)
    states["busy, nothing sent"] = tried - len(told)
    return {
        "edits": tried,
        "sent": len(asked),
        "repeats": len(asked) - len({_price(one) for one in asked}),
        "overwrites": overwrites,
        "states": dict(states),
    }


def _price(one: dict[str, Any]) -> Decimal:
    return Decimal(json.loads(one["body"])["target_group_cpi"]["value"])


def _push(given: Environment, most: int, how: str, first: int, people: int) -> int:
    """Edits by all people at the same time, each in a process of its own; how many were tried."""
    each = -(-most // people)
    with ThreadPoolExecutor(people) as pool:
        runs = [
            pool.submit(run, "bench.faults.edits:person", given, [number, people], each, how, first)
            for number in range(people)
        ]
        return sum(int(one.result()) for one in runs)


def person(who: list[int], edits: int, how: str, first: int) -> int:
    """One person's edits, each form sent twice, as by two clicks; how many were tried.

    "alone": one edit of each group that nobody else has; "together": all of the same group.
    """
    from dashboard.fielding.models import TargetGroup, User  # noqa: PLC0415
    from dashboard.sync.edits import send  # noqa: PLC0415

    number, people = who
    user = User.objects.get(username=f"person-{number}")
    groups = list(TargetGroup.objects.select_related("project", "account").order_by("pk"))
    mine = groups[number::people][:edits] if how == "alone" else groups[:1] * edits
    for turn, group in enumerate(mine, start=first):
        seen = send.read_current_value(group=group, kind="cpi")
        wanted = seen | {"value": f"{number + 2}.{turn + 1000}"}
        for _ in range(2):
            with suppress(send.EditInProgress):
                send.send_edit(
                    group=group,
                    kind="cpi",
                    seen=seen,
                    wanted=wanted,
                    by=user,
                    token=f"{how}-{number}-{turn}",
                )
    return len(mine)


def ends() -> list[dict[str, Any]]:
    """Every edit, after the worker has settled what was open, as it does of itself in a while."""
    from django.utils import timezone  # noqa: PLC0415

    from dashboard.fielding.models import Edit  # noqa: PLC0415
    from dashboard.sync.edits import send  # noqa: PLC0415

    for later in range(1, 6):
        now = timezone.now() + timedelta(minutes=10 * later)
        send.settle_due(clock=lambda now=now: now, limit=1000)  # type: ignore[misc]
    return [
        {
            "group": edit.group.exchange_id if edit.group else "",
            "token": edit.token,
            "state": edit.state,
            "before": (edit.before or {})["value"],
            "wanted": (edit.wanted or {})["value"],
        }
        for edit in Edit.objects.select_related("group").order_by("pk")
    ]
