"""Reconciliation: which completes can still be taken back, and until when."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dashboard.simulator.api.pagination import cut_page, page_size
from dashboard.simulator.api.routes import route
from dashboard.simulator.catalogue.money import PER_DOLLAR, monetary_amount
from dashboard.simulator.catalogue.people import ACCOUNTS
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.figures import figures_of_group
from dashboard.simulator.world.group import SimulatedGroup
from dashboard.simulator.world.messages import (
    Refusal,
    SimulatedAnswer,
    SimulatedRequest,
    bad_request,
    json_answer,
    trace_headers,
)
from dashboard.simulator.world.world import World

_CENTRAL = ZoneInfo("America/Chicago")
_LAST_DAY = 25  # of the month after the completes
_CENT = Decimal("0.01")


class _Eligible(NamedTuple):
    """A group with its completes of the month that is due, and their cost."""

    group: SimulatedGroup
    completes: int
    cost: Decimal


@route(
    "get_eligible_target_groups",
    "GET",
    "/demand/accounts/{account_id}/reconciliations/eligible-target-groups",
)
def get_eligible_target_groups(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The groups with completes that are due this month or the next; 403 without the feature."""
    if world.reconciliation_status == 403:
        raise Refusal(403, "forbidden_error", "reconciliation is not enabled for the account")
    due = ask.query_value("due_month") or "current_month"
    if due not in ("current_month", "next_month"):
        raise bad_request("the month is unknown", [("due_month", "current_month or next_month")])
    rows = [row for row in _eligible_groups(world, ask, due) if _matches(world, row.group, ask)]
    page, more, cursor = cut_page(ask, rows, lambda row: row.group.id, size=page_size(ask))
    people = {person.id: person for person in ACCOUNTS[ask.account_id].users}
    body: Json = {
        "url": ask.path,
        "has_more": more,
        "page_size": len(page),
        "summary": _summary(rows),
        "target_groups": [
            {
                "target_group_id": row.group.id,
                "name": row.group.name,
                "project_id": row.group.project_id,
                "project_name": world.projects[row.group.project_id].name,
                "status": row.group.status,
                "eligible_completes": str(row.completes),
                "monetary_amount": monetary_amount(row.cost, row.group.currency),
                "project_manager": {
                    "id": row.group.project_manager_id,
                    "name": people[row.group.project_manager_id].name,
                    "email": people[row.group.project_manager_id].email,
                }
                if row.group.project_manager_id in people
                else {},
            }
            for row in page
        ],
    }
    return json_answer(
        body | ({"next_cursor": cursor} if cursor else {}), headers=trace_headers(ask)
    )


def _matches(world: World, group: SimulatedGroup, ask: SimulatedRequest) -> bool:
    """Whether a group passes the filters."""
    name, project = ask.query_value("name") or "", ask.query_value("project_name") or ""
    status, manager = ask.query_value("status"), ask.query_value("project_manager_id")
    return (
        name.lower() in group.name.lower()
        and project.lower() in world.projects[group.project_id].name.lower()
        and status in (None, "", group.status)
        and manager in (None, "", group.project_manager_id)
    )


def _summary(rows: list[_Eligible]) -> Json:
    """All groups together; the contract has one amount, so other currencies are converted."""
    dollars = sum((row.cost / PER_DOLLAR[row.group.currency] for row in rows), Decimal(0))
    return {
        "completes": str(sum(row.completes for row in rows)),
        "target_group_count": str(len(rows)),
        "monetary_amount": monetary_amount(dollars.quantize(_CENT), "USD"),
    }


def _eligible_groups(world: World, ask: SimulatedRequest, due: str) -> list[_Eligible]:
    """The groups of the account with completes of the month, by id."""
    months_back = 1 if due == "current_month" else 0
    today = datetime.fromtimestamp(ask.now / 1000, UTC).astimezone(_CENTRAL)
    if months_back and today.day > _LAST_DAY:
        return []
    begin, end = _month_start(today, months_back), _month_start(today, months_back - 1)
    rows = []
    for group in world.groups.values():
        if group.account_id != ask.account_id or group.hidden or group.status == "draft":
            continue
        figures = figures_of_group(group, ask.now)
        by_end = figures.counts.completes if end > ask.now else _completes_at(group, end)
        completes = min(by_end, figures.counts.completes) - _completes_at(group, begin)
        if completes > 0:
            cost = (figures.average_cpi or Decimal(0)) * completes
            rows.append(_Eligible(group, completes, cost.quantize(_CENT)))
    return sorted(rows, key=lambda row: row.group.id)


def _completes_at(group: SimulatedGroup, moment: int) -> int:
    """The completes by a moment, of a group that is settled."""
    stretch = group.stretch
    if stretch is not None and moment >= stretch.start:
        return group.tally.counts.completes + stretch.outcomes(moment)[0]
    return group.tally.completes_at(moment)


def _month_start(day: datetime, months_back: int) -> int:
    """The start of a month in US Central, counted back from that of a day (ms)."""
    number = day.year * 12 + day.month - 1 - months_back
    start = datetime(number // 12, number % 12 + 1, 1, tzinfo=_CENTRAL)
    return round(start.timestamp() * 1000)
