"""Interviews that do not go as bid: IR, LOI, drop-off, conversion, EPC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

from django.utils.text import capfirst

from dashboard.alerts.rules.snapshot import GroupSnapshot
from dashboard.alerts.rules.verdict import (
    BREACH,
    CLEAR,
    CRITICAL,
    AlertText,
    OpeningFacts,
    Settings,
    Verdict,
    breach_above,
    breach_below,
)
from dashboard.alerts.text import format_count, one_line, pause_cause
from dashboard.fielding.domain.figures import (
    format_incidence,
    format_interview_length,
    format_likelihood,
    format_limit,
    format_percent,
    format_percent_limit,
)
from dashboard.fielding.domain.money import format_price, format_price_beside
from dashboard.fielding.figures.definitions import CALIBRATED_ON

Issue = Mapping[str, object]


def judge_incidence(group: GroupSnapshot, settings: Settings, _: OpeningFacts) -> Verdict | None:
    """Judge the observed IR as a share of the bid IR."""
    if group.incidence_rate is None or not group.expected_incidence_rate:
        return None
    if (group.prescreens or 0) < settings["prescreens"]:
        return None
    share = group.incidence_rate / group.expected_incidence_rate
    return breach_below(share, settings["fires"], settings["clears"])


def describe_incidence(group: GroupSnapshot, _: Settings) -> AlertText:
    """Describe the observed IR against the bid."""
    rate, bid = group.incidence_rate or 0, group.expected_incidence_rate or 0
    beside = format_incidence(rate, bid)
    return AlertText(
        f"Low IR: {group.label}, {beside}",
        f"{group.label}: IR {beside}. {group.progress}.",
        (("IR", format_percent(rate, beside=bid), f"bid {format_percent_limit(bid)}"),),
    )


def judge_interview_length(
    group: GroupSnapshot, settings: Settings, _: OpeningFacts
) -> Verdict | None:
    """Judge the median LOI as a multiple of the bid LOI; critical if it is far longer."""
    if not group.median_loi_seconds or not group.expected_loi_minutes:
        return None
    if (group.completes or 0) < settings["completes"]:
        return None
    multiple = group.median_loi_seconds / 60 / group.expected_loi_minutes
    verdict = breach_above(multiple, settings["fires"], settings["clears"])
    return verdict._replace(severity=CRITICAL) if multiple >= settings["critical"] else verdict


def describe_interview_length(group: GroupSnapshot, _: Settings) -> AlertText:
    """Describe the median LOI against the bid."""
    seconds, bid = group.median_loi_seconds or 0, group.expected_loi_minutes or 0
    beside = format_interview_length(seconds, bid)
    return AlertText(
        f"Long LOI: {group.label}, {beside}",
        f"{group.label}: median LOI {beside}. {group.progress}.",
        (("LOI", format_interview_length(seconds, None), f"bid {format_limit(bid)}"),),
    )


def judge_drop_off(group: GroupSnapshot, settings: Settings, _: OpeningFacts) -> Verdict | None:
    """Judge the share of entrants who leave the survey without an end status."""
    if group.drop_off_rate is None or (group.entrants or 0) < settings["entrants"]:
        return None
    return breach_above(group.drop_off_rate, settings["fires"], settings["clears"])


def describe_drop_off(group: GroupSnapshot, settings: Settings) -> AlertText:
    """Describe the drop-off against its limit."""
    rate = format_percent(group.drop_off_rate or 0, beside=settings["fires"])
    limit = format_percent_limit(settings["fires"])
    return AlertText(
        f"High drop-off: {group.label}, {rate} · limit {limit}",
        f"{group.label}: drop-off {rate} · limit {limit}. {group.progress}.",
        (("drop-off", rate, f"limit {limit}"),),
    )


def judge_conversion(group: GroupSnapshot, settings: Settings, _: OpeningFacts) -> Verdict | None:
    """Judge the conversion (completes ÷ entrants) as a share of the bid IR."""
    if group.conversion_rate is None or not group.expected_incidence_rate:
        return None
    if (group.entrants or 0) < settings["entrants"]:
        return None
    share = group.conversion_rate / group.expected_incidence_rate
    return breach_below(share, settings["fires"], settings["clears"])


def describe_conversion(group: GroupSnapshot, settings: Settings) -> AlertText:
    """Describe the conversion against the least that the bid IR lets expect."""
    share = (group.expected_incidence_rate or 0) * settings["fires"]
    rate = format_percent(group.conversion_rate or 0, beside=share)
    least = format_percent(share)
    return AlertText(
        f"Low conversion: {group.label}, {rate} · expected at least {least}",
        f"{group.label}: conversion {rate} · expected at least {least}. {group.progress}.",
        (("conversion", rate, f"expected at least {least}"),),
    )


def judge_epc(group: GroupSnapshot, settings: Settings, _: OpeningFacts) -> Verdict | None:
    """Judge the EPC; None for some hours after a CPI change, which moves the EPC by itself.

    In currencies other than USD it is compared with the group's own median EPC.
    """
    if group.epc is None or (group.entrants or 0) < settings["entrants"]:
        return None
    wait = timedelta(hours=settings["after_cpi_hours"])
    if group.cpi_changed_at and group.now - group.cpi_changed_at < wait:
        return None
    if group.currency == "USD":
        return breach_below(float(group.epc), settings["fires"], settings["clears"])
    median = _median_epc(group)
    if not median:
        return None
    return breach_below(
        float(group.epc) / median, settings["other_fires"], settings["other_clears"]
    )


def _median_epc(group: GroupSnapshot) -> float:
    """Return the median EPC of the last days in the group's currency; 0 if not known."""
    epc = group.insight.epc
    return float(epc.median or 0) if epc else 0.0


def describe_epc(group: GroupSnapshot, settings: Settings) -> AlertText:
    """Describe the EPC against what is healthy: the threshold in USD, else the median."""
    if group.currency == "USD":
        limit = Decimal(str(settings["fires"]))
        expected = f"healthy from {limit:.2f}"
    else:
        limit = Decimal(str(_median_epc(group)))
        expected = f"its median {format_price(limit, group.currency)}"
    epc = format_price_beside(group.epc or 0, limit, group.currency)
    return AlertText(
        f"Low EPC: {group.label}, {epc} · {expected}",
        f"{group.label}: EPC {epc} · {expected}. Suppliers may send few respondents. "
        f"{group.progress}.",
        (("EPC", epc, expected),),
    )


def judge_issue_error(group: GroupSnapshot, _: Settings, __: OpeningFacts) -> Verdict | None:
    """Judge whether the exchange reports an error on any figure."""
    return BREACH if any(_issues(group, "error")) else CLEAR


def judge_issue_warning(group: GroupSnapshot, _: Settings, __: OpeningFacts) -> Verdict | None:
    """Judge whether the exchange reports a warning on any figure."""
    return BREACH if any(_issues(group, "warning")) else CLEAR


def describe_issue(group: GroupSnapshot, _: Settings) -> AlertText:
    """Describe the most severe of the exchange's issues in its own words."""
    issues = [*_issues(group, "error"), *_issues(group, "warning")] or [("", {})]
    figure, issue = issues[0]
    text = one_line(str(issue.get("text") or issue.get("code") or figure.replace("_", " ")))
    more = f" and {format_count(len(issues) - 1, 'more issue')}" if len(issues) > 1 else ""
    tips = issue.get("suggestions")
    advice = "; ".join(
        one_line(str(tip)).rstrip(".") for tip in (tips if isinstance(tips, list | tuple) else ())
    )
    return AlertText(
        f"Cint reports: {group.label}, {text}{more}",
        f"{group.label}: Cint reports “{text.rstrip('.')}”{more}. "
        f"{group.progress}." + (f" Cint suggests: {advice}." if advice else ""),
    )


def _issues(group: GroupSnapshot, kind: str) -> Iterator[tuple[str, Issue]]:
    """Yield each issue of a kind with the name of its figure."""
    for figure, issues in group.issues.items():
        for issue in issues if isinstance(issues, list) else ():
            if isinstance(issue, dict) and issue.get("type") == kind:
                yield figure, issue


def judge_pause_risk(group: GroupSnapshot, settings: Settings, _: OpeningFacts) -> Verdict | None:
    """Judge the highest risk score (0 to 1) of a pause by the exchange."""
    if group.insight.warnings is None:
        return None
    highest = _highest_risk(group)  # scores of 0 are not stored, so none at all is no risk
    return breach_above(highest[1], settings["fires"], settings["clears"]) if highest else CLEAR


def describe_pause_risk(group: GroupSnapshot, _: Settings) -> AlertText:
    """Describe the likeliest reason for a pause, and its fix."""
    code, score = _highest_risk(group) or ("", 0.0)
    cause, risk = pause_cause(code), format_likelihood(score)
    return AlertText(
        f"Pause risk: {group.label}, {cause.label} ({risk})",
        f"{group.label}: likely to be paused by Cint: {cause.label} "
        f"(risk {risk}, {CALIBRATED_ON}). "
        f"{group.progress}. {capfirst(cause.fix)}.",
        (("pause risk", risk, ""),),
    )


def _highest_risk(group: GroupSnapshot) -> tuple[str, float] | None:
    scores = group.insight.warnings
    if not scores:
        return None
    code = max(scores, key=lambda key: (scores[key], key))
    return code, scores[code]
