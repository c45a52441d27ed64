"""Somebody at a desk in front of the running product: forms over HTTP, as a browser sends them."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Any

import httpx

from dashboard.simulator.harness import Simulator
from tests.end_to_end.product import Product


@dataclass
class Desk:
    """A person who is signed in, and the exchange that the product talks to."""

    product: Product
    browser: httpx.Client
    simulator: Simulator

    def post(self, address: str, **typed: str) -> httpx.Response:
        """Send a form."""
        typed["csrfmiddlewaretoken"] = str(self.browser.cookies["csrftoken"])
        headers = {"Referer": self.product.url}
        return self.browser.post(address, data=typed, headers=headers)

    def opened(self, address: str) -> tuple[str, str]:
        """A form as it is signed, and the price that it shows; empty texts where there is none."""
        page = self.browser.get(address).text
        sealed = re.search(r'name="form" value="([^"]+)"', page)
        price = re.search(r'data-price="([^"]+)"', page)
        return sealed[1] if sealed else "", price[1] if price else ""

    def table(self, question: str, *given: object) -> list[Any]:
        """Rows of the product's own tables."""
        where = f"file:{self.product.home / 'fieldwatch.sqlite3'}?mode=ro"
        with sqlite3.connect(where, uri=True) as tables:
            return tables.execute(question, given).fetchall()

    def puts(self, price: str) -> int:
        """How often the exchange was asked for this price."""
        return sum(f'"{price}"' in one["body"] for one in self.simulator.edits())


def sit_down(product: Product) -> Desk:
    """Sign in as an editor."""
    (simulator,) = product.running("dashboard.simulator")
    command = product.command(simulator)
    exchange = Simulator()
    exchange.base_url = f"http://127.0.0.1:{command.split('--port ')[1].split()[0]}"
    browser = httpx.Client(base_url=product.url, timeout=60)
    browser.get("/sign-in/")
    desk = Desk(product, browser, exchange)
    desk.post("/sign-in/", login="demo-editor", username="demo-editor", password="demo")
    return desk
