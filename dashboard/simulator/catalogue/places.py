"""Where people are interviewed: locales, their zones and prices; and the exchange's code lists."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

from dashboard.simulator.catalogue.clock import HOUR, SECOND


@dataclass(frozen=True)
class SimulatedLocale:
    """One audience's country and language, with the zone in which it lives."""

    country: str
    country_name: str
    language: str
    language_name: str
    zone: str
    dearness: float

    @property
    def code(self) -> str:
        return f"{self.language}_{self.country}"


_ROWS = (
    ("us", "United States", "eng", "English", "America/New_York", 1.0),
    ("us", "United States", "spa", "Spanish", "America/Chicago", 1.3),
    ("gb", "United Kingdom", "eng", "English", "Europe/London", 1.05),
    ("de", "Germany", "ger", "German", "Europe/Berlin", 1.1),
    ("fr", "France", "fre", "French", "Europe/Paris", 1.05),
    ("es", "Spain", "spa", "Spanish", "Europe/Madrid", 0.9),
    ("it", "Italy", "ita", "Italian", "Europe/Rome", 0.95),
    ("nl", "Netherlands", "dut", "Dutch", "Europe/Amsterdam", 1.2),
    ("se", "Sweden", "swe", "Swedish", "Europe/Stockholm", 1.3),
    ("pl", "Poland", "pol", "Polish", "Europe/Warsaw", 0.8),
    ("jp", "Japan", "jpn", "Japanese", "Asia/Tokyo", 1.2),
    ("in", "India", "eng", "English", "Asia/Kolkata", 0.7),
    ("au", "Australia", "eng", "English", "Australia/Sydney", 1.2),
    ("br", "Brazil", "por", "Portuguese", "America/Sao_Paulo", 0.75),
    ("mx", "Mexico", "spa", "Spanish", "America/Mexico_City", 0.75),
    ("ca", "Canada", "eng", "English", "America/Toronto", 1.1),
    ("ca", "Canada", "fre", "French", "America/Toronto", 1.4),
)
LOCALES = {row.code: row for row in (SimulatedLocale(*values) for values in _ROWS)}
COUNTRY_NUMBERS = {code: 200 + i for i, code in enumerate(sorted({r[0] for r in _ROWS}))}

INDUSTRIES = (
    ("automotive", "Automotive"),
    ("beauty_cosmetics", "Beauty and cosmetics"),
    ("beverages", "Beverages"),
    ("education", "Education"),
    ("electronics", "Electronics"),
    ("financial_services", "Financial services"),
    ("food_snacks", "Food and snacks"),
    ("gaming", "Gaming"),
    ("healthcare", "Healthcare"),
    ("politics", "Politics"),
    ("retail", "Retail"),
    ("travel", "Travel"),
    ("other", "Other"),
)
LOCKOUTS = (("no_lockout", "No lockout"), *INDUSTRIES)
STUDY_TYPES = (
    ("adhoc", "Ad hoc"),
    ("diary", "Diary"),
    ("tracking_monthly", "Tracking, monthly"),
    ("tracking_quarterly", "Tracking, quarterly"),
    ("community_recruit", "Community recruit"),
    ("ihut", "In-home use test"),
    ("recontact", "Recontact"),
)
SUPPLIERS = (
    (411, "atlas", "Atlas Panels"),
    (418, "brightside", "Brightside Rewards"),
    (420, "cardinal", "Cardinal Opinions"),
    (427, "driftwood", "Driftwood Surveys"),
    (433, "everyvoice", "Every Voice"),
    (439, "fairpoint", "Fairpoint Research"),
    (446, "goodword", "Goodword Community"),
    (452, "harbour", "Harbour Sample"),
)
CLIENTS = (
    (7001, "Northwind Beverages"),
    (7002, "Halden Motors"),
    (7003, "Brightcare Insurance"),
    (7004, "Lumen Telecom"),
    (7005, "Orchard Foods"),
    (7006, "Kestrel Airlines"),
)


@cache
def utc_offset(zone: str, hour: int) -> int:
    """Milliseconds by which the zone is ahead of UTC in the hour with this number since 1970."""
    moment = datetime.fromtimestamp(hour * HOUR // SECOND, UTC)
    offset = moment.astimezone(ZoneInfo(zone)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds()) * SECOND
