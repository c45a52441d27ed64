"""The demo of `manage.py run`: a connection to the simulated exchange, and its people."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from dashboard.fielding import setup
from dashboard.fielding.models import ExchangeAccount, Membership, User

NAME = "demo"
PASSWORD = "demo"  # noqa: S105  what the ready line prints
KEY = "demo-key"
POLL_SECONDS = 15
PEOPLE = (
    ("demo", "Dana Demo", Membership.Role.ADMINISTRATOR),
    ("demo-editor", "Eddie Editor", Membership.Role.EDITOR),
    ("demo-viewer", "Vera Viewer", Membership.Role.VIEWER),
)
# Project managers with the email addresses of users of the simulated exchange: the first sync
# links them, so that "My groups" is what it is in a team.
COLLEAGUES = ("Ana Ribeiro", "Jonas Köhler", "Priya Raman", "Tom Whitfield", "Yuki Tanaka")


def mark_earlier_demo() -> None:
    """Mark the connection of a demo that a release without the mark created."""
    for account in ExchangeAccount.objects.filter(name=NAME, is_demo=False):
        people = account.memberships.filter(user__username__in=[name for name, *_ in PEOPLE])
        if account.secret == KEY and people.exists():
            ExchangeAccount.objects.filter(pk=account.pk).update(is_demo=True)


def has_own_data() -> bool:
    """Whether the database has a connection or an administrator that is not the demo's."""
    own = ExchangeAccount.objects.filter(is_demo=False, removed_at=None)
    return own.exists() or setup.has_administrator()


@transaction.atomic
def ensure_demo(*, base_url: str) -> ExchangeAccount:
    """Create the demo connection and its people; update the address if they exist.

    Colleagues cannot sign in: they have no password.
    """
    account, _ = ExchangeAccount.objects.update_or_create(
        name=NAME,
        defaults={"base_url": base_url, "due_at": timezone.now(), "is_demo": True},
        create_defaults={
            "base_url": base_url,
            "due_at": timezone.now(),
            "is_demo": True,
            "exchange_id": "101",
            "auth": ExchangeAccount.Auth.API_KEY,
            "secret": KEY,
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
    for name in COLLEAGUES:
        address = name.lower().replace(" ", ".").replace("ö", "oe")
        first, last = name.split()
        details = {"email": f"{address}@meridian.example", "first_name": first, "last_name": last}
        user, is_new = User.objects.get_or_create(username=address, defaults=details)
        if is_new:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        editor = {"role": Membership.Role.EDITOR}
        Membership.objects.get_or_create(user=user, account=account, defaults=editor)
    return account
