"""How much of a screen a page takes: rows of one line, a project in three screens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from dashboard.fielding.figures.project_outlook import refresh_project_outlook
from tests import factories
from tests.browser.conftest import Open, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ROW_HEIGHTS = "[...document.querySelectorAll('tr[data-line]')].map((row) => row.offsetHeight)"
SCREENS = "document.documentElement.scrollHeight / innerHeight"


@pytest.mark.parametrize(("width", "row", "screens"), [(1440, 40, 3), (375, 64, 12)])
def test_a_project_of_a_hundred_groups_is_seen_without_long_scrolling(
    open_page: Open, width: int, row: int, screens: int
) -> None:
    account, now = factories.account(poll_seconds=300), timezone.now()
    factories.person("editor", account, username="anna")
    project = factories.project(account, name="Coffee W3", read_at=now)
    for number in range(100):
        group = factories.group(
            project,
            name=f"United Kingdom, women 25–34 who drink coffee, cell {number}",
            insight={"forecast": {"at_end": [150, 160, 170], "chance": 0.01}},
            short_at_end=float(number),
            starts_at=now - timedelta(days=7),
            ends_at=now + timedelta(days=7),
        )
        if number % 20 == 0:
            factories.item(group)
    refresh_project_outlook(project.pk, now=now)
    page = open_page(width=width)
    sign_in(page, "anna")
    page.goto(f"/projects/{project.pk}/")
    page.wait_for_load_state("networkidle")
    heights = page.evaluate(ROW_HEIGHTS)
    assert len(heights) == 25
    assert max(heights) <= row
    assert page.evaluate(SCREENS) <= screens
