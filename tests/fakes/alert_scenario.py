"""A field to watch: an account with people and a project, and cycles that pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboard.alerts.incidents import detect
from dashboard.alerts.mail import outbox
from dashboard.fielding.models import (
    Change,
    ExchangeAccount,
    Incident,
    Mail,
    Notice,
    Project,
    TargetGroup,
    User,
)
from tests import factories

RHYTHM = {"rate": 3.0, "hours": [1.0] * 24, "days": [1.0] * 7}


@dataclass
class Field:
    """One account with one project; `pm` manages what carries `PM` as its project manager."""

    account: ExchangeAccount
    project: Project
    pm: User
    admin: User

    PM = "pm-1"

    def group(self, **fields: Any) -> TargetGroup:
        """A live group of the project manager, with a rhythm of three completes an hour.

        It needs 33 hours of the 70 that are left: where it stands still, an hour counts.
        """
        given = {
            "ends_at": factories.NOW + timedelta(hours=70),
            "project_manager_id": self.PM,
            "insight": {"rhythm": RHYTHM},
            "name": "Japan 25–54",
            "conversion_rate": 0.2,
        }
        return factories.group(self.project, **(given | fields))

    def stalled(self, **fields: Any) -> TargetGroup:
        """A group whose last complete is five hours old where fifteen were usual since."""
        return self.group(**({"last_complete_at": factories.NOW - timedelta(hours=5)} | fields))

    def paused(self, **fields: Any) -> TargetGroup:
        """A group that the exchange paused for its interview length."""
        given = {
            "status": "paused",
            "status_reason": "high_median_loi",
            "status_changed_by": "system_user",
            "status_changed_at": factories.NOW - timedelta(hours=1),
            "median_loi_seconds": 852,
            "expected_loi_minutes": 9,
        }
        return self.group(**(given | fields))

    def cycle(self, at: datetime = factories.NOW, **fields: Any) -> None:
        """A cycle over the project that ends at `at`, and its judgement."""
        self.project.read_at = at
        self.project.save()
        cycle = factories.cycle(self.project, at, **fields)
        detect.after_cycle(cycle=cycle, now=at)

    def cycles(self, *minutes: float) -> None:
        """Cycles this many minutes after NOW."""
        for minute in minutes:
            self.cycle(after(minute))


LATER = factories.NOW + timedelta(days=3650)  # than any cycle: it counts as changed


def after(minutes: float) -> datetime:
    """A moment so many minutes after NOW."""
    return factories.NOW + timedelta(minutes=minutes)


def update(row: Any, **fields: Any) -> None:
    """What the pull would write to a row."""
    if isinstance(row, TargetGroup):
        fields.setdefault("changed_at", LATER)
    type(row).objects.filter(pk=row.pk).update(**fields)


def change(group: Any, at_minute: float = -10, **fields: Any) -> Change:
    """An entry of the changelog."""
    given = {
        "account": group.account,
        "batch_id": factories.ulid(10**6 + Change.objects.count()),
        "occurred_at": after(at_minute),
        "seen_at": after(at_minute),
        "actor_type": "las_user",
        "kind": "cpi_change",
        "old": {"value": "2.00", "currency_code": "USD"},
        "new": {"value": "2.20", "currency_code": "USD"},
    }
    return Change.objects.create(group=group, **(given | fields))


def field() -> Field:
    """A field with its project manager and an administrator, who joined at NOW, a Friday noon."""
    account = factories.account()
    return Field(
        account,
        factories.project(account, name="Tracker W23"),
        factories.person("editor", account, exchange_user_id=Field.PM, date_joined=factories.NOW),
        factories.person("administrator", account, date_joined=factories.NOW),
    )


def states() -> list[str]:
    """The states of all incidents, oldest first."""
    return list(Incident.objects.order_by("pk").values_list("state", flat=True))


def kinds() -> list[str]:
    """The kinds of all notices, oldest first."""
    return list(Notice.objects.order_by("pk").values_list("kind", flat=True))


def mails() -> list[Mail]:
    """All mails, oldest first."""
    return list(Mail.objects.order_by("pk"))


def compose_and_send(at: datetime) -> int:
    """One round of delivery."""
    outbox.compose_due_mails(now=at)
    return outbox.send_due(now=at)
