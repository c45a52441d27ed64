"""What is ours alone: budgets, and time zones that override the country's. Nothing is sent.

It goes the way of every edit all the same: a row with before, after and outcome, one form one
change, and nobody's change overwritten unseen.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import F

from dashboard.fielding.models import Edit, Project, TargetGroup, User

Value = Any
KINDS = frozenset({Edit.Kind.BUDGET, Edit.Kind.TIME_ZONE})


def current_value(of: TargetGroup | Project, kind: str) -> Value:
    """What our tables hold: an amount with its currency or None, or the name of a zone or ""."""
    if kind == Edit.Kind.TIME_ZONE and isinstance(of, TargetGroup):
        return of.time_zone
    if of.budget is None:
        return None
    currency = of.currency if isinstance(of, TargetGroup) else of.budget_currency
    return {"value": format(of.budget, "f"), "currency_code": currency}


def save_local_edit(
    *,
    of: TargetGroup | Project,
    kind: str,
    seen: Value,
    wanted: Value,
    by: User,
    token: str,
    now: datetime,
) -> Edit:
    """Store one change, at most once for a token; a conflict where it is no longer as `seen`."""
    try:
        with transaction.atomic():
            return _keep(of, Edit(kind=kind, before=seen, wanted=wanted, by=by, token=token), now)
    except IntegrityError:
        return Edit.objects.get(token=token)


def _keep(subject: TargetGroup | Project, edit: Edit, now: datetime) -> Edit:
    rows: models.Manager[Any] = type(subject)._default_manager
    held = rows.select_for_update().get(pk=subject.pk)
    theirs = current_value(held, edit.kind)
    alike = same_local_value(theirs, edit.before)
    edit.state = Edit.State.CONFIRMED if alike else Edit.State.CONFLICT
    edit.after = edit.wanted if alike else theirs
    edit.account_id = subject.account_id
    edit.started_at = edit.settled_at = now
    project = subject.pk
    if isinstance(subject, TargetGroup):
        edit.group, project = subject, subject.project_id
    else:
        edit.project = subject
    edit.save()
    if alike:
        rows.filter(pk=subject.pk).update(**_columns(subject, edit))
        Project.objects.filter(pk=project).update(version=F("version") + 1)
    return edit


def same_local_value(held: Value, wanted: Value) -> bool:
    """Whether two values are the same, whatever the digits of an amount."""
    if isinstance(held, dict) and isinstance(wanted, dict):
        amounts = Decimal(held["value"]) == Decimal(wanted["value"])
        return amounts and held["currency_code"].upper() == wanted["currency_code"].upper()
    return bool(held == wanted)


def _columns(subject: TargetGroup | Project, edit: Edit) -> dict[str, Any]:
    if edit.kind == Edit.Kind.TIME_ZONE:
        return {"time_zone": edit.wanted}
    money = edit.wanted
    columns: dict[str, Any] = {"budget": Decimal(money["value"]) if money else None}
    if isinstance(subject, Project):
        columns["budget_currency"] = money["currency_code"] if money else ""
    return columns
