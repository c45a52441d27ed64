"""`make pictures`: the pictures of README and docs, taken from the running product's demo."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs/pictures"
READY = re.compile(r"ready: (http://\S+)/")
FIRST_PULL_SECONDS = 120
# Name, page, what is clicked there one after another, width, height, theme.
PICTURES = [
    ("attention", "/", [], 1440, 800, "light"),
    ("attention-phone", "/", [], 375, 720, "dark"),
    ("projects", "/projects/", [], 1440, 420, "light"),
    ("project", "/projects/", ["td.name a"], 1440, 800, "light"),
    ("group", "/groups/?status=live", ["td.name a"], 1440, 1200, "light"),
    (
        "change",
        "/groups/?status=live&sort=progress",
        ["td.name a", "#open-cpi"],
        1440,
        720,
        "light",
    ),
    (
        "draft",
        "/groups/?status=draft",
        ["td.name a", "a:has-text('Change the draft')"],
        1440,
        1120,
        "light",
    ),
    ("incident", "/incidents/", ["main td a[href^='/incidents/']"], 1440, 900, "light"),
    ("rules", "/rules/", [], 1440, 800, "light"),
    ("spend", "/spend/", [], 1440, 640, "dark"),
]


def main() -> None:
    """Start the demo in a folder of its own, wait for its first pull, and look at it."""
    with tempfile.TemporaryDirectory(prefix="fieldwatch-pictures-") as home:
        given = os.environ | {"FIELDWATCH_HOME": home, "PYTHONUNBUFFERED": "1"}
        given.setdefault("PORT", "8765")
        run = subprocess.Popen(
            [sys.executable, "manage.py", "run"],
            cwd=ROOT,
            env=given,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert run.stdout  # noqa: S101
        try:
            ready = next(found for line in run.stdout if (found := READY.search(line)))
            _take(ready.group(1))
        finally:
            run.send_signal(signal.SIGINT)
            run.wait(timeout=60)


def _take(url: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for name, address, clicks, width, height, theme in PICTURES:
            context = browser.new_context(
                base_url=url,
                viewport={"width": width, "height": height},
                color_scheme="dark" if theme == "dark" else "light",
            )
            page = context.new_page()
            _sign_in(page)
            _until_pulled(page)
            page.goto(address)
            for selector in clicks:
                page.locator(selector).first.click()
                page.wait_for_load_state("networkidle")
                page.wait_for_selector(".htmx-request", state="detached")
            page.wait_for_load_state("networkidle")
            page.screenshot(path=FOLDER / f"{name}.png")
            context.close()
        browser.close()


def _sign_in(page: Page) -> None:
    page.goto("/")
    page.fill("input[name=username]", "demo")
    page.fill("input[name=password]", "demo")
    page.keyboard.press("Enter")
    page.wait_for_selector("nav.nav", state="attached")


def _until_pulled(page: Page) -> None:
    """Until every project was read and its groups were judged."""
    until = time.monotonic() + FIRST_PULL_SECONDS
    while time.monotonic() < until:
        page.goto("/")
        rows = page.locator("tr[data-line]").count()
        if rows > 10 and not page.locator("text=First pull of").count():
            return
        time.sleep(1)


if __name__ == "__main__":
    main()
