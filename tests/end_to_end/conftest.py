"""The whole product, on embedded defaults and on a company's servers."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import missing
from tests.end_to_end.product import Product
from tests.prepared import create_postgresql


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A run on embedded defaults, with nothing named by the environment."""
    product = Product(tmp_path_factory.mktemp("embedded"))
    product.start()
    yield product
    if product.process and product.process.poll() is None:
        product.stop()


@pytest.fixture(scope="module")
def on_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A run on PostgreSQL and a real Redis, in a database made for it."""
    database, redis = os.environ.get("TEST_DATABASE_URL"), os.environ.get("TEST_REDIS_URL")
    if not database or not redis:
        missing("TEST_DATABASE_URL and TEST_REDIS_URL name no PostgreSQL and Redis")
    assert database
    assert redis
    name = f"fieldwatch_{secrets.token_hex(6)}"
    own = create_postgresql(database, name)
    product = Product(tmp_path_factory.mktemp("servers"), {"DATABASE_URL": own, "REDIS_URL": redis})
    try:
        product.start()
        yield product
        if product.process and product.process.poll() is None:
            product.stop()
    finally:
        with psycopg.connect(database, autocommit=True) as servers:
            servers.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A state folder."""
    return tmp_path / "home"
