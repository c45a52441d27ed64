"""The completes panel of a group: the view that the URL selects, its chart and its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict
from urllib.parse import urlencode

from django.http import QueryDict

from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.domain.goals import completes_target, counts_prescreens
from dashboard.fielding.domain.scope import OPEN_STATUSES
from dashboard.fielding.insight import assistant_modules
from dashboard.fielding.insight.document import Insight
from dashboard.fielding.models import Change, Edit, TargetGroup
from dashboard.fielding.series import daily
from dashboard.fielding.series.pace import FieldingPlan, required_line
from dashboard.web import charts
from dashboard.web.charts import series
from dashboard.web.edits import history
from dashboard.web.formatting import numbers, times
from dashboard.web.groups import summary

STEPS = {"hour": 1, "6h": 6, "day": 24}
STEP_WORDS = {"": "Cumulative", "hour": "Hourly", "6h": "6-hourly", "day": "Daily"}
SPANS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
SPAN_WORDS = {"24h": "24 h", "7d": "7 days", "30d": "30 days", "": "All"}
LONGEST = timedelta(days=400)
ROWS = 60
MARKED = (
    ChangelogKind.CPI,
    ChangelogKind.USER_REQUESTED_CPI,
    ChangelogKind.STATUS,
    ChangelogKind.FILLING_GOAL,
    ChangelogKind.FILLING_STRATEGY,
    ChangelogKind.RE_ENTRY_CONFIGURATION,
    ChangelogKind.FIELDING_PERIOD_START_DATE,
    ChangelogKind.FIELDING_PERIOD_END_DATE,
)
MARKED_EDITS = (
    Edit.Kind.CPI,
    Edit.Kind.FILLING_STRATEGY,
    Edit.Kind.RE_ENTRY,
    Edit.Kind.GOALS,
    Edit.Kind.DATES,
    Edit.Kind.ASSISTANT,
    Edit.Kind.STATUS,
)
# The changelog kinds that the chart needs: its marks, and what moves the required line.
SHOWN_CHANGE_KINDS = (*MARKED, *assistant_modules.KINDS)
REQUIRED_EVERY = 3  # hours between the points of the required line


@dataclass(frozen=True, slots=True)
class ChartView:
    """The chosen view: cumulative completes or completes per step, over a span up to now."""

    per: str
    span: str
    trend: str = ""

    @classmethod
    def from_query(cls, query: QueryDict) -> ChartView:
        """Read the view from the query string; unknown values fall back to the default."""
        per, span = query.get("per", ""), query.get("span", "")
        return cls(
            per if per in STEPS else "", span if span in SPANS else "", query.get("trend", "")
        )

    def since(self, now: datetime) -> datetime:
        """Return the start of the span."""
        return now - SPANS.get(self.span, LONGEST)

    def choices(self) -> dict[str, list[tuple[str, str, str, bool]]]:
        """Return key, link, label and whether it is chosen, for each step and span."""
        return {
            "steps": [
                (key, _address(per=key, span=self.span, trend=self.trend), word, key == self.per)
                for key, word in STEP_WORDS.items()
            ],
            "spans": [
                (key, _address(per=self.per, span=key, trend=self.trend), word, key == self.span)
                for key, word in SPAN_WORDS.items()
            ],
        }

    @property
    def hours(self) -> int:
        """Hours per row of the table: those chosen, else 24."""
        return STEPS.get(self.per, 24)


class DrawnFigure(TypedDict):
    """A chart with the colours that replace its own in the dark; none if the theme is fixed."""

    figure: charts.Figure
    dark: dict[str, str]


def _address(**parts: str) -> str:
    return "?" + urlencode({key: value for key, value in parts.items() if value})


def grid_of(group: TargetGroup, now: datetime) -> series.Grid | None:
    """Return all hourly counts; the weekly pattern is learned from more than the chosen span."""
    return series.hourly_grid(group, now - LONGEST)


def newest_steps(
    grid: series.Grid | None, view: ChartView, group: TargetGroup, now: datetime
) -> list[series.GridStep]:
    """Return the rows of the table, newest first."""
    return _steps_in_view(grid, view, group, now)[: -ROWS - 1 : -1]


def _steps_in_view(
    grid: series.Grid | None, view: ChartView, group: TargetGroup, now: datetime
) -> list[series.GridStep]:
    if grid is None:
        return []
    steps = series.steps_of_grid(grid, view.hours, times.zone_of(group), now=open_until(group, now))
    return [step for step in steps if step.ends > view.since(now)]


def open_until(group: TargetGroup, now: datetime) -> datetime | None:
    """Return now if the group can still gain completes; None if its series is over."""
    return now if group.status in OPEN_STATUSES else None


def has_interpolated_starts(grid: series.Grid | None, view: ChartView, group: TargetGroup) -> bool:
    """Return whether steps begin between two counts of Cint, which are on full UTC hours."""
    return view.hours > 1 and series.starts_between_hours(grid, times.zone_of(group))


def group_figure(
    group: TargetGroup,
    grid: series.Grid | None,
    changes: Sequence[Change],
    edits: Sequence[Edit],
    *,
    view: ChartView,
    palette: charts.Palette,
    now: datetime,
) -> charts.Figure:
    """Return the chart.

    `changes`: changelog rows of `SHOWN_CHANGE_KINDS`, newest first. `edits`: those made in
    Fieldwatch.
    """
    zone = times.zone_of(group)
    if view.per:
        steps = _steps_in_view(grid, view, group, now)
        return charts.gained_figure(steps, view.hours, palette=palette, zone=zone)
    lines = history.history_lines(
        [change for change in changes if change.kind in MARKED], edits, {}, zone
    )
    since = view.since(now)
    ahead = (now - since) / 4
    return charts.completes_figure(
        grid,
        goal=completes_target(group),
        goal_name=_goal_label(group),
        required=_required_line(group, grid, changes, now),
        forecast=summary.forecast_band(group),
        marks=[charts.Mark(line.at, _mark_text(line)) for line in lines if line.at >= since],
        shown=(since, now + ahead) if view.span else None,
        palette=palette,
        zone=zone,
    )


def first_figure(
    group: TargetGroup,
    grid: series.Grid | None,
    changes: Sequence[Change],
    edits: Sequence[Edit],
    *,
    view: ChartView,
    theme: str,
    now: datetime,
) -> DrawnFigure:
    """Return the chart that is part of the page, from the history that the page has loaded.

    When the theme follows the system, `dark` maps the light colours to the dark ones.
    """
    shown_changes = [row for row in changes if row.kind in SHOWN_CHANGE_KINDS]
    confirmed_edits = [
        row for row in edits if row.kind in MARKED_EDITS and row.state == Edit.State.CONFIRMED
    ]
    palette = charts.PALETTES.get(theme, charts.PALETTES["light"])
    drawn = group_figure(
        group, grid, shown_changes, confirmed_edits, view=view, palette=palette, now=now
    )
    return {"figure": drawn, "dark": charts.DARKENED if theme not in charts.PALETTES else {}}


def _mark_text(line: history.HistoryLine) -> str:
    """Return the text of a mark: "Anna Weber: CPI 2.10 → 2.90 EUR"."""
    author = f"{line.who}: " if line.ours else ""
    return f"{author}{line.what} {line.old} → {line.new}"


def _goal_label(group: TargetGroup) -> str:
    """Return the label of the goal line; of a prescreens goal, with the completes it gives."""
    goal = completes_target(group)
    if goal is None:
        return ""
    if counts_prescreens(group):
        limit = numbers.format_count(group.filling_goal)
        return f"About {numbers.format_count(goal)} completes, at {limit} prescreens"
    return f"Goal {numbers.format_count(goal)}"


def _required_line(
    group: TargetGroup, grid: series.Grid | None, changes: Sequence[Change], now: datetime
) -> list[tuple[datetime, float]]:
    """Return the completes required at any time, following the group's own weekly pattern.

    Soft launch and pacing are taken into account; without a fielding period the line is empty.
    """
    goal = completes_target(group)
    if grid is None or not goal or group.starts_at is None or group.ends_at is None:
        return []
    status_changes = [
        (change.occurred_at, change.new)
        for change in changes
        if change.kind == ChangelogKind.STATUS
    ]
    assistant_changes = [
        (change.occurred_at, change.kind, change.new)
        for change in changes
        if change.kind in assistant_modules.KINDS
    ]
    assistant = assistant_modules.modules_of(assistant_changes, group.details)
    plan = FieldingPlan(
        goal=goal,
        starts_at=group.starts_at,
        ends_at=group.ends_at,
        zone=times.zone_of(group),
        pauses=daily.pauses_of(status_changes),
        soft_launch=assistant.soft_launch,
        pacing=assistant.pacing,
    )
    rhythm, weights = Insight.of(group).rhythm, None
    if rhythm and rhythm.hours and rhythm.days:
        weights = daily.weekly_weights(rhythm.hours, rhythm.days)
    points = () if weights is not None else grid.points()
    return required_line(plan, now=now, history=points, shape=weights, every=REQUIRED_EVERY)
