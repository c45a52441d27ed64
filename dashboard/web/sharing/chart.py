"""The chart of a client's status: the sum of completes, with its target, goal and projection."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from dashboard.fielding.figures.client.status import groups_of_status
from dashboard.fielding.forecast.joint import Percentiles
from dashboard.fielding.models import SharedStatus
from dashboard.web import charts
from dashboard.web.projects.completes_by_group import completes_of_groups

CHART = "status-chart"  # the id of its place on a page


class ClientChart(msgspec.Struct, frozen=True):
    """Sums over the groups in the plan: completes at each hour from `start`, target and forecast.

    forecast: empty where the projection is not shared. ends_at: the last end date of open groups.
    """

    start: datetime | None
    counts: list[int]
    goal: float
    ends_at: datetime | None
    target: list[tuple[datetime, float]]
    forecast: list[tuple[datetime, Percentiles]]


def load_client_chart(shared: SharedStatus, *, now: datetime) -> ClientChart | None:
    """Load the chart of a status; None if it is not shared, or nothing is counted yet."""
    if not shared.shows_chart:
        return None
    sums = completes_of_groups(groups_of_status(shared), now=now)
    if sums.start is None:
        return None
    forecast = sums.forecast if shared.shows_projection else []
    return ClientChart(sums.start, sums.total, sums.goal, sums.ends_at, sums.required, forecast)


def drawn_chart(chart: ClientChart, zone: ZoneInfo) -> dict[str, object]:
    """Return the figure as it travels with its page, with the colours of the dark theme."""
    figure = charts.project_sum_figure(
        chart.start,
        charts.ProjectSum(chart.counts, chart.goal, chart.ends_at),
        target=chart.target,
        forecast=chart.forecast,
        palette=charts.PALETTES["light"],
        zone=zone,
    )
    return {"figure": figure, "dark": charts.DARKENED}
