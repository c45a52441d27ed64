"""Plan the launch of selected drafts: the dates of each, and which cannot be launched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from django.http import QueryDict

from dashboard.fielding.models import Batch, TargetGroup
from dashboard.sync.batches import transitions
from dashboard.sync.batches.jobs import Chosen
from dashboard.sync.edits.kinds import draft
from dashboard.sync.edits.launch import END, START
from dashboard.web.batches.preview import Names, Preview, PreviewRow, local_moment
from dashboard.web.drafts import prefill
from dashboard.web.edits.forms import datetimes
from dashboard.web.edits.forms.base import FormError, Value
from dashboard.web.formatting import numbers, times

NOW, OWN = "now", "own"
STARTS = {NOW: "Immediately", OWN: "On each draft's own start date"}


def plan_launch(
    groups: Sequence[TargetGroup], typed: QueryDict, _people: Names, now: datetime
) -> Preview:
    """Return each draft with its launch dates: its own, or the typed end date."""
    when, text = typed.get("when", ""), typed.get("to", "").strip()
    if when not in STARTS:
        raise FormError(when="Choose when the drafts start.")
    new_end = datetimes.parse_datetime(text, "to") if text else None
    preview = Preview(wanted={"when": when, "to": text})
    refusals = transitions.refusals_by_group(action=Batch.Action.DRAFTS, groups=groups, now=now)
    sums: dict[str, Decimal] = {}
    for group in groups:
        current = draft.stored_draft(group)
        if group.pk in refusals or current is None:
            preview.refused.append((group, refusals.get(group.pk, "has not been fully read yet")))
            continue
        try:
            start, end = _launch_dates(group, current, new_end, now, own_dates=when == OWN)
        except FormError as exc:
            preview.refused.append((group, str(exc)))
            continue
        preview.rows.append(_preview_row(group, current, start, end))
        price, goal = current[draft.PRICE], current["completes_goal"]
        if price and goal:
            code = price["currency_code"].upper()
            sums[code] = sums.get(code, Decimal(0)) + goal * Decimal(price["value"])
    preview.cost = [
        f"{numbers.format_total(total, code)} at most" for code, total in sorted(sums.items())
    ]
    return preview


def _launch_dates(
    group: TargetGroup, current: Value, new_end: datetime | None, now: datetime, *, own_dates: bool
) -> tuple[datetime | None, datetime]:
    """Return a draft's start, None for now, and end; raises FormError with the obstacle."""
    if missing := prefill.missing_for_launch(current):
        raise FormError(form=f"has {' and '.join(missing)}")
    if new_end and (reason := datetimes.reason_skipped(new_end, times.zone_of(group))):
        raise FormError(form=reason)
    start = group.starts_at if own_dates else None
    end = new_end.replace(tzinfo=times.zone_of(group)).astimezone(UTC) if new_end else group.ends_at
    if own_dates and (start is None or start <= now):
        raise FormError(
            form="its start date has passed or is not set: start it immediately instead"
        )
    if end is None or end <= (start or now):
        subject = "this end date" if new_end else "its end date"
        raise FormError(form=f"{subject} has passed or is before its start: enter an end date")
    return start, end


def _preview_row(
    group: TargetGroup, current: Value, start: datetime | None, end: datetime
) -> PreviewRow:
    wanted = {
        START: datetimes.rfc3339_stamp(start) if start else None,
        END: datetimes.rfc3339_stamp(end),
    }
    start_text = local_moment(group, start) if start else "immediately"
    new = f"{start_text}, to {local_moment(group, end)}"
    chosen = Chosen(group, draft.fingerprint(current), wanted)
    return PreviewRow(chosen, "Draft", new, prefill.cost_of(current))
