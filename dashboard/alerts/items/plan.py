"""From a group's open incidents to its items: one for each remedy. Pure functions.

A pause inhibits what a live field would explain: pace, stall and quality. A stall inhibits pace.
Causes such as a long LOI belong to the problem that they explain, and are an item of their own only
if they cost completes. Changes by people are no items, unless they are beyond a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from dashboard.alerts.items.remedies import REMEDIES, Remedy, is_at_goal
from dashboard.alerts.items.value import (
    HOUR,
    completes_by_resuming,
    completes_without_links,
    hours_of_slack,
    missing_completes,
    savable_completes,
)
from dashboard.alerts.rules.catalogue import (
    CPI_CHANGED,
    EDIT_UNCONFIRMED,
    NO_DATA,
)
from dashboard.alerts.rules.judges.status import END_REASONS
from dashboard.alerts.text import one_line
from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.insight.diagnosis import RULES as DIAGNOSES
from dashboard.fielding.insight.document import Insight
from dashboard.fielding.insight.launch_phase import END_REACHED, Phase, phase_of_group
from dashboard.fielding.models import Incident, TargetGroup

PAUSED, LEFT_PAUSED, STALLED, RISK = (
    "paused_by_exchange",
    "paused_and_forgotten",
    "stalled",
    "about_to_pause",
)
PACE = ("ends_soon", "behind_pace")
LINKS = "links_run_out"
SYMPTOMS = ("interview_long", "drop_off", "conversion", "incidence_low", "epc")
ISSUES = ("issue_error", "issue_warning")
END_DATE = "past_scheduled_end_date"  # the exchange's reason for a pause at the end date
NO_ITEM = "completes_fell"  # nothing can be done about it
LARGE_CPI_STEP = 0.5  # of the old CPI: such a change is a problem, whoever made it
# A standstill is critical where an hour counts: little slack, so little time left that a weekend
# costs most of what can be saved, and at least this share of the goal at risk.
SLACK_HOURS, HOURS_LEFT, SHARE_AT_RISK = 48.0, 72.0, 0.06
# The chance of the goal up to which a live group is an item for its pace. Above that most groups
# meet their goal in time, the young ones above all.
LIKELY_SHORT = 0.25
# A group that was launched, resumed or changed is given so many hours to find its pace, unless it
# ends soon.
HOURS_TO_SETTLE, HOURS_TO_ACT = 24.0, 48.0
# Filling early is a decision where much is left to spend: shares of the goal and of the time left.
EARLY_MISSING, EARLY_BY = 0.3, 0.4

BY_PAUSE_REASON = {
    "excessive_encryption_errors": "fix_signing_key",
    "excessive_redirect_errors": "fix_redirects",
    "no_completes_after_many_prescreens": "check_link",
    "live_respondent_unique_codes_exhausted": "upload_links",
    "excessive_qualification_setup_errors": "fix_qualifications",
    "high_client_side_termination_rate": "fix_qualifications",
    "high_median_loi": "fix_loi",
    "high_drop_rates": "reduce_drop_off",
    "low_epc": "raise_cpi",
    "no_completes_in_several_days": "raise_cpi",
    "max_cpi_limit_reached": "lower_cpi",
    END_DATE: "extend_or_close",
    "total_completes_reached": "stop_overfill",
    END_REACHED: "check_data",
}
BY_SYMPTOM = {
    "interview_long": "fix_loi",
    "drop_off": "reduce_drop_off",
    "conversion": "fix_qualifications",
    "incidence_low": "fix_ir",
    "epc": "raise_cpi",
}
_BY_DIAGNOSIS = {
    "link": "check_link",
    "set_up": "fix_redirects",
    "no_entrants": "raise_cpi",
    "quotas": "relax_quotas",
    "slow_quota": "relax_quotas",
    "loi": "fix_loi",
    "ir": "fix_ir",
    "drop_off": "reduce_drop_off",
    "screening": "fix_qualifications",
    "security": "ask_suppliers",
    "epc": "raise_cpi",
    "epcm": "raise_cpi",
    "price": "raise_cpi",
    "asked": "extend",
}
# The insight stores the sentence of a cause, not its code.
BY_CAUSE = {
    rule.sentence: _BY_DIAGNOSIS[rule.code] for rule in DIAGNOSES if rule.code in _BY_DIAGNOSIS
}


class Past(NamedTuple):
    """What was done about a group: the remedies of its open items, and its last change."""

    listed: Collection[str]
    changed_at: datetime | None

    @property
    def is_listed(self) -> bool:
        """Return whether the group has an open item that is no decision."""
        return any(not REMEDIES[key].is_decision for key in self.listed)


class PlannedItem(NamedTuple):
    """An item as the open incidents of its group make it; the first incident leads."""

    remedy: Remedy
    incidents: tuple[Incident, ...]
    value: float = 0.0
    money: Decimal | None = None
    critical: bool = False

    @property
    def sentence(self) -> str:
        """Return the sentence of the leading incident without the name of its group."""
        lead = self.incidents[0]
        name = one_line(lead.group.name) if lead.group else ""
        text = lead.sentence.removeprefix(f"{name}: ") if name else lead.sentence
        return text[:1].upper() + text[1:]


def plan_items(
    group: TargetGroup | None,
    incidents: Sequence[Incident],
    *,
    now: datetime,
    listed: Collection[str] = (),
    changed_at: datetime | None = None,
) -> list[PlannedItem]:
    """Return the items of one group, or of what is no group's, from its open incidents.

    listed: the remedies of its open items. changed_at: when somebody last changed the group to
    solve a problem.
    """
    by_rule: dict[str, list[Incident]] = {}
    for incident in sorted(incidents, key=lambda each: (each.severity, each.pk)):
        by_rule.setdefault(incident.rule, []).append(incident)
    planned: list[PlannedItem] = []
    if rows := by_rule.get(NO_DATA.code):
        planned.append(PlannedItem(REMEDIES["reconnect"], tuple(rows), critical=True))
    if rows := by_rule.get(EDIT_UNCONFIRMED.code):
        planned.append(PlannedItem(REMEDIES["check_change"], tuple(rows)))
    if group is not None:
        past = Past(listed, changed_at)
        planned += _field_items(group, by_rule, past, now)
        planned += _decisions(group, by_rule, now)
        steps = [each for each in by_rule.get(CPI_CHANGED.code, ()) if _is_large_step(each)]
        if steps:
            planned.append(PlannedItem(REMEDIES["check_price"], tuple(steps)))
    return planned


def _is_large_step(incident: Incident) -> bool:
    """Return whether a CPI was changed by half or more, as its incident stores it."""
    step = incident.facts.get("step")
    return isinstance(step, int | float) and abs(step) >= LARGE_CPI_STEP


def _field_items(
    group: TargetGroup,
    by_rule: dict[str, list[Incident]],
    past: Past,
    now: datetime,
) -> list[PlannedItem]:
    """Return the items about completes that do not come: a standstill before anything else."""
    insight = Insight.of(group)
    quality = _incidents_of(by_rule, (*SYMPTOMS, *ISSUES))
    pace = _incidents_of(by_rule, PACE)
    risk, links = by_rule.get(RISK, []), by_rule.get(LINKS, [])
    if paused := by_rule.get(PAUSED):
        return _pause_items(group, insight, [*paused, *links, *risk, *quality, *pace], now)
    if left := by_rule.get(LEFT_PAUSED):
        return [_standstill(REMEDIES["resume"], group, insight, left, now)._replace(critical=False)]
    if is_at_goal(group):
        return []
    if stalled := by_rule.get(STALLED):
        return [_stall_item(group, insight, [*stalled, *links, *risk, *pace, *quality], past, now)]
    return _live_items(group, insight, by_rule, past, now)


def _live_items(
    group: TargetGroup,
    insight: Insight,
    by_rule: dict[str, list[Incident]],
    past: Past,
    now: datetime,
) -> list[PlannedItem]:
    """Return the items of a live group with completes: links, a pause to come, pace, causes."""
    quality, pace = _incidents_of(by_rule, (*SYMPTOMS, *ISSUES)), _incidents_of(by_rule, PACE)
    risk, top_risk, items = by_rule.get(RISK, []), _top_risk(insight), []
    if links := by_rule.get(LINKS, []):
        value = completes_without_links(group, insight, now=now)
        items.append(_valued(REMEDIES["upload_links"], group, links, value))
    if risk and top_risk == END_DATE:
        items.append(_end_item(group, insight, [*risk, *pace, *quality], now))
        return _merge(items)
    if risk and top_risk:
        items.append(_risk_item(group, insight, risk, quality, now))
    if _is_likely_short(insight) and not _is_settling(group, past, now):
        if pace:
            items.append(_pace_item(group, insight, [*pace, *quality], past, now))
        elif not risk:
            items += _symptom_items(group, insight, by_rule, now)
    return _merge(items)


def _stall_item(
    group: TargetGroup, insight: Insight, incidents: list[Incident], past: Past, now: datetime
) -> PlannedItem:
    """Return the item of a live group without completes, with the remedy of its likeliest cause."""
    remedy = _diagnosed(insight, past, among=_explains_a_stall) or REMEDIES["find_stall"]
    if group.links_left == 0 and any(incident.rule == LINKS for incident in incidents):
        remedy = REMEDIES["upload_links"]
    return _standstill(remedy, group, insight, incidents, now)


def _is_likely_short(insight: Insight) -> bool:
    """Return whether a live group is likely to miss its goal; so it is without a forecast."""
    chance = insight.forecast.chance if insight.forecast else None
    return chance is None or chance <= LIKELY_SHORT


def _is_settling(group: TargetGroup, past: Past, now: datetime) -> bool:
    """Return whether a live group has not been long enough as it is to judge its pace.

    A change holds back new items only; those that are open wait.
    """
    if group.ends_at is not None and group.ends_at <= now + HOURS_TO_ACT * HOUR:
        return False
    changed_at = None if past.is_listed else past.changed_at
    times = (at for at in (group.status_changed_at, changed_at) if at is not None)
    return any(now - at < HOURS_TO_SETTLE * HOUR for at in times)


def _incidents_of(by_rule: dict[str, list[Incident]], rules: Iterable[str]) -> list[Incident]:
    return [incident for rule in rules for incident in by_rule.get(rule, ())]


def _pause_items(
    group: TargetGroup, insight: Insight, incidents: list[Incident], now: datetime
) -> list[PlannedItem]:
    """Return the item of a pause by the exchange; none for a group that is done."""
    if is_at_goal(group) or (group.status_reason in END_REASONS and not missing_completes(group)):
        return []
    is_waiting = phase_of_group(group, now=now).phase is Phase.WAITING
    reason = END_REACHED if is_waiting else group.status_reason
    key = BY_PAUSE_REASON.get(reason, "ask_reason")
    if group.ends_at is not None and group.ends_at <= now:
        key = "extend_or_close"
    elif key == "stop_overfill":
        key = "ask_reason"  # paused as full, but its goal was raised since
    elif key == "extend_or_close":
        key = "resume"  # paused at its end date, which was extended since
    return [_standstill(REMEDIES[key], group, insight, incidents, now)]


def _standstill(
    remedy: Remedy,
    group: TargetGroup,
    insight: Insight,
    incidents: list[Incident],
    now: datetime,
) -> PlannedItem:
    """Return the item of a group that stands still: what it would get if it went on now."""
    value = completes_by_resuming(group, insight, now=now)
    critical = False
    if group.ends_at is not None and now < group.ends_at <= now + HOURS_LEFT * HOUR:
        slack = hours_of_slack(group, insight, now=now)
        at_risk = value >= max(1.0, SHARE_AT_RISK * (completes_target(group) or 0))
        critical = at_risk and slack is not None and slack < SLACK_HOURS
    return _valued(remedy, group, incidents, value, critical=critical)


def _valued(
    remedy: Remedy,
    group: TargetGroup,
    incidents: Sequence[Incident],
    value: float,
    *,
    critical: bool = False,
) -> PlannedItem:
    value = round(value, 1)
    money = None if group.cpi is None else Decimal(str(value)) * group.cpi
    return PlannedItem(remedy, tuple(incidents), value, money, critical)


def _top_risk(insight: Insight) -> str:
    """Return the likeliest reason of a pause that the insight warns about; empty without any."""
    scores = insight.warnings or {}
    return max(scores, key=lambda code: (scores[code], code), default="")


def _risk_item(
    group: TargetGroup,
    insight: Insight,
    risk: list[Incident],
    quality: list[Incident],
    now: datetime,
) -> PlannedItem:
    """Return the item of a group that the exchange is likely to pause."""
    code = _top_risk(insight)
    remedy = REMEDIES[BY_PAUSE_REASON.get(code, "raise_cpi")]
    score = (insight.warnings or {}).get(code, 0.0)
    value = score * completes_by_resuming(group, insight, now=now)
    return _valued(remedy, group, [*risk, *quality], value)


def _end_item(
    group: TargetGroup, insight: Insight, incidents: list[Incident], now: datetime
) -> PlannedItem:
    """Return the decision about a group that is likely to end short of its goal within 48 hours."""
    remedy = REMEDIES["extend_or_close"]
    value = savable_completes(group, insight, reach=remedy.reach, now=now)
    return _valued(remedy, group, incidents, value)


def _pace_item(
    group: TargetGroup, insight: Insight, incidents: list[Incident], past: Past, now: datetime
) -> PlannedItem:
    """Return the item of a live group that is projected to fall short."""
    remedy = _diagnosed(insight, past) or REMEDIES["raise_cpi"]
    value = savable_completes(group, insight, reach=remedy.reach, now=now)
    return _valued(remedy, group, incidents, value)


def _symptom_items(
    group: TargetGroup, insight: Insight, by_rule: dict[str, list[Incident]], now: datetime
) -> list[PlannedItem]:
    """Return the items of causes without a problem of their own yet: only those that will cost."""
    items = []
    issues = _incidents_of(by_rule, ISSUES)
    for rule in SYMPTOMS:
        if rows := by_rule.get(rule):
            remedy = REMEDIES[BY_SYMPTOM[rule]]
            value = savable_completes(group, insight, reach=remedy.reach, now=now)
            items.append(_valued(remedy, group, [*rows, *issues], value))
            issues = []
    if issues:
        remedy = REMEDIES["read_issue"]
        value = savable_completes(group, insight, reach=remedy.reach, now=now)
        items.append(_valued(remedy, group, issues, value))
    return [item for item in items if item.value >= 1]


def _decisions(
    group: TargetGroup, by_rule: dict[str, list[Incident]], now: datetime
) -> list[PlannedItem]:
    items = []
    if rows := by_rule.get("overfilled"):
        items.append(PlannedItem(REMEDIES["stop_overfill"], tuple(rows)))
    elif (rows := by_rule.get("early")) and _saves_money(group, now):
        to_come = Decimal(str(missing_completes(group)))
        money = None if group.cpi is None else to_come * group.cpi
        items.append(PlannedItem(REMEDIES["lower_cpi_or_leave"], tuple(rows), money=money))
    if rows := _incidents_of(by_rule, ("spend", "projected_cost")):
        over = None
        if group.cost is not None and group.budget is not None:
            projected = Insight.of(group).cost
            cost = (projected.p50 if projected else None) or group.cost
            over = max(cost - group.budget, Decimal(0))
        items.append(PlannedItem(REMEDIES["budget"], tuple(rows), money=over))
    return items


def _saves_money(group: TargetGroup, now: datetime) -> bool:
    """Return whether a lower CPI can save much on a group that fills early."""
    finish, ends = Insight.of(group).finish_dates[1], group.ends_at
    if finish is None or ends is None or ends <= now:
        return False
    much_is_missing = missing_completes(group) >= EARLY_MISSING * (completes_target(group) or 0)
    return much_is_missing and ends - finish >= EARLY_BY * (ends - now)


def _explains_a_stall(key: str) -> bool:
    """Return whether a remedy can end a standstill of a live group."""
    return key in ("check_link", "fix_redirects", "relax_quotas", "raise_cpi")


def _diagnosed(insight: Insight, past: Past, among: Callable[[str], bool] = bool) -> Remedy | None:
    """Return the remedy of the likeliest cause that the insight names.

    A cause that is listed stays until it is none any more.
    """
    keys = [BY_CAUSE.get(cause.sentence, "") for cause in insight.causes or ()]
    named = [key for key in keys if key and among(key)]
    listed = [key for key in named if key in past.listed]
    return next((REMEDIES[key] for key in [*listed, *named]), None)


def _merge(items: Sequence[PlannedItem]) -> list[PlannedItem]:
    """Return the items with those of one remedy in one, at the higher value."""
    merged: dict[str, PlannedItem] = {}
    for item in items:
        first = merged.get(item.remedy.key)
        if first is None:
            merged[item.remedy.key] = item
            continue
        larger = first if first.value >= item.value else item
        rows = dict.fromkeys((*first.incidents, *item.incidents))
        merged[item.remedy.key] = larger._replace(incidents=tuple(rows))
    return list(merged.values())
