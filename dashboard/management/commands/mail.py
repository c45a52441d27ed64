"""`manage.py mail …`: test whether mail goes out."""

from __future__ import annotations

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from dashboard.alerts.mail import outbox
from dashboard.fielding.models import User


class Command(BaseCommand):
    """Sends a test email through the outbox, as alerts are, and prints the result."""

    help = "Send a test email to a person who can sign in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add one sub-command per verb."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        test = verbs.add_parser("test", help="send a test email")
        test.add_argument("person", help="their username or email address")

    def handle(self, *args: object, **options: object) -> None:
        """Store the mail, send it now, and print the result."""
        try:
            user = User.objects.get_by_natural_key(str(options["person"]))
        except User.DoesNotExist as exc:
            raise CommandError(
                f"nobody has the username or email address {options['person']}"
            ) from exc
        mail = outbox.send_test(to=user, now=timezone.now())
        if mail.state != mail.State.SENT:
            raise CommandError(f"not sent to {mail.address}: {mail.error}")
        self.stdout.write(f"sent to {mail.address}")
