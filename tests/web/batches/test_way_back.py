"""Where a preview leads that is not sent, and what the page of a finished extension offers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.fielding.models import TargetGroup, User
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def group() -> TargetGroup:
    project = factories.project(factories.account())
    ahead = timezone.now() + timedelta(days=3)
    paused = {"status": "paused", "status_changed_by": "system_user", "ends_at": ahead}
    return factories.group(
        project, name="Japan 25–54", status_reason="excessive_encryption_errors", **paused
    )


@pytest.fixture
def anna(client: Client, group: TargetGroup) -> User:
    user = factories.person("editor", group.account, first_name="Anna")
    client.force_login(user)
    return user


@pytest.mark.parametrize(
    ("came_from", "back"),
    [
        ("/?tab=waiting", "/?tab=waiting"),
        ("//elsewhere.example/", "/groups/{group}/"),
        ("https://elsewhere.example/", "/groups/{group}/"),
        ("", "/groups/{group}/"),
    ],
)
def test_cancel_leads_back_to_where_the_preview_was_opened(
    client: Client, group: TargetGroup, anna: User, came_from: str, back: str
) -> None:
    form = {"do": "resume", "pick": group.pk, "next": came_from}
    page = client.post("/act/", form).content.decode()
    assert f'<a class="button quiet" href="{back.format(group=group.pk)}">Cancel</a>' in page


def test_a_preview_of_a_resume_says_why_it_is_paused_and_what_comes_first(
    client: Client, group: TargetGroup, anna: User
) -> None:
    page = client.post("/act/", {"do": "resume", "pick": group.pk}).content.decode()
    assert "Paused by Cint: encryption (hash) errors" in page
    assert "100 / 200." in page
    assert "First fix the signing key, or Cint will pause it again." in page
    assert "Resume 1 group" in page


def test_groups_with_a_new_end_date_that_stand_paused_can_be_resumed_at_once(
    client: Client, group: TargetGroup, anna: User
) -> None:
    batch = factories.batch(group, action="end")
    page = client.get(f"/jobs/{batch.pk}/").content.decode()
    assert "Resume the paused groups…" in page
    assert f'<input type="hidden" name="pick" value="{group.pk}">' in page
    TargetGroup.objects.update(status="live")
    assert "Resume the paused" not in client.get(f"/jobs/{batch.pk}/").content.decode()
