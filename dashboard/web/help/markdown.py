"""Our own Markdown as HTML: headings with anchors, links between pages, pictures.

HTML in a document is shown as text. A link that leads to no page of Help, such as one to a file of
the source code, becomes plain text.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

PICTURES = "help"  # where the static files hold the pictures of docs/
_LINKED_PAGE = re.compile(r"([\w-]+)\.md(#[\w-]+)?")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
# What may scroll sideways takes the focus, so that the keyboard reaches all of it.
_MARKDOWN.add_render_rule(
    "table_open",
    lambda *_: '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>\n',
)
_MARKDOWN.add_render_rule("table_close", lambda *_: "</table></div>\n")
_MARKDOWN.add_render_rule(
    "fence",
    lambda _, tokens, index, *__: (
        f'<pre tabindex="0"><code>{escape(tokens[index].content)}</code></pre>\n'
    ),
)


@dataclass(frozen=True, slots=True)
class DocumentHeading:
    """A heading of the second level, for the table of contents."""

    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class RenderedDocument:
    """A document: its title, its HTML without the title, and its sections."""

    title: str
    html: SafeString
    sections: list[DocumentHeading]


def read_title(text: str) -> str:
    """Return the heading of the first level, which every document begins with."""
    return text.partition("\n")[0].removeprefix("#").strip()


def render_document(
    text: str, *, pages: Collection[str], pictures: Collection[str]
) -> RenderedDocument:
    """Return a document as HTML; `pages` and `pictures` are the names that it may refer to."""
    tokens = _MARKDOWN.parse(text.partition("\n")[2])
    sections = []
    taken = set[str]()
    for token, content in zip(tokens, [*tokens[1:], Token("", "", 0)], strict=True):
        if token.type == "heading_open":
            words = _plain_text(content)
            anchor = _free_anchor(words, taken)
            token.attrSet("id", anchor)
            if token.tag == "h2":
                sections.append(DocumentHeading(anchor, words))
        elif token.type == "inline":
            token.children = _resolve(token.children or [], pages, pictures)
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    # The renderer escapes all text; the addresses are ours or checked above.
    return RenderedDocument(read_title(text), mark_safe(html), sections)  # noqa: S308


def _plain_text(inline: Token) -> str:
    """Return a heading without its marks."""
    return "".join(child.content for child in inline.children or [])


def _free_anchor(words: str, taken: set[str]) -> str:
    """Return an anchor as GitHub forms it: `What is kept, and for how long` has hyphens."""
    base = re.sub(r"[^\w\- ]", "", words.lower()).strip().replace(" ", "-")
    anchor, number = base, 0
    while anchor in taken:
        number += 1
        anchor = f"{base}-{number}"
    taken.add(anchor)
    return anchor


def _resolve(tokens: list[Token], pages: Collection[str], pictures: Collection[str]) -> list[Token]:
    """Rewrite links and pictures; leave out those that lead nowhere here, and keep their words."""
    kept: list[Token] = []
    is_open = True  # whether the link that was opened last is kept
    for token in tokens:
        if token.type == "link_open":
            address = _address_of(str(token.attrGet("href") or ""), pages)
            is_open = bool(address)
            token.attrSet("href", address)
            if address.startswith("https://"):
                token.attrSet("rel", "noopener noreferrer")
        if token.type in ("link_open", "link_close") and not is_open:
            continue
        if token.type == "image":
            name = str(token.attrGet("src") or "").removeprefix("pictures/")
            if name not in pictures:
                continue
            token.attrSet("src", static(f"{PICTURES}/{name}"))
            token.attrSet("loading", "lazy")
        kept.append(token)
    return kept


def _address_of(target: str, pages: Collection[str]) -> str:
    """Return where a link leads within Help, or to the web; empty if nowhere."""
    if target.startswith(("https://", "#")):
        return target
    match = _LINKED_PAGE.fullmatch(target)
    if match and match[1] in pages:
        return reverse("help-page", args=[match[1]]) + (match[2] or "")
    return ""
