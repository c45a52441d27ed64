"""What a launched group would bring at other CPIs, dates, LOI or IR, as the exchange expects.

Asked only when a person looks, within some seconds and the account's request budget, and kept for
an hour. An exchange that does not offer it, or does not answer, is a state and never an error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from django.utils import timezone
from msgspec import UNSET

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
from dashboard.fielding.domain.what_if import CellRange, SupplierRange, WhatIf, WhatIfState
from dashboard.fielding.models import GroupPanels, TargetGroup, WhatIfAnswer
from dashboard.fielding.queries.what_if import (
    FRESH,
    KEPT,
    NOT_LISTED,
    NOT_OFFERED,
    PlannedChange,
    Question,
    StoredAnswer,
    WhatIfTrouble,
    effective_change,
    is_answer_due,
    load_stored_answers,
    questions_of_group,
    reason_not_to_ask,
    what_if_of_answers,
)
from dashboard.sync.columns.group_panels import ProfileRow, conditions_text
from dashboard.sync.columns.limits import fit_json
from dashboard.sync.connections import clients

SECONDS = 6.0  # for all CPIs together
LARGEST_GOAL = 10_000  # of a request
MOST_COMPLETES = 2_147_483_647
NO_RANGE = "Cint sent no range of completes"
_Outcome = WhatIfAnswer.Outcome


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
    if reason := reason_not_to_ask(group):
        return WhatIf(WhatIfState.NOT_OFFERED, group.currency, reason=reason)
    questions = questions_of_group(group, cpis, change)
    stored = load_stored_answers(group, questions, now)
    unasked = [question for question in questions if is_answer_due(stored.get(question.key), now)]
    trouble = _account_refusal(group, now) if unasked else None
    if unasked and trouble is None:
        answers, trouble = _ask(group, unasked, client, now)
        _store(answers)
        stored |= {answer.key: answer for answer in answers}
    ended = _trouble_of_error(trouble) if trouble is not None else None
    return what_if_of_answers(questions, stored, group.currency, now=now, trouble=ended)


def delete_old_answers(*, now: datetime) -> None:
    """Delete the answers that are no longer shown."""
    WhatIfAnswer.objects.filter(read_at__lt=now - KEPT).delete()


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
    planned = effective_change(group, question.change)
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


def _trouble_of_error(error: ExchangeError) -> WhatIfTrouble:
    """The state that an error leaves a what-if in, and why, as a sentence."""
    if isinstance(error, Forbidden | MethodNotAllowed):
        return WhatIfTrouble(WhatIfState.NOT_OFFERED, NOT_OFFERED)
    if isinstance(error, NotFound):
        return WhatIfTrouble(WhatIfState.NOT_OFFERED, NOT_LISTED)
    advice = ""
    if isinstance(error, NoAnswer | RetryLater):
        advice = f" {error.retry_advice}."
    elif isinstance(error, Unauthorized):
        advice = " Check the connection."
    return WhatIfTrouble(WhatIfState.COULD_NOT_READ, f"{error}.{advice}")
