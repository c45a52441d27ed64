"""What a client opens: a page without an account, which says nothing of a link that stopped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from dashboard.alerts.mail.client import stop_link
from dashboard.fielding import people
from dashboard.fielding.audit import SYSTEM
from dashboard.fielding.models import (
    AuditEvent,
    Membership,
    Project,
    SharedStatus,
    StatusAddress,
    StatusLink,
    User,
)
from dashboard.web.auth import throttle
from tests import factories

pytestmark = pytest.mark.django_db
PATH = "/s/t0ken/"


@pytest.fixture
def ann() -> User:
    """The editor who created the link; another administrator is there."""
    account = factories.account()
    factories.person("administrator", account)
    return factories.person("editor", account, first_name="Ann", last_name="Hidden")


@pytest.fixture
def link(ann: User) -> StatusLink:
    """A link to the status of a project."""
    cache.clear()
    project = factories.project(ann.memberships.get().account, name="Tracker")
    factories.group(project)
    return factories.status_link(
        factories.shared_status(project),
        ann,
        token="t0ken",
    )


def test_a_client_opens_the_link_without_an_account(client: Client, link: StatusLink) -> None:
    response = client.get(PATH)
    page = response.content.decode()
    assert response.status_code == 200
    assert "Tracker" in page
    assert "days ago" in page or "hours ago" in page
    for absent in ("Sign in", "Ann", "Hidden", "<nav", "/projects/", "csrfmiddlewaretoken"):
        assert absent not in page
    assert not response.cookies


def test_the_page_is_kept_out_of_search_engines_caches_and_referrers(
    client: Client, link: StatusLink
) -> None:
    for path in (PATH, "/s/unknown/"):
        response = client.get(path)
        assert response["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        assert response["Referrer-Policy"] == "no-referrer"
        assert response["Cache-Control"] == "private, no-store"
        assert "default-src 'none'" in response["Content-Security-Policy"]
        assert '<meta name="robots" content="noindex' in response.content.decode()


def test_openings_are_counted_but_not_those_of_its_creator(
    client: Client, link: StatusLink, ann: User
) -> None:
    client.get(PATH)
    client.get(PATH)
    client.head(PATH)
    client.force_login(ann)
    client.get(PATH)
    link.refresh_from_db()
    assert link.opened_count == 2
    assert link.opened_at is not None


def _close(ann: User) -> None:
    people.close(user=ann, origin=SYSTEM, now=timezone.now())


ENDS: dict[str, Callable[[User], object]] = {
    "expired": lambda _: StatusLink.objects.update(expires_at=timezone.now()),
    "revoked": lambda _: StatusLink.objects.update(revoked_at=timezone.now()),
    "account closed": _close,
    "removed from the account": lambda ann: Membership.objects.filter(user=ann).delete(),
    "viewer now": lambda ann: Membership.objects.filter(user=ann).update(role="viewer"),
    "project gone": lambda _: Project.objects.all().delete(),
}


@pytest.mark.parametrize("reason", ENDS)
def test_a_link_that_stopped_looks_like_one_that_never_was(
    client: Client, link: StatusLink, ann: User, reason: str
) -> None:
    unknown = client.get("/s/unknown/")
    ENDS[reason](ann)
    stopped = client.get(PATH)
    assert (stopped.status_code, stopped.content) == (404, unknown.content)
    assert unknown.status_code == 404
    assert "This link is not available" in stopped.content.decode()


def test_many_openings_from_one_address_have_to_wait(client: Client, link: StatusLink) -> None:
    for _ in range(throttle.FREE_LINKS):
        assert client.get("/s/unknown/").status_code == 404
    response = client.get(PATH)
    assert response.status_code == 429
    assert int(response["Retry-After"]) >= 1
    assert "Please wait" in response.content.decode()
    assert client.get(PATH, REMOTE_ADDR="203.0.113.9").status_code == 200


def test_figures_that_are_old_say_so(client: Client, link: StatusLink) -> None:
    Project.objects.update(read_at=timezone.now() - timedelta(hours=5))
    assert 'class="stale"' in client.get(PATH).content.decode()
    Project.objects.update(read_at=timezone.now())
    assert 'class="stale"' not in client.get(PATH).content.decode()


def test_options_change_what_an_open_link_shows(client: Client, link: StatusLink) -> None:
    SharedStatus.objects.update(title="Wave 7", shows_countries=False)
    page = client.get(PATH).content.decode()
    assert "Wave 7" in page
    assert "United States" not in page


def test_the_token_is_in_no_log(
    client: Client, link: StatusLink, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        client.get(PATH)
    assert any(record.__dict__.get("of", {}).get("path") == "/s/…" for record in caplog.records)
    assert "t0ken" not in str([record.__dict__ for record in caplog.records])


@pytest.fixture
def address(link: StatusLink, ann: User) -> StatusAddress:
    """A client's address that gets the status."""
    return factories.status_address(link.status, ann, address="client@example.com")


def test_a_client_unsubscribes_with_one_click(client: Client, address: StatusAddress) -> None:
    path = stop_link.stop_url(address.pk).partition("//")[2].partition("/")[2]
    assert "Unsubscribe from this status?" in client.get(f"/{path}").content.decode()
    address.refresh_from_db()
    assert address.stopped_at is None  # opening the page changes nothing
    strict = Client(enforce_csrf_checks=True)
    for _ in range(2):
        response = strict.post(f"/{path}", {"List-Unsubscribe": "One-Click"})
        assert "Unsubscribed" in response.content.decode()
    address.refresh_from_db()
    assert address.stopped_at is not None
    event = AuditEvent.objects.get()
    assert (event.kind, event.details) == (
        "status-email-stopped",
        {"address": "client@example.com"},
    )


def test_a_forged_unsubscribe_token_is_not_found(client: Client, address: StatusAddress) -> None:
    assert client.post("/mail/stop/status/nonsense/").status_code == 404
