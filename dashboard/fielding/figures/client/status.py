"""What a client may know of fieldwork: the one structure that shared pages, files and emails show.

Every output of *Share status* is made from a `ClientStatus` and from nothing else, and the queries
here read no column beyond `COLUMNS`: no price, EPC, spend, budget, supplier, colleague, note, issue
or id of the exchange can be in a page, because it was never read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from dashboard.fielding.domain.countries import country_name
from dashboard.fielding.domain.scope import IN_PLAN
from dashboard.fielding.domain.time_zones import zone_of
from dashboard.fielding.figures.client.verdict import ClientFigures, ClientVerdict, client_verdict
from dashboard.fielding.figures.project_outlook import (
    ProjectOutlook,
    outlook_of_groups,
    outlook_of_project,
)
from dashboard.fielding.figures.project_verdict import (
    VerdictKind,
    missing_at_end,
    project_verdict,
    projected_at_end,
)
from dashboard.fielding.insight import at_end
from dashboard.fielding.models import SharedStatus, TargetGroup
from dashboard.fielding.models.querysets.rows import TargetGroupQuerySet

# All that is read of a group.
COLUMNS = ("name", "time_zone", "finish_at", *at_end.FIELDS, at_end.EXPECTED)


class ClientPart(msgspec.Struct, frozen=True):
    """A country or a group, in completes. projected: None where it is not shared. ends_on: the last
    end date, on its own calendar."""

    name: str
    completes: float
    goal: float
    projected: float | None = None
    ends_on: date | None = None


class ClientStatus(msgspec.Struct, frozen=True):
    """All that a client sees, but the chart (`ClientChart`). What the options hide is not in it.

    read_at: when the oldest of the figures were read. countries and groups: None if not shared.
    """

    title: str
    verdict: ClientVerdict
    figures: ClientFigures
    read_at: datetime | None
    closing: str = ""
    countries: tuple[ClientPart, ...] | None = None
    groups: tuple[ClientPart, ...] | None = None


class ClientOptions(NamedTuple):
    """What is in a status, as its options choose."""

    title: str
    closing: str
    shows_countries: bool
    shows_groups: bool
    shows_projection: bool


@dataclass(frozen=True, slots=True)
class ClientRow:
    """The columns of one group; money has no column here, and counts as none."""

    name: str
    time_zone: str
    finish_at: datetime | None
    status: str
    missing_since: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None
    completes: int | None
    prescreens: int | None
    filling_strategy: str
    filling_goal: int | None
    completes_goal: int | None
    expected_incidence_rate: float | None
    country_code: str
    insight__forecast__at_end: Any  # Any: JSON, which `read_expected` checks
    currency: str = ""
    cpi: Decimal | None = None
    cost: Decimal | None = None
    status_changed_by: str = ""


def groups_of_status(shared: SharedStatus) -> TargetGroupQuerySet:
    """Return the groups that a status is about, of every status; `shared` may be unsaved."""
    if shared.project_id is not None:
        return TargetGroup.objects.filter(project=shared.project_id)
    return TargetGroup.objects.filter(pk__in=shared.groups.values("pk"))


def load_client_status(shared: SharedStatus, *, zone: tzinfo, now: datetime) -> ClientStatus:
    """Load what a client sees; zone: of the dates in its sentences.

    The sums of a project are those of its page: worked out by the last pull.
    """
    groups = groups_of_status(shared).filter(IN_PLAN)
    rows = [ClientRow(*row) for row in groups.order_by("name", "pk").values_list(*COLUMNS)]
    outlook = outlook_of_project(shared.project) if shared.project else None
    if shared.project_id is None:
        outlook = outlook_of_groups(rows, now=now)
    options = ClientOptions(
        shared.heading,
        shared.closing,
        shared.shows_countries,
        shared.shows_groups,
        shared.shows_projection,
    )
    return client_status(rows, outlook, options, read_at=_read_at(shared), zone=zone, now=now)


def client_status(
    rows: Iterable[ClientRow],
    outlook: ProjectOutlook | None,
    options: ClientOptions,
    *,
    read_at: datetime | None,
    zone: tzinfo,
    now: datetime,
) -> ClientStatus:
    """Build what a client sees from groups in the plan, and from what they add up to."""
    planned = list(rows)
    kind = project_verdict(outlook, None, zone=zone).kind
    figures = _figures_of(kind, outlook or ProjectOutlook(), options, zone)
    return ClientStatus(
        title=options.title,
        verdict=client_verdict(figures),
        figures=figures,
        read_at=read_at,
        closing=options.closing,
        countries=_parts_by_country(planned, options, now) if options.shows_countries else None,
        groups=tuple(_part_of(row.name, [row], options, now) for row in planned)
        if options.shows_groups
        else None,
    )


def _parts_by_country(
    rows: Iterable[ClientRow], options: ClientOptions, now: datetime
) -> tuple[ClientPart, ...]:
    """Return what the groups of each country add up to, by name."""
    by_country: dict[str, list[ClientRow]] = {}
    for row in rows:
        by_country.setdefault(row.country_code, []).append(row)
    parts = [
        _part_of(country_name(code) if code else "Other", members, options, now)
        for code, members in by_country.items()
    ]
    return tuple(sorted(parts, key=lambda part: part.name))


def _figures_of(
    kind: VerdictKind, outlook: ProjectOutlook, options: ClientOptions, zone: tzinfo
) -> ClientFigures:
    ends_at = outlook.last_end
    shared = ClientFigures(
        kind=kind,
        groups=outlook.groups,
        completes=outlook.completes,
        goal=outlook.goal,
        target=outlook.target,
        ends_on=ends_at.astimezone(zone).date() if ends_at else None,
    )
    if not options.shows_projection:
        return shared
    points = outlook.projected
    return msgspec.structs.replace(
        shared,
        open_groups=outlook.open_groups,
        late_groups=outlook.short_groups,
        unprojected_groups=outlook.unprojected_groups,
        unseen_groups=outlook.unseen_groups,
        late_days=outlook.late_days,
        projected=projected_at_end(outlook),
        low=points.p10 if points else None,
        high=points.p90 if points else None,
        missing=missing_at_end(outlook),
    )


def _part_of(name: str, rows: list[ClientRow], options: ClientOptions, now: datetime) -> ClientPart:
    """Return what groups of one country add up to; a group alone is on its own calendar."""
    sums = outlook_of_groups(rows, now=now)
    ends = [(row.ends_at, zone_of(row.country_code, row.time_zone)) for row in rows if row.ends_at]
    last = max(ends, key=itemgetter(0), default=None)
    ends_on = last[0].astimezone(last[1]).date() if last else None
    projected = projected_at_end(sums) if options.shows_projection else None
    return ClientPart(name, sums.completes, sums.goal, projected, ends_on)


def _read_at(shared: SharedStatus) -> datetime | None:
    """Return when the oldest figures were read: of the project, or of those of the groups."""
    if shared.project is not None:
        return shared.project.read_at
    moments = list(groups_of_status(shared).values_list("project__read_at", flat=True).distinct())
    known = [moment for moment in moments if moment is not None]
    return min(known) if known and len(known) == len(moments) else None
