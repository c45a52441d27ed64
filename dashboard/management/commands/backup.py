"""`manage.py backup FILE`: write the whole database into one file while everything runs."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from dashboard.fielding import audit
from dashboard.fielding.models import AuditEvent, AuditKind
from dashboard.management import postgresql_tools


class Command(BaseCommand):
    """Writes a consistent copy; the keys that decrypt its secrets are not in it."""

    help = "Copy the whole database into a file: SQLite as it is, PostgreSQL as pg_dump's format."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file to write."""
        parser.add_argument("file", type=Path, help="the file to write; it must not exist yet")

    def handle(self, *args: object, **options: object) -> None:
        """Write a copy that only its owner can read."""
        file = Path(str(options["file"]))
        try:
            file.touch(mode=0o600, exist_ok=False)
        except FileExistsError as exc:
            raise CommandError(f"{file} already exists; a back-up never replaces a file") from exc
        except OSError as exc:
            raise CommandError(f"{file} cannot be written: {exc.strerror}") from exc
        try:
            self._copy(file)
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        if AuditEvent._meta.db_table in connection.introspection.table_names():
            # It is missing where the back-up is taken before the first migration of this release.
            origin, now = audit.command_line(), timezone.now()
            audit.record(kind=AuditKind.BACKED_UP, origin=origin, now=now, details={"file": file})
        self.stdout.write(
            f"{file}: {file.stat().st_size / 1e6:.1f} MB. Keep ENCRYPTION_KEYS elsewhere: "
            "without them the stored secrets cannot be decrypted."
        )

    def _copy(self, file: Path) -> None:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM INTO %s", [str(file)])
        else:
            postgresql_tools.run_tool(
                "pg_dump", ["--format=custom", "--no-owner", "--file", str(file)]
            )
