"""The rules of an account: the defaults, overridden by the account, the project and the group."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple, cast

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
    Rule,
    TargetGroup,
    User,
)

# The largest value of a number. Times are computed with those in hours, and the calendar ends.
LARGEST, YEAR_OF_HOURS = 10**9, 366 * 24
LARGEST_BY_UNIT = {"hours": YEAR_OF_HOURS, "minutes": YEAR_OF_HOURS * 60, "intervals": 1000}
SettingValue = float | str
CHOICES: dict[str, tuple[SettingValue, ...]] = {
    "severity": (CRITICAL, WARNING, NOTICE),
    "mail": ("now", "digest"),
}


class Effective(NamedTuple):
    """A rule with the numbers that apply to a scope. An edit of any layer raises the version."""

    rule: RuleType
    settings: Mapping[str, float]
    delays: Delays
    severity: int
    version: int
    enabled: bool
    in_digest: bool

    def severity_of(self, severity: int | None) -> int:
        """Return the severity of a breach: that of the verdict, or else of the rule."""
        return self.severity if severity is None else severity


def merge_layers(rule: RuleType, layers: Iterable[Rule]) -> Effective:
    """Return a rule with its layers applied, the outermost first."""
    numbers, version, enabled = dict(rule.defaults), 0, True
    severity, in_digest = rule.severity, False
    for row in layers:
        settings = row.settings
        numbers.update({k: min(v, largest_of(k)) for k, v in settings.items() if k in numbers})
        severity = settings.get("severity", severity)
        in_digest = settings["mail"] == "digest" if "mail" in settings else in_digest
        version, enabled = version + row.version, row.enabled
    return Effective(
        rule,
        numbers,
        rule.delays_of(numbers),
        severity,
        version,
        enabled,
        in_digest,
    )


class RuleSet:
    """All rules of an account, loaded in one query. Groups without overrides share one list."""

    def __init__(self, rows: Iterable[Rule]) -> None:
        self._rows: dict[tuple[str, str], Rule] = {(row.scope, row.code): row for row in rows}
        self._scopes = {scope for scope, _ in self._rows}
        self._account = [self._merge(code, ("account",)) for code in RULES]
        self._judged = [effective for effective in self._account if effective.rule.code in JUDGED]
        self._shared: dict[str, list[tuple[Judge, Effective]]] = {}

    @classmethod
    def of(cls, account_id: int) -> RuleSet:
        """Load the rules of an account."""
        return cls(Rule.objects.filter(account=account_id))

    def judged_rules(self, project_id: int, group_id: int) -> list[Effective]:
        """Return the rules that evaluate the figures of a group."""
        if self._scopes.isdisjoint((f"project:{project_id}", f"group:{group_id}")):
            return self._judged
        return [self.rule_for(code, project_id, group_id) for code in JUDGED]

    def opening_rules(
        self, project_id: int, group_id: int, status: str
    ) -> list[tuple[Judge, Effective]]:
        """Return the rules that can open an incident on a group of this status."""
        judged = self.judged_rules(project_id, group_id)
        if judged is not self._judged:
            return _opening_rules(judged, status)
        if status not in self._shared:
            self._shared[status] = _opening_rules(judged, status)
        return self._shared[status]

    def rule_for(
        self, code: str, project_id: int | None = None, group_id: int | None = None
    ) -> Effective:
        """Return a rule as it applies to a group, a project or the account."""
        return self._merge(code, ("account", f"project:{project_id}", f"group:{group_id}"))

    def override_of(self, code: str, scope: str) -> Rule | None:
        """Return the scope's own settings of a rule; None if it has none."""
        return self._rows.get((scope, code))

    def _merge(self, code: str, scopes: tuple[str, ...]) -> Effective:
        layers = (self._rows.get((scope, code)) for scope in scopes)
        return merge_layers(RULES[code], [row for row in layers if row])


def _opening_rules(judged: Iterable[Effective], status: str) -> list[tuple[Judge, Effective]]:
    return [
        (effective.rule.judge, effective)
        for effective in judged
        if effective.enabled and effective.rule.judge and status in effective.rule.statuses
    ]


def clean_settings(code: str, settings: Mapping[str, object]) -> dict[str, SettingValue]:
    """Return the settings of a rule for storage; ValueError names the first invalid one."""
    rule, clean = RULES[code], dict[str, SettingValue]()
    numbers = rule.defaults
    for name, value in settings.items():
        if name in CHOICES and value in CHOICES[name]:
            clean[name] = cast(SettingValue, value)  # it equals one of the choices
        elif name not in CHOICES and name in rule.defaults and _is_number(value):
            numbers[name] = clean[name] = cast(float, value)
            if numbers[name] > (largest := largest_of(name)):
                raise ValueError(f"{name}: at most {largest:,}")
        else:
            raise ValueError(f"{name}: {value!r} is not valid for “{rule.title}”")
    if "fires" in numbers and "clears" in numbers:
        side = rule.defaults["fires"] - rule.defaults["clears"]
        if side * (numbers["fires"] - numbers["clears"]) < 0:
            wrong_side = "above" if side > 0 else "below"
            raise ValueError(f"clears: must not be {wrong_side} the alert threshold")
    return clean


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and value >= 0


def largest_of(name: str) -> int:
    """Return the largest value of a number by its unit: a year if it is a time."""
    return LARGEST_BY_UNIT.get(name.rpartition("_")[2], LARGEST)


def save_rule(
    *,
    account: ExchangeAccount,
    code: str,
    settings: Mapping[str, object],
    enabled: bool,
    by: User,
    now: datetime,
    project: Project | None = None,
    group: TargetGroup | None = None,
) -> Rule:
    """Store a rule of an account, a project or a group; close its open incidents as superseded.

    ValueError names a setting that the rule does not have, or an invalid number.
    """
    clean, scope = clean_settings(code, settings), scope_of(project, group)
    with transaction.atomic():
        row, created = Rule.objects.get_or_create(
            account=account,
            scope=scope,
            code=code,
            defaults={"project": project, "group": group, "settings": clean, "enabled": enabled}
            | {"edited_by": by, "edited_at": now},
        )
        if not created:
            Rule.objects.filter(pk=row.pk).update(
                version=F("version") + 1,
                settings=clean,
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
    """Delete a scope's own settings of a rule: those of the next wider scope apply again."""
    scope = scope_of(project, group)
    with transaction.atomic():
        Rule.objects.filter(account=account, scope=scope, code=code).delete()
        _supersede(account, code, project=project, group=group, now=now)


def scope_of(project: Project | None, group: TargetGroup | None) -> str:
    """Return the scope of a rule's row: account, project:ID or group:ID."""
    return f"group:{group.pk}" if group else f"project:{project.pk}" if project else "account"


def _supersede(
    account: ExchangeAccount,
    code: str,
    *,
    project: Project | None,
    group: TargetGroup | None,
    now: datetime,
) -> None:
    """Close the incidents of older versions without mail; delete those still pending."""
    within = Q(group=group) if group else Q(project=project) if project else Q()
    incidents = Incident.objects.filter(within, account=account, rule=code)
    incidents.filter(state=Incident.State.PENDING).delete()
    incidents.exclude(state=Incident.State.RESOLVED).update(
        state=Incident.State.RESOLVED, closed_at=now, close_reason="superseded", evaluate_at=None
    )
