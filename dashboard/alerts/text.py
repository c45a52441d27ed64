"""The wording of alerts: the exchange's reason codes in its own terms, and numbers in sentences."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

WEEKDAY_SUFFICES_FOR = timedelta(days=6)  # further away the weekday alone is ambiguous
JOINERS = "\u200c\u200d"  # Persian words and some emoji need them; they change no direction


class PauseCause(NamedTuple):
    """Why the exchange paused a group, and how to fix it. Phrases for use within a sentence."""

    label: str
    fix: str
    resume: str = ", then resume"

    @property
    def advice(self) -> str:
        """The fix of a group that is paused already: with the resume that has to follow it."""
        return self.fix + self.resume


PAUSE_CAUSES: dict[str, PauseCause] = {
    "max_cpi_limit_reached": PauseCause(
        "CPI limit reached", "lower the CPI or broaden the targeting"
    ),
    "live_respondent_unique_codes_exhausted": PauseCause(
        "out of unique survey links", "upload more links"
    ),
    "past_scheduled_end_date": PauseCause(
        "end date passed", "extend the end date if completes are missing"
    ),
    "total_completes_reached": PauseCause(
        "goal reached", "mark it complete, or raise the goal", " and resume"
    ),
    "past_soft_launch_end_date": PauseCause(
        "soft launch complete", "check the data", ", then resume for the full launch"
    ),
    "no_completes_in_several_days": PauseCause(
        "no completes in several days", "check the survey link, the quotas and the CPI"
    ),
    "no_completes_after_many_prescreens": PauseCause(
        "prescreens but no completes", "test the live link and its redirects"
    ),
    "high_median_loi": PauseCause(
        "LOI well above bid", "shorten the survey, or re-bid LOI and CPI"
    ),
    "excessive_redirect_errors": PauseCause("redirect errors", "fix the redirects"),
    "excessive_encryption_errors": PauseCause(
        "encryption (hash) errors", "check the survey's signing key"
    ),
    "excessive_qualification_setup_errors": PauseCause(
        "qualification setup errors", "fix the qualifications"
    ),
    "high_drop_rates": PauseCause("high drop-off", "find the question where respondents quit"),
    "low_epc": PauseCause("low EPC", "raise the CPI or shorten the screener"),
    "high_client_side_termination_rate": PauseCause(
        "high client-side terminates", "move screening questions into the qualifications"
    ),
}
NO_REASON = PauseCause("no reason given", "check the metrics or contact Cint", "")


def pause_cause(reason_code: str | None) -> PauseCause:
    """Return the cause of a pause by its reason code; an unknown code is quoted as it is."""
    if not reason_code:
        return NO_REASON
    unknown = NO_REASON._replace(label=f"reason “{one_line(reason_code)}”")
    return PAUSE_CAUSES.get(reason_code, unknown)


def one_line(text: str, longest: int = 120) -> str:
    """Return text on one line: no control characters, no marks that change its direction."""
    line = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    line = "".join(c for c in line if c in JOINERS or unicodedata.category(c) not in ("Cf", "Cs"))
    line = " ".join(line.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def format_count(count: int, singular: str) -> str:
    """Return a count with its noun: 1 complete, 1,200 completes."""
    return f"{count:,} {singular}" if count == 1 else f"{count:,} {singular}s"


def format_span(span: timedelta) -> str:
    """Return a length of time: 40 min, 5 h, 3 days."""
    hours = span.total_seconds() / 3600
    if hours < 1:
        return f"{max(0, round(hours * 60))} min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def format_local_time(moment: datetime, zone: ZoneInfo, *, now: datetime) -> str:
    """Return a time in a zone: Sat 03:12 Tokyo; Sat 5 Dec 03:12 Tokyo when days away."""
    city = zone.key.rsplit("/", 1)[-1].replace("_", " ")
    local = moment.astimezone(zone)
    date = f" {local.day} {local:%b}" if abs(moment - now) >= WEEKDAY_SUFFICES_FOR else ""
    return f"{local:%a}{date} {local:%H:%M} {city}"
