"""The completes panel of a group: what its address asks for, and the figure and table of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from dashboard.fielding.domain.changelog_kinds import ChangelogKind
from dashboard.fielding.domain.goals import completes_target, counts_prescreens
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
STEP_WORDS = {"": "In all", "hour": "Per hour", "6h": "Per 6 h", "day": "Per day"}
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
# What the chart needs of the changelog: the marks, and what moves the required line.
SHOWN_CHANGE_KINDS = (*MARKED, *assistant_modules.KINDS)
REQUIRED_EVERY = 3  # hours between the points of the required line


@dataclass(frozen=True, slots=True)
class ChartView:
    """What is looked at: completes in all or gained per step, over a span up to now."""

    per: str
    span: str
    trend: str = ""

    @classmethod
    def asked(cls, asked: QueryDict) -> ChartView:
        """As the address has it; what it gets wrong is the default."""
        per, span = asked.get("per", ""), asked.get("span", "")
        return cls(
            per if per in STEPS else "", span if span in SPANS else "", asked.get("trend", "")
        )

    def since(self, now: datetime) -> datetime:
        """The beginning of the span."""
        return now - SPANS.get(self.span, LONGEST)

    def choices(self) -> dict[str, list[tuple[str, str, str, bool]]]:
        """Keys, links, words and whether they are chosen, for steps and spans."""
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
        """The step of the table: what is chosen, else what the exchange counts by, 24 h."""
        return STEPS.get(self.per, 24)


def _address(**parts: str) -> str:
    return "?" + urlencode({key: value for key, value in parts.items() if value})


def grid_of(group: TargetGroup, now: datetime) -> series.Grid | None:
    """All that was counted; the shape of the week is learned from more than is looked at."""
    return series.hourly_grid(group, now - LONGEST)


def newest_steps(
    grid: series.Grid | None, view: ChartView, group: TargetGroup, now: datetime
) -> list[series.GridStep]:
    """The newest steps first."""
    return _steps(grid, view, group, now)[: -ROWS - 1 : -1]


def _steps(
    grid: series.Grid | None, view: ChartView, group: TargetGroup, now: datetime
) -> list[series.GridStep]:
    zone = times.zone_of(group)
    since = view.since(now).astimezone(zone).replace(tzinfo=None)
    found = series.steps_of_grid(grid, view.hours, zone) if grid else []
    return [step for step in found if step.start + timedelta(hours=view.hours) > since]


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
    """The chart. `changes`: those of the kinds in `TOLD`, newest first; `edits`: ours."""
    zone = times.zone_of(group)
    if view.per:
        steps = _steps(grid, view, group, now)
        return charts.gained_figure(steps, view.hours, palette=palette, zone=zone)
    lines = history.history_lines([one for one in changes if one.kind in MARKED], edits, {}, zone)
    since = view.since(now)
    ahead = (now - since) / 4
    return charts.completes_figure(
        grid,
        goal=completes_target(group),
        goal_name=_goal_name(group),
        required=_required(group, grid, changes, now),
        forecast=summary.forecast_band(group),
        marks=[charts.Mark(line.at, _said(line)) for line in lines if line.at >= since],
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
) -> dict[str, Any]:
    """The chart that comes with its page, from the whole history that the page has read anyway.

    Where the device chooses the theme, with what turns the light colours into dark ones.
    """
    told = [one for one in changes if one.kind in SHOWN_CHANGE_KINDS]
    made = [one for one in edits if one.kind in MARKED_EDITS and one.state == Edit.State.CONFIRMED]
    palette = charts.PALETTES.get(theme, charts.PALETTES["light"])
    drawn = group_figure(group, grid, told, made, view=view, palette=palette, now=now)
    return {"figure": drawn, "dark": charts.DARKENED if theme not in charts.PALETTES else {}}


def _said(line: history.HistoryLine) -> str:
    """What a mark says: "Anna Weber: CPI 2.10 → 2.90 EUR"."""
    who = f"{line.who}: " if line.ours else ""
    return f"{who}{line.what} {line.old} → {line.new}"


def _goal_name(group: TargetGroup) -> str:
    """What the goal's line says; a limit of prescreens is told beside the completes it gives."""
    goal = completes_target(group)
    if goal is None:
        return ""
    if counts_prescreens(group):
        limit = numbers.format_count(group.filling_goal)
        return f"About {numbers.format_count(goal)}, at {limit} prescreens"
    return f"Goal {numbers.format_count(goal)}"


def _required(
    group: TargetGroup, grid: series.Grid | None, changes: Sequence[Change], now: datetime
) -> list[tuple[datetime, float]]:
    """Where the group should be at any time, on the usual shape of its own week.

    A soft launch and pacing are kept to; without a fielding period nothing is required.
    """
    goal = completes_target(group)
    if grid is None or not goal or group.starts_at is None or group.ends_at is None:
        return []
    turns = [(one.occurred_at, one.new) for one in changes if one.kind == ChangelogKind.STATUS]
    told = [
        (one.occurred_at, one.kind, one.new)
        for one in changes
        if one.kind in assistant_modules.KINDS
    ]
    assistant = assistant_modules.modules_of(told, group.details)
    plan = FieldingPlan(
        goal=goal,
        starts_at=group.starts_at,
        ends_at=group.ends_at,
        zone=times.zone_of(group),
        pauses=daily.pauses_of(turns),
        soft_launch=assistant.soft_launch,
        pacing=assistant.pacing,
    )
    rhythm, known = Insight.of(group).rhythm, None
    if rhythm and rhythm.hours and rhythm.days:
        known = daily.weekly_weights(rhythm.hours, rhythm.days)
    read = () if known is not None else grid.points()
    return required_line(plan, now=now, history=read, shape=known, every=REQUIRED_EVERY)
