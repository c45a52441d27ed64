"""A page whose numbers are old because Fieldwatch was off says so, with the times."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.fielding.models import Downtime, Heartbeat, Project
from tests import factories

pytestmark = pytest.mark.django_db
PAGES = ("/", "/projects/", "/groups/", "/activity/", "/connections/")


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def project(now: datetime) -> Project:
    """One that was due in the downtime, and was not read since."""
    account = factories.account(read_at=now)
    one = factories.project(account, read_at=now - timedelta(minutes=40), due_at=now)
    factories.group(one)
    return one


@pytest.fixture
def reader(client: Client, project: Project) -> Client:
    client.force_login(factories.person("administrator", project.account))
    return client


def was_off(now: datetime, *, ended: float, lasted: float = 27, cause: str = "off") -> Downtime:
    """A downtime that ended so many minutes ago."""
    at = now - timedelta(minutes=ended)
    Heartbeat.objects.update_or_create(name="work", defaults={"at": now})
    return Downtime.objects.create(
        began_at=at - timedelta(minutes=lasted), ended_at=at, cause=cause
    )


def shown(reader: Client, address: str = "/") -> str:
    return reader.get(address).content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_a_downtime_is_told_as_ours_with_its_times_until_the_numbers_are_read(
    reader: Client, project: Project, now: datetime, page: str
) -> None:
    off = was_off(now, ended=1)
    text = shown(reader, page)
    assert "Fieldwatch was off for 27 min" in text
    assert f'<time datetime="{off.began_at:%Y-%m-%dT%H:%M}' in text
    Project.objects.update(read_at=now, due_at=now + timedelta(minutes=5))
    assert "Fieldwatch was off" not in shown(reader, page)


def test_a_group_s_page_says_so_too(reader: Client, project: Project, now: datetime) -> None:
    was_off(now, ended=1)
    assert "was off for 27 min" in shown(reader, f"/groups/{project.target_groups.get().pk}/")


@pytest.mark.parametrize(
    ("cause", "words"), [("cut_off", "could not work"), ("clock", "its clock jumped ahead")]
)
def test_what_kept_us_from_work_is_told(
    reader: Client, now: datetime, cause: str, words: str
) -> None:
    was_off(now, ended=1, cause=cause)
    assert words in shown(reader)


def test_a_downtime_that_goes_on_is_told_from_the_last_sign_of_work(
    reader: Client, now: datetime
) -> None:
    Heartbeat.objects.create(name="work", at=now - timedelta(minutes=34))
    text = shown(reader)
    assert "Fieldwatch has been off for 34 min" in text
    assert "Alerting is down" not in text  # it is told once


def test_numbers_that_are_old_for_another_reason_are_not_called_ours(
    reader: Client, project: Project, now: datetime
) -> None:
    Heartbeat.objects.create(name="work", at=now)
    assert "Fieldwatch was off" not in shown(reader)
    off = was_off(now, ended=1)
    Project.objects.update(due_at=now + timedelta(hours=1))  # it was not to be read meanwhile
    assert "Fieldwatch was off" not in shown(reader)
    off.delete()
    was_off(now, ended=2 * 24 * 60)
    Project.objects.update(due_at=now)
    assert "Fieldwatch was off" not in shown(reader)


def test_polling_that_a_person_paused_is_told_as_that(
    reader: Client, project: Project, now: datetime
) -> None:
    was_off(now, ended=1)
    pk = project.account_id
    reader.post(f"/connections/{pk}/polling/", {"do": "pause"})
    text = shown(reader)
    assert f"Polling of {project.account.name} is paused" in text
    assert "Fieldwatch was off" not in text


def test_a_refresh_shows_that_the_downtime_is_over(
    reader: Client, project: Project, now: datetime
) -> None:
    was_off(now, ended=1)
    first = reader.get(f"/projects/{project.pk}/", headers={"HX-Request": "true"})
    again = {"HX-Request": "true", "If-None-Match": first.headers["ETag"]}
    assert reader.get(f"/projects/{project.pk}/", headers=again).status_code == 304
    Project.objects.update(read_at=now, due_at=now + timedelta(minutes=5))
    assert reader.get(f"/projects/{project.pk}/", headers=again).status_code == 200


def test_resuming_notes_when_and_resuming_twice_is_as_once(
    reader: Client, project: Project
) -> None:
    account, address = project.account, f"/connections/{project.account_id}/polling/"
    reader.post(address, {"do": "resume"})
    account.refresh_from_db()
    assert account.resumed_at is None
    reader.post(address, {"do": "pause"})
    reader.post(address, {"do": "resume"})
    account.refresh_from_db()
    first = account.resumed_at
    assert first is not None
    reader.post(address, {"do": "resume"})
    account.refresh_from_db()
    assert account.resumed_at == first
