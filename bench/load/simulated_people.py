"""Fifty people at work: what each opens, how long they stay, and what they change."""

import random
import re
import threading
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

PEOPLE, MANAGERS = 50, 5
EVERY = 30.0  # seconds between the refreshes of an open page
FINE = (200, 204, 302, 304)
LISTS = ("/", "/projects/", "/groups/?status=live", "/groups/?sort=short", "/incidents/")
SELDOM = ("/spend/", "/activity/", "/me/", "/rules/", "/jobs/", "/words/", "/groups/export.csv")
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_FORM = re.compile(r'name="form" value="([^"]+)"')
_PRICE = re.compile(r'name="cpi"[^>]*value="([\d.,]+)"')
_CURRENCY = re.compile(r'name="currency" value="(\w+)"')
_ETAG = re.compile(r'hx-get="([^"]+)"')


class Said(NamedTuple):
    """An answer: of which address, its status (0: none came), and how long it took."""

    path: str
    status: int
    seconds: float

    @property
    def wrong(self) -> bool:
        """Whether it is one that nobody should see."""
        return self.status not in FINE


class Person:
    """Somebody who is signed in and works until it is over."""

    def __init__(self, port: int, session: str, number: int, over: threading.Event) -> None:
        self.port, self.cookie, self.over = port, f"sessionid={session}", over
        self.chance = random.Random(number)  # noqa: S311
        self.said: list[Said] = []

    def work(self) -> list[Said]:
        """Open a page, stay a while, open the next; every answer that came."""
        self.over.wait(self.chance.uniform(0, EVERY))
        while not self.over.is_set():
            draw = self.chance.random()
            if draw < 0.45:
                self._stay(self.chance.choice(LISTS))
            elif draw < 0.85:
                self._look_at_a_group()
            elif draw < 0.92:
                self._ask("GET", self.chance.choice(SELDOM))
            else:
                self._change_a_price()
            self.over.wait(self.chance.uniform(2, 10))
        return self.said

    def _stay(self, path: str) -> None:
        """An open list asks for itself anew while somebody looks at it."""
        etag = self._ask("GET", path)[1].get("ETag", "")
        for _ in range(self.chance.randrange(3)):
            if self.over.wait(EVERY):
                return
            headers = {"HX-Request": "true", "If-None-Match": etag}
            etag = self._ask("GET", path, headers)[1].get("ETag", etag)

    def _look_at_a_group(self) -> None:
        if group := self._a_group():
            self._ask("GET", group)
            self._ask("GET", f"{group}chart.json")
            self._ask("GET", f"{group}trend.json?of=epc")
            self.over.wait(self.chance.uniform(5, 30))

    def _change_a_price(self) -> None:
        """A tenth more, through the form; what the exchange says to it is told in the page."""
        if not (group := self._a_group()):
            return
        form = self._ask("GET", f"{group}edit/cpi/")[2]
        found = [one.search(form) for one in (_TOKEN, _FORM, _PRICE, _CURRENCY)]
        if not all(found):  # a rate card's group, or an exchange that just failed: the page says so
            return
        token, sealed, price, currency = (one[1] for one in found if one)
        typed = {"csrfmiddlewaretoken": token, "form": sealed, "currency": currency}
        whole = currency in {"JPY", "KRW"}
        typed["cpi"] = f"{float(price.replace(',', '')) * 1.1:.{0 if whole else 2}f}"
        cookie = f"{self.cookie}; csrftoken={self._csrf}"
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie}
        self._ask("POST", f"{group}edit/cpi/", headers, urlencode(typed))

    def _a_group(self) -> str:
        page = self._ask("GET", f"/groups/?status=live&page={self.chance.randrange(1, 5)}")[2]
        found = re.findall(r'href="(/groups/\d+/)"', page)
        return str(self.chance.choice(found)) if found else ""

    _csrf = ""

    def _ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: str | None = None
    ) -> tuple[int, dict[str, str], str]:
        began = time.monotonic()
        try:
            status, told, text = self._wire(method, path, headers or {}, body)
        except (OSError, HTTPException):
            status, told, text = 0, {}, ""
        where = re.sub(r"\d+", "N", path.partition("?")[0])
        self.said.append(Said(f"{method} {where}", status, time.monotonic() - began))
        return status, told, text

    def _wire(
        self, method: str, path: str, headers: dict[str, str], body: str | None
    ) -> tuple[int, dict[str, str], str]:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as wire:
            wire.request(
                method, quote(path, safe="/?&=%."), body, {"Cookie": self.cookie} | headers
            )
            answer = wire.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie", []):
                if found := re.match(r"csrftoken=(\w+)", cookie):
                    self._csrf = found[1]
            return answer.status, dict(answer.getheaders()), answer.read().decode()


def fill(base_url: str) -> list[str]:
    """The connection, and fifty people who are signed in, five of them its project managers."""
    from django.utils import timezone  # noqa: PLC0415

    from bench.pages.fixtures import person, session  # noqa: PLC0415
    from dashboard.fielding.models import ExchangeAccount, Membership  # noqa: PLC0415
    from dashboard.sync.connections import clients  # noqa: PLC0415

    account = ExchangeAccount.objects.create(
        name="load",
        exchange_id="101",
        base_url=base_url,
        auth="api_key",
        secret="a-key",
        requests_per_minute=0,
        poll_seconds=15,
    )
    people = [person(account, number) for number in range(PEOPLE)]
    known: Any = clients.client_for(account).get_account_users().items
    for user, known_as in zip(people[:MANAGERS], known, strict=False):
        Membership.objects.filter(user=user).update(exchange_user_id=known_as.id)
    ExchangeAccount.objects.update(due_at=timezone.now())
    return [session(user) for user in people]
