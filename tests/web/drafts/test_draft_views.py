"""Pages of drafts in front of a simulated exchange: every way that a form can end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from dashboard.fielding.models import (
    BusinessUnit,
    Edit,
    ExchangeAccount,
    ExchangeUser,
    Project,
    TargetGroup,
)
from dashboard.simulator.harness import Simulator
from dashboard.sync.edits import create, launch, send
from dashboard.web.http import resubmission
from tests import factories
from tests.fakes.browser_form import untouched
from tests.web.white_space import fold_white_space

pytestmark = pytest.mark.django_db


@pytest.fixture
def simulator(settings: Any) -> Iterator[Simulator]:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    cache.clear()
    with Simulator(projects=1, groups=3, history_days=1, seed=7) as exchange:
        yield exchange


@pytest.fixture
def account(simulator: Simulator) -> ExchangeAccount:
    one = factories.account(base_url=simulator.base_url, requests_per_minute=0, read_at=None)
    with pytest.raises(SystemExit):
        call_command("pull", one.name)
    return one


@pytest.fixture
def project(account: ExchangeAccount) -> Project:
    return account.projects.get()


@pytest.fixture
def editor(account: ExchangeAccount, client: Client) -> Client:
    """Anna at her desk."""
    client.force_login(factories.person("editor", account, first_name="Anna", last_name="Weber"))
    return client


def sealed(page: str) -> str:
    """The signed form of a page."""
    found = re.search(r'name="form" value="([^"]+)"', page)
    assert found, page
    return found[1]


def typed(**changes: str) -> dict[str, str]:
    """A form that is filled in: 120 completes in Germany."""
    in_days = timezone.now() + timedelta(days=1)
    given = {
        "typed": "1",
        "name": "Germany adults",
        "locale": "ger_de",
        "completes_goal": "120",
        "expected_length_of_interview_minutes": "12",
        "expected_incidence_rate": "60",
        "business_unit_id": BusinessUnit.objects.get(currency="EUR").exchange_id,
        "pricing_model": "dynamic",
        "cost_per_interview": "3.20",
        "project_manager_id": ExchangeUser.objects.order_by("exchange_id")[0].exchange_id,
        "start_at": f"{in_days:%Y-%m-%dT09:00}",
        "end_at": f"{in_days + timedelta(days=7):%Y-%m-%dT18:00}",
        "live_url": "https://surveys.example.com/live",
        "test_url": "https://surveys.example.com/test",
        "exclusion": "on",
    }
    return {**given, **changes}


def opened(editor: Client, address: str) -> dict[str, str]:
    """The hidden part of a form, fresh."""
    return {"form": sealed(editor.get(address).content.decode())}


@pytest.fixture
def new(project: Project) -> str:
    return f"/projects/{project.pk}/groups/new/"


@pytest.fixture
def draft(editor: Client, new: str) -> TargetGroup:
    """A draft that was made through the form."""
    editor.post(new, opened(editor, new) | typed())
    return TargetGroup.objects.get(name="Germany adults")


def text(answer: Any) -> str:
    return answer.content.decode()


def test_a_draft_is_made_and_its_page_says_what_it_is(
    editor: Client, new: str, simulator: Simulator
) -> None:
    numbers = {"completes_goal": "1’200", "cost_per_interview": "3,20 €"}
    numbers |= {"expected_incidence_rate": "60,0 %", "expected_length_of_interview_minutes": "12,0"}
    answer = editor.post(new, opened(editor, new) | typed(**numbers), follow=True)
    page = text(answer)
    assert "Draft saved on Cint." in page
    assert "1,200 completes × 3.20 = 3,840 EUR" in page
    assert "Launch or schedule" in page
    assert "Anna Weber" in page  # in the history
    assert simulator.requests()["create_target_group"] == 1


def test_back_and_resubmit_make_one_draft(editor: Client, new: str, simulator: Simulator) -> None:
    form = opened(editor, new) | typed()
    addresses = {editor.post(new, form).headers["Location"] for _ in range(3)}
    assert len(addresses) == 1
    assert simulator.requests()["create_target_group"] == 1


def test_forms_that_arrived_are_not_back_though_their_answers_were_never_seen(
    editor: Client, new: str, draft: TargetGroup, project: Project, simulator: Simulator
) -> None:
    manager = {"project_manager_id": typed()["project_manager_id"]}
    forms = {
        new: typed(name="Germany teens"),
        f"/groups/{draft.pk}/draft/": typed(completes_goal="90"),
        f"/groups/{draft.pk}/launch/": launching(draft),
        f"/connections/{project.account_id}/projects/new/": {"name": "Tracker W24", **manager},
    }
    for address, said in forms.items():
        sent = opened(editor, address) | said
        back = text(editor.post(address, sent | {"kept": "1"}))
        assert resubmission.RESTORED in back
        assert resubmission.RECEIVED not in back
        assert editor.post(address, sent).status_code == 302
        edit = Edit.objects.latest("pk")
        simulator.control("DELETE", "requests")
        page = text(editor.post(address, sent | {"kept": "1"}, follow=True))
        assert resubmission.RECEIVED in page, address
        assert f'<a href="/edits/{edit.pk}/">View result</a>' in page
        assert resubmission.RESTORED not in page
        assert not {name for name in simulator.requests() if not name.startswith("get_")}


WRONG = {
    "name": ("Four", "5–128 characters"),
    "locale": ("xx", "Choose a country and language"),
    "completes_goal": ("1e3", "as a whole number"),
    "expected_length_of_interview_minutes": ("46", "from 1 to 45"),
    "expected_incidence_rate": ("0", "from 1 to 100"),
    "cost_per_interview": ("1e309", "is not an amount"),
    "live_url": ("http://example.com", "starts with https://"),
    "start_at": ("tomorrow", "Enter a date and time"),
    "end_at": ("2020-01-01T10:00", "after the start"),
    "business_unit_id": ("99", "Choose a business unit from the list"),
    "project_manager_id": ("nobody", "Choose a project manager"),
    "respondent_activity_exclusions": ("T999999 30", "No group or project of this account"),
    "target_group_customer_reference_number": ("?!", "3–128 characters"),
    "client_id": ("seven", "enter the client"),
    "study_type_code": ("a b", "Choose an option from the list"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    name: str, editor: Client, new: str, simulator: Simulator
) -> None:
    value, sentence = WRONG[name]
    page = text(editor.post(new, opened(editor, new) | typed(**{name: value})))
    assert sentence in page
    assert value in page
    assert "surveys.example.com/test" in page
    assert "create_target_group" not in simulator.requests()


def test_a_price_above_the_limit_is_refused_before_the_exchange(
    editor: Client, new: str, settings: Any, simulator: Simulator
) -> None:
    settings.CPI_LIMITS = {"EUR": 90}
    page = text(editor.post(new, opened(editor, new) | typed(cost_per_interview="90.01")))
    assert "accepts at most" in page
    assert "create_target_group" not in simulator.requests()


def test_a_refusal_of_the_exchange_stands_at_its_field(
    editor: Client, new: str, simulator: Simulator, project: Project
) -> None:
    gone = ExchangeUser.objects.create(
        account=project.account, exchange_id="00000000-0000-4000-8000-000000000001", name="Gone"
    )
    form = typed(project_manager_id=gone.exchange_id)
    page = text(editor.post(new, opened(editor, new) | form))
    assert 'id="d-manager-error"' in page
    assert "Germany adults" in page


def test_an_exchange_that_is_away_keeps_what_was_typed_for_later(
    editor: Client, new: str, simulator: Simulator, project: Project
) -> None:
    form = opened(editor, new) | typed()
    simulator.fault("http_429", operation="get_list_target_groups", value="60")
    page = text(editor.post(new, form))
    assert "Nothing was sent" in page
    simulator.clear_faults()
    ExchangeAccount.objects.update(secret="new")  # a client of its own, which does not rest
    again = typed() | {"form": sealed(page)}
    assert editor.post(new, again).status_code == 302
    assert project.target_groups.filter(name="Germany adults").count() == 1


def test_a_lost_answer_leads_to_a_page_that_tells_how_it_ends(
    editor: Client, new: str, simulator: Simulator
) -> None:
    form = opened(editor, new) | typed()
    simulator.fault("lost_answer", operation="create_target_group", count=1)
    simulator.fault("http_503", operation="get_target_group")
    answer = editor.post(new, form, follow=True)
    assert "never sends it twice" in text(answer)
    simulator.clear_faults()
    create.settle_due(clock=lambda: timezone.now() + timedelta(minutes=1))
    made = Edit.objects.get(kind="new_draft")
    page = text(editor.get(f"/edits/{made.pk}/", headers={"HX-Request": "true"}))
    assert "View draft" in page
    assert "every 2s" not in page


def test_a_draft_that_was_never_made_is_filled_in_again_with_what_was_typed(
    editor: Client, draft: TargetGroup, new: str
) -> None:
    made = Edit.objects.get(kind="new_draft")
    made.state, made.project, made.group = Edit.State.REJECTED, draft.project, None
    made.save()
    again = f"{new}?again={made.pk}"
    assert f'href="{again}"' in text(editor.get(f"/edits/{made.pk}/"))
    page = text(editor.get(again))
    for held in ('value="Germany adults"', 'value="3.2"', 'value="120"'):
        assert held in page
    assert editor.post(again, typed() | {"form": sealed(page)}).status_code == 302
    assert draft.project.target_groups.filter(name="Germany adults").count() == 2


def test_re_entry_is_left_to_the_exchange_unless_it_is_set(
    editor: Client, new: str, simulator: Simulator
) -> None:
    simulator.control("POST", "switches", {"re_entry": 403})
    assert editor.post(new, opened(editor, new) | typed()).status_code == 302


def test_re_entry_that_the_account_may_not_set_is_said_there(
    editor: Client, new: str, simulator: Simulator
) -> None:
    simulator.control("POST", "switches", {"re_entry": 403})
    cell = "overquota.client_side.allow_for_current_target_group"
    form = typed(re_entry_set="on", **{cell: "on"})
    page = text(editor.post(new, opened(editor, new) | form))
    assert "leave it to Cint" in page


def test_re_entry_is_set_with_the_draft(editor: Client, new: str) -> None:
    cell = "overquota.client_side.allow_for_current_target_group"
    editor.post(new, opened(editor, new) | typed(re_entry_set="on", **{cell: "on"}))
    held = send.read_current_value(
        group=TargetGroup.objects.get(name="Germany adults"), kind="draft"
    )
    side = held["re_entry_configuration"]["overquota"]["client_side"]
    assert side["allow_for_current_target_group"] is True


def test_whom_to_keep_out_is_typed_by_their_short_ids(
    editor: Client, new: str, project: Project
) -> None:
    other = project.target_groups.first()
    assert other is not None
    lines = f"{other.human_readable_id} 30\n{project.human_readable_id}"
    editor.post(new, opened(editor, new) | typed(respondent_activity_exclusions=lines))
    made = TargetGroup.objects.get(name="Germany adults")
    held = send.read_current_value(group=made, kind="draft")["respondent_activity_exclusions"]
    assert {(one["type"], one["id"], one["duration"]) for one in held} == {
        ("target-group", other.exchange_id, "P30D"),
        ("project", project.exchange_id, "P90D"),
    }
    page = text(editor.get(f"/groups/{made.pk}/draft/"))
    assert f"{other.human_readable_id} 30" in page


def test_a_rate_card_draft_sends_no_price(editor: Client, new: str) -> None:
    editor.post(new, opened(editor, new) | typed(pricing_model="rate_card", cost_per_interview=""))
    made = TargetGroup.objects.get(name="Germany adults")
    assert made.pricing_model == "rate_card"
    assert made.cpi is not None


def test_a_new_draft_begins_as_the_projects_newest_group(
    editor: Client, new: str, project: Project
) -> None:
    newest = project.target_groups.exclude(details={}).order_by("-created_at", "-pk")[0]
    page = text(editor.get(new))
    assert f'value="{newest.locale}" selected' in page
    assert f'value="{newest.project_manager_id}" selected' in page


@pytest.mark.parametrize("status", ["live", "draft", "archived"])
def test_a_copy_begins_with_what_another_group_has(
    status: str, editor: Client, new: str, project: Project, simulator: Simulator
) -> None:
    group = project.target_groups.filter(status="draft" if status == "draft" else "live")[0]
    if status == "archived":
        simulator.force(group.exchange_id, "status", status="archived")
    address = f"{new}?from={group.pk}"
    page = text(editor.get(address))
    assert f'value="{group.name} copy"' in page
    form = typed(name="Copied here", carry="on")
    answer = editor.post(address, {"form": sealed(page)} | form)
    assert answer.status_code == 302
    made = TargetGroup.objects.get(name="Copied here")
    held = send.read_current_value(group=made, kind="draft")
    names = [one["name"] for one in held["profiling"]["profiles"]]
    assert names
    assert all(f"<bdi>{name}</bdi>" in page for name in names)


def test_a_copy_of_a_group_that_nobody_knows_says_so(editor: Client, new: str) -> None:
    assert "No group of this account has the ID “NOPE1”" in text(editor.get(f"{new}?from=NOPE1"))


def test_a_group_of_another_account_is_no_source(editor: Client, new: str) -> None:
    theirs = factories.group(factories.project(factories.account()))
    assert "No group of this account" in text(editor.get(f"{new}?from={theirs.pk}"))


def test_feasibility_is_asked_for_what_is_filled_in(
    editor: Client, new: str, simulator: Simulator
) -> None:
    form = opened(editor, new) | typed(name="", look="feasibility")
    part = text(editor.post(new, form, headers={"HX-Request": "true"}))
    assert "Suggested CPI" in part
    assert "120 completes × 3.20 = 384 EUR" in part
    assert "<html" not in part
    whole = text(editor.post(new, form))
    assert "Suggested CPI" in whole
    assert "surveys.example.com/live" in whole
    assert "create_target_group" not in simulator.requests()


def test_a_goal_that_the_exchange_does_not_estimate_is_asked_for_as_far_as_it_does(
    editor: Client, new: str, simulator: Simulator
) -> None:
    for goal in ("10000", "10001", "250000"):
        form = opened(editor, new) | typed(completes_goal=goal, look="feasibility")
        part = text(editor.post(new, form, headers={"HX-Request": "true"}))
        assert "Suggested CPI" in part
        assert f"{int(goal):,} completes × 3.20" in part
        is_beyond = "not feasible" not in part and int(goal) > 10_000
        assert ("Cint estimates at most 10,000 completes" in part) is is_beyond
        assert "is feasible." not in part or not is_beyond or "Whether the goal" in part


def test_feasibility_says_what_must_be_filled_in_first(editor: Client, new: str) -> None:
    form = opened(editor, new) | typed(completes_goal="", look="feasibility")
    part = text(editor.post(new, form, headers={"HX-Request": "true"}))
    assert "Fill in these fields first" in part
    assert "completes goal" in part


def test_feasibility_that_cannot_be_had_says_so(
    editor: Client, new: str, simulator: Simulator
) -> None:
    form = opened(editor, new) | typed(look="feasibility")
    simulator.fault("http_503", operation="calculate_*")
    part = text(editor.post(new, form, headers={"HX-Request": "true"}))
    assert "gave no estimate" in part


SAINTS_DAYS = {
    "locale": "pol_pl",
    "start_at": "2027-10-28T09:00",
    "end_at": "2027-11-03T18:00",
    "look": "calendar",
}


def test_the_calendar_names_days_and_holidays_and_saves_nothing(
    editor: Client, new: str, simulator: Simulator
) -> None:
    form = opened(editor, new) | typed(**SAINTS_DAYS)
    part = text(editor.post(new, form, headers={"HX-Request": "true"}))
    assert "<html" not in part
    assert re.search(r"Cint suggests \d+ days? in field; the draft has 6 days\.", part)
    assert "Holiday in Poland on these dates:" in part
    assert "Mon 1 Nov: <bdi>All Saints&#x27; Day</bdi>" in part
    assert "of a normal day's completes" in part
    whole = text(editor.post(new, form))
    assert "Holiday in Poland on these dates:" in whole
    assert 'value="2027-10-28T09:00"' in whole
    assert "create_target_group" not in simulator.requests()


def test_a_draft_that_is_too_short_is_offered_a_later_end(
    editor: Client, new: str, simulator: Simulator
) -> None:
    form = opened(editor, new) | typed(**SAINTS_DAYS, completes_goal="9000")
    part = text(editor.post(new, form, headers={"HX-Request": "true"}))
    match = re.search(r"Cint suggests (\d+) days in field", part)
    assert match is not None
    end = datetime(2027, 10, 28, 18, tzinfo=UTC) + timedelta(days=int(match[1]))
    assert f'data-fill="d-end" data-value="{end:%Y-%m-%dT%H:%M}"' in part


def test_the_calendar_says_what_it_lacks(editor: Client, new: str) -> None:
    def ask(**changes: str) -> str:
        form = opened(editor, new) | typed(**{**SAINTS_DAYS, **changes})
        return text(editor.post(new, form, headers={"HX-Request": "true"}))

    assert "The end date must be after the start date." in ask(end_at="2027-10-01T09:00")
    assert "Choose a country and language" in ask(locale="")
    for changes in ({"cost_per_interview": ""}, {"pricing_model": "rate_card"}):
        part = ask(**changes)
        assert "fill in the goal, LOI, IR and a fixed CPI" in part
        assert "Holiday in Poland" in part


def test_a_calendar_in_yen_and_without_holidays(editor: Client, new: str) -> None:
    unit = BusinessUnit.objects.get(currency="JPY").exchange_id
    dates = {"start_at": "2027-06-14T09:00", "end_at": "2027-06-20T18:00"}
    changes = {**SAINTS_DAYS, **dates, "business_unit_id": unit, "cost_per_interview": "420"}
    form = opened(editor, new) | typed(**{**changes, "locale": "jpn_jp"})
    part = text(editor.post(new, form, headers={"HX-Request": "true"}))
    assert "No holidays in Japan on these dates." in part
    assert "Cint suggests" in part


@pytest.mark.parametrize("status", ["403", "404"])
def test_an_account_without_the_calendar_reads_so_and_the_form_works(
    status: str, editor: Client, new: str, simulator: Simulator
) -> None:
    simulator.fault(f"http_{status}", operation="suggest_*")
    form = opened(editor, new) | typed(**SAINTS_DAYS)
    part = text(editor.post(new, form, headers={"HX-Request": "true"}))
    assert part.count("Cint does not offer its calendar to this account.") == 1
    assert editor.post(new, opened(editor, new) | typed()).status_code == 302


def test_a_calendar_that_fails_is_said_once(editor: Client, new: str, simulator: Simulator) -> None:
    simulator.fault("http_503", operation="suggest_*")
    form = opened(editor, new) | typed(**SAINTS_DAYS)
    part = text(editor.post(new, form, headers={"HX-Request": "true"}))
    assert part.count("Cint sent no calendar. Try again in a moment.") == 1


@pytest.mark.parametrize(
    ("currency", "sentence"), [("EUR", "per complete"), ("JPY", "has no rate card for Germany")]
)
def test_the_rate_card_of_unit_and_country_stands_beside(
    currency: str, sentence: str, editor: Client, new: str
) -> None:
    unit = BusinessUnit.objects.get(currency=currency).exchange_id
    form = opened(editor, new) | typed(business_unit_id=unit, look="rate_card")
    part = text(editor.post(new, form, headers={"HX-Request": "true"}))
    assert sentence in part
    assert ("this draft</span>" in part) is (currency == "EUR")
    assert "agreed</span>" not in part  # nothing was agreed yet


def test_a_drafts_page_names_its_client(editor: Client, new: str) -> None:
    form = opened(editor, new) | typed()
    number, name = re.findall(
        r'<option value="(\d+)">([A-Z][^<]+)</option>', text(editor.get(new))
    )[-1]
    page = text(editor.post(new, form | {"client_id": number}, follow=True))
    assert f"<bdi>{name}</bdi>" in page


def test_a_draft_is_changed_and_what_was_not_touched_stays(
    editor: Client, draft: TargetGroup
) -> None:
    address = f"/groups/{draft.pk}/draft/"
    before = send.read_current_value(group=draft, kind="draft")
    answer = editor.post(
        address,
        opened(editor, address) | typed(completes_goal="300", re_entry_set="on"),
        follow=True,
    )
    assert "Completes goal 120 → 300: confirmed by Cint." in text(answer)
    assert send.read_current_value(group=draft, kind="draft") == before | {"completes_goal": 300}


def test_a_change_of_nothing_is_not_sent(
    editor: Client, draft: TargetGroup, simulator: Simulator
) -> None:
    address = f"/groups/{draft.pk}/draft/"
    form = opened(editor, address) | typed(re_entry_set="on")
    page = text(editor.post(address, form, follow=True))
    assert "Nothing was changed." in page
    assert "update_target_group" not in simulator.requests()


def test_a_change_that_a_colleague_overtook_shows_all_three(
    editor: Client, draft: TargetGroup
) -> None:
    address = f"/groups/{draft.pk}/draft/"
    form = opened(editor, address) | typed(name="Mine it is", completes_goal="300")
    form |= {"re_entry_set": "on"}
    seen = send.read_current_value(group=draft, kind="draft")
    by = factories.person("editor", draft.account)
    theirs = seen | {"completes_goal": 555, "live_url": "https://example.com/theirs"}
    send.send_edit(group=draft, kind="draft", seen=seen, wanted=theirs, by=by, token="theirs")
    page = text(editor.post(address, form))
    assert "Someone else changed this" in page
    asked = re.findall(r'<td class="full soft">([^<]+)</td>', page)
    assert asked == ["Completes goal"]
    for value in ("120", "555", "300"):
        assert f"<bdi>{value}</bdi>" in page
    assert "which stay as they set them:<bdi>Live URL" in fold_white_space(page)
    again = untouched(page)
    assert (again["name"], again["completes_goal"]) == ("Mine it is", "300")
    assert editor.post(address, again).status_code == 302
    held = send.read_current_value(group=draft, kind="draft")
    assert held == seen | {
        "name": "Mine it is",
        "completes_goal": 300,
        "live_url": "https://example.com/theirs",
    }


def test_two_people_who_change_different_fields_of_a_draft_are_asked_nothing(
    editor: Client, draft: TargetGroup
) -> None:
    address = f"/groups/{draft.pk}/draft/"
    form = untouched(text(editor.get(address))) | {"name": "Mine it is"}
    seen = send.read_current_value(group=draft, kind="draft")
    by = factories.person("editor", draft.account)
    theirs = seen | {"completes_goal": 555}
    send.send_edit(group=draft, kind="draft", seen=seen, wanted=theirs, by=by, token="theirs")
    said = text(editor.post(address, form, follow=True))
    assert "Name Germany adults → Mine it is: confirmed by Cint." in said
    assert send.read_current_value(group=draft, kind="draft") == theirs | {"name": "Mine it is"}
    made = Edit.objects.latest("pk")
    assert "555" not in text(editor.get(f"/edits/{made.pk}/"))


def test_an_exchange_that_is_away_opens_no_form_and_says_so(
    editor: Client, draft: TargetGroup, simulator: Simulator
) -> None:
    simulator.fault("http_503", operation="get_target_group")
    page = text(editor.get(f"/groups/{draft.pk}/draft/"))
    assert "Nothing was changed" in page
    assert "Try again" in page


def test_an_old_form_is_opened_afresh_with_what_was_typed(editor: Client, new: str) -> None:
    page = text(editor.post(new, typed() | {"form": "forged"}))
    assert "expired before it was sent" in page
    assert "surveys.example.com/live" in page


def test_what_a_draft_was_before_can_be_put_back(editor: Client, draft: TargetGroup) -> None:
    address = f"/groups/{draft.pk}/draft/"
    change = typed(completes_goal="300", re_entry_set="on")
    editor.post(address, opened(editor, address) | change)
    made = Edit.objects.get(kind="draft")
    assert f"{address}?undo={made.pk}" in text(editor.get(f"/edits/{made.pk}/"))
    assert 'name="completes_goal" value="120"' in text(editor.get(f"{address}?undo={made.pk}"))


def launching(draft: TargetGroup, **changes: str) -> dict[str, str]:
    """The launch page, filled in."""
    end = datetime.now(UTC) + timedelta(days=6)
    given = {"when": "now", "end_fielding_at": f"{end:%Y-%m-%dT18:00}"}
    return {**given, **changes}


def test_launching_says_what_it_costs_and_is_followed_to_its_end(
    editor: Client, draft: TargetGroup, simulator: Simulator
) -> None:
    address = f"/groups/{draft.pk}/launch/"
    page = text(editor.get(address))
    assert "120 completes × 3.20 = 384 EUR" in page
    answer = editor.post(address, {"form": sealed(page)} | launching(draft), follow=True)
    assert "every 2s" in text(answer)
    simulator.advance(seconds=5)
    launch.run_due_launches(clock=lambda: timezone.now() + timedelta(minutes=1))
    made = Edit.objects.get(kind="launch")
    page = text(editor.get(f"/edits/{made.pk}/", headers={"HX-Request": "true"}))
    assert "Cint has launched the group." in page
    draft.refresh_from_db()
    assert draft.status == "live"
    assert "Launch or schedule" not in text(editor.get(f"/groups/{draft.pk}/"))


def test_a_launch_sent_twice_is_one_job(
    editor: Client, draft: TargetGroup, simulator: Simulator
) -> None:
    address = f"/groups/{draft.pk}/launch/"
    form = opened(editor, address) | launching(draft)
    assert len({editor.post(address, form).headers["Location"] for _ in range(3)}) == 1
    assert simulator.requests()["create_launch_fielding_run_from_draft_job"] == 1


def test_a_draft_is_scheduled_in_its_own_zone(
    editor: Client, draft: TargetGroup, simulator: Simulator
) -> None:
    address = f"/groups/{draft.pk}/launch/"
    start = datetime.now(UTC) + timedelta(days=2)
    form = launching(draft, when="later", start_fielding_at=f"{start:%Y-%m-%dT10:00}")
    editor.post(address, opened(editor, address) | form)
    wanted: Any = Edit.objects.get(kind="launch").wanted
    berlin = datetime.fromisoformat(wanted["start_fielding_at"])
    assert berlin.hour in (8, 9)  # 10:00 there


def test_a_draft_that_is_scheduled_is_never_told_as_launched(
    editor: Client, draft: TargetGroup, simulator: Simulator
) -> None:
    address = f"/groups/{draft.pk}/launch/"
    start = datetime.now(UTC) + timedelta(days=2)
    form = launching(draft, when="later", start_fielding_at=f"{start:%Y-%m-%dT10:00}")
    editor.post(address, opened(editor, address) | form)
    simulator.advance(seconds=5)
    launch.run_due_launches(clock=lambda: timezone.now() + timedelta(minutes=1))
    made = Edit.objects.get(kind="launch")
    assert made.state == "confirmed"
    page = text(editor.get(f"/edits/{made.pk}/"))
    assert f"Cint has scheduled the group for {start:%a %-d %b %Y} 10:00 Berlin." in page
    assert "<h1>Schedule</h1>" in page
    history = text(editor.get(f"/groups/{draft.pk}/"))
    assert "Schedule" in history
    for said in (page, history):
        assert "has launched" not in said
        assert "Launched" not in said


MISTAKES = {
    "nothing chosen": ({"when": ""}, "Choose whether fieldwork starts now or later"),
    "no end": ({"end_fielding_at": ""}, "Enter a date and time"),
    "an end that has passed": (
        {"end_fielding_at": "2020-01-01T10:00"},
        "The end date must be in the future",
    ),
    "a start that has passed": (
        {"when": "later", "start_fielding_at": "2020-01-01T10:00"},
        "The start date must be in the future",
    ),
    "an end far away": ({"end_fielding_at": "2096-01-01T10:00"}, "Check the year."),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_wrong_with_a_launch_is_said_there(
    mistake: str, editor: Client, draft: TargetGroup, simulator: Simulator
) -> None:
    given, sentence = MISTAKES[mistake]
    address = f"/groups/{draft.pk}/launch/"
    page = text(editor.post(address, opened(editor, address) | launching(draft, **given)))
    assert sentence in page
    assert not Edit.objects.filter(kind="launch").exists()


def test_a_launch_that_fails_leads_to_the_fields_that_are_missing(
    editor: Client, new: str, simulator: Simulator
) -> None:
    editor.post(new, opened(editor, new) | typed(test_url=""))
    group = TargetGroup.objects.get(name="Germany adults")
    address = f"/groups/{group.pk}/launch/"
    page = text(editor.get(address))
    assert "The draft has no test URL" in page
    editor.post(address, {"form": sealed(page)} | launching(group))
    simulator.advance(seconds=5)
    launch.run_due_launches(clock=lambda: timezone.now() + timedelta(minutes=1))
    made = Edit.objects.get(kind="launch")
    page = text(editor.get(f"/edits/{made.pk}/"))
    assert "The group was not launched." in page
    assert "Test URL" in page
    page = text(editor.get(f"/groups/{group.pk}/draft/?launch={made.pk}"))
    assert 'id="d-test-error"' in page


def test_a_draft_that_changed_since_the_question_is_asked_about_anew(
    editor: Client, draft: TargetGroup
) -> None:
    address = f"/groups/{draft.pk}/launch/"
    form = opened(editor, address) | launching(draft)
    seen = send.read_current_value(group=draft, kind="draft")
    by = factories.person("editor", draft.account)
    dearer = seen | {"cost_per_interview": {"value": "9.90", "currency_code": "EUR"}}
    send.send_edit(group=draft, kind="draft", seen=seen, wanted=dearer, by=by, token="theirs")
    page = text(editor.post(address, form))
    assert "Someone else changed the draft: CPI. Nothing was launched." in page
    assert "120 completes × 9.90 = 1,188 EUR" in page


def test_a_launched_group_has_neither_draft_nor_launch(editor: Client, project: Project) -> None:
    live = project.target_groups.filter(status="live")[0]
    for page in ("draft", "launch"):
        assert editor.get(f"/groups/{live.pk}/{page}/").headers["Location"] == f"/groups/{live.pk}/"


def test_a_new_project_is_made_once_and_takes_a_draft(
    editor: Client, account: ExchangeAccount, simulator: Simulator
) -> None:
    address = f"/connections/{account.pk}/projects/new/"
    manager = ExchangeUser.objects.order_by("exchange_id")[0].exchange_id
    form = opened(editor, address) | {"name": "Tracker W24", "project_manager_id": manager}
    found = {editor.post(address, form).headers["Location"] for _ in range(2)}
    assert len(found) == 1
    assert simulator.requests()["create_project"] == 1
    made = Project.objects.get(name="Tracker W24")
    page = text(editor.get(f"/projects/{made.pk}/"))
    assert "New target group" in page
    new = f"/projects/{made.pk}/groups/new/"
    assert editor.post(new, opened(editor, new) | typed()).status_code == 302


def test_a_project_without_a_name_is_not_sent(
    editor: Client, account: ExchangeAccount, simulator: Simulator
) -> None:
    address = f"/connections/{account.pk}/projects/new/"
    page = text(editor.post(address, opened(editor, address) | {"name": "W24"}))
    assert "5–128 characters" in page
    assert "Choose a project manager" in page
    assert "create_project" not in simulator.requests()


def test_a_project_that_cannot_be_sent_keeps_what_was_typed_and_is_made_once_later(
    editor: Client, account: ExchangeAccount, simulator: Simulator
) -> None:
    address = f"/connections/{account.pk}/projects/new/"
    manager = ExchangeUser.objects.order_by("exchange_id")[0].exchange_id
    given = {"name": "Tracker W26", "project_manager_id": manager}
    given["project_customer_reference_number"] = "PO 77"
    form = opened(editor, address) | given
    simulator.fault("http_429", operation="create_project", value="60")
    page = text(editor.post(address, form))
    simulator.clear_faults()
    assert "Nothing was created; it can be sent again in 60 s." in page
    for held in ('value="Tracker W26"', 'value="PO 77"', f'value="{manager}" selected'):
        assert held in page
    ExchangeAccount.objects.update(secret="new")  # a client of its own, which does not rest
    assert editor.post(address, {"form": sealed(page)} | given).status_code == 302
    assert Project.objects.filter(name="Tracker W26").count() == 1


def test_a_project_that_is_being_made_is_not_told_as_refused(
    editor: Client, account: ExchangeAccount, simulator: Simulator
) -> None:
    address = f"/connections/{account.pk}/projects/new/"
    manager = ExchangeUser.objects.order_by("exchange_id")[0].exchange_id
    simulator.fault("http_404", operation="get_project_by_id")  # not yet
    form = opened(editor, address) | {"name": "Tracker W28", "project_manager_id": manager}
    page = text(editor.post(address, form, follow=True))
    assert "Cint is creating the project." in page
    assert "<dt>Errors</dt>" not in page
    simulator.clear_faults()
    create.settle_due(clock=lambda: timezone.now() + timedelta(minutes=1))
    assert Project.objects.filter(name="Tracker W28").exists()


def test_a_project_that_was_never_made_is_filled_in_again_with_what_was_typed(
    editor: Client, account: ExchangeAccount
) -> None:
    made = Edit.objects.create(
        account=account,
        kind="new_project",
        token="t",
        started_at=timezone.now(),
        state="rejected",
        wanted={"name": "Tracker W27"},
    )
    again = f"/connections/{account.pk}/projects/new/?again={made.pk}"
    assert f'href="{again}"' in text(editor.get(f"/edits/{made.pk}/"))
    assert 'value="Tracker W27"' in text(editor.get(again))


def test_a_viewer_sees_a_draft_and_no_way_to_change_it(
    account: ExchangeAccount, project: Project, client: Client
) -> None:
    client.force_login(factories.person("viewer", account))
    group = project.target_groups.filter(status="draft")[0]
    page = text(client.get(f"/groups/{group.pk}/"))
    assert ">Draft</h2>" in page
    for address in (f"/groups/{group.pk}/draft/", f"/groups/{group.pk}/launch/"):
        assert address not in page
        assert client.post(address, {"form": "forged"}).status_code == 403
    assert "New target group" not in text(client.get(f"/projects/{project.pk}/"))
    assert "New project" not in text(client.get("/projects/"))


def test_activity_tells_who_made_and_launched_what(editor: Client, draft: TargetGroup) -> None:
    address = f"/groups/{draft.pk}/launch/"
    editor.post(address, opened(editor, address) | launching(draft))
    page = text(editor.get("/activity/"))
    assert "New draft" in page
    assert "Launch" in page
    assert page.count("Anna Weber") >= 2
    assert editor.get("/activity/export.csv").status_code == 200


def test_a_project_that_is_being_made_is_told_in_activity(
    editor: Client, account: ExchangeAccount
) -> None:
    Edit.objects.create(
        account=account,
        kind="new_project",
        token="t",
        started_at=timezone.now(),
        wanted={"name": "Tracker W25", "project_manager_id": "x"},
    )
    made = Edit.objects.get()
    assert "Tracker W25" in text(editor.get("/activity/"))
    assert "Tracker W25" in text(editor.get(f"/edits/{made.pk}/"))
    assert "Tracker W25" in b"".join(editor.get("/activity/export.csv")).decode()
