"""The product's addresses, and beside them what its pages are measured against."""

import msgspec
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from bench.pages.fixtures import HOURS
from dashboard.urls import handler403, handler404, handler500
from dashboard.urls import urlpatterns as product

__all__ = ["handler403", "handler404", "handler500", "urlpatterns"]
GROUP = """
SELECT g.completes_goal, g.starts_at, g.ends_at, g.insight, p.version FROM fielding_targetgroup g
JOIN fielding_project p ON p.id = g.project_id
JOIN fielding_membership m ON m.account_id = g.account_id WHERE g.id = 1 AND m.user_id = %s
"""
DAYS = "SELECT day, hours FROM fielding_completesday WHERE group_id = 1 ORDER BY day"
CHANGES = """
SELECT occurred_at, kind, old, new FROM fielding_change WHERE group_id = 1
ORDER BY occurred_at DESC LIMIT 100
"""


def ping(_request: HttpRequest) -> HttpResponse:
    """Nothing, for whoever is signed in."""
    return HttpResponse(status=204)


def raw(request: HttpRequest) -> HttpResponse:
    """What the completes chart draws, by a raw cursor and fast JSON, for whoever is signed in."""
    with connection.cursor() as cursor:
        cursor.execute(GROUP, [request.user.pk])
        goal, starts, ends, insight, version = cursor.fetchone()
        cursor.execute(DAYS)
        counts = [count for _, hours in cursor.fetchall() for count in HOURS.unpack(hours)]
        cursor.execute(CHANGES)
        marks = [[str(cell) for cell in row] for row in cursor.fetchall()]
    figure = {
        "y": counts,
        "x0": str(starts),
        "ends": str(ends),
        "goal": goal,
        "version": version,
        "forecast": msgspec.json.decode(insight)["forecast"],
        "marks": marks,
    }
    return HttpResponse(msgspec.json.encode(figure), content_type="application/json")


urlpatterns = [*product, path("ping/", ping), path("raw/", raw)]
