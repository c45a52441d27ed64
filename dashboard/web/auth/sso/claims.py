"""What an identity provider says of a person, parsed: nothing is believed by its truthiness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

LONGEST_SUBJECT = 191  # characters: the column of the sign-in library
LONGEST_ADDRESS = 254


class NotConfirmed(Exception):
    """The provider did not confirm who somebody is; the text is for the log."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as their provider knows them."""

    issuer: str
    subject: str
    address: str  # empty where none is named
    verified: bool | None  # None: the provider does not say


def read_flag(value: object) -> bool:
    """Whether a claim says yes: JSON `true`, or the text "true" in any case. All else is no."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def read_identity(id_token: Mapping[str, Any], userinfo: Mapping[str, Any]) -> Identity:
    """Who the checked ID token names; userinfo adds what the ID token leaves out.

    The ID token's address wins. Its owner is verified if a source that names this very address
    says so and no source says otherwise. Raises `NotConfirmed` where the subject is missing, is no
    text, or differs between the two.
    """
    subject = _subject(id_token)
    if _subject(userinfo) != subject:
        raise NotConfirmed("ID token and userinfo name different subjects")
    sources = (id_token, userinfo)
    address = next(filter(None, map(_address, sources)), "")
    return Identity(
        issuer=str(id_token["iss"]),
        subject=subject,
        address=address,
        verified=_verified(sources, address),
    )


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are one; beyond ASCII, where letters look alike, case counts."""
    if one.isascii() and other.isascii():
        return one.lower() == other.lower()
    return one == other


def _verified(sources: tuple[Mapping[str, Any], ...], address: str) -> bool | None:
    spoken = [source for source in sources if "email_verified" in source]
    if not spoken:
        return None
    about = [source for source in spoken if same_address(_address(source), address)]
    return bool(address and about) and all(read_flag(one["email_verified"]) for one in spoken)


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.strip() or not subject.isprintable():
        raise NotConfirmed("the subject is missing or is not text")
    if len(subject) > LONGEST_SUBJECT:
        raise NotConfirmed(f"the subject is longer than {LONGEST_SUBJECT} characters")
    return subject


def _address(claims: Mapping[str, Any]) -> str:
    """The address that the claims name; empty where there is none, or it is none."""
    address = claims.get("email")
    if not isinstance(address, str) or len(address) > LONGEST_ADDRESS:
        return ""
    try:
        validate_email(address)
    except ValidationError:
        return ""
    return address
