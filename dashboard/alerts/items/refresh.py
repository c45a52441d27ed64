"""Keep the items of groups in step with their open incidents, in the transaction that stores those.

An item opens with its first incident and closes with its last. One that waits comes back when it
gets worse. Where another cause of the same incident becomes the likeliest, a new item takes over
owner and waiting of the old one. Running this twice has the same result as running it once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from django.db.models import Q

from dashboard.alerts.items.plan import NO_ITEM, PlannedItem, plan_items
from dashboard.alerts.items.waiting import DAY, NOT_WAITING, acknowledge_items
from dashboard.fielding.models import Edit, Incident, Item, TargetGroup
from dashboard.fielding.models.querysets.expressions import OPEN_INCIDENT

GROUP_COLUMNS = (
    "pk",
    "name",
    "status",
    "status_reason",
    "status_changed_at",
    "completes",
    "prescreens",
    "filling_goal",
    "filling_strategy",
    "completes_goal",
    "expected_incidence_rate",
    "pricing_model",
    "cpi",
    "cost",
    "budget",
    "currency",
    "ends_at",
    "insight",
    "short_at_end",
    "project_manager_id",
    "links_total",
    "links_left",
    "links_read_at",
)
_WAITING_COLUMNS = ("waiting", "waiting_by_id", "waiting_since", "waiting_until", "waiting_value")
# What a person changes to solve a problem; other changes leave its item where it is.
ACTING_KINDS = (
    Edit.Kind.CPI,
    Edit.Kind.FILLING_STRATEGY,
    Edit.Kind.RE_ENTRY,
    Edit.Kind.DETAILS,
    Edit.Kind.DATES,
    Edit.Kind.GOALS,
    Edit.Kind.ASSISTANT,
    Edit.Kind.BUDGET,
)
NOTICEABLE = 1.0  # completes: a smaller change of the value is not written


def refresh_items(
    account_id: int, groups: Collection[int | None], *, now: datetime
) -> list[Incident]:
    """Bring the items of these groups up to date; None: those of no group. In a transaction.

    Return the leading incidents of open items that turned critical, with their groups.
    """
    if not groups:
        return []
    incidents = _open_incidents(account_id, groups)
    items = {item.key: item for item in _items_of(account_id, groups)}
    rows = _groups_of(incidents)
    acted = _acted_on(rows, now)
    listed: dict[int | None, list[str]] = {}
    for row in items.values():
        listed.setdefault(row.target_group_id, []).append(row.remedy)
    planned: dict[str, tuple[PlannedItem, TargetGroup | None]] = {}
    for (_, group_id), of_place in _by_place(incidents).items():
        group = rows[group_id] if group_id else None
        edit, remedies = acted.get(group_id or 0), listed.get(group_id, ())
        changed_at = edit.settled_at if edit else None
        for plan in plan_items(group, of_place, now=now, listed=remedies, changed_at=changed_at):
            planned[_key_of(account_id, plan)] = (plan, group)
    over = [item for key, item in items.items() if key not in planned]
    _close(over, now)
    turned = [
        plan.incidents[0]
        for key, (plan, group) in planned.items()
        if (item := items.get(key))
        and _update(item, plan, group, acted.get(plan.incidents[0].group_id or 0), now)
    ]
    new = {key: planned[key] for key in planned if key not in items}
    items |= _open(account_id, new, over, now)
    _link({key: items[key] for key in planned if key in items}, planned, incidents)
    return turned


def _in_groups(groups: Collection[int | None], column: str) -> Q:
    condition = Q(**{f"{column}__in": [pk for pk in groups if pk is not None]})
    return condition | Q(**{column: None}) if None in groups else condition


def _open_incidents(account_id: int, groups: Collection[int | None]) -> list[Incident]:
    rows = Incident.objects.filter(
        _in_groups(groups, "group"), account=account_id, state__in=OPEN_INCIDENT
    )
    return list(rows.exclude(rule=NO_ITEM).order_by("pk"))


def _items_of(account_id: int, groups: Collection[int | None]) -> Iterable[Item]:
    return Item.objects.open().filter(_in_groups(groups, "target_group"), account=account_id)


def _groups_of(incidents: Iterable[Incident]) -> Mapping[int, TargetGroup]:
    """Return the groups of incidents by id, and put each on its incidents."""
    listed = [incident for incident in incidents if incident.group_id]
    rows = TargetGroup.objects.only(*GROUP_COLUMNS).in_bulk(
        {incident.group_id for incident in listed if incident.group_id}
    )
    for incident in listed:
        incident.group = rows[incident.group_id or 0]
    return rows


def _by_place(
    incidents: Iterable[Incident],
) -> dict[tuple[int | None, int | None], list[Incident]]:
    """Return incidents by project and group."""
    places: dict[tuple[int | None, int | None], list[Incident]] = {}
    for incident in incidents:
        places.setdefault((incident.project_id, incident.group_id), []).append(incident)
    return places


def _key_of(account_id: int, plan: PlannedItem) -> str:
    lead = plan.incidents[0]
    place = f"g{lead.group_id}" if lead.group_id else f"p{lead.project_id or ''}"
    return f"{account_id}:{place}:{plan.remedy.key}"


def _values_of(plan: PlannedItem, group: TargetGroup | None) -> dict[str, object]:
    return {
        "sentence": plan.sentence,
        "incident_count": len(plan.incidents),
        "value": plan.value,
        "money": plan.money,
        "currency": group.currency if group else "",
        "ends_at": group.ends_at if group else None,
        "critical": plan.critical,
    }


def _close(items: Sequence[Item], now: datetime) -> None:
    if items:
        Item.objects.open().filter(pk__in=[item.pk for item in items]).update(
            state=Item.State.CLOSED, closed_at=now, changed_at=now
        )


def _acted_on(groups: Collection[int], now: datetime) -> dict[int, Edit]:
    """Return the newest change of the last day that a person made to these groups, by group."""
    if not groups:
        return {}
    edits = Edit.objects.filter(
        group__in=list(groups),
        kind__in=ACTING_KINDS,
        state=Edit.State.CONFIRMED,
        by__isnull=False,
        settled_at__gt=now - DAY,
    )
    rows = edits.select_related("by").order_by("settled_at")
    return {edit.group_id: edit for edit in rows if edit.group_id}


def _update(
    item: Item, plan: PlannedItem, group: TargetGroup | None, edit: Edit | None, now: datetime
) -> bool:
    """Store what differs; bring the item back if it waited and is worse now.

    An item whose group somebody changed since it was last written waits for a day, as if they had
    acknowledged it. Return whether it turned critical.
    """
    values = _values_of(plan, group)
    if abs(plan.value - item.value) < NOTICEABLE:
        del values["value"], values["money"]
    back = item.state == Item.State.WAITING and _is_worse(item, plan)
    waits = edit is not None and _is_news_to(item, edit)
    project_id = plan.incidents[0].project_id
    if (
        not back
        and not waits
        and item.project_id == project_id
        and all(getattr(item, name) == value for name, value in values.items())
    ):
        return False
    changes = values | {"project_id": project_id, "changed_at": now}
    if back:
        changes |= {"state": Item.State.TO_DO, **NOT_WAITING}
    is_won = Item.objects.filter(pk=item.pk, state=item.state).update(**changes) == 1
    if is_won and waits and edit is not None and edit.by is not None:
        item.value = plan.value
        acknowledge_items([item], by=edit.by, now=now)
    return is_won and plan.critical and not item.critical


def _is_news_to(item: Item, edit: Edit) -> bool:
    """Return whether a change came after an item was last written, and it is still to do."""
    is_later = edit.settled_at is not None and edit.settled_at > item.changed_at
    return is_later and item.state == Item.State.TO_DO


def _is_worse(item: Item, plan: PlannedItem) -> bool:
    """Return whether a waiting item must come back."""
    has_grown = item.waiting_value is not None and plan.value >= item.waiting_value
    return has_grown or (plan.critical and not item.critical)


def _open(
    account_id: int,
    planned: Mapping[str, tuple[PlannedItem, TargetGroup | None]],
    over: Iterable[Item],
    now: datetime,
) -> dict[str, Item]:
    """Insert new items; of two workers one does. over: those that close at the same time."""
    if not planned:
        return {}
    before = {item.pk: item for item in over}
    Item.objects.bulk_create(
        [
            Item(
                account_id=account_id,
                project_id=plan.incidents[0].project_id,
                target_group_id=plan.incidents[0].group_id,
                remedy=plan.remedy.key,
                key=key,
                since_before=all(incident.since_before for incident in plan.incidents),
                opened_at=min(incident.fired_at or now for incident in plan.incidents),
                changed_at=now,
                **_values_of(plan, group),
                **_taken_over(before.get(plan.incidents[0].item_id or 0), plan),
            )
            for key, (plan, group) in planned.items()
        ],
        ignore_conflicts=True,
    )
    return {item.key: item for item in Item.objects.open().filter(key__in=list(planned))}


def _taken_over(before: Item | None, plan: PlannedItem) -> dict[str, object]:
    """Return what an item has of the one it replaces: who has it, and its waiting if not worse."""
    if before is None:
        return {}
    values: dict[str, object] = {"assigned_to_id": before.assigned_to_id}
    if before.state == Item.State.WAITING and not _is_worse(before, plan):
        values["state"] = before.state
        values |= {name: getattr(before, name) for name in _WAITING_COLUMNS}
    return values


def _link(
    items: Mapping[str, Item],
    planned: Mapping[str, tuple[PlannedItem, TargetGroup | None]],
    incidents: Sequence[Incident],
) -> None:
    """Set the item of each incident where it changed; changes by people have none."""
    wanted = {
        incident.pk: item.pk
        for key, item in items.items()
        for incident in planned[key][0].incidents
    }
    moved: dict[int | None, list[int]] = {}
    for incident in incidents:
        if incident.item_id != wanted.get(incident.pk):
            moved.setdefault(wanted.get(incident.pk), []).append(incident.pk)
    for item_id, pks in moved.items():
        Incident.objects.filter(pk__in=pks).update(item=item_id)
