"""What passwords may not be: built from words that everybody here knows, or known to be stolen."""

from __future__ import annotations

import hashlib
import logging
import re
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

from dashboard.fielding.models import User
from dashboard.web.auth.sso.wire import ProviderAway, fetch_bytes

log = logging.getLogger(__name__)
# Of the product and its trade; docs/security.md lists them. Those of the company are a setting.
WORDS = (
    "fieldwatch",
    "fieldwork",
    "cint",
    "lucid",
    "exchange",
    "survey",
    "panel",
    "administrator",
    "editor",
    "viewer",
    "password",
    "welcome",
)
LEAST_OWN = 8  # letters and digits of a password that belong to no such word
SHORTEST_WORD = 4  # letters of the parts of our host name; shorter ones are in any text
PREFIX = 5  # digits of the hash that leave this machine
PATIENCE = 3.0  # seconds
STOLEN = "This password is in a list of stolen passwords. Choose another one."


class KnownWords:
    """Refuse a password that is little more than words of the product, its trade or the company."""

    def validate(self, password: str, user: User | None = None) -> None:  # noqa: ARG002
        """Raise ValidationError if too little is left without these words."""
        rest = whole = _letters_and_digits(password)
        for word in known_words():
            rest = rest.replace(word, "")
        if rest != whole and len(rest) < LEAST_OWN:
            raise ValidationError(
                "This password is little more than words that others would try first, such as the "
                "name of Fieldwatch or of your company.",
                code="password_known_words",
            )

    def get_help_text(self) -> str:
        """Return the rule in words."""
        return "No password that is mostly the name of Fieldwatch, its trade or your company."


class StolenPasswords:
    """Refuse a password that BREACHED_PASSWORDS_URL knows; the service gets 5 digits of a hash.

    If it does not answer, the other rules decide, and the log says so.
    """

    def validate(self, password: str, user: User | None = None) -> None:  # noqa: ARG002
        """Raise ValidationError if the password is in the lists."""
        if settings.BREACHED_PASSWORDS_URL and _is_stolen(password):
            raise ValidationError(STOLEN, code="password_stolen")

    def get_help_text(self) -> str:
        """Return the rule in words."""
        return "No password that is in a list of stolen passwords."


def known_words() -> list[str]:
    """Return the words that passwords may not be built from, the longest first."""
    host = urlsplit(settings.FIELDWATCH_URL).hostname or ""
    parts = [part for part in re.split(r"[^a-z]+", host) if len(part) >= SHORTEST_WORD]
    words = {_letters_and_digits(word) for word in (*WORDS, *settings.PASSWORD_WORDS, *parts)}
    return sorted(words, key=len, reverse=True)


def _letters_and_digits(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _is_stolen(password: str) -> bool:
    """Ask the service; False if it does not answer."""
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    url = f"{settings.BREACHED_PASSWORDS_URL.rstrip('/')}/{digest[:PREFIX]}"
    headers = {"Add-Padding": "true"}  # the length of the answer then tells nothing
    try:
        status, body = fetch_bytes("GET", url, headers=headers, patience=PATIENCE)
    except ProviderAway as exc:
        log.warning("a password was not checked against stolen ones: %s", exc)
        return False
    if status != 200:
        log.warning("a password was not checked against stolen ones: status %s", status)
        return False
    counts = dict(line.partition(":")[::2] for line in body.decode("ascii", "replace").split())
    return counts.get(digest[PREFIX:], "0") != "0"
