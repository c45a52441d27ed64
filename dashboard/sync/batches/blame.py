"""Map the `invalid_params` of a refused job to the groups that they are about.

A name such as `target_groups[3].id`, `/target_group_ids/2` or `target_group_ids.2` counts from 0 in
the list that was sent; an id in the name or in the reason means that group wherever it was listed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dashboard.exchange.errors import Refused
from dashboard.fielding.models import BatchGroup

_PLACE = re.compile(r"target_?groups?(?:_?ids?)?\W+(\d{1,6})(?!\w)", re.IGNORECASE)
_WORD = re.compile(r"[0-9A-Za-z]+")
NO_REASON = "Cint refuses this group and gives no reason"


def objections_by_group(rows: Sequence[BatchGroup], refused: Refused) -> dict[int, str]:
    """The exchange's reasons by primary key of the refused rows; `rows` in the order sent."""
    by_id = {group_id: row for row in rows for group_id in _group_ids(row)}
    reasons: dict[int, list[str]] = {}
    for objection in refused.invalid_params:
        row = _row_named_in(objection.name, by_id) or _row_at_place(objection.name, rows)
        row = row or _row_named_in(objection.reason, by_id)
        if row is not None:
            reasons.setdefault(row.pk, []).append((objection.reason or NO_REASON).rstrip("."))
    return {pk: f"{'. '.join(dict.fromkeys(texts))}." for pk, texts in reasons.items()}


def _group_ids(row: BatchGroup) -> list[str]:
    ids = (row.group.exchange_id, row.group.human_readable_id)
    return [group_id.casefold() for group_id in ids if group_id]


def _row_named_in(text: str, by_id: dict[str, BatchGroup]) -> BatchGroup | None:
    """The group whose id is in a text; None if there are several or none."""
    rows = [by_id[word] for word in _WORD.findall(text.casefold()) if word in by_id]
    return rows[0] if len({row.pk for row in rows}) == 1 else None


def _row_at_place(name: str, rows: Sequence[BatchGroup]) -> BatchGroup | None:
    """The group at the place that a name such as `target_group_ids.2` counts to."""
    match = _PLACE.search(name)
    place = int(match[1]) if match else len(rows)
    return rows[place] if place < len(rows) else None
