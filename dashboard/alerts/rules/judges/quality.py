"""Interviews that do not go as agreed: incidence, length, drop-off, conversion, earnings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.alerts.rules.verdict import (
    BREACH,
    CLEAR,
    CRITICAL,
    Memory,
    Settings,
    Verdict,
    Words,
    breach_above,
    breach_below,
)
from dashboard.alerts.text import format_minutes, format_percent, one_line, pause_cause
from dashboard.fielding.domain.money import format_price


def incidence_low(f: GroupSnapshot, s: Settings, _: Memory) -> Verdict | None:
    """Observed incidence against what was agreed."""
    if f.incidence_rate is None or not f.expected_incidence_rate:
        return None
    if (f.prescreens or 0) < s["prescreens"]:
        return None
    return breach_below(f.incidence_rate / f.expected_incidence_rate, s["fires"], s["clears"])


def say_incidence_low(f: GroupSnapshot, _: Settings) -> Words:
    """Observed of agreed."""
    seen, agreed = (
        format_percent(f.incidence_rate or 0),
        format_percent(f.expected_incidence_rate or 0),
    )
    return Words(
        f"Incidence low: {f.label}, {seen} (agreed {agreed})",
        f"{f.label}: {seen} of those who qualify complete, agreed {agreed}; {f.progress}.",
        (("incidence", seen, agreed),),
    )


def interview_long(f: GroupSnapshot, s: Settings, _: Memory) -> Verdict | None:
    """Median length against what was agreed; critical where it is far longer."""
    if not f.median_loi_seconds or not f.expected_loi_minutes:
        return None
    if (f.completes or 0) < s["completes"]:
        return None
    times = f.median_loi_seconds / 60 / f.expected_loi_minutes
    verdict = breach_above(times, s["fires"], s["clears"])
    return verdict._replace(severity=CRITICAL) if times >= s["critical"] else verdict


def say_interview_long(f: GroupSnapshot, _: Settings) -> Words:
    """Observed of agreed."""
    seen, agreed = format_minutes(f.median_loi_seconds or 0), f"{f.expected_loi_minutes} min"
    return Words(
        f"Interview long: {f.label}, {seen} (agreed {f.expected_loi_minutes})",
        f"{f.label}: interviews take {seen}, agreed {f.expected_loi_minutes}; {f.progress}.",
        (("interview", seen, agreed),),
    )


def drop_off(f: GroupSnapshot, s: Settings, _: Memory) -> Verdict | None:
    """The share that leaves in the middle."""
    if f.drop_off_rate is None or (f.entrants or 0) < s["entrants"]:
        return None
    return breach_above(f.drop_off_rate, s["fires"], s["clears"])


def say_drop_off(f: GroupSnapshot, s: Settings) -> Words:
    """How many leave."""
    seen, most = format_percent(f.drop_off_rate or 0), format_percent(s["fires"])
    return Words(
        f"Dropping off: {f.label}, {seen} leave in the middle",
        f"{f.label}: {seen} of the entrants leave in the middle, at most {most} is usual; "
        f"{f.progress}.",
        (("drop-off", seen, f"≤ {most}"),),
    )


def judge_conversion(f: GroupSnapshot, s: Settings, _: Memory) -> Verdict | None:
    """The share of entrants that completes, against the agreed incidence."""
    if f.conversion_rate is None or not f.expected_incidence_rate:
        return None
    if (f.entrants or 0) < s["entrants"]:
        return None
    return breach_below(f.conversion_rate / f.expected_incidence_rate, s["fires"], s["clears"])


def say_conversion(f: GroupSnapshot, s: Settings) -> Words:
    """Observed, and the least that the agreed incidence lets expect."""
    seen = format_percent(f.conversion_rate or 0)
    least = format_percent((f.expected_incidence_rate or 0) * s["fires"])
    return Words(
        f"Conversion low: {f.label}, {seen}",
        f"{f.label}: conversion {seen}, at least {least} is usual; {f.progress}.",
        (("conversion", seen, f"≥ {least}"),),
    )


def epc_low(f: GroupSnapshot, s: Settings, _: Memory) -> Verdict | None:
    """Earnings per click; no verdict for hours after a new CPI, which rewrites it at once.

    In other currencies than USD against the group's own median, where the insight tells it.
    """
    if f.epc is None or (f.entrants or 0) < s["entrants"]:
        return None
    if f.cpi_changed_at and f.now - f.cpi_changed_at < timedelta(hours=s["after_cpi_hours"]):
        return None
    if f.currency == "USD":
        return breach_below(float(f.epc), s["fires"], s["clears"])
    usual = _usual_epc(f)
    if not usual:
        return None
    return breach_below(float(f.epc) / usual, s["other_fires"], s["other_clears"])


def _usual_epc(f: GroupSnapshot) -> float:
    """The median EPC of its last days, in its currency; 0 where it is not known."""
    epc = f.insight.epc
    return float(epc.median or 0) if epc else 0.0


def say_epc_low(f: GroupSnapshot, s: Settings) -> Words:
    """What suppliers earn for each person they send."""
    least = s["fires"] if f.currency == "USD" else _usual_epc(f)
    seen = format_price(f.epc or 0, f.currency)
    healthy = format_price(least, f.currency)
    return Words(
        f"EPC low: {f.label}, {seen} (usual {healthy})",
        f"{f.label}: suppliers earn {seen} for each entrant, {healthy} or more is usual: "
        f"few will send people; {f.progress}.",
        (("EPC", seen, f"≥ {healthy}"),),
    )


def issue_error(f: GroupSnapshot, _: Settings, __: Memory) -> Verdict | None:
    """The exchange marks a figure as an error."""
    return BREACH if any(_issues(f, "error")) else CLEAR


def issue_warning(f: GroupSnapshot, _: Settings, __: Memory) -> Verdict | None:
    """The exchange marks a figure with a warning."""
    return BREACH if any(_issues(f, "warning")) else CLEAR


def say_issue(f: GroupSnapshot, _: Settings) -> Words:
    """The gravest of the exchange's own issues, as it words it."""
    found = [*_issues(f, "error"), *_issues(f, "warning")] or [("", {})]
    figure, issue = found[0]
    text = one_line(str(issue.get("text") or issue.get("code") or "an issue"))
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    about = one_line(figure.replace("_", " "))
    advice = "; ".join(one_line(str(tip)).rstrip(".") for tip in issue.get("suggestions") or ())
    return Words(
        f"The exchange reports: {f.label}, {text}{more}",
        f"{f.label}: the exchange reports on {about}: {text}{more}; {f.progress}."
        + (f" What helps, as it says: {advice}." if advice else ""),
    )


def _issues(f: GroupSnapshot, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for figure, issues in f.issues.items():
        for issue in issues if isinstance(issues, list) else ():
            if isinstance(issue, dict) and issue.get("type") == kind:
                yield figure, issue


def about_to_pause(f: GroupSnapshot, s: Settings, _: Memory) -> Verdict | None:
    """The early-warning score that is nearest to a pause by the exchange."""
    if f.insight.warnings is None:
        return None
    worst = _worst(f)  # scores of nought are not stored: none at all is no risk
    return breach_above(worst[1], s["fires"], s["clears"]) if worst else CLEAR


def say_about_to_pause(f: GroupSnapshot, _: Settings) -> Words:
    """What the exchange is likely to pause it for, and what helps."""
    code, score = _worst(f) or ("", 0.0)
    cause = pause_cause(code)
    return Words(
        f"About to be paused: {f.label}, {cause.what}",
        f"{f.label}: the exchange is likely to pause it: {cause.what} "
        f"(risk {format_percent(score)}); {f.progress}. What helps: {cause.advice}.",
        (("risk of a pause", format_percent(score), ""),),
    )


def _worst(f: GroupSnapshot) -> tuple[str, float] | None:
    scores = f.insight.warnings
    if not scores:
        return None
    code = max(scores, key=lambda key: (scores[key], key))
    return code, scores[code]
