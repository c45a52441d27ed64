"""Which groups of a selection allow an action: the exchange decides, we name the reason.

The query names the groups and the statuses from which the action is possible. The answer lists the
groups that the exchange has in such a status now, whatever our tables say, with one flag per action
for all of them together. Where that flag is no, parts of the list are asked again, in few requests.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime
from itertools import groupby

from dashboard.exchange.client import ExchangeClient
from dashboard.exchange.errors import ExchangeError
from dashboard.exchange.shapes.groups import (
    ComputeTargetGroupTransitionsFilters,
    ComputeTargetGroupTransitionsRequest,
)
from dashboard.fielding.domain.goals import is_full
from dashboard.fielding.models import Batch, TargetGroup
from dashboard.sync.connections import clients
from dashboard.sync.edits import moves

SECONDS = 8.0
MOST_REQUESTS = 25  # about the groups of one project
MOST_MOVED = 5  # groups that are searched for in other projects
FROM = {
    Batch.Action.LAUNCH: ("scheduled",),
    Batch.Action.DRAFTS: ("draft",),
    Batch.Action.PAUSE: ("live",),
    Batch.Action.RESUME: ("paused",),
    Batch.Action.RELAUNCH: ("completed",),
    Batch.Action.COMPLETE: ("live", "scheduled"),
}
# The exchange has one launch flag for two jobs; the status decides which of them.
BY_STATUS = (Batch.Action.LAUNCH, Batch.Action.DRAFTS)
_FLAG = {action: f"is_{action}_allowed" for action in FROM}
_FLAG[Batch.Action.COMPLETE] = "is_finish_allowed"
_FLAG[Batch.Action.DRAFTS] = _FLAG[Batch.Action.LAUNCH]
OVER = "its end date has passed and cannot be changed once completed"
REFUSED = "Cint does not allow this now"


def refusals_by_group(
    *, action: str, groups: Sequence[TargetGroup], now: datetime
) -> dict[int, str]:
    """The reason why a group does not allow the action, by primary key; the others allow it."""
    wanted = Batch.Action(action)
    reasons = {
        group.pk: known_obstacle(wanted, group, now)
        for group in groups
        if wanted in BY_STATUS and group.status not in FROM[wanted]
    }
    candidates = [group for group in groups if group.pk not in reasons]
    for _, of_project in groupby(sorted(candidates, key=_project_id), key=_project_id):
        reasons |= _refusals_of_project(wanted, list(of_project), now)
    return reasons


def _project_id(group: TargetGroup) -> int:
    return group.project_id


def known_obstacle(action: Batch.Action, group: TargetGroup, now: datetime) -> str:
    """The reason against the action that our own tables know; empty if there is none."""
    if group.missing_since:
        return "no longer listed by Cint"
    if group.status == "draft" and action == Batch.Action.LAUNCH:
        return "is a draft: use “Launch drafts”"
    if group.status not in FROM[action]:
        return f"is {group.status}"
    if action in (Batch.Action.RESUME, Batch.Action.RELAUNCH):
        if group.ends_at and group.ends_at <= now:
            fixed = action == Batch.Action.RELAUNCH
            return OVER if fixed else "its end date has passed: change the end date first"
        if is_full(group):
            return "its goal is reached: raise the goal first"
    return ""


def _refusals_of_project(
    action: Batch.Action, groups: list[TargetGroup], now: datetime
) -> dict[int, str]:
    """The exchange's refusals for groups of one project; our own where it cannot be reached."""
    known = {group.pk: reason for group in groups if (reason := known_obstacle(action, group, now))}
    account = groups[0].project.account
    try:
        client = clients.client_for(account)
        with client.deadline(SECONDS):
            query = _Query(client, action)
            # Groups without a known obstacle come first, so that they are asked about together.
            in_order = sorted(groups, key=lambda group: group.pk in known)
            allowed = query.allowed(in_order, known)
            absent = [
                group for group in groups if group.pk not in query.listed and group.pk not in known
            ]
            for group in absent[:MOST_MOVED]:
                if _has_moved(client, group):
                    allowed |= query.allowed([group], known)
    except ExchangeError:
        return known
    other_status = f"is not {' or '.join(FROM[action])} on Cint now"
    return {
        group.pk: known.get(group.pk, REFUSED if group.pk in query.listed else other_status)
        for group in groups
        if group.pk not in allowed
    }


class _Query:
    """The requests about the groups of one project, few in number."""

    def __init__(self, client: ExchangeClient, action: Batch.Action) -> None:
        self._client = client
        self._action = action
        self._requests_left = MOST_REQUESTS
        self.listed: set[int] = set()  # groups that the exchange has in a fitting status

    def allowed(self, groups: Sequence[TargetGroup], known: Container[int]) -> set[int]:
        """The primary keys of the groups that allow it, as far as the requests suffice."""
        if not groups or self._requests_left <= 0:
            return set()
        self._requests_left -= 1
        fitting, all_allowed = self._ask(groups)
        self.listed |= {group.pk for group in fitting}
        if all_allowed:
            return {group.pk for group in fitting}
        if len(fitting) < 2:
            return set()
        free = sum(group.pk not in known for group in fitting)
        cut = free if 0 < free < len(fitting) else len(fitting) // 2
        return self.allowed(fitting[:cut], known) | self.allowed(fitting[cut:], known)

    def _ask(self, groups: Sequence[TargetGroup]) -> tuple[list[TargetGroup], bool]:
        """The groups that the exchange lists, and whether all of them allow the action."""
        answer = self._client.compute_target_group_transitions(
            project_id=groups[0].project.exchange_id,
            groups=ComputeTargetGroupTransitionsRequest(
                included_target_group_ids=[group.exchange_id for group in groups],
                filters=ComputeTargetGroupTransitionsFilters(status=list(FROM[self._action])),
            ),
        )
        all_allowed = getattr(answer, _FLAG[self._action]) is not False
        if answer.target_groups is None:
            return (list(groups) if all_allowed else []), all_allowed
        listed = set(answer.target_groups)
        return [group for group in groups if group.exchange_id in listed], all_allowed


def _has_moved(client: ExchangeClient, group: TargetGroup) -> bool:
    """Whether the exchange keeps a group in another project; it is moved there in our tables."""
    place = moves.follow_group(group=group, client=client)
    return place is not None and place.project_id == group.project.exchange_id
