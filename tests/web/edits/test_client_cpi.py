"""What the client pays per complete of a project: a form of its own beside the budget."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.test import Client

from dashboard.fielding.models import Edit, ExchangeAccount, Project
from tests import factories
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account()


@pytest.fixture
def project(account: ExchangeAccount) -> Project:
    project = factories.project(account)
    factories.group(project)
    return project


@pytest.fixture
def editor(client: Client, account: ExchangeAccount) -> Client:
    client.force_login(factories.person("editor", account))
    return client


def address_of(project: Project) -> str:
    return f"/projects/{project.pk}/client-cpi/"


def seal_of(client: Client, project: Project, *, query: str = "") -> str:
    html = client.get(address_of(project) + query).content.decode()
    sealed = re.search(r'name="form" value="([^"]+)"', html)  # the first form is the asked one
    assert sealed
    return sealed[1]


def test_it_is_stored_with_who_set_it_and_once(editor: Client, project: Project) -> None:
    form = {"form": seal_of(editor, project), "client_cpi": "$ 6,50", "currency": "USD"}
    for _ in range(2):  # sent twice, one change
        assert editor.post(address_of(project), form).status_code == 302
    project.refresh_from_db()
    assert (project.client_cpi, project.client_cpi_currency) == (Decimal("6.50"), "USD")
    assert (project.budget, project.budget_currency) == (None, "")
    edit = Edit.objects.get()
    assert (edit.kind, edit.project_id, edit.state) == ("client_cpi", project.pk, "confirmed")
    assert edit.by is not None
    history = editor.get(f"/projects/{project.pk}/history/").content.decode()
    assert "Client CPI" in history
    assert "6.50 USD" in history


def test_an_empty_field_takes_it_away(editor: Client, project: Project) -> None:
    Project.objects.update(client_cpi=Decimal("6.50"), client_cpi_currency="USD")
    form = {"form": seal_of(editor, project), "client_cpi": "", "currency": "USD"}
    editor.post(address_of(project), form)
    project.refresh_from_db()
    assert (project.client_cpi, project.client_cpi_currency) == (None, "")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"client_cpi": "-5", "currency": "USD"}, "The client CPI must be more than 0."),
        ({"client_cpi": "abc", "currency": "USD"}, "is not an amount"),
        ({"client_cpi": "6.500", "currency": "USD"}, "Do you mean 6.50 or 6,500?"),
        ({"client_cpi": "5", "currency": "EUR"}, "Choose a currency of this project"),
        ({"client_cpi": "", "currency": "USD"}, "Nothing has been changed"),
    ],
)
def test_a_wrong_entry_is_refused_at_its_field_and_stays(
    editor: Client, project: Project, typed: dict[str, str], sentence: str
) -> None:
    form = typed | {"form": seal_of(editor, project)}
    html = fold_white_space(editor.post(address_of(project), form).content.decode())
    assert sentence in html
    assert f'name="client_cpi" value="{typed["client_cpi"]}"' in html
    assert html.count("aria-invalid") == 1
    project.refresh_from_db()
    assert project.client_cpi is None


def test_two_people_do_not_overwrite_each_other(editor: Client, project: Project) -> None:
    mine, theirs = seal_of(editor, project), seal_of(editor, project)
    editor.post(address_of(project), {"form": theirs, "client_cpi": "6", "currency": "USD"})
    answer = editor.post(address_of(project), {"form": mine, "client_cpi": "7", "currency": "USD"})
    assert "Someone else changed this" in answer.content.decode()
    project.refresh_from_db()
    assert project.client_cpi == Decimal(6)


def test_it_can_be_undone_in_its_own_form(editor: Client, project: Project) -> None:
    Project.objects.update(client_cpi=Decimal("6.50"), client_cpi_currency="USD")
    form = {"form": seal_of(editor, project), "client_cpi": "7.25", "currency": "USD"}
    editor.post(address_of(project), form)
    edit = Edit.objects.get()
    page = editor.get(f"/edits/{edit.pk}/").content.decode()
    undo = f"{address_of(project)}?undo={edit.pk}"
    assert undo in page
    assert 'name="client_cpi" value="6.5"' in fold_white_space(editor.get(undo).content.decode())


def test_a_viewer_may_not_set_it(
    client: Client, account: ExchangeAccount, project: Project
) -> None:
    client.force_login(factories.person("viewer", account))
    assert client.get(address_of(project)).status_code == 403
    assert client.post(address_of(project), {"client_cpi": "5"}).status_code == 403
