"""`manage.py mail …`: test whether mail goes out."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from dashboard.alerts.mail import outbox
from dashboard.fielding.models import User


class Command(BaseCommand):
    """Sends a test mail the way that alerts go, and says what came of it."""

    help = "Send a test mail to somebody who signs in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One sub-command a verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        test = verbs.add_parser("test", help="send a test mail")
        test.add_argument("person", help="their sign-in name or address")

    def handle(self, *args: Any, **options: Any) -> None:
        """Store the mail, send it now, and print what came of it."""
        try:
            user = User.objects.get_by_natural_key(options["person"])
        except User.DoesNotExist as exc:
            raise CommandError(f"nobody signs in as {options['person']}") from exc
        mail = outbox.send_test(to=user, now=timezone.now())
        if mail.state != mail.State.SENT:
            raise CommandError(f"not sent to {mail.address}: {mail.error}")
        self.stdout.write(f"sent to {mail.address}")
