"""What a form was opened with comes back as it was signed, or says why it is not accepted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory

from dashboard.fielding.models import Edit, User
from dashboard.web.edits.signed_form import DAY, OpenedForm, Rejection, SignedForm
from tests import factories
from tests.fakes.edit_gateway import FakeExchange
from tests.web.edits.test_edit_views import address, opened

pytestmark = pytest.mark.django_db

CPI = {"value": "2.70", "currency_code": "USD"}


@pytest.fixture
def anna() -> User:
    return factories.person("editor", factories.account(), username="anna")


class OpenedCopy(OpenedForm, frozen=True):
    """A form that remembers more than what it showed."""

    source: int | None = None


def request_of(user: User, text: str = "") -> HttpRequest:
    request = RequestFactory().post("/", {"form": text, "cpi": "3.10"})
    request.user = user
    return request


def signed(
    user: User, text: str = "", *, kind: str = "edit", group: int = 7, open_for: timedelta = DAY
) -> SignedForm[OpenedForm]:
    return SignedForm(request_of(user, text), kind, (group, "cpi"), OpenedForm, open_for)


def test_a_form_comes_back_with_what_it_showed_its_token_and_what_was_typed(anna: User) -> None:
    opened_form = OpenedForm(CPI)
    form = signed(anna, signed(anna).sign(opened_form))
    assert form.read_back() == opened_form
    assert form.typed["cpi"] == "3.10"


def test_every_opened_form_has_a_token_of_its_own() -> None:
    assert OpenedForm(CPI).token != OpenedForm(CPI).token


def test_what_a_form_remembers_besides_comes_back_too(anna: User) -> None:
    opened_copy = OpenedCopy({"name": "UK 18+"}, source=12)
    text = SignedForm(request_of(anna), "draft", (1, 0), OpenedCopy).sign(opened_copy)
    assert (
        SignedForm(request_of(anna, text), "draft", (1, 0), OpenedCopy).read_back() == opened_copy
    )


def test_a_form_that_was_open_too_long_has_expired(anna: User) -> None:
    text = signed(anna).sign(OpenedForm(CPI))
    assert signed(anna, text, open_for=timedelta(seconds=-1)).read_back() is Rejection.EXPIRED


@pytest.mark.parametrize("change", [lambda text: text[:-1] + "~", lambda _: "", lambda _: "a:b:c"])
def test_a_form_whose_signature_does_not_match_was_tampered_with(change, anna: User) -> None:
    text = signed(anna).sign(OpenedForm(CPI))
    assert signed(anna, change(text)).read_back() is Rejection.TAMPERED


def test_a_form_of_another_kind_is_not_accepted(anna: User) -> None:
    text = signed(anna).sign(OpenedForm(CPI))
    assert signed(anna, text, kind="launch").read_back() is Rejection.TAMPERED


def test_a_form_that_lacks_what_its_kind_remembers_is_not_accepted(anna: User) -> None:
    text = SignedForm(request_of(anna), "draft", (1, 0), OpenedCopy).sign(
        OpenedCopy(source="twelve")  # type: ignore[arg-type]
    )
    form = SignedForm(request_of(anna, text), "draft", (1, 0), OpenedCopy)
    assert form.read_back() is Rejection.TAMPERED


def test_a_form_of_another_object_is_not_accepted(anna: User) -> None:
    text = signed(anna).sign(OpenedForm(CPI))
    assert signed(anna, text, group=8).read_back() is Rejection.OTHER_OBJECT


def test_a_form_that_another_person_opened_is_not_accepted(anna: User) -> None:
    ben = factories.person("editor", factories.account(), username="ben")
    text = signed(anna).sign(OpenedForm(CPI))
    assert signed(ben, text).read_back() is Rejection.OTHER_PERSON


def test_a_colleagues_form_sends_nothing_and_keeps_what_was_typed(
    client: Client, exchange: FakeExchange
) -> None:
    group = factories.group(factories.project(factories.account()))
    client.force_login(factories.person("editor", group.account, username="anna"))
    text = opened(client, group)
    client.force_login(factories.person("editor", group.account, username="ben"))
    page = client.post(address(group), {"form": text, "cpi": "3.10"}).content.decode()
    assert "expired before it was sent" in page
    assert 'value="3.10"' in page
    assert exchange.sent == []
    assert not Edit.objects.exists()
