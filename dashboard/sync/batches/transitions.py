"""Which of some groups an action may be taken on: the exchange says, we say why not.

The query names the groups and the statuses that the action starts from. The answer lists those that
the exchange has in such a status now, whatever our tables say, with one flag an action for all of
them. Where that flag is no, parts of them are asked about, by few requests.
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
MOST_MOVED = 5  # groups that are looked for in other projects
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


def refusals_by_group(
    *, action: str, groups: Sequence[TargetGroup], now: datetime
) -> dict[int, str]:
    """Why the action cannot be taken, by group; the others can."""
    of = Batch.Action(action)
    why = {
        one.pk: known_obstacle(of, one, now)
        for one in groups
        if of in BY_STATUS and one.status not in FROM[of]
    }
    left = [one for one in groups if one.pk not in why]
    for _, alike in groupby(sorted(left, key=_project), key=_project):
        why |= _asked(of, list(alike), now)
    return why


def _project(group: TargetGroup) -> int:
    return group.project_id


def known_obstacle(action: Batch.Action, group: TargetGroup, now: datetime) -> str:
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
    """What the exchange says of groups of one project; what we know where it is away."""
    known = {group.pk: said for group in groups if (said := known_obstacle(action, group, now))}
    account = groups[0].project.account
    try:
        client = clients.client_for(account)
        with client.deadline(SECONDS):
            query = _Query(client, action)
            # Those that nothing stands against come first, so that they are asked about together.
            allowed = query.allowed(sorted(groups, key=lambda one: one.pk in known), known)
            absent = [one for one in groups if one.pk not in query.listed and one.pk not in known]
            for group in absent[:MOST_MOVED]:
                if _has_moved(client, group):
                    allowed |= query.allowed([group], known)
    except ExchangeError:
        return known
    elsewhere = f"the exchange does not have it as {' or '.join(FROM[action])} now"
    return {
        one.pk: known.get(one.pk, REFUSED if one.pk in query.listed else elsewhere)
        for one in groups
        if one.pk not in allowed
    }


class _Query:
    """The questions about the groups of one project, by few requests."""

    def __init__(self, client: ExchangeClient, action: Batch.Action) -> None:
        self._client = client
        self._action = action
        self._left = MOST_REQUESTS
        self.listed: set[int] = set()  # that the exchange has in a status to start from

    def allowed(self, groups: Sequence[TargetGroup], known: Container[int]) -> set[int]:
        """Those of the groups that may, by primary key, as far as the requests reach."""
        if not groups or self._left <= 0:
            return set()
        self._left -= 1
        fitting, may = self._ask(groups)
        self.listed |= {one.pk for one in fitting}
        if may:
            return {one.pk for one in fitting}
        if len(fitting) < 2:
            return set()
        free = sum(one.pk not in known for one in fitting)
        cut = free if 0 < free < len(fitting) else len(fitting) // 2
        return self.allowed(fitting[:cut], known) | self.allowed(fitting[cut:], known)

    def _ask(self, groups: Sequence[TargetGroup]) -> tuple[list[TargetGroup], bool]:
        """Those that the exchange lists, and whether all of them may; none is an empty answer."""
        answer = self._client.compute_target_group_transitions(
            project_id=groups[0].project.exchange_id,
            groups=ComputeTargetGroupTransitionsRequest(
                included_target_group_ids=[one.exchange_id for one in groups],
                filters=ComputeTargetGroupTransitionsFilters(status=list(FROM[self._action])),
            ),
        )
        may = getattr(answer, _FLAG[self._action]) is not False
        if answer.target_groups is None:
            return (list(groups) if may else []), may
        listed = set(answer.target_groups)
        return [one for one in groups if one.exchange_id in listed], may


def _has_moved(client: ExchangeClient, group: TargetGroup) -> bool:
    """Whether the exchange keeps a group in another project of its account; it is under it then."""
    place = moves.follow_group(group=group, client=client)
    return place is not None and place.project_id == group.project.exchange_id
