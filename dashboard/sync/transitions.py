"""Which of some groups an action may be taken on: the exchange says, we say why not.

The exchange answers one flag an action for all the groups that it is asked about. So groups are
asked about by status, and one by one only where the flag of their status is no.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError
from dashboard.exchange.shapes.groups import ComputeTargetGroupTransitionsRequest
from dashboard.fielding.models import Batch, Project, TargetGroup
from dashboard.fielding.wanted import is_full
from dashboard.sync import connect, moves

SECONDS = 8.0
ONE_BY_ONE = 25
FROM = {
    Batch.Action.LAUNCH: ("scheduled",),
    Batch.Action.DRAFTS: ("draft",),
    Batch.Action.PAUSE: ("live",),
    Batch.Action.RESUME: ("paused",),
    Batch.Action.RELAUNCH: ("completed",),
    Batch.Action.COMPLETE: ("live", "scheduled"),
}
# The exchange's one flag of launching stands for two jobs: which one, the status says.
BY_STATUS = (Batch.Action.LAUNCH, Batch.Action.DRAFTS)
_FLAG = {action: f"is_{action}_allowed" for action in FROM}
_FLAG[Batch.Action.COMPLETE] = "is_finish_allowed"
_FLAG[Batch.Action.DRAFTS] = _FLAG[Batch.Action.LAUNCH]
OVER = "its end has passed, and of a completed group it cannot move"
REFUSED = "the exchange does not allow it now"


def refusals(*, action: str, groups: Sequence[TargetGroup], now: datetime) -> dict[int, str]:
    """Why the action cannot be taken, by group; the others can."""
    of = Batch.Action(action)
    why = {
        one.pk: reason(of, one, now)
        for one in groups
        if of in BY_STATUS and one.status not in FROM[of]
    }
    left = [one for one in groups if one.pk not in why]
    for _, alike in groupby(sorted(left, key=_of_status), key=_of_status):
        why |= _asked(of, list(alike), now)
    return why


def _of_status(group: TargetGroup) -> tuple[int, str]:
    return group.project_id, group.status


def reason(action: Batch.Action, group: TargetGroup, now: datetime) -> str:
    """What we know ourselves that stands against it; empty where we know of nothing."""
    if group.missing_since:
        return "no longer listed by the exchange"
    if group.status == "draft" and action == Batch.Action.LAUNCH:
        return "is a draft, which needs its dates: take “Launch drafts”"
    if group.status not in FROM[action]:
        return f"is {group.status}"
    if action in (Batch.Action.RESUME, Batch.Action.RELAUNCH):
        if group.ends_at and group.ends_at <= now:
            fixed = action == Batch.Action.RELAUNCH
            return OVER if fixed else "its end has passed: move the end first"
        if is_full(group):
            return "its goal is reached: raise the goal first"
    return ""


def _asked(action: Batch.Action, groups: list[TargetGroup], now: datetime) -> dict[int, str]:
    """What the exchange says of groups of one project and status; what we know where it is away."""
    known = {group.pk: said for group in groups if (said := reason(action, group, now))}
    project = groups[0].project
    try:
        client = connect.client_for(project.account)
        with client.deadline(SECONDS):
            if _may(client, project, action, groups):
                return {}
            alone = len(groups) <= ONE_BY_ONE and len(known) < len(groups) and len(groups) > 1
            refused = [
                one for one in groups if not (alone and _may(client, project, action, [one]))
            ]
            if len(refused) <= ONE_BY_ONE:
                refused = [
                    one
                    for one in refused
                    if one.pk in known or not _may_elsewhere(client, action, one)
                ]
    except ExchangeError:
        return known
    return {one.pk: known.get(one.pk, REFUSED) for one in refused}


def _may_elsewhere(client: ExchangeClient, action: Batch.Action, group: TargetGroup) -> bool:
    """Whether a group that is refused for no reason that we know moved, and may there."""
    place = moves.follow_group(group=group, client=client)
    if place is None or place.project_id != group.project.exchange_id:
        return False
    return _may(client, group.project, action, [group])


def _may(
    client: ExchangeClient, project: Project, action: Batch.Action, groups: Iterable[TargetGroup]
) -> bool:
    """Whether all of these may; an exchange that does not say leaves it to the job."""
    asked = ComputeTargetGroupTransitionsRequest(
        included_target_group_ids=[one.exchange_id for one in groups]
    )
    told = client.compute_target_group_transitions(project_id=project.exchange_id, groups=asked)
    return getattr(told, _FLAG[action]) is not False
