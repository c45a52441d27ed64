"""Which groups of a job the exchange objects to: the `invalid_params` of a refusal → rows.

A name such as `target_groups[3].id`, `/target_group_ids/2` or `target_group_ids.2` counts from 0 in
the list that was sent; an id, in the name or in the reason, is that group wherever it stood.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dashboard.exchange.errors import Refused
from dashboard.fielding.models import BatchGroup

_PLACE = re.compile(r"target_?groups?(?:_?ids?)?\W+(\d{1,6})(?!\w)", re.IGNORECASE)
_WORD = re.compile(r"[0-9A-Za-z]+")
NO_REASON = "The exchange refuses this group and gives no reason"


def objections_by_group(rows: Sequence[BatchGroup], refused: Refused) -> dict[int, str]:
    """Why the exchange refuses rows of a job, by their primary keys; `rows` as they were sent."""
    by_id = {name: row for row in rows for name in _names(row)}
    reasons: dict[int, list[str]] = {}
    for objection in refused.invalid_params:
        row = _named(objection.name, by_id) or _placed(objection.name, rows)
        row = row or _named(objection.reason, by_id)
        if row is not None:
            reasons.setdefault(row.pk, []).append((objection.reason or NO_REASON).rstrip("."))
    return {pk: f"{'. '.join(dict.fromkeys(of_row))}." for pk, of_row in reasons.items()}


def _names(row: BatchGroup) -> list[str]:
    group = row.group
    return [name.casefold() for name in (group.exchange_id, group.human_readable_id) if name]


def _named(text: str, by_id: dict[str, BatchGroup]) -> BatchGroup | None:
    """The one group whose id stands in a text; none where several do."""
    rows = [by_id[word] for word in _WORD.findall(text.casefold()) if word in by_id]
    return rows[0] if len({row.pk for row in rows}) == 1 else None


def _placed(name: str, rows: Sequence[BatchGroup]) -> BatchGroup | None:
    match = _PLACE.search(name)
    place = int(match[1]) if match else len(rows)
    return rows[place] if place < len(rows) else None
