"""What splits the cost of many groups by month: their price steps and their series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol

import numpy as np
from django.db.models import Q

from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.figures.spend_by_month import PriceStep, month_starts
from dashboard.fielding.forecast.rate_changes import price_from_changelog
from dashboard.fielding.insight.group_history import stored_days
from dashboard.fielding.models import Change, CompletesDay
from dashboard.fielding.series.completes import PackedDay, as_packed_day, readings_of_days
from dashboard.fielding.series.readings import Readings

_HOUR = timedelta(hours=1)
_NEVER = Readings(np.empty(0), np.empty(0))
_CONDITIONS_A_QUERY = 300  # SQLite nests conditions at most 1,000 deep


class HasSpend(Protocol):
    """A group, or a named row of its columns."""

    @property
    def pk(self) -> int: ...
    @property
    def currency(self) -> str: ...
    @property
    def first_complete_at(self) -> datetime | None: ...
    @property
    def last_complete_at(self) -> datetime | None: ...
    @property
    def starts_at(self) -> datetime | None: ...


class SpendHistory(NamedTuple):
    """Price steps, oldest first, and readings around month ends and price steps, by group."""

    prices: Mapping[int, Sequence[PriceStep]]
    series: Mapping[int, Readings]

    def prices_of(self, group: HasSpend) -> Sequence[PriceStep]:
        """Return the group's price steps; empty if its CPI never changed."""
        return self.prices.get(group.pk, ())

    def series_of(self, group: HasSpend) -> Readings:
        """Return the group's readings that decide the split."""
        return self.series.get(group.pk, _NEVER)


def began_at(group: HasSpend) -> datetime | None:
    """Return when the first complete came, else when the fielding period starts."""
    return group.first_complete_at or group.starts_at


def load_spend_history(groups: Sequence[HasSpend], *, now: datetime) -> SpendHistory:
    """Load prices and readings of groups, in two or three queries.

    Of a series only the days around month ends and price steps are read. A group without a reading
    within an hour of one of them has a gap there, and its whole series is read.
    """
    prices = _load_prices(groups)
    spans = {group.pk: _span_of(group, prices.get(group.pk, ()), now) for group in groups}
    series = {pk: readings_of_days(days) for pk, days in _load_days(spans).items()}
    gaps = [pk for pk, span in spans.items() if _has_gap(series.get(pk, _NEVER), span)]
    series |= {pk: readings_of_days(days) for pk, days in stored_days(gaps).items()}
    return SpendHistory(prices, series)


def _load_prices(groups: Sequence[HasSpend]) -> dict[int, list[PriceStep]]:
    """Return the price steps of each group whose CPI changed, the first one from the beginning.

    The changelog also has what a user requested; it counts only where no CPI change is listed.
    """
    currencies = {group.pk: group.currency for group in groups}
    kinds = (ChangelogKind.CPI, ChangelogKind.USER_REQUESTED_CPI)
    rows = Change.objects.filter(group__in=list(currencies), kind__in=kinds)
    changes: dict[tuple[int, str], list[tuple[datetime, object, object]]] = defaultdict(list)
    columns = ("group_id", "kind", "occurred_at", "old", "new")
    for pk, kind, at, old, new in rows.order_by("occurred_at", "pk").values_list(*columns):
        changes[pk, kind].append((at, old, new))
    prices: dict[int, list[PriceStep]] = {}
    for pk, currency in currencies.items():
        listed = changes.get((pk, kinds[0])) or changes.get((pk, kinds[1]), [])
        if steps := _price_steps(listed, currency):
            prices[pk] = steps
    return prices


def _price_steps(
    changes: Iterable[tuple[datetime, object, object]], currency: str
) -> list[PriceStep]:
    """Return the CPI from each change on; before the first change the CPI was its old value."""
    steps: list[PriceStep] = []
    for at, old, new in changes:
        if not steps and (before := _price_in(old, currency)) is not None:
            steps.append(PriceStep(datetime.min.replace(tzinfo=UTC), before))
        if (after := _price_in(new, currency)) is not None:
            steps.append(PriceStep(at, after))
    return steps


def _price_in(value: object, currency: str) -> Decimal | None:
    """Return a price of the changelog; None for what is no price or is in another currency."""
    if isinstance(value, dict) and value.get("currency_code", currency) != currency:
        return None
    return price_from_changelog(value)


def _span_of(group: HasSpend, prices: Sequence[PriceStep], now: datetime) -> list[datetime]:
    """Return the first complete, the month starts and price steps after it, and the last complete.

    Empty where there is nothing to split.
    """
    began, ended = began_at(group), min(group.last_complete_at or now, now)
    if began is None:
        return []
    moments = [*month_starts(began, ended), *(step.at for step in prices)]
    inside = sorted(at for at in moments if began < at < ended)
    return [began, *inside, ended] if inside else []


def _load_days(
    spans: Mapping[int, Sequence[datetime]],
) -> dict[int, dict[date, PackedDay]]:
    """Return the stored days that hold the readings before and after each moment of a span."""
    groups_of: dict[date, set[int]] = defaultdict(set)
    for pk, span in spans.items():
        for at in span[1:-1]:
            groups_of[(at - _HOUR).astimezone(UTC).date()].add(pk)
            groups_of[(at + _HOUR).astimezone(UTC).date()].add(pk)
    days_of: dict[frozenset[int], list[date]] = defaultdict(list)
    for day, pks in groups_of.items():  # month ends are of the same groups
        days_of[frozenset(pks)].append(day)
    conditions = [Q(day__in=days, group__in=pks) for pks, days in days_of.items()]
    loaded: dict[int, dict[date, PackedDay]] = defaultdict(dict)
    for first in range(0, len(conditions), _CONDITIONS_A_QUERY):
        wanted = Q(*conditions[first : first + _CONDITIONS_A_QUERY], _connector=Q.OR)
        rows = CompletesDay.objects.filter(wanted).values_list("group_id", "day", "hours", "odd")
        for pk, day, hours, odd in rows:
            loaded[pk][day] = as_packed_day(hours, odd)
    return loaded


def _has_gap(series: Readings, span: Sequence[datetime]) -> bool:
    """Return whether a moment within the span has no count within an hour before or after it.

    The counts at both ends of the span are known.
    """
    if not span:
        return False
    began, *times, ended = (at.timestamp() for at in span)
    inside = series.at[(series.at > began) & (series.at < ended)]
    known, moments = np.concatenate(([began], inside, [ended])), np.array(times)
    before = known[np.searchsorted(known, moments, side="right") - 1]
    after = known[np.searchsorted(known, moments)]
    near = _HOUR.total_seconds()
    return bool(((moments - before > near) | (after - moments > near)).any())
