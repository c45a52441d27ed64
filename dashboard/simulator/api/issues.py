"""Rows of the group list: statistics, and the exchange's issues with them."""

from dashboard.simulator.catalogue.clock import DAY, HOUR, rfc3339_stamp
from dashboard.simulator.catalogue.money import PER_DOLLAR, monetary_amount
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.figures import SimulatedFigures, figures_of_group, progress_answer
from dashboard.simulator.world.group import SimulatedGroup

Issues = list[Json]

_ADVICE = {
    "3001": "Raise the cost per interview to draw more respondents",
    "3002": "Extend the fielding period",
    "3003": "Check the survey for screens on which respondents leave",
    "3004": "Shorten the survey or state its real length",
    "3005": "Loosen the qualifications or state the real incidence rate",
    "3006": "Test the survey links and the redirects",
}


def _issue(kind: str, code: str, reason: str, *advice: str) -> Json:
    return {
        "reason": {"code": code, "description": reason},
        "issue_type": kind,
        "suggestions": [{"code": a, "description": _ADVICE[a]} for a in advice],
    }


def list_row(group: SimulatedGroup, now: int) -> Json:
    """The contract's TargetGroupsListItem."""
    body: Json = {
        "id": group.id,
        "human_readable_id": group.human_id,
        "name": group.name,
        "project_manager_id": group.project_manager_id,
        "exclusion_enabled": bool(group.exclusion.get("enabled")),
        "locale": group.locale_code,
        "status": group.status,
        "created_at": rfc3339_stamp(group.created_at),
        "updated_at": rfc3339_stamp(group.updated_at),
        "statistics": group_statistics(group, figures_of_group(group, now), now),
    }
    if group.reference is not None:
        body["target_group_customer_reference_number"] = group.reference
    return body


def group_statistics(group: SimulatedGroup, figures: SimulatedFigures, now: int) -> Json:
    """The contract's TargetGroupStatistics: what has no base yet is missing."""
    live = group.status == "live"
    values: dict[str, tuple[object, Issues]] = {
        "progress": (
            progress_answer(group, figures.counts),
            _behind(group, figures, now) if live else [],
        )
    }
    if figures.last_complete is not None:
        issues = _silent(group, figures.last_complete, now) if live else []
        values["last_complete_date"] = (rfc3339_stamp(figures.last_complete), issues)
    if figures.epc is not None:
        values["earnings_per_click"] = (
            monetary_amount(figures.epc, group.currency),
            _poor(group, figures),
        )
    if figures.epcm is not None:
        values["earnings_per_click_per_minute"] = (
            monetary_amount(figures.epcm, group.currency),
            [],
        )
    if figures.average_cpi is not None:
        values["average_cost_per_interview"] = (
            monetary_amount(figures.average_cpi, group.currency),
            [],
        )
    if figures.loi_seconds is not None:
        values["median_length_of_interview_seconds"] = (
            figures.loi_seconds,
            _long(group, figures.loi_seconds),
        )
    if figures.incidence is not None:
        values["incidence_rate"] = (figures.incidence, _low_incidence(group, figures.incidence))
    if figures.drop_off is not None:
        values["drop_off_rate"] = (figures.drop_off, _leaving(figures.drop_off))
    if figures.conversion is not None:
        values["conversion_rate"] = (figures.conversion, _low_conversion(figures))
    return {name: {"value": value, "issues": issues} for name, (value, issues) in values.items()}


def _behind(group: SimulatedGroup, figures: SimulatedFigures, now: int) -> Issues:
    run = group.run
    if run is None or now - run.start < 12 * HOUR:
        return []
    done = (
        figures.counts.prescreens
        if group.filling_strategy == "prescreens"
        else figures.counts.completes
    )
    due = group.filling_goal * min(1.0, (now - run.start) / max(1, run.end - run.start))
    if done >= 0.75 * due:
        return []
    if done < 0.4 * due:
        return [_issue("error", "2101", "Far behind the pace needed", "3001", "3002")]
    return [_issue("warning", "2102", "Behind the pace needed", "3001")]


def _silent(group: SimulatedGroup, last: int, now: int) -> Issues:
    since = now - max(last, group.live_since)
    if since >= 2 * DAY:
        return [_issue("error", "2111", "No completes for two days", "3006", "3001")]
    if since >= DAY:
        return [_issue("warning", "2112", "No completes for a day", "3001")]
    return []


def _poor(group: SimulatedGroup, figures: SimulatedFigures) -> Issues:
    if figures.epc is None or figures.counts.entrants < 50:
        return []
    dollars = figures.epc / PER_DOLLAR[group.currency]
    if dollars < PER_DOLLAR["USD"] * 8 / 100:
        return [_issue("error", "2121", "EPC far too low", "3001", "3005")]
    if dollars < PER_DOLLAR["USD"] * 15 / 100:
        return [_issue("warning", "2122", "EPC too low", "3001")]
    return []


def _long(group: SimulatedGroup, seconds: int) -> Issues:
    stated = group.loi_minutes * 60
    if seconds > 1.8 * stated:
        return [_issue("error", "2131", "Interviews are far longer than stated", "3004")]
    if seconds > 1.25 * stated:
        return [_issue("warning", "2132", "Interviews are longer than stated", "3004")]
    return []


def _low_incidence(group: SimulatedGroup, observed: float) -> Issues:
    if observed < 0.5 * group.incidence_rate:
        return [_issue("error", "2141", "Incidence is far below what was stated", "3005")]
    if observed < 0.75 * group.incidence_rate:
        return [_issue("warning", "2142", "Incidence is below what was stated", "3005")]
    return []


def _leaving(share: float) -> Issues:
    if share > 0.45:
        return [_issue("error", "2151", "Drop-off close to 50 %", "3003", "3006")]
    if share > 0.25:
        return [_issue("warning", "2152", "High drop-off", "3003")]
    return []


def _low_conversion(figures: SimulatedFigures) -> Issues:
    if (
        figures.conversion is not None
        and figures.conversion < 0.05
        and figures.counts.prescreens >= 100
    ):
        return [_issue("error", "2161", "Very few completes", "3005", "3003")]
    return []
