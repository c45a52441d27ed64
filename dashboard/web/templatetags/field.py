"""Template filters and tags for numbers, times, statuses and hints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import slugify

from dashboard.alerts.rules.catalogue import rule_title
from dashboard.fielding.models import ExchangeAccount, TargetGroup
from dashboard.web.formatting import labels, numbers, times
from dashboard.web.formatting.glossary import GLOSSARY
from dashboard.web.formatting.status import STALE_ROUNDS, status_label

register = template.Library()
register.filter("count", numbers.format_count)
register.filter("percent", numbers.format_percent)
register.filter("signed", numbers.format_signed)
register.filter("significant", numbers.format_significant)
register.filter("price", numbers.format_price)
register.filter("plain", numbers.typed_amount)
register.filter("total", numbers.format_total)
register.filter("cents", numbers.format_cents)
register.filter("utc", numbers.short_utc)
register.filter("country", labels.country_name)
register.filter("locale", labels.locale_name)
register.filter("rule_title", rule_title)
register.filter("weekdays", times.name_weekdays)


@register.filter
def get(mapping: Mapping[str, str], key: str) -> str:
    """Look up a value by a key that is itself a variable."""
    return mapping.get(key, "")


@register.filter
def stop(sentence: str) -> str:
    """End a sentence with a full stop."""
    return f"{sentence.rstrip('. ')}."


@register.filter
def has_code(options: Iterable[tuple[str, str]], code: str) -> bool:
    """Whether a code is one of the options."""
    return any(code == option for option, _ in options)


@register.filter
def file(address: str, kind: str) -> str:
    """Return the URL of a table's download in this file format."""
    return address.replace("{}", kind, 1)


@register.filter
def status(group: TargetGroup) -> SafeString:
    """Render a status as a word with its icon."""
    label = status_label(group.status, group.status_reason, group.status_changed_by)
    return format_html('<span class="status {}">{}</span>', label.shape, label.word)


@register.filter
def stale_after(account: ExchangeAccount) -> int:
    """Return the age in seconds at which this account's numbers count as stale."""
    return int(STALE_ROUNDS * (account.poll_seconds or settings.POLL_SECONDS))


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """Render a time as its age, drawn by the browser; without scripts, the time in UTC."""
    if moment is None:
        return numbers.DASH
    stamp, text = numbers.iso_moment(moment), numbers.short_utc(moment)
    return format_html('<time datetime="{}" data-ago title="{}">{}</time>', stamp, text, text)


@register.filter
def ahead(moment: datetime | None) -> SafeString | str:
    """Render a time in the person's zone, with UTC in a tooltip."""
    if moment is None:
        return numbers.DASH
    stamp, text = numbers.iso_moment(moment), numbers.short_utc(moment)
    return format_html('<time datetime="{}" data-local title="{}">{}</time>', stamp, text, text)


@register.simple_tag
def meaning(word: str) -> str:
    """Return what a term of the glossary means, for a tooltip."""
    return GLOSSARY[word].meaning


@register.simple_tag
def hint(word: str) -> SafeString:
    """Render a button that explains a term of the glossary; use it once per term and page."""
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
