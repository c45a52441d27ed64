"""Log lines carry the facts of the moment, and never a secret."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from dashboard import logs
from dashboard.settings import LOGGING as CONFIGURED
from dashboard.urls import urlpatterns

LOGGING: Any = CONFIGURED  # nested, and of several types

PLANTED = "kd8-pl4nted/secret+key=="


def line(formatter: logging.Formatter, message: str, *args: object, trace: bool = False) -> str:
    """One record as the formatter writes it."""
    record = logging.LogRecord(
        "dashboard.sync.pull.rounds",
        logging.WARNING,
        __file__,
        1,
        message,
        args,
        sys.exc_info() if trace else None,
    )
    return formatter.format(record)


FORMATTERS = pytest.mark.parametrize(
    "formatter", [logs.LineFormatter(), logs.Json()], ids=["line", "json"]
)


@FORMATTERS
def test_a_line_carries_the_facts_of_the_moment(formatter: logging.Formatter) -> None:
    with logs.log_context(cycle="c1"), logs.log_context(project="p1"):
        inside = line(formatter, "round done")
    after = line(formatter, "round done")
    assert "c1" in inside
    assert "p1" in inside
    assert "c1" not in after


def test_a_json_line_is_one_object_with_the_field_names_that_collectors_expect() -> None:
    with logs.log_context(request_id="r1"):
        told = json.loads(line(logs.Json(), "saw %s\nthings", 3))
    assert told["message"] == "saw 3\nthings"
    assert (told["level"], told["logger"], told["request_id"]) == (
        "WARNING",
        "dashboard.sync.pull.rounds",
        "r1",
    )
    assert datetime.fromisoformat(told["time"]).utcoffset() == timedelta(0)


@FORMATTERS
@pytest.mark.parametrize("zone", ["UTC", "America/Chicago", "Asia/Kolkata"])
def test_times_are_in_utc_and_say_so_whatever_the_zone_of_the_machine(
    formatter: logging.Formatter, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        written = line(formatter, "round done")
    finally:
        monkeypatch.undo()
        time.tzset()
    told = re.search(r"[0-9-]{10}T[0-9:]{8}\.[0-9]{3}Z", written)
    assert told, written
    assert abs(datetime.fromisoformat(told[0]) - datetime.now(UTC)) < timedelta(minutes=1)


@FORMATTERS
@pytest.mark.parametrize(
    "words",
    [
        "asked with Authorization: Bearer {}",
        "header {{'Authorization': 'Bearer {}'}}",
        "postgres://fieldwatch:{}@db/fieldwatch",
        '{{"client_secret": "{}"}}',
        "client_secret={}&grant_type=client_credentials",
        "api_key={}",
        "password: {}",
        "access_token={}",
        "Cookie: sessionid={}; csrftoken=x",
        "path=/sign-in/new/3-{}/ status=200",
        "Not Found: /mail/stop/WzEsIm5vdyJd:{}/",
        "path=/act/{}/",
        "path=/me/address/{}/",
        "path=/webhooks/{}/",
    ],
)
def test_what_is_named_as_a_secret_is_hidden(formatter: logging.Formatter, words: str) -> None:
    secret = "n0t-kn0wn-before"
    assert secret not in line(formatter, words.format(secret))


@FORMATTERS
def test_a_secret_that_is_known_is_hidden_wherever_it_stands(formatter: logging.Formatter) -> None:
    logs.hide_secrets(PLANTED)
    try:
        int(f"Cint echoed {PLANTED}")
    except ValueError:
        told = line(formatter, "odd: %r and %s", {"body": PLANTED}, PLANTED, trace=True)
    assert PLANTED not in told
    assert logs.HIDDEN in told
    assert "ValueError" in told


def test_a_secret_with_quotes_is_hidden_in_json_too() -> None:
    logs.hide_secrets('qu"ote\\d-secret')
    assert "ote" not in line(logs.Json(), 'saw qu"ote\\d-secret there')


def test_ordinary_words_stay() -> None:
    said = "Tokyo: token renewed; 12 of 14 groups read; https://api.cint.com/v1/demand"
    assert said in line(logs.LineFormatter(), said)


@pytest.mark.parametrize("mark", ["\n", "\r", "\x1b[2K", "\x85", "\u2028"])
@FORMATTERS
def test_no_request_writes_a_line_of_its_own(formatter: logging.Formatter, mark: str) -> None:
    """A path may hold any character; the line stays one line, and moves no cursor."""
    with logs.log_context(path=f"/x{mark}2026-11-25 INFO all is well"):
        told = line(formatter, "Not Found: %s", f"/y{mark}z")
    assert not any(one in told for one in ("\n", "\r", "\x1b", "\x85", "\u2028"))
    assert "all is well" in told


@FORMATTERS
def test_a_forged_host_is_a_line_and_no_traceback(
    formatter: logging.Formatter, client: Client
) -> None:
    assert LOGGING["handlers"]["stderr"]["class"] == "dashboard.logs.Stderr"
    told = io.StringIO()
    handler = logs.Stderr(told)
    handler.setFormatter(formatter)
    logging.getLogger().addHandler(handler)
    try:
        assert client.get("/healthz/", headers={"host": "evil.example"}).status_code == 400
        logging.getLogger("dashboard").error("ours", exc_info=ValueError("whole"))
    finally:
        logging.getLogger().removeHandler(handler)
    forged, _, ours = told.getvalue().partition("ours")
    assert "evil.example" in forged
    assert "Traceback" not in forged
    assert "ValueError: whole" in ours


@FORMATTERS
@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded; charset=utf-7",
        "application/x-www-form-urlencoded; charset=rot13",
        "multipart/form-data",
        "multipart/form-data; boundary=b; charset=utf-16",
    ],
)
@pytest.mark.django_db
def test_a_body_that_is_none_is_a_line_and_no_traceback(
    formatter: logging.Formatter, content_type: str
) -> None:
    """From a stranger: any cookie of the right form is enough."""
    told = io.StringIO()
    handler = logs.Stderr(told)
    handler.setFormatter(formatter)
    logging.getLogger().addHandler(handler)
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    try:
        answer = client.generic("POST", "/sign-in/", b"--b\r\n\xff", content_type)
    finally:
        logging.getLogger().removeHandler(handler)
    assert answer.status_code in (400, 403)
    assert "/sign-in/" in told.getvalue()
    assert "Traceback" not in told.getvalue()


BACK = "/sign-in/with/sso/back/"
RETURNS = [
    f"{BACK}?code=c0de-of-today&state=st4te",
    f"{BACK}?state=st4te&code=c0de-of-today",
    f"https://fieldwatch.example{BACK}?session_state=st4te&code=c0de-of-today#x",
    f"/sign-in/?next={BACK}?code=c0de-of-today&state=st4te",
]


@FORMATTERS
@pytest.mark.parametrize("address", RETURNS)
def test_the_return_from_single_sign_on_is_logged_without_its_query(
    formatter: logging.Formatter, address: str
) -> None:
    for words in (f'"GET {address} HTTP/1.1" 302 0', f"Forbidden: {address}", repr([address])):
        written = line(formatter, words)
        assert BACK in written
        assert "c0de" not in written
        assert "st4te" not in written


TOKEN = "1-t0ken-of-43_characters-t0ken-of-43_charact"
SECRET_PART = re.compile(r"<str:(token|key)>|\(\?P<uidb36>.*\)")
# Of urls.py: what is not listed there has no secret in its address.
OPENING = [
    "/" + SECRET_PART.sub(TOKEN, str(pattern.pattern)).strip("^$").lstrip("/")
    for pattern in urlpatterns
    if SECRET_PART.search(str(pattern.pattern))
]


@FORMATTERS
@pytest.mark.parametrize("address", OPENING)
def test_an_address_that_opens_something_is_logged_without_its_token(
    formatter: logging.Formatter, address: str
) -> None:
    """However it was mistyped: Django logs each refused request with its path."""
    for mistyped in (
        address,
        address.removesuffix("/"),
        address.replace(TOKEN, f"{TOKEN}."),
        address.replace(TOKEN, f"/{TOKEN}/"),
        address.replace(TOKEN, f"{TOKEN}\x00"),
        f"/{address}/",
        address.replace(TOKEN, "").upper() + TOKEN,
        f"https://fieldwatch.example{address}",
        # Mail gateways and pasted links encode what they should not.
        address.replace("/", "%2F"),
        address.replace("/", "%2f"),
        address.replace("/", "%252F"),
        address.replace("/", "\\"),
        address.replace("/", "//"),
        address.replace(f"/{TOKEN}", f"%2F{TOKEN}"),
    ):
        for words in (f"Not Found: {mistyped}", f"Forbidden (CSRF): {mistyped}", repr([mistyped])):
            assert "t0ken" not in line(formatter, words), words


def test_the_addresses_that_open_something_are_known() -> None:
    assert {address.partition(TOKEN)[0] for address in OPENING} == {
        "/act/",
        "/calendar/",
        "/mail/stop/",
        "/mail/stop/status/",
        "/me/address/",
        "/s/",
        "/sign-in/new/",
        "/webhooks/",
    }


@pytest.mark.django_db
def test_a_refused_request_for_a_shared_status_is_logged_without_its_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    formatter = logs.LineFormatter()
    for client in (Client(), Client(enforce_csrf_checks=True)):
        client.get(f"/s/{TOKEN}/")
        client.get(f"/s/{TOKEN}./")
        client.post(f"/s/{TOKEN}/")
    written = [formatter.format(record) for record in caplog.records]
    assert len(written) > 6
    assert not [words for words in written if "t0ken" in words]


LARGEST = 64 * 1024  # of a request's head
BEGINNINGS = ["/sign-in/with/", "/s/", "/calendar//", "://a:", "token=", "token: ", "fw_", "basic "]
BEGINNINGS += ["/s%2f", "%2525", "/mail", "\\\\"]


@pytest.mark.parametrize("beginning", BEGINNINGS)
@pytest.mark.parametrize("filling", ["", " ", "/", "a", "=", "a=", '"', "  :  ", "\\", "%2f"])
def test_a_long_request_costs_the_log_no_time(beginning: str, filling: str) -> None:
    """A stranger's path of 60 KB took six seconds, in which its process answered nobody."""
    for words in (
        (beginning + filling) * (LARGEST // len(beginning + filling)),
        beginning + filling * LARGEST,
        beginning + filling * (LARGEST // 2) + "=" + filling * (LARGEST // 2),
    ):
        began = time.process_time()
        line(logs.LineFormatter(), f"Not Found: {words}")
        assert time.process_time() - began < 1.5, (words[:40], len(words))


def test_runserver_writes_with_our_handler() -> None:
    """Django's own would write whole addresses, past everything that takes secrets out."""
    logger = LOGGING["loggers"]["django.server"]
    assert logger["handlers"] == ["stderr"]
    assert logger["propagate"] is False
    assert LOGGING["handlers"]["stderr"]["class"] == "dashboard.logs.Stderr"


def test_a_request_through_our_own_middleware_is_logged_without_its_query(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        client.get(RETURNS[0])
    written = " ".join(line(logs.LineFormatter(), record.getMessage()) for record in caplog.records)
    assert "c0de" not in written + str([getattr(one, "of", {}) for one in caplog.records])
