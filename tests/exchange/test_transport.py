"""What an answer means, how long a call may take, and what is known of a write."""

import httpx
import pytest

from dashboard.exchange.auth import ClientCredentials
from dashboard.exchange.errors import (
    BadAnswer,
    CircuitOpen,
    ExchangeError,
    Forbidden,
    InvalidParam,
    NotFound,
    NotOffered,
    PreconditionFailed,
    RateLimited,
    Redirected,
    Refused,
    TimedOut,
    Unauthorized,
    Unavailable,
    Unreachable,
)
from dashboard.exchange.http.retry import Retries, retry_after
from dashboard.exchange.limits.gate import GatePolicy, LocalGate
from tests.exchange.calls import CALLS
from tests.exchange.conftest import MakeClient
from tests.exchange.examples import CPI, END, GROUP, IN, RE_ENTRY, RUN, START
from tests.fakes.clock import FastClock, NoChance


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


# What these answer is not looked at: they say nothing that is not known.
UNREAD = {
    "create_or_update_fielding_assistant_assignment",
    "delete_webhook",
    "update_target_group",
}


@pytest.mark.parametrize("operation", sorted(CALLS))
def test_a_write_whose_answer_is_not_readable_may_have_been_carried_out(
    make_client: MakeClient, operation: str
) -> None:
    writes = operation.startswith(("create", "update"))
    client = make_client(lambda _: httpx.Response(200, content=b"["))
    try:
        CALLS[operation](client)
    except ExchangeError as exc:
        assert operation not in UNREAD
        assert exc.outcome_unknown is writes
    else:
        assert operation in UNREAD


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


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 10.0),
        (" ", 10.0),
        ("0", 0.0),
        (" 7 ", 7.0),
        ("7.", 7.0),
        ("7.25", 7.25),
        ("3600", 3600.0),
        ("3600.5", 3600.0),
        ("999999999999", 3600.0),
        ("Thu, 09 Oct 2025 08:53:21 GMT", 1.0),
        ("Thu, 09 Oct 2025 08:53:20 GMT", 10.0),
        ("Thu, 09 Oct 2025 08:53:19 GMT", 10.0),
        ("Thu, 09 Oct 2025 10:53:20 GMT", 3600.0),
    ],
)
def test_the_wait_that_a_header_asks_for_is_read(header: str | None, seconds: float) -> None:
    assert retry_after(header, now=1_760_000_000.0) == seconds


@pytest.mark.parametrize(
    ("error", "left", "slept"),
    [
        (Unavailable(), 100.0, [0.75, 1.5, 3.0]),
        (TimedOut(), 100.0, [0.75, 1.5, 3.0]),
        (RateLimited(retry_after=7.0), 100.0, [7.75, 8.5, 10.0]),
        (Unavailable(), 0.75, []),
        (Unavailable(), 0.76, [0.75]),
        (Unavailable(), 2.25, [0.75]),
        (CircuitOpen(retry_after=1.0), 100.0, []),
        (Forbidden(), 100.0, []),
        (BadAnswer(), 100.0, []),
    ],
)
def test_what_may_pass_is_tried_again_while_the_deadline_leaves_time(
    clock: FastClock, error: ExchangeError, left: float, slept: list[float]
) -> None:
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        Retries(clock=clock, chance=NoChance()).call(fail, deadline=clock.now + left)
    assert (clock.slept, len(calls)) == (slept, len(slept) + 1)


@pytest.mark.parametrize(
    ("status", "error"),
    [(200, None), (204, None), (299, None), (300, Redirected), (399, Redirected), (400, Refused)],
)
def test_only_an_answer_of_the_two_hundreds_succeeds(
    make_client: MakeClient, status: int, error: type[ExchangeError] | None
) -> None:
    client = make_client(lambda _: httpx.Response(status, json={"industries": []}))
    if error is None:
        assert client.get_industries().items == []
    else:
        with pytest.raises(error):
            client.get_industries()


def test_a_silent_exchange_gets_half_of_the_time_that_a_call_may_take(
    make_client: MakeClient, clock: FastClock
) -> None:
    extensions: list[dict[str, object]] = []

    def reply(request: httpx.Request) -> httpx.Response:
        extensions.append(request.extensions)
        return httpx.Response(200, json={"industries": []})

    make_client(reply, timeout=8.0).get_industries()
    half = {"connect": 5.0, "read": 4.0, "write": 4.0, "pool": 4.0}
    assert extensions == [{"timeout": half, "deadline": clock.now + 8.0}]


def test_a_call_that_would_wait_until_its_deadline_is_not_begun(
    make_client: MakeClient, clock: FastClock
) -> None:
    gate = LocalGate(clock=clock)
    client = make_client(lambda _: httpx.Response(200, json={}), gate=gate)
    gate.pause(10)
    with client.deadline(10), pytest.raises(RateLimited) as caught:
        client.get_industries()
    assert (str(caught.value), caught.value.retry_after) == (
        "The request limit has been reached",
        10,
    )
    assert (client.requests, clock.slept) == (0, [])
    with client.deadline(10.5):
        client.get_industries()
    assert (client.requests, client.requests_here, clock.slept) == (1, 1, [10.0])
    with client.deadline(0), pytest.raises(TimedOut):
        client.get_industries()


def test_an_inner_deadline_shortens_the_outer_one_and_never_the_other_way_round(
    make_client: MakeClient, clock: FastClock
) -> None:
    deadlines: list[float] = []

    def reply(request: httpx.Request) -> httpx.Response:
        deadlines.append(request.extensions["deadline"] - clock.now)
        return httpx.Response(200, json={"industries": []})

    client = make_client(reply, timeout=20.0)
    with client.deadline(10):
        with client.deadline(3):
            client.get_industries()
        with client.deadline(30):
            client.get_industries()
        client.get_industries()
    client.get_industries()
    assert deadlines == [3.0, 10.0, 10.0, 20.0]


def test_an_account_that_is_to_wait_says_until_when(
    make_client: MakeClient, clock: FastClock
) -> None:
    client = make_client(lambda _: httpx.Response(429, headers={"Retry-After": "90"}))
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            client.get_industries()
        words = "Cint asks for fewer requests: no requests before 08:54:50 UTC"
        assert (str(caught.value), caught.value.retry_after) == (words, 90)
    assert client.requests == 1


def test_the_clocks_are_compared_once_for_each_date(
    make_client: MakeClient, clock: FastClock
) -> None:
    date = "Thu, 09 Oct 2025 08:53:30 GMT"
    headers = {"Date": date}
    client = make_client(lambda _: httpx.Response(200, json={}, headers=headers))
    client.get_industries()
    assert client.clock_skew == 10.0
    clock.sleep(4)
    client.get_industries()  # an answer of a cache, or of the same second
    assert client.clock_skew == 10.0
    headers["Date"] = "Thu, 09 Oct 2025 08:53:21 GMT"
    client.get_industries()
    assert client.clock_skew == -3.0
