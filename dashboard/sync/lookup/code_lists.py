"""What the fields of a draft can be chosen from: the exchange's own lists, kept for some hours."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.core.cache import cache

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError
from dashboard.exchange.shapes.accounts import Definition, LocaleShape
from dashboard.fielding.models import ExchangeAccount
from dashboard.sync.connections import clients as connect

SECONDS = 6.0
SHORTLY = 2.0
KEPT_FOR = 6 * 3600
CLIENT_PAGES = 10
TRIED_FOR = 60
_TRIED = "tried"
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Lists:
    """Codes with their names; a list that could not be read is empty."""

    locales: Sequence[Pair] = ()
    study_types: Sequence[Pair] = ()
    industries: Sequence[Pair] = ()
    lockouts: Sequence[Pair] = ()
    clients: Sequence[Pair] = ()


def of_account(account: ExchangeAccount, *, client: ExchangeClient | None = None) -> Lists:
    """Every list, asked at most every six hours; what cannot be read now is left empty."""
    try:
        client = client or connect.client_for(account)
    except ExchangeError:
        return Lists()
    asks: dict[str, Callable[[ExchangeClient], list[Pair]]] = {
        "locales": lambda one: _locales(one.get_locales().items),
        **_NAMES,
    }
    with client.deadline(SECONDS):
        return Lists(**{name: _kept(account, name, ask, client) for name, ask in asks.items()})


def client_names(
    account: ExchangeAccount, *, client: ExchangeClient | None = None
) -> dict[str, str]:
    """The account's clients by their ids; what a page can do without, so asked for shortly."""
    try:
        client = client or connect.client_for(account)
    except ExchangeError:
        return {}
    with client.deadline(SHORTLY):
        return dict(_kept(account, "clients", _clients, client))


class Kept(NamedTuple):
    """The lists that are remembered, by name, and whether they were asked for a moment ago."""

    lists: dict[str, dict[str, str]]
    was_tried: bool


def kept_names(account: ExchangeAccount) -> Kept:
    """Codes with their names as far as they are remembered, in one look. Asks nobody."""
    keys = {_key(account, name): name for name in (*_NAMES, _TRIED)}
    kept = {keys[key]: pairs for key, pairs in cache.get_many(keys).items()}
    was_tried = bool(kept.pop(_TRIED, False))
    return Kept({name: dict(pairs) for name, pairs in kept.items()}, was_tried)


def names(
    account: ExchangeAccount, lists: Iterable[str], *, client: ExchangeClient | None = None
) -> dict[str, dict[str, str]]:
    """Some of the lists, asked of the exchange where they are not remembered."""
    cache.set(_key(account, _TRIED), True, timeout=TRIED_FOR)
    try:
        client = client or connect.client_for(account)
    except ExchangeError:
        return {}
    with client.deadline(SECONDS):
        return {name: dict(_kept(account, name, _NAMES[name], client)) for name in lists}


def _kept(
    account: ExchangeAccount,
    name: str,
    ask: Callable[[ExchangeClient], list[Pair]],
    client: ExchangeClient,
) -> list[Pair]:
    """A list as it is remembered, else as it is read now; what cannot be read is empty."""
    key = _key(account, name)
    kept = cache.get(key)
    if kept is None:
        try:
            kept = ask(client)
        except ExchangeError:
            return []
        cache.set(key, kept, timeout=KEPT_FOR)
    return [(code, word) for code, word in kept]


def _key(account: ExchangeAccount, name: str) -> str:
    where = json.dumps([account.pk, account.base_url, account.exchange_id])
    return f"choices:{name}:{hashlib.sha256(where.encode()).hexdigest()[:24]}"


def _locales(locales: Sequence[LocaleShape]) -> list[Pair]:
    """ "eng_us": "United States, English"; by country, its preferred language first."""
    found = []
    for one in locales:
        if one.country is None or not one.country.code:
            continue
        name = one.country.name or one.country.code.upper()
        for language in sorted(one.languages, key=lambda each: not each.is_preferred):
            if language.code:
                code = f"{language.code}_{one.country.code}".lower()
                found.append((name, code, f"{name}, {language.name or language.code}"))
    return [(code, word) for _, code, word in sorted(found, key=lambda each: each[0].casefold())]


def _codes(items: Sequence[Definition]) -> list[Pair]:
    pairs = [(str(one.code), str(one.name or one.code)) for one in items if one.code]
    return sorted(pairs, key=lambda pair: pair[1].casefold())


def _clients(client: ExchangeClient) -> list[Pair]:
    """The account's clients, page by page; a short page is the last."""
    found: list[Pair] = []
    for number in range(CLIENT_PAGES):
        page = client.get_clients(page_size=100, page_number=number).items
        found += [(one.id, one.name or one.id) for one in page]
        if len(page) < 100:
            break
    return sorted(found, key=lambda pair: pair[1].casefold())


_NAMES: Mapping[str, Callable[[ExchangeClient], list[Pair]]] = {
    "study_types": lambda one: _codes(one.get_study_types().items),
    "industries": lambda one: _codes(one.get_industries().items),
    "lockouts": lambda one: _codes(one.get_industry_lockouts().items),
    "clients": _clients,
}
