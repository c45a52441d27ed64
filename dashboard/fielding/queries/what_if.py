"""The exchange's what-if of groups, as far as it is stored: the questions, and their answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

import msgspec
from msgspec import Struct

from dashboard.fielding.domain.money import minor_digits
from dashboard.fielding.domain.what_if import (
    CellRange,
    SupplierRange,
    WhatIf,
    WhatIfPoint,
    WhatIfState,
)
from dashboard.fielding.models import TargetGroup, WhatIfAnswer

FRESH = timedelta(hours=1)
KEPT = timedelta(days=1)  # older answers are shown with their age until then
STEPS = (Decimal(1), Decimal("1.10"), Decimal("1.25"), Decimal("1.05"), Decimal("0.95"))
NOT_OFFERED = "Cint does not offer estimates for launched groups to this account."
NOT_LISTED = "Cint has no estimate for this group."
NOT_LAUNCHED = "Cint estimates only groups that are scheduled, live or paused."
RATE_CARD = "A rate card sets the CPI of this group."
NO_PRICE = "The CPI of this group is not known yet."
_ESTIMATED = (TargetGroup.Status.SCHEDULED, TargetGroup.Status.LIVE, TargetGroup.Status.PAUSED)
_Outcome = WhatIfAnswer.Outcome


class PlannedChange(Struct, frozen=True):
    """What is asked about besides the CPI; None: as it is. IR from 0 to 1, LOI in minutes."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    loi_minutes: int | None = None
    incidence_rate: float | None = None
    completes_goal: int | None = None


class StoredAnswer(Struct, frozen=True):
    """A point as it is stored: without its CPI and time."""

    low: int
    high: int
    suggested_cpi: Decimal | None = None
    cells: tuple[CellRange, ...] = ()
    supplier_groups: tuple[SupplierRange, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A what-if about one CPI, with the key under which its answer is stored."""

    cpi: Decimal
    change: PlannedChange
    key: str


def price_steps(cpi: Decimal, currency: str) -> list[Decimal]:
    """Today's CPI and those around it, in whole coins of the currency; the most telling first."""
    coin = Decimal(1).scaleb(-minor_digits(currency))
    prices = [cpi, *((cpi * step).quantize(coin, ROUND_HALF_UP) for step in STEPS[1:])]
    return list(dict.fromkeys(price for price in prices if price > 0))


class WhatIfTrouble(NamedTuple):
    """What ended the asking early: the state that it leaves, and a sentence."""

    state: WhatIfState
    reason: str


def stored_what_if(group: TargetGroup, *, now: datetime) -> WhatIf:
    """The what-if as far as it is stored, one query. Sends no request."""
    return stored_what_ifs([group], now=now)[group.pk]


def stored_what_ifs(groups: Sequence[TargetGroup], *, now: datetime) -> dict[int, WhatIf]:
    """The stored what-if of each group around its CPI, by primary key; one query for all. Sends no
    request. Needs each group's project."""
    reasons = {group.pk: reason_not_to_ask(group) for group in groups}
    questions = {
        group.pk: questions_of_group(group, (), PlannedChange())
        for group in groups
        if not reasons[group.pk]
    }
    keys = [question.key for each in questions.values() for question in each]
    rows = WhatIfAnswer.objects.filter(
        group__in=list(questions), key__in=keys, read_at__gt=now - KEPT
    )
    # A key names no group: groups of a project with the same terms share it.
    stored: dict[int, dict[str, WhatIfAnswer]] = {pk: {} for pk in questions}
    for row in rows:
        stored[row.group_id][row.key] = row
    return {
        group.pk: WhatIf(WhatIfState.NOT_OFFERED, group.currency, reason=reasons[group.pk])
        if reasons[group.pk]
        else what_if_of_answers(questions[group.pk], stored[group.pk], group.currency, now=now)
        for group in groups
    }


def reason_not_to_ask(group: TargetGroup) -> str:
    """Why the exchange has no what-if of a group, as a sentence; empty if it may."""
    if group.status not in _ESTIMATED:
        return NOT_LAUNCHED
    if group.missing_since is not None:
        return NOT_LISTED
    if group.pricing_model == "rate_card":
        return RATE_CARD
    return "" if group.cpi and group.currency else NO_PRICE


def questions_of_group(
    group: TargetGroup, cpis: Sequence[Decimal], change: PlannedChange
) -> list[Question]:
    """What is asked about a group: these CPIs, else today's and some around it. Needs its
    project."""
    prices = cpis or price_steps(group.cpi, group.currency)
    return [Question(cpi, change, _key(group, cpi, change)) for cpi in dict.fromkeys(prices)]


def _key(group: TargetGroup, cpi: Decimal, change: PlannedChange) -> str:
    """A hash of all that an answer depends on, apart from the completes collected."""
    planned = effective_change(group, change)
    state = (group.project.exchange_id, group.status, group.currency, f"{cpi.normalize():f}")
    values = (planned.starts_at, planned.ends_at, planned.loi_minutes, planned.incidence_rate)
    text = json.dumps([*state, *map(str, values), planned.completes_goal])
    return hashlib.sha256(text.encode()).hexdigest()


def effective_change(group: TargetGroup, change: PlannedChange) -> PlannedChange:
    """The change with the group's own values where it names none."""
    return PlannedChange(
        starts_at=change.starts_at or group.starts_at,
        ends_at=change.ends_at or group.ends_at,
        loi_minutes=change.loi_minutes or group.expected_loi_minutes,
        incidence_rate=change.incidence_rate or group.expected_incidence_rate,
        completes_goal=change.completes_goal or group.completes_goal or group.filling_goal,
    )


def load_stored_answers(
    group: TargetGroup, questions: Sequence[Question], now: datetime
) -> dict[str, WhatIfAnswer]:
    """The stored answers to questions about a group, by their keys; one query."""
    keys = [question.key for question in questions]
    rows = WhatIfAnswer.objects.filter(group=group, key__in=keys, read_at__gt=now - KEPT)
    return {row.key: row for row in rows}


def is_answer_due(answer: WhatIfAnswer | None, now: datetime) -> bool:
    """Whether a question is to be asked again: its answer is an hour old, or missing."""
    return answer is None or answer.read_at <= now - FRESH


def what_if_of_answers(
    questions: Sequence[Question],
    stored: Mapping[str, WhatIfAnswer],
    currency: str,
    *,
    now: datetime,
    trouble: WhatIfTrouble | None = None,
) -> WhatIf:
    """The points of the last hour, else the older ones, else why there are none.

    stored: the answers of the group by their keys.
    """
    answers = [stored[question.key] for question in questions if question.key in stored]
    read = [answer for answer in answers if answer.outcome == _Outcome.ANSWERED]
    fresh = [answer for answer in read if not is_answer_due(answer, now)]
    if points := _points(fresh or read):
        known = {point.cpi for point in points}
        missing = tuple(sorted(q.cpi for q in questions if q.cpi not in known))
        state = WhatIfState.READ if fresh else WhatIfState.OUT_OF_DATE
        reason = _reason(trouble, answers) if missing or not fresh else ""
        return WhatIf(state, currency, points, missing, reason)
    state = _state_without_points(trouble, answers)
    missing = tuple(sorted(question.cpi for question in questions))
    return WhatIf(state, currency, (), missing, _reason(trouble, answers))


def _points(answers: Iterable[WhatIfAnswer]) -> tuple[WhatIfPoint, ...]:
    """Points by CPI; a stored answer that an older version wrote differently is left out."""
    points = []
    for answer in answers:
        try:
            read = msgspec.convert(answer.answer, StoredAnswer, strict=False)
        except msgspec.ValidationError:
            continue
        points.append(
            WhatIfPoint(
                cpi=answer.cpi,
                low=read.low,
                high=read.high,
                read_at=answer.read_at,
                suggested_cpi=read.suggested_cpi,
                cells=read.cells,
                supplier_groups=read.supplier_groups,
            )
        )
    return tuple(sorted(points, key=lambda point: point.cpi))


def _state_without_points(
    trouble: WhatIfTrouble | None, answers: Sequence[WhatIfAnswer]
) -> WhatIfState:
    if trouble is not None:
        return trouble.state
    if any(answer.outcome in (_Outcome.FORBIDDEN, _Outcome.NOT_FOUND) for answer in answers):
        return WhatIfState.NOT_OFFERED
    return WhatIfState.COULD_NOT_READ if answers else WhatIfState.NOT_ASKED


def _reason(trouble: WhatIfTrouble | None, answers: Sequence[WhatIfAnswer]) -> str:
    """Why points are missing, as a sentence; empty where nothing was asked."""
    outcomes = {answer.outcome: answer.reason for answer in answers}
    if trouble is not None and trouble.state is WhatIfState.NOT_OFFERED:
        return trouble.reason
    if _Outcome.FORBIDDEN in outcomes:
        return NOT_OFFERED
    if _Outcome.NOT_FOUND in outcomes:
        return NOT_LISTED
    refused = outcomes.get(_Outcome.REFUSED, "")
    return trouble.reason if trouble is not None else refused and f"{refused}."
