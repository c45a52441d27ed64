"""What a provider says of a person is parsed; only tokens that it made for us are read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives import serialization
from django.test import Client

from dashboard.web.auth.sso.claims import read_flag
from tests import factories
from tests.fakes.openid_provider import (
    CLIENT_ID,
    LEFT_OUT,
    OpenIdProvider,
    ec_key,
    public_jwk,
    rsa_key,
)
from tests.web.auth.single_sign_on import come_back, who

pytestmark = pytest.mark.django_db
NAMED = {"sub": "42", "email": "dana@example.com"}
VERIFIED = NAMED | {"email_verified": True}
YES = [True, "true", "True", "TRUE"]
NO = [
    None,
    False,
    "false",
    "False",
    "FALSE",
    "no",
    "0",
    "1",
    "yes",
    "on",
    "",
    " true",
    "true ",
    "truе",
    0,
    1,
    1.0,
    -1,
    [],
    [True],
    ["true"],
    {},
    {"value": True},
    "null",
    "verified",
]
# What stands in a claim that ought to be text.
NO_TEXT: list[Any] = [LEFT_OUT, None, True, False, 0, 1, 4.2, [], ["42"], {}, {"a": "42"}, "", " "]


@pytest.fixture(autouse=True)
def invited() -> Any:
    return factories.person(email="dana@example.com")


def outcome(client: Client, provider: OpenIdProvider) -> tuple[int, str | None, int]:
    """The status, who is signed in and how many identities are joined."""
    answer = come_back(client, provider)
    return answer.status_code, who(client), SocialAccount.objects.count()


@pytest.mark.parametrize("value", YES)
def test_an_address_is_verified_if_the_claim_says_true(
    client: Client, provider: OpenIdProvider, invited: Any, value: object
) -> None:
    provider.claims = NAMED | {"email_verified": value}
    assert outcome(client, provider) == (302, str(invited.pk), 1)


@pytest.mark.parametrize("value", [LEFT_OUT, *NO], ids=repr)
@pytest.mark.parametrize("source", ["both", "ID token", "userinfo"])
def test_an_address_is_not_verified_by_anything_else(
    client: Client, provider: OpenIdProvider, value: object, source: str
) -> None:
    told = NAMED | {"email_verified": value}
    provider.claims = told if source != "userinfo" else {"sub": "42"}
    provider.userinfo = told if source != "ID token" else {"sub": "42"}
    assert outcome(client, provider) == (403, None, 0)


@pytest.mark.parametrize("value", [*YES, *NO], ids=repr)
def test_a_flag_is_read_as_one_value_or_the_other(value: object) -> None:
    assert (
        read_flag(value) is (value in YES and not isinstance(value, int | float)) or value is True
    )


@pytest.mark.parametrize("denying", ["ID token", "userinfo"])
@pytest.mark.parametrize("value", [False, "false", None, 1])
def test_one_source_that_says_no_is_enough(
    client: Client, provider: OpenIdProvider, denying: str, value: object
) -> None:
    denied = NAMED | {"email_verified": value}
    provider.claims, provider.userinfo = VERIFIED, denied
    if denying == "ID token":
        provider.claims, provider.userinfo = denied, VERIFIED
    assert outcome(client, provider) == (403, None, 0)


def test_the_signed_address_wins_and_the_other_is_verified_for_itself_alone(
    client: Client, provider: OpenIdProvider
) -> None:
    provider.claims = NAMED
    provider.userinfo = {"sub": "42", "email": "evil@example.org", "email_verified": True}
    assert outcome(client, provider) == (403, None, 0)
    provider.claims = {"sub": "42", "email": "evil@example.org"}
    provider.userinfo = VERIFIED
    assert outcome(client, provider) == (403, None, 0)
    provider.claims = {"sub": "42", "email": "evil@example.org", "email_verified": True}
    assert outcome(client, provider) == (403, None, 0)


def test_a_flag_without_an_address_verifies_no_address_of_the_other_source(
    client: Client, provider: OpenIdProvider
) -> None:
    provider.claims, provider.userinfo = NAMED, {"sub": "42", "email_verified": True}
    assert outcome(client, provider) == (403, None, 0)


def test_userinfo_says_what_a_thin_token_leaves_out(
    client: Client, provider: OpenIdProvider, invited: Any
) -> None:
    provider.claims, provider.userinfo = {"sub": "42"}, VERIFIED
    assert outcome(client, provider) == (302, str(invited.pk), 1)


def test_a_provider_without_userinfo_is_one_too(
    client: Client, provider: OpenIdProvider, invited: Any
) -> None:
    provider.claims, provider.configuration = VERIFIED, {"userinfo_endpoint": None}
    assert outcome(client, provider) == (302, str(invited.pk), 1)
    assert "/userinfo" not in provider.asked


@pytest.mark.parametrize(
    "value",
    [
        *NO_TEXT,
        "dana",
        "dana@",
        "@example.com",
        "a" * 300 + "@b.de",
        "dana@example.com, evil@example.org",
        "dana@example.com\n",
        "Dana <dana@example.com>",
    ],
    ids=repr,
)
def test_an_address_that_is_none_is_none(
    client: Client, provider: OpenIdProvider, value: object
) -> None:
    provider.claims = VERIFIED | {"email": value}
    assert outcome(client, provider) == (403, None, 0)


@pytest.mark.parametrize("value", [*NO_TEXT, "4\x002", "4\n2", "4" * 192], ids=repr)
@pytest.mark.parametrize("source", ["both", "ID token", "userinfo"])
def test_a_subject_that_is_no_text_is_nobody(
    client: Client, provider: OpenIdProvider, value: object, source: str
) -> None:
    told = VERIFIED | {"sub": value}
    provider.claims = told if source != "userinfo" else VERIFIED
    provider.userinfo = told if source != "ID token" else VERIFIED
    assert outcome(client, provider) == (401, None, 0)


def test_two_sources_that_name_two_people_name_nobody(
    client: Client, provider: OpenIdProvider
) -> None:
    provider.claims, provider.userinfo = VERIFIED, VERIFIED | {"sub": "43"}
    assert outcome(client, provider) == (401, None, 0)


def test_every_algorithm_of_the_list_is_read(provider: OpenIdProvider, invited: Any) -> None:
    for algorithm in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256"):
        key = ec_key("own") if algorithm.startswith("ES") else rsa_key("own")
        provider.key, provider.algorithm = key, algorithm
        provider.keys = [public_jwk(key, "own")]
        provider.claims, browser = VERIFIED, Client()
        assert outcome(browser, provider) == (302, str(invited.pk), 1), algorithm


def _part(what: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(what).encode()).decode().rstrip("=")


def _unsigned(claims: dict[str, Any], **header: Any) -> str:
    return f"{_part({'alg': 'none', 'typ': 'JWT', **header})}.{_part(claims)}."


def _by_public_key(algorithm: str) -> Callable[[dict[str, Any]], str]:
    """A token whose HMAC secret is the public key, which everybody knows."""

    def sign(claims: dict[str, Any]) -> str:
        secret = (
            rsa_key("own")
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        return _hmac(claims, secret, algorithm)

    return sign


def _hmac(claims: dict[str, Any], secret: bytes, algorithm: str, **header: Any) -> str:
    text = f"{_part({'alg': algorithm, 'kid': 'own', **header})}.{_part(claims)}"
    digest = getattr(hashlib, f"sha{algorithm[2:]}")
    signature = hmac.new(secret, text.encode(), digest).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def _by_foreign_key(**header: Any) -> Callable[[dict[str, Any]], str]:
    return lambda claims: jwt.encode(claims, rsa_key("foreign"), "RS256", headers=header)


def _tampered(claims: dict[str, Any]) -> str:
    token = jwt.encode(claims, rsa_key("own"), "RS256", headers={"kid": "own"})
    head, _, signature = token.split(".")
    return f"{head}.{_part(claims | {'sub': '1'})}.{signature}"


FORGED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "algorithm none": _unsigned,
    "algorithm None": lambda claims: _unsigned(claims, alg="None"),
    "algorithm missing": lambda claims: _unsigned(claims, alg=None),
    "algorithm a list": lambda claims: _unsigned(claims, alg=["RS256"]),
    "algorithm RS256 without a signature": lambda claims: _unsigned(claims, alg="RS256", kid="own"),
    "algorithm unknown": lambda claims: _unsigned(claims, alg="XS256", kid="own"),
    "HS256 with the public key": _by_public_key("HS256"),
    "HS512 with the public key": _by_public_key("HS512"),
    "HS256 with the client's secret": lambda claims: _hmac(claims, b"very-secret", "HS256"),
    "HS256 with nothing": lambda claims: _hmac(claims, b"", "HS256"),
    "a foreign key": _by_foreign_key(),
    "a foreign key under the name of ours": _by_foreign_key(kid="own"),
    "a foreign key under its own name": _by_foreign_key(kid="foreign"),
    "a foreign key that the token brings": _by_foreign_key(
        kid="own", jwk=public_jwk(rsa_key("foreign"), "own")
    ),
    "a foreign key at an address of the token": _by_foreign_key(
        kid="own", jku="https://evil.example/keys"
    ),
    "a key that is named by a number": _by_foreign_key(kid="1"),
    "an extension that must be understood": lambda claims: jwt.encode(
        claims, rsa_key("own"), "RS256", headers={"kid": "own", "crit": ["x"], "x": 1}
    ),
    "other claims under the signature": _tampered,
    "no token": lambda _: None,
    "a number": lambda _: 1,
    "true": lambda _: True,
    "an object": lambda claims: claims,
    "no text of three parts": lambda _: "token",
    "empty": lambda _: "",
    "claims that are a list": lambda claims: jwt.api_jws.encode(
        json.dumps([claims]).encode(), rsa_key("own"), "RS256", headers={"kid": "own"}
    ),
    "claims that are no JSON": lambda _: jwt.api_jws.encode(
        b"\xff{", rsa_key("own"), "RS256", headers={"kid": "own"}
    ),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_token_that_the_provider_did_not_sign_is_nobodys(
    client: Client, provider: OpenIdProvider, how: str
) -> None:
    provider.claims, provider.sign = VERIFIED, FORGED[how]
    assert outcome(client, provider) == (401, None, 0)


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [public_jwk(rsa_key("foreign"), "own")],
        [public_jwk(rsa_key("own"), "other")],
        [public_jwk(rsa_key("own"), "own", use="enc")],
        [public_jwk(rsa_key("own"), "own", alg="PS256")],
        [public_jwk(ec_key("own"), "own")],
        [{"kty": "oct", "kid": "own", "k": "c2VjcmV0", "alg": "RS256"}],
        [{"kty": "RSA", "kid": "own"}],
        [{"kty": "RSA", "kid": "own", "n": 1, "e": []}],
        [None, 1, "own", []],
        [public_jwk(rsa_key("own"), "own"), public_jwk(rsa_key("foreign"), "own")],
    ],
    ids=range(11),
)
def test_a_key_that_is_not_surely_the_providers_checks_nothing(
    client: Client, provider: OpenIdProvider, keys: list[Any]
) -> None:
    provider.claims, provider.keys = VERIFIED, keys
    assert outcome(client, provider) == (401, None, 0)


def test_a_key_that_is_too_short_is_none(client: Client, provider: OpenIdProvider) -> None:
    provider.claims, provider.key = VERIFIED, rsa_key("short", 1024)
    provider.keys = [public_jwk(provider.key, "own")]
    assert outcome(client, provider) == (401, None, 0)


def test_a_token_without_a_key_name_is_checked_with_the_one_key_that_there_is(
    client: Client, provider: OpenIdProvider, invited: Any
) -> None:
    provider.claims, provider.header = VERIFIED, {}
    provider.keys.append(public_jwk(ec_key("own"), "curve"))
    assert outcome(client, provider) == (302, str(invited.pk), 1)


NOW = int(time.time())


def each(claim: str, values: Iterable[Any]) -> list[dict[str, Any]]:
    """One wrong set of claims for each value."""
    return [{claim: value} for value in values]


WRONG: list[dict[str, Any]] = [
    *each("iss", (LEFT_OUT, None, "", "https://evil.example", [], 1, True)),
    *each("aud", (LEFT_OUT, None, "", "other", [], ["other"], 1, {}, True)),
    {"aud": [CLIENT_ID, "other"]},
    {"aud": [CLIENT_ID, "other"], "azp": "other"},
    *each("azp", ("other", "", None, 1, [CLIENT_ID])),
    *each("exp", (LEFT_OUT, None, 0, NOW - 3600, "soon", [], {}, True, -1)),
    *each("exp", (float("nan"), float("inf"), -float("inf"))),
    *each("iat", (LEFT_OUT, None, NOW + 86400, "now", [], float("inf"))),
    *each("nbf", (NOW + 86400, "now", [])),
    *each("nonce", (LEFT_OUT, None, "", "other", [], 0, True)),
]


@pytest.mark.parametrize("changes", WRONG, ids=range(len(WRONG)))
def test_a_token_for_somebody_else_or_of_another_time_is_nobodys(
    client: Client, provider: OpenIdProvider, changes: dict[str, Any]
) -> None:
    provider.claims, provider.changes = VERIFIED, changes
    assert outcome(client, provider) == (401, None, 0)


def test_a_token_for_several_names_us_as_who_asked(
    client: Client, provider: OpenIdProvider, invited: Any
) -> None:
    provider.claims = VERIFIED
    provider.changes = {"aud": ["other", CLIENT_ID], "azp": CLIENT_ID}
    assert outcome(client, provider) == (302, str(invited.pk), 1)


def test_two_clocks_may_differ_by_half_a_minute(
    client: Client, provider: OpenIdProvider, invited: Any
) -> None:
    provider.claims = VERIFIED
    provider.changes = {"iat": int(time.time()) + 30, "exp": int(time.time()) - 30}
    assert outcome(client, provider) == (302, str(invited.pk), 1)
