"""The home page: what needs a person now, and what happened since."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.models import Change, Edit, Incident, TargetGroup, User
from dashboard.fielding.models.querysets.expressions import IN_FIELD
from dashboard.fielding.models.querysets.rows import ChangeQuerySet, EditQuerySet, IncidentQuerySet
from dashboard.web.auth.permissions import (
    Permission,
    account_version_tokens,
    current_user,
    memberships_of,
    requires,
)
from dashboard.web.connections import polling_status
from dashboard.web.home import attention, since_last_visit, visits
from dashboard.web.home.headline import FIELDS, headline_of
from dashboard.web.http import conditional

EVENTS = 40
MOST = 1000  # of each kind that is read
SHOWN = 100


@requires(Permission.SIGNED_IN)
@require_safe
def home_page(request: HttpRequest) -> HttpResponse:
    """Open incidents, the most urgent first, under the figures of the field."""
    user, now = current_user(request), datetime.now(UTC)
    stamps, read_at = account_version_tokens(request)
    etag = conditional.page_etag(request, stamps)
    if same := conditional.not_modified(request, etag, read_at):
        return same
    if not request.headers.get("HX-Request"):
        visits.record_visit(user, now=now)
    context = _context(request, user, now)
    return conditional.render_page(request, "home/attention", context, etag=etag, read_at=read_at)


def _context(request: HttpRequest, user: User, now: datetime) -> dict[str, Any]:
    spans = since_last_visit.since_choices(user, now)
    span = next((one for one in spans if one.key == request.GET.get("since")), spans[0])
    in_field = TargetGroup.objects.visible_to(user).filter(status__in=IN_FIELD)
    summary = headline_of(in_field.values_list(*FIELDS, named=True), now=now)
    incidents = IncidentQuerySet(Incident).visible_to(user).with_names().open_or_since(span.start)
    told = list(incidents.values_list(*attention.FIELDS, named=True)[:MOST])
    edits = EditQuerySet(Edit).visible_to(user).newest().filter(started_at__gte=span.start)
    changes = (
        ChangeQuerySet(Change)
        .visible_to(user)
        .named()
        .filter(occurred_at__gte=span.start, kind__in=since_last_visit.SHOWN_CHANGE_KINDS)
    )
    edited = list(edits.select_related("group", "by")[:MOST])
    zone = zone_named(user.time_zone)
    changed = list(changes[:MOST])
    events = since_last_visit.events_since(told, edited, changed, span.start, zone)
    rows = attention.attention_rows(told, in_field=summary.in_field)
    of = memberships_of(request)
    return {
        "rows": [
            (row, row.live and of[row.account_pk].may_edit, of[row.account_pk].may_edit)
            for row in rows[:SHOWN]
        ],
        "left": max(len(rows) - SHOWN, 0),
        "summary": summary,
        "accounts": polling_status.accounts_of(request),
        "events": events[:EVENTS],
        "counted": since_last_visit.count_by_word(events),
        "more": MOST in (len(told), len(edited), len(changed)),
        "spans": [(one.key, one.word, one is span) for one in spans],
        "span": span,
        "unfolded": "since" in request.GET,
    }
