"""The home page: what needs attention now, and what changed since."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard.fielding.domain.scope import LISTED
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.figures.today import LONGEST_DAY
from dashboard.fielding.models import Change, Edit, Incident, Project, TargetGroup, User
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
from dashboard.web.home.headline import FIELDS, add_shortfalls, headline_of
from dashboard.web.http import conditional

EVENTS = 40
MAX_ROWS = 1000  # read of incidents, edits and changes each
SHOWN = 100


@requires(Permission.SIGNED_IN)
@require_safe
def home_page(request: HttpRequest) -> HttpResponse:
    """Show open alerts, most urgent first, below the figures of the field."""
    user, now = current_user(request), datetime.now(UTC)
    stamps, read_at = account_version_tokens(request)
    # A day begins somewhere at every quarter of an hour, and with it the figures of today.
    etag = conditional.page_etag(request, stamps, now.timestamp() // 900)
    if not_modified := conditional.not_modified(request, etag, read_at):
        return not_modified
    if not request.headers.get("HX-Request"):
        visits.record_visit(user, now=now)
    context = _page_context(request, user, now)
    return conditional.render_page(request, "home/attention", context, etag=etag, read_at=read_at)


def _page_context(request: HttpRequest, user: User, now: datetime) -> dict[str, object]:
    spans = since_last_visit.since_choices(user, now)
    span = next((choice for choice in spans if choice.key == request.GET.get("since")), spans[0])
    visible = TargetGroup.objects.visible_to(user)
    is_in_field = LISTED & Q(status__in=IN_FIELD)
    in_field = visible.filter(is_in_field)
    lately = visible.filter(is_in_field | Q(last_complete_at__gte=now - LONGEST_DAY))
    summary = headline_of(lately.values_list(*FIELDS, named=True), now=now)
    running = Project.objects.visible_to(user).filter(
        Exists(in_field.filter(project=OuterRef("pk")))
    )
    add_shortfalls(summary, running.values_list("outlook", flat=True))
    incidents = IncidentQuerySet(Incident).visible_to(user).with_names().open_or_since(span.start)
    incident_rows = list(incidents.values_list(*attention.FIELDS, named=True)[:MAX_ROWS])
    edits = EditQuerySet(Edit).visible_to(user).newest().filter(started_at__gte=span.start)
    changes = (
        ChangeQuerySet(Change)
        .visible_to(user)
        .named()
        .filter(occurred_at__gte=span.start, kind__in=since_last_visit.SHOWN_CHANGE_KINDS)
    )
    recent_edits = list(edits.select_related("group", "by")[:MAX_ROWS])
    zone = zone_named(user.time_zone)
    recent_changes = list(changes[:MAX_ROWS])
    events = since_last_visit.events_since(
        incident_rows, recent_edits, recent_changes, span.start, zone
    )
    rows = attention.attention_rows(incident_rows, in_field=summary.in_field)
    memberships = memberships_of(request)
    return {
        "rows": [
            (
                row,
                row.live and memberships[row.account_pk].may_edit,
                memberships[row.account_pk].may_edit,
            )
            for row in rows[:SHOWN]
        ],
        "left": max(len(rows) - SHOWN, 0),
        "summary": summary,
        "accounts": polling_status.accounts_of(request),
        "events": events[:EVENTS],
        "counted": since_last_visit.count_by_word(events),
        "more": MAX_ROWS in (len(incident_rows), len(recent_edits), len(recent_changes)),
        "spans": [(choice.key, choice.word, choice is span) for choice in spans],
        "span": span,
        "unfolded": "since" in request.GET,
    }
