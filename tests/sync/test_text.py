"""Text that is no text, from the exchange's answers into the tables and onto whatever is read."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from django.db import models
from django.http import FileResponse, StreamingHttpResponse
from django.test import Client

from dashboard.exchange.shapes.groups import TargetGroupsListItem
from dashboard.exchange.shapes.projects import ProjectListItem
from dashboard.fielding.models import (
    BusinessUnit,
    Change,
    Cycle,
    ExchangeAccount,
    ExchangeUser,
    GroupPanels,
    Project,
    Quarantine,
    TargetGroup,
)
from dashboard.sync.columns.group_columns import list_columns, project_columns
from dashboard.sync.columns.limits import DoesNotFit
from tests import factories
from tests.exchange.test_text import BAD
from tests.factories import ulid
from tests.fakes.canned_exchange import PM, Exchange, Reply, group_row, project_row

Pull = Callable[[], dict[str, Any]]
HERE = "HERE"
SOME = (
    "half an emoji",
    "a cut letter of three bytes",
    "a NUL that is escaped",
    "a NUL that is not",
)


def fixed_reply(body: object) -> Callable[[], Reply]:
    return lambda: (200, body)


@pytest.fixture
def odd(exchange: Exchange) -> Exchange:
    """An exchange that sends texts which hold something odd in every answer about group 12."""
    exchange.projects = [project_row(1), project_row(2, name=f"Project {HERE}")]
    exchange.groups[ulid(1)][1] = group_row(12, name=f"Group 12 {HERE}")
    exchange.groups[ulid(2)] = [group_row(21)]
    user = {"id": PM, "name": f"Anna {HERE}", "email": "anna@example.com"}
    unit = {"id": 7, "name": f"Unit {HERE}", "currency_code": "USD"}
    target = {"id": "t1", "text": f"Women {HERE}", "quota": {"completes_goal": 10}}
    profile = {"id": "p1", "name": f"Gender {HERE}", "quotas_enabled": True, "targets": [target]}
    change = {"object": "name_change", "new_value": f"Group 12 {HERE}", "old_value": HERE}
    at = "2026-11-20T03:12:00.000Z"
    exchange.changelog[ulid(12)] = [{"id": "c1", "occurred_at": at, "changes": [change]}]
    exchange.rates[ulid(12)] = {"project_name": HERE, "study_type_code": HERE}
    analysis = {"live": [{"status": HERE, "label": HERE, "count": 3}]}
    answers: dict[str, Any] = {
        r"/accounts/101/users": {"users": [user]},
        r"/accounts/101/business-units": {"business_units": [unit]},
        f"{ulid(12)}/profiles": {"profiles": [profile]},
        f"{ulid(12)}/performance": {
            "entrants": 9,
            "prescreens": 3,
            "completes": 1,
            "respondent_analysis": analysis,
        },
        f"{ulid(12)}/details": {
            "id": ulid(12),
            "name": f"Group 12 {HERE}",
            "account_name": HERE,
            "live_url": HERE,
            "links": {"test_screener": HERE},
        },
    }
    for pattern, answer in answers.items():
        exchange.on("GET", pattern, fixed_reply(answer))
    return exchange


@pytest.fixture
def cut(odd: Exchange) -> None:
    """Half an emoji in each of those answers."""
    odd.spoil = lambda sent: sent.replace(HERE.encode(), BAD["half an emoji"])


def stored_texts() -> Iterator[tuple[str, Any]]:
    """Every text and document in the tables that a pull writes."""
    for model in (Project, TargetGroup, GroupPanels, Change, ExchangeUser, BusinessUnit, Cycle):
        for field in model._meta.concrete_fields:
            if isinstance(field, models.CharField | models.TextField | models.JSONField):
                for value in model._default_manager.values_list(field.name, flat=True):
                    yield f"{model.__name__}.{field.name}", value


@pytest.mark.parametrize("bad", SOME)
def test_odd_text_costs_no_group_no_project_and_no_table(
    pull: Pull, odd: Exchange, bad: str
) -> None:
    odd.spoil = lambda sent: sent.replace(HERE.encode(), BAD[bad])
    result = pull()
    assert (result["complete"], result["quarantined"]) == (True, 0)
    assert sorted(TargetGroup.objects.values_list("exchange_id", flat=True)) == [
        ulid(11),
        ulid(12),
        ulid(13),
        ulid(21),
    ]
    named = dict(TargetGroup.objects.values_list("exchange_id", "name"))
    assert (named[ulid(11)], named[ulid(13)]) == ("Group 11", "Group 13")
    assert named[ulid(12)].startswith("Group 12 \ufffd")
    assert Project.objects.get(exchange_id=ulid(2)).name.startswith("Project \ufffd")
    assert ExchangeUser.objects.get().name.startswith("Anna \ufffd")
    assert BusinessUnit.objects.get().name.startswith("Unit \ufffd")
    assert "Gender \ufffd" in str(GroupPanels.objects.get(group__exchange_id=ulid(12)).profiles)
    assert str(Change.objects.get().new).startswith("Group 12 \ufffd")
    for where, value in stored_texts():
        text = str(value)
        assert HERE not in text
        assert "\0" not in text, where
        assert not any("\ud800" <= letter <= "\udfff" for letter in text), where
    assert not TargetGroup.objects.exclude(error="").exists()


@pytest.mark.usefixtures("cut")
def test_what_is_shown_so_is_told_to_who_looks_after_the_connection(
    pull: Pull, client: Client, account: ExchangeAccount
) -> None:
    pull()
    noted = {(item.operation, item.item_id) for item in Quarantine.objects.all()}
    for operation in ("get_list_target_groups", "get_target_group_details", "list_profiles"):
        assert (operation, ulid(12)) in noted
    assert ("list_account_projects", ulid(2)) in noted
    assert {operation for operation, _ in noted} >= {"get_account_users", "get_business_units"}
    assert not Quarantine.objects.exclude(reason__startswith="Unreadable characters").exists()
    client.force_login(factories.person("administrator", account))
    page = client.get(f"/connections/{account.pk}/").content.decode()
    assert "Unreadable characters are shown as \ufffd, in name" in page


@pytest.mark.usefixtures("cut")
def test_what_is_noted_is_one_row_however_often_it_is_read(pull: Pull) -> None:
    pull()
    rows = Quarantine.objects.count()
    TargetGroup.objects.update(row_hash=b"")
    pull()
    assert Quarantine.objects.count() == rows


@pytest.mark.usefixtures("cut")
def test_pages_and_files_show_what_is_left_of_it(
    pull: Pull, client: Client, account: ExchangeAccount
) -> None:
    client.force_login(factories.person("administrator", account))
    pull()
    group = TargetGroup.objects.get(exchange_id=ulid(12))
    shown = "Group 12 \ufffd"
    for address in (
        "/",
        f"/projects/{group.project_id}/",
        f"/groups/{group.pk}/",
        "/groups/",
        f"/groups/{group.pk}/edit/details/",
        f"/projects/{group.project_id}/history/",
    ):
        answer = client.get(address)
        assert answer.status_code == 200, address
    assert shown in client.get(f"/groups/{group.pk}/").content.decode()
    sheet = client.get("/groups/export.csv")
    assert isinstance(sheet, StreamingHttpResponse)
    lines = list(csv.DictReader(sheet.getvalue().decode("utf-8-sig").splitlines()))
    assert len(lines) == 4
    assert any(line["Group"].startswith(shown) for line in lines)
    book = client.get("/groups/export.xlsx")
    assert isinstance(book, FileResponse)
    with zipfile.ZipFile(io.BytesIO(b"".join(book.streaming_content))) as parts:
        assert shown in "".join(
            parts.read(name).decode() for name in parts.namelist() if name.endswith(".xml")
        )


@pytest.mark.parametrize("bad", SOME)
def test_a_group_whose_id_cannot_be_read_is_set_aside_and_none_is_called_gone(
    pull: Pull, exchange: Exchange, bad: str
) -> None:
    pull()
    exchange.groups[ulid(1)][1] = group_row(12, id=f"{ulid(12)[:-1]}{HERE}")
    exchange.spoil = lambda sent: sent.replace(HERE.encode(), BAD[bad])
    assert pull()["quarantined"] == 1
    assert TargetGroup.objects.count() == 3
    assert not TargetGroup.objects.exclude(missing_since=None).exists()


def test_a_page_of_broken_structure_is_rejected_whole(pull: Pull, exchange: Exchange) -> None:
    pull()
    cut = '{"target_groups": [{"id": "' + ulid(11) + '", "name": "cut'
    exchange.on("GET", r"/target-groups\?", lambda: (200, cut))
    assert pull()["complete"] is False
    assert TargetGroup.objects.filter(missing_since=None).count() == 3


GROUP_TEXTS = {
    "human_readable_id": "human_readable_id",
    "target_group_customer_reference_number": "reference_number",
    "status": "status",
    "locale": "locale",
    "project_manager_id": "project_manager_id",
}
PROJECT_TEXTS = {
    "human_readable_id": "human_readable_id",
    "project_customer_reference_number": "reference_number",
    "status": "status",
}


@pytest.mark.parametrize(
    ("model", "member", "column"),
    [
        *((TargetGroup, *names) for names in GROUP_TEXTS.items()),
        *((Project, *names) for names in PROJECT_TEXTS.items()),
    ],
)
def test_a_text_fits_up_to_the_length_of_its_column(
    model: type[models.Model], member: str, column: str
) -> None:
    longest = getattr(model._meta.get_field(column), "max_length", 0)

    def columns(text: str) -> dict[str, Any]:
        if model is Project:
            project = msgspec.json.encode(project_row(1) | {member: text})
            return project_columns(msgspec.json.decode(project, type=ProjectListItem))
        group = msgspec.json.encode(group_row(11) | {member: text})
        return list_columns(msgspec.json.decode(group, type=TargetGroupsListItem))

    assert columns("x" * longest)[column] == "x" * longest
    with pytest.raises(DoesNotFit):
        columns("x" * (longest + 1))
