"""Which passwords people may choose, wherever they choose one."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth.password_validation import validate_password
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from dashboard.fielding import setup
from dashboard.fielding.models import User
from dashboard.web.auth import passwords
from tests import factories
from tests.fakes.stolen_passwords import StolenPasswordService

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]
GOOD = "quiet harbour 17 lanterns"
STOLEN = "correct horse battery staple"


@pytest.fixture
def dana() -> User:
    cache.clear()
    return factories.person("administrator", factories.account(name="main"), username="dana")


@pytest.fixture
def service(settings: Settings) -> Iterator[StolenPasswordService]:
    with StolenPasswordService(STOLEN) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        settings.BREACHED_PASSWORDS_URL = server.url
        yield server
        server.shutdown()


def change(password: str, name: str = "dana") -> str:
    """Change the own password; the reasons for which it was refused."""
    client = Client()
    client.force_login(User.objects.get(username=name))
    new = {"new_password1": password, "new_password2": password}
    page = client.post("/me/password/", {"old_password": "demo", **new})
    return reasons(page.content.decode()) if page.status_code == 200 else ""


def reset(password: str) -> str:
    """Set a password by a link from an email."""
    user = User.objects.get(username="dana")
    key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
    client = Client()
    form = client.get(f"/sign-in/new/{key}/").headers["Location"]
    page = client.post(form, {"password1": password, "password2": password})
    return reasons(page.content.decode()) if page.status_code == 200 else ""


def set_up(password: str) -> str:
    """Become the first administrator with a password."""
    User.objects.all().delete()
    code = setup.create_setup_code(now=timezone.now())
    typed = {"code": code, "name": "Ann", "email": "ann@example.org"}
    page = Client().post("/setup/", {**typed, "password": password, "repeated": password})
    return reasons(page.content.decode()) if page.status_code == 200 else ""


def add_by_command(password: str) -> str:
    """Add a person on the command line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEW_PASSWORD", password)
        words = ["person", "add", "ben", "ben@example.org", "--role", "viewer", "--on", "main"]
        try:
            call_command(*words, "--password-env", "NEW_PASSWORD", stdout=StringIO())
        except CommandError as refused:
            return str(refused)
    return ""


def reasons(page: str) -> str:
    """The errors that a form shows."""
    return " ".join(re.findall(r'class="error[^>]*>([^<]+)<', page)) or "refused"


WAYS = [change, reset, set_up, add_by_command]


@pytest.mark.parametrize("way", WAYS)
def test_a_stolen_password_is_refused_wherever_it_is_chosen(
    way: type, dana: User, service: StolenPasswordService
) -> None:
    assert "stolen" in way(STOLEN)
    assert way(GOOD) == ""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("password", ["Fieldwatch2026", "fieldwatch-fieldwatch", "Acme_Acme_2026!"])
def test_a_password_of_words_that_everybody_knows_is_refused_wherever_it_is_chosen(
    way: type, password: str, dana: User, settings: Settings
) -> None:
    settings.PASSWORD_WORDS = ["ACME"]
    assert "little more than words" in way(password)


@pytest.mark.parametrize("way", WAYS)
def test_a_short_or_common_password_is_refused_wherever_it_is_chosen(way: type, dana: User) -> None:
    assert "too short" in way("x7$kQ9!mZ2w")
    assert "too common" in way("qwertyuiop123") or "too common" in way("unbelievable")


@pytest.mark.parametrize(
    "password",
    [
        "831064927516",
        "lanternsharbour",
        "QUIETHARBOURLAMP",
        "•••• ¿¡ ßüöé ✓✓",
        "  spaces before and behind  ",
        "quiet " * 20 + "harbour",
        "my fieldwatch is a quiet harbour",
        "x" * 3 + "7" * 61,
    ],
)
def test_a_password_of_any_characters_and_of_any_length_signs_in(password: str, dana: User) -> None:
    assert change(password) == ""
    client = Client()
    client.post("/sign-in/", {"username": "dana", "password": password})
    assert client.get("/me/").status_code == 200
    for other in (password.swapcase(), password[:-1], f"{password} ", password.strip()):
        if other != password:
            client = Client()
            client.post("/sign-in/", {"username": "dana", "password": other})
            assert client.get("/me/").status_code == 302, other


def test_the_service_gets_five_digits_of_a_hash(dana: User, service: StolenPasswordService) -> None:
    validate_password(GOOD, dana)
    assert re.fullmatch(r"/range/[0-9A-F]{5}", service.asked[0])
    assert len(service.asked) == 1


@pytest.mark.parametrize("fault", ["status", "away", "count"])
def test_without_an_answer_of_the_service_the_other_rules_decide(
    fault: str, dana: User, service: StolenPasswordService, settings: Settings
) -> None:
    if fault == "status":
        service.status = 503
    elif fault == "away":
        settings.BREACHED_PASSWORDS_URL = "http://127.0.0.1:1/range"
    else:
        service.count = 0  # a line that only fills the answer
    validate_password(STOLEN, dana)
    with pytest.raises(ValidationError):
        validate_password("short", dana)


def test_a_check_that_was_left_out_is_logged_without_the_password(
    dana: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.BREACHED_PASSWORDS_URL = "http://127.0.0.1:1/range"
    with caplog.at_level(logging.WARNING):
        validate_password(STOLEN, dana)
    assert "was not checked against stolen ones" in caplog.text
    assert STOLEN not in caplog.text


def test_a_password_does_not_expire(dana: User) -> None:
    fields = {field.name for field in User._meta.get_fields()}
    assert not [name for name in fields if "expir" in name or "password_changed" in name]
    User.objects.update(date_joined="2001-01-01T00:00:00Z")
    client = Client()
    client.post("/sign-in/", {"username": "dana", "password": "demo"})
    assert client.get("/me/").status_code == 200


def test_the_known_words_are_those_of_the_documents(settings: Settings) -> None:
    settings.FIELDWATCH_URL = "https://panels.acme-field.example.com"
    settings.PASSWORD_WORDS = ["Größe GmbH"]
    known = passwords.known_words()
    assert {*passwords.WORDS, "panels", "acme", "field", "example", "grössegmbh"} == set(known)
    documented = (ROOT / "docs" / "security.md").read_text()
    assert [word for word in passwords.WORDS if f"`{word}`" not in documented] == []


FIELDS = re.compile(r"<input[^>]*type=\"password\"[^>]*>")
PLAIN = re.compile(r"<input[^>]*name=\"[^\"]*password[^\"]*\"[^>]*>")


def test_password_fields_hide_what_is_typed_and_take_what_managers_fill_in(dana: User) -> None:
    client, stranger = Client(), Client()
    client.force_login(dana)
    pages = [client.get("/me/password/"), client.get("/me/confirm/"), stranger.get("/sign-in/")]
    fields = [field for page in pages for field in PLAIN.findall(page.content.decode())]
    assert len(fields) >= 5
    for field in fields:
        assert 'type="password"' in field
        assert re.search(r'autocomplete="(current|new)-password"', field), field
        assert not re.search(r"onpaste|readonly", field), field
        assert all(int(most) >= 64 for most in re.findall(r'maxlength="(\d+)"', field)), field
    scripts = "".join(path.read_text() for path in (ROOT / "static" / "js").glob("*.js"))
    assert "paste" not in scripts
