"""Odd bytes, huge values, wrong verbs over every address: whatever is asked, never a 500."""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from urllib.parse import quote_from_bytes

import pytest
from django.core.cache import cache
from django.test import Client

from dashboard.urls import urlpatterns
from dashboard.web.api import urls as api_urls
from tests import factories
from tests.fakes.edit_gateway import FakeExchange

pytestmark = pytest.mark.django_db

ADDRESSES = [*urlpatterns, *api_urls.urlpatterns]  # those of the API are loaded apart
# `make soak` asks 10,000.
REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "1500"))
VERBS = ["GET"] * 6 + ["POST"] * 6 + ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
ODD = [
    "",
    "0",
    "-1",
    "1e309",
    "NaN",
    "9" * 400,
    "9" * 5000,  # more digits than Python makes a number of
    "\x00",
    "a\x00b",
    "\r\nSet-Cookie: a=b",
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "' OR 1=1 --",
    "%00",
    "../../etc/passwd",
    "\u202eevil\u202c",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "２.５０",
    "{{7*7}}",
    "null",
    "[]",
    "true",
    "x" * 20_000,
    "-9223372036854775809",
    "99999999999999999999",
    "2026-02-30",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999+14:00",
    "//evil.example",
    "É" * 300,
]
NAMES = [
    "q",
    "sort",
    "page",
    "status",
    "country",
    "who",
    "kind",
    "outcome",
    "columns",
    "by",
    "since",
    "view",
    "per",
    "theme",
    "next",
    "form",
    "cpi",
    "filling_strategy",
    "role",
    "email",
    "name",
    "do",
    "username",
    "password",
    "code",
    "ids",
    "pm",
    "language",
    "until",
    "from",
    "to",
    "goal",
    "starts_at",
    "ends_at",
    "text",
    "rule",
    "threshold",
    "group",
    "select",
    "amount",
]
HEADERS = ["HX-Request", "If-None-Match", "X-Request-ID", "Cint-Signature", "Accept-Language"]
_PART = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>|\(\?P<\w+>[^)]*\)")


def odd_bytes(chance: random.Random) -> bytes:
    """Bytes that may be no text."""
    return chance.randbytes(chance.randint(0, 40))


def address(chance: random.Random, ids: dict[str, list[int]]) -> str:
    """One of our addresses, with ids that exist, cannot exist, or are no ids."""
    route = str(chance.choice(ADDRESSES).pattern)

    def fill(part: re.Match[str]) -> str:
        if part["kind"] == "key":
            known = chance.choice(list(ids.values()))
            return str(chance.choice([*known, *known, *known, 0, 10**25]))
        return quote_from_bytes(chance.choice([b"cpi", b"details", b"x", odd_bytes(chance)]))

    return "/" + _PART.sub(fill, route).replace("^", "").replace("$", "").replace("\\", "")


def pairs(chance: random.Random) -> dict[str, str]:
    """A few fields that pages know, with odd values."""
    return {chance.choice(NAMES): chance.choice(ODD) for _ in range(chance.randint(0, 5))}


def send(client: Client, chance: random.Random, where: str) -> int:
    """One odd request; its status."""
    verb = chance.choice(VERBS)
    headers = {
        name: chance.choice(ODD).replace("\r", "").replace("\n", "")[:500]
        for name in HEADERS
        if chance.random() < 0.1
    }
    if verb == "POST" and chance.random() < 0.7:
        return client.post(where, pairs(chance), headers=headers).status_code
    if verb == "GET":
        return client.get(where, pairs(chance), headers=headers).status_code
    kind = chance.choice(["application/json", "application/x-www-form-urlencoded", "text/\x7f"])
    return client.generic(verb, where, odd_bytes(chance), kind, headers=headers).status_code


@pytest.mark.parametrize("role", ["signed out", "viewer", "editor", "administrator"])
def test_nothing_that_is_asked_breaks_a_page(role: str, exchange: FakeExchange) -> None:
    chance = random.Random(f"fuzz {role}")  # noqa: S311
    account = factories.account()
    groups = [factories.group(factories.project(account)) for _ in range(3)]
    ids = {
        "account": [account.pk],
        "project": [group.project_id for group in groups],
        "group": [group.pk for group in groups],
    }
    client = Client(raise_request_exception=False)
    user = None if role == "signed out" else factories.person(role, account)
    seen: Counter[int] = Counter()
    broken: set[str] = set()
    for number in range(REQUESTS // 4):
        if user and number % 20 == 0:  # it may have signed itself out
            cache.clear()
            client.force_login(user)
        where = address(chance, ids)
        status = send(client, chance, where)
        seen[status] += 1
        if status >= 500:
            broken.add(where)
    assert not broken
    assert seen[200] + seen[302] > REQUESTS // 40, seen


@pytest.mark.parametrize("verb", ["get", "post"])
def test_an_id_that_no_database_holds_is_of_nothing(verb: str, exchange: FakeExchange) -> None:
    account = factories.account()
    client = Client(raise_request_exception=False)
    client.force_login(factories.person("administrator", account))
    asked = {str(one.pattern) for one in ADDRESSES if "<key:" in str(one.pattern)}
    assert len(asked) > 20
    for route in asked:
        where = "/" + _PART.sub(lambda part: str(10**25) if part["kind"] == "key" else "cpi", route)
        assert getattr(client, verb)(where).status_code in (403, 404, 405), where
