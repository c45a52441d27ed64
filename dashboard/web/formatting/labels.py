"""Plain words for the exchange's codes. A code that we do not know is shown as it came."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from dashboard.exchange.errors import ExchangeError, InvalidParam, spoken_name
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

STRATEGIES = {
    "automated": "Automated",
    "prescreens": "By prescreens",
    "completes": "By completes",
}
STRATEGY_MEANING = {
    "automated": "The exchange decides how many people to let in, from prescreens and completes.",
    "prescreens": "The goal limits how many people pass the screener.",
    "completes": "The goal limits how many people complete the survey.",
}

PACING = {
    "": "Off",
    "linear": "Linear: equal steps",
    "adaptive": "Adaptive: even what is left",
    "gemini": "Like another group",
}

CHANGES: dict[str, str] = {
    ChangelogKind.BUSINESS_UNIT: "Business unit",
    ChangelogKind.COLLECTS_PII: "Collects personal data",
    ChangelogKind.CPI: "CPI",
    ChangelogKind.CPI_NOTE: "Client's CPI",
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
    ChangelogKind.PACING_ADAPTIVE_INCREMENT_INTERVAL: "Adaptive pacing: step",
    ChangelogKind.PACING_ASSISTANCE: "Pacing",
    ChangelogKind.PACING_GEMINI_EXPOSED_TARGET_GROUP_ID: "Pacing: exposed group",
    ChangelogKind.PACING_LINEAR_INCREMENT_INTERVAL: "Linear pacing: step",
    ChangelogKind.PRICING_ASSISTANCE: "Price assistance",
    ChangelogKind.PRICING_DYNAMIC_MAXIMUM_CPI: "Price assistance: highest CPI",
    ChangelogKind.PRICING_DYNAMIC_MINIMUM_CPI: "Price assistance: lowest CPI",
    ChangelogKind.PRICING_DYNAMIC_TOTAL_BUDGET: "Price assistance: budget",
    ChangelogKind.PRICING_DYNAMIC_UNLOCK_MAX_BUDGET_USAGE: "Price assistance: use the whole budget",
    ChangelogKind.PRICING_RATE_CARD_BOOST_CPI: "Rate card: boost",
    ChangelogKind.PRICING_RATE_CARD_MAXIMUM_CPI: "Rate card: highest CPI",
    ChangelogKind.PRIVATE_EXCHANGE_CPI: "CPI for one supplier",
    ChangelogKind.PROJECT_ID: "Project",
    ChangelogKind.PROJECT_MANAGER: "Project manager",
    ChangelogKind.QUOTA_OVERLAY_ASSISTED: "Quota assistance",
    ChangelogKind.QUOTA_OVERLAY_BALANCE_FILL: "Quotas: fill evenly",
    ChangelogKind.QUOTA_OVERLAY_PREVENT_OVERFILLING: "Quotas: prevent overfilling",
    ChangelogKind.SOFT_LAUNCH_ASSISTED: "Soft launch",
    ChangelogKind.SOFT_LAUNCH_DEMOGRAPHICS_STRICTNESS_PERCENTAGE: "Soft launch: strictness",
    ChangelogKind.SOFT_LAUNCH_END_DATE: "Soft launch: end",
    ChangelogKind.SOFT_LAUNCH_FILLING_GOAL_PERCENTAGE: "Soft launch: share of the goal",
    ChangelogKind.STATUS: "Status",
    ChangelogKind.STUDY_TYPE: "Study type",
    ChangelogKind.TARGET_GROUP_CUSTOMER_REFERENCE_NUMBER: "Reference number",
    ChangelogKind.TEST_URL: "Test URL",
    ChangelogKind.USER_REQUESTED_CPI: "Requested CPI",
}

ACTORS = {
    "las_user": "somebody on the exchange",
    "system_marketplace_user": "the marketplace's staff",
    "system_user": "the exchange, by itself",
}

RE_ENTRY_STATUSES = {
    "completes": "Completed the survey",
    "pre_client_survey_processes": "Left before the survey began",
    "financial_terms": "Ended for financial reasons",
    "terminates": "Screened out",
    "security_failures": "Failed a security check",
    "overquota": "Quota was full",
    "in_screener": "Still in the screener",
}
RE_ENTRY_SIDES = {"client_side": "Client survey", "screener_side": "Exchange screener"}
RE_ENTRY_TARGETS = {
    "allow_for_current_target_group": "this group",
    "allow_for_other_target_groups": "other groups",
}


def _every_country() -> dict[str, str]:
    """The countries of the world by their code, as the table of time zones names them."""
    table = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return {code.lower(): name for code, name in rows}


COUNTRIES = _every_country() | {
    "ae": "United Arab Emirates",
    "ar": "Argentina",
    "at": "Austria",
    "au": "Australia",
    "be": "Belgium",
    "bg": "Bulgaria",
    "br": "Brazil",
    "ca": "Canada",
    "ch": "Switzerland",
    "cl": "Chile",
    "cn": "China",
    "co": "Colombia",
    "cz": "Czechia",
    "de": "Germany",
    "dk": "Denmark",
    "ee": "Estonia",
    "eg": "Egypt",
    "es": "Spain",
    "fi": "Finland",
    "fr": "France",
    "gb": "United Kingdom",
    "gr": "Greece",
    "hk": "Hong Kong",
    "hr": "Croatia",
    "hu": "Hungary",
    "id": "Indonesia",
    "ie": "Ireland",
    "il": "Israel",
    "in": "India",
    "it": "Italy",
    "jp": "Japan",
    "ke": "Kenya",
    "kr": "South Korea",
    "lt": "Lithuania",
    "lv": "Latvia",
    "ma": "Morocco",
    "mx": "Mexico",
    "my": "Malaysia",
    "ng": "Nigeria",
    "nl": "Netherlands",
    "no": "Norway",
    "nz": "New Zealand",
    "pe": "Peru",
    "ph": "Philippines",
    "pk": "Pakistan",
    "pl": "Poland",
    "pt": "Portugal",
    "ro": "Romania",
    "rs": "Serbia",
    "ru": "Russia",
    "sa": "Saudi Arabia",
    "se": "Sweden",
    "sg": "Singapore",
    "si": "Slovenia",
    "sk": "Slovakia",
    "th": "Thailand",
    "tr": "Türkiye",
    "tw": "Taiwan",
    "ua": "Ukraine",
    "us": "United States",
    "vn": "Vietnam",
    "za": "South Africa",
}


def field_name(path: str) -> str:
    """What the exchange calls a field, as words: `body.live_url` reads "Live url"; an id stays."""
    told = spoken_name(path)
    return (
        told[:1].upper() + told[1:] if told.islower() and not any(map(str.isdigit, told)) else path
    )


def objected(exc: ExchangeError) -> str:
    """What an error of the exchange objects to, field by field, else its sentence."""
    wrong: list[InvalidParam] = getattr(exc, "invalid_params", [])
    told = [": ".join(filter(None, (field_name(one.name), one.reason))) for one in wrong]
    return "; ".join(filter(None, told)) or str(exc)


def sentence_case(code: str) -> str:
    """A code as words: `quota_overlay_change` reads "Quota overlay change"."""
    return code.replace("_", " ").strip().capitalize()


def without_group_name(name: str, sentence: str) -> str:
    """What a sentence says of a group whose name stands beside it anyway."""
    said = sentence.removeprefix(f"{name}: ")
    return said[:1].upper() + said[1:]


def country_name(code: str) -> str:
    """A country's name; an unknown code in capitals."""
    return COUNTRIES.get(code.lower(), code.upper())


_MEMBERS = {
    "average_cost_per_interview": "average CPI",
    "conversion_rate": "conversion",
    "current_cost": "cost",
    "current_cost_per_interview": "CPI",
    "drop_off_rate": "drop-off",
    "earnings_per_click": "EPC",
    "earnings_per_click_per_minute": "EPCM",
    "expected_incidence_rate": "expected IR",
    "expected_length_of_interview_minutes": "expected LOI",
    "incidence_rate": "incidence",
    "median_length_of_interview_seconds": "median LOI",
}


def unreadable(told: Mapping[str, Mapping[str, str]] | None) -> str:
    """What of the exchange's answers about a group could not be read, and what it sent instead."""
    sent: dict[str, str] = {}
    for members in (told or {}).values():
        for place, raw in members.items():
            steps = [step for step in place.split(".") if step != "value" and not step.isdigit()]
            name = steps[-1] if steps else place
            sent[_MEMBERS.get(name, name.replace("_", " "))] = raw
    if not sent:
        return ""
    each = "; ".join(f"{name} (the exchange sent “{raw}”)" for name, raw in sorted(sent.items()))
    return f"Not readable: {each}."
