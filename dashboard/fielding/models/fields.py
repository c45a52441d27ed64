"""Column types of ours: money, rates, the exchange's ids, encrypted text."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


# Any below: options go on to Django's fields, and fields take and give what Django leaves open.
def foreign_id(**options: Any) -> models.CharField[str, str]:
    """An id of the exchange: text, whatever it looks like (ULID, UUID, number)."""
    return models.CharField(max_length=64, **options)


def amount_field(*, max_digits: int = 15, **options: Any) -> models.DecimalField[Any, Any]:
    """Money in major units; six decimals, since prices have more than their currency."""
    return models.DecimalField(
        max_digits=max_digits, decimal_places=6, null=True, blank=True, **options
    )


def rate_field(**options: Any) -> models.FloatField[Any, Any]:
    """A share from 0 to 1."""
    return models.FloatField(null=True, blank=True, **options)


class Document(models.JSONField):
    """JSON that is read in great numbers: decoded by msgspec, in a third of the time.

    In the tables, and so in migrations, it is Django's own field.
    """

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Decode; what is no document (a key of one on SQLite) as Django does."""
        if value is None:
            return None
        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, TypeError):
            return super().from_db_value(value, expression, connection)

    def deconstruct(self) -> Any:
        """What Django's own field says of itself."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs


@cache
def _box(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as exc:
        raise ImproperlyConfigured(
            "ENCRYPTION_KEYS takes Fernet keys (32 bytes, url-safe base64), separated by commas"
        ) from exc


def secret_box() -> MultiFernet:
    """What encrypts secrets: the first key writes, every key reads."""
    return _box(tuple(settings.ENCRYPTION_KEYS))


def seal(text: str) -> str:
    """Encrypt a text that one table keeps for a short while."""
    return secret_box().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt what `seal` made; ValueError if ENCRYPTION_KEYS no longer holds its key."""
    try:
        return secret_box().decrypt(sealed.encode()).decode()
    except InvalidToken as exc:
        raise ValueError(
            "it was encrypted with a key that ENCRYPTION_KEYS no longer holds"
        ) from exc


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is encrypted in the table and plain in Python; never filter by it."""

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way in."""
        plain = super().get_prep_value(value)
        return plain if not plain else secret_box().encrypt(plain.encode()).decode()

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        """Decrypt on the way out."""
        if not value:
            return value
        try:
            return secret_box().decrypt(value.encode()).decode()
        except InvalidToken as exc:
            raise ImproperlyConfigured(
                "a stored secret was encrypted with a key that ENCRYPTION_KEYS no longer holds"
            ) from exc
