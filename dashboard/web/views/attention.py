"""The home page: what needs a person now, and what happened since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dashboard.fielding.models import Edit, Incident, Project, TargetGroup, User
from dashboard.fielding.queries import EditQuerySet, IncidentQuerySet
from dashboard.fielding.subqueries import OPEN_INCIDENT
from dashboard.web import attention, conditional
from dashboard.web.access import Rule, memberships, person, rule

EVENTS = 30
INCIDENTS = 1000
SPANS = {"24h": ("24 hours", timedelta(hours=24)), "7d": ("7 days", timedelta(days=7))}
IN_FIELD = ("live", "paused")
COLUMNS = (
    "status", "status_changed_by", "project_id", "insight", "short_at_end", "cost", "currency",
)  # fmt: skip


@rule(Rule.SIGNED_IN)
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Open incidents, the most urgent first, under the figures of the field."""
    user = person(request)
    versions = Project.objects.visible_to(user).versions()
    read_at = versions.pop("read_at")
    incidents = IncidentQuerySet(Incident).visible_to(user)
    etag = conditional.mark(request, versions, incidents.pulse())
    if same := conditional.unchanged(request, etag, read_at):
        return same
    context = _context(request, user, incidents)
    return conditional.page(request, "attention", context, etag=etag, read_at=read_at)


def _context(request: HttpRequest, user: User, incidents: IncidentQuerySet) -> dict[str, Any]:
    span = request.GET.get("since", "24h")
    span = span if span in SPANS else "24h"
    start = datetime.now(UTC) - SPANS[span][1]
    in_field = TargetGroup.objects.visible_to(user).filter(status__in=IN_FIELD).values(*COLUMNS)
    summary = attention.summary(in_field)
    edits = EditQuerySet(Edit).visible_to(user).newest().filter(started_at__gte=start)
    told = list(incidents.told().open_or_since(start)[:INCIDENTS])
    still = [one for one in told if one.state in OPEN_INCIDENT]
    return {
        "rows": attention.rows(still, summary.sizes),
        "summary": summary,
        "accounts": [one.account for one in memberships(request).values()],
        "events": attention.since(told, edits.select_related("group")[:EVENTS], start)[:EVENTS],
        "spans": [(key, word, key == span) for key, (word, _) in SPANS.items()],
    }
