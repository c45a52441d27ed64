"""The changes of price of the last days, one line each, with what each brought and cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, TypedDict

from django.http import HttpRequest

from dashboard.fielding.domain.scope import THE_EXCHANGE
from dashboard.fielding.effects.extra_completes import Estimate, add_estimates
from dashboard.fielding.effects.of_changes import VERDICTS
from dashboard.fielding.figures.price_effects import SHOWN_DAYS, StoredEffect
from dashboard.fielding.models import AdviceRecord, PriceChange
from dashboard.fielding.models.querysets.rows import PriceChangeQuerySet
from dashboard.web.auth.permissions import current_user, exchange_ids
from dashboard.web.formatting import labels, numbers
from dashboard.web.formatting.values import Names, format_daily_rates, format_foretold
from dashboard.web.tables import exports
from dashboard.web.tables.query_state import PER_PAGE, Column, Listing, drop_non_numeric

COLUMNS = {"when": Column("When", "at", descending=True)}
FILTERS = {"project": "group__project", "currency": "currency"}
MINE, MY_GROUPS, EVERYBODY = "mine", "groups", "all"
WHOSE = {MINE: "Made by me", MY_GROUPS: "Of my groups", EVERYBODY: "Everybody's"}
DAYS = ("7", "14", "30")
DEFAULT_DAYS = "14"
_ALLOWED_FOR = "after allowing for the field's "
_TREND_SIGNS = {"own decline of ": "own trend −", "own rise of ": "own trend +"}
# Labels of the table's figures in files, by direction of an interval.
HEADINGS = (
    "Time (UTC)",
    "Group",
    "Group ID",
    "Project",
    "Who",
    "Made in",
    "CPI before",
    "CPI after",
    "Currency",
    "Completes a day before",
    "Completes a day after",
    "Effect (×)",
    "Corrected for",
    "Verdict",
    "Extra completes",
    "Extra completes, low",
    "Extra completes, high",
    "Extra cost",
    "Extra cost, low",
    "Extra cost, high",
    "Compared until (UTC)",
    "Measured (UTC)",
)


@dataclass(frozen=True, slots=True)
class PriceLine:
    """A change of price in words.

    corrected: what the effect leaves out, or why there is none. outside: where it was made, if not
    in Fieldwatch. anchor: of the change on its group's page.
    """

    row: PriceChange
    effect: StoredEffect
    who: str
    outside: str
    anchor: str

    @property
    def old(self) -> str:
        """Return the CPI before."""
        return numbers.format_amount(self.row.old_cpi, self.row.currency)

    @property
    def new(self) -> str:
        """Return the CPI after, with its currency."""
        return numbers.format_money(self.row.new_cpi, self.row.currency)

    @property
    def step(self) -> str:
        """Return by how much the CPI changed: "+10 %"; empty if that is not known."""
        old, new = self.row.old_cpi, self.row.new_cpi
        if not old or new is None:
            return ""
        text = numbers.format_percent(new / old - 1)
        return f"+{text}" if new > old else text

    @property
    def rates(self) -> str:
        """Return completes a typical day before and after; a dash without both."""
        return format_daily_rates(self.effect.before, self.effect.after) or numbers.DASH

    @property
    def corrected(self) -> str:
        """Return what the effect is corrected for, or why there is no effect."""
        if self.effect.ratio is None:
            return self.effect.reason
        correction = self.effect.correction.removeprefix(_ALLOWED_FOR)
        for word, sign in _TREND_SIGNS.items():
            correction = correction.replace(word, sign)
        return f"× {self.effect.ratio:.2f}" + (f", {correction}" if correction else "")

    @property
    def foretold(self) -> str:
        """Return what was foretold of the change and what was seen; empty if nothing was."""
        record: AdviceRecord | None = getattr(self.row.edit, "advice_record", None)
        if record is None:
            return ""
        seen = self.effect.ratio if record.ratio_seen is None else record.ratio_seen
        return format_foretold(record.ratio_low, record.ratio_high, seen)

    @property
    def verdict(self) -> str:
        """Return the verdict as the group's page shows it."""
        return next(
            (word for code, word in VERDICTS.items() if code == self.effect.verdict),
            labels.sentence_case(self.effect.verdict),
        )

    @property
    def tone(self) -> str:
        """Return the tone of the verdict's tag."""
        return labels.EFFECT_TONES.get(self.effect.verdict, "info")

    @property
    def extra(self) -> str:
        """Return the extra completes with their sign; a dash where they are not known."""
        estimate = self.effect.extra_estimate
        return numbers.DASH if estimate is None else numbers.format_signed(round(estimate.middle))

    @property
    def extra_range(self) -> str:
        """Return the 95 % interval of the extra completes; empty where they are not known."""
        estimate = self.effect.extra_estimate
        return "" if estimate is None else _signed_range(estimate)

    @property
    def cost(self) -> str:
        """Return the extra cost with its sign and currency; a dash where it is not known."""
        estimate = self.effect.cost_estimate
        return numbers.DASH if estimate is None else _signed_money(estimate, self.row.currency)

    @property
    def cost_range(self) -> str:
        """Return the 95 % interval of the extra cost; empty where it is not known."""
        estimate = self.effect.cost_estimate
        return "" if estimate is None else _signed_range(estimate)

    @property
    def is_raise(self) -> bool | None:
        """Return whether the price rose; None if the price before is not known."""
        if self.row.old_cpi is None or self.row.new_cpi is None:
            return None
        return bool(self.row.new_cpi > self.row.old_cpi)


class PriceSum(NamedTuple):
    """What the raises or the cuts in one currency add up to."""

    sentence: str
    detail: str


class PriceChoice(NamedTuple):
    """What the page shows: whose changes, and of how many days."""

    whose: str
    days: str


class PricesContext(TypedDict):
    """What the template of the page reads."""

    lines: Sequence[PriceLine]
    sums: Sequence[PriceSum]
    measured_at: datetime | None
    listing: Listing
    pages: dict[str, object]
    choice: PriceChoice
    whose: Sequence[tuple[str, str]]
    days: Sequence[str]
    projects: Sequence[tuple[str, str]]
    is_linked: bool
    everybody: str
    export: str


def listing_of(request: HttpRequest) -> Listing:
    """Read the filters from the query string; a project that is no number is dropped."""
    query = drop_non_numeric(request.GET, "project")
    return Listing(query, COLUMNS, "when", FILTERS, extras=("whose", "days"))


def choice_of(request: HttpRequest, listing: Listing) -> PriceChoice:
    """Return whose changes, by default one's own once an exchange user is linked, and the days."""
    whose, days = listing.extra.get("whose", ""), listing.extra.get("days", "")
    if whose not in WHOSE:
        whose = MINE if any(exchange_ids(request).values()) else EVERYBODY
    return PriceChoice(whose, days if days in DAYS else DEFAULT_DAYS)


def price_lines(request: HttpRequest, names: Names, *, now: datetime) -> list[PriceLine]:
    """Return the lines that match the choice and the filters, newest first; one query."""
    listing = listing_of(request)
    choice, user = choice_of(request, listing), current_user(request)
    rows = PriceChange.objects.visible_to(user).filter(
        at__gte=now - timedelta(days=min(int(choice.days), SHOWN_DAYS))
    )
    if choice.whose == MINE:
        rows = rows.made_by(user, exchange_ids(request))
    elif choice.whose == MY_GROUPS:
        rows = rows.of_managed_groups(exchange_ids(request))
    return [_price_line(row, names) for row in listing.filtered(rows.newest())]


def _price_line(row: PriceChange, names: Names) -> PriceLine:
    who = str(row.by) if row.by else names.get(row.actor_id, "")
    if row.edit_id is not None:
        who, outside = who or "Former user", ""
    else:
        who = who or labels.ACTORS.get(row.actor_type, row.actor_type or "Unknown user")
        outside = "by Cint" if row.actor_type in THE_EXCHANGE else "on Cint"
    return PriceLine(
        row=row,
        effect=StoredEffect.from_stored(row.effect),
        who=who,
        outside=outside,
        anchor=f"effect-cpi-{row.at:%Y%m%d%H%M%S}",
    )


def sum_by_currency(lines: Iterable[PriceLine]) -> list[PriceSum]:
    """Return a sentence for the raises and one for the cuts of each currency."""
    parts: dict[tuple[str, bool], list[PriceLine]] = {}
    for line in lines:
        if line.is_raise is not None:
            parts.setdefault((line.row.currency, line.is_raise), []).append(line)
    ordered = sorted(parts.items(), key=lambda part: (part[0][0], not part[0][1]))
    return [_sum_of(rows, currency, is_raise) for (currency, is_raise), rows in ordered]


def _sum_of(lines: Sequence[PriceLine], currency: str, is_raise: bool) -> PriceSum:
    word = "raise" if is_raise else "cut"
    name = f"{numbers.format_count(len(lines))} {word}{'' if len(lines) == 1 else 's'}"
    pairs = [
        (extra, cost)
        for line in lines
        if (extra := line.effect.extra_estimate) and (cost := line.effect.cost_estimate)
    ]
    if not pairs:
        return PriceSum(f"{name} in {currency}: too early to tell, or nothing to tell it by.", "")
    extra = add_estimates(pair[0] for pair in pairs)
    cost = add_estimates(pair[1] for pair in pairs)
    unknown = len(lines) - len(pairs)
    more = f"; {numbers.format_count(unknown)} not counted (no verdict yet)" if unknown else ""
    detail = f"Completes {_signed_range(extra)}, cost in {currency} {_signed_range(cost)}{more}"
    word = "more" if cost.middle >= 0 else "less"
    money = f"{numbers.format_total(abs(cost.middle), currency)} {word}"
    if not extra.is_clear:
        return PriceSum(f"{name}: no clear change in completes, about {money} spent.", detail)
    count = numbers.format_signed(round(extra.middle))
    plural = "" if abs(round(extra.middle)) == 1 else "s"
    return PriceSum(f"{name}: about {count} complete{plural} for {money}.", detail)


def _signed_range(estimate: Estimate) -> str:
    low, high = round(estimate.low), round(estimate.high)
    return f"{numbers.format_signed(low)} to {numbers.format_signed(high)} (95 %)"


def _signed_money(estimate: Estimate, currency: str) -> str:
    text = numbers.format_total(estimate.middle, currency)
    return f"+{text}" if round(estimate.middle) > 0 else text


def prices_context(request: HttpRequest, names: Names, *, now: datetime) -> PricesContext:
    """Return the template context: a page of lines, the sums of all, and the choices."""
    listing = listing_of(request)
    choice = choice_of(request, listing)
    lines = price_lines(request, names, now=now)
    start = (listing.number - 1) * PER_PAGE
    return {
        "lines": lines[start : start + PER_PAGE],
        "sums": sum_by_currency(lines),
        "measured_at": max((line.row.measured_at for line in lines), default=None),
        "listing": listing,
        "pages": listing.pages(len(lines)),
        "choice": choice,
        "whose": tuple(WHOSE.items()),
        "days": DAYS,
        "projects": _project_choices(PriceChange.objects.visible_to(current_user(request))),
        "is_linked": any(exchange_ids(request).values()),
        "everybody": listing.address(whose=EVERYBODY),
        "export": request.path + "export.{}" + listing.address(),
    }


def _project_choices(rows: PriceChangeQuerySet) -> list[tuple[str, str]]:
    pairs = rows.order_by().values_list("group__project", "group__project__name").distinct()
    choices: Mapping[str, str] = {str(pk): name for pk, name in pairs}
    return sorted(choices.items(), key=lambda pair: pair[1].casefold())


def prices_sheet(request: HttpRequest, names: Names, *, now: datetime) -> exports.Sheet:
    """Return all lines that match, for a spreadsheet."""
    return exports.Sheet(HEADINGS, map(line_cells, price_lines(request, names, now=now)))


def line_cells(line: PriceLine) -> list[exports.Cell]:
    """Return the cells of a line, in the order of HEADINGS."""
    row, effect = line.row, line.effect
    return [
        row.at,
        row.group.name,
        row.group.human_readable_id,
        row.group.project.name,
        line.who,
        "Fieldwatch" if row.edit_id is not None else "Cint",
        row.old_cpi,
        row.new_cpi,
        row.currency,
        _rounded(effect.before),
        _rounded(effect.after),
        _rounded(effect.ratio),
        line.corrected,
        line.verdict,
        *_interval_cells(effect.extra_estimate, 1),
        *_interval_cells(effect.cost_estimate, 2),
        datetime.fromisoformat(effect.until) if effect.until else None,
        row.measured_at,
    ]


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 2)


def _interval_cells(estimate: Estimate | None, digits: int) -> list[exports.Cell]:
    if estimate is None:
        return [None, None, None]
    return [
        Decimal(f"{part:.{digits}f}") for part in (estimate.middle, estimate.low, estimate.high)
    ]
