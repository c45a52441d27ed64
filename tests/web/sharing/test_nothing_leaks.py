"""No price, EPC, spend, supplier, colleague or note is in anything that a client gets."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.alerts.mail.client.schedule import compose_due_statuses
from dashboard.alerts.mail.outbox import email_message
from dashboard.fielding.models import Mail, Project, SharedStatus, StatusSchedule, User
from tests import factories
from tests.web.sharing.world import find_leaks, mark_other_tables, marked_field

pytestmark = pytest.mark.django_db
TOKEN = "t0ken"
GROUPS = 1000


@pytest.fixture
def shared() -> SharedStatus:
    """The status of a project of 1,000 groups, with a link and a scheduled email."""
    project, user = marked_field(GROUPS)
    shared = factories.shared_status(project, closing="Ask Ann.")
    factories.status_link(shared, user, token=TOKEN)
    factories.status_address(shared, user, address="client@example.com")
    return shared


def preview_of(page: str) -> str:
    """What the page of an editor shows of the client's: the preview, its chart, both emails."""
    parts = re.findall(r"<article.*?</article>|<textarea id=\"email-.*?</textarea>", page, re.S)
    assert len(parts) == 3
    return unescape(" ".join(parts))


def chart_of(page: str) -> dict[str, Any]:
    """The figure that travels with a page."""
    found = re.search(r'<script id="status-chart-drawn"[^>]*>(.*?)</script>', page, re.S)
    assert found
    chart: dict[str, Any] = json.loads(found[1])
    return chart


def workbook_text(client: Client, project: Project) -> str:
    """Every part of the workbook as text."""
    response: Any = client.get(f"/projects/{project.pk}/share/export.xlsx")
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as book:
        sheets = [name for name in book.namelist() if "sheet" in name or "sharedStrings" in name]
        text = " ".join(book.read(name).decode() for name in sheets)
    return text + response["Content-Disposition"]


def scheduled_email(user: User) -> str:
    """The email of a schedule as it is sent, and its row in the outbox."""
    StatusSchedule.objects.update(changed_at=timezone.now() - timedelta(days=9))
    tomorrow = timezone.now().replace(hour=9, minute=5) + timedelta(days=1)
    compose_due_statuses(now=tomorrow)
    mail = Mail.objects.get(purpose="status")
    message = email_message(mail)
    assert user.email not in message.recipients()
    html = " ".join(str(content) for content, _ in message.alternatives)
    return f"{message.subject} {message.body} {html} {mail.text}"


def outputs_of(shared: SharedStatus) -> dict[str, str]:
    """Everything that a client can get."""
    user, client = User.objects.get(), Client()
    client.force_login(user)
    link = Client().get(f"/s/{TOKEN}/").content.decode()
    page = client.get(f"/projects/{shared.project_id}/share/").content.decode()
    assert shared.project is not None
    return {
        "link": link,
        "chart": json.dumps(chart_of(link)),
        "preview and copied email": preview_of(page),
        "excel": workbook_text(client, shared.project),
        "email": scheduled_email(user),
    }


def test_no_mark_is_in_anything_that_a_client_gets(shared: SharedStatus) -> None:
    for name, text in outputs_of(shared).items():
        assert list(find_leaks(text)) == [], name
        assert "Name-" not in text, name
        assert "Tracker" in text or name == "chart", name


def test_with_all_options_only_the_names_of_groups_are_added(shared: SharedStatus) -> None:
    SharedStatus.objects.update(shows_groups=True)
    for name, text in outputs_of(shared).items():
        assert list(find_leaks(text)) == [], name
        assert ("Name-3" in text) is (name != "chart"), name


def test_the_marks_are_found_where_they_may_be_read(shared: SharedStatus, client: Client) -> None:
    client.force_login(User.objects.get())
    page = client.get(f"/projects/{shared.project_id}/").content.decode()
    leaks = " ".join(find_leaks(page))
    assert "LEAKED" in leaks
    assert re.search(r"\d{9}", leaks)


def test_the_tables_that_lead_to_a_group_are_all_marked() -> None:
    project = factories.project(factories.account())
    user = factories.person("editor", project.account)
    named = mark_other_tables(factories.group(project), user)
    assert {"Note", "Incident", "Item", "Edit", "Reading", "GroupPanels", "Rule"} <= named
