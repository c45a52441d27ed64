"""What a launched group would bring at other CPIs, dates, LOI or IR, as the exchange expects.

Asked only when a person looks, within some seconds and the account's request budget, and kept for
an hour. An exchange that does not offer it, or does not answer, is a state and never an error.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import msgspec
from django.utils import timezone
from msgspec import UNSET, Struct

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import (
    BadAnswer,
    ExchangeError,
    Forbidden,
    MethodNotAllowed,
    NoAnswer,
    NotFound,
    Refused,
    RetryLater,
    Unauthorized,
)
from dashboard.exchange.shapes.base import MonetaryAmountRequestModel, rfc3339
from dashboard.exchange.shapes.pricing import (
    CalculateTargetGroupFeasibilityByIdRequest,
    CalculateTargetGroupFeasibilityResponse,
    FeasibilityAllocations,
    FeasibilityProfile,
    FeasibilitySupplierGroup,
)
from dashboard.fielding.domain.money import minor_digits
from dashboard.fielding.domain.what_if import (
    CellRange,
    SupplierRange,
    WhatIf,
    WhatIfPoint,
    WhatIfState,
)
from dashboard.fielding.models import GroupPanels, TargetGroup, WhatIfAnswer
from dashboard.sync.columns.group_panels import ProfileRow, conditions_text
from dashboard.sync.columns.limits import fit_json
from dashboard.sync.connections import clients

SECONDS = 6.0  # for all CPIs together
FRESH = timedelta(hours=1)
KEPT = timedelta(days=1)  # older answers are shown with their age until then
STEPS = (Decimal(1), Decimal("1.10"), Decimal("1.25"), Decimal("1.05"), Decimal("0.95"))
LARGEST_GOAL = 10_000  # of a request
MOST_COMPLETES = 2_147_483_647
NOT_OFFERED = "Cint does not offer estimates for launched groups to this account."
NOT_LISTED = "Cint has no estimate for this group."
NOT_LAUNCHED = "Cint estimates only groups that are scheduled, live or paused."
RATE_CARD = "A rate card sets the CPI of this group."
NO_PRICE = "The CPI of this group is not known yet."
NO_RANGE = "Cint sent no range of completes"
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


def read_what_if(
    group: TargetGroup,
    *,
    cpis: Sequence[Decimal] = (),
    change: PlannedChange = PlannedChange(),  # noqa: B008 frozen
    client: ExchangeClient | None = None,
    now: datetime | None = None,
) -> WhatIf:
    """Read the what-if of a group at these CPIs, else at today's and some around it.

    Sends nothing for answers of the last hour. Needs the group's account and project.
    """
    now = now or timezone.now()
    if reason := _reason_not_to_ask(group):
        return WhatIf(WhatIfState.NOT_OFFERED, group.currency, reason=reason)
    questions = _questions(group, cpis, change)
    stored = _stored_answers(group, questions, now)
    unasked = [question for question in questions if _is_due(stored.get(question.key), now)]
    trouble = _account_refusal(group, now) if unasked else None
    if unasked and trouble is None:
        answers, trouble = _ask(group, unasked, client, now)
        _store(answers)
        stored |= {answer.key: answer for answer in answers}
    return _what_if(group, questions, stored, trouble, now)


def stored_what_if(group: TargetGroup, *, now: datetime) -> WhatIf:
    """The what-if as far as it is stored, one query. Sends no request."""
    return stored_what_ifs([group], now=now)[group.pk]


def stored_what_ifs(groups: Sequence[TargetGroup], *, now: datetime) -> dict[int, WhatIf]:
    """The stored what-if of each group around its CPI, by primary key; one query for all. Sends no
    request. Needs each group's project."""
    reasons = {group.pk: _reason_not_to_ask(group) for group in groups}
    questions = {
        group.pk: _questions(group, (), PlannedChange())
        for group in groups
        if not reasons[group.pk]
    }
    keys = [question.key for each in questions.values() for question in each]
    rows = WhatIfAnswer.objects.filter(
        group__in=list(questions), key__in=keys, read_at__gt=now - KEPT
    )
    stored = {row.key: row for row in rows}
    return {
        group.pk: WhatIf(WhatIfState.NOT_OFFERED, group.currency, reason=reasons[group.pk])
        if reasons[group.pk]
        else _what_if(group, questions[group.pk], stored, None, now)
        for group in groups
    }


def delete_old_answers(*, now: datetime) -> None:
    """Delete the answers that are no longer shown."""
    WhatIfAnswer.objects.filter(read_at__lt=now - KEPT).delete()


def _reason_not_to_ask(group: TargetGroup) -> str:
    if group.status not in _ESTIMATED:
        return NOT_LAUNCHED
    if group.missing_since is not None:
        return NOT_LISTED
    if group.pricing_model == "rate_card":
        return RATE_CARD
    return "" if group.cpi and group.currency else NO_PRICE


def _questions(
    group: TargetGroup, cpis: Sequence[Decimal], change: PlannedChange
) -> list[Question]:
    prices = cpis or price_steps(group.cpi, group.currency)
    return [Question(cpi, change, _key(group, cpi, change)) for cpi in dict.fromkeys(prices)]


def _key(group: TargetGroup, cpi: Decimal, change: PlannedChange) -> str:
    """A hash of all that an answer depends on, apart from the completes collected."""
    planned = _effective(group, change)
    state = (group.project.exchange_id, group.status, group.currency, f"{cpi.normalize():f}")
    values = (planned.starts_at, planned.ends_at, planned.loi_minutes, planned.incidence_rate)
    text = json.dumps([*state, *map(str, values), planned.completes_goal])
    return hashlib.sha256(text.encode()).hexdigest()


def _effective(group: TargetGroup, change: PlannedChange) -> PlannedChange:
    """The change with the group's own values where it names none."""
    return PlannedChange(
        starts_at=change.starts_at or group.starts_at,
        ends_at=change.ends_at or group.ends_at,
        loi_minutes=change.loi_minutes or group.expected_loi_minutes,
        incidence_rate=change.incidence_rate or group.expected_incidence_rate,
        completes_goal=change.completes_goal or group.completes_goal or group.filling_goal,
    )


def _stored_answers(
    group: TargetGroup, questions: Sequence[Question], now: datetime
) -> dict[str, WhatIfAnswer]:
    keys = [question.key for question in questions]
    rows = WhatIfAnswer.objects.filter(group=group, key__in=keys, read_at__gt=now - KEPT)
    return {row.key: row for row in rows}


def _is_due(answer: WhatIfAnswer | None, now: datetime) -> bool:
    return answer is None or answer.read_at <= now - FRESH


def _account_refusal(group: TargetGroup, now: datetime) -> ExchangeError | None:
    """The refusal that the account got within the hour, for whichever group."""
    refused = WhatIfAnswer.objects.filter(
        group__account=group.account_id, outcome=_Outcome.FORBIDDEN, read_at__gt=now - FRESH
    )
    return Forbidden() if refused.exists() else None


def _ask(
    group: TargetGroup, questions: Sequence[Question], client: ExchangeClient | None, now: datetime
) -> tuple[list[WhatIfAnswer], ExchangeError | None]:
    """The answers, and what ended the asking early; a question that is refused does not."""
    answers: list[WhatIfAnswer] = []
    trouble: ExchangeError | None = None
    try:
        client = client or clients.client_for(group.account)
    except ExchangeError as exc:
        return answers, exc
    profiles = _stored_profiles(group)
    with client.deadline(SECONDS):
        for question in questions:
            try:
                answers.append(_ask_one(client, group, question, profiles, now))
            except ExchangeError as exc:
                trouble = exc
                if (outcome := _lasting_outcome(exc)) is not None:
                    answers.append(_row(group, question, now, outcome=outcome, reason=str(exc)))
                if not isinstance(exc, Refused | BadAnswer):
                    break
    return answers, trouble


def _ask_one(
    client: ExchangeClient,
    group: TargetGroup,
    question: Question,
    profiles: Sequence[ProfileRow],
    now: datetime,
) -> WhatIfAnswer:
    answer = client.calculate_target_group_feasibility_by_id(
        project_id=group.project.exchange_id,
        target_group_id=group.exchange_id,
        request=_request(group, question),
    )
    read = _read_answer(answer, group.currency, profiles)
    return _row(group, question, now, outcome=_Outcome.ANSWERED, answer=_as_json(read))


def _as_json(answer: StoredAnswer) -> object:
    return fit_json(msgspec.json.decode(msgspec.json.encode(answer)))


def _lasting_outcome(exc: ExchangeError) -> WhatIfAnswer.Outcome | None:
    """What is stored of a refusal; None where another try may help."""
    if isinstance(exc, Forbidden | MethodNotAllowed):
        return _Outcome.FORBIDDEN
    if isinstance(exc, NotFound):
        return _Outcome.NOT_FOUND
    return _Outcome.REFUSED if isinstance(exc, Refused) else None


def _request(group: TargetGroup, question: Question) -> CalculateTargetGroupFeasibilityByIdRequest:
    """Only what is asked about: the exchange takes the rest from the group."""
    change = question.change
    goal = change.completes_goal
    return CalculateTargetGroupFeasibilityByIdRequest(
        cost_per_interview=MonetaryAmountRequestModel(
            value=f"{question.cpi.normalize():f}", currency_code=group.currency
        ),
        start_at=rfc3339(change.starts_at) if change.starts_at else UNSET,
        end_at=rfc3339(change.ends_at) if change.ends_at else UNSET,
        length_of_interview=change.loi_minutes or UNSET,
        incidence_rate=change.incidence_rate or UNSET,
        completes_goal=min(goal, LARGEST_GOAL) if goal else UNSET,
    )


def _row(
    group: TargetGroup,
    question: Question,
    now: datetime,
    *,
    outcome: WhatIfAnswer.Outcome,
    answer: object = None,
    reason: str = "",
) -> WhatIfAnswer:
    planned = _effective(group, question.change)
    return WhatIfAnswer(
        group=group,
        key=question.key,
        cpi=question.cpi,
        starts_at=planned.starts_at,
        ends_at=planned.ends_at,
        loi_minutes=planned.loi_minutes,
        incidence_rate=planned.incidence_rate,
        completes_goal=planned.completes_goal,
        outcome=outcome,
        reason=reason,
        answer=answer,
        read_at=now,
    )


def _store(answers: Sequence[WhatIfAnswer]) -> None:
    """Store answers in the place of older ones to the same questions."""
    if answers:
        WhatIfAnswer.objects.bulk_create(
            answers,
            update_conflicts=True,
            unique_fields=["group", "key"],
            update_fields=["outcome", "reason", "answer", "read_at"],
        )


def _read_answer(
    answer: CalculateTargetGroupFeasibilityResponse, currency: str, profiles: Sequence[ProfileRow]
) -> StoredAnswer:
    """An answer with its range of completes; BadAnswer without one."""
    completes = answer.suggested_completes_goal_range
    if completes is None or completes.min is None or completes.max is None:
        raise BadAnswer(NO_RANGE)
    if completes.min > completes.max:
        raise BadAnswer("Cint sent a range of completes that ends before it begins")
    price = answer.suggested_price
    return StoredAnswer(
        low=completes.min,
        high=completes.max,
        suggested_cpi=price.value if price and price.currency_code == currency else None,
        cells=tuple(_cells(answer.profiles, profiles)),
        supplier_groups=tuple(_supplier_groups(answer.allocations)),
    )


def _cells(
    estimates: Sequence[FeasibilityProfile], profiles: Sequence[ProfileRow]
) -> Iterable[CellRange]:
    """The quotas with a range; their names are those of the group's quotas, if these match."""
    sizes = [len(profile.targets) for profile in estimates]
    known = profiles if sizes == [len(row["targets"]) for row in profiles] else ()
    for place, estimate in enumerate(estimates):
        row = known[place] if known else None
        for number, target in enumerate(estimate.targets):
            quota = target.quota
            if quota is None or quota.min_completes is None or quota.max_completes is None:
                continue
            low = quota.min_completes.projected_completes_goal
            high = quota.max_completes.projected_completes_goal
            if low is None or high is None or not 0 <= low <= high <= MOST_COMPLETES:
                continue
            name = row["targets"][number]["name"] if row else conditions_text(target.conditions)
            shares = (
                quota.min_completes.projected_completes_percentage,
                quota.max_completes.projected_completes_percentage,
            )
            yield CellRange(
                profile=row["name"] if row else "",
                name=name,
                low=math.floor(low),
                high=math.ceil(high),
                share=None if shares[0] is None or shares[1] is None else (shares[0], shares[1]),
            )


def _supplier_groups(allocations: FeasibilityAllocations | None) -> Iterable[SupplierRange]:
    if allocations is None:
        return
    opened = allocations.open_exchange_allocations
    private = allocations.private_exchange_allocations
    parts: list[tuple[FeasibilitySupplierGroup, bool]] = []
    parts += [(part, False) for part in (opened.groups if opened else [])]
    parts += [(part, True) for part in (private.groups if private else [])]
    for part, is_private in parts:
        low, high = part.min_completes, part.max_completes
        if low is not None and high is not None and 0 <= low <= high <= MOST_COMPLETES:
            yield SupplierRange(part.group_name or "Unnamed suppliers", low, high, is_private)


def _stored_profiles(group: TargetGroup) -> list[ProfileRow]:
    """The group's profiles as they were last read."""
    profiles = GroupPanels.objects.filter(group=group).values_list("profiles", flat=True).first()
    return list(profiles or [])


def _what_if(
    group: TargetGroup,
    questions: Sequence[Question],
    stored: Mapping[str, WhatIfAnswer],
    trouble: ExchangeError | None,
    now: datetime,
) -> WhatIf:
    """The points of the last hour, else the older ones, else why there are none."""
    answers = [stored[question.key] for question in questions if question.key in stored]
    read = [answer for answer in answers if answer.outcome == _Outcome.ANSWERED]
    fresh = [answer for answer in read if not _is_due(answer, now)]
    if points := _points(fresh or read):
        known = {point.cpi for point in points}
        missing = tuple(sorted(q.cpi for q in questions if q.cpi not in known))
        state = WhatIfState.READ if fresh else WhatIfState.OUT_OF_DATE
        reason = _reason(trouble, answers) if missing or not fresh else ""
        return WhatIf(state, group.currency, points, missing, reason)
    state = _state_without_points(trouble, answers)
    missing = tuple(sorted(question.cpi for question in questions))
    return WhatIf(state, group.currency, (), missing, _reason(trouble, answers))


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
    trouble: ExchangeError | None, answers: Sequence[WhatIfAnswer]
) -> WhatIfState:
    lasting = {_Outcome.FORBIDDEN, _Outcome.NOT_FOUND}
    if isinstance(trouble, Forbidden | MethodNotAllowed | NotFound):
        return WhatIfState.NOT_OFFERED
    if trouble is None and any(answer.outcome in lasting for answer in answers):
        return WhatIfState.NOT_OFFERED
    if trouble is None and not answers:
        return WhatIfState.NOT_ASKED
    return WhatIfState.COULD_NOT_READ


def _reason(trouble: ExchangeError | None, answers: Sequence[WhatIfAnswer]) -> str:
    """Why points are missing, as a sentence; empty where nothing was asked."""
    outcomes = {answer.outcome: answer.reason for answer in answers}
    if isinstance(trouble, Forbidden | MethodNotAllowed) or _Outcome.FORBIDDEN in outcomes:
        return NOT_OFFERED
    if isinstance(trouble, NotFound) or _Outcome.NOT_FOUND in outcomes:
        return NOT_LISTED
    if isinstance(trouble, NoAnswer | RetryLater):
        return f"{trouble}. Try again in a moment."
    if isinstance(trouble, Unauthorized):
        return f"{trouble}. Check the connection."
    text = str(trouble) if trouble else outcomes.get(_Outcome.REFUSED, "")
    return f"{text}." if text else ""
