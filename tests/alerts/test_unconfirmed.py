"""A change that was sent and that the exchange does not show is told to who made it."""

from __future__ import annotations

import pytest

from dashboard.fielding.models import Edit, Incident, Notice
from tests.alerts.field import Field, after, kinds, states


def edit(field: Field, state: str, *, checks: int, at_minute: int = -5) -> Edit:
    return Edit.objects.create(
        account=field.account,
        group=field.group(),
        by=field.pm,
        kind=Edit.Kind.CPI,
        token=f"form-{state}-{checks}",
        state=state,
        checks=checks,
        before={},
        wanted={},
        started_at=after(at_minute),
    )


def test_a_change_that_was_read_back_in_vain_is_told_once(field: Field) -> None:
    edit(field, Edit.State.REJECTED, checks=4)
    field.cycles(0, 5)
    incident = Incident.objects.get()
    assert "change (CPI) was sent but not confirmed" in incident.headline
    assert "still holds the value from before" in incident.headline
    assert kinds() == ["fire"]
    assert Notice.objects.get().recipient == field.pm


@pytest.mark.parametrize(
    ("state", "checks", "at_minute"),
    [
        (Edit.State.REJECTED, 0, -5),  # refused to the person's face
        (Edit.State.CONFLICT, 0, -5),
        (Edit.State.CONFIRMED, 2, -5),
        (Edit.State.UNKNOWN, 2, -5),  # still being read back
        (Edit.State.CONFLICT, 4, -25 * 60),
    ],
)
def test_what_its_person_knows_already_is_no_news(
    field: Field, state: str, checks: int, at_minute: int
) -> None:
    edit(field, state, checks=checks, at_minute=at_minute)
    field.cycles(0)
    assert states() == []


def test_a_change_that_cannot_be_read_back_is_told_after_ten_minutes(field: Field) -> None:
    edit(field, Edit.State.UNKNOWN, checks=5, at_minute=-11)
    field.cycles(0)
    assert "cannot be read back yet" in Incident.objects.get().headline
