"""Drafts of a selection before they are launched: with which dates each would be, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.http import QueryDict

from dashboard.fielding.models import Batch, TargetGroup
from dashboard.sync.batches import transitions
from dashboard.sync.batches.jobs import Chosen
from dashboard.sync.edits.kinds import draft
from dashboard.sync.edits.launch import END, START
from dashboard.web.batches.preview import Names, Preview, PreviewRow, local_moment
from dashboard.web.drafts import prefill
from dashboard.web.edits.forms import datetimes
from dashboard.web.edits.forms.base import FormError
from dashboard.web.formatting import numbers, times

NOW, OWN = "now", "own"
STARTS = {NOW: "At once", OWN: "At each draft's own start"}


def plan_launch(
    groups: Sequence[TargetGroup], typed: QueryDict, _people: Names, now: datetime
) -> Preview:
    """Each draft with the dates that it would be launched with, its own or the typed end."""
    when, text = typed.get("when", ""), typed.get("to", "").strip()
    if when not in STARTS:
        raise FormError(when="Choose when they start.")
    to = datetimes.parse_datetime(text, "to") if text else None
    told = Preview(wanted={"when": when, "to": text})
    why = transitions.refusals_by_group(action=Batch.Action.DRAFTS, groups=groups, now=now)
    sums: dict[str, Decimal] = {}
    for group in groups:
        held = draft.stored_draft(group)
        if group.pk in why or held is None:
            told.refused.append((group, why.get(group.pk, "was not read whole yet")))
            continue
        try:
            start, end = _dates_of(group, held, to, now, own=when == OWN)
        except FormError as exc:
            told.refused.append((group, str(exc)))
            continue
        told.rows.append(_draft_row(group, held, start, end))
        price, goal = held[draft.PRICE], held["completes_goal"]
        if price and goal:
            code = price["currency_code"].upper()
            sums[code] = sums.get(code, Decimal(0)) + goal * Decimal(price["value"])
    told.cost = [
        f"{numbers.format_total(all_, code)} at most" for code, all_ in sorted(sums.items())
    ]
    return told


def _dates_of(
    group: TargetGroup, held: Any, to: datetime | None, now: datetime, *, own: bool
) -> tuple[datetime | None, datetime]:
    """When a draft starts, none for now, and ends; Wrong with why it cannot be launched so."""
    if lacks := prefill.missing_for_launch(held):
        raise FormError(form=f"has {' and '.join(lacks)}")
    if to and (why := datetimes.reason_skipped(to, times.zone_of(group))):
        raise FormError(form=why)
    start = group.starts_at if own else None
    end = to.replace(tzinfo=times.zone_of(group)).astimezone(UTC) if to else group.ends_at
    if own and (start is None or start <= now):
        raise FormError(form="its own start has passed or is not set: start it now instead")
    if end is None or end <= (start or now):
        whose = "that end" if to else "its own end"
        raise FormError(form=f"{whose} has passed or is before its start: type an end")
    return start, end


def _draft_row(group: TargetGroup, held: Any, start: datetime | None, end: datetime) -> PreviewRow:
    wanted = {
        START: datetimes.rfc3339_stamp(start) if start else None,
        END: datetimes.rfc3339_stamp(end),
    }
    begins = local_moment(group, start) if start else "at once"
    new = f"{begins}, to {local_moment(group, end)}"
    chosen = Chosen(group, draft.fingerprint(held), wanted)
    return PreviewRow(chosen, "Draft", new, prefill.cost_of(held))
