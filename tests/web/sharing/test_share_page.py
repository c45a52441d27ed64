"""The page that shares a status: preview, options, links, scheduled emails, and who may what."""

from __future__ import annotations

import io
import re
import uuid
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from dashboard.fielding.figures.project_outlook import refresh_project_outlook
from dashboard.fielding.models import (
    AuditEvent,
    Project,
    SharedStatus,
    StatusAddress,
    StatusLink,
    StatusSchedule,
    User,
)
from dashboard.sync.retention import delete_old_rows
from tests import factories
from tests.web.one_story.surfaces import page, strip_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    """A project with a group in each of two countries."""
    project = factories.project(factories.account(), name="Tracker", read_at=timezone.now())
    ends = {"starts_at": timezone.now(), "ends_at": timezone.now() + timedelta(days=5)}
    forecast = {"forecast": {"at_end": [180, 190, 195]}}
    factories.group(project, name="Women", country_code="jp", insight=forecast, **ends)
    factories.group(project, name="Men", country_code="de", insight=forecast, **ends)
    refresh_project_outlook(project.pk, now=timezone.now())
    return Project.objects.get(pk=project.pk)


@pytest.fixture
def editor(project: Project, client: Client) -> User:
    """The editor who is signed in."""
    user = factories.person("editor", project.account)
    client.force_login(user)
    return user


def address_of(project: Project, part: str = "") -> str:
    return f"/projects/{project.pk}/share/{part}"


def page_of(client: Client, project: Project) -> str:
    return client.get(address_of(project)).content.decode()


def link_form(**fields: str) -> dict[str, str]:
    return {"days": "30", "token": str(uuid.uuid4())} | fields


def schedule_form(**fields: Any) -> dict[str, Any]:
    return {"addresses": "A@Example.com, b@example.com", "days": ["1", "5"], "at": "08:30"} | fields


def new_token(client: Client, project: Project) -> str:
    """The token of a link that is created now."""
    page = client.post(address_of(project, "link/"), link_form()).content.decode()
    found = re.search(r'id="new-link" value="[^"]*/s/([\w-]+)/"', page)
    assert found
    return found[1]


def test_the_page_shows_what_the_client_will_see(
    client: Client, editor: User, project: Project
) -> None:
    page = page_of(client, project)
    for part in ("projected to fall short", "Target by now", "Late groups", "Japan", "Germany"):
        assert part in page
    assert "Women" not in page
    assert SharedStatus.objects.count() == 0  # a look stores nothing


def test_the_figures_are_those_of_the_project_page(
    client: Client, editor: User, project: Project
) -> None:
    factories.status_link(factories.shared_status(project), editor, token="t0ken")
    own = strip_of(page(client, f"/projects/{project.pk}/"))
    labels = ("Completes", "Target by now", "Projected at end", "Late groups")
    expected = [re.match(r"[\d,]+( of [\d,]+)?", own[label])[0] for label in labels]  # type: ignore[index]
    for address in (address_of(project), "/s/t0ken/"):
        shown = strip_of(page(client, address))
        assert list(shown) == list(labels)
        assert all(
            shown[label].startswith(figure) for label, figure in zip(labels, expected, strict=True)
        )


def test_a_project_leads_to_its_status(client: Client, editor: User, project: Project) -> None:
    page = client.get(f"/projects/{project.pk}/").content.decode()
    assert f'href="/projects/{project.pk}/share/">Share status</a>' in page
    assert 'formaction="/shares/"' in page


def test_options_are_kept_and_change_the_preview(
    client: Client, editor: User, project: Project
) -> None:
    form = {"title": "Wave 7", "closing": "Ask <b>Ann</b>.\nThanks.", "shows_groups": "on"}
    answer = client.post(address_of(project, "options/"), form, follow=True)
    page = answer.content.decode()
    assert "<bdi>Wave 7</bdi>" in page
    assert "Ask &lt;b&gt;Ann&lt;/b&gt;.<br>Thanks." in page
    assert "Women" in page
    assert "Japan" not in page
    assert "Late groups" not in page
    assert "status-chart" not in page
    stored = SharedStatus.objects.get()
    assert (stored.title, stored.project, stored.created_by) == ("Wave 7", project, editor)


@pytest.mark.parametrize(
    ("field", "text"),
    [("title", "x" * 121), ("title", "a\x07b"), ("closing", "x" * 501), ("closing", "a\u202eb")],
)
def test_a_wrong_option_is_refused_at_its_field_and_comes_back(
    client: Client, editor: User, project: Project, field: str, text: str
) -> None:
    page = client.post(address_of(project, "options/"), {field: text}).content.decode()
    assert f'id="id_{field}_error"' in page
    assert text in page
    assert SharedStatus.objects.count() == 0


def test_a_link_is_shown_once_and_only_its_hash_is_stored(
    client: Client, editor: User, project: Project
) -> None:
    token = new_token(client, project)
    link = StatusLink.objects.get()
    assert len(token) == 43  # 256 bits
    assert token not in str(StatusLink.objects.values().get())
    assert token not in page_of(client, project)
    assert link.expires_at - link.created_at == timedelta(days=30)
    assert Client().get(f"/s/{token}/").status_code == 200


def test_a_link_form_that_is_sent_twice_creates_one_link(
    client: Client, editor: User, project: Project
) -> None:
    form = link_form()
    client.post(address_of(project, "link/"), form)
    page = client.post(address_of(project, "link/"), form, follow=True).content.decode()
    assert "This link was created already" in page
    assert StatusLink.objects.count() == 1


@pytest.mark.parametrize("days", ["91", "0", "-7", "x", ""])
def test_a_link_works_for_7_30_or_90_days_and_no_other_time(
    client: Client, editor: User, project: Project, days: str
) -> None:
    page = client.post(address_of(project, "link/"), link_form(days=days)).content.decode()
    assert 'id="id_days_error"' in page
    assert StatusLink.objects.count() == 0


def test_creating_and_revoking_a_link_is_in_the_audit_log(
    client: Client, editor: User, project: Project
) -> None:
    token = new_token(client, project)
    link = StatusLink.objects.get()
    for _ in range(2):  # the second time changes nothing
        client.post(f"/links/{link.pk}/revoke/")
    events = AuditEvent.objects.order_by("pk")
    assert [(event.kind, event.target) for event in events] == [
        ("status-link-created", "Tracker"),
        ("status-link-revoked", "Tracker"),
    ]
    assert token not in str(list(events.values()))
    assert Client().get(f"/s/{token}/").status_code == 404
    assert "Revoked" in page_of(client, project)


def test_a_schedule_is_kept_with_its_addresses_and_is_in_the_audit_log(
    client: Client, editor: User, project: Project
) -> None:
    page = client.post(address_of(project, "emails/"), schedule_form(), follow=True)
    assert "on Mon, Fri at 08:30 (UTC)" in page.content.decode()
    schedule = StatusSchedule.objects.get()
    assert (schedule.person, schedule.days) == (editor, "15")
    addresses = list(schedule.addresses.order_by("address").values_list("address", flat=True))
    assert addresses == ["a@example.com", "b@example.com"]
    event = AuditEvent.objects.get()
    assert event.kind == "status-emails-changed"
    assert event.details["addresses"] == addresses


def test_an_address_that_is_removed_and_comes_back_is_the_same_row(
    client: Client, editor: User, project: Project
) -> None:
    for addresses in ("a@example.com b@example.com", "b@example.com", "a@example.com"):
        client.post(address_of(project, "emails/"), schedule_form(addresses=addresses))
    assert StatusAddress.objects.count() == 2
    mailable = StatusAddress.objects.mailable().values_list("address", flat=True)
    assert list(mailable) == ["a@example.com"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"addresses": ""}, "Enter an email address."),
        ({"addresses": "a@example.com, nonsense"}, "“nonsense” is not an email address."),
        (
            {"addresses": " ".join(f"a{n}@example.com" for n in range(21))},
            "Enter at most 20 addresses; these are 21.",
        ),
        ({"days": []}, "Choose a day."),
        ({"days": ["8"]}, "not one of the available choices"),
        ({"at": "25:00"}, "Enter a time as in 09:00."),
        ({"at": ""}, "Enter a time."),
    ],
)
def test_a_wrong_schedule_is_refused_and_comes_back_as_typed(
    client: Client, editor: User, project: Project, fields: dict[str, Any], sentence: str
) -> None:
    form = schedule_form(**fields)
    page = client.post(address_of(project, "emails/"), form).content.decode()
    assert sentence in page
    assert str(form["addresses"]) in page
    assert StatusSchedule.objects.count() == 0


def test_an_address_that_unsubscribed_is_not_taken_again(
    client: Client, editor: User, project: Project
) -> None:
    client.post(address_of(project, "emails/"), schedule_form())
    StatusAddress.objects.filter(address="a@example.com").update(stopped_at=timezone.now())
    page = client.post(address_of(project, "emails/"), schedule_form()).content.decode()
    assert "Remove a@example.com: unsubscribed from this status." in page


def test_scheduled_emails_can_be_stopped(client: Client, editor: User, project: Project) -> None:
    client.post(address_of(project, "emails/"), schedule_form())
    page = client.post(address_of(project, "emails/"), {"stop": "1"}, follow=True)
    assert "Scheduled emails stopped." in page.content.decode()
    assert not StatusSchedule.objects.working().exists()
    assert AuditEvent.objects.latest("pk").details == {"stopped": True}


def test_a_viewer_reads_the_preview_and_shares_nothing(client: Client, project: Project) -> None:
    client.force_login(factories.person("viewer", project.account))
    page = page_of(client, project)
    assert "projected to fall short" in page
    assert "are for editors" in page
    assert "/link/" not in page
    assert "/emails/" not in page
    for part in ("options/", "link/", "emails/"):
        assert client.post(address_of(project, part), link_form()).status_code == 403
    assert SharedStatus.objects.count() == 0


def test_a_selection_of_groups_is_shared_without_the_others(
    client: Client, editor: User, project: Project
) -> None:
    women = project.target_groups.get(name="Women")
    answer = client.post("/shares/", {"pick": [str(women.pk)]})
    shared = SharedStatus.objects.get()
    assert answer["Location"] == f"/shares/{shared.pk}/"
    page = client.get(answer["Location"]).content.decode()
    assert "Japan" in page
    assert "Germany" not in page
    assert "<bdi>Tracker</bdi>" in page
    assert "<bdi>Tracker</bdi></a>" in client.get("/shares/").content.decode()


def test_a_selection_is_of_one_account_and_of_groups_that_the_person_may_edit(
    client: Client, editor: User, project: Project
) -> None:
    other = factories.project(factories.account())
    group = factories.group(other)
    picks = [str(group.pk), str(project.target_groups.first().pk)]  # type: ignore[union-attr]
    page = client.post("/shares/", {"pick": picks[:1]}, follow=True).content.decode()
    assert "Select the groups" in page
    editor.memberships.create(account=other.account, role="viewer")
    assert client.post("/shares/", {"pick": picks}).status_code == 403
    editor.memberships.update(role="editor")
    page = client.post("/shares/", {"pick": picks}, follow=True).content.decode()
    assert "Share the groups of one account at a time." in page
    assert SharedStatus.objects.count() == 0


def test_the_workbook_has_the_figures_and_is_in_the_audit_log(
    client: Client, editor: User, project: Project
) -> None:
    response: Any = client.get(address_of(project, "export.xlsx"))
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as book:
        names = re.findall(r'<sheet name="(\w+)"', book.read("xl/workbook.xml").decode())
        text = " ".join(book.read(f"xl/worksheets/sheet{n}.xml").decode() for n in (1, 2))
    assert names == ["Status", "Countries"]
    for part in (
        "Projected at end",
        "<v>400</v>",
        "<v>190</v>",
        "Japan",
        "projected to fall short",
    ):
        assert part in text
    assert response["Content-Disposition"].startswith('attachment; filename="status-')
    assert AuditEvent.objects.get().kind == "exported"


def test_the_list_of_shared_statuses_takes_few_queries(
    client: Client,
    editor: User,
    project: Project,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(12):
        shared = factories.shared_status(
            project, groups=list(project.target_groups.all()), title=f"Part {number}"
        )
        factories.status_link(shared, editor, token=f"t{number}")
    with django_assert_num_queries(13):
        page = client.get("/shares/").content.decode()
    assert page.count("Part ") == 12


def test_a_status_is_read_in_as_many_queries_for_many_groups(
    project: Project, editor: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    factories.status_link(factories.shared_status(project), editor, token="t0ken")
    for number in range(20):
        factories.group(project, name=f"Group {number}", country_code="fr")
    Client().get("/s/t0ken/")
    with django_assert_num_queries(12):
        Client().get("/s/t0ken/")


def test_a_selection_that_nobody_shares_any_more_is_deleted(project: Project, editor: User) -> None:
    now, groups = timezone.now(), list(project.target_groups.all())
    old: dict[str, Any] = {"groups": groups, "created_at": now - timedelta(days=200)}
    unused = factories.shared_status(project, **old)
    expired = factories.shared_status(project, **old)
    long_ago = now - timedelta(days=100)
    factories.status_link(expired, editor, token="a", expires_at=long_ago)
    linked, mailed = (factories.shared_status(project, **old) for _ in range(2))
    factories.status_link(linked, editor, token="b", expires_at=now)
    factories.status_address(mailed, editor)
    kept = [linked, mailed, factories.shared_status(project, groups=groups, created_at=now)]
    kept.append(factories.shared_status(project, created_at=now - timedelta(days=200)))
    delete_old_rows(now=now)
    assert not SharedStatus.objects.filter(pk__in=[unused.pk, expired.pk]).exists()
    assert SharedStatus.objects.count() == len(kept)
