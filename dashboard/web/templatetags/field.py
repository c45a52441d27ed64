"""How the field's numbers read on a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import slugify

from dashboard.fielding.models import ExchangeAccount, TargetGroup
from dashboard.web.formatting import labels, numbers
from dashboard.web.formatting import status as rows
from dashboard.web.formatting.glossary import GLOSSARY

register = template.Library()
register.filter("count", numbers.format_count)
register.filter("percent", numbers.format_percent)
register.filter("price", numbers.format_price)
register.filter("plain", numbers.typed_amount)
register.filter("total", numbers.format_total)
register.filter("cents", numbers.format_cents)
register.filter("utc", numbers.short_utc)
register.filter("country", labels.country_name)


@register.filter
def get(mapping: Mapping[str, str], key: str) -> str:
    """A value by a key that is itself a variable."""
    return mapping.get(key, "")


@register.filter
def stop(sentence: str) -> str:
    """A sentence with its full stop."""
    return f"{sentence.rstrip('. ')}."


@register.filter
def has_code(options: Iterable[tuple[str, str]], code: str) -> bool:
    """Whether a code is one of the choices."""
    return any(code == one for one, _ in options)


@register.filter
def file(address: str, kind: str) -> str:
    """The address of a table as a file of this kind."""
    return address.replace("{}", kind, 1)


@register.filter
def status(group: TargetGroup) -> SafeString:
    """A status as a word and a shape."""
    said = rows.status_label(group.status, group.status_reason, group.status_changed_by)
    return format_html('<span class="status {}">{}</span>', said.shape, said.word)


@register.filter
def stale_after(account: ExchangeAccount) -> int:
    """After how many seconds numbers of this account are stale."""
    return int(rows.STALE_ROUNDS * (account.poll_seconds or settings.POLL_SECONDS))


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """A moment whose age the browser draws; without scripts, the moment itself."""
    if moment is None:
        return numbers.DASH
    stamp, text = numbers.iso_moment(moment), numbers.short_utc(moment)
    return format_html('<time datetime="{}" data-ago title="{}">{}</time>', stamp, text, text)


@register.filter
def ahead(moment: datetime | None) -> SafeString | str:
    """A moment to come, as a day and hour in the person's own zone; the exact UTC in a tooltip."""
    if moment is None:
        return numbers.DASH
    stamp, text = numbers.iso_moment(moment), numbers.short_utc(moment)
    return format_html('<time datetime="{}" data-local title="{}">{}</time>', stamp, text, text)


@register.simple_tag
def hint(word: str) -> SafeString:
    """Return a button that explains a term of the glossary; use it once a term and page."""
    anchor = f"hint-{slugify(word)}"
    return format_html(
        '<span class="hint"><button type="button" popovertarget="{}" aria-label="What is {}?">?'
        '</button><span popover id="{}"><strong>{}</strong> {}</span></span>',
        anchor,
        word,
        anchor,
        word,
        GLOSSARY[word].meaning,
    )
