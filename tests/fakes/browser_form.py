"""A form of a page as a browser would send it, without a browser."""

from __future__ import annotations

from html.parser import HTMLParser


class _Controls(HTMLParser):
    """The controls of the form whose hidden seal is `form`, by name."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.values: dict[str, str] = {}
        self._depth = 0
        self._inside = False
        self._select = ""
        self._area: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "form":
            self._inside = "data-keep" in given
        if not self._inside:
            return
        if tag == "select":
            self._select = name
            self.values.pop(name, None)
        elif tag == "option" and self._select:
            if "selected" in given or self._select not in self.values:
                self.values[self._select] = given.get("value", "")
        elif tag == "textarea":
            self._area, self._text = name, ""
        elif tag == "input" and name:
            ticks = given.get("type") in ("checkbox", "radio")
            if not ticks or "checked" in given:
                self.values[name] = given.get("value", "on")

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea" and self._area is not None:
            lines = self._text.removeprefix("\n").replace("\r\n", "\n")
            self.values[self._area] = lines.replace("\n", "\r\n")
            self._area = None
        elif tag == "form":
            self._inside = False


def untouched(page: str) -> dict[str, str]:
    """What the form of a page sends where nobody touches it."""
    controls = _Controls()
    controls.feed(page)
    assert "form" in controls.values, "the page has no form"
    return controls.values
