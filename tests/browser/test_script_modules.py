"""The modules of the scripts, each by itself in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from dashboard.web.formatting.typed_numbers import possible_numbers
from tests.web.formatting.test_typed_numbers import SPELLINGS

pytestmark = pytest.mark.django_db(transaction=True)

USUAL = [["col", "cpi"], ["col", "completes"]]
CALL = """
([module, name, values]) =>
  import(`/static/js/${module}.js`).then((loaded) => loaded[name](...values))
"""
TIDY = """
(pairs) => import("/static/js/table_filters.js").then(({ tidyQuery }) => {
  const form = document.createElement("form"), query = new URLSearchParams(pairs);
  form.innerHTML = '<div data-columns="cpi completes"></div>';
  tidyQuery(form, query);
  return query.toString();
})
"""

# A page with a figure in its head, whose chart comes later: what is drawn for it, how wide.
DRAW_AHEAD = """
async (known) => {
  const ahead = await import("/static/js/charts_ahead.js");
  window.Plotly = {};
  const add = (where, markup) => where.insertAdjacentHTML("beforeend", markup);
  const figure = '{"figure": 7, "dark": {}}';
  add(document.head, `<script type="application/json" id="x-drawn">${figure}</script>`);
  localStorage.setItem(`chart-width x ${innerWidth}`, known);
  const seen = [];
  const draw = (plot, figure, width) => seen.push(figure, width, plot.clientWidth);
  ahead.drawAhead(draw);
  await Promise.resolve();
  add(document.body, '<div class="chart" id="x"><div class="plot" role="img"></div></div>');
  const chart = document.getElementById("x");
  const width = await ahead.placeDrawing(chart);
  ahead.drawAhead(draw);
  ahead.rememberWidth(chart);
  const kept = Number(localStorage.getItem(`chart-width x ${innerWidth}`)) === chart.clientWidth;
  const roles = [...chart.children].map((part) => `${part.className} ${part.getAttribute("role")}`);
  return [seen, width, roles, document.querySelectorAll(".ahead").length, kept];
}
"""


@pytest.fixture
def page(tab: Page, live_server: LiveServer, answered: None) -> Page:
    """A page that has the scripts."""
    tab.goto(f"{live_server.url}/sign-in/")
    return tab


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "just now"),
        (44, "44 s ago"),
        (60, "1 min ago"),
        (5399, "90 min ago"),
        (5400, "2 h ago"),
        (36 * 3600, "2 days ago"),
    ],
)
def test_ages_in_words(page: Page, seconds: int, words: str) -> None:
    assert page.evaluate(CALL, ["times", "formatAge", [seconds]]) == words


@pytest.mark.parametrize(
    ("text", "data", "sentence"),
    [
        ("2.5", {}, ""),
        ("0", {"left": "100", "currency": "EUR"}, ""),
        ("2.500", {"left": "100", "currency": "EUR"}, ""),
        (
            "€ 2,50",
            {"left": "1000", "currency": "EUR"},
            "1,000 × 2.5 = 2,500 EUR still to spend.",
        ),
        (
            "2.500",
            {"left": "1000", "currency": "USD", "most": "105"},
            "1,000 × 2.500 = 2,500 USD still to spend.",
        ),
        (
            "2.5",
            {"left": "1000", "currency": "EUR"},
            "1,000 × 2.5 = 2,500 EUR still to spend.",
        ),
        (
            "2.5",
            {"left": "1000", "price": "2", "spent": "400", "budget": "2800", "currency": "EUR"},
            "1,000 × 2.5 = 2,500 EUR still to spend (+500 EUR). Cost if the goal is reached: "
            "2,900 EUR, 100 EUR OVER the budget of 2,800 EUR.",
        ),
        (
            "2.5",
            {"left": "1000", "price": "3", "spent": "400", "currency": "EUR"},
            "1,000 × 2.5 = 2,500 EUR still to spend (−500 EUR). "
            "Cost if the goal is reached: 2,900 EUR.",
        ),
    ],
)
def test_cost_of_a_price(page: Page, text: str, data: dict[str, str], sentence: str) -> None:
    assert page.evaluate(CALL, ["cost_preview", "describeCost", [text, data]]) == sentence


def test_the_browser_reads_numbers_as_the_server_does(page: Page) -> None:
    texts = [text for text in SPELLINGS if not text.startswith("−")]
    read = page.evaluate(
        """(texts) => import("/static/js/typed_numbers.js").then(
          ({ possibleNumbers }) => texts.map(possibleNumbers))""",
        texts,
    )
    assert read == [[float(number) for number in possible_numbers(text)] for text in texts]


@pytest.mark.parametrize(
    ("pairs", "query"),
    [
        ([["q", ""], ["status", "live"], *USUAL], "status=live"),
        ([["q", ""], *USUAL], "q="),
        ([["q", "a"], *USUAL], "q=a"),
        ([["q", "a"], ["col", "cpi"]], "q=a&cols=cpi"),
    ],
)
def test_addresses_of_tables_are_short(page: Page, pairs: list[list[str]], query: str) -> None:
    assert page.evaluate(TIDY, pairs) == query


@pytest.mark.parametrize(("known", "seen"), [(500, [7, 500, 500]), (0, [])])
def test_a_chart_is_drawn_before_its_place_is_there_if_its_width_is_known(
    page: Page, known: int, seen: list[object]
) -> None:
    assert page.evaluate(DRAW_AHEAD, known) == [seen, known, ["plot img"], 0, True]
