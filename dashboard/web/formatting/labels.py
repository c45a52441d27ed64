"""Plain words for the exchange's codes. A code that we do not know is shown as it came."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from dashboard.exchange.errors import ExchangeError, InvalidParam, spoken_name

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

CHANGES = {
    "business_unit_change": "Business unit",
    "collects_pii_change": "Collects personal data",
    "cpi_change": "CPI",
    "cpi_note_change": "Client's CPI",
    "currency_change": "Currency",
    "expected_incidence_rate_change": "Expected IR",
    "expected_length_of_interview_minutes_change": "Expected LOI",
    "external_name_change": "Name for suppliers",
    "fielding_period_end_date_change": "End date",
    "fielding_period_start_date_change": "Start date",
    "filling_goal_change": "Goal",
    "filling_strategy_change": "Filling strategy",
    "industry_lockout_code_change": "Industry lockout",
    "live_url_change": "Live URL",
    "locale_change": "Country and language",
    "name_change": "Name",
    "pacing_adaptive_increment_interval_change": "Adaptive pacing: step",
    "pacing_assistance_change": "Pacing",
    "pacing_gemini_exposed_target_group_id_change": "Pacing: exposed group",
    "pacing_linear_increment_interval_change": "Linear pacing: step",
    "pricing_assistance_change": "Price assistance",
    "pricing_dynamic_maximum_cpi_change": "Price assistance: highest CPI",
    "pricing_dynamic_minimum_cpi_change": "Price assistance: lowest CPI",
    "pricing_dynamic_total_budget_change": "Price assistance: budget",
    "pricing_dynamic_unlock_max_budget_usage_change": "Price assistance: use the whole budget",
    "pricing_rate_card_boost_cpi_change": "Rate card: boost",
    "pricing_rate_card_maximum_cpi_change": "Rate card: highest CPI",
    "private_exchange_cpi_change": "CPI for one supplier",
    "project_id_change": "Project",
    "project_manager_change": "Project manager",
    "quota_overlay_assisted_change": "Quota assistance",
    "quota_overlay_balance_fill_change": "Quotas: fill evenly",
    "quota_overlay_prevent_overfilling_change": "Quotas: prevent overfilling",
    "soft_launch_assisted_change": "Soft launch",
    "soft_launch_demographics_strictness_percentage_change": "Soft launch: strictness",
    "soft_launch_end_date_change": "Soft launch: end",
    "soft_launch_filling_goal_percentage_change": "Soft launch: share of the goal",
    "status_change": "Status",
    "study_type_change": "Study type",
    "target_group_customer_reference_number_change": "Reference number",
    "test_url_change": "Test URL",
    "user_requested_cpi_change": "Requested CPI",
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
