"""What an answer means, how long a call may take, and what is known of a write."""

import httpx
import pytest

from dashboard.exchange.auth import ClientCredentials
from dashboard.exchange.errors import (
    BadAnswer,
    ExchangeError,
    InvalidParam,
    NotFound,
    NotOffered,
    PreconditionFailed,
    RateLimited,
    Refused,
    TimedOut,
    Unauthorized,
    Unreachable,
)
from dashboard.exchange.limits.gate import GatePolicy, LocalGate
from tests.exchange.conftest import MakeClient
from tests.exchange.examples import CPI, END, GROUP, IN, RE_ENTRY, RUN, START
from tests.fakes.clock import FastClock


def test_a_refusal_says_which_fields_are_wrong(make_client: MakeClient) -> None:
    body = {
        "object": "bad_request_error",
        "title": "Invalid",
        "detail": "Two fields\r\nare wrong",
        "invalid_params": [{"name": "name", "reason": "too short"}, 7, {"name": "live_url"}],
    }
    with pytest.raises(Refused) as caught:
        make_client(lambda _: httpx.Response(400, json=body)).get_industries()
    assert caught.value.invalid_params == [
        InvalidParam("name", "too short"),
        InvalidParam("live_url", ""),
    ]
    assert (caught.value.title, caught.value.detail) == ("Invalid", "Two fields are wrong")
    assert not caught.value.waiting_helps


def test_a_refusal_says_which_quota_is_wrong(make_client: MakeClient) -> None:
    rule = {"error_type": "data_validation_error", "name": "rule_046", "reason": "too_small"}
    wrong = [
        rule | {"detail": "Too small", "metadata": {"profile_id": "P", "quota_id": "Q"}},
        rule | {"detail": "Too small", "metadata": {"profile_id": "P", "question_id": [42]}},
        rule | {"detail": "Too small", "metadata": {}},
        {"error_type": "structural_error", "name": "profiles[0]", "reason": "is no object"},
    ]
    with pytest.raises(Refused) as caught:
        make_client(lambda _: httpx.Response(422, json={"invalid_params": wrong})).get_industries()
    assert caught.value.invalid_params == [
        InvalidParam("Q", "Too small"),
        InvalidParam("P", "Too small"),
        InvalidParam("too_small", "Too small"),
        InvalidParam("profiles[0]", "is no object"),
    ]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b"[" * 200_000, b'{"detail": 5}'])
def test_a_refusal_without_words_is_still_a_refusal(make_client: MakeClient, body: bytes) -> None:
    with pytest.raises(Refused):
        make_client(lambda _: httpx.Response(422, content=body)).get_industries()


def test_a_change_by_somebody_else_is_told_apart(make_client: MakeClient) -> None:
    with pytest.raises(PreconditionFailed) as caught:
        make_client(lambda _: httpx.Response(412, json={})).update_fielding_run(
            **RUN, start_fielding_at=START, end_fielding_at=END
        )
    assert not caught.value.outcome_unknown


@pytest.mark.parametrize("status", [403, 404, 405])
def test_re_entry_that_is_not_offered_is_said(make_client: MakeClient, status: int) -> None:
    client = make_client(lambda _: httpx.Response(status, json={}))
    with pytest.raises(NotOffered, match="once launched") as caught:
        client.get_re_entry_configuration(**IN)
    assert caught.value.status == status
    with pytest.raises(NotOffered):
        client.update_re_entry_configuration(**IN, configuration=RE_ENTRY)


@pytest.mark.parametrize("status", [403, 404, 405])
def test_survey_links_that_are_not_offered_are_told_from_a_failure(
    make_client: MakeClient, status: int
) -> None:
    client = make_client(lambda _: httpx.Response(status, json={"detail": "ask your manager"}))
    with pytest.raises(NotOffered, match="ask your manager") as caught:
        client.get_live_respondent_unique_codes_stats(target_group_id=GROUP)
    assert caught.value.status == status


def test_survey_links_are_counted(make_client: MakeClient) -> None:
    answer = {"total_count": 1500, "unconsumed_count": 850}
    client = make_client(lambda _: httpx.Response(200, json=answer))
    stats = client.get_live_respondent_unique_codes_stats(target_group_id=GROUP)
    assert (stats.total_count, stats.unconsumed_count) == (1500, 850)


def test_a_run_has_the_etag_of_the_header_and_one_of_its_version(
    make_client: MakeClient,
) -> None:
    run = {"id": "r", "status": "live", "version": 4}
    plain = make_client(lambda _: httpx.Response(200, json=run))
    read = plain.get_whole_fielding_run(**IN, fielding_run_id="r")
    assert (read.etag, read.value.etag) == (None, 'W/"4"')
    headers = {"ETag": 'W/"9"'}
    named = make_client(lambda _: httpx.Response(200, json=run, headers=headers))
    assert named.get_whole_fielding_run(**IN, fielding_run_id="r").etag == 'W/"9"'


def test_a_job_without_a_place_is_unknown(make_client: MakeClient) -> None:
    client = make_client(lambda _: httpx.Response(201))
    with pytest.raises(BadAnswer) as caught:
        client.create_bulk_pause_target_groups_job(
            project_id="p", target_group_ids=["g"], idempotency_key="k"
        )
    assert caught.value.outcome_unknown


def test_a_spent_budget_is_waited_for_within_the_deadline_only(
    make_client: MakeClient, clock: FastClock
) -> None:
    gate = LocalGate(GatePolicy(requests_per_minute=5), clock=clock)
    client = make_client(lambda _: httpx.Response(200, json={}), gate=gate)
    client.get_industries()
    client.get_industries()
    assert clock.slept == [pytest.approx(15)]
    with client.deadline(10), pytest.raises(RateLimited) as caught:
        client.get_industries()
    assert caught.value.retry_after == pytest.approx(15)
    assert client.requests == 2


def test_one_deadline_holds_for_everything_inside(
    make_client: MakeClient, clock: FastClock
) -> None:
    def slow(_: httpx.Request) -> httpx.Response:
        clock.sleep(4)
        return httpx.Response(200, json={})

    client = make_client(slow)
    with client.deadline(10), pytest.raises(TimedOut):
        for _ in range(4):
            client.get_industries()
    assert client.requests == 3
    client.get_industries()


def test_a_wait_beyond_the_deadline_is_not_begun(make_client: MakeClient, clock: FastClock) -> None:
    wait = {"Retry-After": "60"}
    client = make_client(lambda _: httpx.Response(429, headers=wait))
    with pytest.raises(RateLimited) as caught:
        client.get_industries()
    assert (caught.value.retry_after, clock.slept) == (60, [])


@pytest.mark.parametrize(
    ("sent", "unknown"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("slow"), False),
        (httpx.WriteError("broken pipe"), True),
        (httpx.ReadTimeout("slow"), True),
        (httpx.RemoteProtocolError("disconnected"), True),
    ],
)
def test_an_outcome_is_unknown_only_if_the_request_may_have_arrived(
    make_client: MakeClient, sent: Exception, unknown: bool
) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise sent

    with pytest.raises((Unreachable, TimedOut)) as caught:
        make_client(fail).update_cost_per_interview(**IN, cpi=CPI)
    assert caught.value.outcome_unknown is unknown


def test_a_read_never_leaves_an_unknown_outcome(make_client: MakeClient) -> None:
    with pytest.raises(ExchangeError) as caught:
        make_client(lambda _: httpx.Response(500)).get_industries()
    assert not caught.value.outcome_unknown


def test_a_write_whose_token_cannot_be_had_was_not_sent(make_client: MakeClient) -> None:
    auth = ClientCredentials("https://auth.lucidhq.com/oauth/token", "id", "secret")
    client = make_client(lambda _: httpx.Response(500), auth=auth)
    with pytest.raises(ExchangeError) as caught:
        client.update_cost_per_interview(**IN, cpi=CPI)
    assert not caught.value.outcome_unknown
    assert client.requests == 0


def test_a_write_that_is_refused_by_an_expired_token_is_replayed(make_client: MakeClient) -> None:
    tokens = iter(["one", "two"])
    puts: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "auth.lucidhq.com":
            return httpx.Response(200, json={"access_token": next(tokens)})
        puts.append(request.headers["authorization"])
        cpi = {"target_group_cpi": {"value": "2.7352", "currency_code": "USD"}}
        return httpx.Response(200 if puts[-1] == "Bearer two" else 401, json=cpi)

    auth = ClientCredentials("https://auth.lucidhq.com/oauth/token", "id", "secret")
    assert make_client(answer, auth=auth).update_cost_per_interview(**IN, cpi=CPI) == CPI
    assert puts == ["Bearer one", "Bearer two"]


def test_a_failing_token_address_is_asked_once_a_second(
    make_client: MakeClient, clock: FastClock
) -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(403)

    auth = ClientCredentials("https://auth.lucidhq.com/oauth/token", "id", "secret")
    client = make_client(answer, auth=auth)
    for _ in range(5):
        with pytest.raises(Unauthorized):
            client.get_industries()
    assert len(requests) == 1
    clock.sleep(2)
    with pytest.raises(Unauthorized):
        client.get_industries()
    assert len(requests) == 2


def test_not_found_is_not_retried(make_client: MakeClient) -> None:
    client = make_client(lambda _: httpx.Response(404, json={"detail": "gone"}))
    with pytest.raises(NotFound):
        client.get_target_group_details(**IN)
    assert client.requests == 1


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        " ",
        "soon",
        "Thu, 32 Jan 2026 10:00:00 GMT",
        "Thu, 31 Foo 2026 10:00:00 GMT",
        "Thu, 31 Jan , 10:00:00",
        "Jan 31 999999999999999999999 10:00:00",
    ],
)
def test_an_answer_without_a_readable_date_leaves_the_clocks_uncompared(
    make_client: MakeClient, date: str | None
) -> None:
    headers = {} if date is None else {"Date": date}
    client = make_client(lambda _: httpx.Response(200, json={"industries": []}, headers=headers))
    client.get_industries()
    assert client.clock_skew is None


def test_a_request_names_the_type_of_its_body_if_it_has_one(make_client: MakeClient) -> None:
    types: dict[str, str | None] = {}

    def note(request: httpx.Request) -> httpx.Response:
        types[request.method] = request.headers.get("Content-Type")
        return httpx.Response(200 if request.method == "GET" else 400, json={})

    client = make_client(note)
    client.get_industries()
    with pytest.raises(Refused):
        client.update_cost_per_interview(**IN, cpi=CPI)
    assert types == {"GET": None, "PUT": "application/json"}
