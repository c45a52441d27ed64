"""The rate card of a group: the table, the cell it stands in, and what the neighbours cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from dashboard.fielding.domain import rate_card
from dashboard.fielding.domain.rate_card import RateCard
from dashboard.fielding.models import TargetGroup
from dashboard.web.formatting import numbers
from dashboard.web.groups.panels.quotas import sheet_of

Place = tuple[int, int]
AGREED, NOW, DRAFT = (
    "agreed",
    "now",
    "this draft",
)  # how cells are marked; of a draft nothing is agreed
_KINDS = {AGREED: "agreed", NOW: "now", DRAFT: "agreed"}


@dataclass(frozen=True, slots=True)
class CardCell:
    """One price: how it is marked, in words, and by which class."""

    price: str
    word: str
    kind: str


@dataclass(frozen=True, slots=True)
class CardLine:
    """The prices of one length of interview."""

    label: str
    cells: list[CardCell]


@dataclass(frozen=True, slots=True)
class CardTable:
    """A rate card as a page shows it; the sentences say what the marked cells mean."""

    kind: str
    currency: str
    percents: list[str]
    lines: list[CardLine]
    sentences: list[str]


def of_group(group: TargetGroup) -> CardTable | None:
    """The group's card with its present and its agreed cell; None where no card prices it."""
    stored = sheet_of(group)
    card = rate_card.read_rate_card(stored.rate_card if stored else None)
    if card is None or group.pricing_model != "rate_card":
        return None
    observed = None if group.median_loi_seconds is None else group.median_loi_seconds / 60
    agreed = card.cell(group.expected_loi_minutes, group.expected_incidence_rate)
    present = card.cell(observed, group.incidence_rate)
    is_draft = group.status == TargetGroup.Status.DRAFT
    said = [
        _standing("As the draft is" if is_draft else "Agreed", agreed, card),
        _standing("As it runs now", present, card),
    ]
    if present and agreed and present != agreed:
        said.append(_difference(card, agreed, present))
    said += _neighbours(card, agreed or present)
    marks = {DRAFT if is_draft else AGREED: agreed, NOW: present}
    return card_table(card, marks=marks, sentences=[one for one in said if one])


def card_table(
    card: RateCard,
    *,
    marks: Mapping[str, Place | None] | None = None,
    sentences: list[str] | None = None,
) -> CardTable:
    """Any card as a table; `marks`: the cells that mean something, by their words."""
    places = {word: place for word, place in (marks or {}).items() if place}
    middle = next(iter(places.values()), None)
    around = card.neighbours(middle) if middle else []
    lines = [
        CardLine(
            f"{minutes:g} min",
            [_cell(card, (row, column), places, around) for column in range(len(card.prices[row]))],
        )
        for row, minutes in enumerate(card.minutes)
    ]
    kind = "Bound since it was first live" if card.bound else "Predicted: bound when first live"
    percents = [f"{percent:g} %" for percent in card.percents]
    return CardTable(kind, card.currency, percents, lines, sentences or [])


def _cell(card: RateCard, at: Place, marks: Mapping[str, Place], around: list[Place]) -> CardCell:
    words = [word for word, place in marks.items() if place == at]
    kind = " ".join(_KINDS[word] for word in words) or ("near" if at in around else "")
    price = card.prices[at[0]][at[1]]
    return CardCell(numbers.format_amount(price, card.currency), " and ".join(words), kind)


def _price(card: RateCard, at: Place) -> str:
    return numbers.format_money(card.prices[at[0]][at[1]], card.currency)


def _place(card: RateCard, at: Place) -> str:
    return f"up to {card.minutes[at[0]]:g} min at {card.percents[at[1]]:g} % IR or more"


def _standing(word: str, at: Place | None, card: RateCard) -> str:
    return f"{word}: {_place(card, at)} costs {_price(card, at)}." if at else ""


def _difference(card: RateCard, agreed: Place, present: Place) -> str:
    """What the true length and incidence would cost beside what was agreed."""
    paid, due = (card.prices[row][column] for row, column in (agreed, present))
    if not paid or paid == due:
        return "Both cost the same."
    more = "more" if due > paid else "less"
    change = numbers.format_money(abs(due - paid), card.currency)
    return f"As it runs it would cost {change} {more} ({(due - paid) / paid * 100:+.0f} %)."


def _neighbours(card: RateCard, at: Place | None) -> list[str]:
    """What one step in each direction would change."""
    if at is None:
        return []
    paid = card.prices[at[0]][at[1]]
    steps = [
        f"{_place(card, place)}: {_price(card, place)} ({_signed(card, place, paid)})"
        for place in card.neighbours(at)
    ]
    return [f"One step away: {'; '.join(steps)}."]


def _signed(card: RateCard, at: Place, paid: Decimal) -> str:
    change = card.prices[at[0]][at[1]] - paid
    return f"{'+' if change >= 0 else '−'}{numbers.format_amount(abs(change), card.currency)}"
