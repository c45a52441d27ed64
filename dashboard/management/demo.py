"""The demo of `manage.py run`: a connection to the simulated exchange, and three people."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from dashboard.fielding.models import ExchangeAccount, Membership, User

NAME = "demo"
PASSWORD = "demo"  # noqa: S105  what the ready line prints
POLL_SECONDS = 15
PEOPLE = (
    ("demo", "Dana Demo", Membership.Role.ADMINISTRATOR),
    ("demo-editor", "Eddie Editor", Membership.Role.EDITOR),
    ("demo-viewer", "Vera Viewer", Membership.Role.VIEWER),
)


@transaction.atomic
def ensure_demo(*, base_url: str) -> ExchangeAccount:
    """Create the demo connection and its three people; update the address if they exist."""
    account, _ = ExchangeAccount.objects.update_or_create(
        name=NAME,
        defaults={"base_url": base_url, "due_at": timezone.now()},
        create_defaults={
            "base_url": base_url,
            "due_at": timezone.now(),
            "exchange_id": "101",
            "auth": ExchangeAccount.Auth.API_KEY,
            "secret": "demo-key",
            "poll_seconds": POLL_SECONDS,
            "requests_per_minute": 0,
        },
    )
    for username, name, role in PEOPLE:
        first, last = name.split()
        user = User.objects.filter(username=username).first() or User.objects.create_user(
            username=username,
            email=f"{username}@fieldwatch.example",
            password=PASSWORD,
            first_name=first,
            last_name=last,
            time_zone="Europe/Berlin",
        )
        Membership.objects.get_or_create(user=user, account=account, defaults={"role": role})
    return account
