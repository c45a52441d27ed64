"""The claims of an identity provider about a person, parsed strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from dashboard.fielding.domain.text import one_line

LONGEST_SUBJECT = 191  # characters: the column of the sign-in library
LONGEST_ADDRESS = 254
LONGEST_NAME = 150


class NotConfirmed(Exception):
    """The provider did not confirm who somebody is; the text is for the log."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as their provider describes them."""

    issuer: str
    subject: str
    address: str  # empty if none is named
    verified: bool | None  # None: the provider does not say
    name: str = ""
    groups: frozenset[str] | None = None  # None: the provider does not say


def read_flag(value: object) -> bool:
    """Whether a claim is JSON `true` or the text "true" in any case; anything else is false."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def read_identity(
    id_token: Mapping[str, object], userinfo: Mapping[str, object], *, groups_claim: str
) -> Identity:
    """Return the identity of a checked ID token; userinfo adds what it leaves out.

    The ID token's address wins. It is verified if a source that names this address says so and no
    source says otherwise. Raises `NotConfirmed` if the subject is missing, not text, or differs
    between the two.
    """
    subject = _read_subject(id_token)
    if _read_subject(userinfo) != subject:
        raise NotConfirmed("ID token and userinfo name different subjects")
    sources = (id_token, userinfo)
    address = next(filter(None, map(_read_address, sources)), "")
    return Identity(
        issuer=str(id_token["iss"]),
        subject=subject,
        address=address,
        verified=_is_verified(sources, address),
        name=next(filter(None, map(_read_name, sources)), ""),
        groups=_read_groups(sources, groups_claim),
    )


def same_address(first: str, second: str) -> bool:
    """Whether two addresses are equal; beyond ASCII, where letters look alike, case matters."""
    if first.isascii() and second.isascii():
        return first.lower() == second.lower()
    return first == second


def _is_verified(sources: tuple[Mapping[str, object], ...], address: str) -> bool | None:
    with_flag = [source for source in sources if "email_verified" in source]
    if not with_flag:
        return None
    matching = [source for source in with_flag if same_address(_read_address(source), address)]
    return bool(address and matching) and all(
        read_flag(source["email_verified"]) for source in with_flag
    )


def _read_name(claims: Mapping[str, object]) -> str:
    name = claims.get("name")
    return one_line(name)[:LONGEST_NAME] if isinstance(name, str) else ""


def _read_groups(sources: tuple[Mapping[str, object], ...], claim: str) -> frozenset[str] | None:
    """Return the groups of the first source that lists them; none if no source does.

    None if the list is unusable, or too long for a token: Entra ID then sends only a reference to
    it (`_claim_names`).
    """
    for source in sources:
        if claim in source:
            value = source[claim]
            groups = [value] if isinstance(value, str) else value
            is_list = isinstance(groups, list) and all(isinstance(group, str) for group in groups)
            return frozenset(map(str, groups)) if is_list and isinstance(groups, list) else None
    references = [source.get("_claim_names") for source in sources]
    if any(isinstance(names, Mapping) and claim in names for names in references):
        return None
    return None if any(read_flag(source.get("hasgroups")) for source in sources) else frozenset()


def _read_subject(claims: Mapping[str, object]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.strip() or not subject.isprintable():
        raise NotConfirmed("the subject is missing or is not text")
    if len(subject) > LONGEST_SUBJECT:
        raise NotConfirmed(f"the subject is longer than {LONGEST_SUBJECT} characters")
    return subject


def _read_address(claims: Mapping[str, object]) -> str:
    """Return the address in the claims; empty if it is missing or invalid."""
    address = claims.get("email")
    if not isinstance(address, str) or len(address) > LONGEST_ADDRESS:
        return ""
    try:
        validate_email(address)
    except ValidationError:
        return ""
    return address
