"""Details, overviews, performance, completes and survey links of one target group."""

from dashboard.simulator.api.routes import route
from dashboard.simulator.catalogue.clock import DAY, MINUTE, read_duration, rfc3339_stamp
from dashboard.simulator.catalogue.money import monetary_amount
from dashboard.simulator.catalogue.people import ACCOUNTS
from dashboard.simulator.catalogue.values import Json
from dashboard.simulator.world.figures import (
    completes_series,
    figures_of_group,
    overview_answer,
    performance_answer,
)
from dashboard.simulator.world.group import SimulatedGroup
from dashboard.simulator.world.messages import (
    Refusal,
    SimulatedAnswer,
    SimulatedRequest,
    bad_request,
    json_answer,
    not_found,
    trace_headers,
)
from dashboard.simulator.world.respondents import settle_group
from dashboard.simulator.world.world import World

_GROUP = "/demand/accounts/{account_id}/projects/{project_id}/target-groups/{target_group_id}"
_LINKS = (
    "/demand/accounts/{account_id}/target-groups/{target_group_id}/respondent-unique-codes/live"
)
_REFUSALS = {403: "forbidden_error", 404: "not_found_error", 405: "method_not_allowed_error"}


def details_answer(group: SimulatedGroup) -> Json:
    """The contract's TargetGroupDetails."""
    body: Json = {
        "id": group.id,
        "human_readable_id": group.human_id,
        "name": group.name,
        "account_name": ACCOUNTS[group.account_id].name,
        "business_unit_id": str(group.business_unit_id),
        "project_manager_id": group.project_manager_id,
        "study_type_code": group.study_type_code,
        "industry_code": group.industry_code,
        "locale": group.locale_code,
        "completes_goal": group.filling_goal,
        "expected_length_of_interview_minutes": group.loi_minutes,
        "expected_incidence_rate": group.incidence_rate,
        "industry_lockout_code": group.lockout_code,
        "collects_pii": group.collects_pii,
        "created_at": rfc3339_stamp(group.created_at),
        "client_id": group.client_id,
    }
    optional: Json = {
        "live_url": group.live_url,
        "test_url": group.test_url,
        "target_group_customer_reference_number": group.reference,
        "client_cost_per_interview_note": group.cpi_note
        and monetary_amount(group.cpi_note, group.currency),
    }
    return body | {name: value for name, value in optional.items() if value is not None}


def test_links(group: SimulatedGroup) -> Json:
    """Test links of a group, as the contract's TargetGroupLinks."""
    url = group.test_url or group.live_url
    screener = f"https://screener.example.com/test/{group.id}"
    return {"test_screener": screener} | ({"test_client_survey": url} if url else {})


@route("get_target_group_details", "GET", f"{_GROUP}/details")
def get_target_group_details(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """What a launched group was set up with."""
    group = world.launched(ask.params)
    settle_group(group, ask.now)
    return json_answer(
        details_answer(group) | {"links": test_links(group)}, headers=trace_headers(ask)
    )


@route("get_target_group_overview", "GET", f"{_GROUP}/overview")
def get_target_group_overview(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Status, price and figures of a launched group."""
    group = world.launched(ask.params)
    return json_answer(overview_answer(group, world.project(ask.params).name, ask.now))


@route(
    "get_target_group_overview_by_target_group_id",
    "GET",
    "/demand/target-groups/{target_group_id}/overview",
)
def get_overview_by_id(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The overview by the group's id alone; the median LOI is 0 before the first complete."""
    group = world.groups.get(ask.params["target_group_id"])
    if group is None or group.status == "draft":
        raise not_found("the target group")
    body = overview_answer(group, world.projects[group.project_id].name, ask.now)
    body["account_id"], body["project_id"] = group.account_id, group.project_id
    body["median_length_of_interview_seconds"] = body["median_length_of_interview_seconds"] or 0
    return json_answer(body)


@route("get_target_group_performance", "GET", f"{_GROUP}/performance")
def get_target_group_performance(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Counts by outcome, cost and rates of a launched group."""
    return json_answer(performance_answer(world.launched(ask.params), ask.now))


@route(
    "get_target_group_completes_aggregated_by_interval",
    "GET",
    f"{_GROUP}/completes-aggregated-by-interval",
)
def get_completes(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """Cumulative completes at the end of each interval, 24 hours by default."""
    group = world.launched(ask.params)
    raw = ask.query_value("aggregation_interval")
    try:
        interval = DAY if raw is None else read_duration(raw)
    except ValueError as exc:
        raise bad_request(
            "the interval is unreadable", [("aggregation_interval", "must be ISO-8601")]
        ) from exc
    if interval < 5 * MINUTE:
        raise bad_request(
            "the interval is too short", [("aggregation_interval", "must be at least PT5M")]
        )
    points = completes_series(group, interval, ask.now)
    return json_answer({"aggregated_completes_intervals": points})


@route("get_live_respondent_unique_codes_stats", "GET", f"{_LINKS}/stats")
def get_live_respondent_unique_codes_stats(world: World, ask: SimulatedRequest) -> SimulatedAnswer:
    """The group's links; everybody who was sent to the survey used one. 403 without the feature."""
    status = world.unique_codes_status
    if status == 200 and not ACCOUNTS[ask.account_id].has_unique_codes:
        status = 403
    if status in _REFUSALS:
        raise Refusal(status, _REFUSALS[status], "respondent unique codes are not enabled")
    group = world.groups.get(ask.params["target_group_id"])
    if group is None or group.account_id != ask.account_id:
        raise not_found("the target group")
    used = figures_of_group(group, ask.now).counts.prescreens
    left = max(group.links_total - used, 0)
    return json_answer({"total_count": group.links_total, "unconsumed_count": left})
