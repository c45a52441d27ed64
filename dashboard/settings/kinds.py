"""The kinds of value that settings take: each parses a text, or says what it takes.

`parse` raises ValueError for a text that is no value of its kind; `takes` completes the sentence
"POLL_SECONDS takes …". Messages show no wrong value of a kind that `is_secret`.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from string import Formatter
from typing import Protocol, TypeVar
from zoneinfo import available_timezones

from cryptography.fernet import Fernet

T_co = TypeVar("T_co", covariant=True)
_AMOUNT = re.compile(r"[0-9]{1,6}(\.[0-9]{1,4})?")
_FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
_KEY = re.compile(r"[\x21-\x7e]+")
_USERNAME = re.compile(r"[\w.@+-]{1,150}")
_WORD = re.compile(r"(?=.{3,60}$)[^\W_]+([ &-][^\W_]+)*")
LONGEST_LINE = 200


class Kind(Protocol[T_co]):
    """What a variable takes."""

    @property
    def takes(self) -> str:
        """The words that follow "takes"."""

    @property
    def is_secret(self) -> bool:
        """Whether a wrong value may hold a secret."""

    def parse(self, text: str) -> T_co:
        """Return the value; ValueError if the text is none."""


@dataclass(frozen=True)
class Switch:
    """On or off."""

    is_secret = False
    takes = "1, true, yes or on; or 0, false, no or off"

    def parse(self, text: str) -> bool:
        """Read the words that shells and YAML files use."""
        word = text.lower()
        if word in ("1", "true", "yes", "on"):
            return True
        if word in ("0", "false", "no", "off"):
            return False
        raise ValueError


@dataclass(frozen=True)
class WholeNumber:
    """A whole number within a range, both ends included."""

    least: int
    most: int
    is_secret = False

    @property
    def takes(self) -> str:
        """The range."""
        return f"a whole number from {self.least} to {self.most}"

    def parse(self, text: str) -> int:
        """Read digits and nothing else: neither signs nor exponents."""
        if not re.fullmatch(r"[0-9]{1,9}", text) or not self.least <= int(text) <= self.most:
            raise ValueError
        return int(text)


@dataclass(frozen=True)
class WholeNumberOrNone(WholeNumber):
    """A whole number within a range, or the word `none`, which is 0."""

    @property
    def takes(self) -> str:
        """The range and the word."""
        return f"{super().takes}, or none"

    def parse(self, text: str) -> int:
        """Read digits or the word."""
        return 0 if text.lower() == "none" else super().parse(text)


@dataclass(frozen=True)
class DecimalNumber:
    """A number within a range, both ends included, perhaps with decimals."""

    least: float
    most: float
    is_secret = False

    @property
    def takes(self) -> str:
        """The range."""
        return f"a number from {self.least:g} to {self.most:g}"

    def parse(self, text: str) -> float:
        """Read digits with a decimal point."""
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", text):
            raise ValueError
        if not self.least <= float(text) <= self.most:
            raise ValueError
        return float(text)


@dataclass(frozen=True)
class Choice:
    """A few words."""

    words: tuple[str, ...]
    is_secret = False

    @property
    def takes(self) -> str:
        """The words."""
        return f"{', '.join(self.words[:-1])} or {self.words[-1]}"

    def parse(self, text: str) -> str:
        """Read a word as it is written here."""
        if text not in self.words:
            raise ValueError
        return text


@dataclass(frozen=True)
class Line:
    """Words for people, or an identifier: a line of text."""

    is_secret = False
    takes = f"a text of 1 to {LONGEST_LINE} characters"

    def parse(self, text: str) -> str:
        """Read any text that is not too long."""
        if not 1 <= len(text) <= LONGEST_LINE or not text.isprintable():
            raise ValueError
        return text


@dataclass(frozen=True)
class SecretText:
    """A key or token that a machine chose."""

    shortest: int = 1
    is_secret = True

    @property
    def takes(self) -> str:
        """The length and the characters."""
        characters = "ASCII letters, digits and signs, no spaces"
        if self.shortest == 1:
            return characters
        return f"{self.shortest} random characters or more: {characters}"

    def parse(self, text: str) -> str:
        """Read what fits into a header. A repeated character is no secret."""
        if not _KEY.fullmatch(text) or len(text) < self.shortest:
            raise ValueError
        if len(set(text)) < min(self.shortest, 5):
            raise ValueError
        return text


@dataclass(frozen=True)
class FernetKeys:
    """Keys that encrypt stored secrets."""

    is_secret = True
    takes = "Fernet keys (32 bytes, url-safe base64), separated by commas"

    def parse(self, text: str) -> list[str]:
        """Read one key or more."""
        keys = list_entries(text)
        for key in keys:
            if not _FERNET_KEY.fullmatch(key):  # the decoder passes over what it does not know
                raise ValueError
            Fernet(key)
        return keys


@dataclass(frozen=True)
class Folder:
    """A folder, which may not be there yet."""

    is_secret = False
    takes = "the path of a folder"

    def parse(self, text: str) -> Path:
        """Read a path; ValueError for a file, and for `~`, which only shells read."""
        if not text or text.startswith("~"):
            raise ValueError
        path = Path(text)
        try:
            there = next(part for part in (path, *path.absolute().parents) if part.exists())
        except OSError as exc:  # a name that is too long
            raise ValueError from exc
        if not there.is_dir():
            raise ValueError
        return path


@dataclass(frozen=True)
class CertificateFile:
    """A file of certificate authorities."""

    is_secret = False
    takes = "the absolute path of a file with certificates (PEM)"

    def parse(self, text: str) -> str:
        """Read a path; ValueError for a file that cannot be read or holds no certificate."""
        if not Path(text).is_absolute():  # processes may start in different folders
            raise ValueError
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=text)
        except OSError as exc:  # an ssl.SSLError is one, too
            raise ValueError from exc
        return text


@dataclass(frozen=True)
class Usernames:
    """Usernames, separated by commas."""

    is_secret = False
    takes = "usernames (letters, digits and @.+-_), separated by commas"

    def parse(self, text: str) -> list[str]:
        """Return the names as they are compared: without their case."""
        names = list_entries(text)
        if not all(_USERNAME.fullmatch(name) for name in names):
            raise ValueError
        return [name.casefold() for name in names]


@dataclass(frozen=True)
class Words:
    """Words, separated by commas."""

    is_secret = False
    takes = "words of 3 letters or digits or more, separated by commas"

    def parse(self, text: str) -> list[str]:
        """Read the words; each has letters or digits, and may have spaces and hyphens between."""
        words = [word.strip() for word in text.split(",")]
        if not all(_WORD.fullmatch(word) for word in words):
            raise ValueError
        return words


@dataclass(frozen=True)
class RolesByGroup:
    """Roles by the identity provider's groups."""

    is_secret = False
    takes = (
        "group=role or group=role@connection, separated by commas; the role is viewer, editor or "
        "administrator"
    )

    def parse(self, text: str) -> list[tuple[str, str, str]]:
        """Return group, role and connection; an empty connection is every one."""
        roles = []
        for entry in list_entries(text):
            match = re.fullmatch(r"([^=]+)=(viewer|editor|administrator)(?:@(.+))?", entry)
            if match is None:
                raise ValueError
            roles.append((match[1].strip(), match[2], (match[3] or "").strip()))
        return roles


@dataclass(frozen=True)
class Scopes:
    """What is asked of an identity provider."""

    is_secret = False
    takes = "scopes separated by spaces, one of them openid"

    def parse(self, text: str) -> str:
        """Return the scopes as they are sent."""
        if not re.fullmatch(r"[\x21-\x7e]+( [\x21-\x7e]+)*", text) or "openid" not in text.split():
            raise ValueError
        return text


@dataclass(frozen=True)
class AmountsByCurrency:
    """Amounts of money by currency code."""

    is_secret = False
    takes = "CODE=AMOUNT pairs such as EUR=97.50,GBP=83"

    def parse(self, text: str) -> dict[str, Decimal]:
        """Return the amounts, all positive; codes in upper case."""
        amounts = {}
        for code, amount in _pairs(text):
            if not re.fullmatch(r"[A-Za-z]{3}", code) or not _AMOUNT.fullmatch(amount):
                raise ValueError
            if not Decimal(amount):
                raise ValueError
            amounts[code.upper()] = Decimal(amount)
        return amounts


@dataclass(frozen=True)
class ZonesByCountry:
    """Time zones by country code."""

    is_secret = False
    takes = "COUNTRY=ZONE pairs such as us=America/Chicago,br=America/Manaus"

    def parse(self, text: str) -> dict[str, str]:
        """Return zones of the IANA database; codes in lower case."""
        zones = {}
        for code, zone in _pairs(text):
            if not re.fullmatch(r"[A-Za-z]{2}", code) or zone not in available_timezones():
                raise ValueError
            zones[code.lower()] = zone
        return zones


@dataclass(frozen=True)
class PathTemplate:
    """A path below the exchange's address, with placeholders."""

    placeholders: tuple[str, ...]
    is_secret = False

    @property
    def takes(self) -> str:
        """The placeholders."""
        names = ", ".join(f"{{{name}}}" for name in self.placeholders)
        return f"a path that begins with / and holds {names}"

    def parse(self, text: str) -> str:
        """Read a path in which each placeholder stands once."""
        if not re.fullmatch(r"/[\w{}./~-]+", text, re.ASCII):
            raise ValueError
        fields = [field for _, field, _, _ in Formatter().parse(text) if field is not None]
        if sorted(fields) != sorted(self.placeholders):
            raise ValueError
        return text


def list_entries(text: str) -> list[str]:
    """Return what commas separate; ValueError where nothing stands between two."""
    entries = [entry.strip() for entry in text.split(",")]
    if not all(entries):
        raise ValueError
    return entries


def _pairs(text: str) -> Iterable[tuple[str, str]]:
    """Return ``name=value`` pairs; ValueError for a name that stands twice."""
    pairs = [entry.partition("=") for entry in list_entries(text)]
    names = [name.strip().lower() for name, _, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError
    return [(name.strip(), value.strip()) for name, _, value in pairs]
