"""Rows for tests: each function makes one thing, with what a test does not care about filled in."""

from __future__ import annotations

import hashlib
import itertools
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from dashboard.fielding.models import (
    AccessToken,
    Batch,
    BatchGroup,
    BatchJob,
    Channel,
    CompletesDay,
    Cycle,
    Edit,
    ExchangeAccount,
    ExchangeUser,
    Item,
    Membership,
    PriceChange,
    Project,
    SharedStatus,
    StatusAddress,
    StatusLink,
    StatusSchedule,
    TargetGroup,
    User,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def ulid(number: int) -> str:
    """An id of the exchange's form, different for each number."""
    return f"01{number:024d}"


def account(**fields: Any) -> ExchangeAccount:
    """A connection that was read just now."""
    number = next(_numbers)
    given = {
        "name": f"exchange-{number}",
        "exchange_id": "101",
        "base_url": "http://127.0.0.1:1",
        "auth": ExchangeAccount.Auth.API_KEY,
        "secret": "key",
        "health": ExchangeAccount.Health.FRESH,
        "read_at": NOW,
        "first_pull_completed_at": NOW - timedelta(days=15),
    }
    return ExchangeAccount.objects.create(**(given | fields))


def person(role: str = "", on: ExchangeAccount | None = None, **fields: Any) -> User:
    """Somebody who can sign in with the password `demo`; with a role on an account if asked."""
    number = next(_numbers)
    exchange_user_id = fields.pop("exchange_user_id", "")
    user = User.objects.create_user(
        username=fields.pop("username", f"person-{number}"),
        email=fields.pop("email", f"person-{number}@example.com"),
        password=fields.pop("password", "demo"),
        **fields,
    )
    if on:
        Membership.objects.create(
            user=user, account=on, role=role, exchange_user_id=exchange_user_id
        )
    return user


def exchange_user(on: ExchangeAccount, **fields: Any) -> ExchangeUser:
    """A person as the exchange names them."""
    number = next(_numbers)
    given = {"exchange_id": f"00000000-0000-4000-8000-{number:012d}", "name": f"PM {number}"}
    return ExchangeUser.objects.create(account=on, **(given | fields))


def project(on: ExchangeAccount, **fields: Any) -> Project:
    """An active project that was read just now."""
    number = next(_numbers)
    given = {
        "exchange_id": ulid(number),
        "human_readable_id": f"P{number:05d}",
        "name": f"Project {number}",
        "status": "active",
        "last_activity_at": NOW,
        "created_at": NOW - timedelta(days=20),
        "read_at": NOW,
    }
    return Project.objects.create(account=on, **(given | fields))


def channel(on: ExchangeAccount | None = None, **fields: Any) -> Channel:
    """A room of Slack that has got nothing yet, of an account; or of an owner."""
    given = {
        "name": "#fieldwork",
        "service": "slack",
        "address": "http://127.0.0.1:9/services/T0/B0/s3cr3t",
        "address_hint": "hooks.slack.com …cr3t",
        "sends": "all",
        "created_at": NOW,
    }
    return Channel.objects.create(account=on, **(given | fields))


def group(of: Project, **fields: Any) -> TargetGroup:
    """A live group half way to its goal."""
    number = next(_numbers)
    given = {
        "exchange_id": ulid(number),
        "human_readable_id": f"T{number:06d}",
        "name": f"Group {number}",
        "status": "live",
        "locale": "eng_us",
        "country_code": "us",
        "language_code": "eng",
        "created_at": NOW - timedelta(days=14),
        "completes": 100,
        "prescreens": 300,
        "entrants": 900,
        "filling_goal": 200,
        "completes_goal": 200,
        "filling_strategy": "completes",
        "last_complete_at": NOW - timedelta(minutes=20),
        "incidence_rate": 0.33,
        "drop_off_rate": 0.12,
        "conversion_rate": 0.11,
        "median_loi_seconds": 540,
        "epc": Decimal("0.30"),
        "epcm": Decimal("0.033"),
        "average_cpi": Decimal("2.70"),
        "pricing_model": "dynamic",
        "is_pricing_restricted": False,
        "cpi": Decimal("2.75"),
        "cost": Decimal("270"),
        "currency": "USD",
        "expected_loi_minutes": 10,
        "expected_incidence_rate": 0.35,
        "starts_at": NOW - timedelta(days=7),
        "ends_at": NOW + timedelta(days=7),
        "changed_at": NOW,
    }
    return TargetGroup.objects.create(account=of.account, project=of, **(given | fields))


def edit(of: TargetGroup, **fields: Any) -> Edit:
    """A confirmed change of a group's CPI."""
    given = {
        "kind": Edit.Kind.CPI,
        "token": f"token-{next(_numbers)}",
        "state": Edit.State.CONFIRMED,
        "before": {"value": "2.50", "currency_code": "USD"},
        "wanted": {"value": "2.75", "currency_code": "USD"},
        "after": {"value": "2.75", "currency_code": "USD"},
        "started_at": NOW,
        "settled_at": NOW + timedelta(seconds=2),
    }
    return Edit.objects.create(account=of.account, group=of, **(given | fields))


def price_change(of: TargetGroup, at: datetime = NOW, **fields: Any) -> PriceChange:
    """A raise of a group's CPI that brought 30 completes for 95 more."""
    effect = {
        "verdict": "raised",
        "before": 21.0,
        "after": 35.0,
        "ratio": 1.5,
        "correction": "after allowing for the field's own rise of 11 %",
        "completes_after": 90.0,
        "until": (at + timedelta(days=3)).isoformat(),
        "extra": [10.0, 30.0, 45.0],
        "extra_cost": [45.0, 95.0, 132.5],
    }
    given = {
        "actor_type": "las_user",
        "old_cpi": Decimal("2.50"),
        "new_cpi": Decimal("2.75"),
        "currency": of.currency,
        "measured_at": at + timedelta(days=3),
        "effect": effect | fields.pop("effect", {}),
    }
    return PriceChange.objects.create(account=of.account, group=of, at=at, **(given | fields))


def item(of: TargetGroup, **fields: Any) -> Item:
    """An item to do: a group that falls short of its goal at its CPI."""
    remedy = fields.get("remedy", "raise_cpi")
    given = {
        "remedy": remedy,
        "key": f"{of.account_id}:g{of.pk}:{remedy}",
        "sentence": "Projected 40 short of 200.",
        "value": 40.0,
        "money": Decimal("110"),
        "currency": of.currency,
        "ends_at": of.ends_at,
        "opened_at": NOW,
        "changed_at": NOW,
    }
    return Item.objects.create(
        account=of.account, project=of.project, target_group=of, **(given | fields)
    )


def shared_status(
    of: Project, *, groups: Sequence[TargetGroup] = (), **fields: Any
) -> SharedStatus:
    """The status of a project, or of some of its groups."""
    given: dict[str, Any] = {"created_at": NOW}
    if not groups:
        given["project"] = of
    shared = SharedStatus.objects.create(account=of.account, **(given | fields))
    shared.groups.set(groups)
    return shared


def status_link(of: SharedStatus, by: User, *, token: str, **fields: Any) -> StatusLink:
    """A link to a status that works until further notice."""
    given = {
        "token_hash": hashlib.sha256(token.encode()).hexdigest(),
        "form_token": f"form-{next(_numbers)}",
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=3650),
    }
    return StatusLink.objects.create(status=of, created_by=by, **(given | fields))


def status_address(of: SharedStatus, by: User, **fields: Any) -> StatusAddress:
    """A client's address that gets a status every day at nine on the person's clock."""
    schedule, _ = StatusSchedule.objects.get_or_create(
        status=of, defaults={"person": by, "days": "1234567", "changed_at": NOW}
    )
    given = {"address": f"client-{next(_numbers)}@example.com"}
    return StatusAddress.objects.create(schedule=schedule, **(given | fields))


def completes(of: TargetGroup, *, until: datetime = NOW, counts: Sequence[int]) -> None:
    """Hourly cumulative completes of a group, the last at `until` (on the hour)."""
    days: dict[Any, list[int]] = {}
    for back, count in enumerate(reversed(counts)):
        slot = until - timedelta(hours=back + 1)  # slot h is the count at (h+1):00
        days.setdefault(slot.date(), [-1] * 24)[slot.hour] = count
    CompletesDay.objects.bulk_create(
        CompletesDay(group=of, day=day, hours=struct.pack("<24i", *hours))
        for day, hours in days.items()
    )


def cycle(of: Project, at: datetime = NOW, **fields: Any) -> Cycle:
    """A complete round over a project."""
    given = {"started_at": at, "finished_at": at, "listed": True, "complete": True}
    return Cycle.objects.create(account=of.account, project=of, **(given | fields))


def batch(of: TargetGroup, **fields: Any) -> Batch:
    """A pause of one group that has ended."""
    number = next(_numbers)
    given = {"action": Batch.Action.PAUSE, "token": f"batch-{number}", "created_at": NOW}
    made = Batch.objects.create(**(given | fields))
    job = BatchJob.objects.create(
        batch=made, project_id=of.project_id, key=f"key-{number}", finished_at=NOW
    )
    BatchGroup.objects.create(job=job, group=of, state=BatchGroup.State.DONE)
    return made


def access_token(
    of: User, secret: str, *, scopes: Sequence[str] = ("fieldwork", "spend"), **fields: Any
) -> AccessToken:
    """A token for the API that works until further notice."""
    given = {
        "purpose": AccessToken.Purpose.API,
        "name": f"Token {next(_numbers)}",
        "token_hash": hashlib.sha256(secret.encode()).hexdigest(),
        "form_token": f"form-{next(_numbers)}",
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=3650),
    }
    return AccessToken.objects.create(user=of, scopes=list(scopes), **(given | fields))
