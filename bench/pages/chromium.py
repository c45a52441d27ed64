"""What a person waits for in Chromium, at a quarter of this machine's speed: paint and clicks.

Two projects of 200 groups each. Largest contentful paint is what the browser reports of a page that
is opened again; an interaction lasts from the click or key to the next frame, as the browser's
event timing reports it. A first visit is what comes over the wire with an empty cache.
"""

import math
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.shared.figure import Figure, skipped

CHROMIUM = Path("/usr/bin/chromium")
SLOWER = 4
LOADS, TURNS = 8, 6
PAINT_MS, CLICK_MS, FIRST_VISIT_KB = 1000, 100, 450
PAGES = {
    "to do": "/",
    "projects": "/projects/",
    "project": "/projects/1/",
    "groups": "/groups/",
    "group": "/groups/1/",
    "spend": "/spend/",
    "activity": "/activity/",
}
# A page, what has to be there, and what is clicked or pressed on it; each is one interaction.
CLICKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "/": (
        ".remedy summary",
        (".remedy summary", "tr[data-line] input[name=pick]", "[data-more]", "key:Escape", "key:j"),
    ),
    "/projects/1/": (
        "#f-status",
        ("#f-status summary", "#f-country summary", "#countries > summary", "key:Escape"),
    ),
    "/groups/1/": (
        "[data-drawn]",
        ("#completes-numbers > summary", "#client > summary", "#suppliers-panel > summary"),
    ),
}
OBSERVE = """
window.paints = []; window.events = [];
new PerformanceObserver((list) => {
  for (const e of list.getEntries()) window.paints.push(e.startTime);
}).observe({ type: "largest-contentful-paint", buffered: true });
new PerformanceObserver((list) => {
  for (const e of list.getEntries()) if (e.interactionId) window.events.push(e.duration);
}).observe({ type: "event", buffered: true, durationThreshold: 16 });
"""
NAMES = ("largest_paint_p75_ms", "interaction_p75_ms", "first_visit_group_kb")


def figures(port: int, session: str) -> Iterator[Figure]:
    """Paint, interactions and the weight of a first visit, of the server at this port."""
    if not CHROMIUM.exists():
        goals = (PAINT_MS, CLICK_MS, FIRST_VISIT_KB)
        for name, goal in zip(NAMES, goals, strict=True):
            yield skipped(name, f"<={goal}", f"{CHROMIUM} is missing")
        return
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where there is a browser

    site = f"http://127.0.0.1:{port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield _first_visit(_signed_in(browser, site, session), f"{site}/groups/1/")
        context = _signed_in(browser, site, session)
        context.add_init_script(OBSERVE)
        yield _paints(context.new_page(), site)
        yield _interactions(context.new_page(), site)
        browser.close()


def _signed_in(browser: Any, site: str, session: str) -> Any:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
    return context


def _first_visit(context: Any, address: str) -> Figure:
    """Kilobytes of everything that a first visit of a group's page loads."""
    page, sizes = context.new_page(), []
    wire = context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(address, wait_until="load")
    page.wait_for_selector("[data-drawn]", state="attached")
    page.wait_for_load_state("networkidle")
    context.close()
    kilobytes = sum(sizes) / 1024
    note = f"{len(sizes)} answers, headers included"
    return Figure(NAMES[2], kilobytes, f"<={FIRST_VISIT_KB}", kilobytes <= FIRST_VISIT_KB, note)


def _paints(page: Any, site: str) -> Figure:
    """The worst page's 75th percentile of its largest contentful paint."""
    _slow_down(page)
    by_page: dict[str, float] = {}
    for name, path in PAGES.items():
        page.goto(site + path)  # once to fill the cache
        times = []
        for _ in range(LOADS):
            page.goto(site + path, wait_until="load")
            times.append(_largest_paint(page))
        by_page[name] = _p75(times)
    worst = max(by_page.values())
    note = ", ".join(f"{name} {value:.0f}" for name, value in by_page.items())
    return Figure(NAMES[0], worst, f"<={PAINT_MS}", worst <= PAINT_MS, f"of the worst page; {note}")


def _largest_paint(page: Any) -> float:
    """When the largest contentful paint was, in ms; the browser reports it a little later."""
    paints: list[float] = []
    while not paints:  # the policy of our pages forbids Playwright to poll inside of them
        page.wait_for_timeout(300)
        paints = page.evaluate("window.paints")
    return max(paints)


def _interactions(page: Any, site: str) -> Figure:
    """The 75th percentile of all clicks and keys."""
    _slow_down(page)
    times: list[float] = []
    tried = 0
    for path, (ready, targets) in CLICKS.items():
        for _ in range(TURNS):
            page.goto(site + path, wait_until="load")
            page.wait_for_selector(ready, state="attached")
            page.wait_for_timeout(500)
            page.evaluate("window.events.length = 0")
            for target in targets:
                tried += 1
                _act(page, target)
                page.wait_for_timeout(300)
                # An event shorter than the browser's threshold of 16 ms is not reported.
                times.append(max(page.evaluate("window.events.splice(0)"), default=16.0))
    p75 = _p75(times)
    note = f"{tried} clicks and keys, median {statistics.median(times):.0f}, worst {max(times):.0f}"
    return Figure(NAMES[1], p75, f"<={CLICK_MS}", p75 <= CLICK_MS, note)


def _act(page: Any, target: str) -> None:
    """Press a key, or click what is visible first."""
    if target.startswith("key:"):
        page.keyboard.press(target.removeprefix("key:"))
        return
    page.locator(f"{target} >> visible=true").first.click()


def _slow_down(page: Any) -> None:
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})


def _p75(times: list[float]) -> float:
    """The 75th percentile: of four values the third."""
    return sorted(times)[math.ceil(0.75 * len(times)) - 1]
