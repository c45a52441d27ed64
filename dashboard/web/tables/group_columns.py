"""The columns of the table of groups: what each shows, sorts by, and puts into a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dashboard.fielding.forecast.confidence import is_guess
from dashboard.fielding.insight.document import StoredCost, StoredPace
from dashboard.web.formatting import labels, numbers
from dashboard.web.formatting.status import StatusLabel, reading_remark, status_label
from dashboard.web.tables import html_cells
from dashboard.web.tables.exchange_issues import issue_lines
from dashboard.web.tables.exports import Cell
from dashboard.web.tables.query_state import Column

# A row of `TargetGroupQuerySet.for_table`: as a TargetGroup, with only the fields asked for.
Group = Any
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


@dataclass(frozen=True, slots=True)
class GroupColumn:
    """One column: its heading, the fields it needs, its cell, and its cells in a file."""

    heading: Column
    needs: tuple[str, ...]
    html: Callable[[Group], str]
    file: tuple[tuple[str, Callable[[Group], Cell]], ...]


def _field(name: str) -> Callable[[Group], Cell]:
    return lambda group: getattr(group, name)


def _percent(name: str) -> Callable[[Group], Cell]:
    def cell(group: Group) -> Cell:
        share = getattr(group, name)
        return None if share is None else round(share * 100, 2)

    return cell


def _number(label: str, say: Callable[[Group], str]) -> Callable[[Group], str]:
    return lambda group: html_cells.table_cell(label, html_cells.escape_text(say(group)), "num")


def _moment(label: str, name: str, kind: str) -> Callable[[Group], str]:
    return lambda group: html_cells.table_cell(
        label, html_cells.moment_html(getattr(group, name), kind), "nowrap"
    )


def _money(
    label: str, field: str, say: Callable[[Decimal | None, str], str] = numbers.format_price
) -> GroupColumn:
    return GroupColumn(
        Column(label, field, descending=True, kind="num", hint=label),
        (field,),
        _number(label, lambda group: say(getattr(group, field), group.currency)),
        ((label, _field(field)), CURRENCY),
    )


def _share(label: str, field: str, hint: str) -> GroupColumn:
    return GroupColumn(
        Column(label, field, descending=True, kind="num", hint=hint),
        (field,),
        _number(label, lambda group: numbers.format_percent(getattr(group, field))),
        ((f"{label} (%)", _percent(field)),),
    )


CURRENCY: tuple[str, Callable[[Group], Cell]] = ("Currency", _field("currency"))


def _progress(group: Group) -> str:
    done = numbers.group_progress(
        group.filling_strategy, group.completes, group.prescreens, group.filling_goal
    )
    return html_cells.table_cell(
        "Progress, last 7 days",
        html_cells.progress_bar(done, html_cells.sparkline_html(group.insight__spark)),
        "full",
    )


def _finish(group: Group) -> str:
    late = group.finish_at and group.ends_at and group.finish_at > group.ends_at
    said = html_cells.moment_html(group.finish_at, "local")
    after = '<span class="cause warning">after its end</span>' if late else ""
    if group.finish_at and is_guess(group.completes):
        after += '<span class="sub">little more than a guess</span>'
    return html_cells.table_cell("Likely finish", said + after, "nowrap late" if late else "nowrap")


def _state(group: Group) -> StatusLabel:
    return status_label(group.status, group.status_reason, group.status_changed_by)


def _status(group: Group) -> str:
    return html_cells.table_cell("Status", html_cells.status_html(_state(group)), "state")


def _country(group: Group) -> str:
    said = labels.country_name(group.country_code) if group.country_code else numbers.DASH
    return html_cells.table_cell("Country", html_cells.escape_text(said))


def _loi(group: Group) -> str:
    return numbers.format_interview_length(group.median_loi_seconds, group.expected_loi_minutes)


def _minutes(group: Group) -> Cell:
    seconds = group.median_loi_seconds
    return None if seconds is None else round(seconds / 60, 1)


def _note(group: Group) -> str:
    if not group.note_text:
        return html_cells.table_cell("Note", "", "note-cell blank")
    who = html_cells.isolated_text(group.note_by) if group.note_by else "Somebody who left"
    said = html_cells.isolated_text(group.note_text, "clamp")
    when = html_cells.moment_html(group.note_at, "ago")
    return html_cells.table_cell(
        "Note", f'{said}<span class="sub">{who}, {when}</span>', "note-cell full"
    )


def _stored_pace(group: Group) -> StoredPace:
    return StoredPace.from_stored(group.insight__pace)


def _pace(group: Group) -> str:
    pace = _stored_pace(group)
    if not pace.band:
        return html_cells.table_cell("Pace", numbers.DASH)
    due = f"{numbers.format_count(pace.actual)} of {numbers.format_count(pace.required)} due"
    band = html_cells.escape_text(labels.sentence_case(pace.band))
    return html_cells.table_cell("Pace", f'{band}<span class="sub">{due}</span>')


def _projected(group: Group) -> Decimal | None:
    return StoredCost.from_stored(group.insight__cost).p50


def _issues(group: Group) -> str:
    lines = "".join(
        f'<span class="sub">{html_cells.escape_text(line)}</span>'
        for line in issue_lines(group.issues)
    )
    return html_cells.table_cell("The exchange's issues", lines or numbers.DASH, "issues full")


def _pm(group: Group) -> str:
    return html_cells.table_cell(
        "PM", html_cells.isolated_text(group.pm_name or numbers.DASH), "who"
    )


SHOWN = {
    "country": GroupColumn(
        Column("Country", "country_code"),
        ("country_code",),
        _country,
        (("Country", lambda group: labels.country_name(group.country_code)),),
    ),
    "status": GroupColumn(
        Column("Status", "status"),
        ("status", "status_reason", "status_changed_by"),
        _status,
        (("Status", lambda one: _state(one).word), ("Paused because", lambda one: _state(one).why)),
    ),
    "progress": GroupColumn(
        Column("Progress, last 7 days", "completes", descending=True),
        ("filling_strategy", "completes", "prescreens", "filling_goal", "insight__spark"),
        _progress,
        (
            ("Completes", _field("completes")),
            ("Prescreens", _field("prescreens")),
            ("Goal", _field("filling_goal")),
            (
                "Filling strategy",
                lambda group: labels.STRATEGIES.get(group.filling_strategy, group.filling_strategy),
            ),
        ),
    ),
    "short": GroupColumn(
        Column("Short at end", "short_at_end", descending=True, kind="num", hint="Short at end"),
        ("short_at_end",),
        _number("Short at end", lambda group: numbers.format_count(group.short_at_end)),
        (
            (
                "Short at end (completes)",
                lambda group: None if group.short_at_end is None else round(group.short_at_end),
            ),
        ),
    ),
    "finish": GroupColumn(
        Column("Likely finish", "finish_at", descending=True),
        ("finish_at", "ends_at", "completes"),
        _finish,
        (("Likely finish (UTC)", _field("finish_at")),),
    ),
    "cpi": _money("CPI", "cpi"),
    "loi": GroupColumn(
        Column("LOI", "median_loi_seconds", descending=True, kind="num", hint="LOI"),
        ("median_loi_seconds", "expected_loi_minutes"),
        _number("LOI", _loi),
        (("LOI (min)", _minutes), ("Agreed LOI (min)", _field("expected_loi_minutes"))),
    ),
    "ir": GroupColumn(
        Column("IR", "incidence_rate", kind="num", hint="IR"),
        ("incidence_rate", "expected_incidence_rate"),
        _number(
            "IR",
            lambda group: numbers.format_incidence(
                group.incidence_rate, group.expected_incidence_rate
            ),
        ),
        (
            ("IR (%)", _percent("incidence_rate")),
            ("Expected IR (%)", _percent("expected_incidence_rate")),
        ),
    ),
    "last": GroupColumn(
        Column("Last complete", "last_complete_at", descending=True),
        ("last_complete_at",),
        _moment("Last complete", "last_complete_at", "ago"),
        (("Last complete (UTC)", _field("last_complete_at")),),
    ),
    "note": GroupColumn(
        Column("Note", ""),
        ("note_text", "note_at", "note_by"),
        _note,
        (
            ("Note", _field("note_text")),
            ("Note by", _field("note_by")),
            ("Note at (UTC)", _field("note_at")),
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
        (("Locale", _field("locale")),),
    ),
    "pm": GroupColumn(Column("PM", "pm_name"), ("pm_name",), _pm, (("PM", _field("pm_name")),)),
    "pace": GroupColumn(
        Column("Pace", "", hint="Pace"),
        ("insight__pace",),
        _pace,
        (
            ("Pace", lambda group: _stored_pace(group).band),
            ("Due by now", lambda group: _stored_pace(group).required),
        ),
    ),
    "chance": GroupColumn(
        Column("Chance", "", kind="num", hint="Chance"),
        ("insight__forecast__chance",),
        _number("Chance", lambda group: numbers.format_likelihood(group.insight__forecast__chance)),
        (("Chance to meet the goal by the end (%)", _percent("insight__forecast__chance")),),
    ),
    "average": _money("Average CPI", "average_cpi"),
    "spend": _money("Spend", "cost", numbers.format_cents),
    "projected": GroupColumn(
        Column("Projected cost", "", kind="num", hint="Projected cost"),
        ("insight__cost",),
        _number(
            "Projected cost", lambda group: numbers.format_cents(_projected(group), group.currency)
        ),
        (("Projected cost", _projected), CURRENCY),
    ),
    "drop": _share("Drop-off", "drop_off_rate", "Drop-off"),
    "conversion": _share("Conversion", "conversion_rate", "Conversion"),
    "epc": _money("EPC", "epc"),
    "epcm": _money("EPCM", "epcm"),
    "issues": GroupColumn(
        Column("The exchange's issues", ""),
        ("issues",),
        _issues,
        (("The exchange's issues", lambda group: "; ".join(issue_lines(group.issues))),),
    ),
    "end": GroupColumn(
        Column("End", "ends_at"),
        ("ends_at",),
        _moment("End", "ends_at", "local"),
        (("End (UTC)", _field("ends_at")),),
    ),
    "age": GroupColumn(
        Column("Age", "starts_at"),
        ("starts_at",),
        _moment("Age", "starts_at", "age"),
        (("Start (UTC)", _field("starts_at")),),
    ),
}
ALL = SHOWN | ON_DEMAND
NAME = Column("Group", "name")
HEADINGS = {"name": NAME} | {key: column.heading for key, column in ALL.items()}


def fields_of_columns(keys: Sequence[str], *more: str) -> list[str]:
    """The fields of the table that these columns need, each once."""
    return list(
        dict.fromkeys([*ALWAYS, *more, *(f for key in keys if key in ALL for f in ALL[key].needs)])
    )


def name_cell(group: Group, *, project: bool, cause: str, severity: str) -> str:
    """The first cell: the name with its link, ids, leading cause and what is odd."""
    sub = html_cells.escape_text(group.human_readable_id)
    if project:
        sub += f" · {html_cells.isolated_text(group.project_name)}"
    said = (
        f'<td class="name full"><a href="/groups/{group.pk}/" id="g{group.pk}">'
        f'{html_cells.isolated_text(group.name, "clamp")}</a><span class="sub">{sub}</span>'
    )
    if cause:
        said += f'<span class="cause {severity}"><span class="vh">{severity}: </span>'
        said += f"{html_cells.isolated_text(cause, 'clamp')}</span>"
    if odd := reading_remark(group):
        said += f'<span class="cause warning">{html_cells.isolated_text(odd)}</span>'
    return said + "</td>"


FIRST: tuple[tuple[str, Callable[[Group], Cell]], ...] = (
    ("Project", _field("project_name")),
    ("Group", _field("name")),
    ("Id", _field("human_readable_id")),
    ("Exchange id", _field("exchange_id")),
)


def file_columns(keys: Sequence[str]) -> dict[str, Callable[[Group], Cell]]:
    """The columns of a file by their headings: those on screen, each heading once."""
    return dict(FIRST) | {
        title: cell for key in keys if key in ALL for title, cell in ALL[key].file
    }
