"""Help shows every document of docs/, safely, with links and pictures that work."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from dashboard.web.help import pages
from dashboard.web.help.markdown import render_document
from tests import factories

pytestmark = pytest.mark.django_db


class Targets(HTMLParser):
    """The anchors, links and pictures of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids, self.links, self.pictures = set[str](), set[str](), set[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids.add(given.get("id", ""))
        if tag == "a":
            self.links.add(given["href"])
        if tag == "img":
            self.pictures.add(given["src"])


@pytest.fixture
def reader(client: Client) -> Client:
    client.force_login(factories.person("viewer", factories.account()))
    return client


def test_every_document_is_listed_once_and_shown_with_links_that_work(reader: Client) -> None:
    listed = re.findall(r'href="/help/([\w-]+)/"', reader.get("/help/").content.decode())
    assert sorted(listed) == sorted(path.stem for path in pages.DOCS.glob("*.md"))
    shown = {}
    for name in listed:
        answer = reader.get(f"/help/{name}/")
        assert answer.status_code == 200
        shown[name] = answer.content.decode()
        assert f"<h1>{pages.titles()[name]}</h1>".replace("'", "&#x27;") in shown[name]
    targets = {name: Targets(text) for name, text in shown.items()}
    pictures = set[str]()
    for name, target in targets.items():
        pictures |= target.pictures
        for link in target.links:
            other, _, anchor = link.partition("#")
            page = re.fullmatch(r"/help/([\w-]+)/", other)
            if page or (not other and anchor != "main"):
                found = targets[page[1] if page else name].ids
                assert not anchor or anchor in found, f"{name} links to {link}"
    assert len(pictures) >= 9
    for picture in pictures:
        assert finders.find(picture.removeprefix("/static/")), picture


def test_a_page_takes_as_many_queries_as_the_frame(
    reader: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    reader.get("/words/")
    with django_assert_num_queries(QUERIES):
        reader.get("/help/tour/")
    with django_assert_num_queries(QUERIES):
        reader.get("/help/")


QUERIES = 3


def test_what_is_no_document_is_not_found(reader: Client) -> None:
    for name in ("nothing", "settings.py", "..%2FREADME", "pictures", "TOUR"):
        assert reader.get(f"/help/{name}/").status_code == 404, name


def test_the_navigation_and_the_glossary_lead_to_help(reader: Client) -> None:
    text = reader.get("/words/").content.decode()
    assert text.count('href="/help/"') == 2
    assert '<a href="/help/" aria-current="page">Help</a>' in text


def test_markdown_is_rendered_and_nothing_in_it_runs() -> None:
    text = """# A *title*

## One `word`, and more
[page](tour.md) [part](tour.md#a-b) [gone](gone.md) [code](../README.md) [web](https://example.com)
[bad](javascript:alert(1)) [data](data:text/html,x) [rules](x.yml) [here](#one-word-and-more)
<script>alert(1)</script> <img src=x onerror=alert(1)>
![known](pictures/tour.png) ![other](https://example.com/x.png) ![up](../secret.png)

## One `word`, and more

| a | b |
|---|---|
| <b>x</b> | `y` |

```
make <target>
```
"""
    page = render_document(text, pages={"tour"}, pictures={"tour.png"})
    assert page.title == "A *title*"
    assert [section.anchor for section in page.sections] == [
        "one-word-and-more",
        "one-word-and-more-1",
    ]
    target = Targets(page.html)
    assert target.links == {
        "/help/tour/",
        "/help/tour/#a-b",
        "https://example.com",
        "#one-word-and-more",
    }
    assert target.pictures == {"/static/help/tour.png"}
    assert "<script" not in page.html
    assert "<b>x" not in page.html
    assert all(words in page.html for words in ("gone", "code", "rules", "&lt;script&gt;"))
    assert 'rel="noopener noreferrer"' in page.html
    assert '<div class="scroll" tabindex="0"' in page.html
    assert '<pre tabindex="0"><code>make &lt;target&gt;\n</code></pre>' in page.html
