"""A real browser in front of the real server, with an exchange that does as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.web import fake_urls
from tests.web.conftest import PLAIN
from tests.web.fake_exchange import FakeExchange

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def live_server() -> Iterator[LiveServer]:
    """The real server. pytest-django knows the app of static files by Django's own name alone."""
    server = LiveServer("localhost", start=False)
    server.thread.static_handler = StaticFilesHandler
    server.start()
    yield server
    server.stop()


@pytest.fixture
def exchange(settings: Settings) -> FakeExchange:
    """The exchange behind the forms; each test gets it fresh."""
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": PLAIN}}
    settings.ROOT_URLCONF = "tests.web.fake_urls"
    fake_urls.EXCHANGE.start_over()
    return fake_urls.EXCHANGE


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console complained of; the fixture `open_page` fails on any."""
    return []


@pytest.fixture
def open_page(
    chromium: Browser, live_server: LiveServer, exchange: FakeExchange, complaints: list[str]
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
        context.set_default_timeout(15_000)
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
    """Sign in as the person of that name, with the password of all test people."""
    page.goto("/sign-in/")
    page.fill("#id_username", username)
    page.fill("#id_password", "demo")
    page.click("text=Sign in >> nth=-1")
    page.wait_for_url("**/")
