"""Who may ask for what: every address and verb, held against the rule that its view declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern
from django.utils import timezone

from dashboard.alerts.mail import action_links, unsubscribe
from dashboard.alerts.mail.client import stop_link
from dashboard.fielding.models import (
    AccessToken,
    Channel,
    Incident,
    Mail,
    Mute,
    Project,
    SharedStatus,
    TargetGroup,
    User,
    Webhook,
)
from dashboard.urls import urlpatterns
from dashboard.web.api import urls as api_urls
from dashboard.web.auth.permissions import Permission
from dashboard.web.edits.forms import FORMS
from dashboard.web.views.api import answer_api
from dashboard.web.views.email_address import token_of
from tests import factories
from tests.fakes.edit_gateway import FakeExchange

pytestmark = pytest.mark.django_db

# Those of the API lie behind one view, which loads them with the first request.
ADDRESSES = [
    *(pattern for pattern in urlpatterns if pattern.callback is not answer_api),
    *api_urls.urlpatterns,
]
VERBS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
ROLES = ["signed out", "stranger", "viewer", "editor", "administrator"]
WITHOUT_RIGHTS = ROLES[:3]
SIGN_IN = "/sign-in/"
# What a role may not do although it may see the account. The stranger administers another account.
FORBIDDEN = {
    (Permission.EDITOR, "viewer"),
    (Permission.CONNECTOR, "viewer"),
    (Permission.CONNECTOR, "editor"),
    (Permission.ADMINISTRATOR, "viewer"),
    (Permission.ADMINISTRATOR, "editor"),
}
# Where there is nothing for anybody, or not until it is set up: single sign-on, a second factor.
ABSENT = {
    "/api/v1/nothing": (404,),
    "/sign-in/with/sso/": (404,),
    "/sign-in/with/sso/back/": (404,),
    "/me/second-factor/off/": (404,),
    "/me/second-factor/codes/": (404,),
}


@dataclass
class World:
    """One account with people of each role, and somebody of another account."""

    people: dict[str, User]
    project: Project
    group: TargetGroup

    def mail_to(self, role: str) -> Mail:
        """A mail of the account to the person of that role."""
        user = self.people.get(role, self.people["viewer"])
        return Mail.objects.create(
            account=self.group.account,
            recipient=user,
            address=user.email,
            message_id=f"<{role}@test>",
            subject="Paused",
            text="Paused",
            created_at=factories.NOW,
            next_try_at=factories.NOW,
        )

    def incident(self) -> Incident:
        """One that fires on the group."""
        of = {"account": self.group.account, "project": self.project, "group": self.group}
        given = {"rule": "drop_off", "state": "firing", "severity": 2, "breached_at": factories.NOW}
        given["fired_at"] = factories.NOW
        return Incident.objects.get_or_create(key="k", defaults=of | given)[0]

    def share(self) -> SharedStatus:
        """The status of a selection of the group."""
        shared = factories.shared_status(self.project, groups=[self.group])
        factories.status_link(shared, self.people["editor"], token="t0ken")
        return shared

    def channel(self, route: str, role: str) -> Channel:
        """One of the account, of the project, or of the person of that role."""
        if route.startswith("/me/"):
            return factories.channel(owner=self.people.get(role, self.people["viewer"]))
        project = self.project if "/projects/" in route else None
        return factories.channel(self.group.account, project=project)

    def token(self, role: str) -> AccessToken:
        """An API token of the person of that role, or of somebody else for who is signed out."""
        user = self.people.get(role, self.people["viewer"])
        secret = f"fw_{role}" if role in self.people else "fw_of-somebody-else"
        return factories.access_token(user, secret)

    def mute(self) -> Mute:
        """One over the account."""
        now = timezone.now()
        ends = {"created_at": now, "until": now + timedelta(hours=4)}
        return Mute.objects.create(account=self.group.account, **ends)


@pytest.fixture
def world(exchange: FakeExchange) -> World:
    account, other = factories.account(), factories.account()
    people = {role: factories.person(role, account) for role in ROLES[2:]}
    people["stranger"] = factories.person("administrator", other)
    project = factories.project(account)
    return World(people, project, factories.group(project))


def address_of(pattern: URLPattern, world: World, role: str) -> str:
    """The address with the ids of the world put in; a new kind of id must be added here."""
    route = "/" + str(pattern.pattern)
    if "uidb36" in route:
        return "/sign-in/new/1-nonsense/"
    ids = {
        "projects": world.project.pk,
        "groups": world.group.pk,
        "connections": world.group.account_id,
    }
    rows: dict[str, Callable[[], int]] = {
        "incidents": lambda: world.incident().pk,
        "items": lambda: factories.item(world.group).pk,
        "mutes": lambda: world.mute().pk,
        "edits": lambda: factories.edit(world.group).pk,
        "jobs": lambda: factories.batch(world.group).pk,
        "mails": lambda: world.mail_to(role).pk,
        "shares": lambda: world.share().pk,
        "links": lambda: world.share().links.get().pk,
        "tokens": lambda: world.token(role).pk,
    }
    below = ("/", "/api/v1/")
    ids |= {
        kind: make_row()
        for kind, make_row in rows.items()
        if any(route.startswith(f"{start}{kind}/<") for start in below)
    }
    for kind, pk in ids.items():
        route = route.replace(f"{kind}/<key:pk>", f"{kind}/{pk}")
    route = (
        route.replace("<slug:name>", "tour")
        .replace("<str:kind>", "cpi")
        .replace("<str:provider_id>", "sso")
    )
    if "<key:membership>" in route:
        viewer = world.people["viewer"].memberships.get()
        route = route.replace("<key:membership>", str(viewer.pk))
    if "<key:channel>" in route:
        route = route.replace("<key:channel>", str(world.channel(route, role).pk))
    if "<str:key>" in route:
        hook = Webhook.objects.create(account=world.group.account, key="k", secret="s")
        route = route.replace("<str:key>", hook.key)
    if route.startswith("/act/"):
        route = route.replace(
            "<str:token>",
            action_links.action_url(world.incident(), action_links.MUTE).split("/")[-2],
        )
    if route.startswith("/me/address/<"):
        user = world.people.get(role, world.people["viewer"])
        route = route.replace("<str:token>", token_of(user, "new@example.com"))
    if route.startswith("/s/<"):
        world.share()
        route = route.replace("<str:token>", "t0ken")
    route = _machine_address(route, world, role)
    if route.startswith("/mail/stop/status/"):
        address = factories.status_address(world.share(), world.people["editor"])
        route = route.replace("<str:token>", stop_link.stop_url(address.pk).split("/")[-2])
    route = route.replace("<str:code>", "drop_off").replace("<str:act>", "close")
    route = route.replace("<str:step>", "rotate")
    route = route.replace(
        "<str:token>", unsubscribe.unsubscribe_token(world.people["viewer"], unsubscribe.NOW)
    )
    assert "<" not in route, f"say in this test what fills {route}"
    return route


def _machine_address(route: str, world: World, role: str) -> str:
    """The address with what only programs and calendars open."""
    if route == "/^api/":
        return "/api/v1/nothing"
    if route.startswith("/calendar/<"):
        user = world.people.get(role, world.people["viewer"])
        factories.access_token(user, "fw_calendar", purpose=AccessToken.Purpose.CALENDAR)
        return route.replace("<str:token>", "fw_calendar")
    return route


def named(pattern: URLPattern) -> str:
    return str(pattern.pattern) or "home"


def test_every_address_declares_its_rule() -> None:
    without = [
        named(pattern)
        for pattern in [*urlpatterns, *ADDRESSES]
        if not isinstance(getattr(pattern.callback, "rule", None), Permission)
    ]
    assert without == []


@pytest.mark.parametrize("pattern", ADDRESSES, ids=named)
def test_every_verb_keeps_to_the_rule(pattern: URLPattern, world: World) -> None:
    rule: Permission = pattern.callback.rule  # type: ignore[attr-defined]
    for role in ROLES:
        with transaction.atomic():
            _try_each_verb(pattern, rule, role, world)
            transaction.set_rollback(True)  # what one role changed is not there for the next


def _try_each_verb(pattern: URLPattern, rule: Permission, role: str, world: World) -> None:
    """Ask with every verb that a role may try; those of no view only without the right."""
    client, address = Client(), address_of(pattern, world, role)
    if rule is Permission.TOKEN:
        _try_with_token(client, address, role, world)
        return
    verbs = VERBS if role in WITHOUT_RIGHTS else VERBS[:3]
    for number, verb in enumerate(verbs):
        if number in (0, 3) and (user := world.people.get(role)):  # a POST may end the session
            client.force_login(user)
        answer = client.generic(verb, address)
        what = f"{role}: {verb} {address} → {answer.status_code}"
        to = answer.headers.get("Location", "")
        assert _fits(rule, role, address, answer.status_code, to), what


def _try_with_token(client: Client, address: str, role: str, world: World) -> None:
    """Ask the API with the token of a role and every verb; the session of another counts nothing.

    Of another account nothing is there: no object, and no row of a list.
    """
    world.incident()
    world.token(role)
    if role == "signed out":
        client.force_login(world.people["administrator"])
    for verb in VERBS:
        answer = client.generic(verb, address, headers={"Authorization": f"Bearer fw_{role}"})
        what = f"{role}: {verb} {address} → {answer.status_code}"
        if verb not in ("GET", "HEAD"):
            assert answer.status_code == 405, what
        elif role == "signed out":
            assert answer.status_code == 401, what
        elif role == "stranger" and any(part.isdigit() for part in address.split("/")):
            assert answer.status_code == 404, what
        else:
            assert answer.status_code == 200, what
            if role == "stranger":
                assert world.project.name not in answer.content.decode(), what
                assert f'"group":{world.group.pk},' not in answer.content.decode(), what


def _fits(rule: Permission, role: str, address: str, status: int, location: str) -> bool:
    """Whether an answer is one that the rule allows for this role."""
    if role == "signed out" and rule is not Permission.OPEN:
        return status == 302 and location.startswith(SIGN_IN)
    if status == 405:
        return True
    if (
        rule in (Permission.MEMBER, Permission.EDITOR, Permission.ADMINISTRATOR)
        and role == "stranger"
    ):
        return status == 404
    if (rule, role) in FORBIDDEN:
        return status == 403
    unsigned = rule is Permission.OPEN and status == 401  # a webhook's delivery by anybody else
    return unsigned or status in (200, 204, 302) or status in ABSENT.get(address, ())


def test_a_viewer_is_offered_no_edit(world: World, client: Client) -> None:
    client.force_login(world.people["viewer"])
    page = client.get(f"/groups/{world.group.pk}/").content.decode()
    assert "/edit/" not in page


def test_an_editor_is_offered_every_form(world: World, client: Client) -> None:
    client.force_login(world.people["editor"])
    page = client.get(f"/groups/{world.group.pk}/").content.decode()
    for kind in FORMS:
        assert f"/groups/{world.group.pk}/edit/{kind}/" in page


def test_a_forged_edit_by_a_viewer_gets_a_page_of_ours(
    world: World, client: Client, exchange: FakeExchange
) -> None:
    client.force_login(world.people["viewer"])
    answer = client.post(f"/groups/{world.group.pk}/edit/cpi/", {"cpi": "3"})
    assert answer.status_code == 403
    assert "You don't have permission" in answer.content.decode()
    assert exchange.sent == []


def test_a_form_without_its_csrf_token_is_refused(world: World) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(world.people["editor"])
    answer = strict.post(f"/groups/{world.group.pk}/edit/cpi/", {"cpi": "3"})
    assert answer.status_code == 403
    assert "could not be accepted" in answer.content.decode()


def test_only_what_a_machine_posts_is_without_a_csrf_token() -> None:
    exempt = {one for one in ADDRESSES if getattr(one.callback, "csrf_exempt", False)}
    api = {one.name for one in exempt if str(one.pattern).lstrip("^").startswith("api/")}
    assert {one.name for one in exempt} - api == {"webhook", "stop", "stop-status"}


def test_a_group_of_an_account_left_behind_is_not_found(world: World, client: Client) -> None:
    user = world.people["editor"]
    client.force_login(user)
    user.memberships.all().delete()
    answer = client.get(f"/groups/{world.group.pk}/")
    assert answer.status_code == 404
    assert "Page not found" in answer.content.decode()


def test_a_mail_to_somebody_else_is_not_found(world: World, client: Client) -> None:
    mail = world.mail_to("editor")
    client.force_login(world.people["administrator"])
    assert client.get(f"/mails/{mail.pk}/").status_code == 404


@pytest.mark.parametrize("pk", ["0", "99999999999999999999999"])
def test_an_id_that_cannot_be_is_not_found(world: World, client: Client, pk: str) -> None:
    client.force_login(world.people["editor"])
    for kind in ("projects", "groups", "edits", "mails", "connections", "jobs", "incidents"):
        assert client.get(f"/{kind}/{pk}/").status_code == 404
    assert client.get(f"/groups/{pk}/chart.json").status_code == 404
    assert client.get(f"/projects/{pk}/chart.json").status_code == 404
