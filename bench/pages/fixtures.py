"""Tables for the benchmarks of the pages: five projects of 200 groups as a pull leaves them."""

import random
import struct
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction

from dashboard.alerts.items.refresh import refresh_items
from dashboard.fielding.models import (
    Change,
    CompletesDay,
    ExchangeAccount,
    Incident,
    Membership,
    Note,
    Project,
    TargetGroup,
    User,
)

PROJECTS, GROUPS, DAYS, PEOPLE = 5, 200, 14, 50
HOURS = struct.Struct("<24i")
COUNTRIES = ("us", "gb", "de", "fr", "jp", "br", "in", "it", "es", "nl", "pl", "se", "au", "mx")


def fill(seed: int = 1) -> list[str]:
    """Everything, and a session key of each of fifty people."""
    draw, now = random.Random(seed), datetime.now(UTC)  # noqa: S311
    account = account_named("bench", "101", now)
    people = [person(account, number) for number in range(PEOPLE)]
    for number in range(PROJECTS):
        project = Project.objects.create(
            account=account,
            exchange_id=f"p{number}",
            human_readable_id=f"P{number:05d}",
            name=f"Brand tracker {number}",
            status="active",
            read_at=now,
            due_at=now,
            version=1,
            filling_goal=40_000,
            completes=15_000,
            last_activity_at=now,
        )
        rows = [group_of(project, n, draw, now) for n in range(GROUPS)]
        groups = TargetGroup.objects.bulk_create(rows)
        _around(project, groups, people[0], draw, now)
    return [session(user) for user in people]


def account_named(name: str, exchange_id: str, now: datetime) -> ExchangeAccount:
    """A connection that was read just now, and is polled by nobody."""
    return ExchangeAccount.objects.create(
        name=name,
        exchange_id=exchange_id,
        base_url="http://127.0.0.1:1",
        auth="api_key",
        secret="key",
        health="fresh",
        read_at=now,
        poll_seconds=300,
    )


def person(account: ExchangeAccount, number: int) -> User:
    user = User(username=f"pm{number}", email=f"pm{number}@example.com", time_zone="Europe/Berlin")
    user.set_unusable_password()
    user.save()
    Membership.objects.create(user=user, account=account, role="editor")
    return user


def session(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def group_of(project: Project, n: int, draw: random.Random, now: datetime) -> TargetGroup:
    goal = draw.randrange(100, 2000)
    done = draw.randrange(goal)
    return TargetGroup(
        account=project.account,
        project=project,
        exchange_id=f"{project.pk:013d}{n:013d}",
        human_readable_id=f"T{project.pk}{n:05d}",
        name=f"Coffee drinkers 25-54, cell {n} W{n % 9}",
        status="live" if n % 5 else "paused",
        status_changed_by="" if n % 10 else "system_user",
        locale="eng_us",
        country_code=draw.choice(COUNTRIES),
        language_code="eng",
        completes=done,
        prescreens=done * 3,
        entrants=done * 9,
        filling_goal=goal,
        completes_goal=goal,
        filling_strategy=("completes", "automated", "prescreens")[n % 3],
        last_complete_at=now - timedelta(minutes=draw.randrange(3000)),
        incidence_rate=draw.random(),
        drop_off_rate=draw.random() / 2,
        conversion_rate=0.2,
        median_loi_seconds=draw.randrange(300, 1500),
        epc=Decimal("0.3012"),
        epcm=Decimal("0.031"),
        average_cpi=Decimal("2.7352"),
        cpi=Decimal(draw.randrange(10000, 90000)) / 10000,
        cost=Decimal(done * 27352) / 10000,
        currency="USD",
        expected_loi_minutes=12,
        expected_incidence_rate=0.35,
        starts_at=now - timedelta(days=10),
        ends_at=now + timedelta(days=9),
        short_at_end=draw.random() * 300,
        finish_at=now + timedelta(hours=draw.randrange(400)),
        changed_at=now,
        first_complete_at=now - timedelta(days=9),
        insight=_insight(draw, now),
        details={"a": 1},
    )


def _insight(draw: random.Random, now: datetime) -> dict[str, Any]:
    """As large as a real one."""
    return {
        "spark": [draw.randrange(20) for _ in range(28)],
        "at": now.isoformat(timespec="seconds"),
        "today": draw.randrange(50),
        "rhythm": {
            "rate": 1.2,
            "hours": [round(draw.random(), 3) for _ in range(24)],
            "days": [1.0] * 7,
        },
        "forecast": {
            "finish": [(now + timedelta(days=d)).isoformat(timespec="seconds") for d in (2, 4, 6)],
            "at_end": [310.2, 402.5, 480.0],
            "chance": 0.21,
            "confidence": "middling",
            "note": "",
        },
        "cost": {"p10": "900.00", "p50": "1000.00", "p90": "1100.00"},
        "pace": {"band": "behind", "reason": "x" * 60, "actual": 100.0, "required": 120.5},
        "warnings": {"high_drop_rates": 0.4},
        "causes": [{"sentence": "x" * 60, "observed": "x" * 30, "advice": "z" * 90}],
    }


def _around(
    project: Project, groups: list[TargetGroup], writer: User, draw: random.Random, now: datetime
) -> None:
    """Incidents on a third, notes on a tenth, two weeks of completes, some changes."""
    Incident.objects.bulk_create(
        Incident(
            account=project.account,
            project=project,
            group=group,
            rule="behind_pace",
            severity=2,
            key=f"k{group.pk}",
            state="firing",
            breached_at=now,
            fired_at=now,
            sentence=f"{group.name}: about 61 of 200 short on Fri 18:00 (40–80).",
        )
        for group in groups[::3]
    )
    with transaction.atomic():
        refresh_items(project.account_id, [group.pk for group in groups[::39]], now=now)
    Note.objects.bulk_create(
        Note(group=group, text="The client knows; see the mail of Monday.", by=writer, at=now)
        for group in groups[::10]
    )
    midnight = now.date()
    days = []
    for group in groups:
        count = 0
        for back in range(DAYS, 0, -1):
            hours = []
            for _ in range(24):
                count += draw.randrange(4)
                hours.append(count)
            day = midnight - timedelta(days=back)
            days.append(CompletesDay(group=group, day=day, hours=HOURS.pack(*hours)))
    CompletesDay.objects.bulk_create(days, batch_size=500)
    Change.objects.bulk_create(
        Change(
            account=project.account,
            group=group,
            batch_id=f"b{number}",
            kind="cpi_change",
            occurred_at=now - timedelta(days=number + 1),
            seen_at=now,
            actor_type="las_user",
            old={"value": "2.1", "currency_code": "USD"},
            new={"value": "2.9", "currency_code": "USD"},
        )
        for group in groups
        for number in range(4)
    )
