"""The rate card of a group: the table, the group's cell, and the prices around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from dashboard.fielding.domain import rate_card
from dashboard.fielding.domain.rate_card import RateCard
from dashboard.fielding.models import TargetGroup
from dashboard.web.formatting import numbers
from dashboard.web.groups.panels.quotas import sheet_of

CellIndex = tuple[int, int]
BID, NOW, DRAFT = "bid", "actual", "this draft"  # how cells are marked
_KINDS = {BID: "agreed", NOW: "now", DRAFT: "agreed"}  # classes of the style sheet


@dataclass(frozen=True, slots=True)
class CardCell:
    """One price, with its mark in words and as a CSS class."""

    price: str
    word: str
    kind: str


@dataclass(frozen=True, slots=True)
class CardLine:
    """The prices of one interview length."""

    label: str
    cells: list[CardCell]


@dataclass(frozen=True, slots=True)
class CardTable:
    """A rate card as a page shows it; `sentences` explain the marked cells."""

    kind: str
    currency: str
    percents: list[str]
    lines: list[CardLine]
    sentences: list[str]


def rate_card_table(group: TargetGroup) -> CardTable | None:
    """Return the group's card with its bid and its actual cell; None if it is priced by CPI."""
    panels = sheet_of(group)
    card = rate_card.read_rate_card(panels.rate_card if panels else None)
    if card is None or group.pricing_model != "rate_card":
        return None
    observed = None if group.median_loi_seconds is None else group.median_loi_seconds / 60
    bid = card.cell(group.expected_loi_minutes, group.expected_incidence_rate)
    present = card.cell(observed, group.incidence_rate)
    is_draft = group.status == TargetGroup.Status.DRAFT
    sentences = [
        _cell_sentence("This draft" if is_draft else "As bid", bid, card),
        _cell_sentence("At actual LOI and IR", present, card),
    ]
    if present and bid and present != bid:
        sentences.append(_difference_sentence(card, bid, present))
    sentences += _neighbour_sentences(card, bid or present)
    marks = {DRAFT if is_draft else BID: bid, NOW: present}
    return card_table(card, marks=marks, sentences=[text for text in sentences if text])


def card_table(
    card: RateCard,
    *,
    marks: Mapping[str, CellIndex | None] | None = None,
    sentences: list[str] | None = None,
) -> CardTable:
    """Return any card as a table; `marks`: the marked cells, by their label."""
    places = {word: place for word, place in (marks or {}).items() if place}
    middle = next(iter(places.values()), None)
    around = card.neighbours(middle) if middle else []
    lines = [
        CardLine(
            f"{minutes:g} min",
            [
                _card_cell(card, (row, column), places, around)
                for column in range(len(card.prices[row]))
            ],
        )
        for row, minutes in enumerate(card.minutes)
    ]
    kind = "Fixed at first launch" if card.bound else "Preliminary: fixed at first launch"
    percents = [f"{percent:g} %" for percent in card.percents]
    return CardTable(kind, card.currency, percents, lines, sentences or [])


def _card_cell(
    card: RateCard, at: CellIndex, marks: Mapping[str, CellIndex], around: list[CellIndex]
) -> CardCell:
    cell_marks = [word for word, place in marks.items() if place == at]
    kind = " ".join(_KINDS[word] for word in cell_marks) or ("near" if at in around else "")
    price = card.prices[at[0]][at[1]]
    return CardCell(numbers.format_amount(price, card.currency), " and ".join(cell_marks), kind)


def _format_cell_price(card: RateCard, at: CellIndex) -> str:
    return numbers.format_money(card.prices[at[0]][at[1]], card.currency)


def _describe_cell(card: RateCard, at: CellIndex) -> str:
    return f"up to {card.minutes[at[0]]:g} min at {card.percents[at[1]]:g} % IR or more"


def _cell_sentence(word: str, at: CellIndex | None, card: RateCard) -> str:
    return f"{word}: {_describe_cell(card, at)} costs {_format_cell_price(card, at)}." if at else ""


def _difference_sentence(card: RateCard, bid: CellIndex, present: CellIndex) -> str:
    """Compare the price at actual LOI and IR with the price as bid."""
    paid, due = (card.prices[row][column] for row, column in (bid, present))
    if not paid or paid == due:
        return "Both cost the same."
    percent = numbers.format_signed((due - paid) / paid * 100)
    change = f"{_price_change(card, present, paid)} {card.currency}"
    return f"At actual LOI and IR: {change} ({percent} %)."


def _neighbour_sentences(card: RateCard, at: CellIndex | None) -> list[str]:
    """Return the prices one step away in each direction."""
    if at is None:
        return []
    paid = card.prices[at[0]][at[1]]
    steps = [
        f"{_describe_cell(card, near)}: {_format_cell_price(card, near)} "
        f"({_price_change(card, near, paid)})"
        for near in card.neighbours(at)
    ]
    return [f"Neighbouring cells: {'; '.join(steps)}."]


def _price_change(card: RateCard, at: CellIndex, paid: Decimal) -> str:
    change = card.prices[at[0]][at[1]] - paid
    return f"{'+' if change >= 0 else '−'}{numbers.format_amount(abs(change), card.currency)}"
