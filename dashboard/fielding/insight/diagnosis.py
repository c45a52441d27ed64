"""Why a group is slow: rules as readable data, each with its figure and a fix."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from dashboard.fielding.domain.figures import (
    format_beside,
    format_count,
    format_percent,
    format_percent_limit,
)
from dashboard.fielding.domain.money import format_money, format_price, format_price_beside
from dashboard.fielding.insight.indicators import Indicators
from dashboard.fielding.insight.pause_risk import EXPECTED, LINE, pause_risks

DROP_OFF = 0.25  # share above which it is a cause
SECURITY = 0.15  # likewise
SCREENER_PASS_RATE = 0.08  # share of entrants who reach a survey with an ordinary profile
STALL_HOURS, STALL_COMPLETES = 3, 6  # live hours without completes, and how many were expected


class Evidence(NamedTuple):
    """The weight of a cause (0 to 1, the highest comes first), its actual and expected figure."""

    weight: float
    observed: str
    expected: str


@dataclass(frozen=True, slots=True)
class Cause:
    """A likely cause as text, with the figure behind it and a fix."""

    code: str
    sentence: str
    weight: float
    observed: str
    expected: str
    advice: str


@dataclass(frozen=True, slots=True)
class DiagnosisRule:
    """A cause, its fix, and the function that finds its evidence (None: without any)."""

    code: str
    sentence: str
    advice: str
    find: Callable[[Indicators], Evidence | None]


EXPECTED_STATUSES = ("draft", "scheduled", "live", "completed", "archived")


def _not_live(indicators: Indicators) -> Evidence | None:
    """Find a pause; a group before its start or after its end is as expected."""
    if indicators.status in EXPECTED_STATUSES or indicators.is_waiting:
        return None
    return Evidence(1.0, indicators.status, "")


def _waiting(indicators: Indicators) -> Evidence | None:
    """Find a soft launch that is over, in a group without its full launch."""
    return Evidence(1.0, indicators.phase, "") if indicators.is_waiting else None


def _stalled(indicators: Indicators) -> Evidence | None:
    """Find a stall: live hours without completes in which several were expected."""
    if (
        indicators.status != "live"
        or (indicators.hours_silent or 0) < STALL_HOURS
        or (indicators.expected_in_silence or 0) < STALL_COMPLETES
    ):
        return None
    observed = f"no completes for {indicators.hours_silent:.0f} h"
    return Evidence(0.99, observed, f"about {indicators.expected_in_silence:.0f} expected")


def _link(indicators: Indicators) -> Evidence | None:
    """Find entrants without completes, beyond chance."""
    if (
        indicators.entrants_lately is None
        or indicators.entrants_lately < 30
        or (indicators.expected_in_silence or 0) < STALL_COMPLETES
    ):
        return None
    entrants = f"{indicators.entrants_lately:,.0f} entrants"
    observed = f"no completes from {entrants} in {indicators.hours_silent or 0:.0f} h"
    return Evidence(0.98, observed, f"about {indicators.expected_in_silence:.0f} expected")


def _no_entrants(indicators: Indicators) -> Evidence | None:
    if (
        indicators.entrants_lately is None
        or indicators.entrants_lately > 5
        or (indicators.expected_in_silence or 0) < STALL_COMPLETES
    ):
        return None
    entrants = round(indicators.entrants_lately)
    noun = "entrant" if entrants == 1 else "entrants"
    observed = f"{entrants} {noun} in {indicators.hours_silent or 0:.0f} h"
    return Evidence(0.9, observed, f"about {indicators.expected_in_silence:.0f} completes expected")


def _set_up(indicators: Indicators) -> Evidence | None:
    faults = sum(indicators.share(kind) or 0.0 for kind in ("redirect", "encryption", "setup"))
    if faults < 0.05 or sum(indicators.analysis.values()) < 50:
        return None
    return Evidence(
        min(1.0, 0.6 + 2 * faults), f"{format_percent(faults)} end in a technical error", ""
    )


def _quotas(indicators: Indicators) -> Evidence | None:
    over = indicators.share("overquota") or 0.0
    full = indicators.quotas_full or 0.0
    if indicators.is_waiting or indicators.slow_quota is not None:
        return None
    if full < 0.4 and (over < 0.2 or sum(indicators.analysis.values()) < 50):
        return None
    observed = (
        f"{format_percent(full)} of the quotas are full"
        if full >= 0.4
        else f"{format_percent(over)} hit a full quota"
    )
    return Evidence(min(0.95, 0.4 + 0.5 * max(full, over)), observed, "")


def _slow_quota(indicators: Indicators) -> Evidence | None:
    """Find a quota that stays short while others fill."""
    quota = indicators.slow_quota
    if quota is None:
        return None
    low, high = format_count(quota.low), format_count(quota.high)
    by_end = low if low == high else f"{low} to {high}"
    full = f"full by {quota.fills}" if quota.fills else "not full within 90 days"
    done = f"{format_count(quota.done)} of {format_count(quota.goal)} {quota.unit} now"
    observed = f"{quota.name}: {done}, {by_end} by the end; {full}"
    return Evidence(0.95 - 0.5 * quota.chance, observed, "")


def _loi(indicators: Indicators) -> Evidence | None:
    ratio = indicators.loi_ratio
    if (
        ratio is None
        or indicators.loi_seconds is None
        or ratio <= 1.15
        or (indicators.completes or 0) < 20
    ):
        return None
    observed = (
        f"median LOI {format_beside(indicators.loi_seconds / 60, indicators.loi_minutes, 1)} min"
    )
    weight = min(0.95, 0.35 + 0.6 * (ratio - 1))
    return Evidence(weight, observed, f"bid {indicators.loi_minutes:g}")


def _ir(indicators: Indicators) -> Evidence | None:
    if indicators.ir is None or not indicators.ir_expected or (indicators.prescreens or 0) < 100:
        return None
    ratio = indicators.ir / indicators.ir_expected
    if ratio >= 0.8:
        return None
    return Evidence(
        0.35 + 0.6 * (1 - ratio),
        f"IR {format_percent(indicators.ir, beside=indicators.ir_expected)}",
        f"bid {format_percent_limit(indicators.ir_expected)}",
    )


def _drop_off(indicators: Indicators) -> Evidence | None:
    if (
        indicators.drop_off is None
        or indicators.drop_off <= DROP_OFF
        or (indicators.entrants or 0) < 50
    ):
        return None
    observed = f"drop-off {format_percent(indicators.drop_off, beside=DROP_OFF)}"
    return Evidence(
        min(0.95, 0.2 + indicators.drop_off), observed, f"limit {format_percent_limit(DROP_OFF)}"
    )


def _screening(indicators: Indicators) -> Evidence | None:
    """Find a low share of entrants who pass the screener."""
    if indicators.prescreens is None or (indicators.entrants or 0) < 200 or not indicators.entrants:
        return None
    rate = indicators.prescreens / indicators.entrants
    if rate >= SCREENER_PASS_RATE:
        return None
    weight = 0.3 + 0.5 * (1 - rate / SCREENER_PASS_RATE)
    return Evidence(
        weight,
        f"{format_percent(rate, 1, beside=SCREENER_PASS_RATE)} of entrants pass the screener",
        f"typically {format_percent_limit(SCREENER_PASS_RATE)} or more",
    )


def _security(indicators: Indicators) -> Evidence | None:
    share = indicators.share("security")
    if share is None or share < SECURITY or sum(indicators.analysis.values()) < 50:
        return None
    return Evidence(
        min(0.8, 0.3 + share),
        f"{format_percent(share, beside=SECURITY)} fail security or quality checks",
        f"limit {format_percent_limit(SECURITY)}",
    )


def _epc(indicators: Indicators) -> Evidence | None:
    if indicators.epc is None or (indicators.entrants or 0) < 50:
        return None
    if indicators.currency == "USD":
        epc, healthy, expected = float(indicators.epc), 0.20, "healthy from 0.20 USD"
        least = Decimal("0.20")
    elif indicators.epc_usual:
        epc, healthy = float(indicators.epc / indicators.epc_usual), 0.8
        least = indicators.epc_usual
        expected = f"typical here: {format_price(least, indicators.currency)}"
    else:
        return None
    if epc >= healthy:
        return None
    weight = 0.3 + 0.55 * (1 - epc / healthy)
    observed = format_price_beside(indicators.epc, least, indicators.currency)
    return Evidence(weight, f"EPC {observed}", expected)


def _epcm(indicators: Indicators) -> Evidence | None:
    if (
        indicators.epcm is None
        or not indicators.epcm_usual
        or indicators.epcm >= indicators.epcm_usual * 7 / 10
    ):
        return None
    weight = 0.25 + 0.5 * (1 - float(indicators.epcm / indicators.epcm_usual))
    expected = f"typical here: {format_price(indicators.epcm_usual, indicators.currency)}"
    return Evidence(weight, f"EPCM {format_price(indicators.epcm, indicators.currency)}", expected)


def _price(indicators: Indicators) -> Evidence | None:
    if (
        indicators.cpi is None
        or not indicators.cpi_usual
        or indicators.cpi >= indicators.cpi_usual * 85 / 100
    ):
        return None
    weight = 0.3 + 0.6 * (1 - float(indicators.cpi / indicators.cpi_usual))
    expected = f"comparable groups: {format_price(indicators.cpi_usual, indicators.currency)}"
    return Evidence(weight, f"CPI {format_money(indicators.cpi, indicators.currency)}", expected)


def _asked(indicators: Indicators) -> Evidence | None:
    if (
        not indicators.needed_an_hour
        or not indicators.completes_an_hour
        or indicators.hours_left is None
    ):
        return None
    ratio = indicators.needed_an_hour / indicators.completes_an_hour
    if ratio < 2:
        return None
    weight = min(0.6, 0.15 + 0.1 * ratio)
    hours, unit = (1, "h") if indicators.needed_an_hour >= 1 else (24, "day")
    pace, needed = indicators.completes_an_hour * hours, indicators.needed_an_hour * hours
    return Evidence(weight, f"{pace:.1f} completes/{unit}", f"{needed:.1f}/{unit} needed")


def _about_to_pause(indicators: Indicators) -> Evidence | None:
    highest = next(risk for risk in pause_risks(indicators) if risk.reason_code not in EXPECTED)
    if highest.score is None or highest.score < LINE:
        return None
    return Evidence(0.3 + 0.6 * highest.score, highest.sentence, "")


RULES: tuple[DiagnosisRule, ...] = (
    DiagnosisRule(
        "not_live",
        "The group is not in field",
        "Fix the cause of the pause, then resume or launch the group.",
        _not_live,
    ),
    DiagnosisRule(
        "waiting",
        "Waiting for the full launch",
        "Check the data of the soft launch, then resume the group for the full launch.",
        _waiting,
    ),
    DiagnosisRule(
        "stalled",
        "No completes",
        "Find out whether respondents still arrive: test the live link, then look at quotas and "
        "CPI.",
        _stalled,
    ),
    DiagnosisRule(
        "link",
        "Entrants but no completes",
        "Test the live link and its redirects; check with the client that the survey is open.",
        _link,
    ),
    DiagnosisRule(
        "set_up",
        "Technical errors end interviews",
        "Check redirects, encryption keys and qualifications with the test link.",
        _set_up,
    ),
    DiagnosisRule(
        "no_entrants",
        "Very few entrants",
        "Raise the CPI, broaden the targeting or open quotas: suppliers send few respondents.",
        _no_entrants,
    ),
    DiagnosisRule(
        "about_to_pause",
        "At risk of a pause by Cint",
        "Fix this before Cint pauses the group.",
        _about_to_pause,
    ),
    DiagnosisRule(
        "slow_quota",
        "A quota will stay short",
        "Relax this quota or merge it with another one, or raise the CPI.",
        _slow_quota,
    ),
    DiagnosisRule(
        "quotas",
        "Few open quotas",
        "Relax or merge full quotas.",
        _quotas,
    ),
    DiagnosisRule(
        "loi",
        "LOI above bid",
        "Shorten the survey, or re-bid LOI and CPI.",
        _loi,
    ),
    DiagnosisRule(
        "ir",
        "IR below bid",
        "Target closer to the screener, or re-bid IR and CPI.",
        _ir,
    ),
    DiagnosisRule(
        "drop_off",
        "High drop-off",
        "Find the question where respondents quit, especially on phones; shorten the survey.",
        _drop_off,
    ),
    DiagnosisRule(
        "screening",
        "Low screener pass rate",
        "Move screening questions into profiling.",
        _screening,
    ),
    DiagnosisRule(
        "security",
        "Many security or quality terminates",
        "Ask Cint which suppliers they come from, and block those suppliers.",
        _security,
    ),
    DiagnosisRule(
        "epc",
        "Low EPC",
        "Raise the CPI or improve the conversion.",
        _epc,
    ),
    DiagnosisRule(
        "epcm",
        "Low EPCM",
        "Shorten the survey or raise the CPI.",
        _epcm,
    ),
    DiagnosisRule(
        "price",
        "CPI below comparable groups",
        "Raise the CPI to their level in one step, and watch the effect for a day.",
        _price,
    ),
    DiagnosisRule(
        "asked",
        "Goal out of reach at this pace",
        "Extend the field, reduce the goal or open a second group.",
        _asked,
    ),
)


def diagnose_group(indicators: Indicators) -> list[Cause]:
    """Return the likeliest causes of a slow field, the worst first; empty without any."""
    causes = [
        Cause(
            rule.code,
            rule.sentence,
            evidence.weight,
            evidence.observed,
            evidence.expected,
            rule.advice,
        )
        for rule in RULES
        if (evidence := rule.find(indicators)) is not None
    ]
    return sorted(causes, key=lambda cause: cause.weight, reverse=True)
