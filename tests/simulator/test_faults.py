"""Faults: each does on the wire what its name says, and only to whom it should."""

import gzip
import json
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from dashboard.simulator.harness import Simulator
from dashboard.simulator.server.faults import parse_faults
from tests.simulator.caller import KEY, Caller


@pytest.fixture
def faulty(simulator: Simulator) -> Iterator[Simulator]:
    """The module's exchange, whose faults are switched off afterwards."""
    yield simulator
    simulator.clear_faults()


@pytest.fixture
def groups_path(simulator: Simulator) -> str:
    return f"/demand/accounts/101/projects/{simulator.groups()[0]['project_id']}/target-groups"


def _get(simulator: Simulator, path: str, timeout: float = 5) -> httpx.Response:
    return httpx.get(f"{simulator.base_url}{path}", headers=KEY, timeout=timeout)


@pytest.mark.parametrize("status", [301, 401, 403, 404, 500, 502])
def test_a_status_comes_instead_of_an_answer_a_number_of_times(
    faulty: Simulator, status: int
) -> None:
    faulty.fault(f"http_{status}", count=2)
    assert [_get(faulty, "/accounts").status_code for _ in range(3)] == [status, status, 200]


@pytest.mark.parametrize("value", ["7", "date30", "past", "garbage"])
def test_too_many_requests_says_when_to_come_back(faulty: Simulator, value: str) -> None:
    faulty.fault("http_429", value=value, count=1)
    header = _get(faulty, "/accounts").headers["retry-after"]
    if value in ("date30", "past"):
        ahead = parsedate_to_datetime(header).timestamp() - time.time()
        assert ahead > 20 if value == "date30" else ahead < -60
    else:
        assert header == {"7": "7", "garbage": "soon"}[value]


def test_a_fault_hits_only_its_operation_and_group(
    faulty: Simulator, caller: Caller, groups_path: str
) -> None:
    first, second = faulty.groups(status="live")[:2]
    faulty.fault("http_403", operation="get_target_group_*", group=first["id"])
    assert _get(faulty, f"{caller.group_path(first)}/overview").status_code == 403
    assert _get(faulty, f"{caller.group_path(second)}/overview").status_code == 200
    assert _get(faulty, groups_path).status_code == 200


def test_a_share_of_requests_is_hit_by_the_seed(faulty: Simulator) -> None:
    def run() -> list[int]:
        faulty.clear_faults()
        faulty.fault("http_500", rate=0.3, seed=5)
        return [_get(faulty, "/accounts").status_code for _ in range(30)]

    first = run()
    assert first == run()
    assert 3 <= first.count(500) <= 16


def test_a_truncated_answer_is_no_json(faulty: Simulator, groups_path: str) -> None:
    faulty.fault("truncated")
    with pytest.raises(json.JSONDecodeError):
        _get(faulty, groups_path).json()


def test_html_comes_with_200(faulty: Simulator) -> None:
    faulty.fault("html")
    answer = _get(faulty, "/accounts")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")


def test_a_bomb_is_small_on_the_wire(faulty: Simulator) -> None:
    faulty.fault("bomb", value=20)
    with httpx.stream("GET", f"{faulty.base_url}/accounts", headers=KEY) as answer:
        raw = b"".join(answer.iter_raw())
    assert len(raw) < 100_000
    assert len(gzip.decompress(raw)) == 20 << 20


@pytest.mark.parametrize("kind", ["reset", "lost_answer", "short_body"])
def test_the_connection_breaks(faulty: Simulator, kind: str) -> None:
    faulty.fault(kind)
    with pytest.raises(httpx.TransportError):
        _get(faulty, "/accounts")


@pytest.mark.parametrize("kind", ["hang", "slow"])
def test_the_answer_takes_too_long(faulty: Simulator, kind: str) -> None:
    faulty.fault(kind, value=2)
    with pytest.raises(httpx.ReadTimeout):
        _get(faulty, "/accounts", timeout=0.2)


def test_a_trickle_keeps_the_reader_waiting_without_a_pause(faulty: Simulator) -> None:
    faulty.fault("trickle", value=0.01)
    begin = time.monotonic()
    assert _get(faulty, "/accounts", timeout=0.2).status_code == 200
    assert time.monotonic() - begin > 0.1


def test_a_lost_answer_leaves_the_edit_done(faulty: Simulator, caller: Caller) -> None:
    group = faulty.groups(status="live", pricing_model="dynamic", currency_code="USD")[0]
    path = caller.group_path(group)
    faulty.fault("lost_answer", operation="update_cost_per_interview", count=1)
    body = {"target_group_cpi": {"value": "4.44", "currency_code": "USD"}}
    with pytest.raises(httpx.TransportError):
        httpx.put(f"{faulty.base_url}{path}/cost-per-interview", headers=KEY, json=body)
    overview = caller.get(f"{path}/overview")
    assert overview["current_cost_per_interview"]["value"] == "4.44"
    assert len(faulty.edits(group["id"])) == 1


def _first(answer: httpx.Response) -> dict[str, Any]:
    return dict(answer.json()["target_groups"][0])


def test_one_item_of_a_page_is_spoilt(faulty: Simulator, groups_path: str) -> None:
    sound = _get(faulty, groups_path).json()["target_groups"]
    for kind in ("wrong_shape", "null_field", "missing_field", "unknown_enum"):
        faulty.clear_faults()
        faulty.fault(kind)
        spoilt = _get(faulty, groups_path).json()["target_groups"]
        assert spoilt[0] != sound[0]
        assert spoilt[1:] == sound[1:]


def test_tomorrow_brings_fields_nobody_knows(faulty: Simulator, groups_path: str) -> None:
    faulty.fault("unknown_field")
    assert "field_of_tomorrow" in _first(_get(faulty, groups_path))


def test_a_cursor_repeats_and_an_end_never_comes(faulty: Simulator, groups_path: str) -> None:
    faulty.fault("repeat_cursor")
    pages = [_get(faulty, groups_path).json() for _ in range(2)]
    assert pages[0]["next_cursor"] == pages[1]["next_cursor"]
    faulty.clear_faults()
    faulty.fault("endless")
    page = _get(faulty, groups_path).json()
    assert (page["target_groups"], page["has_more"]) == ([], True)


def test_a_group_is_missing_from_a_listing(faulty: Simulator, groups_path: str) -> None:
    gone = _first(_get(faulty, groups_path))["id"]
    faulty.fault("missing_group", value=gone)
    assert gone not in _get(faulty, groups_path).text


def test_the_clock_on_the_answers_is_off(faulty: Simulator) -> None:
    faulty.fault("skew", value=600)
    date = parsedate_to_datetime(_get(faulty, "/accounts").headers["date"])
    assert 500 < date.timestamp() - time.time() < 700


def test_an_answer_is_older_than_the_last_one(faulty: Simulator, caller: Caller) -> None:
    group = faulty.groups(status="live")[0]
    path = f"{caller.group_path(group)}/performance"
    faulty.fault("stale", operation="get_target_group_performance", rate=0)
    before = _get(faulty, path).json()
    faulty.force(group["id"], "completes", add=9)
    faulty.fault("stale", operation="get_target_group_performance", count=1)
    assert _get(faulty, path).json() == before
    assert _get(faulty, path).json()["completes"] == before["completes"] + 9


def test_faults_come_from_the_command_line_too() -> None:
    first, second = parse_faults(
        "http_429:rate=0.1,value=past; slow:operation=get_list*,count=3,seed=4"
    )
    assert (first.kind, first.rate, first.value) == ("http_429", 0.1, "past")
    assert (second.operation, second.count, second.seed) == ("get_list*", 3, 4)
    with pytest.raises(ValueError, match="unknown field"):
        parse_faults("slow:speed=3")


def test_credentials_can_be_demanded_and_revoked() -> None:
    with Simulator(groups=2, history_days=1, client_id="me", client_secret="s") as guarded:
        url = guarded.base_url
        assert _get(guarded, "/accounts").status_code == 401
        body = {"client_id": "me", "client_secret": "s", "grant_type": "client_credentials"}
        wrong = httpx.post(f"{url}/oauth/token", json={**body, "client_secret": "t"})
        assert wrong.status_code == 401
        token = httpx.post(f"{url}/oauth/token", json=body).json()
        assert (token["token_type"], token["expires_in"]) == ("Bearer", 86_400)
        headers = {**KEY, "Authorization": f"Bearer {token['access_token']}"}
        assert httpx.get(f"{url}/v1/accounts", headers=headers).status_code == 200
        guarded.control("DELETE", "tokens")
        assert httpx.get(f"{url}/v1/accounts", headers=headers).status_code == 401


@pytest.mark.parametrize("value", ["", "emoji", "utf8", "nul"])
def test_a_name_can_end_in_what_is_no_text(faulty: Simulator, groups_path: str, value: str) -> None:
    faulty.fault("bad_text", value=value, count=1)
    spoilt, whole = _get(faulty, groups_path).content, _get(faulty, groups_path).content
    bad = {"utf8": b"\xe2\x82", "nul": rb"\u0000"}.get(value, rb"\ud83d")
    assert spoilt.count(bad) == 1
    assert json.loads(whole)


@pytest.mark.parametrize("value", ["", "GZIP", "x-gzip", "members", "bom"])
def test_an_answer_can_be_packed_in_a_rare_way(
    faulty: Simulator, groups_path: str, value: str
) -> None:
    plain = _get(faulty, groups_path).json()
    faulty.fault("packed", value=value, count=1)
    with httpx.stream("GET", f"{faulty.base_url}{groups_path}", headers=KEY) as answer:
        raw = b"".join(answer.iter_raw())
    names = {"": "GZIP", "members": "gzip", "bom": None}
    assert answer.headers.get("content-encoding") == names.get(value, value)
    read = raw.removeprefix(b"\xef\xbb\xbf") if value == "bom" else gzip.decompress(raw)
    assert json.loads(read) == plain
