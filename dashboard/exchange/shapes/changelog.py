"""What changed in a target group, when and by whom."""

from typing import Any

from dashboard.exchange.shapes.base import Id, Identified, Moment, Shape, Uuid


class ChangelogUser(Identified, frozen=True, kw_only=True, gc=False):
    """Who: `las_user` (a person), `system_marketplace_user` or `system_user` (automation)."""

    type: str | None = None
    las_user_id: Uuid | None = None

    _ids = ()
    _uuids = ("las_user_id",)


class TargetGroupChangelogItem(Identified, frozen=True, kw_only=True, gc=False):
    """One value that changed: `object` names the kind, unknown kinds included.

    The values are as the exchange wrote them: text, number, bool, money as a mapping, or None.
    """

    object: str | None = None
    new_value: Any = None
    old_value: Any = None
    reason_code: str | None = None
    supplier_id: Id | None = None

    _ids = ("supplier_id",)


class TargetGroupChangelogBatch(Identified, frozen=True, kw_only=True, gc=False):
    """Changes made together; without an id of its own it is told by time, actor and values."""

    occurred_at: Moment
    id: Id | None = None
    user: ChangelogUser | None = None
    changes: list[TargetGroupChangelogItem] = []


class TargetGroupChangelogList(Shape, frozen=True, kw_only=True, gc=False):
    changelog: list[TargetGroupChangelogBatch] = []
    next_cursor: str | None = None
