"""The columns of the groups table: what each shows, sorts by, and writes into a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from typing import Any

from dashboard.alerts.text import format_span
from dashboard.fielding.domain.goals import completes_target
from dashboard.fielding.domain.scope import is_open
from dashboard.fielding.figures.goal_cost import (
    COST_BY_END_DATE,
    COST_IF_GOAL_REACHED,
    cost_if_goal_reached,
)
from dashboard.fielding.forecast.confidence import is_guess
from dashboard.fielding.insight.document import StoredCost, StoredPace, StoredSoftLaunch
from dashboard.fielding.insight.launch_phase import Phase, launch_phase, reason_of_pause
from dashboard.web.formatting import labels, numbers
from dashboard.web.formatting.status import StatusLabel, reading_remark, status_label
from dashboard.web.tables import html_cells
from dashboard.web.tables.exchange_issues import issue_lines
from dashboard.web.tables.exports import Cell
from dashboard.web.tables.query_state import Column

# Any: a named row of `TargetGroupQuerySet.for_table` with the fields asked for; Django types none.
GroupRow = Any
ALWAYS = (
    "pk",
    "name",
    "human_readable_id",
    "exchange_id",
    "project_id",
    "project_name",
    "error",
    "missing_since",
    "currency",
)
# The count that a group is stopped at, and how far it is.
LIMIT_FIELDS = ("completes", "prescreens", "filling_strategy", "filling_goal", "completes_goal")


@dataclass(frozen=True, slots=True)
class GroupColumn:
    """One column: its heading, the fields it needs, its HTML cell, and its cells in a file."""

    heading: Column
    needs: tuple[str, ...]
    html: Callable[[GroupRow], str]
    file: tuple[tuple[str, Callable[[GroupRow], Cell]], ...]


def _read_field(name: str) -> Callable[[GroupRow], Cell]:
    return lambda group: getattr(group, name)


def _read_percent(name: str) -> Callable[[GroupRow], Cell]:
    def cell(group: GroupRow) -> Cell:
        share = getattr(group, name)
        return None if share is None else round(share * 100, 2)

    return cell


def _number_cell(label: str, to_text: Callable[[GroupRow], str]) -> Callable[[GroupRow], str]:
    return lambda group: html_cells.table_cell(label, html_cells.escape_text(to_text(group)), "num")


def _moment_cell(label: str, name: str, kind: str) -> Callable[[GroupRow], str]:
    return lambda group: html_cells.table_cell(
        label, html_cells.moment_html(getattr(group, name), kind), "nowrap"
    )


def _money_column(
    label: str, field: str, to_text: Callable[[Decimal | None, str], str] = numbers.format_price
) -> GroupColumn:
    return GroupColumn(
        Column(label, field, descending=True, kind="num", hint=label),
        (field,),
        _number_cell(label, lambda group: to_text(getattr(group, field), group.currency)),
        ((label, _read_field(field)), CURRENCY),
    )


def _percent_column(label: str, field: str, hint: str) -> GroupColumn:
    return GroupColumn(
        Column(label, field, descending=True, kind="num", hint=hint),
        (field,),
        _number_cell(label, lambda group: numbers.format_percent(getattr(group, field))),
        ((f"{label} (%)", _read_percent(field)),),
    )


CURRENCY: tuple[str, Callable[[GroupRow], Cell]] = ("Currency", _read_field("currency"))


def _progress_cell(group: GroupRow) -> str:
    done = numbers.group_progress(
        group.filling_strategy, group.completes, group.prescreens, group.filling_goal
    )
    return html_cells.table_cell(
        "Progress",
        html_cells.progress_bar(done, html_cells.sparkline_html(group.insight__spark)),
        "full",
        done.also,
    )


def _finish_cell(group: GroupRow) -> str:
    late = ""
    if group.finish_at and group.ends_at and group.finish_at > group.ends_at:
        late = f"{format_span(group.finish_at - group.ends_at)} late"
    moment = html_cells.moment_html(group.finish_at, "local")
    notes = f'<span class="cause warning">{late}</span>' if late else ""
    if group.finish_at and is_guess(group.completes):
        notes += '<span class="sub">little data yet</span>'
    return html_cells.table_cell(
        "Projected finish", moment + notes, "nowrap late" if late else "nowrap"
    )


def _status_label(group: GroupRow) -> StatusLabel:
    soft = StoredSoftLaunch.from_stored(group.insight__soft_launch)
    launch = launch_phase(group, soft, now=datetime.now(UTC))
    reason = reason_of_pause(group.status_reason, launch)
    return status_label(group.status, reason, group.status_changed_by)


def _status_cell(group: GroupRow) -> str:
    label = _status_label(group)
    return html_cells.table_cell("Status", html_cells.status_html(label), "state", label.why)


def _country_cell(group: GroupRow) -> str:
    country = labels.country_name(group.country_code) if group.country_code else numbers.DASH
    return html_cells.table_cell("Country", html_cells.escape_text(country))


def _format_loi(group: GroupRow) -> str:
    return numbers.format_interview_length(group.median_loi_seconds, group.expected_loi_minutes)


def _read_minutes(group: GroupRow) -> Cell:
    seconds = group.median_loi_seconds
    return None if seconds is None else round(seconds / 60, 1)


def _note_cell(group: GroupRow) -> str:
    if not group.note_text:
        return html_cells.table_cell("Note", "", "note-cell blank")
    author = html_cells.isolated_text(group.note_by) if group.note_by else "Former user"
    text = html_cells.isolated_text(group.note_text, "clamp")
    when = html_cells.moment_html(group.note_at, "ago")
    return html_cells.table_cell(
        "Note", f'{text}<span class="sub">{author}, {when}</span>', "note-cell full"
    )


def _stored_pace(group: GroupRow) -> StoredPace:
    return StoredPace.from_stored(group.insight__pace)


def _pace_cell(group: GroupRow) -> str:
    pace = _stored_pace(group)
    if not pace.band:
        return html_cells.table_cell("Pace", numbers.DASH)
    expected = numbers.format_count(pace.required)
    due = f"{numbers.format_count(pace.actual)} of {expected} expected"
    if pace.band == Phase.SOFT_LAUNCH:
        due = html_cells.escape_text((pace.reason or "").partition(": ")[2])
    band = html_cells.escape_text(labels.sentence_case(pace.band))
    return html_cells.table_cell("Pace", f'{band}<span class="sub">{due}</span>', "", unescape(due))


def _cost_by_end_date(group: GroupRow) -> Decimal | None:
    return StoredCost.from_stored(group.insight__cost).p50


def _cost_if_goal_reached(group: GroupRow) -> Decimal | None:
    """Return the total; None for a group that is over."""
    is_over = not is_open(group, group.project_read_at or datetime.now(UTC))
    at_goal = None if is_over else cost_if_goal_reached(group)
    return None if at_goal is None else at_goal.total


def _cost_html(group: GroupRow) -> str:
    """Return the cost by end date, with the cost at the goal below."""
    at_goal = _cost_if_goal_reached(group)
    total = html_cells.escape_text(numbers.format_cents(_cost_by_end_date(group), group.currency))
    at_goal_text = ""
    if at_goal is not None:
        at_goal_text = f"{numbers.format_cents(at_goal, group.currency)} if the goal is reached"
        total += f'<span class="sub">{html_cells.escape_text(at_goal_text)}</span>'
    return html_cells.table_cell(COST_BY_END_DATE, total, "num", at_goal_text)


def _issues_cell(group: GroupRow) -> str:
    lines = "".join(
        f'<span class="sub">{html_cells.escape_text(line)}</span>'
        for line in issue_lines(group.issues)
    )
    return html_cells.table_cell("Cint issues", lines or numbers.DASH, "issues full")


def _manager_cell(group: GroupRow) -> str:
    return html_cells.table_cell(
        "PM", html_cells.isolated_text(group.pm_name or numbers.DASH), "who"
    )


SHOWN = {
    "country": GroupColumn(
        Column("Country", "country_code"),
        ("country_code",),
        _country_cell,
        (("Country", lambda group: labels.country_name(group.country_code)),),
    ),
    "status": GroupColumn(
        Column("Status", "status"),
        (
            "status",
            "status_reason",
            "status_changed_by",
            "status_changed_at",
            "insight__soft_launch",
            *LIMIT_FIELDS,
        ),
        _status_cell,
        (
            ("Status", lambda one: _status_label(one).word),
            ("Pause reason", lambda one: _status_label(one).why),
        ),
    ),
    "progress": GroupColumn(
        Column("Progress", "completes", descending=True),
        (*LIMIT_FIELDS, "expected_incidence_rate", "insight__spark"),
        _progress_cell,
        (
            ("Completes", _read_field("completes")),
            ("Prescreens", _read_field("prescreens")),
            ("Goal (completes)", completes_target),
            ("Filling goal", _read_field("filling_goal")),
            (
                "Filling strategy",
                lambda group: labels.STRATEGIES.get(group.filling_strategy, group.filling_strategy),
            ),
        ),
    ),
    "short": GroupColumn(
        Column(
            "Projected shortfall",
            "short_at_end",
            descending=True,
            kind="num",
            hint="Projected shortfall",
        ),
        ("short_at_end",),
        _number_cell("Projected shortfall", lambda group: numbers.format_count(group.short_at_end)),
        (
            (
                "Projected shortfall (completes)",
                lambda group: None if group.short_at_end is None else round(group.short_at_end),
            ),
        ),
    ),
    "finish": GroupColumn(
        Column("Projected finish", "finish_at", descending=True),
        ("finish_at", "ends_at", "completes"),
        _finish_cell,
        (("Projected finish (UTC)", _read_field("finish_at")),),
    ),
    "cpi": _money_column("CPI", "cpi", numbers.format_money),
    "loi": GroupColumn(
        Column("LOI", "median_loi_seconds", descending=True, kind="num", hint="LOI"),
        ("median_loi_seconds", "expected_loi_minutes"),
        _number_cell("LOI", _format_loi),
        (("LOI (min)", _read_minutes), ("Bid LOI (min)", _read_field("expected_loi_minutes"))),
    ),
    "ir": GroupColumn(
        Column("IR", "incidence_rate", kind="num", hint="IR"),
        ("incidence_rate", "expected_incidence_rate"),
        _number_cell(
            "IR",
            lambda group: numbers.format_incidence(
                group.incidence_rate, group.expected_incidence_rate
            ),
        ),
        (
            ("IR (%)", _read_percent("incidence_rate")),
            ("Bid IR (%)", _read_percent("expected_incidence_rate")),
        ),
    ),
    "last": GroupColumn(
        Column("Last complete", "last_complete_at", descending=True),
        ("last_complete_at",),
        _moment_cell("Last complete", "last_complete_at", "ago"),
        (("Last complete (UTC)", _read_field("last_complete_at")),),
    ),
    "note": GroupColumn(
        Column("Note", ""),
        ("note_text", "note_at", "note_by"),
        _note_cell,
        (
            ("Note", _read_field("note_text")),
            ("Note author", _read_field("note_by")),
            ("Note at (UTC)", _read_field("note_at")),
        ),
    ),
}
ON_DEMAND = {
    "locale": GroupColumn(
        Column("Locale", "locale"),
        ("locale",),
        lambda group: html_cells.table_cell(
            "Locale", html_cells.escape_text(group.locale or numbers.DASH)
        ),
        (("Locale", _read_field("locale")),),
    ),
    "pm": GroupColumn(
        Column("PM", "pm_name"), ("pm_name",), _manager_cell, (("PM", _read_field("pm_name")),)
    ),
    "pace": GroupColumn(
        Column("Pace", "", hint="Pace"),
        ("insight__pace",),
        _pace_cell,
        (
            ("Pace", lambda group: _stored_pace(group).band),
            ("Expected by now", lambda group: _stored_pace(group).required),
        ),
    ),
    "chance": GroupColumn(
        Column("Chance", "", kind="num", hint="Chance"),
        ("insight__forecast__chance",),
        _number_cell(
            "Chance", lambda group: numbers.format_likelihood(group.insight__forecast__chance)
        ),
        (
            (
                "Chance of reaching the goal by the end date (%)",
                _read_percent("insight__forecast__chance"),
            ),
        ),
    ),
    "average": _money_column("Average CPI", "average_cpi"),
    "spend": _money_column("Spend", "cost", numbers.format_cents),
    "projected": GroupColumn(
        Column(COST_BY_END_DATE, "", kind="num", hint=COST_BY_END_DATE),
        (
            "insight__cost",
            "status",
            "ends_at",
            "project_read_at",
            "cpi",
            "cost",
            "expected_incidence_rate",
            *LIMIT_FIELDS,
        ),
        _cost_html,
        (
            (COST_BY_END_DATE, _cost_by_end_date),
            (COST_IF_GOAL_REACHED, _cost_if_goal_reached),
            CURRENCY,
        ),
    ),
    "drop": _percent_column("Drop-off", "drop_off_rate", "Drop-off"),
    "conversion": _percent_column("Conversion", "conversion_rate", "Conversion"),
    "epc": _money_column("EPC", "epc"),
    "epcm": _money_column("EPCM", "epcm"),
    "issues": GroupColumn(
        Column("Cint issues", ""),
        ("issues",),
        _issues_cell,
        (("Cint issues", lambda group: "; ".join(issue_lines(group.issues))),),
    ),
    "end": GroupColumn(
        Column("End date", "ends_at"),
        ("ends_at",),
        _moment_cell("End date", "ends_at", "local"),
        (("End date (UTC)", _read_field("ends_at")),),
    ),
    "age": GroupColumn(
        Column("Age", "starts_at"),
        ("starts_at",),
        _moment_cell("Age", "starts_at", "age"),
        (("Start date (UTC)", _read_field("starts_at")),),
    ),
}
COLUMNS_BY_KEY = SHOWN | ON_DEMAND
NAME = Column("Group", "name")
HEADINGS = {"name": NAME} | {key: column.heading for key, column in COLUMNS_BY_KEY.items()}


def fields_of_columns(keys: Sequence[str], *more: str) -> list[str]:
    """Return the fields that these columns need, each once."""
    return list(
        dict.fromkeys(
            [
                *ALWAYS,
                *more,
                *(f for key in keys if key in COLUMNS_BY_KEY for f in COLUMNS_BY_KEY[key].needs),
            ]
        )
    )


def name_cell(group: GroupRow, *, project: bool, cause: str, severity: str) -> str:
    """Return the first cell: linked name, ids, leading cause and reading problem."""
    sub = html_cells.escape_text(group.human_readable_id)
    if project:
        sub += f" · {html_cells.isolated_text(group.project_name)}"
    parts = (group.name, group.human_readable_id, project and group.project_name, cause)
    title = html_cells.escape_text(" · ".join(part for part in parts if part))
    cell = (
        f'<td class="name full" title="{title}"><a href="/groups/{group.pk}/" id="g{group.pk}">'
        f'{html_cells.isolated_text(group.name, "clamp")}</a><span class="sub">{sub}</span>'
    )
    if cause:
        cell += f'<span class="cause {severity}"><span class="vh">{severity}: </span>'
        cell += f"{html_cells.isolated_text(cause, 'clamp')}</span>"
    if remark := reading_remark(group):
        cell += f'<span class="cause warning">{html_cells.isolated_text(remark)}</span>'
    return cell + "</td>"


FIRST: tuple[tuple[str, Callable[[GroupRow], Cell]], ...] = (
    ("Project", _read_field("project_name")),
    ("Group", _read_field("name")),
    ("ID", _read_field("human_readable_id")),
    ("Exchange ID", _read_field("exchange_id")),
)


def file_columns(keys: Sequence[str]) -> dict[str, Callable[[GroupRow], Cell]]:
    """Return the file columns of the columns on screen, by heading, each once."""
    return dict(FIRST) | {
        title: cell
        for key in keys
        if key in COLUMNS_BY_KEY
        for title, cell in COLUMNS_BY_KEY[key].file
    }
