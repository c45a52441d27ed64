"""The spend table as its URL selects it: on a page, or as a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, TypedDict

from django.db.models import Min
from django.http import HttpRequest

from dashboard.fielding.figures.spend_by_month import Month, month_starts
from dashboard.fielding.models.querysets.rows import TargetGroupQuerySet
from dashboard.web.formatting import labels
from dashboard.web.reports import spend_sections, spending
from dashboard.web.reports.spend_sections import CurrencySpend
from dashboard.web.tables import exports
from dashboard.web.tables.query_state import Column, Listing, drop_non_numeric

FILTERS = {
    "reference": "project__reference_number",
    "project": "project",
    "country": "country_code",
    "currency": "currency",
}
COLUMNS = {"project": Column("Project", "project")}
WHOLE_FIELD = "all"
_MONTH = re.compile(r"[12]\d{3}-(?:0[1-9]|1[0-2])")
_MOST_MONTHS = 36  # to choose from


class SpendChoice(NamedTuple):
    """What the table shows: a month (UTC), or "" for the whole field; and its subtotals.

    asked: whether the URL names the month.
    """

    month: Month
    grouping: str
    asked: bool = True

    @property
    def by_month(self) -> bool:
        """Whether lines are split by month."""
        return bool(self.month) or self.grouping == "month"


def listing_of(request: HttpRequest) -> Listing:
    """Read the filters from the query string; a project that is no number is dropped."""
    query = drop_non_numeric(request.GET, "project")
    return Listing(
        query,
        COLUMNS,
        "project",
        FILTERS,
        groupings=spend_sections.GROUPINGS,
        extras=("month", "per"),
    )


def _choice_of(listing: Listing, now: datetime) -> SpendChoice:
    """Return the month, by default the present one (UTC), and the subtotals.

    `per=all` is how links of releases up to 0.2 ask for the whole field.
    """
    month, grouping = listing.extra.get("month", ""), listing.grouped
    if WHOLE_FIELD in (month, listing.extra.get("per")):
        return SpendChoice("", grouping or spend_sections.DEFAULT_GROUPING)
    if grouping == "month":  # one month has no subtotals by month
        grouping = ""
    grouping = grouping or spend_sections.DEFAULT_GROUPING
    if _MONTH.fullmatch(month):
        return SpendChoice(month, grouping)
    return SpendChoice(_month_of(now), grouping, asked=False)


def _month_of(moment: datetime) -> Month:
    return f"{moment.astimezone(UTC):%Y-%m}"


def _matching_spend(
    groups: TargetGroupQuerySet, listing: Listing, now: datetime
) -> tuple[SpendChoice, list[spending.SpendLine]]:
    """Return what is shown, and all lines that match the filters and the month.

    If the URL names no month, and the present one has no spend yet, the latest with spend is shown:
    on the first of a month people close the one before.
    """
    choice = _choice_of(listing, now)
    lines = spending.load_spend_lines(listing.filtered(groups), months=choice.by_month, now=now)
    if not choice.asked:
        latest = max((line.month for line in lines), default="")
        choice = choice._replace(month=latest or choice.month)
    if choice.month:
        lines = [line for line in lines if line.month == choice.month]
    return choice, lines


FilterChoice = tuple[str, str, list[tuple[str, str]]]  # name, label, options


class SpendContext(TypedDict):
    """What the template of the spend page reads."""

    currencies: Sequence[CurrencySpend]
    totals: list[str]
    listing: Listing
    choice: SpendChoice
    period: str
    empty_month: str
    month: str
    final: str
    months: list[tuple[str, str]]
    groupings: list[tuple[str, str]]
    heading: str
    has_margin: bool
    pages: dict[str, object]
    choices: list[FilterChoice]
    now: datetime
    whole_field: str
    export: str


def spend_context(
    request: HttpRequest, groups: TargetGroupQuerySet, *, now: datetime
) -> SpendContext:
    """Return the template context: sections with subtotals, totals, and the filter choices."""
    listing = listing_of(request)
    choice, lines = _matching_spend(groups, listing, now)
    present, usual = _month_of(now), not choice.asked
    ends = {}
    if choice.grouping == "project" and "country" not in listing.chosen:
        ends = spend_sections.project_ends({line.project_pk for line in lines})
    currencies = spend_sections.sections_by_currency(lines, choice.grouping, ends)
    number_of_sections = sum(len(money.sections) for money in currencies)
    return {
        "currencies": _page_of(currencies, listing),
        "totals": spending.totals_by_currency(lines),
        "listing": listing,
        "choice": choice,
        "period": spending.name_of_month(choice.month) if choice.month else "Whole field",
        "empty_month": spending.name_of_month(present) if usual and choice.month != present else "",
        "month": choice.month or WHOLE_FIELD,
        "final": _final_text(lines, now) if choice.month else "",
        "months": _months_to_choose(groups, choice.month, now),
        "groupings": [
            pair
            for pair in spend_sections.GROUPINGS.items()
            if pair[0] != "month" or not choice.month
        ],
        "heading": spend_sections.GROUPINGS[choice.grouping],
        "has_margin": any(money.total.margin.completes for money in currencies),
        "pages": listing.pages(number_of_sections),
        "choices": _filter_choices(groups),
        "now": now,
        "whole_field": listing.address(month=WHOLE_FIELD),
        "export": request.path + "export.{}" + listing.address(),
    }


def _page_of(currencies: Iterable[CurrencySpend], listing: Listing) -> list[CurrencySpend]:
    """Return the sections of a page, each below the total of its currency."""
    size, place, shown = listing.per_page, 0, []
    begin = (listing.number - 1) * size
    for money in currencies:
        end = place + len(money.sections)
        part = money.sections[max(begin - place, 0) : max(begin + size - place, 0)]
        if part:
            shown.append(CurrencySpend(money.total, part))
        place = end
    return shown


def _final_text(lines: Iterable[spending.SpendLine], now: datetime) -> str:
    """Return until when a month can still change: the end of the 25th in US Central."""
    final = max((line.final for line in lines if line.final), default=None)
    if final is None:
        return ""
    day = f"{final - timedelta(hours=12):%-d %b %Y}"
    if final <= now:
        return f"Final: its reconciliation ended on {day}."
    return f"It can change until the end of {day} (US Central), when its reconciliation ends."


def _months_to_choose(
    groups: TargetGroupQuerySet, chosen: Month, now: datetime
) -> list[tuple[str, str]]:
    """Return the months since the first complete, the newest first, and the whole field."""
    first = groups.filter(cost__gt=0).aggregate(
        complete=Min("first_complete_at"), start=Min("starts_at")
    )
    began = min(filter(None, (first["complete"], first["start"], now)))
    months = {f"{start:%Y-%m}" for start in month_starts(began, now)[:-1][-_MOST_MONTHS:]}
    months |= {_month_of(now), *([chosen] if chosen else [])}
    named = [(month, f"{date.fromisoformat(f'{month}-01'):%b %Y}") for month in sorted(months)]
    return [*reversed(named), (WHOLE_FIELD, "Whole field")]


def _filter_choices(groups: TargetGroupQuerySet) -> list[FilterChoice]:
    rows = list(
        groups.filter(cost__gt=0)
        .order_by()
        .values_list(*FILTERS.values(), "project__name")
        .distinct()
    )
    columns = zip(*rows, strict=True) if rows else [()] * 5
    references, projects, countries, currencies, names = columns
    named = {str(pk): name for pk, name in zip(projects, names, strict=True)}
    offered = [
        ("reference", "Reference", [(value, value) for value in sorted({*references}) if value]),
        ("project", "Project", sorted(named.items(), key=lambda value: value[1].casefold())),
        (
            "country",
            "Country",
            sorted(
                ((value, labels.country_name(value)) for value in {*countries} if value),
                key=lambda c: c[1],
            ),
        ),
        ("currency", "Currency", [(value, value) for value in sorted({*currencies}) if value]),
    ]
    return [value for value in offered if len(value[2]) > 1]


def spend_sheet(
    request: HttpRequest, groups: TargetGroupQuerySet, *, now: datetime
) -> exports.Sheet:
    """Return all lines that match the filters, for a spreadsheet."""
    _, lines = _matching_spend(groups, listing_of(request), now)
    return exports.Sheet(spending.HEADINGS, map(spending.line_cells, lines))
