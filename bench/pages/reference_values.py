"""The values of the project page as a bare template shows them: worked out once, all in memory."""

from typing import Any

from dashboard.fielding.models import Incident, TargetGroup
from dashboard.web.formatting import labels, numbers
from dashboard.web.formatting.status import status_label
from dashboard.web.tables import group_columns, html_cells


def values() -> tuple[list[str], list[dict[str, Any]]]:
    """The headings, and a dictionary a row."""
    causes = {one.group_id: one for one in Incident.objects.all()}
    groups = TargetGroup.objects.filter(project=1).order_by("-short_at_end")
    headings = ["Group", *(column.heading.label for column in group_columns.SHOWN.values())]
    return headings, [_row(group, causes.get(group.pk)) for group in groups]


def _row(group: TargetGroup, cause: Incident | None) -> dict[str, Any]:
    state = status_label(group.status, group.status_reason, group.status_changed_by)
    done = numbers.group_progress(
        group.filling_strategy, group.completes, group.prescreens, group.filling_goal
    )
    note = group.notes.select_related("by").first()
    assert group.finish_at
    assert group.last_complete_at
    assert group.ends_at
    return {
        "pk": group.pk,
        "name": group.name,
        "human_readable_id": group.human_readable_id,
        "cause": labels.without_group_name(group.name, cause.sentence) if cause else "",
        "severity": "warning" if cause else "",
        "country": labels.country_name(group.country_code),
        "shape": state.shape,
        "status": state.word,
        "why": state.why,
        "progress": done.text,
        "goal": done.goal,
        "done": done.value,
        "also": done.also,
        "spark": html_cells.sparkline_html(group.insight["spark"]),
        "short": numbers.format_count(group.short_at_end),
        "finish_iso": numbers.iso_moment(group.finish_at),
        "finish": numbers.short_utc(group.finish_at),
        "late": group.finish_at > group.ends_at,
        "cpi": numbers.format_money(group.cpi, group.currency),
        "loi": numbers.format_interview_length(
            group.median_loi_seconds, group.expected_loi_minutes
        ),
        "incidence": numbers.format_incidence(group.incidence_rate, group.expected_incidence_rate),
        "last_iso": numbers.iso_moment(group.last_complete_at),
        "last": numbers.short_utc(group.last_complete_at),
        "note": note.text if note else "",
        "writer": str(note.by) if note else "",
        "note_iso": numbers.iso_moment(note.at) if note else "",
        "note_at": numbers.short_utc(note.at) if note else "",
    }
