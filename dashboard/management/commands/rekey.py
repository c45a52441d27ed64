"""`manage.py rekey`: encrypt every stored secret again, with the first of ENCRYPTION_KEYS."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import models, transaction
from django.utils import timezone

from dashboard.fielding import audit
from dashboard.fielding.models import AuditKind, Mail
from dashboard.fielding.models.fields import EncryptedTextField, secret_box


class Command(BaseCommand):
    """The second step of a key change; afterwards the old key can be removed."""

    help = "Encrypt every stored secret with the first key of ENCRYPTION_KEYS."

    def handle(self, *args: object, **options: object) -> None:
        """Rewrite each secret column of each table; running it twice does no harm."""
        for model in apps.get_models():
            names = [f.name for f in model._meta.fields if isinstance(f, EncryptedTextField)]
            if names:
                self.stdout.write(f"{model._meta.verbose_name_plural}: {_rekey(model, names)}")
        self.stdout.write(f"two-factor secrets: {_rekey_factors()}")
        self.stdout.write(f"waiting emails: {_rekey_mails()}")
        audit.record(
            kind=AuditKind.SECRETS_REKEYED, origin=audit.command_line(), now=timezone.now()
        )


@transaction.atomic
def _rekey(model: type[models.Model], names: list[str]) -> int:
    """Read and write the columns that hold secrets, and no others; return the number of rows."""
    rows = list(model._default_manager.select_for_update().only("pk", *names))
    for row in rows:
        row.save(update_fields=names)
    return len(rows)


@transaction.atomic
def _rekey_factors() -> int:
    """Rewrite the secrets of authenticator apps and recovery codes; return their number."""
    rows = list(Authenticator.objects.select_for_update())
    for row in rows:
        for name in row.data.keys() & {"secret", "seed"}:
            row.data[name] = secret_box().rotate(row.data[name].encode()).decode()
        row.save(update_fields=["data"])
    return len(rows)


@transaction.atomic
def _rekey_mails() -> int:
    """Rewrite the texts of unsent mails about signing in; return their number."""
    rows = list(Mail.objects.select_for_update().exclude(sealed="").only("pk", "sealed"))
    for row in rows:
        row.sealed = secret_box().rotate(row.sealed.encode()).decode()
        row.save(update_fields=["sealed"])
    return len(rows)
