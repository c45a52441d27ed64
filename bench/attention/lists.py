"""Four lists of what to do first, each from what it may know: the same manager works through each.

Every list says group, remedy, value and whether it is critical; the highest value comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from bench.attention.field import (
    HEALS,
    REMEDY_OF,
    can_do,
    clone_group,
    do_remedy,
    outcome_of,
)
from bench.attention.watch import Watched
from bench.forecast.simulated_group import moment_of, statuses
from dashboard.alerts.items.plan import PlannedItem, plan_items
from dashboard.simulator.catalogue.clock import DAY, HOUR
from dashboard.simulator.world.group import SimulatedGroup

IN_FIELD = ("live", "paused")


class Listed(NamedTuple):
    """A line of a list: what to do with a group, what that is worth, and whether it interrupts."""

    group: str
    remedy: str
    value: float
    critical: bool = False
    decision: bool = False  # nothing is broken, but somebody has to choose


Ranked = Callable[[Sequence[Watched], int], list[Listed]]


def _first(lines: Iterable[Listed]) -> list[Listed]:
    return sorted(lines, key=lambda line: (-line.value, line.group))


# What each remedy of the product does in the field.
DONE: dict[str, str] = {
    "fix_signing_key": "signing_key",
    "fix_redirects": "redirects",
    "check_link": "redirects",
    "find_stall": "redirects",
    "upload_links": "links",
    "fix_qualifications": "qualifications",
    "fix_ir": "qualifications",
    "fix_loi": "loi",
    "reduce_drop_off": "drop_off",
    "raise_cpi": "cpi",
    "lower_cpi": "cpi_limit",
    "relax_quotas": "quotas",
    "extend": "extend",
    "extend_or_close": "extend",
    "check_data": "resume",
    "resume": "resume",
    "ask_reason": "resume",
}


class ProductItems:
    """The items of the product, the critical ones first; it knows which it listed before."""

    def __init__(self) -> None:
        self._listed: dict[str, list[str]] = {}

    def __call__(self, groups: Sequence[Watched], at: int) -> list[Listed]:
        """Plan the items of all groups with alerts."""
        now, lines, listed = moment_of(at), [], self._listed
        self._listed = {}
        for one in groups:
            if one.firing:
                past = listed.get(one.group.id, [])
                items = plan_items(
                    one.row, one.firing, now=now, listed=past, changed_at=one.changed_at
                )
                self._listed[one.group.id] = [item.remedy.key for item in items]
                lines += [_line_of(one.group.id, item) for item in items]
        return sorted(lines, key=lambda line: (not line.critical, -line.value, line.group))


def _line_of(group: str, item: PlannedItem) -> Listed:
    remedy = item.remedy
    return Listed(group, remedy.key, item.value, item.critical, remedy.is_decision)


def straight_line(groups: Sequence[Watched], at: int) -> list[Listed]:
    """By the completes missing at the end if each group goes on as it did since its start."""
    lines = []
    for one in groups:
        group, run = one.group, one.group.run
        if run is None or group.status not in IN_FIELD or at - run.start < 6 * HOUR:
            continue
        passed = min(1.0, (at - run.start) / (run.end - run.start))
        short = group.filling_goal - group.tally.counts.completes / passed
        if short >= 1:
            lines.append(Listed(group.id, _obvious_remedy(group, at), short))
    return _first(lines)


# The fix of a pause, as its reason names it on every list.
BY_REASON = {
    "excessive_encryption_errors": "signing_key",
    "excessive_redirect_errors": "redirects",
    "excessive_qualification_setup_errors": "qualifications",
    "high_client_side_termination_rate": "qualifications",
    "live_respondent_unique_codes_exhausted": "links",
    "high_median_loi": "loi",
    "high_drop_rates": "drop_off",
    "low_epc": "cpi",
    "no_completes_in_several_days": "cpi",
    "no_completes_after_many_prescreens": "redirects",
    "max_cpi_limit_reached": "cpi_limit",
}


def _obvious_remedy(group: SimulatedGroup, at: int) -> str:
    """What anybody would try who sees the status of a group and the reason of its pause."""
    if group.status != "paused":
        return "cpi"
    if group.run is not None and group.run.end <= at:
        return "extend"
    *_, (_, _, _, reason) = statuses(group)
    return BY_REASON.get(reason, "resume")


# The list of incidents before there were items: by severity, then completes at risk, then time
# left, one row a group with its leading incident.
LEADING = (
    "paused_by_exchange",
    "paused_and_forgotten",
    "stalled",
    "about_to_pause",
    "interview_long",
    "drop_off",
    "epc",
    "incidence_low",
    "conversion",
    "issue_error",
    "ends_soon",
    "behind_pace",
)
OFFERED = {
    "paused_and_forgotten": "resume",
    "stalled": "cpi",
    "about_to_pause": "cpi",
    "interview_long": "loi",
    "epc": "cpi",
    "incidence_low": "loi",
    "ends_soon": "cpi",
    "behind_pace": "cpi",
}


def incident_list(groups: Sequence[Watched], at: int) -> list[Listed]:
    """The list of incidents as it was."""
    rows = []
    for one in groups:
        if not one.firing:
            continue
        severity = min(incident.severity for incident in one.firing)
        rules = [incident.rule for incident in one.firing]
        lead = min(rules, key=lambda rule: LEADING.index(rule) if rule in LEADING else 99)
        remedy = OFFERED.get(lead, "leave")
        if lead == "paused_by_exchange":
            remedy = _obvious_remedy(one.group, at)
        short, ends = one.row.short_at_end or 0.0, one.group.run.end if one.group.run else 0
        line = Listed(one.group.id, remedy, short, severity == 1)
        rows.append(((severity, -short, ends, line.group), line))
    return [line for _, line in sorted(rows)]


class Oracle:
    """Knows what becomes of each group, and what each remedy would change."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, Listed | None]] = {}

    def __call__(self, groups: Sequence[Watched], at: int) -> list[Listed]:
        """By the completes that the best remedy saves."""
        found = (self._best(one.group, at) for one in groups if one.group.status in IN_FIELD)
        return _first(line for line in found if line is not None)

    def _best(self, group: SimulatedGroup, at: int) -> Listed | None:
        """The best remedy; asked anew when something happened to the group, or after a day."""
        trouble = group.trouble and group.trouble.kind
        state = (group.status, trouble, group.cpi, group.run and group.run.end, at // DAY)
        known = self._known.get(group.id)
        if known is None or known[0] != state:
            known = state, self._search(group, at)
            self._known[group.id] = known
        return known[1]

    def _search(self, group: SimulatedGroup, at: int) -> Listed | None:
        alone = outcome_of(group)
        if alone >= group.filling_goal:
            return None
        remedies = {"cpi", "extend", "resume"}
        if group.trouble is not None:
            remedies.add(REMEDY_OF[group.trouble.kind])
        best = max(
            (_saved(group, remedy, at) - alone, remedy)
            for remedy in sorted(remedies)
            if can_do(group, remedy)
        )
        return Listed(group.id, best[1], best[0]) if best[0] >= 1 else None


def _saved(group: SimulatedGroup, remedy: str, at: int) -> int:
    """What the group has in the end if this is done now, and nothing after."""
    acted = clone_group(group)
    do_remedy(acted, remedy, at)
    return outcome_of(acted)


def remedy_in_field(remedy: str) -> str:
    """What a remedy of any list does in the field."""
    return remedy if remedy in HEALS else DONE.get(remedy, "leave")
