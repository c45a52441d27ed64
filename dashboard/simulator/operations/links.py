"""One-time survey links ("respondent unique codes"): how many are left."""

from dashboard.simulator.api.routes import route
from dashboard.simulator.catalogue.people import ACCOUNTS
from dashboard.simulator.world.figures import figures_of_group
from dashboard.simulator.world.messages import (
    Refusal,
    SimulatedAnswer,
    SimulatedRequest,
    json_answer,
    not_found,
)
from dashboard.simulator.world.world import World

_GROUP = "/demand/accounts/{account_id}/target-groups/{target_group_id}"
_REFUSALS = {403: "forbidden_error", 404: "not_found_error", 405: "method_not_allowed_error"}


@route(
    "get_live_respondent_unique_codes_stats",
    "GET",
    f"{_GROUP}/respondent-unique-codes/live/stats",
)
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
