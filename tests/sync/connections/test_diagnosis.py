"""Each way in which a connection can fail has its own sentence, with what to do about it."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from dashboard.exchange.errors import (
    BadAnswer,
    CircuitOpen,
    ExchangeError,
    Forbidden,
    HostRefused,
    HostUnknown,
    NotFound,
    NotSecure,
    ProxyFailed,
    RateLimited,
    Redirected,
    TimedOut,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from dashboard.fielding.models import ExchangeAccount
from dashboard.simulator.harness import Simulator
from dashboard.sync.connections import diagnosis, examine
from dashboard.sync.connections.check import CheckLine

KEY = {"auth": "api_key", "secret": "a-key"}
CLIENT = {
    "auth": "client_credentials",
    "secret": "s",
    "client_id": "we",
    "token_url": "https://auth.lucidhq.com/oauth/token",
}


def connection(**fields: Any) -> ExchangeAccount:
    given = {"exchange_id": "101", "base_url": "https://api.cint.com/v1", "name": "main"}
    return ExchangeAccount(**(given | KEY | fields))


TOKEN = "The token address"
CASES: list[tuple[ExchangeError, dict[str, Any], str, str, str]] = [
    (Unauthorized(), KEY, "does not accept the API key", "Copy the whole key", "secret"),
    (Unauthorized(f"{TOKEN} does not accept the client id and secret (401)"), CLIENT,
     "does not accept the client id and secret.", "belong together", "secret"),
    (Unauthorized(f"{TOKEN} issued no token (404)"), CLIENT,
     "issued no token (404).", "auth.lucidhq.com/oauth/token", "token_url"),
    (Unauthorized(), CLIENT, "the token that the token address issued", "audience", "token_url"),
    (Forbidden(), KEY, "may not read account 101", "Check the account id", "account_id"),
    (NotFound(), KEY, "is not the address of Cint's API", "usually ends in /v1", "base_url"),
    (HostRefused("The host x.example is not on the list of allowed hosts"), KEY,
     "not on the list", "EXCHANGE_ALLOWED_HOSTS", "token_url"),
    (HostUnknown(), KEY, "No machine is known by the name api.cint.com.", "DNS", "base_url"),
    (HostUnknown(f"{TOKEN} has a host name that is not known"), CLIENT,
     "by the name auth.lucidhq.com.", "spelling", "token_url"),
    (NotSecure("No secure connection to Cint is possible: certificate has expired"), KEY,
     "not valid today (certificate has expired)", "clock of this machine first", "base_url"),
    (NotSecure("No secure connection to Cint is possible: self-signed certificate"), KEY,
     "cannot be trusted (self-signed certificate)", "A proxy", "base_url"),
    (NotSecure("No secure connection to Cint is possible: Hostname mismatch, certificate is not "
               "valid for 'api.cint.com'."), KEY,
     "belongs to another host (Hostname mismatch", "Check the host name", "base_url"),
    (ProxyFailed("The proxy does not connect to Cint: 403 Forbidden"), KEY,
     "The proxy does not connect to api.cint.com (403 Forbidden).", "network's administrators", ""),
    (ProxyFailed(f"{TOKEN} cannot be reached through the proxy: 407 Proxy Authentication"), CLIENT,
     "does not connect to auth.lucidhq.com (407 Proxy", "user name and password", ""),
    (NotSecure(), KEY, "does not answer over https", "begins with https://", "base_url"),
    (Unreachable(), KEY, "Nothing answers at api.cint.com.", "firewall", "base_url"),
    (Unreachable(f"{TOKEN} cannot be reached"), CLIENT,
     "Nothing answers at auth.lucidhq.com.", "firewall", "token_url"),
    (TimedOut(), KEY, "did not answer in time", "in a minute", "base_url"),
    (Redirected(status=301), KEY, "redirects to another address", "to which", "base_url"),
    (BadAnswer(), KEY, "not as Cint's API does", "web page", "base_url"),
    (Unavailable(status=503), KEY, "internal error (503)", "not caused by what you entered", ""),
    (RateLimited(), KEY, "asks for fewer requests", "in a minute", ""),
    (CircuitOpen(), KEY, "pauses its requests", "in a minute", ""),
    (ExchangeError("Something new"), KEY, "Something new.", "test again", ""),
]  # fmt: skip


def test_every_error_has_a_sentence_a_remedy_and_its_field() -> None:
    sentences = set()
    for error, fields, problem, remedy, field in CASES:
        found = diagnosis.diagnose_error(error, connection(**fields))
        assert problem in found.problem, (error, found)
        assert remedy in found.remedy, (error, found)
        assert found.field == field, (error, found)
        sentences.add(found.problem)
    assert len(sentences) == len(CASES)


def test_a_wrong_account_is_answered_with_those_that_the_key_opens() -> None:
    for opened, problem, remedy in (
        (["101", "102"], "do not open account 999", "They open 101, 102: use one of these ids."),
        ([], "do not open account 999", "They open no account"),
        (["999"], "may not read the projects of account 999", "Demand API"),
    ):
        for refusal in (Forbidden(), NotFound()):
            account = connection(exchange_id="999")
            found = diagnosis.diagnose_error(refusal, account, opened=opened)
            assert (problem in found.problem, remedy in found.remedy) == (True, True), found
            assert found.field == "account_id"


def test_a_clock_is_named_only_beyond_the_tolerance() -> None:
    assert diagnosis.diagnose_clock(None) is None
    assert diagnosis.diagnose_clock(-120.0) is None
    for skew, words in (
        (600.0, "10 minutes behind Cint's"),
        (-600.0, "10 minutes ahead of Cint's"),
        (-7200.0, "2 hours ahead of"),
        (3 * 86400.0, "3 days behind"),
    ):
        found = diagnosis.diagnose_clock(skew)
        assert found
        assert words in found.problem
        assert "NTP" in found.remedy


@pytest.mark.parametrize(
    ("skew", "words"),
    [
        (120.0, None),
        (120.5, "2 minutes behind Cint's"),
        (-7199.0, "120 minutes ahead of Cint's"),
        (7200.0, "2 hours behind Cint's"),
        (48 * 3600 - 1.0, "48 hours behind Cint's"),
        (48 * 3600.0, "2 days behind Cint's"),
    ],
)
def test_how_far_a_clock_is_off_is_in_a_unit_that_people_use(
    skew: float, words: str | None
) -> None:
    found = diagnosis.diagnose_clock(skew)
    assert (found and found.problem) == (words and f"The clock of this machine is {words}.")


@pytest.mark.parametrize(
    ("number", "listed"),
    [(5, "101, 102, 103, 104, 105"), (6, "101, 102, 103, 104, 105 and others")],
)
def test_five_accounts_are_named_and_more_are_said_to_be_there(number: int, listed: str) -> None:
    opened = [str(101 + each) for each in range(number)]
    account = connection(exchange_id="999")
    found = diagnosis.diagnose_error(Forbidden(), account, opened=opened)
    assert found.remedy == f"They open {listed}: use one of these ids."


def test_the_field_of_a_refused_address_is_the_one_with_its_host() -> None:
    refusal = HostRefused("The host api.cint.com is not on the list of allowed hosts")
    assert diagnosis.diagnose_error(refusal, connection()).field == "base_url"
    without_host = connection(base_url="nowhere")
    assert diagnosis.diagnose_error(refusal, without_host).field == "token_url"
    assert "internal error." in diagnosis.diagnose_error(Unavailable(), connection()).problem
    assert str(diagnosis.Diagnosis("A.", "B.")) == "A. B."


@pytest.mark.parametrize(("key", "is_fine"), [("a-key", True), ("a\nkey", False), ("ключ", False)])
def test_a_key_that_no_request_can_carry_is_named(key: str, is_fine: bool) -> None:
    assert (diagnosis.diagnose_key(key) is None) is is_fine


def test_a_connection_works_unless_a_page_lacks_what_it_needs() -> None:
    problem = diagnosis.Diagnosis("A.", "B.")
    for lines, works in (
        ([], True),
        ([CheckLine("get_locales", "failed"), CheckLine("clock", "skipped")], True),
        ([CheckLine("clock", "failed")], False),
        (
            [CheckLine("get_locales", "offered"), CheckLine("list_account_projects", "refused")],
            False,
        ),
    ):
        assert examine.ConnectionReport([], lines).works is works
        assert examine.ConnectionReport([problem], lines).works is False


def test_a_check_that_fails_says_what_is_missing_and_what_helps() -> None:
    line = CheckLine("get_re_entry_configuration", "refused", "Cint does not allow this (403)")
    assert line.label == "Re-entry"
    assert line.remedy == (
        "Until this works, re-entry cannot be changed. Ask Cint to allow this for the credentials."
    )
    assert CheckLine("get_locales", "failed").remedy.endswith("Test again in a few minutes.")
    assert CheckLine("get_locales", "offered").remedy == ""
    assert "NTP" in CheckLine("clock", "failed").remedy


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(projects=1, groups=6, history_days=1, speed=0) as running:
        yield running


def examined(settings: Settings, url: str, **fields: Any) -> examine.ConnectionReport:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*", "no-such-host.invalid", "localhost:*"]
    settings.EXCHANGE_TIMEOUT_SECONDS = 2.0
    return examine.examine_settings(connection(base_url=url, **fields), seconds=20)


def test_settings_that_work_pass_every_check(simulator: Simulator, settings: Settings) -> None:
    report = examined(settings, f"{simulator.base_url}/v1")
    assert report.works
    assert report.is_complete
    assert {line.verdict for line in report.lines} <= {"offered", "skipped"}


def test_faults_of_a_real_exchange_are_told_apart(simulator: Simulator, settings: Settings) -> None:
    url = f"{simulator.base_url}/v1"
    for fault, value, problem in (
        ("http_401", "", "does not accept the API key"),
        ("skew", "600", "10 minutes behind"),
        ("skew", "-600", "10 minutes ahead of"),
        ("http_503", "", "internal error (503)"),
        ("html", "", "not as Cint's API does"),
        ("http_301", "", "redirects"),
    ):
        simulator.fault(fault, value=value)
        report = examined(settings, url)
        simulator.clear_faults()
        assert not report.works, fault
        assert [problem in found.problem for found in report.problems] == [True], report.problems
    report = examined(settings, url, exchange_id="999")
    assert "do not open account 999" in report.problems[0].problem
    assert "They open 101" in report.problems[0].remedy


def test_addresses_that_cannot_work_are_told_apart(settings: Settings) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    for url, problem in (
        (f"http://127.0.0.1:{port}/v1", f"Nothing answers at 127.0.0.1:{port}."),
        ("https://no-such-host.invalid/v1", "by the name no-such-host.invalid"),
        ("https://elsewhere.example/v1", "elsewhere.example is not on the list of allowed hosts"),
        ("ftp://127.0.0.1/v1", "not an http or https address"),
        ("http://no-such-host.invalid/v1", "only allowed over https"),
    ):
        report = examined(settings, url)
        assert [problem in found.problem for found in report.problems] == [True], report.problems
    report = examined(settings, "http://127.0.0.1/v1", secret="a\nkey")
    assert "line break" in report.problems[0].problem


def _serve_tls(folder: Path) -> Iterator[int]:
    """A server on a free port with a certificate that nobody has signed; yields the port."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
         "-keyout", str(key), "-out", str(certificate), "-days", "2"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    try:
                        context.wrap_socket(peer, server_side=True).close()
                    except OSError:
                        continue

        threading.Thread(target=answer, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def tls_port(tmp_path: Path) -> Iterator[int]:
    yield from _serve_tls(tmp_path)


def test_a_certificate_that_is_not_trusted_is_named(
    tls_port: int, simulator: Simulator, settings: Settings
) -> None:
    report = examined(settings, f"https://127.0.0.1:{tls_port}/v1")
    assert "cannot be trusted (self-signed certificate)" in report.problems[0].problem
    plain = simulator.base_url.replace("http://", "https://")
    report = examined(settings, f"{plain}/v1")
    assert "does not answer over https" in report.problems[0].problem
