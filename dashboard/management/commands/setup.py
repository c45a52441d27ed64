"""`manage.py setup`: a one-time code for the page that makes the first administrator."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils import timezone

from dashboard.fielding import setup
from dashboard.fielding.setup import SetupRefused


class Command(BaseCommand):
    """Prints a new code, where `manage.py run` does not: on a company's servers."""

    help = "Print a one-time code with which the first administrator is made in the browser."

    def handle(self, *args: object, **options: object) -> None:
        """Print the address and the code; earlier codes end."""
        if settings.SSO_ONLY:
            raise CommandError("with SSO_ONLY nobody has a password: add them with person add")
        try:
            code = setup.create_setup_code(now=timezone.now())
        except SetupRefused as exc:
            raise CommandError(str(exc)) from exc
        address = f"{settings.FIELDWATCH_URL}{reverse('setup')}"
        self.stdout.write(f"Open {address} and enter the one-time code {code}")
