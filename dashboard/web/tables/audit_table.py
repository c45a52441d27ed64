"""The audit log of a connection: the table as its address asks for it, and as a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple

from django.db.models import Q
from django.http import QueryDict

from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import AuditEvent, AuditKind, ExchangeAccount
from dashboard.fielding.models.audit import LABELS, AuditQuerySet
from dashboard.web.auth import sessions
from dashboard.web.formatting.row_ids import parse_row_id
from dashboard.web.tables import exports
from dashboard.web.tables.query_state import Column, Listing

COLUMNS = {"when": Column("When", "at", descending=True)}
FILTERS = {"kind": "kind"}
DATES = ("from", "to")
HEADINGS = (
    "When (UTC)",
    "Who",
    "How",
    "Address",
    "Browser",
    "What",
    "Connection",
    "Whom",
    "On what",
    "Details",
)


class AuditLine(NamedTuple):
    """A row of the log in words."""

    at: str
    who: str
    where: str
    what: str
    target: list[str]
    details: str


def listing_of(asked: QueryDict) -> Listing:
    """What the address asks for."""
    return Listing(asked, COLUMNS, "when", FILTERS, extras=("who", *DATES))


def rows_of(account: ExchangeAccount) -> AuditQuerySet:
    """What concerns the account: its own rows, and how its people sign in."""
    members = list(account.memberships.values_list("user_id", flat=True))
    return AuditQuerySet(AuditEvent).concerning(account.pk, members)


def narrowed(rows: AuditQuerySet, listing: Listing, zone: str) -> AuditQuerySet:
    """Of one person, and between two days of the reader's own calendar, both included."""
    if who := listing.extra.get("who", ""):
        rows = rows.filter(Q(person_id=parse_row_id(who)) | Q(subject_id=parse_row_id(who)))
    first, last = (_midnight(listing.extra.get(name, ""), zone) for name in DATES)
    if first:
        rows = rows.filter(at__gte=first)
    if last:
        rows = rows.filter(at__lt=last + timedelta(days=1))
    return rows


def _midnight(text: str, zone: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), zone_named(zone))
    except ValueError:
        return None


def context(asked: QueryDict, rows: AuditQuerySet, *, path: str, zone: str) -> dict[str, Any]:
    """The page of the table, and what it can be filtered by."""
    listing = listing_of(asked)
    shown, total = listing.rows(narrowed(rows, listing, zone))
    return {
        "lines": [line_of(row, zone_named(zone)) for row in shown],
        "listing": listing,
        "pages": listing.pages(total),
        "who": listing.extra.get("who", ""),
        "people": _people(rows),
        "kinds": sorted(((kind.value, LABELS[kind]) for kind in AuditKind), key=lambda one: one[1]),
        "dates": [(name, name.capitalize(), listing.extra.get(name, "")) for name in DATES],
        "export": path + "export.{}" + listing.address(),
    }


def _people(rows: AuditQuerySet) -> list[tuple[str, str]]:
    """Who acted or was acted upon, each under the newest name that the log has."""
    names: dict[int, str] = {}
    for ids, name in (("person_id", "person_name"), ("subject_id", "subject_name")):
        known = rows.exclude(**{ids: None}).order_by().values_list(ids, name).distinct()
        names |= {pk: text for pk, text in known if pk not in names}
    return sorted(
        ((str(pk), name) for pk, name in names.items()), key=lambda one: one[1].casefold()
    )


def line_of(row: AuditEvent, zone: tzinfo) -> AuditLine:
    """A row as the page shows it."""
    place = [row.address, sessions.browser_name(row.browser) if row.browser else ""]
    where = ", ".join(filter(None, place)) or row.get_source_display()
    return AuditLine(
        f"{row.at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        row.person_name,
        where,
        row.label,
        [text for text in (row.subject_name, row.target) if text],
        in_words(row.details),
    )


def in_words(details: Mapping[str, Any]) -> str:
    """Details in one line, by name (databases keep them in orders of their own)."""
    parts = ((name, _value(value)) for name, value in sorted(details.items()))
    return "; ".join(f"{name}: {text}" for name, text in parts if text)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return in_words(value)
    if isinstance(value, list):
        return ", ".join(filter(None, map(_value, value)))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def file(asked: QueryDict, rows: AuditQuerySet, *, zone: str) -> exports.Sheet:
    """All rows that the address asks for."""
    listing = listing_of(asked)
    found = listing.all_rows(narrowed(rows, listing, zone))
    return exports.Sheet(HEADINGS, _cells(found.iterator(chunk_size=500)))


def _cells(rows: Iterable[AuditEvent]) -> Iterable[list[exports.Cell]]:
    for row in rows:
        yield [
            row.at,
            row.person_name,
            row.get_source_display(),
            row.address,
            row.browser,
            row.label,
            row.account_name,
            row.subject_name,
            row.target,
            in_words(row.details),
        ]
