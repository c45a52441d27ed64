"""What the forms say beside their fields: why not, how it ended, and what three people want."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard.fielding.models import Edit, TargetGroup
from dashboard.sync.edits import send
from dashboard.web.edits import history
from dashboard.web.edits.forms import cpi, goals
from dashboard.web.edits.forms.base import Form
from dashboard.web.edits.value_labels import changed_parts, value_parts
from dashboard.web.formatting import labels, numbers
from dashboard.web.formatting.values import Names

Filled = Callable[[Any], Mapping[str, str]]
TOO_OLD = "This form was too old to be sent. It now shows the exchange's present value."
NO_RE_ENTRY = "Re-entry cannot be edited on this exchange once a group is launched."
# How often a page asks how something stands (seconds), by how long it goes on already.
_AGAIN, _SELDOM = ((30, 2), (120, 5), (600, 15)), 60
NO_UNDO = "Something else changed this since, so the value from before is not filled in."


def not_offered(group: TargetGroup, form: Form) -> str:
    """Why this setting of this group cannot be changed from here; empty if it can."""
    if form.is_ours:
        return ""
    if group.missing_since:
        return "The exchange no longer lists this group, so nothing can be changed there."
    if group.status == "draft":
        return "A draft is changed with the draft itself, not setting by setting."
    if group.status == "archived":
        return "An archived group cannot be changed any more."
    if form.kind == Edit.Kind.CPI and group.pricing_model == "rate_card":
        return cpi.RATE_CARD
    is_over = form.kind == Edit.Kind.DATES and group.status == "completed"
    return "The dates of a completed group cannot move. Relaunch it first." if is_over else ""


def objections_by_field(made: Edit, place: Callable[[str], str]) -> tuple[dict[str, str], str]:
    """The exchange's objections: at the form's own field where it names one, else above."""
    at_field: dict[str, str] = {}
    above: list[str] = []
    for reason in made.reasons:
        sentence = str(reason.get("reason", "")).strip() or "The exchange refused this."
        named = str(reason.get("name", ""))
        if named and (field := place(named)):
            at_field[field] = f"{at_field.get(field, '')} {sentence}".strip()
        else:
            above.append(f"{labels.field_name(named)}: {sentence}" if named else sentence)
    return at_field, " ".join(above)


def outcome_sentence(made: Edit, names: Names, zone: ZoneInfo | None) -> str:
    """How an edit ended, in a sentence."""
    changed = changed_parts(made, names, zone)
    what = "; ".join(f"{word} {was} → {to}" for word, was, to in changed[:3])
    if len(changed) > 3 or made.kind == Edit.Kind.RE_ENTRY:
        what = f"{made.kind_label}, {len(changed)} change{'s'[: len(changed) > 1]}"
    if not made.is_settled:
        return f"{what}: sent, but not confirmed yet. We keep reading; this line tells how it ends."
    if made.state != Edit.State.CONFIRMED:
        return f"{what}: {history.ending(made)}."
    ours = made.kind in (Edit.Kind.BUDGET, Edit.Kind.TIME_ZONE)
    return f"{what}: {'saved.' if ours else 'confirmed by the exchange.'}"


def line(made: Edit, names: Names, zone: ZoneInfo | None, now: datetime) -> SafeString:
    """That sentence with the way to the edit's page; it asks again until it is settled."""
    ways = {Edit.State.CONFIRMED: "See it, or put it back"}
    way = ways.get(
        Edit.State(made.state), "See how it ended" if made.is_settled else "See how it ends"
    )
    said, page = outcome_sentence(made, names, zone), reverse("made", args=[made.pk])
    waits: SafeString | str = ""
    if not made.is_settled:
        waits = format_html(
            '<span hx-get="{}" hx-trigger="every {}s" hx-target="closest .note" '
            'hx-swap="outerHTML"></span>',
            reverse("made-line", args=[made.pk]),
            ask_again_after(made.started_at, now),
        )
    return format_html('{} <a href="{}">{}</a>{}', said, page, way, waits)


def ask_again_after(started_at: datetime, now: datetime) -> int:
    """Seconds until a page asks again how something stands: ever rarer."""
    elapsed = (now - started_at).total_seconds()
    return next((every for span, every in _AGAIN if elapsed < span), _SELDOM)


class ConflictRow(NamedTuple):
    """A part of a setting: as it was, as somebody made it meanwhile, as you want it."""

    word: str
    was: str
    theirs: str
    yours: str


def conflict_rows(made: Edit, names: Names, zone: ZoneInfo | None) -> list[ConflictRow]:
    """The parts that both changed, each in another way, in words: they are to be asked."""
    told = _threes(made, names, zone)
    both = [one for one in told if one.was not in (one.theirs, one.yours)]
    return [one for one in both if one.theirs != one.yours] or [
        one for one in told if one.theirs != one.yours
    ]


def theirs_alone(made: Edit, names: Names, zone: ZoneInfo | None) -> list[ConflictRow]:
    """The parts that somebody else changed and this person did not: they stay as they are."""
    return [one for one in _threes(made, names, zone) if one.was == one.yours != one.theirs]


def _threes(made: Edit, names: Names, zone: ZoneInfo | None) -> list[ConflictRow]:
    """Every part, as it was, as it is held now, and as it was wanted."""
    names = goals.names_with_quotas(made, names)
    was, theirs, yours = (
        value_parts(made.kind, value, names, zone)
        for value in (made.before, made.after, made.wanted)
    )
    told = []
    for word in {**was, **theirs, **yours}:
        before = was.get(word, numbers.DASH)
        told.append(
            ConflictRow(word, before, theirs.get(word, numbers.DASH), yours.get(word, before))
        )
    return told


def typed_again(form: Filled, made: Edit, typed: QueryDict) -> QueryDict:
    """A form after a conflict: what its person typed, and of the rest what is held now.

    `form` types a value in; what is no value (a second typing, an agreement) stays as it was.
    """
    filled = dict(form(send.joined(made)))
    known = {name for value in (made.before, made.after, made.wanted) for name in form(value)}
    again = typed.copy()
    for name in known - filled.keys():
        again.pop(name, None)
    for name, text in filled.items():
        again[name] = text
    return again
