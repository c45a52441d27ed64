"""What the embedded product takes in memory, beside a process that only sets Django up.

A worker with its beat that has read a thousand groups, and a web server with two preloaded
processes that has rendered pages; proportional set sizes, so that what is shared counts once.
"""

import re
import time
from contextlib import suppress

import httpx

from bench.shared.canned_exchange import canned
from bench.shared.environment import SQLITE, run, stage
from bench.shared.figure import Figure
from bench.shared.processes import pss, running, worker

PORT = 18_290
BARE = "import django, time; django.setup(); time.sleep(600)"


def figures() -> list[Figure]:
    """The one figure."""
    with canned() as exchange, stage(SQLITE, BEAT_SECONDS="1") as given:
        run("bench.shared.seed_tables:fill", given, exchange.base_url, 10)
        run("bench.cycle.memory:person", given)
        schedule = f"{given['FIELDWATCH_HOME']}/beat"
        web = ("-m", "gunicorn", "dashboard.wsgi", "--bind", f"127.0.0.1:{PORT}", "--workers", "2")
        with (
            worker(given, "--beat", "--schedule", schedule) as polling,
            running(*web, "--threads", "4", "--preload", given=given) as serving,
        ):
            _use(f"http://127.0.0.1:{PORT}")
            run("bench.cycle.memory:polled", given)
            parts = {"worker with beat": pss(polling), "web": pss(serving)}
        with running("-c", BARE, given=given) as bare:
            time.sleep(3)
            alone = pss(bare)
    value = sum(parts.values()) / alone
    note = ", ".join(f"{name} {size:.0f} MB" for name, size in parts.items())
    note += f"; bare Django {alone:.0f} MB"
    return [Figure("memory_vs_bare_django", value, "<=5", value <= 5, note)]


def person() -> None:
    """Somebody who can sign in and see the bench's connection; and what pages are made with."""
    from django.core.management import call_command  # noqa: PLC0415

    from dashboard.fielding.models import ExchangeAccount, Membership, User  # noqa: PLC0415

    somebody = User.objects.create_user("bench", "bench@example.com", "bench")
    call_command("collectstatic", interactive=False, verbosity=0)
    Membership.objects.create(user=somebody, account=ExchangeAccount.objects.get(), role="viewer")


def polled() -> None:
    """Wait until the worker has read every project."""
    from dashboard.fielding.models import Cycle, Project  # noqa: PLC0415

    until = time.monotonic() + 60
    while Cycle.objects.filter(requests__gt=0).values("project").distinct().count() < (
        Project.objects.count()
    ):
        if time.monotonic() > until:
            raise TimeoutError("the worker reads nothing")
        time.sleep(0.5)


def _use(url: str) -> None:
    """Sign in and open pages, each over a connection of its own: both web processes render."""
    with httpx.Client(base_url=url, follow_redirects=True, timeout=30) as browser:
        for _ in range(100):
            with suppress(httpx.TransportError):
                if browser.get("/healthz").is_success:
                    break
            time.sleep(0.2)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get("/").text)
        assert token
        said = {"csrfmiddlewaretoken": token[1], "username": "bench", "password": "bench"}
        headers = {"Referer": url}
        assert browser.post("/sign-in/", data=said, headers=headers).is_success
        kept = dict(browser.cookies)
    for page in ("/", "/projects/", "/groups/") * 10:
        with httpx.Client(base_url=url, cookies=kept, timeout=30) as visitor:
            assert visitor.get(page).is_success, page
