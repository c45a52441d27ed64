"""Picking groups, seeing what would happen to each, and asking for it once."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.fielding.models import (
    AdviceRecord,
    Batch,
    BatchGroup,
    Edit,
    ExchangeAccount,
    Heartbeat,
    Project,
    TargetGroup,
)
from tests import factories
from tests.web.white_space import strip_beside_tags

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> ExchangeAccount:
    return factories.account()


@pytest.fixture
def project(account: ExchangeAccount) -> Project:
    return factories.project(account)


@pytest.fixture
def editor(client: Client, account: ExchangeAccount) -> Client:
    client.force_login(factories.person("editor", account))
    return client


def group(project: Project, **fields: Any) -> TargetGroup:
    """A live group at 2.00 USD that ends in two days."""
    now = timezone.now()
    given = {
        "status": "live",
        "cpi": Decimal("2.00"),
        "currency": "USD",
        "pricing_model": "dynamic",
        "starts_at": now - timedelta(days=2),
        "ends_at": now + timedelta(days=2),
    }
    return factories.group(project, **(given | fields))


def act(client: Client, do: str, *picked: TargetGroup, **typed: str) -> str:
    """The page after an action was asked for."""
    form = {"do": do, "pick": [one.pk for one in picked], **typed}
    return client.post("/act/", form).content.decode()


def send(client: Client, page: str, do: str) -> Any:
    """The preview's own button."""
    sealed = re.search(r'name="sealed" value="([^"]+)"', page)
    assert sealed, "there is nothing to send"
    return client.post("/act/", {"do": do, "sealed": sealed[1]})


def test_a_preview_counts_and_gives_reasons_and_sends_nothing(
    editor: Client, project: Project
) -> None:
    live, paused = group(project), group(project, status="paused", name="Japan 25-54")
    page = act(editor, "pause", live, paused)
    assert "Pause: 1 of 2 groups" in page
    assert "Japan 25-54</bdi></a>: is paused" in page
    assert Batch.objects.count() == 0


def test_the_button_of_the_preview_makes_one_batch_however_often_it_is_pressed(
    editor: Client, project: Project
) -> None:
    one = group(project)
    page = act(editor, "complete", one)
    assert "It can be relaunched only before its end date" in strip_beside_tags(page)
    first, second = send(editor, page, "complete"), send(editor, page, "complete")
    assert first.headers["Location"] == second.headers["Location"]
    assert BatchGroup.objects.get().group == one
    assert "Refused" in editor.get(first.headers["Location"]).content.decode()


def test_one_click_on_a_groups_own_page_goes_without_a_preview(
    editor: Client, project: Project
) -> None:
    one = group(project, status="paused")
    answer = editor.post("/act/", {"do": "resume", "pick": one.pk, "token": "t"})
    assert answer.status_code == 302
    again = editor.post("/act/", {"do": "resume", "pick": one.pk, "token": "t"})
    assert again.headers["Location"] == answer.headers["Location"]
    assert "asks once" not in act(editor, "complete", one)


@pytest.mark.parametrize(
    ("typed", "new"),
    [
        ({"how": "raise", "unit": "%", "value": "10,0 %"}, "2.20 USD (+10 %)"),
        ({"how": "lower", "unit": "USD", "value": "$ 0,25"}, "1.75 USD (−12 %)"),
        ({"how": "raise", "unit": "USD", "value": "0.005"}, "2.005 USD (+0 %)"),
        ({"how": "set", "unit": "USD", "value": "2.7352"}, "2.7352 USD (+37 %)"),
    ],
)
def test_prices_are_previewed_row_by_row(
    editor: Client, project: Project, typed: dict[str, str], new: str
) -> None:
    page = act(editor, "cpi", group(project), typed="1", **typed)
    assert new in page
    assert "Change CPI: 1 of 1 group" in page


def test_a_share_of_a_price_is_whole_coins_of_its_currency(
    editor: Client, project: Project
) -> None:
    yen = group(project, currency="JPY", cpi=Decimal(609))
    page = act(editor, "cpi", yen, group(project), typed="1", how="raise", unit="%", value="5")
    assert "639 JPY (+5 %)" in page
    assert "2.10 USD (+5 %)" in page


def test_what_new_prices_cost_is_said_by_group_and_in_all(editor: Client, project: Project) -> None:
    given = {"completes": 100, "completes_goal": 200, "filling_strategy": "completes"}
    rows = [group(project, **given), group(project, **given), group(project, completes=None)]
    page = act(editor, "cpi", *rows, typed="1", how="raise", unit="USD", value="0.50")
    cell = r'<td class="num" data-label="Cost if the goal is reached">(.*?)</td>'
    assert re.findall(cell, page) == ["470 → 520 USD", "470 → 520 USD", "—"]
    assert "What it needs" not in page  # nothing is known of it yet
    assert "+100 USD; unknown for 1" in page


def test_a_quick_choice_is_previewed_as_if_it_had_been_typed(
    editor: Client, project: Project
) -> None:
    page = act(editor, "cpi", group(project), typed="1", how="set", unit="USD", value="", by="-5")
    assert "1.90 USD (−5 %)" in page
    assert '<option value="lower" selected>' in page
    assert "1.90 USD" not in act(editor, "cpi", group(project), typed="1", by="-50", how="set")


def test_a_price_beyond_the_budget_of_a_group_says_by_how_much(
    editor: Client, project: Project
) -> None:
    page = act(editor, "cpi", group(project, budget=Decimal(500)), by="25")
    assert "20 USD over its budget." in page


def test_prices_that_cannot_be_changed_say_why(editor: Client, project: Project) -> None:
    rows = [
        group(project, pricing_model="rate_card", name="Card"),
        group(project, currency="EUR", name="Euro"),
        group(project, cpi=Decimal("104.90"), name="Dear"),
        group(project, cpi=None, name="Unread"),
        group(project, status="archived", name="Old"),
    ]
    page = act(editor, "cpi", *rows, typed="1", how="raise", unit="USD", value="1")
    for said in (
        "Card</bdi></a>: the rate card sets its CPI",
        "Euro</bdi></a>: is priced in EUR",
        "Dear</bdi></a>: Cint accepts at most 105.00 USD",
        "Unread</bdi></a>: its CPI is not known yet",
        "Old</bdi></a>: is archived",
    ):
        assert said in page
    assert "No group can be changed" in page


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("", "Enter the amount"),
        ("0", "must be more than 0"),
        ("-1", "must be more than 0"),
        ("12,500 EUR", "is not an amount"),
        *((value, "is not an amount") for value in ("abc", "1_0", "1e309", "２")),
    ],
)
def test_what_is_no_number_is_told_at_its_field_and_stays(
    editor: Client, project: Project, value: str, sentence: str
) -> None:
    page = act(editor, "cpi", group(project), typed="1", how="raise", unit="%", value=value)
    assert sentence in page
    assert f'maxlength="20" value="{value}"' in strip_beside_tags(page)


def test_a_large_step_is_typed_again(editor: Client, project: Project) -> None:
    asked = {"typed": "1", "how": "raise", "unit": "%", "value": "80"}
    page = act(editor, "cpi", group(project), **asked)
    assert "Re-enter the amount to confirm." in page
    assert "sealed" not in page
    assert "3.60 USD (+80 %)" in act(editor, "cpi", group(project), **asked, value_again="80,0")


def test_ends_move_by_hours_or_to_a_time_where_people_live(
    editor: Client, project: Project
) -> None:
    one = group(project, country_code="jp")
    assert "Tokyo" in act(editor, "end", one, typed="1", hours="24")
    assert "01 Jan 18:00 Tokyo" in act(editor, "end", one, typed="1", to="2036-01-01T18:00")
    past = act(editor, "end", one, typed="1", to="2020-01-01T18:00")
    assert "that end date has passed in its time zone" in past
    assert "Enter either" in act(editor, "end", one, typed="1")


def test_handing_over_names_both_people(
    editor: Client, project: Project, account: ExchangeAccount
) -> None:
    old, new = (
        factories.exchange_user(account, name="Olga"),
        factories.exchange_user(account, name="Nils"),
    )
    one = group(project, project_manager_id=old.exchange_id)
    page = act(editor, "manager", one, typed="1", manager=new.exchange_id)
    assert "Olga" in page
    assert "Reassign PM: 1 of 1 group" in page
    assert "Choose the new project manager." in act(editor, "manager", one, typed="1", manager="x")


def test_groups_of_others_are_not_there_and_a_viewers_are_refused(
    client: Client, project: Project, account: ExchangeAccount
) -> None:
    one = group(project)
    client.force_login(factories.person("administrator", factories.account()))
    assert "No groups selected" in act(client, "pause", one)
    client.force_login(factories.person("viewer", account))
    assert client.post("/act/", {"do": "pause", "pick": one.pk}).status_code == 403


def test_a_preview_that_was_forged_or_is_too_old_sends_nothing(
    editor: Client, project: Project
) -> None:
    page = act(editor, "pause", group(project))
    answer = editor.post("/act/", {"do": "pause", "sealed": "forged"})
    assert answer.status_code == 400
    assert "Preview expired" in answer.content.decode()
    sealed = re.search(r'name="sealed" value="([^"]+)"', page)
    assert sealed
    assert editor.post("/act/", {"do": "complete", "sealed": sealed[1]}).status_code == 400
    assert Batch.objects.count() == 0


def test_who_had_to_sign_in_first_picks_the_groups_again(editor: Client, project: Project) -> None:
    assert editor.get("/act/").headers["Location"] == "/groups/"


def test_a_batch_of_others_is_not_found(editor: Client, project: Project) -> None:
    made = send(editor, act(editor, "pause", group(project)), "pause").headers["Location"]
    stranger = Client()
    stranger.force_login(factories.person("administrator", factories.account()))
    assert stranger.get(made).status_code == 404
    assert "No bulk changes yet" in stranger.get("/jobs/").content.decode()
    assert "Pause" in editor.get("/jobs/").content.decode()


def open_job(one: TargetGroup, **fields: Any) -> Batch:
    """A pause of a group that goes on."""
    made = factories.batch(one, created_at=timezone.now())
    made.jobs.update(finished_at=None, check_at=timezone.now(), **fields)
    BatchGroup.objects.filter(job__batch=made).update(state="waiting")
    return made


def test_what_is_not_so_on_the_exchange_is_told_in_its_row_and_can_be_tried_again(
    editor: Client, project: Project
) -> None:
    made = factories.batch(group(project), created_at=timezone.now())
    said = "The job reports success; Cint still shows it as live."
    BatchGroup.objects.update(state="not_so", reason=said)
    page = editor.get(f"/jobs/{made.pk}/").content.decode()
    assert said in page
    assert "1 not done" in page
    assert "0 done" in page
    assert "Retry the group that did not change" in page
    assert "hx-trigger" not in page[page.index('id="batch"') :]
    assert "1 not done" in editor.get("/jobs/").content.decode()


def test_a_row_that_is_read_again_is_on_its_way_and_says_what_the_exchange_shows(
    editor: Client, project: Project
) -> None:
    made = open_job(group(project))
    said = "The job reports success; Cint still shows it as live. Checking again."
    BatchGroup.objects.update(reason=said)
    page = editor.get(f"/jobs/{made.pk}/").content.decode()
    assert said in page
    assert "In progress" in page
    assert 'hx-trigger="every 2s"' in page


def test_until_when_the_exchange_asked_to_wait_is_told_while_it_does(
    editor: Client, project: Project
) -> None:
    until = timezone.now() + timedelta(minutes=40)
    made = open_job(group(project), wait_until=until)
    page = editor.get(f"/jobs/{made.pk}/").content.decode()
    assert "asked Fieldwatch to wait until <time" in page
    assert until.strftime("%H:%M") in page
    assert "Refused" not in page
    made.jobs.update(wait_until=timezone.now() - timedelta(seconds=1))
    assert "asked Fieldwatch to wait" not in editor.get(f"/jobs/{made.pk}/").content.decode()


def test_a_change_that_waits_for_a_worker_says_since_when(editor: Client, project: Project) -> None:
    made = open_job(group(project))
    Heartbeat.objects.create(name="work", at=timezone.now() - timedelta(minutes=3))
    page = editor.get(f"/jobs/{made.pk}/").content.decode()
    assert "Waiting for a worker since <time" in page
    Heartbeat.objects.update(at=timezone.now())
    assert "for a worker" not in editor.get(f"/jobs/{made.pk}/").content.decode()


def test_a_viewer_is_offered_no_action(
    client: Client, project: Project, account: ExchangeAccount
) -> None:
    one = group(project)
    client.force_login(factories.person("viewer", account))
    for address in ("/groups/", f"/projects/{project.pk}/", f"/groups/{one.pk}/"):
        page = client.get(address).content.decode()
        assert 'action="/act/"' not in page
        assert 'form="act"' not in page


def test_an_hour_that_a_zone_skips_is_refused_there_and_not_elsewhere(
    editor: Client, project: Project
) -> None:
    rows = [group(project, country_code=code, name=code) for code in ("de", "jp")]
    page = act(editor, "end", *rows, typed="1", to="2036-03-30T02:30")
    assert "de</bdi></a>: 02:30 does not exist that night in Berlin: the clocks go forward." in page
    assert "30 Mar 02:30 Tokyo" in page


def test_a_jobs_page_goes_on_refreshing_until_the_last_row_is_settled(
    editor: Client, project: Project
) -> None:
    address = send(editor, act(editor, "pause", group(project)), "pause").headers["Location"]
    row = BatchGroup.objects.get()
    row.edit = factories.edit(
        row.group,
        kind="status",
        state="unknown",
        settled_at=None,
        before="live",
        wanted="paused",
        after=None,
        started_at=timezone.now(),
    )
    row.state = BatchGroup.State.UNKNOWN
    row.save()
    assert (
        f'hx-get="{address}"'
        in editor.get(address, headers={"HX-Request": "true"}).content.decode()
    )
    Edit.objects.update(state="confirmed", after="paused", settled_at=timezone.now())
    ended = editor.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "hx-get" not in ended
    assert "1 done" in ended


def test_a_bulk_change_of_the_cpi_keeps_what_was_foretold_once(
    editor: Client, project: Project
) -> None:
    forecast = {"forecast": {"at_end": [120, 140, 160], "chance": 0.03, "finish": [None] * 3}}
    known, unknown = group(project, insight=forecast), group(project)
    page = act(editor, "cpi", known, unknown, typed="1", how="raise", unit="%", value="10")
    send(editor, page, "cpi")
    send(editor, page, "cpi")
    record = AdviceRecord.objects.get()
    assert (record.group, record.edit) == (known, None)
    assert (record.old_cpi, record.new_cpi) == (Decimal("2.00"), Decimal("2.20"))
    assert record.ratio_low <= record.ratio_high
