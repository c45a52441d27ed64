"""The exchange's code lists from which a draft's fields are chosen, cached for some hours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.core.cache import cache

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError
from dashboard.exchange.shapes.accounts import Definition, LocaleShape
from dashboard.fielding.models import ExchangeAccount
from dashboard.sync.connections import clients
from dashboard.sync.lookup.cache_keys import cache_key

SECONDS = 6.0
SHORT_SECONDS = 2.0
CACHE_SECONDS = 6 * 3600
CLIENT_PAGES = 10
TRIED_SECONDS = 60
_TRIED = "tried"
Pair = tuple[str, str]
ReadList = Callable[[ExchangeClient], list[Pair]]


@dataclass(frozen=True, slots=True)
class Lists:
    """Codes with their names; a list that could not be read is empty."""

    locales: Sequence[Pair] = ()
    study_types: Sequence[Pair] = ()
    industries: Sequence[Pair] = ()
    lockouts: Sequence[Pair] = ()
    clients: Sequence[Pair] = ()


def lists_of_account(account: ExchangeAccount, *, client: ExchangeClient | None = None) -> Lists:
    """Every list, requested at most every six hours; a list that cannot be read is empty."""
    try:
        client = client or clients.client_for(account)
    except ExchangeError:
        return Lists()
    readers: dict[str, ReadList] = {
        "locales": lambda client: _locale_pairs(client.get_locales().items),
        **_READERS,
    }
    with client.deadline(SECONDS):
        return Lists(
            **{name: _cached_list(account, name, read, client) for name, read in readers.items()}
        )


def client_names(
    account: ExchangeAccount, *, client: ExchangeClient | None = None
) -> dict[str, str]:
    """The account's clients by id; a page can do without them, so the time limit is short."""
    try:
        client = client or clients.client_for(account)
    except ExchangeError:
        return {}
    with client.deadline(SHORT_SECONDS):
        return dict(_cached_list(account, "clients", _read_clients, client))


class CachedNames(NamedTuple):
    """The cached lists by name, and whether they were requested within the last minute."""

    lists: dict[str, dict[str, str]]
    was_tried: bool


def cached_names(account: ExchangeAccount) -> CachedNames:
    """Codes with their names as far as they are cached, in one lookup. Sends no request."""
    keys = {cache_key("choices", account, name): name for name in (*_READERS, _TRIED)}
    lists = {keys[key]: pairs for key, pairs in cache.get_many(keys).items()}
    was_tried = bool(lists.pop(_TRIED, False))
    return CachedNames({name: dict(pairs) for name, pairs in lists.items()}, was_tried)


def read_names(
    account: ExchangeAccount, lists: Iterable[str], *, client: ExchangeClient | None = None
) -> dict[str, dict[str, str]]:
    """Some of the lists, from the cache, else from the exchange; empty if it cannot be asked."""
    cache.set(cache_key("choices", account, _TRIED), True, timeout=TRIED_SECONDS)
    try:
        client = client or clients.client_for(account)
    except ExchangeError:
        return {}
    with client.deadline(SECONDS):
        return {name: dict(_cached_list(account, name, _READERS[name], client)) for name in lists}


def _cached_list(
    account: ExchangeAccount, name: str, read: ReadList, client: ExchangeClient
) -> list[Pair]:
    """A list from the cache, else as it is read now; empty if it cannot be read."""
    key = cache_key("choices", account, name)
    pairs = cache.get(key)
    if pairs is None:
        try:
            pairs = read(client)
        except ExchangeError:
            return []
        cache.set(key, pairs, timeout=CACHE_SECONDS)
    return [(code, label) for code, label in pairs]


def _locale_pairs(locales: Sequence[LocaleShape]) -> list[Pair]:
    """ "eng_us": "United States, English"; by country, its preferred language first."""
    rows = []
    for locale in locales:
        country = locale.country
        if country is None or not country.code:
            continue
        name = country.name or country.code.upper()
        for language in sorted(locale.languages, key=lambda language: not language.is_preferred):
            if language.code:
                code = f"{language.code}_{country.code}".lower()
                rows.append((name, code, f"{name}, {language.name or language.code}"))
    return [(code, label) for _, code, label in sorted(rows, key=lambda row: row[0].casefold())]


def _code_pairs(items: Sequence[Definition]) -> list[Pair]:
    pairs = [(str(item.code), str(item.name or item.code)) for item in items if item.code]
    return sorted(pairs, key=lambda pair: pair[1].casefold())


def _read_clients(client: ExchangeClient) -> list[Pair]:
    """The account's clients, page by page; a short page is the last."""
    pairs: list[Pair] = []
    for number in range(CLIENT_PAGES):
        page = client.get_clients(page_size=100, page_number=number).items
        pairs += [(row.id, row.name or row.id) for row in page]
        if len(page) < 100:
            break
    return sorted(pairs, key=lambda pair: pair[1].casefold())


_READERS: Mapping[str, ReadList] = {
    "study_types": lambda client: _code_pairs(client.get_study_types().items),
    "industries": lambda client: _code_pairs(client.get_industries().items),
    "lockouts": lambda client: _code_pairs(client.get_industry_lockouts().items),
    "clients": _read_clients,
}
