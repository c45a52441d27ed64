"""What every alert test can ask for."""

import pytest
from django.db import connection

from tests.fakes.alert_scenario import Field
from tests.fakes.alert_scenario import field as make_field

# SQLite lets one writer in; tests/postgresql runs this room on PostgreSQL too.
collect_ignore = ["test_two_workers.py"] if connection.vendor == "sqlite" else []


@pytest.fixture
def field(db: None) -> Field:
    """An account, a project, its project manager and an administrator."""
    return make_field()
