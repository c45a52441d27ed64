"""What the pages cost beside the least that they could: in the server, the browser and by the day.

The product runs in processes of its own, on tables of five projects with 200 groups each.
"""

import http.server
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench.pages import chromium
from bench.shared.figure import Figure, skipped

ROOT = Path(__file__).resolve().parents[2]
LOADS, WARM = 25, 3
PEOPLE, EVERY, MINUTE = 50, 30.0, 60.0
PAGES = ("/", "/projects/1/?q=", "/projects/2/?q=", "/groups/?q=")
Environment = dict[str, str]


def figures() -> Iterator[Figure]:
    """Every figure of the pages."""
    with tempfile.TemporaryDirectory(prefix="fieldwatch-bench-") as home:
        given = os.environ | {
            "FIELDWATCH_HOME": home,
            "LOG_LEVEL": "ERROR",
            "PYTHONPATH": str(ROOT),
            "DJANGO_SETTINGS_MODULE": "dashboard.settings",
        }
        given.pop("DATABASE_URL", None)
        command = [sys.executable, "-m", "bench.pages.measured_process"]
        side = json.loads(subprocess.check_output(command, cwd=ROOT, env=given))
        yield _ratio("project_page_vs_bare_template", side["project"], 2.0)
        yield _ratio("group_page_vs_raw_query", side["chart"], 3.0)
        yield _ratio("unchanged_refresh_vs_ping", side["refresh"], 2.5)
        with _serving(given) as (port, pid):
            site = Visitor(port, side["sessions"][0])
            yield _shipped(site)
            yield _chart(port, side["sessions"][0])
            yield from chromium.figures(port, side["sessions"][0])
            yield _people(port, pid, side["sessions"], Path(home) / "fieldwatch.sqlite3")


def _ratio(name: str, of: dict[str, float], goal: float) -> Figure:
    note = f"{of['ours']:.2f} ms of CPU, reference {of['reference']:.2f} ms"
    return Figure(name, of["ratio"], f"<={goal}", of["ratio"] <= goal, note)


@contextmanager
def _serving(given: Environment) -> Iterator[tuple[int, int]]:
    """The web server as `make run` starts it: its port and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "gunicorn", "dashboard.wsgi", "--bind", f"127.0.0.1:{port}"]
    command += ["--workers", "2", "--threads", "4", "--preload", "--log-level", "error"]
    web = subprocess.Popen(command, cwd=ROOT, env=given)
    try:
        _until_up(f"http://127.0.0.1:{port}/healthz")
        yield port, web.pid
    finally:
        web.terminate()
        web.wait(timeout=30)


def _until_up(address: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(address, timeout=2):  # noqa: S310
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(address)


class Visitor:
    """Somebody with a session; each request on a new connection: an idle one ends after 2 s."""

    def __init__(self, port: int, session: str) -> None:
        self.port = port
        self.cookie = f"sessionid={session}"

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by their names in lower case, and body."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as wire:
            wire.request("GET", path, headers={"Cookie": self.cookie} | given)
            answer = wire.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, names, answer.read()


def _shipped(site: Visitor) -> Figure:
    """Compressed JavaScript and CSS of the home page."""
    page = site.get("/")[2].decode()
    found = re.findall(r'(?:src|href)="(/static/[^"]+\.(?:js|css))"', page)
    sizes = [len(site.get(path, Accept_Encoding="br")[2]) for path in found]
    kilobytes = sum(sizes) / 1024
    note = f"{len(sizes)} files with Brotli"
    return Figure("page_without_chart_kb", kilobytes, "<=40", 0 < kilobytes <= 40, note)


DRAWN = """
new MutationObserver((_, watch) => {
  const chart = document.querySelector("[data-drawn]");
  if (chart) { window.drawnAt = performance.now(); watch.disconnect(); }
}).observe(document, { subtree: true, childList: true, attributes: true });
"""
STATIC = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>x</title>
<script src="/plotly.js"></script></head><body><div id="plot" style="height: 22rem"></div><script>
const figure = FIGURE;
Plotly.newPlot("plot", figure.data, figure.layout, { displayModeBar: false, responsive: true })
  .then((plot) => plot.setAttribute("data-drawn", "1"));
</script></body></html>"""


def _chart(port: int, session: str) -> Figure:
    """Time until the completes chart is drawn ÷ until the same figure is, in a static page."""
    name, goal = "first_chart_vs_static", 1.3
    if not chromium.CHROMIUM.exists():
        return skipped(name, f"<={goal}", f"{chromium.CHROMIUM} is missing")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    figure = Visitor(port, session).get("/groups/1/chart.json")[2].decode()
    with _static(STATIC.replace("FIGURE", figure)) as still, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(chromium.CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context()
        context.add_cookies(
            [{"name": "sessionid", "value": session, "url": f"http://127.0.0.1:{port}"}]
        )
        context.add_init_script(DRAWN)
        pages = [f"http://127.0.0.1:{port}/groups/1/", f"http://127.0.0.1:{still}/"]
        taken: list[list[float]] = [[], []]
        page = context.new_page()
        for turn in range(LOADS + WARM):
            for side, address in zip(taken, pages, strict=True):
                page.goto(address)
                page.wait_for_selector("[data-drawn]", state="attached")
                if turn >= WARM:
                    side.append(page.evaluate("window.drawnAt"))
        browser.close()
    ours, other = (statistics.median(side) for side in taken)
    note = f"{ours:.0f} ms, static {other:.0f} ms"
    return Figure(name, ours / other, f"<={goal}", ours / other <= goal, note)


@contextmanager
def _static(page: str) -> Iterator[int]:
    """A server of one page and plotly.js, which browsers may keep."""
    script = (ROOT / "static/plotly/plotly-basic.min.js").read_bytes()

    class Files(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = script if self.path == "/plotly.js" else page.encode()
            kind = "text/javascript" if body is script else "text/html"
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            keep = "max-age=315360000, immutable" if body is script else "no-store"
            self.send_header("Cache-Control", keep)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


def _people(port: int, pid: int, sessions: list[str], tables: Path) -> Figure:
    """CPU of the web processes in a minute of fifty people's refreshes ÷ the minute.

    Each project changes every half minute, so that every refresh is rendered anew: the worst case.
    The minute's requests come one after the other, which changes their times but not their CPU.
    """
    import sqlite3  # noqa: PLC0415

    people = [Visitor(port, session) for session in sessions[:PEOPLE]]
    etags = [""] * PEOPLE
    pages = [PAGES[number % len(PAGES)] for number in range(PEOPLE)]
    for number, one in enumerate(people):
        etags[number] = one.get(pages[number])[1]["etag"]
    before, rendered = _cpu(pid), 0
    for _ in range(int(MINUTE / EVERY)):
        with sqlite3.connect(tables) as connection:
            connection.execute("UPDATE fielding_project SET version = version + 1")
        for number, one in enumerate(people):
            seen = {"HX_Request": "true", "If_None_Match": etags[number]}
            status, headers, _body = one.get(pages[number], **seen)
            etags[number] = headers["etag"]
            rendered += status == 200
    share = (_cpu(pid) - before) / MINUTE
    note = f"{rendered} of {PEOPLE * 2} refreshes rendered, 1,000 groups"
    return Figure("fifty_people_cpu_share", share, "<0.5", share < 0.5, note)


def _cpu(pid: int) -> float:
    """Seconds of CPU of a process and its children so far."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    tick = os.sysconf("SC_CLK_TCK")
    total = 0
    for one in [str(pid), *children]:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / tick
