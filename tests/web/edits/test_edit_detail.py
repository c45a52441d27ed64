"""What was changed: an edit's page and its way back, notes, budgets, and one line a change."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.fielding.models import Change, Edit, TargetGroup
from dashboard.web.edits import history, value_labels
from tests import factories
from tests.fakes.edit_gateway import DETAILS, FakeExchange
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db
OLD = {"value": "2.40", "currency_code": "USD"}
NEW = {"value": "2.70", "currency_code": "USD"}


@pytest.fixture
def group() -> TargetGroup:
    return factories.group(factories.project(factories.account()))


@pytest.fixture
def editor(client: Client, group: TargetGroup, exchange: FakeExchange) -> Client:
    client.force_login(
        factories.person("editor", group.account, first_name="Anna", last_name="Weber")
    )
    return client


def edited(group: TargetGroup, **fields: Any) -> Edit:
    return factories.edit(group, **({"before": OLD, "wanted": NEW, "after": NEW} | fields))


def page(client: Client, address: str) -> str:
    return fold_white_space(client.get(address).content.decode())


def test_an_edits_page_tells_before_after_outcome_and_time_to_confirm(
    editor: Client, group: TargetGroup
) -> None:
    said = page(editor, f"/edits/{edited(group).pk}/")
    for words in ("2.40 USD", "2.70 USD", "Confirmed", "Took 2 s"):
        assert words in said


def test_an_edits_page_tells_the_exchanges_reasons(editor: Client, group: TargetGroup) -> None:
    reasons = [{"name": "target_group_cpi.value", "reason": "must be at least 4 <b>"}]
    made = edited(group, state="rejected", after=None, reasons=reasons)
    said = page(editor, f"/edits/{made.pk}/")
    assert "must be at least 4 &lt;b&gt;" in said
    assert "Undo" not in said


def test_the_value_from_before_is_offered_and_typed_in(editor: Client, group: TargetGroup) -> None:
    said = page(editor, f"/edits/{edited(group).pk}/")
    undo = re.search(r'href="(/groups/[^"]+undo=\d+)"', said)
    assert undo
    assert 'value="2.40"' in page(editor, undo[1])
    assert Edit.objects.count() == 1


def test_of_two_quotas_with_the_same_words_each_tells_its_own_goals(group: TargetGroup) -> None:
    before: dict[str, Any] = {"completes_goal": 90, "profiles": [{"id": "p", "name": "ZIP"}]}
    quota = {"name": "Berlin", "completes": 0}
    targets = [
        quota | {"id": "t1", "completes_goal": 40},
        quota | {"id": "t2", "completes_goal": 50},
    ]
    before["profiles"][0]["targets"] = targets
    wanted = {
        "profiles": [{"id": "p", "name": "ZIP", "targets": [targets[1] | {"completes_goal": 60}]}]
    }
    made = edited(group, kind="goals", before=before, wanted=wanted)
    assert value_labels.changed_parts(made, {}) == [("ZIP Berlin (2)", "50", "60")]


def test_no_way_back_past_a_later_change(editor: Client, group: TargetGroup) -> None:
    first = edited(group)
    edited(group, started_at=factories.NOW + timedelta(minutes=1))
    assert "Undo" not in page(editor, f"/edits/{first.pk}/")


def test_a_way_back_is_not_typed_in_where_the_exchange_holds_something_else(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    made = edited(group)
    exchange.values["cpi"] = {"value": "3.00", "currency_code": "USD"}
    said = page(editor, f"/groups/{group.pk}/edit/cpi/?undo={made.pk}")
    assert "This was changed again since" in said
    assert 'value="2.40"' not in said


def test_a_viewer_is_offered_no_way_back(client: Client, group: TargetGroup) -> None:
    client.force_login(factories.person("viewer", group.account))
    assert "Undo" not in page(client, f"/edits/{edited(group).pk}/")


def stuck(group: TargetGroup, minutes: int = 11) -> Edit:
    began = timezone.now() - timedelta(minutes=minutes)
    return edited(group, state="unknown", after=None, started_at=began, settled_at=None)


def test_a_change_that_cannot_be_read_back_is_given_up_by_who_looked(
    editor: Client, group: TargetGroup
) -> None:
    made = stuck(group)
    assert "I've checked on Cint" in page(editor, f"/edits/{made.pk}/")
    editor.post(f"/edits/{made.pk}/give-up/")
    made.refresh_from_db()
    assert made.state == "unknown"
    editor.post(f"/edits/{made.pk}/give-up/", {"looked": "on"})
    said = page(editor, f"/edits/{made.pk}/")
    assert "Abandoned" in said
    assert "I've checked" not in said
    assert "Anna Weber checked on Cint and abandoned this change" in page(editor, "/activity/")


def test_giving_up_is_not_offered_while_reading_may_still_tell_nor_to_a_viewer(
    editor: Client, group: TargetGroup
) -> None:
    fresh = stuck(group, minutes=9)
    assert "I've checked" not in page(editor, f"/edits/{fresh.pk}/")
    editor.post(f"/edits/{fresh.pk}/give-up/", {"looked": "on"})
    fresh.refresh_from_db()
    assert fresh.state == "unknown"
    editor.force_login(factories.person("viewer", group.account))
    Edit.objects.update(started_at=timezone.now() - timedelta(days=1))
    assert "I've checked" not in page(editor, f"/edits/{fresh.pk}/")


def test_a_click_for_ten_per_cent_shows_the_price_and_its_cost(
    editor: Client, group: TargetGroup, exchange: FakeExchange
) -> None:
    said = page(editor, f"/groups/{group.pk}/edit/cpi/?by=10")
    assert 'value="2.97"' in said
    assert "100 × 2.97 = 297 USD still to spend (+27 USD). Cost if the goal is reached: " in said
    assert exchange.sent == []


def test_a_note_is_kept_once_with_who_and_the_older_ones_stay(
    editor: Client, group: TargetGroup
) -> None:
    for text in ("Client asks for men", "Client asks for men", "Agreed <b>"):
        editor.post(f"/groups/{group.pk}/notes/", {"text": text})
    assert [note.text for note in group.notes.newest()] == ["Agreed <b>", "Client asks for men"]
    said = page(editor, f"/groups/{group.pk}/")
    assert "Agreed &lt;b&gt;" in said
    assert "Earlier notes" in said


def test_an_empty_or_endless_note_is_refused(editor: Client, group: TargetGroup) -> None:
    for text in (" ", "x" * 1001):
        answer = editor.post(f"/groups/{group.pk}/notes/", {"text": text})
        assert 'id="note-error"' in answer.content.decode()
    assert not group.notes.exists()


def sealed(said: str) -> str:
    found = re.search(r'name="form" value="([^"]+)"', said)
    assert found
    return found[1]


def test_a_projects_budget_is_kept_with_who_set_it(editor: Client, group: TargetGroup) -> None:
    address = f"/projects/{group.project_id}/budget/"
    form = {"form": sealed(page(editor, address)), "budget": "900", "currency": "USD"}
    for _ in range(2):  # sent twice, one change
        editor.post(address, form)
    group.project.refresh_from_db()
    assert (str(group.project.budget), group.project.budget_currency) == ("900.000000", "USD")
    assert Edit.objects.get().by is not None
    assert "900.00 USD" in page(editor, f"/projects/{group.project_id}/history/")
    assert ">Project</span>" in page(editor, f"/projects/{group.project_id}/history/")


def test_two_budgets_at_once_do_not_overwrite_each_other(
    editor: Client, group: TargetGroup
) -> None:
    address = f"/projects/{group.project_id}/budget/"
    mine, theirs = sealed(page(editor, address)), sealed(page(editor, address))
    editor.post(address, {"form": theirs, "budget": "700", "currency": "USD"})
    answer = editor.post(address, {"form": mine, "budget": "900", "currency": "USD"})
    assert "Someone else changed this" in answer.content.decode()
    group.project.refresh_from_db()
    assert str(group.project.budget) == "700.000000"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"budget": "-5", "currency": "USD"}, "must be more than 0"),
        ({"budget": "5", "currency": "EUR"}, "Choose a currency"),
        ({"budget": "", "currency": "USD"}, "Nothing has been changed"),
    ],
)
def test_a_wrong_budget_is_refused_and_stays(
    editor: Client, group: TargetGroup, typed: dict[str, str], sentence: str
) -> None:
    address = f"/projects/{group.project_id}/budget/"
    form = typed | {"form": sealed(page(editor, address))}
    said = editor.post(address, form).content.decode()
    assert sentence in said
    assert f'value="{typed["budget"]}"' in said


def told(group: TargetGroup, kind: str, new: Any, position: int = 0) -> Change:
    return Change.objects.create(
        account=group.account,
        group=group,
        batch_id="b",
        position=position,
        kind=kind,
        occurred_at=factories.NOW + timedelta(seconds=1),
        seen_at=factories.NOW,
        new=new,
    )


def test_an_edit_of_two_details_and_its_two_changes_are_one_line(group: TargetGroup) -> None:
    wanted = DETAILS | {"name": "A new name", "project_manager_id": "pm-2"}
    made = edited(group, kind="details", before=DETAILS, wanted=wanted, after=wanted)
    changes = [
        told(group, "name_change", "A new name"),
        told(group, "project_manager_change", {"las_user_id": "pm-2"}, 1),
        told(group, "live_url_change", "https://example.com/by-somebody-else", 2),
    ]
    lines = history.history_lines(changes, [made], {"pm-1": "Anna", "pm-2": "Ben"})
    assert len(lines) == 2
    ours = next(line for line in lines if line.ours)
    assert ours.new == "Name: A new name; Project manager: Ben"
    assert ours.detail == "after 2 s"


@pytest.mark.parametrize(
    ("kind", "new", "said"),
    [
        ("pacing_linear_increment_interval_change", "P1D", "every day"),
        ("pacing_assistance_change", "gemini", "Match another group"),
        ("expected_length_of_interview_minutes_change", 27, "27 min"),
        ("expected_incidence_rate_change", 0.35, "35 %"),
        ("soft_launch_filling_goal_percentage_change", 10, "10 %"),
        ("locale_change", "ger_de", "Germany, German"),
        ("industry_lockout_code_change", "other", "Other"),
        ("industry_lockout_code_change", None, "—"),
        ("expected_incidence_rate_change", "of another shape", "of another shape"),
    ],
)
def test_what_the_exchange_changed_reads_in_words_and_units(
    group: TargetGroup, kind: str, new: Any, said: str
) -> None:
    (line,) = history.history_lines([told(group, kind, new)], [], {})
    assert line.new == said


def test_each_edit_takes_its_own_change_where_a_price_goes_forth_and_back(
    group: TargetGroup,
) -> None:
    first = edited(group)
    later = factories.NOW + timedelta(minutes=4)
    back = edited(group, before=NEW, wanted=OLD, after=OLD, started_at=later)
    changes = [told(group, "cpi_change", NEW), told(group, "cpi_change", OLD, 1)]
    assert len(history.history_lines(changes, [first, back], {})) == 2


def test_a_refused_edit_takes_no_change_of_somebody_else(group: TargetGroup) -> None:
    refused = edited(group, state="rejected", after=None)
    assert len(history.history_lines([told(group, "cpi_change", NEW)], [refused], {})) == 2


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_histories_are_files_too(editor: Client, group: TargetGroup, kind: str) -> None:
    edited(group)
    for address in (f"/groups/{group.pk}", f"/projects/{group.project_id}"):
        answer = editor.get(f"{address}/history/export.{kind}")
        body = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        assert body[:2] == b"PK" if kind == "xlsx" else b"2.40 USD,2.70 USD,confirmed" in body


@pytest.mark.parametrize("kind", ["new_draft", "new_project"])
@pytest.mark.parametrize(("ulid", "says"), [("01X", "is creating the"), ("", "answer was lost")])
def test_what_has_an_id_is_being_made_and_no_answer_was_lost(
    editor: Client, group: TargetGroup, kind: str, ulid: str, says: str
) -> None:
    made = edited(
        group,
        kind=kind,
        state="unknown",
        settled_at=None,
        after=None,
        before=None,
        asked_id=ulid,
        wanted={"name": "Tracker"},
        started_at=timezone.now(),
    )
    made.group, made.project = None, group.project if kind == "new_draft" else None
    made.save()
    assert says in page(editor, f"/edits/{made.pk}/")
