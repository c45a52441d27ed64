"""The audit log of a connection: the table that the URL selects, and its file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta, tzinfo
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q
from django.http import QueryDict

from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import AuditEvent, AuditKind, ExchangeAccount
from dashboard.fielding.models.audit import (
    DOWNLOAD_KINDS,
    LABELS,
    PEOPLE_KINDS,
    REFUSED_KINDS,
    SIGN_IN_KINDS,
    AuditQuerySet,
)
from dashboard.web.auth import sessions
from dashboard.web.formatting.row_ids import parse_row_id
from dashboard.web.formatting.times import typed_midnight
from dashboard.web.tables import exports
from dashboard.web.tables.query_state import Column, Listing

COLUMNS = {"when": Column("When", "at", descending=True)}
FILTERS = {"kind": "kind"}
DATES = ("from", "to")
# Subjects of the log: the name in the query string, its label, its kinds.
AREAS: dict[str, tuple[str, frozenset[AuditKind]]] = {
    "sign-ins": ("Sign-ins and sign-outs", SIGN_IN_KINDS),
    "refused": ("Failed sign-ins", REFUSED_KINDS),
    "people": ("People and roles", PEOPLE_KINDS),
    "downloads": ("Downloads and links", DOWNLOAD_KINDS),
    "settings": (
        "Settings and alerts",
        frozenset(AuditKind) - SIGN_IN_KINDS - PEOPLE_KINDS - DOWNLOAD_KINDS,
    ),
}
HEADINGS = (
    "When (UTC)",
    "Who",
    "Source",
    "Address",
    "Browser",
    "Event",
    "Connection",
    "Affected person",
    "Object",
    "Details",
)


class AuditLine(NamedTuple):
    """A row of the log as the page shows it."""

    at: str
    who: str
    where: str
    what: str
    target: list[str]
    details: str


def listing_of(query: QueryDict) -> Listing:
    """Read filters and sorting from the query string."""
    return Listing(query, COLUMNS, "when", FILTERS, extras=("who", "area", "address", *DATES))


def audit_rows(account: ExchangeAccount) -> AuditQuerySet:
    """Return the account's own rows, and the sign-in rows of its people."""
    members = list(account.memberships.values_list("user_id", flat=True))
    return AuditQuerySet(AuditEvent).concerning(account.pk, members)


def filter_rows(rows: AuditQuerySet, listing: Listing, zone: str) -> AuditQuerySet:
    """Filter by person, subject, address, and days in the reader's time zone, both included."""
    if person_id := listing.extra.get("who", ""):
        rows = rows.filter(
            Q(person_id=parse_row_id(person_id)) | Q(subject_id=parse_row_id(person_id))
        )
    if area := listing.extra.get("area", ""):
        kinds = AREAS[area][1] if area in AREAS else frozenset()
        rows = rows.filter(kind__in=[kind.value for kind in kinds])
    if address := listing.extra.get("address", "").strip():
        rows = rows.filter(address__istartswith=address)
    first, last = (typed_midnight(listing.extra.get(name, ""), zone) for name in DATES)
    if first:
        rows = rows.filter(at__gte=first)
    if last:
        rows = rows.filter(at__lt=last + timedelta(days=1))
    return rows


def audit_table_context(
    query: QueryDict, rows: AuditQuerySet, *, path: str, zone: str
) -> dict[str, object]:
    """Return the template context: the page of the table, and the filter choices."""
    listing = listing_of(query)
    page_rows, total = listing.rows(filter_rows(rows, listing, zone))
    return {
        "lines": [audit_line(row, zone_named(zone)) for row in page_rows],
        "listing": listing,
        "pages": listing.pages(total),
        "who": listing.extra.get("who", ""),
        "people": _people(rows),
        "kinds": sorted(
            ((kind.value, LABELS[kind]) for kind in AuditKind), key=lambda kind: kind[1]
        ),
        "areas": [(name, label) for name, (label, _) in AREAS.items()],
        "area": listing.extra.get("area", ""),
        "address": listing.extra.get("address", ""),
        "keeps_days": settings.AUDIT_DAYS,
        "dates": [(name, name.capitalize(), listing.extra.get(name, "")) for name in DATES],
        "export": path + "export.{}" + listing.address(),
    }


def _people(rows: AuditQuerySet) -> list[tuple[str, str]]:
    """Return everybody who acted or was affected, under the newest name in the log."""
    names: dict[int, str] = {}
    for ids, name in (("person_id", "person_name"), ("subject_id", "subject_name")):
        named = rows.exclude(**{ids: None}).order_by().values_list(ids, name).distinct()
        names |= {pk: text for pk, text in named if pk not in names}
    return sorted(
        ((str(pk), name) for pk, name in names.items()), key=lambda entry: entry[1].casefold()
    )


def audit_line(row: AuditEvent, zone: tzinfo) -> AuditLine:
    """Return a row as the page shows it."""
    place = [row.address, sessions.browser_name(row.browser) if row.browser else ""]
    origin = ", ".join(filter(None, place)) or row.get_source_display()
    return AuditLine(
        f"{row.at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        row.person_name,
        origin,
        row.label,
        [text for text in (row.subject_name, row.target) if text],
        format_details(row.details),
    )


def format_details(details: Mapping[str, object]) -> str:
    """Return details in one line, sorted by name, since databases order them differently."""
    parts = ((name, _format_detail(value)) for name, value in sorted(details.items()))
    return "; ".join(f"{name}: {text}" for name, text in parts if text)


def _format_detail(value: object) -> str:
    if isinstance(value, Mapping):
        return format_details(value)
    if isinstance(value, list):
        return ", ".join(filter(None, map(_format_detail, value)))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def audit_sheet(query: QueryDict, rows: AuditQuerySet, *, zone: str) -> exports.Sheet:
    """Return all rows that match the filters."""
    listing = listing_of(query)
    filtered = listing.all_rows(filter_rows(rows, listing, zone))
    return exports.Sheet(HEADINGS, _cells(filtered.iterator(chunk_size=500)))


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
            format_details(row.details),
        ]
