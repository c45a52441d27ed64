"""How alerts speak: the exchange's codes in plain words, numbers as a project manager says them."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

A_WEEKDAY_TELLS = timedelta(days=6)
JOINERS = "\u200c\u200d"  # Persian words and some emoji need them; they turn nothing


class AlertCause(NamedTuple):
    """Why the exchange paused a group: what happened, and what helps."""

    what: str
    advice: str


PAUSES: dict[str, AlertCause] = {
    "max_cpi_limit_reached": AlertCause(
        "the price reached the highest CPI that the platform allows",
        "lower the CPI or make the audience wider, then resume",
    ),
    "live_respondent_unique_codes_exhausted": AlertCause(
        "the one-time survey links are used up", "upload more links, then resume"
    ),
    "past_scheduled_end_date": AlertCause(
        "its end date has passed", "move the end date if it is short, then resume"
    ),
    "total_completes_reached": AlertCause(
        "it has all its completes", "complete it, or raise the goal and resume"
    ),
    "past_soft_launch_end_date": AlertCause(
        "the soft launch is over", "check its answers, then resume for the full launch"
    ),
    "no_completes_in_several_days": AlertCause(
        "nobody completed for several days", "check link, quotas and price, then resume"
    ),
    "no_completes_after_many_prescreens": AlertCause(
        "many qualified and nobody completed",
        "test the survey link and its return links, then resume",
    ),
    "high_median_loi": AlertCause(
        "interviews take far longer than agreed",
        "shorten the survey or agree on the true length and its price, then resume",
    ),
    "excessive_redirect_errors": AlertCause(
        "people come back through broken return links", "repair the redirects, then resume"
    ),
    "excessive_encryption_errors": AlertCause(
        "return links are signed wrongly", "check the signing key of the survey, then resume"
    ),
    "excessive_qualification_setup_errors": AlertCause(
        "qualifications are set up wrongly", "correct the qualifications, then resume"
    ),
    "high_drop_rates": AlertCause(
        "too many people leave in the middle", "find the question where they leave, then resume"
    ),
    "low_epc": AlertCause(
        "suppliers earn too little for each person they send",
        "raise the CPI, or shorten the screener, then resume",
    ),
    "high_client_side_termination_rate": AlertCause(
        "the survey turns away too many who qualified",
        "move its screening questions into the qualifications, then resume",
    ),
}
NOT_SAID = AlertCause("the exchange gives no reason", "look at its figures, or ask the exchange")


def pause_cause(reason_code: str | None) -> AlertCause:
    """Why the exchange paused, in plain words; a code that we do not know is shown as it came."""
    if not reason_code:
        return NOT_SAID
    unknown = AlertCause(f"the exchange's reason is “{one_line(reason_code)}”", NOT_SAID.advice)
    return PAUSES.get(reason_code, unknown)


def one_line(text: str, longest: int = 120) -> str:
    """Text on one line: no control characters, no marks that turn the direction of what follows."""
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    kept = "".join(c for c in kept if c in JOINERS or unicodedata.category(c) not in ("Cf", "Cs"))
    kept = " ".join(kept.split())
    return kept if len(kept) <= longest else kept[: longest - 1].rstrip() + "…"


def format_minutes(seconds: float) -> str:
    """Seconds as minutes: 852 is 14.2 min."""
    return f"{seconds / 60:.1f}".removesuffix(".0") + " min"


def lower_title(title: str) -> str:
    """A title within a sentence: what is short for something stays in capitals."""
    first, *rest = title.split(" ")
    return " ".join([first if first.isupper() else first.lower(), *rest])


def format_percent(share: float) -> str:
    """A share from 0 to 1 in %; a decimal only where it is small."""
    return f"{share * 100:.1f} %" if 0 < share < 0.1 else f"{share * 100:.0f} %"


def format_span(span: timedelta) -> str:
    """How long: 40 min, 5 h, 3 days."""
    hours = span.total_seconds() / 3600
    if hours < 1:
        return f"{max(0, round(hours * 60))} min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def format_local_time(moment: datetime, zone: ZoneInfo, *, now: datetime) -> str:
    """A moment on the clocks of a zone: Sat 03:12 Tokyo; Sat 5 Dec 03:12 Tokyo when far away."""
    city = zone.key.rsplit("/", 1)[-1].replace("_", " ")
    there = moment.astimezone(zone)
    date = f" {there.day} {there:%b}" if abs(moment - now) >= A_WEEKDAY_TELLS else ""
    return f"{there:%a}{date} {there:%H:%M} {city}"
