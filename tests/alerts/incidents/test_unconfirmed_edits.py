"""A change that did not end well is told to who made it, unless they saw it themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from dashboard.alerts.incidents import acknowledge_and_mute, detect
from dashboard.fielding.models import BatchGroup, Edit, Incident, Notice
from dashboard.sync.edits import send
from tests import factories
from tests.fakes.alert_scenario import Field, after, kinds, states

OPEN = ("sending", "unknown")


def edit(field: Field, state: str, *, checks: int, at_minute: int = -5, **given: Any) -> Edit:
    began = after(at_minute)
    fields: dict[str, Any] = {"kind": Edit.Kind.CPI, "before": {}, "wanted": {}} | given
    if fields["kind"] not in (Edit.Kind.NEW_DRAFT, Edit.Kind.NEW_PROJECT):
        fields["group"] = field.group()
    return Edit.objects.create(
        account=field.account,
        by=field.pm,
        token=f"form-{Edit.objects.count()}",
        state=state,
        checks=checks,
        started_at=began,
        settled_at=None if state in OPEN else began,
        **fields,
    )


def rounds(*minutes: float) -> None:
    for minute in minutes:
        detect.evaluate_by_time(now=after(minute))


def test_a_change_that_was_read_back_in_vain_is_told_once(field: Field) -> None:
    edit(field, Edit.State.REJECTED, checks=4)
    rounds(0, 5)
    incident = Incident.objects.get()
    assert "CPI change was sent but not confirmed" in incident.headline
    assert "still has the previous value" in incident.headline
    assert kinds() == ["fire"]
    assert Notice.objects.get().recipient == field.pm


@pytest.mark.parametrize(
    ("state", "checks", "at_minute"),
    [
        (Edit.State.REJECTED, 0, -5),  # refused to the person's face
        (Edit.State.CONFLICT, 0, -5),
        (Edit.State.CONFIRMED, 2, -5),
        (Edit.State.GIVEN_UP, 9, -5),
        (Edit.State.UNKNOWN, 2, -5),  # still being read back
        (Edit.State.CONFLICT, 4, -25 * 60),
    ],
)
def test_what_its_person_knows_already_is_no_news(
    field: Field, state: str, checks: int, at_minute: int
) -> None:
    edit(field, state, checks=checks, at_minute=at_minute)
    rounds(0)
    assert states() == []


@pytest.mark.parametrize(("waits_until", "told"), [(None, True), (30, False), (-15, True)])
def test_what_the_exchange_asked_to_wait_with_is_not_called_sent(
    field: Field, waits_until: float | None, told: bool
) -> None:
    made = edit(field, Edit.State.SENDING, checks=0, at_minute=-20)
    assert made.group
    batch = factories.batch(made.group, created_at=after(-20))
    until = None if waits_until is None else after(waits_until)
    batch.jobs.update(wait_until=until, finished_at=None)
    BatchGroup.objects.filter(job__batch=batch).update(edit=made)
    rounds(0)
    assert bool(states()) is told


@pytest.mark.parametrize(
    ("kind", "state", "at_minute", "said"),
    [
        (
            "cpi",
            "unknown",
            -11,
            "CPI change was sent but not confirmed: it could not be read back",
        ),
        ("launch", "rejected", -5, "launch failed: The live URL does not answer."),
        ("launch", "unknown", -11, "launch has no result yet"),
        ("launch", "conflict", -5, "launch was not sent: the draft was changed in the meantime"),
        ("new_draft", "rejected", -5, "new target group “DE GenPop” was not created: The live URL"),
        (
            "new_draft",
            "sending",
            -11,
            "new target group “DE GenPop” was sent, but Cint has not",
        ),
        ("new_project", "rejected", -5, "new project “DE GenPop” was not created"),
        ("new_project", "unknown", -11, "new project “DE GenPop” was sent"),
    ],
)
def test_what_failed_behind_a_persons_back_or_has_no_end_stands_on_the_attention_page(
    field: Field, kind: str, state: str, at_minute: int, said: str
) -> None:
    of = {"project": field.project} if kind == "new_draft" else {}
    why = [{"name": "live_url", "reason": "The live URL does not answer."}]
    wanted = {"name": "DE GenPop"}
    edit(field, state, checks=3, at_minute=at_minute, kind=kind, wanted=wanted, reasons=why, **of)
    rounds(0, 5)
    incident = Incident.objects.get()
    assert said in incident.sentence
    assert (incident.state, kinds()) == ("firing", ["fire"])
    assert incident.project == (None if kind == "new_project" else field.project)
    assert Notice.objects.get().recipient == field.pm


def test_a_change_without_an_end_stays_open_and_is_told_again_daily_until_it_has_one(
    field: Field,
) -> None:
    made = edit(field, Edit.State.UNKNOWN, checks=5, at_minute=-11)
    day = 24 * 60
    rounds(0, 5, day + 1, 2 * day + 2)
    assert (states(), kinds()) == (["firing"], ["fire", "repeat", "repeat"])
    Edit.objects.filter(pk=made.pk).update(state="confirmed", settled_at=after(2 * day))
    rounds(2 * day + 5)
    assert (states(), kinds()[-1]) == (["resolved"], "recover")
    assert Incident.objects.get().close_reason == "confirmed"


def test_a_change_that_ends_otherwise_says_so_without_another_mail(field: Field) -> None:
    made = edit(field, Edit.State.UNKNOWN, checks=5, at_minute=-11)
    rounds(0)
    Edit.objects.filter(pk=made.pk).update(state="rejected", settled_at=after(1))
    rounds(2, 3)
    assert "still has the previous value" in Incident.objects.get().sentence
    assert kinds() == ["fire"]


def test_what_a_person_gave_up_closes_without_a_word(field: Field) -> None:
    made = edit(field, Edit.State.UNKNOWN, checks=5, at_minute=-11)
    rounds(0)
    assert send.give_up(edit=made, by=field.pm, now=after(1))
    rounds(2)
    incident = Incident.objects.get()
    assert (incident.state, incident.close_reason) == ("resolved", "abandoned")
    assert kinds() == ["fire"]


def test_what_was_acknowledged_is_not_opened_again(field: Field) -> None:
    edit(field, Edit.State.UNKNOWN, checks=5, at_minute=-11)
    rounds(0)
    acknowledge_and_mute.acknowledge_incident(
        incident=Incident.objects.get(), by=field.pm, now=after(1)
    )
    rounds(2)
    detect.evaluate_by_time(now=after(2) + timedelta(days=2))
    assert (states(), kinds()) == (["resolved"], ["fire"])


@pytest.mark.parametrize(
    ("state", "facts", "says"),
    [
        (Edit.State.REJECTED, {"sent": False}, "CPI change was not sent"),
        (Edit.State.REJECTED, {"sent": True, "taken": False}, "was sent and refused because"),
        (Edit.State.CONFLICT, {"sent": True, "taken": False}, "was sent and refused because"),
        (Edit.State.CONFLICT, {"sent": True, "taken": True}, "has a different value now"),
    ],
)
def test_what_was_not_sent_and_what_was_refused_is_said_so(
    field: Field, state: str, facts: dict[str, bool], says: str
) -> None:
    edit(field, state, checks=1, **facts)
    rounds(0)
    assert says in Incident.objects.get().headline


@pytest.mark.parametrize("state", [Edit.State.REJECTED, Edit.State.CONFLICT])
def test_an_incident_ends_once_the_setting_was_changed_again(field: Field, state: str) -> None:
    group = edit(field, state, checks=4).group
    assert group
    rounds(0)
    assert states() == ["firing"]
    factories.edit(group, kind="filling_strategy", started_at=after(1), settled_at=after(1))
    rounds(2)
    assert states() == ["firing"]  # another setting says nothing of this one
    factories.edit(group, started_at=after(3), settled_at=after(3))
    rounds(4)
    assert states() == ["resolved"]
    rounds(5, 6)
    assert Incident.objects.count() == 1
