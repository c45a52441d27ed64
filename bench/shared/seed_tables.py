"""The tables as they are after a first pull of the canned exchange, made without asking it."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from bench.client import KEY
from bench.shared.canned_exchange import A_PROJECT, START, World, project_id
from dashboard.alerts.incidents import detect
from dashboard.exchange.decode import decode_body, decode_page
from dashboard.exchange.shapes.fielding import FieldingRunItem, ReEntryConfiguration
from dashboard.exchange.shapes.groups import (
    CompletesPoint,
    TargetGroupDetails,
    TargetGroupOverview,
    TargetGroupPerformance,
    TargetGroupsListItem,
)
from dashboard.exchange.shapes.profiling import Profiles
from dashboard.fielding.models import Cycle, ExchangeAccount, Project, TargetGroup
from dashboard.sync import scheduling
from dashboard.sync.columns import group_columns, group_panels
from dashboard.sync.pull import store
from dashboard.sync.pull.fetch import GroupAnswer, GroupRequest


def fill(base_url: str, projects: int, at: str = START.isoformat()) -> list[int]:
    """One connection with so many projects of a hundred groups; the keys of the projects."""
    now = datetime.fromisoformat(at)
    account = ExchangeAccount.objects.create(
        name="bench",
        exchange_id="101",
        base_url=base_url,
        auth=ExchangeAccount.Auth.API_KEY,
        secret=KEY,
        requests_per_minute=0,
        health=ExchangeAccount.Health.FRESH,
        read_at=now,
        due_at=now + timedelta(days=9),
    )
    world = World()
    world.now = now
    return [_project(account, number, world) for number in range(projects)]


def _project(account: ExchangeAccount, number: int, world: World) -> int:
    now = world.now
    project = Project.objects.create(
        account=account,
        exchange_id=project_id(number),
        name=f"Project {number}",
        status="active",
        group_count=A_PROJECT,
        due_at=now,
    )
    token = scheduling.claim_row(Project, project.pk, now=now)
    assert token
    numbers = range(number * A_PROJECT, (number + 1) * A_PROJECT)
    found = [_found(project, n, world) for n in numbers]
    store.store_groups(project=project, token=token, fetched=found, now=now)
    for hours in (40, 30, 20, 10, 1):  # what is wrong fired long ago
        at = now - timedelta(hours=hours)
        seen = {"listed": True, "complete": True, "started_at": at, "finished_at": at}
        cycle = Cycle.objects.create(account=account, project=project, **seen)
        detect.after_cycle(cycle=cycle, now=at)
    columns = {"lease": "", "leased_until": None, "attempts": 0, "urgency": scheduling.LIVE}
    read = dict.fromkeys(("read_at", "overviews_at", "details_at"), now)
    Project.objects.filter(pk=project.pk).update(**columns, **read)
    for turn in range(12):  # their series were read at different times of the last hour
        theirs = [f"01J{n:023d}" for n in numbers if n % 12 == turn]
        TargetGroup.objects.filter(exchange_id__in=theirs).update(
            completes_read_at=now - timedelta(minutes=5 * turn),
            changed_at=now - timedelta(minutes=70),
        )
    return project.pk


def _found(project: Project, number: int, world: World) -> store.FetchedGroup:
    """A group as a first pull finds it."""
    row = msgspec.convert(world.row(number), TargetGroupsListItem, strict=False)
    request = GroupRequest(project=project.exchange_id, group=row.id, status=row.status)
    answer = GroupAnswer(request=request, at=world.now)
    root = f"/v1/demand/accounts/101/projects/{project.exchange_id}/target-groups/{row.id}"

    def said(what: str) -> bytes:
        return world.answer(f"{root}/{what}")

    runs: Any = decode_page(said("fielding-runs"), "data", FieldingRunItem).items
    answer.columns = {
        **group_columns.overview_columns(decode_body(said("overview"), TargetGroupOverview)),
        **group_columns.performance_columns(
            decode_body(said("performance"), TargetGroupPerformance)
        ),
        **group_columns.details_columns(decode_body(said("details"), TargetGroupDetails)),
        **group_columns.run_columns(runs),
        **group_columns.re_entry_columns(
            decode_body(said("re-entry-configuration"), ReEntryConfiguration)
        ),
    }
    answer.panels = group_panels.profile_columns(decode_body(said("profiles"), Profiles))
    series = said("completes-aggregated-by-interval")
    answer.completes = decode_page(series, "aggregated_completes_intervals", CompletesPoint).items
    return store.FetchedGroup(group_columns.list_columns(row), row, answer)
