"""What every alert test can ask for."""

import pytest

from tests.alerts.field import Field
from tests.alerts.field import field as make_field


@pytest.fixture
def field(db: None) -> Field:
    """An account, a project, its project manager and an administrator."""
    return make_field()
