"""Edits that only Fieldwatch stores: budgets, client CPIs, and time zones of groups.

Nothing is sent. They have a row like every edit, with before, after and outcome; a form is stored
once, and nobody's change is overwritten unseen.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from dashboard.fielding.models import Edit, Project, TargetGroup, User
from dashboard.sync.columns.group_columns import Columns
from dashboard.sync.edits.merge import Value

KINDS = frozenset({Edit.Kind.BUDGET, Edit.Kind.CLIENT_CPI, Edit.Kind.TIME_ZONE})
OF_PROJECTS_ONLY = frozenset({Edit.Kind.CLIENT_CPI})


def current_value(subject: TargetGroup | Project, kind: str) -> Value:
    """The stored value: an amount with its currency or None, or the name of a time zone or ""."""
    if kind == Edit.Kind.TIME_ZONE and isinstance(subject, TargetGroup):
        return subject.time_zone
    if kind == Edit.Kind.CLIENT_CPI and isinstance(subject, Project):
        return _money(subject.client_cpi, subject.client_cpi_currency)
    currency = subject.currency if isinstance(subject, TargetGroup) else subject.budget_currency
    return _money(subject.budget, currency)


def _money(amount: Decimal | None, currency: str) -> Value:
    return None if amount is None else {"value": format(amount, "f"), "currency_code": currency}


def save_local_edit(
    *,
    subject: TargetGroup | Project,
    kind: str,
    seen: Value,
    wanted: Value,
    by: User,
    token: str,
    now: datetime,
) -> Edit:
    """Store one change, at most once per token; a conflict if the value is no longer `seen`."""
    try:
        with transaction.atomic():
            return _save(
                subject, Edit(kind=kind, before=seen, wanted=wanted, by=by, token=token), now
            )
    except IntegrityError:
        return Edit.objects.get(token=token)


def _rows_of(subject: TargetGroup | Project) -> QuerySet[TargetGroup] | QuerySet[Project]:
    if isinstance(subject, TargetGroup):
        return TargetGroup.objects.all()
    return Project.objects.all()


def _save(subject: TargetGroup | Project, edit: Edit, now: datetime) -> Edit:
    rows = _rows_of(subject)
    held = rows.select_for_update().get(pk=subject.pk)
    current = current_value(held, edit.kind)
    is_unchanged = same_local_value(current, edit.before)
    edit.state = Edit.State.CONFIRMED if is_unchanged else Edit.State.CONFLICT
    edit.after = edit.wanted if is_unchanged else current
    edit.account_id = subject.account_id
    edit.started_at = edit.settled_at = now
    project = subject.pk
    if isinstance(subject, TargetGroup):
        edit.group, project = subject, subject.project_id
    else:
        edit.project = subject
    edit.save()
    if is_unchanged:
        rows.filter(pk=subject.pk).update(**_columns_of(subject, edit))
        Project.objects.filter(pk=project).update(version=F("version") + 1)
    return edit


def same_local_value(held: Value, wanted: Value) -> bool:
    """Whether two values are the same; amounts by their number, not their digits."""
    if isinstance(held, dict) and isinstance(wanted, dict):
        amounts = Decimal(held["value"]) == Decimal(wanted["value"])
        return amounts and held["currency_code"].upper() == wanted["currency_code"].upper()
    return bool(held == wanted)


def _columns_of(subject: TargetGroup | Project, edit: Edit) -> Columns:
    if edit.kind == Edit.Kind.TIME_ZONE:
        return {"time_zone": edit.wanted}
    money = edit.wanted
    if edit.kind == Edit.Kind.CLIENT_CPI:
        return {
            "client_cpi": Decimal(money["value"]) if money else None,
            "client_cpi_currency": money["currency_code"] if money else "",
        }
    columns: Columns = {"budget": Decimal(money["value"]) if money else None}
    if isinstance(subject, Project):
        columns["budget_currency"] = money["currency_code"] if money else ""
    return columns
