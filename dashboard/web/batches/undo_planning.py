"""Plan the undo of a bulk change: the old values go back, as one new job, where its own still hold.

A group that someone changed again since is left alone, and the preview says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.http import QueryDict

from dashboard.fielding.models import Batch, BatchGroup, Edit, TargetGroup
from dashboard.sync.batches.jobs import Chosen
from dashboard.sync.edits import send
from dashboard.sync.edits.kinds.base import is_money
from dashboard.sync.edits.merge import bare
from dashboard.web.batches import planning, price_planning
from dashboard.web.batches.preview import Names, Preview, PreviewRow
from dashboard.web.edits import undo, value_labels
from dashboard.web.edits.forms import datetimes
from dashboard.web.edits.forms.base import Value
from dashboard.web.formatting import times

# The key of a batch's `wanted` that names the batch that it undoes.
UNDOES = "undo"
# The action that undoes an action; a launch and a completion cannot be undone.
OPPOSITES: Mapping[str, Batch.Action] = {
    Batch.Action.CPI: Batch.Action.CPI,
    Batch.Action.END: Batch.Action.END,
    Batch.Action.MANAGER: Batch.Action.MANAGER,
    Batch.Action.PAUSE: Batch.Action.RESUME,
    Batch.Action.RESUME: Batch.Action.PAUSE,
    Batch.Action.RELAUNCH: Batch.Action.COMPLETE,
}
NOT_YOURS = "you may not change this group"
NOT_DONE = "this job did not change it"
UNCONFIRMED = "the change is not confirmed yet"
NO_BEFORE = "its previous value is not known"
LATER = "it was changed again since"


@dataclass(frozen=True)
class UndoPlanner:
    """What the undo of one batch is planned from.

    accounts: those whose groups the person may change. people: the exchange's users by id.
    """

    batch: Batch
    rows: Sequence[BatchGroup]
    accounts: Container[int]
    people: Names
    now: datetime

    def plan(self) -> Preview:
        """Return the groups that get their old values, and the others with the reason."""
        later = undo.groups_changed_later([row.edit for row in self.rows if row.edit])
        preview = Preview(wanted={UNDOES: self.batch.pk})
        held: list[tuple[BatchGroup, Edit]] = []
        for row in self.rows:
            if reason := self._obstacle(row, later):
                preview.refused.append((row.group, reason))
            elif row.edit is not None:
                held.append((row, row.edit))
        if self.batch.action == Batch.Action.MANAGER:
            self._plan_managers(preview, held)
        elif self.batch.action in (Batch.Action.CPI, Batch.Action.END):
            for row, edit in held:
                self._plan_value(preview, row.group, edit)
        elif held:
            action = OPPOSITES[self.batch.action]
            planned = planning.plan_action(
                action, [row.group for row, _ in held], QueryDict(), self.people, self.now
            )
            preview.rows += planned.rows
            preview.refused += planned.refused
        return preview

    def _obstacle(self, row: BatchGroup, later: Container[int]) -> str:
        """Return why this group keeps its value; empty where the job's own value still holds."""
        edit, group = row.edit, row.group
        if group.account_id not in self.accounts:
            return NOT_YOURS
        if edit is not None and not edit.is_settled:
            return UNCONFIRMED
        if edit is None or edit.state != Edit.State.CONFIRMED:
            return NOT_DONE
        if edit.before is None:
            return NO_BEFORE
        after, present = bare(edit.after), stored_value(edit.kind, group)
        if not send.holds_value(edit.kind, present, after):
            parts = value_labels.value_parts(edit.kind, present, self.people, times.zone_of(group))
            return f"{LATER}: {', '.join(parts.values())} now"
        return LATER if group.pk in later else ""

    def _plan_value(self, preview: Preview, group: TargetGroup, edit: Edit) -> None:
        """Add a group that gets its old CPI or dates, or the reason against them."""
        before, after = bare(edit.before), bare(edit.after)
        if edit.kind == Edit.Kind.CPI:
            if not is_money(before) or before["currency_code"].upper() != group.currency:
                preview.refused.append((group, NO_BEFORE))
                return
            old, new = Decimal(after["value"]), Decimal(before["value"])
            if reason := price_planning.reason_against_price(group, group.currency, new):
                preview.refused.append((group, reason))
                return
            row = price_planning.price_row(group, old, new, now=self.now)
        else:
            end = _moment(before.get("end_fielding_at"))
            reason = planning.reason_against_end(group, None) or _reason_against_past(end, self.now)
            if end is None or reason:
                preview.refused.append((group, reason or NO_BEFORE))
                return
            row = planning.end_row(group, end)
        chosen = Chosen(group, after, before)
        preview.rows.append(PreviewRow(chosen, row.old, row.new, row.note, row.impact))

    def _plan_managers(self, preview: Preview, held: Sequence[tuple[BatchGroup, Edit]]) -> None:
        """Add the groups of the most frequent former manager: a job has one manager for all."""
        former = Counter(str(edit.before) for _, edit in held if str(edit.before) in self.people)
        if not former:
            preview.refused += [(row.group, NO_BEFORE) for row, _ in held]
            return
        manager = former.most_common(1)[0][0]
        preview.wanted |= {"manager_id": manager, "name": self.people[manager]}
        for row, edit in held:
            name = self.people.get(str(edit.before))
            if str(edit.before) == manager:
                old = self.people.get(str(edit.after), "Unknown user")
                preview.rows.append(PreviewRow(Chosen(row.group), old, self.people[manager]))
            else:
                reason = f"goes to {name}: undo again after this" if name else NO_BEFORE
                preview.refused.append((row.group, reason))


def stored_value(kind: str, group: TargetGroup) -> Value:
    """Return the value of a group as our tables hold it, in the shape of an edit of this kind."""
    if kind == Edit.Kind.CPI:
        return None if group.cpi is None else price_planning.money_value(group.cpi, group.currency)
    if kind == Edit.Kind.DATES:
        ends = {"start_fielding_at": group.starts_at, "end_fielding_at": group.ends_at}
        return {name: datetimes.rfc3339_stamp(at) if at else None for name, at in ends.items()}
    return group.project_manager_id if kind == Edit.Kind.MANAGER else group.status


def _moment(stamp: Value) -> datetime | None:
    return datetime.fromisoformat(stamp) if stamp else None


def _reason_against_past(end: datetime | None, now: datetime) -> str:
    return "its previous end date has passed" if end is not None and end <= now else ""
