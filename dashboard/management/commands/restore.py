"""`manage.py restore FILE`: put a back-up into an empty database, and check it."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from dashboard.fielding.models import ExchangeAccount, TargetGroup
from dashboard.management import postgresql_tools


class Command(BaseCommand):
    """Fills an empty database; it never overwrites existing tables."""

    help = "Put a back-up into an empty database, then check that its secrets can be read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the back-up's file."""
        parser.add_argument("file", type=Path)

    def handle(self, *args: object, **options: object) -> None:
        """Restore, then check that the stored secrets can be decrypted."""
        file = Path(str(options["file"]))
        try:
            is_file, is_there = file.is_file(), file.exists()
        except OSError as exc:  # a name that is too long
            raise CommandError(f"{file} cannot be read: {exc.strerror}") from exc
        if not is_file:
            raise CommandError(f"{file} {'is not a file' if is_there else 'does not exist'}")
        if tables := connection.introspection.table_names():
            raise CommandError(
                f"the database holds {len(tables)} tables; restore into an empty one"
            )
        if connection.vendor == "sqlite":
            _fill_sqlite(file)
        else:
            flags = ["--no-owner", "--exit-on-error", "--single-transaction"]
            database = ["--dbname", str(connection.settings_dict["NAME"])]
            postgresql_tools.run_tool("pg_restore", [*flags, *database, str(file)])
        self._check()

    def _check(self) -> None:
        """Print what was restored. Raises CommandError if a secret cannot be decrypted."""
        try:
            accounts = len([account.secret for account in ExchangeAccount.objects.all()])
        except ImproperlyConfigured as exc:
            raise CommandError(f"restored, but {exc}") from exc
        groups = TargetGroup.objects.count()
        self.stdout.write(
            f"restored: {accounts} connections, {groups} target groups. "
            "Now: manage.py migrate, then start the processes."
        )


def _fill_sqlite(file: Path) -> None:
    if not file.read_bytes()[:16].startswith(b"SQLite format 3"):
        raise CommandError(f"{file} is not an SQLite database")
    connection.close()
    target = Path(str(settings.DATABASES["default"]["NAME"]))
    if file.resolve() == target.resolve():
        raise CommandError(f"{file} is the database itself")
    for ending in ("", "-wal", "-shm", "-journal"):  # anything else may be a back-up
        target.with_name(f"{target.name}{ending}").unlink(missing_ok=True)
    shutil.copyfile(file, target)
    target.chmod(0o600)
