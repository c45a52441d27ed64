"""Why a group is slow: rules as readable data, each with its number and what could be done."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from dashboard.fielding.domain.figures import (
    format_beside,
    format_percent,
    format_percent_limit,
)
from dashboard.fielding.domain.money import format_money, format_price, format_price_beside
from dashboard.fielding.insight.indicators import Indicators
from dashboard.fielding.insight.pause_risk import EXPECTED, LINE, pause_risks

DROP_OFF = 0.25  # share above which it is a cause
SECURITY = 0.15  # likewise
SENT_ON = 0.08  # share of entrants that a survey with an ordinary profile gets


class Evidence(NamedTuple):
    """How bad (0–1, the worst is shown first), what was seen, what it should be."""

    weight: float
    observed: str
    expected: str


@dataclass(frozen=True, slots=True)
class Cause:
    """A likely reason in words, with the number that says so and what could be done."""

    code: str
    says: str
    weight: float
    observed: str
    expected: str
    advice: str


@dataclass(frozen=True, slots=True)
class DiagnosisRule:
    """A reason, what to do about it, and how the numbers give it away (None: they do not)."""

    code: str
    says: str
    advice: str
    look: Callable[[Indicators], Evidence | None]


IN_PLACE = ("draft", "scheduled", "live", "completed", "archived")


def _not_live(v: Indicators) -> Evidence | None:
    """Taken out of the field; what has not begun or is over is where it should be."""
    return None if v.status in IN_PLACE else Evidence(1.0, v.status, "live")


def _link(v: Indicators) -> Evidence | None:
    """People enter, nobody comes back: more than chance allows."""
    if v.entrants_lately is None or v.entrants_lately < 30 or (v.expected_in_silence or 0) < 6:
        return None
    seen = f"no complete for {v.hours_silent or 0:.0f} h while {v.entrants_lately:.0f} entered"
    return Evidence(0.98, seen, f"{v.expected_in_silence:.0f} completes in that time")


def _no_entrants(v: Indicators) -> Evidence | None:
    if v.entrants_lately is None or v.entrants_lately > 5 or (v.expected_in_silence or 0) < 6:
        return None
    seen = f"{v.entrants_lately:.0f} entered in {v.hours_silent or 0:.0f} h"
    return Evidence(0.9, seen, f"enough for {v.expected_in_silence:.0f} completes")


def _set_up(v: Indicators) -> Evidence | None:
    faults = sum(v.share(kind) or 0.0 for kind in ("redirect", "encryption", "setup"))
    if faults < 0.05 or sum(v.analysis.values()) < 50:
        return None
    return Evidence(
        min(1.0, 0.6 + 2 * faults), f"{format_percent(faults)} end in a technical fault", "none"
    )


def _quotas(v: Indicators) -> Evidence | None:
    over = v.share("overquota") or 0.0
    full = v.quotas_full or 0.0
    if full < 0.4 and (over < 0.2 or sum(v.analysis.values()) < 50):
        return None
    seen = (
        f"{format_percent(full)} of the quotas are full"
        if full >= 0.4
        else f"{format_percent(over)} meet a full quota"
    )
    return Evidence(min(0.95, 0.4 + 0.5 * max(full, over)), seen, "open quotas for those who come")


def _loi(v: Indicators) -> Evidence | None:
    ratio = v.loi_ratio
    if ratio is None or v.loi_seconds is None or ratio <= 1.15 or (v.completes or 0) < 20:
        return None
    seen = f"{format_beside(v.loi_seconds / 60, v.loi_minutes, 1)} min"
    return Evidence(min(0.95, 0.35 + 0.6 * (ratio - 1)), seen, f"{v.loi_minutes:g} min, as agreed")


def _ir(v: Indicators) -> Evidence | None:
    if v.ir is None or not v.ir_expected or (v.prescreens or 0) < 100:
        return None
    ratio = v.ir / v.ir_expected
    if ratio >= 0.8:
        return None
    return Evidence(
        0.35 + 0.6 * (1 - ratio),
        f"IR {format_percent(v.ir, beside=v.ir_expected)}",
        f"{format_percent_limit(v.ir_expected)}, as agreed",
    )


def _drop_off(v: Indicators) -> Evidence | None:
    if v.drop_off is None or v.drop_off <= DROP_OFF or (v.entrants or 0) < 50:
        return None
    seen = f"{format_percent(v.drop_off, beside=DROP_OFF)} drop off"
    return Evidence(min(0.95, 0.2 + v.drop_off), seen, f"up to {format_percent_limit(DROP_OFF)}")


def _screening(v: Indicators) -> Evidence | None:
    """Few of those who enter are sent to the survey at all."""
    if v.prescreens is None or (v.entrants or 0) < 200 or not v.entrants:
        return None
    rate = v.prescreens / v.entrants
    if rate >= SENT_ON:
        return None
    weight = 0.3 + 0.5 * (1 - rate / SENT_ON)
    return Evidence(
        weight,
        f"{format_percent(rate, 1, beside=SENT_ON)} of entrants get to the survey",
        f"{format_percent_limit(SENT_ON)} or more",
    )


def _security(v: Indicators) -> Evidence | None:
    share = v.share("security")
    if share is None or share < SECURITY or sum(v.analysis.values()) < 50:
        return None
    return Evidence(
        min(0.8, 0.3 + share),
        f"{format_percent(share, beside=SECURITY)} fail security or quality checks",
        f"below {format_percent_limit(SECURITY)}",
    )


def _epc(v: Indicators) -> Evidence | None:
    if v.epc is None or (v.entrants or 0) < 50:
        return None
    if v.currency == "USD":
        epc, healthy, words = float(v.epc), 0.20, "0.20–0.30 USD is healthy"
        least = Decimal("0.20")
    elif v.epc_usual:
        epc, healthy, least = float(v.epc / v.epc_usual), 0.8, v.epc_usual
        words = f"{format_price(v.epc_usual, v.currency)} is usual here"
    else:
        return None
    if epc >= healthy:
        return None
    weight = 0.3 + 0.55 * (1 - epc / healthy)
    return Evidence(weight, f"EPC {format_price_beside(v.epc, least, v.currency)}", words)


def _epcm(v: Indicators) -> Evidence | None:
    if v.epcm is None or not v.epcm_usual or v.epcm >= v.epcm_usual * 7 / 10:
        return None
    weight = 0.25 + 0.5 * (1 - float(v.epcm / v.epcm_usual))
    expected = f"{format_price(v.epcm_usual, v.currency)} is usual here"
    return Evidence(weight, f"EPC a minute {format_price(v.epcm, v.currency)}", expected)


def _price(v: Indicators) -> Evidence | None:
    if v.cpi is None or not v.cpi_usual or v.cpi >= v.cpi_usual * 85 / 100:
        return None
    weight = 0.3 + 0.6 * (1 - float(v.cpi / v.cpi_usual))
    expected = f"{format_price(v.cpi_usual, v.currency)} for comparable groups"
    return Evidence(weight, f"CPI {format_money(v.cpi, v.currency)}", expected)


def _asked(v: Indicators) -> Evidence | None:
    if not v.needed_an_hour or not v.completes_an_hour or v.hours_left is None:
        return None
    ratio = v.needed_an_hour / v.completes_an_hour
    if ratio < 2:
        return None
    weight = min(0.6, 0.15 + 0.1 * ratio)
    hours, span = (1, "an hour") if v.needed_an_hour >= 1 else (24, "a day")
    gives, asks = v.completes_an_hour * hours, v.needed_an_hour * hours
    return Evidence(weight, f"{gives:.1f} completes {span}", f"{asks:.1f}")


def _about_to_pause(v: Indicators) -> Evidence | None:
    top = next(risk for risk in pause_risks(v) if risk.reason_code not in EXPECTED)
    if top.score is None or top.score < LINE:
        return None
    return Evidence(0.3 + 0.6 * top.score, top.says, "")


RULES: tuple[DiagnosisRule, ...] = (
    DiagnosisRule(
        "not_live",
        "The group is not in field",
        "Read why it was paused, mend that, then resume or launch it.",
        _not_live,
    ),
    DiagnosisRule(
        "link",
        "People enter, nobody comes back as complete",
        "Test the live link and its redirects; ask the client whether the survey is closed.",
        _link,
    ),
    DiagnosisRule(
        "set_up",
        "Respondents end in technical faults",
        "Check redirects, encryption keys and the qualification set-up with the test link.",
        _set_up,
    ),
    DiagnosisRule(
        "no_entrants",
        "Hardly anybody enters",
        "Raise the CPI, widen the profile or open quotas: suppliers do not send people.",
        _no_entrants,
    ),
    DiagnosisRule(
        "about_to_pause",
        "The exchange is about to pause it",
        "Mend what the number says before the exchange pauses the group.",
        _about_to_pause,
    ),
    DiagnosisRule(
        "quotas",
        "Open quotas are few",
        "Loosen or merge full quotas, or raise those that the sample fills by itself.",
        _quotas,
    ),
    DiagnosisRule(
        "loi",
        "The interview is longer than agreed",
        "Shorten it, or agree on the real length and pay for it.",
        _loi,
    ),
    DiagnosisRule(
        "ir",
        "Fewer qualify than agreed",
        "Target closer to the screener, or agree on the real incidence and pay for it.",
        _ir,
    ),
    DiagnosisRule(
        "drop_off",
        "Many leave during the survey",
        "Look for the page where they leave, above all on phones; shorten the survey.",
        _drop_off,
    ),
    DiagnosisRule(
        "screening",
        "Few of those who enter get to the survey",
        "Move questions that screen out into the profile, so that fewer come in vain.",
        _screening,
    ),
    DiagnosisRule(
        "security",
        "Many fail security or quality checks",
        "Ask the exchange which suppliers they come from and block these.",
        _security,
    ),
    DiagnosisRule(
        "epc",
        "Suppliers earn little here",
        "Raise the CPI, or make more of the entrants complete.",
        _epc,
    ),
    DiagnosisRule(
        "epcm",
        "A minute here earns suppliers little",
        "Shorten the interview or raise the CPI.",
        _epcm,
    ),
    DiagnosisRule(
        "price",
        "The price is below that of comparable groups",
        "Raise the CPI towards theirs, in one step, and watch the effect for a day.",
        _price,
    ),
    DiagnosisRule(
        "asked",
        "The goal asks for more than the group gives",
        "Agree on a later end or a smaller goal, or add a second group.",
        _asked,
    ),
)


def diagnose_group(vitals: Indicators) -> list[Cause]:
    """The likeliest reasons why the group is slow, worst first; none found is an empty list."""
    causes = [
        Cause(rule.code, rule.says, found.weight, found.observed, found.expected, rule.advice)
        for rule in RULES
        if (found := rule.look(vitals)) is not None
    ]
    return sorted(causes, key=lambda cause: cause.weight, reverse=True)
