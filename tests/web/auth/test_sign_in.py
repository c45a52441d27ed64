"""Guessing is slow and locks nobody out; second factors; passwords by mail."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from allauth.account.forms import ResetPasswordKeyForm, default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
)
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.core.cache.backends import db
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import Settings

from dashboard.fielding import people
from dashboard.fielding.audit import Origin
from dashboard.fielding.models import AuditEvent, User
from dashboard.web.auth import throttle
from dashboard.web.auth.backends import SecondFactor
from dashboard.web.views import sign_in as session
from tests import factories
from tests.fakes.mailbox import delivered

pytestmark = pytest.mark.django_db
EARLY = "Too many wrong passwords."
RIGHT = "demo"
ELSEWHERE = "198.51.100.7"


def sign_in(client: Client, name: str = "dana", password: str = RIGHT, **extra: str) -> int:
    """The status of a try; 302 is in."""
    form = {"username": name, "password": password}
    return client.post("/sign-in/", form, **extra).status_code  # type: ignore[arg-type]


def guess(client: Client, times: int, name: str = "dana", **extra: str) -> list[int]:
    """The statuses of so many wrong tries."""
    return [sign_in(client, name, "wrong", **extra) for _ in range(times)]


class Clock:
    """The throttle's clock, which stands still unless it is told to go."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    still = Clock()
    monkeypatch.setattr(throttle, "clock", still)
    return still


@pytest.fixture
def dana() -> User:
    cache.clear()
    return factories.person(username="dana", email="dana@example.com")


def test_guessing_one_persons_password_is_throttled(client: Client, dana: User) -> None:
    statuses = guess(client, throttle.FREE_PER_NAME + 3)
    assert statuses[: throttle.FREE_PER_NAME] == [200] * throttle.FREE_PER_NAME
    assert statuses[-1] == 429


def test_a_forged_address_does_not_help(client: Client, dana: User) -> None:
    statuses = [
        sign_in(client, "dana", "wrong", HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
        for number in range(throttle.FREE_PER_NAME + 3)
    ]
    assert statuses[-1] == 429


@pytest.mark.parametrize("twin", ["d\u0131ana", " DIANA "])
def test_a_name_written_otherwise_is_the_same_name(client: Client, dana: User, twin: str) -> None:
    guess(client, throttle.FREE_PER_NAME, "diana")
    assert guess(client, 1, twin) == [429]


def test_spraying_many_names_is_throttled(client: Client, dana: User) -> None:
    statuses = [
        sign_in(client, f"name-{number}", "Autumn2026")
        for number in range(throttle.FREE_PER_ADDRESS + 3)
    ]
    assert statuses[-1] == 429


def test_the_victim_signs_in_from_elsewhere_meanwhile(client: Client, dana: User) -> None:
    guess(client, throttle.FREE_PER_NAME + 3)
    assert sign_in(Client(), REMOTE_ADDR=ELSEWHERE) == 302


def test_a_browser_that_was_here_before_never_waits_for_others(client: Client, dana: User) -> None:
    own = Client()
    assert sign_in(own) == 302
    own.post("/sign-out/")
    guess(client, throttle.FREE_PER_ADDRESS + 3)
    guess(client, throttle.FREE_PER_NAME, "other")
    assert sign_in(own) == 302


def test_a_known_browser_is_no_key_to_guessing_either(dana: User) -> None:
    own = Client()
    sign_in(own)
    own.post("/sign-out/")
    assert guess(own, throttle.FREE_PER_NAME + 3)[-1] == 429


def test_a_known_browser_is_known_for_its_own_people_only(dana: User) -> None:
    factories.person(username="victim")
    own = Client()
    sign_in(own)
    own.post("/sign-out/")
    guess(Client(), throttle.FREE_PER_NAME + 3, "victim")
    assert sign_in(own, "victim") == 429


def test_who_waits_gets_in_again_and_never_waits_long(
    client: Client, dana: User, clock: Clock
) -> None:
    for _ in range(20):
        guess(client, 1)
        clock.now += throttle.LONGEST_WAIT
    guess(client, 1)
    clock.now += throttle.LONGEST_WAIT - 1
    assert sign_in(client) == 429
    clock.now += 1
    assert sign_in(client) == 302


def test_a_try_that_came_early_is_not_looked_at(client: Client, dana: User) -> None:
    guess(client, throttle.FREE_PER_NAME + 1)
    answer = client.post("/sign-in/", {"username": "dana", "password": "demo"})
    assert answer.status_code == 429
    assert EARLY in answer.content.decode()
    assert "dana" in answer.content.decode()


@pytest.mark.parametrize(
    ("proxies", "told", "seen"),
    [
        (0, "203.0.113.1", "127.0.0.1"),
        (1, "203.0.113.1", "203.0.113.1"),
        (1, "6.6.6.6, 203.0.113.1", "203.0.113.1"),
        (2, "6.6.6.6, 203.0.113.1, 10.0.0.1", "203.0.113.1"),
        (2, "203.0.113.1", "127.0.0.1"),
        (1, "203.0.113.1:5417", "203.0.113.1"),
        (1, "[2001:db8::7]:443", "2001:db8::7"),
        (1, "fe80::7%eth0", "fe80::7"),
        (1, "unknown", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_only_our_own_proxies_are_believed(
    rf: object, settings: Settings, proxies: int, told: str, seen: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = rf.get("/", headers={"X-Forwarded-For": told})  # type: ignore[attr-defined]
    assert throttle.client_address(request) == seen


def test_who_comes_through_a_unix_socket_is_let_in(dana: User) -> None:
    client = Client(REMOTE_ADDR="")
    assert sign_in(client) == 302
    assert client.get("/me/sessions/").status_code == 200


def set_password(client: Client, password: str, *, done: bool = True) -> str:
    """Follow the link of the last mail and set a password; the link, or the page that refuses."""
    link = re.search(r"http://127.0.0.1:8000(/sign-in/new/\S+)", str(delivered()[-1].body))
    assert link
    form = client.get(link[1]).headers["Location"]
    answer = client.post(form, {"password1": password, "password2": password})
    if not done:
        return answer.content.decode()
    assert answer.headers["Location"] == "/sign-in/new/done/"
    return link[1]


def code_now(user: User, *, ahead: int = 0) -> str:
    """What the app on the phone shows, on one whose clock is `ahead` by so many codes."""
    kept = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP)
    secret = kept.wrap().instance.data["secret"]
    plain = SecondFactor().decrypt(secret)
    assert plain not in str(kept.data)
    return str(format_hotp_value(hotp_value(plain, int(time.time()) // 30 + ahead)))


def turn_on(client: Client) -> list[str]:
    """The second factor of who is signed in; the recovery codes."""
    client.post("/me/confirm/", {"password": "demo"})
    page = client.get("/me/second-factor/on/").content.decode()
    secret = re.search(r"<code>([A-Z2-7]+)</code>", page)
    assert secret
    code = format_hotp_value(hotp_value(secret[1], int(time.time()) // 30))
    answer = client.post("/me/second-factor/on/", {"code": code})
    assert answer.headers["Location"] == "/me/second-factor/codes/"
    return re.findall(
        r"<code>(\d+)</code>", client.get("/me/second-factor/codes/").content.decode()
    )


@pytest.fixture
def with_factor(client: Client, dana: User) -> list[str]:
    assert sign_in(client) == 302
    codes = turn_on(client)
    client.post("/sign-out/")
    cache.clear()
    return codes


def test_a_second_factor_is_asked_for_after_the_password(
    client: Client, dana: User, with_factor: list[str]
) -> None:
    answer = client.post("/sign-in/", {"username": "dana", "password": "demo", "next": "/spend/"})
    assert answer.headers["Location"] == "/sign-in/code/"
    assert client.get("/").status_code == 302
    assert client.post("/sign-in/code/", {"code": "000000"}).status_code == 200
    answer = client.post("/sign-in/code/", {"code": code_now(dana)})
    assert answer.headers["Location"] == "/spend/"
    assert client.get("/").status_code == 200


def test_a_code_works_once(client: Client, dana: User, with_factor: list[str]) -> None:
    code = code_now(dana)
    sign_in(client)
    assert client.post("/sign-in/code/", {"code": code}).status_code == 302
    other = Client()
    sign_in(other)
    assert other.post("/sign-in/code/", {"code": code}).status_code == 200


@pytest.mark.parametrize("ahead", [-1, 0, 1])
def test_a_code_is_used_up_for_as_long_as_it_is_valid(
    client: Client,
    dana: User,
    with_factor: list[str],
    monkeypatch: pytest.MonkeyPatch,
    ahead: int,
) -> None:
    """In every spelling, to sign in or to confirm: a code of a phone that is ahead lasts 90 s."""
    began = time.time() // 30 * 30
    monkeypatch.setattr(time, "time", lambda: began)
    monkeypatch.setattr(db, "tz_now", lambda: datetime.fromtimestamp(time.time(), UTC))
    code = code_now(dana, ahead=ahead)
    sign_in(client)
    assert client.post("/sign-in/code/", {"code": code}).status_code == 302
    for seconds in (1, 29, 31, 59, 61, 89):
        monkeypatch.setattr(time, "time", lambda seconds=seconds: began + seconds)
        cache.delete(throttle.code_counters(RequestFactory().get("/"), "dana")[0].key)
        for spelling in (code, f"{code[:3]} {code[3:]}", f"{code}."):
            other = Client()
            sign_in(other)
            answer = other.post("/sign-in/code/", {"code": spelling})
            assert answer.status_code == 200, (seconds, spelling)
        again = client.post("/me/confirm/code/", {"code": code})
        assert (seconds, again.status_code) == (seconds, 200)


def test_a_recovery_code_works_once(client: Client, with_factor: list[str]) -> None:
    for status in (302, 200):
        sign_in(client)
        assert client.post("/sign-in/code/", {"code": with_factor[0]}).status_code == status
        client.post("/sign-out/")


def test_a_new_password_by_mail_does_not_replace_the_second_factor(
    dana: User, with_factor: list[str]
) -> None:
    dana.refresh_from_db()  # the time of the sign-in is part of the key
    key = f"{user_pk_to_url_str(dana)}-{default_token_generator.make_token(dana)}"
    client = Client()
    form = client.get(f"/sign-in/new/{key}/").headers["Location"]
    new = "quiet harbour 17 lanterns"
    client.post(form, {"password1": new, "password2": new})
    assert client.get("/me/").status_code == 302
    answer = client.post("/sign-in/", {"username": "dana", "password": new})
    assert answer.headers["Location"] == "/sign-in/code/"


def test_a_link_counts_once_for_two_at_the_same_moment(
    dana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second is past the library's look at the link when the first sets a password."""
    key = f"{user_pk_to_url_str(dana)}-{default_token_generator.make_token(dana)}"
    first, second = Client(), Client()
    forms = [each.get(f"/sign-in/new/{key}/").headers["Location"] for each in (first, second)]
    words = ["quiet harbour 17 lanterns", "silver 23 meadows at dusk"]
    check, answers = ResetPasswordKeyForm.clean, []

    def check_while_the_other_is_faster(form: ResetPasswordKeyForm) -> object:
        monkeypatch.setattr(ResetPasswordKeyForm, "clean", check)
        answers.append(first.post(forms[0], {"password1": words[0], "password2": words[0]}))
        return check(form)

    monkeypatch.setattr(ResetPasswordKeyForm, "clean", check_while_the_other_is_faster)
    answers.append(second.post(forms[1], {"password1": words[1], "password2": words[1]}))
    assert [answer.status_code for answer in answers] == [302, 200]
    assert "_auth_user_id" not in second.session
    dana.refresh_from_db()
    assert dana.check_password(words[0])


def test_secrets_and_codes_of_the_second_factor_are_long_and_random(dana: User) -> None:
    secrets_of_apps = {generate_totp_secret() for _ in range(10)}
    assert len(secrets_of_apps) == 10
    assert all(len(base64.b32decode(secret)) * 8 == 160 for secret in secrets_of_apps)
    codes = RecoveryCodes.activate(dana).get_unused_codes()
    assert len(set(codes)) == 10
    assert all(len(code) == 8 and code.isdigit() for code in codes)  # 26 bits


def test_guessing_codes_is_throttled_wherever_it_comes_from(
    dana: User, with_factor: list[str]
) -> None:
    statuses = []
    for number in range(throttle.FREE_CODES + 2):
        thief = Client(REMOTE_ADDR=f"203.0.113.{number}")
        sign_in(thief)
        answer = thief.post("/sign-in/code/", {"code": "000000"})
        statuses.append("Too many wrong codes" in answer.content.decode())
    assert statuses == [False] * throttle.FREE_CODES + [True] * 2
    thief.post("/sign-in/code/", {"code": code_now(dana)})
    assert thief.get("/").status_code == 302


ORIGIN = Origin(source=AuditEvent.Source.COMMAND)


def change_password(user: User) -> None:
    user.set_password("quiet harbour 17 lanterns")
    user.save()


def end_all_sessions(user: User) -> None:
    people.sign_out(user=user, origin=ORIGIN, now=timezone.now())


def close(user: User) -> None:
    people.close(user=user, origin=ORIGIN, now=timezone.now())


def close_and_reopen(user: User) -> None:
    close(user)
    people.reopen(user=user, origin=ORIGIN, now=timezone.now())


@pytest.mark.parametrize("end", [change_password, end_all_sessions, close, close_and_reopen])
def test_what_ends_sessions_ends_half_a_sign_in(
    client: Client, dana: User, with_factor: list[str], end: Callable[[User], None]
) -> None:
    """Its password was given already; a right code or recovery code no longer opens anything."""
    for code in (code_now(dana), with_factor[0]):
        dana.set_password(RIGHT)
        dana.is_active, dana.closed_at = True, None
        dana.save()
        assert sign_in(client) == 302
        end(User.objects.get(pk=dana.pk))
        client.post("/sign-in/code/", {"code": code})
        assert "_auth_user_id" not in client.session
        User.objects.update(is_active=True, closed_at=None)
        client.post("/sign-in/code/", {"code": code})
        assert "_auth_user_id" not in client.session
    dana.save()
    assert sign_in(client) == 302
    assert client.post("/sign-in/code/", {"code": with_factor[1]}).status_code == 302
    assert "_auth_user_id" in client.session


def test_codes_of_a_person_are_checked_one_after_another(
    dana: User, with_factor: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many at the same moment would all be checked before the first is counted."""
    one, other = Client(), Client()
    for thief in (one, other):
        sign_in(thief)
    checked, pages = [], []

    def check(_factor: TOTP, code: str) -> bool:
        checked.append(code)
        if len(checked) == 1:
            pages.append(other.post("/sign-in/code/", {"code": "222222"}).content.decode())
        return False

    monkeypatch.setattr(TOTP, "validate_code", check)
    one.post("/sign-in/code/", {"code": "111111"})
    assert checked == ["111111"]
    assert "Too many wrong codes" in pages[0]
    other.post("/sign-in/code/", {"code": "222222"})
    assert checked == ["111111", "222222"], "the turn is given back"


def test_who_was_here_before_gives_a_code_while_others_guess(
    client: Client, dana: User, with_factor: list[str]
) -> None:
    thief = Client(REMOTE_ADDR=ELSEWHERE)
    sign_in(thief)
    for _ in range(throttle.FREE_CODES + 3):
        thief.post("/sign-in/code/", {"code": "000000"})
    sign_in(client)
    assert client.post("/sign-in/code/", {"code": code_now(dana)}).status_code == 302


def test_a_network_of_addresses_counts_as_one(dana: User) -> None:
    statuses = [
        sign_in(Client(), "dana", "wrong", REMOTE_ADDR=f"2001:db8:1:2::{number}")
        for number in range(throttle.FREE_PER_NAME + 3)
    ]
    assert statuses[-1] == 429


def test_many_addresses_together_get_slow_and_the_reset_by_mail_stays(dana: User) -> None:
    statuses = [
        sign_in(Client(), "dana", "wrong", REMOTE_ADDR=f"203.0.113.{number}")
        for number in range(throttle.FREE_EVERYWHERE + 3)
    ]
    assert statuses[-1] == 429
    own = Client(REMOTE_ADDR=ELSEWHERE)
    assert sign_in(own) == 429
    own.post("/sign-in/forgotten/", {"email": "dana@example.com"})
    set_password(own, "a-longer-one-7")
    assert sign_in(own, "dana", "a-longer-one-7") == 302


def test_turning_it_off_asks_who_it_is(client: Client, dana: User, with_factor: list[str]) -> None:
    client.force_login(dana)
    assert "/me/confirm/" in client.get("/me/second-factor/off/").headers["Location"]
    assert Authenticator.objects.filter(user=dana).exists()


def test_a_forgotten_password_is_replaced_by_mail_and_ends_sessions(
    client: Client, dana: User
) -> None:
    there = Client()
    there.force_login(dana)
    assert client.post("/sign-in/forgotten/", {"email": "Dana@example.com"}).status_code == 302
    sent = delivered()[-1]
    assert sent.to == ["dana@example.com"]
    assert sent.subject == "Reset your Fieldwatch password"
    link = set_password(client, "a-longer-one-7")
    assert there.get("/").status_code == 302
    assert sign_in(Client(), "dana", "a-longer-one-7") == 302
    assert "no longer works" in Client().get(link).content.decode()


def test_a_reset_finds_an_address_that_was_stored_in_capitals(client: Client, dana: User) -> None:
    User.objects.filter(pk=dana.pk).update(email="Dana.Smith@Example.com")
    client.post("/sign-in/forgotten/", {"email": "dana.smith@example.com"})
    assert delivered()[0].to == ["Dana.Smith@Example.com"]


def test_the_link_in_a_mail_leads_to_us_whatever_host_was_asked(
    client: Client, dana: User, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    client.post("/sign-in/forgotten/", {"email": dana.email}, HTTP_HOST="evil.example")
    assert "evil" not in str(delivered()[-1].body)


def test_a_reset_is_answered_before_its_mail_leaves(dana: User) -> None:
    """How long an answer takes tells nobody whether an address is known."""
    request = RequestFactory().post("/sign-in/forgotten/", {"email": dana.email})
    request.user, request.session = AnonymousUser(), {}  # type: ignore[assignment]
    with context.request_context(request):
        answer = session.forgotten(request)
        assert delivered() == []
        answer.close()
    assert delivered()[0].to == [dana.email]


def test_a_password_that_is_set_by_mail_is_long_enough(client: Client, dana: User) -> None:
    client.post("/sign-in/forgotten/", {"email": dana.email})
    assert "at least 12 characters" in set_password(client, "short-one-7", done=False)


def test_the_sign_in_form_says_which_name_it_takes(client: Client) -> None:
    assert ">Username or email address<" in client.get("/sign-in/").content.decode()


def test_a_password_that_takes_the_place_of_another_is_told_by_mail(
    client: Client, dana: User
) -> None:
    client.post("/sign-in/forgotten/", {"email": dana.email})
    set_password(client, "a-longer-one-7")
    assert "Your other sessions have ended" in client.get("/sign-in/new/done/").content.decode()
    assert delivered()[-1].subject == "Fieldwatch: your password was reset with an emailed link"


def test_what_a_new_password_needs_is_said_beforehand(client: Client, dana: User) -> None:
    client.force_login(dana)
    assert "At least 12 characters" in client.get("/me/password/").content.decode()


def test_a_person_is_told_when_the_ways_in_change(
    client: Client, dana: User, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    sign_in(client)
    with django_capture_on_commit_callbacks(execute=True):
        turn_on(client)
    new = {"new_password1": "a-longer-one-7", "new_password2": "a-longer-one-7"}
    client.post("/me/password/", {"old_password": RIGHT} | new)
    client.post("/me/address/", {"email": "new@example.com", "password": "a-longer-one-7"})
    link = re.search(r"(/me/address/\S+)", str(delivered()[-1].body))
    assert link
    client.post(link[1])
    told = [(one.to, one.subject) for one in delivered() if one.subject.startswith("Fieldwatch:")]
    assert told == [
        (["dana@example.com"], "Fieldwatch: two-factor authentication was turned on"),
        (["dana@example.com"], "Fieldwatch: your password was changed"),
        (["new@example.com"], "Fieldwatch: confirm your email address"),
        (["dana@example.com"], "Fieldwatch: your email address was changed"),
    ]
    assert "from 127.0.0.1" in str(delivered()[0].body)


def test_who_is_unknown_gets_the_same_answer_and_no_mail(client: Client, dana: User) -> None:
    known = client.post("/sign-in/forgotten/", {"email": "dana@example.com"})
    unknown = client.post("/sign-in/forgotten/", {"email": "nobody@example.com"})
    assert known.headers["Location"] == unknown.headers["Location"]
    assert len(delivered()) == 1


def test_a_mail_server_that_is_away_tells_nothing(
    client: Client, dana: User, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    answer = client.post("/sign-in/forgotten/", {"email": "dana@example.com"})
    assert answer.headers["Location"] == "/sign-in/forgotten/sent/"
