"""What the API answers: the figures of the pages, of what the person may see."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from dashboard.alerts.rules.catalogue import rule_title
from dashboard.fielding import people
from dashboard.fielding.audit import SYSTEM
from dashboard.fielding.models import (
    AccessToken,
    Edit,
    Incident,
    Membership,
    Project,
    TargetGroup,
)
from dashboard.logs import without_secrets
from dashboard.web.api import tokens
from tests import factories
from tests.web.api.conftest import SECRET, ApiWorld, Ask

LISTS = ("projects", "groups", "incidents", "items", "changes", "spend")


def _body(response: HttpResponse) -> Any:
    return json.loads(response.content)


def _objects(world: ApiWorld, group: TargetGroup) -> list[str]:
    """The addresses of the objects around a group."""
    incident = group.incidents.get()
    return [
        f"projects/{group.project_id}",
        f"groups/{group.pk}",
        f"groups/{group.pk}/completes",
        f"incidents/{incident.pk}",
    ]


def test_a_project_has_the_figures_of_its_page(api_world: ApiWorld, ask: Ask) -> None:
    project = _body(ask(f"projects/{api_world.project.pk}"))
    assert project["figures"]["completes"] == 200
    assert project["figures"]["goal"] == 400
    assert project["read_at"] == "2026-11-20T12:00:00Z"
    assert project["figures"]["worked_out_at"] == "2026-11-20T12:00:00Z"
    assert [part["to_date"]["amount"] for part in project["cost"]["by_currency"]] == [
        "31000",
        "270.00",
    ]
    assert project["cost"]["client_cpi"] == {"amount": "6.00", "currency": "USD"}


def test_a_group_has_the_figures_of_its_page(api_world: ApiWorld, ask: Ask) -> None:
    insight = {
        "at": "2026-11-20T12:00:00+00:00",
        "forecast": {"at_end": [120.4, 150.5, 260.0], "chance": 0.25, "finish": [None] * 3},
        "pace": {"band": "behind", "actual": 100.0, "required": 130.0},
        "cost": {"p10": "300", "p50": "412.504", "p90": "500"},
    }
    TargetGroup.objects.filter(pk=api_world.group.pk).update(insight=insight, short_at_end=49.6)
    group = _body(ask(f"groups/{api_world.group.pk}"))
    assert group["figures"]["projected"] == {"p10": 120, "p50": 150, "p90": 260}
    assert group["figures"]["shortfall"] == 50
    assert group["figures"]["chance"] == 0.25
    assert group["figures"]["pace"] == {"band": "behind", "actual": 100.0, "expected": 130.0}
    assert group["cost"]["by_end_date"] == {"amount": "412.504", "currency": "USD"}
    assert group["cost"]["if_goal_reached"] == {"amount": "545.00", "currency": "USD"}
    assert group["cost"]["epcm"] == {"amount": "0.033", "currency": "USD"}


def test_amounts_keep_their_digits_and_their_sign(api_world: ApiWorld, ask: Ask) -> None:
    TargetGroup.objects.filter(pk=api_world.group.pk).update(
        cpi=Decimal("2.735200"), cost=Decimal("1234567.5")
    )
    cost = _body(ask(f"groups/{api_world.group.pk}"))["cost"]
    assert cost["cpi"]["amount"] == "2.7352"
    assert cost["to_date"]["amount"] == "1234567.50"
    line = _body(ask("spend"))["data"][0]
    assert line["margin"] == {"amount": "-1233967.50", "currency": "USD"}


def test_completes_are_a_series_of_counts(api_world: ApiWorld, ask: Ask) -> None:
    address = f"groups/{api_world.group.pk}/completes?last_day=2026-11-21"
    series = _body(ask(address))
    assert (series["first_day"], series["last_day"]) == ("2026-11-08", "2026-11-21")
    assert series["data"][-1] == {"at": "2026-11-20T12:00:00Z", "completes": 100}
    assert [point["completes"] for point in series["data"]] == [0, 10, 40, 100]
    assert _body(ask(f"{address}&days=1"))["data"] == []
    for wrong, parameter in (("last_day=20261121", "last_day"), ("days=93", "days")):
        refused = _body(ask(f"groups/{api_world.group.pk}/completes?{wrong}"))
        assert refused["errors"][0]["parameter"] == parameter


def test_spend_adds_up_to_the_cost_by_month_too(api_world: ApiWorld, ask: Ask) -> None:
    whole, months = (_body(ask(f"spend{query}"))["data"] for query in ("", "?month=each"))
    for currency, cost in (("USD", Decimal(270)), ("JPY", Decimal(31000))):
        for lines in (whole, months):
            parts = [line["spend"] for line in lines if line["spend"]["currency"] == currency]
            assert sum(Decimal(part["amount"]) for part in parts) == cost
    month = months[0]["month"]
    assert {line["month"] for line in _body(ask(f"spend?month={month}"))["data"]} == {month}


def test_nothing_of_another_account_is_there(api_world: ApiWorld, ask: Ask) -> None:
    own, foreign = api_world.group, api_world.foreign
    for address in _objects(api_world, own):
        assert ask(address).status_code == 200, address
        assert ask(address, "fw_of-the-stranger").status_code == 404, address
    for address in _objects(api_world, foreign):
        answer = ask(address, **{"If-None-Match": "*"})
        assert answer.status_code == 404, address
    for name in LISTS:
        text = ask(name).content.decode()
        assert _body(ask(name))["data"], name
        assert foreign.project.name not in text
        assert f'"group":{foreign.pk},' not in text
    for query in (f"project={foreign.project_id}", f"group={foreign.pk}"):
        assert _body(ask(f"changes?{query}"))["data"] == []


def test_what_a_person_loses_their_token_loses_immediately(api_world: ApiWorld, ask: Ask) -> None:
    etag = ask("groups")["ETag"]
    Membership.objects.filter(user=api_world.anna).delete()
    again = ask("groups", **{"If-None-Match": etag})
    assert again.status_code == 200
    assert _body(again)["data"] == []
    assert ask(f"groups/{api_world.group.pk}").status_code == 404


def test_without_the_scope_for_spend_no_amount_is_in_an_answer(
    api_world: ApiWorld, ask: Ask
) -> None:
    factories.access_token(api_world.anna, "fw_fieldwork", scopes=["fieldwork"])
    factories.access_token(api_world.anna, "fw_spend", scopes=["spend"])
    Project.objects.filter(pk=api_world.project.pk).update(budget=1, budget_currency="USD")
    goals = {"before": 200, "wanted": 300, "after": 300}
    factories.edit(api_world.other, kind=Edit.Kind.GOALS, **goals)
    addresses = [*LISTS[:-1], *_objects(api_world, api_world.group)]
    sentences = [
        "Japan: 270.00 USD of 1,000.00 USD spent (27 % of the budget).",
        "Japan: Cint changed the CPI from 2.00 to 2.75 USD (+38 %)",
        "Japan: EPC 2.75 JPY, below its median 3.10 JPY",
        "Japan: the cost by the end date is 31,000\N{NO-BREAK SPACE}JPY",
    ]
    for number, sentence in enumerate(sentences):
        incident = Incident.objects.filter(group=api_world.group).earliest("pk")
        incident.pk, incident.key, incident.sentence = None, f"money-{number}", sentence
        incident.save()
        factories.item(api_world.group, key=f"money-{number}", sentence=sentence)
    for name in addresses:
        answer = ask(name, "fw_fieldwork")
        assert answer.status_code == 200
        for amount in ("2.75", "270", "6.00", "31,000", "USD", "JPY", "Over budget"):
            assert amount not in answer.content.decode(), (name, amount)
    shown = [row["sentence"] for row in _body(ask("incidents", "fw_fieldwork"))["data"]]
    assert shown == [rule_title("drop_off")] * len(sentences) + ["High drop-off."]
    assert {row["sentence"] for row in _body(ask("incidents"))["data"]} > set(sentences)
    values = [row["wanted"] for row in _body(ask("changes", "fw_fieldwork"))["data"]]
    assert values == [300, None]
    assert ask("spend", "fw_fieldwork").status_code == 403
    assert ask("groups", "fw_spend").status_code == 403
    assert ask("spend", "fw_spend").status_code == 200
    assert ask("token", "fw_spend").status_code == 200


def test_a_token_that_no_longer_works_is_refused(api_world: ApiWorld, ask: Ask) -> None:
    now = timezone.now()
    token = AccessToken.objects.get(user=api_world.anna)
    calendar = {"purpose": AccessToken.Purpose.CALENDAR, "expires_at": None}
    factories.access_token(api_world.anna, "fw_calendar", scopes=[], **calendar)
    for secret in ("", "fw_wrong", "fw_calendar", token.token_hash):
        assert ask("token", secret).status_code == 401, secret
    for fields in ({"expires_at": now}, {"revoked_at": now}):
        AccessToken.objects.filter(pk=token.pk).update(**fields)
        refused = ask("token")
        assert refused.status_code == 401
        assert refused["WWW-Authenticate"].startswith("Bearer")
        assert refused["Content-Type"] == "application/problem+json"
        AccessToken.objects.filter(pk=token.pk).update(
            expires_at=now + timedelta(days=1), revoked_at=None
        )
    assert ask("token").status_code == 200


def test_closing_and_deleting_a_person_end_their_tokens(api_world: ApiWorld, ask: Ask) -> None:
    people.close(user=api_world.anna, origin=SYSTEM, now=timezone.now())
    assert ask("token").status_code == 401
    people.reopen(user=api_world.anna, origin=SYSTEM, now=timezone.now())
    assert ask("token").status_code == 401
    people.delete(user=api_world.anna, origin=SYSTEM, now=timezone.now())
    assert not AccessToken.objects.filter(user=api_world.anna).exists()


def test_a_session_opens_nothing(api_world: ApiWorld, client: Client) -> None:
    client.force_login(api_world.anna)
    answer = client.get("/api/v1/groups")
    assert answer.status_code == 401


def test_an_account_without_two_factor_authentication_keeps_its_token(
    api_world: ApiWorld, ask: Ask, client: Client, settings: Settings
) -> None:
    """The set-up is asked of sessions; a browser that has one disturbs no program."""
    settings.SECOND_FACTOR_REQUIRED = True
    client.force_login(api_world.anna)
    assert ask("groups").status_code == 200


def test_pages_follow_one_another_while_rows_are_added(api_world: ApiWorld, ask: Ask) -> None:
    for _ in range(3):
        factories.group(api_world.project)
    before = set(TargetGroup.objects.filter(project=api_world.project).values_list("pk", flat=True))
    seen: list[int] = []
    cursor = ""
    while True:
        page = _body(ask(f"groups?limit=2{cursor}"))
        seen += [row["id"] for row in page["data"]]
        if page["next_cursor"] is None:
            break
        if len(seen) == 2:
            api_world.other.delete()
            before.discard(api_world.other.pk)
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 5
    assert before <= set(seen)
    newest = [row["id"] for row in _body(ask("changes"))["data"]]
    assert newest == sorted(newest, reverse=True)


def test_a_cursor_opens_only_its_own_list(api_world: ApiWorld, ask: Ask) -> None:
    factories.access_token(api_world.foreign.account.memberships.get().user, "fw_other")
    cursor = _body(ask("groups?limit=1"))["next_cursor"]
    assert ask(f"groups?limit=200&cursor={cursor}").status_code == 200
    for address, secret in (
        (f"groups?status=live&cursor={cursor}", SECRET),
        (f"projects?cursor={cursor}", SECRET),
        (f"groups?cursor={cursor}", "fw_other"),
        (f"groups?cursor={cursor}x", SECRET),
        ("groups?cursor=1", SECRET),
    ):
        refused = ask(address, secret)
        assert refused.status_code == 409, address
        assert _body(refused)["errors"][0]["parameter"] == "cursor"


@pytest.mark.parametrize(
    ("query", "parameter", "reason"),
    [
        ("statu=live", "statu", "There is no such parameter here."),
        ("limit=0", "limit", "It takes 1 or more."),
        ("limit=201", "limit", "It takes 200 or less."),
        ("limit=many", "limit", "It takes a whole number."),
        ("limit=1&limit=2", "limit", "It is given more than once."),
        ("status=a%00b", "status", "It does not have the form that is documented."),
        ("project=99999999999999999999", "project", "It takes 999999999999999999 or less."),
    ],
)
def test_a_wrong_parameter_is_refused_with_a_sentence(
    api_world: ApiWorld, ask: Ask, query: str, parameter: str, reason: str
) -> None:
    answer = ask(f"groups?{query}")
    assert answer.status_code == 400
    problem = _body(answer)
    assert problem["status"] == 400
    assert parameter in problem["detail"]
    assert problem["errors"][0]["parameter"] == parameter
    assert problem["errors"][0]["reason"].startswith(reason)


def test_every_error_has_the_same_shape(api_world: ApiWorld, client: Client) -> None:
    headers = {"Authorization": f"Bearer {SECRET}"}
    for method, address, status in (
        ("get", "/api/v1/nothing", 404),
        ("get", "/api/", 404),
        ("get", "/api/v2/groups", 404),
        ("get", "/api/v1/groups/0", 400),
        ("get", "/api/v1/groups/-1", 404),
        ("get", f"/api/v1/groups/{10**30}", 404),
        ("post", "/api/v1/groups", 405),
        ("delete", f"/api/v1/groups/{api_world.group.pk}", 405),
        ("options", "/api/v1/groups", 405),
    ):
        answer = getattr(client, method)(address, headers=headers)
        assert answer.status_code == status, address
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["Cache-Control"] == "private, no-cache"
        assert set(_body(answer)) == {"type", "title", "status", "detail", "errors"}
        assert (answer.get("Allow") == "GET, HEAD") == (status == 405)


def test_head_has_the_headers_and_no_body(api_world: ApiWorld, client: Client, ask: Ask) -> None:
    headers = {"Authorization": f"Bearer {SECRET}"}
    head = client.head("/api/v1/figures", headers=headers)
    get = ask("figures")
    assert head.status_code == 200
    assert head.content == b""
    assert head["Content-Length"] == str(len(get.content))
    assert head["ETag"] == get["ETag"]


def test_an_unchanged_answer_is_304_and_a_changed_one_is_not(api_world: ApiWorld, ask: Ask) -> None:
    def touch_group() -> None:
        Project.objects.filter(pk=api_world.project.pk).update(version=7)

    def acknowledge() -> None:
        api_world.group.incidents.update(acknowledged_at=factories.NOW)

    def change_item() -> None:
        api_world.group.items.update(changed_at=factories.NOW + timedelta(hours=1))

    changes: dict[str, Callable[[], object]] = {
        "projects": touch_group,
        "groups": lambda: Project.objects.filter(pk=api_world.project.pk).update(version=8),
        f"projects/{api_world.project.pk}": lambda: Project.objects.update(version=9),
        f"groups/{api_world.group.pk}": lambda: Project.objects.update(version=10),
        "spend": lambda: Project.objects.update(version=11),
        "incidents": acknowledge,
        "items": change_item,
        "changes": lambda: Edit.objects.update(state=Edit.State.CONFLICT),
        "token": lambda: Membership.objects.update(role="editor"),
    }
    for address, change in changes.items():
        etag = ask(address)["ETag"]
        assert etag.startswith('W/"')
        for known in (etag, etag.removeprefix("W/"), f'"other", {etag}'):
            unchanged = ask(address, **{"If-None-Match": known})
            assert unchanged.status_code == 304, address
            assert unchanged.content == b""
            assert unchanged["ETag"] == etag
        change()
        assert ask(address, **{"If-None-Match": etag}).status_code == 200, address


def test_the_age_of_the_numbers_is_in_a_header_also_of_304(api_world: ApiWorld, ask: Ask) -> None:
    first = ask("groups")
    later = factories.NOW + timedelta(minutes=5)
    Project.objects.filter(pk=api_world.project.pk).update(read_at=later)
    unchanged = ask("groups", **{"If-None-Match": first["ETag"]})
    assert first["Read-At"] == "2026-11-20T12:00:00Z"
    assert (unchanged.status_code, unchanged["Read-At"]) == (304, "2026-11-20T12:05:00Z")


def test_a_token_has_so_many_requests_a_minute(
    api_world: ApiWorld, ask: Ask, settings: Settings
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    assert [ask("token").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    refused = ask("token")
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert refused["Content-Type"] == "application/problem+json"
    factories.access_token(api_world.anna, "fw_second")
    assert ask("token", "fw_second").status_code == 200
    began = timezone.now() - timedelta(seconds=61)
    AccessToken.objects.filter(window_count=3).update(window_at=began)
    assert ask("token").status_code == 200


def test_the_count_starts_again_with_each_window(api_world: ApiWorld) -> None:
    token = AccessToken.objects.get(user=api_world.anna)
    limit = tokens.RateLimit(2, timedelta(minutes=1))
    now = factories.NOW
    waits = [
        tokens.count_request(token, limit, now=now + timedelta(seconds=second))
        for second in (0, 10, 20, 59, 60, 61, 62)
    ]
    assert waits == [0, 0, 40, 1, 0, 0, 58]
    token.refresh_from_db()
    assert token.last_used_at == now + timedelta(seconds=61)


QUERIES = {
    "token": 3,
    "projects": 4,
    "groups": 4,
    "incidents": 3,
    "items": 3,
    "changes": 3,
    "spend": 5,
    "spend?month=each": 6,
}


def test_the_number_of_queries_does_not_grow_with_the_rows(
    api_world: ApiWorld, ask: Ask, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        group = factories.group(factories.project(api_world.project.account))
        factories.item(group)
        factories.edit(group, by=api_world.anna)
    for address, queries in QUERIES.items():
        with django_assert_num_queries(queries, info=address):
            answer = ask(address)
        assert answer.status_code == 200
        with django_assert_num_queries(3, info=address):  # token, count, state
            assert ask(address, **{"If-None-Match": answer["ETag"]}).status_code == 304


def test_odd_values_of_cint_are_no_failure_and_no_token_is_logged(
    api_world: ApiWorld, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    TargetGroup.objects.filter(pk=api_world.group.pk).update(
        currency="¤",
        insight={"at": 1, "forecast": 3},
        status="?" * 32,
        starts_at=None,
        ends_at=None,
    )
    for address in ("groups", "spend", f"groups/{api_world.group.pk}"):
        assert ask(address).status_code == 200
    assert "[hidden]" in without_secrets(f"Authorization: Bearer {'fw_' + 'x' * 43}")
    assert without_secrets(f"GET /calendar/fw_{'x' * 43}.ics") == "GET /calendar/[hidden]"
    assert SECRET not in caplog.text


def test_a_failure_of_ours_is_a_problem_and_is_logged(
    api_world: ApiWorld, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    AccessToken.objects.filter(user=api_world.anna).update(scopes=["fieldwork", 3])
    answer = ask("token")
    assert answer.status_code == 500
    assert _body(answer)["detail"] == "Something went wrong. It was logged."
    assert "the API failed: GET /api/v1/token" in caplog.text
