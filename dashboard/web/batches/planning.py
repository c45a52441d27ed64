"""An action on a selection of groups, before it is sent: what it would do to each, and why not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.http import QueryDict

from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.models import Batch, TargetGroup
from dashboard.sync.batches import transitions
from dashboard.sync.batches.jobs import Chosen
from dashboard.web.batches import launch_planning
from dashboard.web.batches.preview import Names, Planner, Preview, PreviewRow, local_moment
from dashboard.web.edits.forms import datetimes, price_impact
from dashboard.web.edits.forms.base import (
    AMOUNT,
    MOST_DECIMALS,
    FormError,
    format_change,
    is_large_step,
    not_too_large,
    parse_whole,
)
from dashboard.web.formatting import numbers, times

MAX_GROUPS = 1000
NO_PRICE = Decimal(10) ** 9  # more than our tables hold
DONE_WITH = ("draft", "completed", "archived")
ACTION_CHOICES = [(one.value, str(one.label)) for one in Batch.Action]  # what the tables offer
PRICE_CHANGES = {"set": "Set to", "raise": "Raise by", "lower": "Lower by"}


def plan_action(
    action: str, groups: Sequence[TargetGroup], typed: QueryDict, people: Names, now: datetime
) -> Preview:
    """The preview of an action; `people`: the exchange's, by id."""
    planner = _PLANNERS.get(action)
    if planner is None:
        return _transition(action, groups, now)
    try:
        return planner(groups, typed, people, now)
    except FormError as exc:
        return Preview(errors=exc.fields, again=exc.again)


def asks_first(action: str) -> bool:
    """Whether something is typed or chosen before there is a preview."""
    return action in _PLANNERS


def _transition(action: str, groups: Sequence[TargetGroup], now: datetime) -> Preview:
    why = transitions.refusals_by_group(action=action, groups=groups, now=now)
    return Preview(
        [PreviewRow(Chosen(one), note=_note(action, one)) for one in groups if one.pk not in why],
        [(one, why[one.pk]) for one in groups if one.pk in why],
    )


def _note(action: str, group: TargetGroup) -> str:
    """What a person should know before completing a group."""
    short = (completes_target(group) or 0) - (group.completes or 0)
    if action == Batch.Action.COMPLETE and short > 0:
        return f"{numbers.format_count(short)} completes short of its goal"
    return ""


def _manager(
    groups: Sequence[TargetGroup], typed: QueryDict, people: Names, _now: datetime
) -> Preview:
    manager = typed.get("manager", "")
    if len({group.account_id for group in groups}) > 1:
        raise FormError(form="Hand over the groups of one account at a time.")
    if manager not in people:
        raise FormError(manager="Choose who takes them over.")
    new = people[manager]
    told = Preview(wanted={"manager_id": manager, "name": new})
    for group in groups:
        if group.project_manager_id == manager:
            told.refused.append((group, f"{new} has it already"))
        elif group.status == "archived":
            told.refused.append((group, "is archived"))
        else:
            old = people.get(group.project_manager_id, "nobody we know")
            told.rows.append(PreviewRow(Chosen(group), old, new))
    return told


def _price(
    groups: Sequence[TargetGroup], typed: QueryDict, _people: Names, _now: datetime
) -> Preview:
    how, unit, text = typed.get("how", ""), typed.get("unit", ""), typed.get("value", "").strip()
    if how not in PRICE_CHANGES:
        raise FormError(how="Choose whether to set, raise or lower.")
    if how == "set" and unit == "%":
        raise FormError(unit="A price is set to an amount; choose its currency.")
    not_too_large(text, "value", "number")
    if not AMOUNT.fullmatch(text) or Decimal(text) <= 0:
        raise FormError(value=f"“{text[:40]}” is not an amount. Type digits and a point: 0.25.")
    if len(text.partition(".")[2]) > MOST_DECIMALS:
        raise FormError(value=f"The number has at most {MOST_DECIMALS} decimals.")
    told = Preview(wanted={"how": how, "unit": unit, "value": text})
    moves: list[tuple[TargetGroup, Decimal, Decimal]] = []
    for group in groups:
        new = _new_price(group, how, unit, Decimal(text))
        if why := _no_price(group, unit, new):
            told.refused.append((group, why))
        elif new is not None and group.cpi is not None:
            told.rows.append(_price_row(group, group.cpi, new))
            moves.append((group, group.cpi, new))
    leaps = [format_change(old, new) for _, old, new in moves if is_large_step(old, new)]
    if leaps and typed.get("value_again", "").strip() != text:
        number = f"{len(leaps)} group{'' if len(leaps) == 1 else 's'}"
        sentence = f"For {number} that is a large step (up to {max(leaps, key=_size)}). "
        raise FormError(again=True, value_again=sentence + "Type the number again to confirm it.")
    told.cost = _cost_in_all(moves)
    return told


def _cost_in_all(moves: Iterable[tuple[TargetGroup, Decimal, Decimal]]) -> list[str]:
    """What the completes to come cost more or less, by currency; and of how many nobody knows."""
    sums: dict[str, Decimal] = {}
    unknown = 0
    for group, old, new in moves:
        if (by := price_impact.extra_cost(group, new, old)) is None:
            unknown += 1
        else:
            sums[group.currency] = sums.get(group.currency, Decimal(0)) + by
    said = [
        f"{numbers.format_total(abs(by), code)} {'more' if by >= 0 else 'less'} than now"
        for code, by in sorted(sums.items())
    ]
    if unknown:
        said.append(f"not known for {unknown}, whose completes to come nobody can say")
    return said


def _size(percent: str) -> float:
    return abs(float(percent.removesuffix(" %")))


def _new_price(group: TargetGroup, how: str, unit: str, by: Decimal) -> Decimal | None:
    """As it was typed; a share of the present price to the smallest coin, or finer."""
    present = group.cpi
    if present is None:
        return None
    if how == "set":
        return by
    step = present * by / 100 if unit == "%" else by
    new = present + step if how == "raise" else present - step
    return price_impact.round_price(new, present, group.currency) if unit == "%" else new


def _no_price(group: TargetGroup, unit: str, new: Decimal | None) -> str:
    """Why this group cannot have that price; empty if it can."""
    limit = settings.CPI_LIMITS.get(group.currency)
    reasons = [
        (group.status in DONE_WITH, f"is {group.status}"),
        (group.pricing_model == "rate_card", "the rate card sets its CPI"),
        (new is None, "its CPI was not read yet"),
        (unit not in ("%", group.currency), f"is priced in {group.currency}"),
        (new is not None and new <= 0, "nothing would be left of its CPI"),
        (new is not None and new == group.cpi, "has this CPI already"),
        (new is not None and new >= NO_PRICE, "that is more than a CPI can be"),
        (
            bool(limit and new and new > limit),
            f"the exchange takes at most {numbers.format_money(limit, group.currency)}",
        ),
    ]
    return next((said for wrong, said in reasons if wrong), "")


def _price_row(group: TargetGroup, old: Decimal, new: Decimal) -> PreviewRow:
    def money(value: Decimal) -> dict[str, str]:
        return {"value": format(value, "f"), "currency_code": group.currency}

    notes = [price_impact.to_come(group, new, old)]
    if group.is_pricing_restricted:
        notes.append("Limited by the fielding assistant; the exchange may refuse it.")
    chosen = Chosen(group, money(old), money(new))
    new_text = f"{numbers.format_money(new, group.currency)} ({format_change(old, new)})"
    return PreviewRow(
        chosen, numbers.format_money(old, group.currency), new_text, " ".join(filter(None, notes))
    )


def _end(groups: Sequence[TargetGroup], typed: QueryDict, _people: Names, now: datetime) -> Preview:
    hours, text = typed.get("hours", "").strip(), typed.get("to", "").strip()
    if bool(hours) == bool(text):
        raise FormError(hours="Type either how many hours later, or a day and a time.")
    later = (
        timedelta(hours=parse_whole(hours, 1, 24 * 366, "hours", "number of hours"))
        if hours
        else None
    )
    to = datetimes.parse_datetime(text, "to") if text else None
    told = Preview(wanted={"hours": hours} if hours else {"to": text})
    for group in groups:
        if why := _no_end(group, to):
            told.refused.append((group, why))
            continue
        end = _new_end(group, later, to, now)
        if end <= now:
            told.refused.append((group, "that end has passed where its people live"))
        else:
            told.rows.append(_end_row(group, end))
    return told


def _no_end(group: TargetGroup, to: datetime | None) -> str:
    if group.status in DONE_WITH:
        return f"is {group.status}"
    if not (group.starts_at and group.ends_at):
        return "its dates were not read yet"
    return datetimes.reason_skipped(to, times.zone_of(group)) if to else ""


def _new_end(
    group: TargetGroup, later: timedelta | None, to: datetime | None, now: datetime
) -> datetime:
    """That time where its people live; or so much later than its end, or than now if it passed."""
    if to is not None:
        return to.replace(tzinfo=times.zone_of(group)).astimezone(UTC)
    return max(group.ends_at or now, now) + (later or timedelta())


def _end_row(group: TargetGroup, end: datetime) -> PreviewRow:
    now_set = {"start_fielding_at": group.starts_at, "end_fielding_at": group.ends_at}
    seen = {name: datetimes.rfc3339_stamp(at) if at else None for name, at in now_set.items()}
    chosen = Chosen(group, seen, seen | {"end_fielding_at": datetimes.rfc3339_stamp(end)})
    return PreviewRow(
        chosen,
        local_moment(group, group.ends_at) if group.ends_at else numbers.DASH,
        local_moment(group, end),
    )


_PLANNERS: dict[str, Planner] = {
    Batch.Action.MANAGER: _manager,
    Batch.Action.DRAFTS: launch_planning.plan_launch,
    Batch.Action.CPI: _price,
    Batch.Action.END: _end,
}


def offered_transitions(group: TargetGroup) -> list[tuple[str, str]]:
    """Transitions to offer for one group, by its status; the exchange has the last word."""
    if group.missing_since:
        return []
    return [
        (action.value, str(action.label))
        for action, statuses in transitions.FROM.items()
        if group.status in statuses
    ]


def currencies_of(groups: Iterable[TargetGroup]) -> list[str]:
    """The currencies that these groups are priced in."""
    return sorted({group.currency for group in groups if group.currency})
