"""What is encrypted in the tables can be neither read nor changed without the key."""

from __future__ import annotations

import base64

import pytest
from cryptography.fernet import Fernet, InvalidToken
from pytest_django import Settings

from dashboard.fielding.models.fields import seal, secret_box, unseal

TEXT = "a key of the exchange"


def test_one_text_is_encrypted_otherwise_each_time() -> None:
    assert len({seal(TEXT) for _ in range(5)}) == 5
    assert unseal(seal(TEXT)) == TEXT


@pytest.mark.parametrize("place", [0, 1, 9, 20, 30, -1])
def test_a_changed_byte_makes_it_unreadable(place: int) -> None:
    sealed = bytearray(base64.urlsafe_b64decode(seal(TEXT)))
    sealed[place] ^= 1
    with pytest.raises(InvalidToken):
        secret_box().decrypt(base64.urlsafe_b64encode(bytes(sealed)))


def test_another_key_reads_nothing_and_a_new_one_beside_the_old_reads_on(
    settings: Settings,
) -> None:
    sealed, old = seal(TEXT), settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(ValueError):
        unseal(sealed)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *old]
    assert unseal(sealed) == TEXT
