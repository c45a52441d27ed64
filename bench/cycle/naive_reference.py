"""The reference that most people would write first: a task a group, three requests, row by row."""

import json
from datetime import date, datetime, timedelta
from typing import Any

import httpx

from bench.client import KEY
from bench.shared.canned_exchange import START
from bench.shared.environment import Meter
from dashboard.fielding.models import CompletesDay, Reading, TargetGroup

GROUPS = 60  # measured, and taken for each of the thousand


def pull_group(base_url: str, pk: int, now: datetime) -> None:
    """One task: a client of its own, three answers, every row written whether it differs or not."""
    group = TargetGroup.objects.select_related("project").get(pk=pk)
    root = f"{base_url}/demand/accounts/101/projects/{group.project.exchange_id}"
    of = f"{root}/target-groups/{group.exchange_id}"
    with httpx.Client(headers={"Authorization": KEY}) as client:
        overview = client.get(f"{of}/overview").json()
        performance = client.get(f"{of}/performance").json()
        series = client.get(f"{of}/completes-aggregated-by-interval").json()
    figures: dict[str, Any] = {
        "status": overview["status"],
        "completes": performance["completes"],
        "prescreens": performance["prescreens"],
        "entrants": performance["entrants"],
        "cpi": overview["current_cost_per_interview"]["value"],
        "cost": overview["current_cost"]["value"],
    }
    TargetGroup.objects.update_or_create(
        account_id=group.account_id, exchange_id=group.exchange_id, defaults=figures
    )
    Reading.objects.update_or_create(group=group, at=now, defaults=figures)
    days: dict[date, list[list[Any]]] = {}
    for point in series["aggregated_completes_intervals"]:
        at = datetime.fromisoformat(point["timestamp"])
        days.setdefault(at.date(), []).append([point["timestamp"], point["count"]])
    for day, points in days.items():
        defaults = {"hours": json.dumps([count for _, count in points]).encode()}
        CompletesDay.objects.update_or_create(group=group, day=day, defaults=defaults)


def each(base_url: str) -> float:
    """CPU seconds for one group, the database's included."""
    keys = list(TargetGroup.objects.order_by("pk").values_list("pk", flat=True)[:GROUPS])
    now = START + timedelta(days=1)
    pull_group(base_url, keys[0], now)

    def all_of_them() -> None:
        for pk in keys:
            pull_group(base_url, pk, now)

    return Meter().of(all_of_them) / GROUPS
