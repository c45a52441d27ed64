"""The to-do list: items under their remedy, across projects, the most savable completes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.db.models import F, QuerySet
from django.urls import reverse

from dashboard.alerts.items.needed_cpi import RAISE_CPI, NeededCpi, describe_raises
from dashboard.alerts.items.remedies import (
    REMEDIES,
    Action,
    Remedy,
    RemedyActor,
    action_of,
    batch_of,
)
from dashboard.alerts.rules.rule_type import HelpForm
from dashboard.alerts.text import format_span
from dashboard.fielding.models import Membership
from dashboard.fielding.models.querysets.expressions import full_name
from dashboard.fielding.models.querysets.items import ItemQuerySet
from dashboard.web.formatting import numbers
from dashboard.web.home.prices import PricedGroup

SHOWN_LINES = 25  # of a remedy, until somebody asks for all of them
OWN_FIELDS = (
    "pk",
    "account_id",
    "project_id",
    "target_group_id",
    "remedy",
    "state",
    "sentence",
    "incident_count",
    "value",
    "ends_at",
    "critical",
    "since_before",
    "waiting",
    "waiting_until",
    "waiting_value",
    "opened_at",
    "closed_at",
)
# The columns that decide which action a group allows, and names.
GROUP_FIELDS = (
    "status",
    "completes",
    "prescreens",
    "filling_goal",
    "filling_strategy",
    "completes_goal",
    "expected_incidence_rate",
    "pricing_model",
)
NAMES = {
    "project_version": F("project__version"),
    "account_name": F("account__name"),
    "project_name": F("project__name"),
    "group_name": F("target_group__name"),
    "by_name": full_name("waiting_by"),
    "by_username": F("waiting_by__username"),
    "to_name": full_name("assigned_to"),
    "to_username": F("assigned_to__username"),
}
FIELDS = (*OWN_FIELDS, *GROUP_FIELDS, *NAMES)
ItemRow = Any  # Any: a named row of FIELDS, which Django does not type
MOST_PRICED = 25
NO_PRICES: Mapping[int, NeededCpi] = MappingProxyType({})
# What an item is whose remedy this release no longer knows.
UNKNOWN = Remedy("", "Other", "look at it", "look at them", needs_goal=False)
BATCH_LABELS = {"resume": "Resume all…", "cpi": "Change CPIs…", "end": "Extend all…"}


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One item: a group with its sentence, what it can save, and its main action."""

    pk: int
    account: str
    project_pk: int | None
    project: str
    group_pk: int | None
    group: str
    sentence: str
    instruction: str
    actor: str  # empty if the reader carries it out
    value: str
    ends: str
    critical: bool
    since_before: bool
    may_edit: bool
    action: str
    address: str  # of the form or page of the action; empty for a resume, which is a button
    may_complete: bool  # whether to mark the group complete is one of the choices
    waiting: str
    waiting_until: datetime | None
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class RemedySection:
    """The items of one remedy, across projects."""

    key: str
    title: str
    actor: str  # empty if the reader carries it out
    summary: str
    critical: int
    lines: list[ItemLine]
    left: int  # further items, which are not among the lines
    batch: str
    batch_label: str
    picks: str  # ids of the groups of the bulk action, separated by commas
    may_edit: bool


NEED_FIELDS = (
    "remedy",
    "project_id",
    "project_version",
    "target_group_id",
    "value",
    "ends_at",
    "critical",
)


@dataclass(frozen=True, slots=True)
class RemedyNeed:
    """The items of one remedy without their lines."""

    key: str
    title: str
    actor: str  # empty if the reader carries it out
    summary: str
    critical: int


def groups_to_raise(rows: Iterable[ItemRow]) -> list[PricedGroup]:
    """Return the groups whose CPI is to be raised: those of which a price is worked out."""
    groups = [
        PricedGroup(row.target_group_id, row.project_id, row.project_version)
        for row in rows
        if row.remedy == RAISE_CPI and row.target_group_id and row.project_id
    ]
    return groups[:MOST_PRICED]


def remedy_needs(
    rows: Iterable[ItemRow], *, now: datetime, prices: Mapping[int, NeededCpi] = NO_PRICES
) -> list[RemedyNeed]:
    """Return what rows of NEED_FIELDS need, the most savable completes first.

    prices: the CPI that groups need, where it is known.
    """
    return [
        RemedyNeed(
            of_remedy[0].remedy,
            _title(of_remedy, prices),
            _actor(REMEDIES.get(of_remedy[0].remedy, UNKNOWN)),
            _summary(of_remedy, now),
            sum(row.critical for row in of_remedy),
        )
        for of_remedy in _by_remedy(rows)
    ]


def _title(rows: Sequence[ItemRow], prices: Mapping[int, NeededCpi]) -> str:
    """Return the heading of items of one remedy; of a raise with what is needed."""
    title = REMEDIES.get(rows[0].remedy, UNKNOWN).title(len(rows))
    pks = {row.target_group_id for row in rows} if rows[0].remedy == RAISE_CPI else set()
    needed = [price for pk, price in prices.items() if pk in pks]
    return f"{title} {describe_raises(needed)}" if needed else title


def _by_remedy(rows: Iterable[ItemRow]) -> list[list[ItemRow]]:
    """Return rows by remedy, the most savable completes first."""
    by_remedy: dict[str, list[ItemRow]] = {}
    for row in rows:
        by_remedy.setdefault(row.remedy, []).append(row)
    return sorted(by_remedy.values(), key=_worth)


def item_rows(items: ItemQuerySet) -> list[ItemRow]:
    """Return rows of FIELDS."""
    return list(item_values(items))


def need_rows(items: ItemQuerySet) -> list[ItemRow]:
    """Return rows of NEED_FIELDS."""
    versions = items.annotate(project_version=NAMES["project_version"])
    return list(versions.values_list(*NEED_FIELDS, named=True))


def item_values(items: ItemQuerySet) -> QuerySet[Any, ItemRow]:
    """Return the query of rows of FIELDS."""
    groups = {name: F(f"target_group__{name}") for name in GROUP_FIELDS}
    return items.annotate(**groups, **NAMES).values_list(*FIELDS, named=True)


def remedy_sections(
    rows: Iterable[ItemRow],
    memberships: Mapping[int, Membership],
    *,
    now: datetime,
    shown: int = SHOWN_LINES,
    prices: Mapping[int, NeededCpi] = NO_PRICES,
) -> list[RemedySection]:
    """Return the sections of rows that are ordered by value, the most savable completes first.

    prices: the CPI that groups need, where it is known.
    """
    return [_section(of_remedy, memberships, now, shown, prices) for of_remedy in _by_remedy(rows)]


def item_lines(
    rows: Iterable[ItemRow],
    memberships: Mapping[int, Membership],
    *,
    now: datetime,
    prices: Mapping[int, NeededCpi] = NO_PRICES,
) -> list[ItemLine]:
    """Return the lines of rows, in their order; prices: the CPI that groups need, where known."""
    return [_line(row, _action(row, now), memberships, now, prices) for row in rows]


def _worth(rows: Sequence[ItemRow]) -> tuple[float, bool, float, str]:
    """Return a sort key: completes to save, then critical ones, then the first end date."""
    ends = [row.ends_at.timestamp() for row in rows if row.ends_at]
    return (
        -sum(row.value for row in rows),
        not any(row.critical for row in rows),
        min(ends, default=float("inf")),
        rows[0].remedy,
    )


def _section(
    rows: Sequence[ItemRow],
    memberships: Mapping[int, Membership],
    now: datetime,
    shown: int,
    prices: Mapping[int, NeededCpi],
) -> RemedySection:
    remedy = REMEDIES.get(rows[0].remedy, UNKNOWN)
    actions = [_action(row, now) for row in rows]
    may_edit = all(memberships[row.account_id].may_edit for row in rows)
    batch = batch_of(remedy, actions) if may_edit and len(rows) > 1 else ""
    return RemedySection(
        key=rows[0].remedy,
        title=_title(rows, prices),
        actor=_actor(remedy),
        summary=_summary(rows, now),
        critical=sum(row.critical for row in rows),
        lines=[
            _line(row, action, memberships, now, prices)
            for row, action in zip(rows[:shown], actions[:shown], strict=True)
        ],
        left=max(len(rows) - shown, 0),
        batch=batch,
        batch_label=BATCH_LABELS.get(batch, ""),
        picks=",".join(str(row.target_group_id) for row in rows) if batch else "",
        may_edit=may_edit,
    )


def _summary(rows: Sequence[ItemRow], now: datetime) -> str:
    """Return the size of a section: 8 groups in 3 projects, completes at risk, the first end."""
    groups = len({row.target_group_id for row in rows if row.target_group_id})
    projects = len({row.project_id for row in rows if row.project_id})
    parts = []
    if groups:
        count = f"{groups:,} group{'' if groups == 1 else 's'}"
        parts.append(count if projects < 2 else f"{count} in {projects:,} projects")
    value = sum(round(row.value) for row in rows)  # as the lines show it
    if value:
        parts.append(f"{numbers.format_count(value)} complete{'' if value == 1 else 's'} at risk")
    ends = [row.ends_at for row in rows if row.ends_at]
    ahead = [at for at in ends if at > now]
    if ahead:
        first = "ends" if len(rows) == 1 else "first ends"
        parts.append(f"{first} in {format_span(min(ahead) - now)}")
    elif ends:
        parts.append("ended" if len(rows) == 1 else "all ended")
    return " · ".join(parts)


def _actor(remedy: Remedy) -> str:
    return "" if remedy.actor is RemedyActor.YOU else remedy.actor.value


def _action(row: ItemRow, now: datetime) -> Action | None:
    remedy = REMEDIES.get(row.remedy, UNKNOWN)
    return action_of(remedy, row if row.target_group_id else None, now=now)


def _line(
    row: ItemRow,
    action: Action | None,
    memberships: Mapping[int, Membership],
    now: datetime,
    prices: Mapping[int, NeededCpi],
) -> ItemLine:
    membership = memberships[row.account_id]
    label, address = _action_link(row, action, membership)
    price = prices.get(row.target_group_id) if row.remedy == RAISE_CPI else None
    if price is not None and action and action.form is HelpForm.CPI and membership.may_edit:
        address += f"?to={price.cpi:f}"
    remedy = REMEDIES.get(row.remedy, UNKNOWN)
    return ItemLine(
        pk=row.pk,
        account=row.account_name,
        project_pk=row.project_id,
        project=row.project_name or "",
        group_pk=row.target_group_id,
        group=row.group_name or "",
        sentence=row.sentence,
        instruction=_title([row], prices),
        actor=_actor(remedy),
        value=numbers.format_count(round(row.value)) if row.value >= 0.5 else "",
        ends=_time_left(row.ends_at, now),
        critical=row.critical,
        since_before=row.since_before,
        may_edit=membership.may_edit,
        action=label,
        address=address,
        may_complete=membership.may_edit and remedy.may_complete,
        waiting=_waiting(row),
        waiting_until=row.waiting_until,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )


def _action_link(row: ItemRow, action: Action | None, membership: Membership) -> tuple[str, str]:
    """Return the label and address of a line's action; only an action that the person may take."""
    if action and action.form is HelpForm.CONNECTION and membership.may_administer:
        return action.label, reverse("connection", args=[row.account_id])
    if action and row.target_group_id and membership.may_edit:
        is_button = action.form is HelpForm.RESUME
        address = "" if is_button else reverse("edit", args=[row.target_group_id, action.form])
        return action.label, address
    if row.target_group_id:
        return "Open", reverse("group", args=[row.target_group_id])
    if row.project_id:
        return "Open", reverse("project", args=[row.project_id])
    return "Open", reverse("incidents")


def _time_left(ends_at: datetime | None, now: datetime) -> str:
    if ends_at is None:
        return ""
    return f"{format_span(ends_at - now)} left" if ends_at > now else "ended"


def _waiting(row: ItemRow) -> str:
    """Return why an item is not in the to-do list, and by whom."""
    who = row.by_name or row.by_username or "a former user"
    if row.waiting == "acknowledged":
        return f"Acknowledged by {who}"
    if row.waiting == "snoozed":
        worse = (
            f"until {round(row.waiting_value):,} completes are at risk" if row.waiting_value else ""
        )
        return f"Snoozed by {who} {'' if row.waiting_until else worse}".strip()
    if row.to_name or row.to_username:
        return f"Assigned to {row.to_name or row.to_username}"
    return ""
