"""What a CPI that is being typed brings and costs, and the cheapest way to the goal, for the form
that the CPI is typed into."""

from __future__ import annotations

from typing import Protocol

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.fielding.advice.advised_groups import load_advised_group
from dashboard.fielding.domain.what_if import WhatIf
from dashboard.fielding.models import TargetGroup
from dashboard.fielding.series.holidays import GroupCalendar
from dashboard.sync.lookup import calendar, what_if
from dashboard.web.auth.lookups import find_group
from dashboard.web.auth.permissions import Permission, View, require_editor, requires
from dashboard.web.edits.forms.cpi import linked_price, typed_price
from dashboard.web.edits.price.table import outlook_table
from dashboard.web.edits.price.ways import ways_to_goal
from dashboard.web.edits.price.what_if import what_if_table


class WhatIfReader(Protocol):
    """Reads Cint's estimate of a group; `sync.lookup.what_if` does."""

    def read_what_if(self, group: TargetGroup) -> WhatIf:
        """Return the estimate around today's CPI; what cannot be read is a state."""


class CalendarReader(Protocol):
    """Reads Cint's calendar for a group; `sync.lookup.calendar` does."""

    def read_group_calendar(self, group: TargetGroup, /) -> GroupCalendar:
        """Return its holidays and suggested days; what cannot be read is missing."""


@requires(Permission.EDITOR)
@require_safe
def cpi_outlook(request: HttpRequest, pk: int) -> HttpResponse:
    """Render the table of a CPI (`cpi`) beside the form's (`from`), else beside the stored one."""
    group = find_group(request, pk)
    require_editor(request, group.account_id)
    present = linked_price(request.GET.get("from", "")) or group.cpi
    if present is None:
        raise Http404
    new, now = typed_price(request.GET.get("cpi", ""), group.currency), timezone.now()
    advised = load_advised_group(group, now=now)
    table = outlook_table(group, present, new, now=now, advised=advised.outlook)
    response = render(request, "edits/cpi_outlook.html", {"table": table})
    response["Cache-Control"] = "private, no-store"
    return response


def cpi_advice_view(estimates: WhatIfReader, calendars: CalendarReader) -> View:
    """Return the view of the ways to the goal, which asks these readers for what Cint knows."""

    @requires(Permission.EDITOR)
    @require_safe
    def cpi_advice(request: HttpRequest, pk: int) -> HttpResponse:
        group = find_group(request, pk)
        require_editor(request, group.account_id)
        now = timezone.now()
        advised = load_advised_group(
            group,
            now=now,
            what_if=estimates.read_what_if(group),
            calendar=calendars.read_group_calendar(group),
        )
        context = {
            "group": group,
            "ways": ways_to_goal(advised, now=now),
            "what_if": what_if_table(advised.what_if),
            "is_part": "part" in request.GET,
            "is_late": True,
        }
        response = render(request, "edits/cpi_advice.html", context)
        response["Cache-Control"] = "private, no-store"
        response["HX-Trigger"] = "cpi-advice"  # the table of the CPI rests on the estimate as well
        return response

    return cpi_advice


cpi_advice = cpi_advice_view(what_if, calendar)
