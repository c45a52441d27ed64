"""Plain words for the exchange's codes. An unknown code is shown as it came."""

from __future__ import annotations

from collections.abc import Mapping

from dashboard.exchange.errors import ExchangeError, InvalidParam, spoken_name
from dashboard.fielding.domain import countries
from dashboard.fielding.domain.changelog_kinds import ChangelogKind

STATUSES = {
    "draft": "Draft",
    "scheduled": "Scheduled",
    "live": "Live",
    "paused": "Paused",
    "completed": "Completed",
    "archived": "Archived",
    "active": "Active",
    "inactive": "Inactive",
}

# The exchange's three-letter codes of languages (ISO 639-2, bibliographic).
_LANGUAGES = """
afr=Afrikaans alb=Albanian amh=Amharic ara=Arabic arm=Armenian aze=Azerbaijani bel=Belarusian
ben=Bengali bos=Bosnian bul=Bulgarian bur=Burmese cat=Catalan chi=Chinese cze=Czech dan=Danish
dut=Dutch eng=English est=Estonian fil=Filipino fin=Finnish fre=French geo=Georgian ger=German
gre=Greek guj=Gujarati heb=Hebrew hin=Hindi hrv=Croatian hun=Hungarian ice=Icelandic
ind=Indonesian ita=Italian jpn=Japanese kan=Kannada kaz=Kazakh khm=Khmer kor=Korean lao=Lao
lav=Latvian lit=Lithuanian mac=Macedonian mal=Malayalam mar=Marathi may=Malay mon=Mongolian
nep=Nepali nor=Norwegian pan=Punjabi per=Persian pol=Polish por=Portuguese rum=Romanian
rus=Russian sin=Sinhala slo=Slovak slv=Slovenian spa=Spanish srp=Serbian swa=Swahili swe=Swedish
tam=Tamil tel=Telugu tgl=Tagalog tha=Thai tur=Turkish ukr=Ukrainian urd=Urdu uzb=Uzbek
vie=Vietnamese zul=Zulu
"""
LANGUAGES = dict(entry.split("=") for entry in _LANGUAGES.split())

STRATEGIES = {
    "automated": "Automated",
    "prescreens": "By prescreens",
    "completes": "By completes",
}
STRATEGY_MEANING = {
    "automated": "Cint decides how many respondents to admit, from prescreens and completes.",
    "prescreens": "The goal limits how many respondents pass the screener.",
    "completes": "The goal limits how many respondents complete the survey.",
}

PACING = {
    "": "Off",
    "linear": "Linear: equal steps",
    "adaptive": "Adaptive: spreads the remainder evenly",
    "gemini": "Match another group",
}

CHANGES: dict[str, str] = {  # a word for every kind: a test asks
    ChangelogKind.BUSINESS_UNIT: "Business unit",
    ChangelogKind.COLLECTS_PII: "Collects personal data",
    ChangelogKind.CPI: "CPI",
    ChangelogKind.CPI_NOTE: "Client CPI",
    ChangelogKind.CURRENCY: "Currency",
    ChangelogKind.EXPECTED_INCIDENCE_RATE: "Expected IR",
    ChangelogKind.EXPECTED_LENGTH_OF_INTERVIEW_MINUTES: "Expected LOI",
    ChangelogKind.EXTERNAL_NAME: "Name for suppliers",
    ChangelogKind.FIELDING_PERIOD_END_DATE: "End date",
    ChangelogKind.FIELDING_PERIOD_START_DATE: "Start date",
    ChangelogKind.FILLING_GOAL: "Goal",
    ChangelogKind.FILLING_STRATEGY: "Filling strategy",
    ChangelogKind.INDUSTRY_LOCKOUT_CODE: "Industry lockout",
    ChangelogKind.LIVE_URL: "Live URL",
    ChangelogKind.LOCALE: "Country and language",
    ChangelogKind.NAME: "Name",
    ChangelogKind.PACING_ADAPTIVE_INCREMENT_INTERVAL: "Pacing: adaptive step",
    ChangelogKind.PACING_ASSISTANCE: "Pacing",
    ChangelogKind.PACING_GEMINI_EXPOSED_TARGET_GROUP_ID: "Pacing: matched group",
    ChangelogKind.PACING_LINEAR_INCREMENT_INTERVAL: "Pacing: linear step",
    ChangelogKind.PRICING_ASSISTANCE: "Dynamic CPI",
    ChangelogKind.PRICING_DYNAMIC_MAXIMUM_CPI: "Dynamic CPI: maximum CPI",
    ChangelogKind.PRICING_DYNAMIC_MINIMUM_CPI: "Dynamic CPI: minimum CPI",
    ChangelogKind.PRICING_DYNAMIC_TOTAL_BUDGET: "Dynamic CPI: total budget",
    ChangelogKind.PRICING_DYNAMIC_UNLOCK_MAX_BUDGET_USAGE: "Dynamic CPI: use the whole budget",
    ChangelogKind.PRICING_RATE_CARD_BOOST_CPI: "Rate card: boost",
    ChangelogKind.PRICING_RATE_CARD_MAXIMUM_CPI: "Rate card: maximum CPI",
    ChangelogKind.PRIVATE_EXCHANGE_CPI: "CPI for one supplier",
    ChangelogKind.PROJECT_ID: "Project",
    ChangelogKind.PROJECT_MANAGER: "Project manager",
    ChangelogKind.QUOTA_OVERLAY_ASSISTED: "Quota assistance",
    ChangelogKind.QUOTA_OVERLAY_BALANCE_FILL: "Fill quotas evenly",
    ChangelogKind.QUOTA_OVERLAY_PREVENT_OVERFILLING: "Prevent quota overfill",
    ChangelogKind.RE_ENTRY_CONFIGURATION: "Re-entry",
    ChangelogKind.SOFT_LAUNCH_ASSISTED: "Soft launch",
    ChangelogKind.SOFT_LAUNCH_DEMOGRAPHICS_STRICTNESS_PERCENTAGE: "Soft launch: strictness",
    ChangelogKind.SOFT_LAUNCH_END_DATE: "Soft launch ends",
    ChangelogKind.SOFT_LAUNCH_FILLING_GOAL_PERCENTAGE: "Soft launch: part of the goal",
    ChangelogKind.STATUS: "Status",
    ChangelogKind.STUDY_TYPE: "Study type",
    ChangelogKind.TARGET_GROUP_CUSTOMER_REFERENCE_NUMBER: "Reference number",
    ChangelogKind.TEST_URL: "Test URL",
    ChangelogKind.USER_REQUESTED_CPI: "Requested CPI",
}

ACTORS = {
    "las_user": "Unknown user",
    "system_marketplace_user": "Cint Marketplace",
    "system_user": "Cint (automatic)",
}

# By the verdict on a change: the tone of its tag.
EFFECT_TONES = {
    "raised": "good",
    "lowered": "bad",
    "no clear effect": "info",
    "too early": "warn",
    "cannot tell": "warn",
}

RE_ENTRY_STATUSES = {
    "completes": "Completed the survey",
    "pre_client_survey_processes": "Left before the survey began",
    "financial_terms": "Financial termination",
    "terminates": "Screened out",
    "security_failures": "Failed a security check",
    "overquota": "Quota full",
    "in_screener": "In screener",
}
RE_ENTRY_SIDES = {"client_side": "Client survey", "screener_side": "Cint screener"}
RE_ENTRY_TARGETS = {
    "allow_for_current_target_group": "this group",
    "allow_for_other_target_groups": "other groups",
}


def field_name(path: str) -> str:
    """Turn a field path of the exchange into words: `body.live_url` into "Live url"; ids stay."""
    words = spoken_name(path)
    return (
        words[:1].upper() + words[1:]
        if words.islower() and not any(map(str.isdigit, words))
        else path
    )


def objection_text(exc: ExchangeError) -> str:
    """Say what an error of the exchange objects to, field by field, else its sentence."""
    problems: list[InvalidParam] = getattr(exc, "invalid_params", [])
    sentences = [
        ": ".join(filter(None, (field_name(problem.name), problem.reason))) for problem in problems
    ]
    return "; ".join(filter(None, sentences)) or str(exc)


def sentence_case(code: str) -> str:
    """Turn a code into words: `quota_overlay_change` into "Quota overlay change"."""
    return code.replace("_", " ").strip().capitalize()


def without_group_name(name: str, sentence: str) -> str:
    """Drop a group's name from a sentence that is shown beside that name."""
    rest = sentence.removeprefix(f"{name}: ")
    return rest[:1].upper() + rest[1:]


COUNTRIES, country_name = countries.COUNTRIES, countries.country_name


def language_name(code: str) -> str:
    """Return a language's name; an unknown code in capitals."""
    return LANGUAGES.get(code.lower(), code.upper())


def locale_name(code: str) -> str:
    """Return a locale as its country and language: "eng_us" is "United States, English"."""
    language, _, country = code.partition("_")
    return f"{country_name(country)}, {language_name(language)}" if country else code


_FIGURES = {
    "average_cost_per_interview": "average CPI",
    "conversion_rate": "conversion",
    "current_cost": "cost",
    "current_cost_per_interview": "CPI",
    "drop_off_rate": "drop-off",
    "earnings_per_click": "EPC",
    "earnings_per_click_per_minute": "EPCM",
    "expected_incidence_rate": "expected IR",
    "expected_length_of_interview_minutes": "expected LOI",
    "incidence_rate": "IR",
    "median_length_of_interview_seconds": "median LOI",
}


def unreadable_text(drifted: Mapping[str, Mapping[str, str]] | None) -> str:
    """Say which values of a group could not be read, and what the exchange sent instead.

    `drifted`: the raw value of each member, by its path, by the call that it came from.
    """
    sent: dict[str, str] = {}
    for members in (drifted or {}).values():
        for place, raw in members.items():
            steps = [step for step in place.split(".") if step != "value" and not step.isdigit()]
            name = steps[-1] if steps else place
            sent[_FIGURES.get(name, name.replace("_", " "))] = raw
    if not sent:
        return ""
    each = "; ".join(f"{name} (Cint sent “{raw}”)" for name, raw in sorted(sent.items()))
    return f"Not readable: {each}."
