"""docs/security.md says what the standard wants to be written, and its numbers are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from dashboard.fielding import setup
from dashboard.settings import env
from dashboard.web.api.tokens import CALENDAR_LIMIT, MOST_TOKENS
from dashboard.web.api.values import MOST_ROWS
from dashboard.web.auth import passwords, throttle
from dashboard.web.auth.sso.tokens import SHORTEST_RSA
from dashboard.web.http.buffering_worker import LARGEST_HEAD, LARGEST_REQUEST
from dashboard.web.http.middleware import MACHINE_ADDRESSES

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text()
POLICY = (ROOT / "SECURITY.md").read_text()


def section(heading: str) -> str:
    """The text below a heading, on one line."""
    _, _, rest = PAGE.partition(f"\n## {heading}\n")
    return " ".join(rest.partition("\n## ")[0].split())


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("The ways in", ["password", "single sign-on", "token for the API", "`acr`", "calendar"]),
        ("Sessions", ["`SESSION_HOURS`", "`SESSION_IDLE_MINUTES`", "NIST SP 800-63B", "provider"]),
        ("Who may do what", ["viewer", "editor", "administrator", "keys of the exchange", "spend"]),
        ("What is checked on input", ["amounts", "dates", "goals and quotas", "uploads"]),
        ("Connections in and out", ["proxy", "mail server", "PostgreSQL", "Redis", "Nothing else"]),
        ("Keys and algorithms", ["Fernet", "HMAC-SHA-256", "Argon2id", "TOTP", "`rekey`"]),
        ("Classes of data", ["secret", "personal", "confidential", "public", "encoded"]),
        ("Logs", ["audit log", "standard error", "UTC", "NTP", "`AUDIT_DAYS`"]),
    ],
)
def test_each_part_that_the_standard_asks_for_is_written(heading: str, words: list[str]) -> None:
    assert [word for word in words if word not in section(heading)] == []


def test_the_waiting_times_are_those_of_the_code() -> None:
    text = section("Against guessing")
    for free, longest in (
        (throttle.FREE_PER_NAME, f"{throttle.LONGEST_WAIT} s"),
        (throttle.FREE_PER_ADDRESS, f"{throttle.LONGEST_WAIT} s"),
        (throttle.FREE_EVERYWHERE, f"{throttle.LONGEST_WAIT_EVERYWHERE} s"),
        (throttle.FREE_CODES, f"{throttle.LONGEST_WAIT_FOR_CODE // 60} min"),
        (throttle.FREE_LINKS, f"{throttle.LONGEST_WAIT} s"),
    ):
        assert f"| {free} | {longest} |" in text
    assert f"after {throttle.FORGOTTEN_AFTER // 60} minutes" in text
    assert f"{CALENDAR_LIMIT.requests} an hour" in text


def test_the_limits_are_those_of_the_code() -> None:
    tokens = sorted(MOST_TOKENS.values(), reverse=True)
    limits = section("Limits")
    assert f"| {tokens[0]} for the API, {tokens[1]} calendars |" in limits
    assert f"| {MOST_ROWS};" in limits
    checked = section("What is checked on input")
    assert f"a request up to {LARGEST_REQUEST // 2**20} MB" in checked
    assert f"its head up to {LARGEST_HEAD // 2**10} KB" in checked
    assert f"{settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:,} fields" in checked


def test_the_password_rules_are_those_of_the_code() -> None:
    text = section("Passwords")
    assert f"{settings.SHORTEST_PASSWORD} characters or more" in text
    assert f"fewer than {passwords.LEAST_OWN} letters and digits" in text
    assert f"within {passwords.PATIENCE:.0f} s" in text
    assert [word for word in passwords.WORDS if f"`{word}`" not in text] == []


def test_the_lengths_of_keys_are_those_of_the_code() -> None:
    text = section("Keys and algorithms")
    assert f"{setup._GROUPS * setup._GROUP_LENGTH * 5} random bits" in text
    assert f"from {SHORTEST_RSA:,} bits" in text


def test_every_setting_that_the_page_names_is_one() -> None:
    other = {"ENCRYPTION_KEYS", "PASSWORD_HASHERS"}
    named = set(re.findall(r"`([A-Z][A-Z_]{5,})(?:=[^`]*)?`", PAGE))
    assert len(named) > 20
    assert named - other - set(env.kinds) == set()


def test_the_page_names_every_address_of_programs() -> None:
    assert [start for start in MACHINE_ADDRESSES if f"`{start}`" not in PAGE] == []


def test_time_frames_for_updates_are_written() -> None:
    for grave in ("critical", "high", "medium", "low"):
        assert re.search(rf"\| {grave} \| \d+ days? \|", POLICY), grave
