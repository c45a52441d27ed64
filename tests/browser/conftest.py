"""A real browser in front of the real server, with an exchange that does as it is told."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.signals import request_finished, request_started
from django.test import Client
from django.test.client import ClientHandler
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from dashboard.fielding.models import User
from dashboard.simulator.harness import Simulator
from tests import factories as make
from tests.fakes.edit_gateway import FakeExchange
from tests.fakes.simulated_urls import WAY

Open = Callable[..., Page]
# Fields that are shown and too narrow for what is typed into them, and help in a thin column.
SQUEEZED = """
[...document.querySelectorAll("input:not([type=checkbox], [type=radio]), select, textarea")]
  .filter((field) => field.checkVisibility() && field.offsetWidth < 56).map((field) => field.id)
  .concat([...document.querySelectorAll(".help")]
    .filter((help) => help.checkVisibility() && help.offsetWidth < 120 && help.offsetHeight > 60)
    .map((help) => help.textContent.trim()))
"""


@pytest.fixture(scope="session")
def live_server() -> Iterator[LiveServer]:
    """The real server. pytest-django knows the app of static files by Django's own name alone."""
    server = LiveServer("localhost", start=False)
    server.thread.static_handler = StaticFilesHandler
    server.start()
    yield server
    server.stop()


class Answering:
    """The requests that our server is answering at this moment, by the thread that does."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.open: dict[int, str] = {}
        request_started.connect(self.began)
        request_finished.connect(self.ended)

    def began(self, sender: type, environ: dict[str, str], **_: object) -> None:
        """Note a request, unless it is one of Django's test client."""
        with self.changed:
            if sender is not ClientHandler:
                self.open[threading.get_ident()] = environ["PATH_INFO"]

    def ended(self, **_: object) -> None:
        """Forget the request of this thread."""
        with self.changed:
            self.open.pop(threading.get_ident(), None)
            self.changed.notify_all()

    def until_done(self) -> None:
        """Wait until the last one is answered, those on their way here included."""
        time.sleep(0.02)  # a request that was sent but has not begun counts as well
        with self.changed:
            until = time.monotonic() + 30
            while self.still_open() and time.monotonic() < until:
                self.changed.wait(0.2)
            open_still = self.still_open()
            self.open.clear()  # the next test is not blamed for it
        assert open_still == []

    def still_open(self) -> list[str]:
        """What is being answered, and where in the code; a thread that ended answers nothing."""
        frames = sys._current_frames()
        return [
            f"{path}\n{''.join(traceback.format_stack(frames[thread])[-6:])}"
            for thread, path in self.open.items()
            if thread in frames
        ]


@pytest.fixture(scope="session")
def answering(live_server: LiveServer) -> Answering:
    """Counts for the whole run."""
    return Answering()


@pytest.fixture
def answered(answering: Answering) -> Iterator[None]:
    """Holds the test's database and settings until no request needs them.

    A page that goes on refreshing while its test ends would be answered from nothing.
    """
    yield
    answering.until_done()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console complained of; the fixture `open_page` fails on any."""
    return []


@pytest.fixture
def open_page(
    chromium: Browser,
    live_server: LiveServer,
    exchange: FakeExchange,
    answered: None,
    complaints: list[str],
) -> Iterator[Open]:
    """Opens pages of our server in windows of any width and theme."""
    contexts: list[BrowserContext] = []

    def noted(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text}")

    def make(*, width: int = 1440, theme: str = "light", scripts: bool = True) -> Page:
        dark = theme == "dark"
        context = chromium.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
        )
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", noted)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def sign_in(page: Page, username: str) -> None:
    """Give a window that has opened no page the session of the person of that name."""
    client = Client()
    client.force_login(User.objects.get(username=username))
    session = client.cookies["sessionid"].value
    page.context.add_cookies(
        [{"name": "sessionid", "value": session, "domain": "localhost", "path": "/"}]
    )


def sign_in_by_form(page: Page, username: str) -> None:
    """Sign in as a person does, with the password of all test people; ends on *To do*."""
    page.goto("/sign-in/")
    page.fill("#id_username", username)
    page.fill("#id_password", "demo")
    page.click("text=Sign in >> nth=-1")
    page.wait_for_url("**/")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """A small exchange for the tests of a module."""
    with Simulator(groups=12, history_days=1) as running:
        yield running


@pytest.fixture(scope="module")
def tab(chromium: Browser, live_server: LiveServer) -> Iterator[Page]:
    """One tab for the tests of a module."""
    context = chromium.new_context(base_url=live_server.url)
    context.set_default_timeout(60_000)
    for chart in ("**/plotly*", "**/chart.json*", "**/trend.json*"):  # nothing is drawn here
        context.route(chart, lambda route: route.abort())
    yield context.new_page()
    context.close()


@pytest.fixture
def anna(simulator: Simulator, settings: Settings) -> User:
    """Somebody who may edit, on an account of the simulated exchange with all its people."""
    settings.ROOT_URLCONF = "tests.fakes.simulated_urls"
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    simulator.clear_faults()
    simulator.control("DELETE", "requests")
    WAY.connect(simulator)
    account = make.account(base_url=f"{simulator.base_url}/v1")
    for one in WAY.client.get_account_users().items:
        make.exchange_user(account, exchange_id=one.id, name=one.name)
    return make.person("editor", account, username="anna", first_name="Anna", last_name="Weber")


@pytest.fixture
def signed_in(tab: Page, live_server: LiveServer, anna: User, answered: None) -> Iterator[Page]:
    """A tab in front of Anna, on the simulated exchange."""
    client = Client()
    client.force_login(anna)
    session = client.cookies["sessionid"].value
    tab.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    yield tab
    # An answer that is still on its way would take the next test's cookie with it.
    tab.goto("about:blank")
