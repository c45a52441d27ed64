"""The forms of a page as a browser fills them in and sends them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

Pairs = list[tuple[str, str]]


@dataclass
class Field:
    """A control of a form: what it holds, and what it could hold."""

    name: str
    kind: str
    value: str = ""
    checked: bool = True
    options: list[str] = field(default_factory=list)
    chosen: int = -1


@dataclass
class PageForm:
    """A form with its controls in the page's order."""

    id: str
    action: str
    fields: list[Field] = field(default_factory=list)

    def named(self, name: str) -> list[Field]:
        """The controls of a name: one, or the radios of a group."""
        return [field for field in self.fields if field.name == name]

    def has(self, name: str) -> bool:
        """Whether there is such a control."""
        return bool(self.named(name))

    def value(self, name: str) -> str:
        """What a control would send; empty where it sends nothing."""
        return dict(self.pairs()).get(name, "")

    def type(self, name: str, text: str) -> None:
        """Type a text, choose an option or a radio, or tick (`on`) and untick (empty) a box."""
        controls = self.named(name)
        if not controls:
            raise KeyError(name)
        for control in controls:
            if control.kind == "radio":
                control.checked = control.value == text
            elif control.kind == "checkbox":
                control.checked = bool(text)
            elif control.kind == "select":
                control.chosen = control.options.index(text)
            else:
                control.value = text

    def pairs(self) -> Pairs:
        """What is sent: ticked boxes, chosen options, and texts with the line ends of forms."""
        sent: Pairs = []
        for control in self.fields:
            if control.kind in ("radio", "checkbox"):
                if control.checked:
                    sent.append((control.name, control.value))
            elif control.kind == "select":
                if control.options:
                    sent.append((control.name, control.options[max(0, control.chosen)]))
            elif control.kind == "textarea":
                text = control.value.replace("\r\n", "\n").replace("\r", "\n")
                sent.append((control.name, text.replace("\n", "\r\n")))
            else:
                sent.append((control.name, control.value))
        return sent


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[PageForm] = []
        self.inside: PageForm | None = None
        self.text: Field | None = None
        self.select: Field | None = None
        self.option: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = PageForm(attributes.get("id", ""), attributes.get("action", ""))
            self.forms.append(self.inside)
        elif self.inside is None:
            return
        elif tag == "input" and attributes.get("name") and "disabled" not in attributes:
            self._input(self.inside, attributes)
        elif tag == "textarea" and attributes.get("name"):
            self.text = Field(attributes["name"], "textarea")
            self.inside.fields.append(self.text)
        elif tag == "select" and attributes.get("name"):
            self.select = Field(attributes["name"], "select")
            self.inside.fields.append(self.select)
        elif tag == "option" and self.select is not None:
            if "selected" in attributes:
                self.select.chosen = len(self.select.options)
            self.select.options.append(attributes.get("value", ""))
            self.option = None if "value" in attributes else ""

    def _input(self, form: PageForm, attributes: dict[str, str]) -> None:
        kind = attributes.get("type", "text")
        if kind in ("checkbox", "radio"):
            value = attributes.get("value", "on")
            form.fields.append(Field(attributes["name"], kind, value, "checked" in attributes))
        elif kind not in ("submit", "button"):
            form.fields.append(Field(attributes["name"], kind, attributes.get("value", "")))

    def handle_data(self, data: str) -> None:
        if self.text is not None:
            self.text.value += data
        elif self.option is not None and self.select is not None:
            self.option += data
            self.select.options[-1] = self.option.strip()

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = None
        elif tag == "textarea" and self.text is not None:
            self.text.value = self.text.value.removeprefix("\n")
            self.text = None
        elif tag == "select":
            self.select = None
        elif tag == "option":
            self.option = None


def forms(html: str) -> list[PageForm]:
    """Every form of a page."""
    parser = _Parser()
    parser.feed(html)
    return parser.forms


def form_with(html: str, name: str) -> PageForm | None:
    """The first form that has a control of this name."""
    return next((form for form in forms(html) if form.has(name)), None)


def complaints(html: str) -> list[str]:
    """What a page objects to: at its fields, and in its notes."""
    texts = re.findall(r'class="error"[^>]*>([^<]+)<', html)
    texts += re.findall(r'role="alert"[^>]*>(?:<p>)?(?:<strong>)?([^<]+)<', html)
    texts += re.findall(r'class="reasons">.*?</ul>', html, flags=re.S)
    return [re.sub(r"<[^>]+>|\s+", " ", text).strip() for text in texts]
