"""The rules as an account has them: what ships, overlaid by the account, the project, the group."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F, Q

from dashboard.alerts.rules.catalogue import JUDGED, RULES
from dashboard.alerts.rules.rule_type import RuleType
from dashboard.alerts.rules.state_machine import Delays
from dashboard.alerts.rules.verdict import CRITICAL, NOTICE, WARNING, Judge
from dashboard.fielding.models import (
    ExchangeAccount,
    Incident,
    Project,
    TargetGroup,
    User,
)
from dashboard.fielding.models import Rule as Row

# What a number can be at most: moments are worked out with those of time, and calendars end.
MOST, YEAR_OF_HOURS = 10**9, 366 * 24
LONGEST = {"hours": YEAR_OF_HOURS, "minutes": YEAR_OF_HOURS * 60, "intervals": 1000}
CHOICES: dict[str, tuple[Any, ...]] = {
    "severity": (CRITICAL, WARNING, NOTICE),
    "mail": ("now", "digest"),
}


class Effective(NamedTuple):
    """A rule with the numbers that hold somewhere. Any edit of any layer makes a later version."""

    rule: RuleType
    settings: Mapping[str, float]
    patience: Delays
    severity: int
    version: int
    enabled: bool
    in_digest: bool

    def at(self, severity: int | None) -> int:
        """How bad a breach is: what the judgement says, or else the rule."""
        return self.severity if severity is None else severity


def merge_layers(rule: RuleType, layers: Iterable[Row]) -> Effective:
    """A rule as its layers (outermost first) make it."""
    numbers, other, version, enabled = dict(rule.defaults), dict[str, Any](), 0, True
    for row in layers:
        numbers.update({k: min(v, most_of(k)) for k, v in row.settings.items() if k in numbers})
        other.update({k: v for k, v in row.settings.items() if k not in numbers})
        version, enabled = version + row.version, row.enabled
    return Effective(
        rule,
        numbers,
        rule.patience(numbers),
        other.get("severity", rule.severity),
        version,
        enabled,
        other.get("mail") == "digest",
    )


class RuleSet:
    """All rules of an account, read in one query; most groups share one list."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: dict[tuple[str, str], Row] = {(row.scope, row.code): row for row in rows}
        self._scopes = {scope for scope, _ in self._rows}
        self._account = [self._lay(code, ("account",)) for code in RULES]
        self._judged = [each for each in self._account if each.rule.code in JUDGED]
        self._shared: dict[str, list[tuple[Judge, Effective]]] = {}

    @classmethod
    def of(cls, account_id: int) -> RuleSet:
        """The rules of an account."""
        return cls(Row.objects.filter(account=account_id))

    def judged(self, project_id: int, group_id: int) -> list[Effective]:
        """The rules that judge the figures of a group."""
        if self._scopes.isdisjoint((f"project:{project_id}", f"group:{group_id}")):
            return self._judged
        return [self.one(code, project_id, group_id) for code in JUDGED]

    def openers(self, project_id: int, group_id: int, status: str) -> list[tuple[Judge, Effective]]:
        """What can open an incident on a group of this status; mostly the same for all."""
        judged = self.judged(project_id, group_id)
        if judged is not self._judged:
            return _openers(judged, status)
        if status not in self._shared:
            self._shared[status] = _openers(judged, status)
        return self._shared[status]

    def one(
        self, code: str, project_id: int | None = None, group_id: int | None = None
    ) -> Effective:
        """One rule as it holds for a group, a project or the account."""
        return self._lay(code, ("account", f"project:{project_id}", f"group:{group_id}"))

    def laid(self, code: str, scope: str) -> Row | None:
        """What a scope itself says of a rule; None where it says nothing."""
        return self._rows.get((scope, code))

    def _lay(self, code: str, scopes: tuple[str, ...]) -> Effective:
        layers = (self._rows.get((scope, code)) for scope in scopes)
        return merge_layers(RULES[code], [row for row in layers if row])


def _openers(judged: Iterable[Effective], status: str) -> list[tuple[Judge, Effective]]:
    return [
        (each.rule.judge, each)
        for each in judged
        if each.enabled and each.rule.judge and status in each.rule.statuses
    ]


def clean_settings(code: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a rule that can be stored; ValueError names the first that cannot."""
    rule, kept = RULES[code], dict[str, Any]()
    for name, value in settings.items():
        allowed = CHOICES.get(name)
        if not (value in allowed if allowed else name in rule.defaults and _number(value)):
            raise ValueError(f"{name}: {value!r} is not a setting of {rule.title.lower()}")
        if allowed is None and value > (most := most_of(name)):
            raise ValueError(f"{name}: at most {most:,}")
        kept[name] = value
    merged = rule.defaults | kept
    if "fires" in merged and "clears" in merged:
        shipped, chosen = rule.defaults, merged
        if (shipped["fires"] - shipped["clears"]) * (chosen["fires"] - chosen["clears"]) < 0:
            raise ValueError("clears: must lie on the calm side of where it fires")
    return kept


def _number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and value >= 0


def most_of(name: str) -> int:
    """The largest that a number of a rule can be, by what it counts: a year where it is time."""
    return LONGEST.get(name.rpartition("_")[2], MOST)


def save_rule(
    *,
    account: ExchangeAccount,
    code: str,
    settings: Mapping[str, Any],
    enabled: bool,
    by: User,
    now: datetime,
    project: Project | None = None,
    group: TargetGroup | None = None,
) -> Row:
    """Store a rule of an account, a project or a group; its open incidents end as superseded.

    ValueError names a setting that the rule does not have, or a number that cannot be.
    """
    kept, scope = clean_settings(code, settings), scope_of(project, group)
    with transaction.atomic():
        row, created = Row.objects.get_or_create(
            account=account,
            scope=scope,
            code=code,
            defaults={"project": project, "group": group, "settings": kept, "enabled": enabled}
            | {"edited_by": by, "edited_at": now},
        )
        if not created:
            Row.objects.filter(pk=row.pk).update(
                version=F("version") + 1,
                settings=kept,
                enabled=enabled,
                edited_by=by,
                edited_at=now,
            )
            row.refresh_from_db()
        _supersede(account, code, project=project, group=group, now=now)
    return row


def reset_rule(
    *,
    account: ExchangeAccount,
    code: str,
    now: datetime,
    project: Project | None = None,
    group: TargetGroup | None = None,
) -> None:
    """Forget what a scope says of a rule: the next wider one holds, or what ships."""
    scope = scope_of(project, group)
    with transaction.atomic():
        Row.objects.filter(account=account, scope=scope, code=code).delete()
        _supersede(account, code, project=project, group=group, now=now)


def scope_of(project: Project | None, group: TargetGroup | None) -> str:
    """What a rule's row holds for."""
    return f"group:{group.pk}" if group else f"project:{project.pk}" if project else "account"


def _supersede(
    account: ExchangeAccount,
    code: str,
    *,
    project: Project | None,
    group: TargetGroup | None,
    now: datetime,
) -> None:
    """Close what older versions had opened, without mail; what still pends is forgotten."""
    within = Q(group=group) if group else Q(project=project) if project else Q()
    theirs = Incident.objects.filter(within, account=account, rule=code)
    theirs.filter(state=Incident.State.PENDING).delete()
    theirs.exclude(state=Incident.State.RESOLVED).update(
        state=Incident.State.RESOLVED, closed_at=now, close_reason="superseded", evaluate_at=None
    )
