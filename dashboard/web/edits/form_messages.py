"""What forms say beside their fields: why a setting is fixed, how an edit ended, conflicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard.fielding.models import Edit, TargetGroup
from dashboard.sync.edits import local, send
from dashboard.web.connections.waits import Workers
from dashboard.web.edits import history
from dashboard.web.edits.forms import cpi, goals
from dashboard.web.edits.forms.base import Form, Value
from dashboard.web.edits.value_labels import changed_parts, value_parts
from dashboard.web.edits.waits import edit_wait
from dashboard.web.formatting import labels, numbers
from dashboard.web.formatting.values import Names

Initial = Callable[[Value], Mapping[str, str]]
TOO_OLD = "This form expired before it was sent. It now shows the current value."
NO_RE_ENTRY = "Cint does not allow re-entry to be changed once a group is launched."
# (elapsed seconds below which, seconds between two polls), then the slowest pace.
_POLLING, _SLOWEST = ((30, 2), (120, 5), (600, 15)), 60
NO_UNDO = "This was changed again since, so the previous value is not filled in."


def not_offered(group: TargetGroup, form: Form[Value]) -> str:
    """Return why this setting of this group cannot be changed here; empty if it can."""
    if form.is_ours:
        return ""
    if group.missing_since:
        return "Cint no longer lists this group, so it cannot be changed."
    if group.status == "draft":
        return "Edit the draft to change this setting."
    if group.status == "archived":
        return "Archived groups cannot be changed."
    if form.kind == Edit.Kind.CPI and group.pricing_model == "rate_card":
        return cpi.RATE_CARD
    is_over = form.kind == Edit.Kind.DATES and group.status == "completed"
    return "The dates of a completed group cannot be changed. Relaunch it first." if is_over else ""


def objections_by_field(edit: Edit, place: Callable[[str], str]) -> tuple[dict[str, str], str]:
    """Return the exchange's objections: by the form's own fields, and the others as a text."""
    at_field: dict[str, str] = {}
    above: list[str] = []
    for reason in edit.reasons:
        sentence = str(reason.get("reason", "")).strip() or "Cint rejected this value."
        named = str(reason.get("name", ""))
        if named and (field := place(named)):
            at_field[field] = f"{at_field.get(field, '')} {sentence}".strip()
        else:
            above.append(f"{labels.field_name(named)}: {sentence}" if named else sentence)
    return at_field, " ".join(above)


def outcome_sentence(edit: Edit, names: Names, zone: ZoneInfo | None) -> str:
    """Return a sentence on how an edit ended."""
    changed = changed_parts(edit, names, zone)
    what = "; ".join(f"{word} {before} → {wanted}" for word, before, wanted in changed[:3])
    if len(changed) > 3 or edit.kind == Edit.Kind.RE_ENTRY:
        what = f"{edit.kind_label} ({len(changed)} setting{'s'[: len(changed) > 1]})"
    if not edit.is_settled:
        return f"{what}: sent, not confirmed yet. This line updates once it is."
    if edit.state != Edit.State.CONFIRMED:
        return f"{what}: {history.outcome_label(edit)}."
    is_local = edit.kind in local.KINDS
    return f"{what}: {'saved.' if is_local else 'confirmed by Cint.'}"


def outcome_line(
    edit: Edit, names: Names, zone: ZoneInfo | None, workers: Workers, *, undo_address: str = ""
) -> SafeString:
    """Return that sentence with links to undo it and to its page; it polls until it is settled.

    It also says what an open edit waits for. undo_address: the form with the previous value; it
    opens in the panel of the group's page.
    """
    link = "View details" if edit.is_settled else "View progress"
    if edit.is_settled and edit.state != Edit.State.CONFIRMED:
        link = "View result"
    sentence, page = outcome_sentence(edit, names, zone), reverse("made", args=[edit.pk])
    undo_link: SafeString | str = ""
    if undo_address:
        undo_link = format_html(
            '<a href="{0}" hx-get="{0}" hx-target="#form-here" hx-swap="innerHTML">Undo</a> · ',
            undo_address,
        )
    polling: SafeString | str = ""
    if not edit.is_settled:
        polling = format_html(
            '<span hx-get="{}" hx-trigger="every {}s" hx-target="closest .note" '
            'hx-swap="outerHTML"></span>',
            reverse("made-line", args=[edit.pk]),
            ask_again_after(edit.started_at, workers.now),
        )
    wait = edit_wait(edit, workers)
    waits = render_to_string("partials/wait.html", {"wait": wait}) if wait else ""
    return format_html(
        '{} {} {}<a href="{}">{}</a>{}', sentence, waits, undo_link, page, link, polling
    )


def ask_again_after(started_at: datetime, now: datetime) -> int:
    """Return the seconds until a page polls again: more, the longer it has been polling."""
    elapsed = (now - started_at).total_seconds()
    return next((every for span, every in _POLLING if elapsed < span), _SLOWEST)


class ConflictRow(NamedTuple):
    """A part of a setting: before, as someone else changed it, and as the person wants it."""

    word: str
    was: str
    theirs: str
    yours: str


def conflict_rows(edit: Edit, names: Names, zone: ZoneInfo | None) -> list[ConflictRow]:
    """Return the parts that both people changed, to different values."""
    rows = _all_rows(edit, names, zone)
    clashing = [row for row in rows if row.was not in (row.theirs, row.yours)]
    return [row for row in clashing if row.theirs != row.yours] or [
        row for row in rows if row.theirs != row.yours
    ]


def theirs_alone(edit: Edit, names: Names, zone: ZoneInfo | None) -> list[ConflictRow]:
    """Return the parts that only someone else changed: they stay as they are."""
    return [row for row in _all_rows(edit, names, zone) if row.was == row.yours != row.theirs]


def _all_rows(edit: Edit, names: Names, zone: ZoneInfo | None) -> list[ConflictRow]:
    """Return every part: before, as the exchange holds it now, and as it was wanted."""
    names = goals.names_with_quotas(edit, names)
    before_parts, their_parts, your_parts = (
        value_parts(edit.kind, value, names, zone)
        for value in (edit.before, edit.after, edit.wanted)
    )
    rows = []
    for word in {**before_parts, **their_parts, **your_parts}:
        before = before_parts.get(word, numbers.DASH)
        rows.append(
            ConflictRow(
                word, before, their_parts.get(word, numbers.DASH), your_parts.get(word, before)
            )
        )
    return rows


def typed_again(initial: Initial, edit: Edit, typed: QueryDict) -> QueryDict:
    """Return a form after a conflict: what its person typed, and current values for the rest.

    `initial` gives a value as typed text; fields that are no part of a value (a confirmation)
    stay as they were typed.
    """
    filled = dict(initial(send.merged_value(edit)))
    fields = {name for value in (edit.before, edit.after, edit.wanted) for name in initial(value)}
    refilled = typed.copy()
    for name in fields - filled.keys():
        refilled.pop(name, None)
    for name, text in filled.items():
        refilled[name] = text
    return refilled
