"""Every answer carries the headers that protect it, and a type that names its characters."""

from __future__ import annotations

import re

import pytest
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern
from pytest_django import Settings

from dashboard.settings import base
from dashboard.urls import urlpatterns
from dashboard.web.http.middleware import MACHINE_ADDRESSES
from tests import factories
from tests.web.auth.test_permissions import World, address_of, world

__all__ = ["world"]  # the fixture

pytestmark = pytest.mark.django_db
WANTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
STRICT = {"object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "default-src 'none'"}
SELF_DESCRIBING = re.compile(r"application/([\w.+-]+\+)?(json|vnd\.openxmlformats.*)|image/.*")


def what_is_missing(answer: HttpResponseBase) -> list[str]:
    """What an answer should have and has not; a redirect needs no type."""
    headers = answer.headers
    missing = [name for name, value in WANTED.items() if headers.get(name) != value]
    policy = set(headers.get("Content-Security-Policy", "").split("; "))
    missing += sorted(STRICT - policy)
    if headers.get("Referrer-Policy") not in ("same-origin", "no-referrer"):
        missing.append("Referrer-Policy")
    if "unsafe" in " ".join(policy):
        missing.append("a policy without unsafe code")
    kind = headers.get("Content-Type", "")
    if "charset=" not in kind and not SELF_DESCRIBING.fullmatch(kind) and has_body(answer):
        missing.append(f"charset of {kind!r}")
    if "Cache-Control" not in headers:
        missing.append("Cache-Control")
    return missing


def has_body(answer: HttpResponseBase) -> bool:
    return answer.streaming or bool(getattr(answer, "content", b""))


def ask(pattern: URLPattern, verb: str, role: str, world: World) -> tuple[str, HttpResponseBase]:
    """An address and its answer, for a page of another site; what it changed is taken back."""
    client = Client(headers={"Origin": "https://evil.example"})
    with transaction.atomic():
        if user := world.people.get(role):
            client.force_login(user)
        address = address_of(pattern, world, role)
        answer = client.generic(verb, address)
        transaction.set_rollback(True)
    return address, answer


@pytest.mark.parametrize("role", ["signed out", "administrator"])
def test_every_address_answers_with_them(role: str, world: World) -> None:
    wrong = {}
    for pattern in urlpatterns:
        for verb in ("GET", "POST", "TRACE"):
            address, answer = ask(pattern, verb, role, world)
            missing = what_is_missing(answer)
            missing += [name for name in answer.headers if name.startswith("Access-Control")]
            if verb == "TRACE" and answer.status_code not in (302, 404, 405):
                missing.append(f"a refusal of TRACE, not {answer.status_code}")
            if missing:
                wrong[f"{verb} {address}"] = missing
    assert wrong == {}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/nothing/", {}),
        ("/sign-in/", {"host": "evil.example"}),
        ("/sign-in/?q=%00", {}),
        ("/static/js/app.js", {}),
        ("/static/css/app.css", {}),
        ("/static/img/mark.svg", {}),
        ("/static/nothing.js", {}),
        ("/static/js/", {}),
        ("/static/", {}),
    ],
)
def test_errors_and_files_carry_them_too(
    path: str, headers: dict[str, str], settings: Settings
) -> None:
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    missing = what_is_missing(Client().get(path, headers=headers))
    assert missing == [], missing


@pytest.mark.parametrize("path", ["/static/", "/static/js/", "/static/plotly/", "/help/../"])
def test_no_folder_is_listed(path: str, settings: Settings) -> None:
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    client = Client()
    client.force_login(factories.person())
    answer = client.get(path)
    assert answer.status_code == 404
    assert b"kept_place.js" not in answer.content


@pytest.mark.parametrize("path", ["/sign-in/", "/healthz", "/nothing/", "/api/v1/openapi.json"])
def test_in_production_browsers_are_bound_to_https(path: str, settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    told = Client().get(path, secure=True).headers["Strict-Transport-Security"]
    assert told == "max-age=31536000; includeSubDomains"


@pytest.mark.parametrize("path", ["/", "/sign-in/", "/projects/", "/s/token/"])
def test_pages_lead_from_http_to_https(path: str, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().get(path)
    assert (answer.status_code, answer.headers["Location"]) == (301, f"https://testserver{path}")
    assert what_is_missing(answer) == []


@pytest.mark.parametrize("start", MACHINE_ADDRESSES)
def test_programs_are_refused_without_https_and_not_led_there(
    start: str, settings: Settings, world: World
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    patterns = [each for each in urlpatterns if str(each.pattern).lstrip("^").startswith(start[1:])]
    assert patterns
    for pattern in patterns:
        address = address_of(pattern, world, "viewer")
        for verb in ("GET", "POST"):
            plain = Client().generic(verb, address)
            assert (plain.status_code, plain.content[:16]) == (403, b"Only over https."), address
            safe = Client().generic(verb, address, headers={"X-Forwarded-Proto": "https"})
            assert safe.status_code != 403, address


def test_the_protecting_middleware_is_outside_of_all_that_answers() -> None:
    first = base.MIDDLEWARE.index("csp.middleware.CSPMiddleware")
    assert base.MIDDLEWARE[:first] == ["dashboard.web.http.middleware.log_requests"]
