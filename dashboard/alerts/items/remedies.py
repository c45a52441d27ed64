"""The remedies: what a person can do about alerts, who can do it, and what if it is impossible.

A remedy has one action per group: a form, a resume, a page, or none where it is done outside
Fieldwatch. `action_of` returns only an action that the group allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from dashboard.alerts.rules.rule_type import HelpForm
from dashboard.fielding.domain.goals import HasFillingGoal, completes_target, is_full


class RemedyActor(StrEnum):
    """Who can carry out a remedy."""

    YOU = "you"
    PROGRAMMER = "the client's survey programmer"
    CINT = "Cint"


class Action(NamedTuple):
    """The main action of an item: its label, and the form, button or page behind it."""

    label: str
    form: HelpForm


class HasAction(HasFillingGoal, Protocol):
    """What decides which action a group allows: a group, or a row of its columns."""

    @property
    def status(self) -> str: ...
    @property
    def ends_at(self) -> datetime | None: ...
    @property
    def pricing_model(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Remedy:
    """One remedy.

    cause: what is wrong, as a heading. one, many: what to do about one group, about several.
    form: the action; None where it is done elsewhere. batch: the action on several groups at once,
    as the preview of bulk actions names it. needs_goal: it only helps a group that is short of its
    goal. reach: how many completes it can add, as a multiple of those that come without it.
    is_decision: nothing is broken, but somebody has to choose. may_complete: to mark the group
    complete is one of the choices.
    """

    key: str
    cause: str
    one: str
    many: str
    actor: RemedyActor = RemedyActor.YOU
    form: HelpForm | None = None
    batch: str = ""
    needs_goal: bool = True
    reach: float = 1.0
    is_decision: bool = False
    may_complete: bool = False

    def title(self, groups: int) -> str:
        """Return the heading of its items: "Encryption errors: fix the signing key"."""
        return f"{self.cause}: {self.instruction(groups)}"

    def instruction(self, groups: int) -> str:
        """Return what to do, for this number of groups."""
        return self.one if groups == 1 else self.many


def _registry(remedies: Iterable[Remedy]) -> dict[str, Remedy]:
    return {remedy.key: remedy for remedy in remedies}


REMEDIES: dict[str, Remedy] = _registry(
    (
        Remedy(
            "fix_signing_key",
            "Encryption errors",
            "fix the signing key",
            "fix the signing key",
            RemedyActor.PROGRAMMER,
            batch="resume",
        ),
        Remedy(
            "fix_redirects",
            "Redirect errors",
            "fix the redirects",
            "fix the redirects",
            RemedyActor.PROGRAMMER,
            batch="resume",
        ),
        Remedy(
            "check_link",
            "Entrants but no completes",
            "test the survey link",
            "test the survey links",
            RemedyActor.PROGRAMMER,
            batch="resume",
        ),
        Remedy(
            "find_stall",
            "No completes",
            "find out why respondents stopped",
            "find out why respondents stopped",
        ),
        Remedy(
            "upload_links",
            "Survey links run out",
            "upload more links",
            "upload more links",
            batch="resume",
        ),
        Remedy(
            "fix_qualifications",
            "Screening does not match the targeting",
            "fix the qualifications",
            "fix the qualifications",
            batch="resume",
        ),
        Remedy(
            "fix_loi",
            "LOI above bid",
            "shorten the survey or re-bid LOI",
            "shorten the surveys or re-bid LOI",
            form=HelpForm.DETAILS,
            batch="resume",
        ),
        Remedy(
            "fix_ir",
            "IR below bid",
            "re-bid IR or sharpen the targeting",
            "re-bid IR or sharpen the targeting",
            form=HelpForm.DETAILS,
            batch="resume",
        ),
        Remedy(
            "reduce_drop_off",
            "High drop-off",
            "find the question where respondents quit",
            "find the questions where respondents quit",
            RemedyActor.PROGRAMMER,
            batch="resume",
        ),
        Remedy(
            "ask_suppliers",
            "Many security terminates",
            "ask which suppliers they come from",
            "ask which suppliers they come from",
            RemedyActor.CINT,
        ),
        Remedy(
            "raise_cpi",
            "Too slow at this CPI",
            "raise the CPI",
            "raise the CPIs",
            form=HelpForm.CPI,
            batch="cpi",
        ),
        Remedy(
            "lower_cpi",
            "CPI limit reached",
            "lower the CPI or broaden the targeting",
            "lower the CPIs or broaden the targeting",
            form=HelpForm.CPI,
            batch="cpi",
        ),
        Remedy(
            "relax_quotas",
            "Quotas full",
            "relax or merge the quotas",
            "relax or merge the quotas",
            form=HelpForm.GOALS,
        ),
        Remedy(
            "extend",
            "Too little time left",
            "extend the end date",
            "extend the end dates",
            form=HelpForm.DATES,
            batch="end",
            reach=float("inf"),
        ),
        Remedy(
            "extend_or_close",
            "Short of goal at the end date",
            "extend or complete it",
            "extend or complete them",
            form=HelpForm.DATES,
            batch="end",
            reach=float("inf"),
            is_decision=True,
            may_complete=True,
        ),
        Remedy(
            "check_data",
            "Soft launch complete",
            "check the data, then resume",
            "check the data, then resume",
            form=HelpForm.RESUME,
            batch="resume",
            is_decision=True,
        ),
        Remedy(
            "resume",
            "Left paused",
            "resume it",
            "resume them",
            form=HelpForm.RESUME,
            batch="resume",
        ),
        Remedy(
            "ask_reason",
            "Paused by Cint",
            "check why, then resume",
            "check why, then resume",
            form=HelpForm.RESUME,
            batch="resume",
        ),
        Remedy(
            "read_issue",
            "Issue reported by Cint",
            "follow Cint's advice",
            "follow Cint's advice",
        ),
        Remedy(
            "lower_cpi_or_leave",
            "Filling early",
            "lower the CPI or leave it",
            "lower the CPIs or leave them",
            form=HelpForm.CPI,
            batch="cpi",
            is_decision=True,
        ),
        Remedy(
            "stop_overfill",
            "Over goal",
            "raise the goal or complete it",
            "raise the goals or complete them",
            form=HelpForm.GOALS,
            needs_goal=False,
            is_decision=True,
            may_complete=True,
        ),
        Remedy(
            "budget",
            "Over budget",
            "raise the budget or cut cost",
            "raise the budgets or cut cost",
            form=HelpForm.BUDGET,
            needs_goal=False,
            is_decision=True,
        ),
        Remedy(
            "check_price",
            "CPI changed by half or more",
            "check the new CPI",
            "check the new CPIs",
            form=HelpForm.CPI,
            needs_goal=False,
        ),
        Remedy(
            "check_change",
            "Change not confirmed",
            "check what Cint has",
            "check what Cint has",
            needs_goal=False,
        ),
        Remedy(
            "reconnect",
            "No data from Cint",
            "check the connection",
            "check the connections",
            form=HelpForm.CONNECTION,
            needs_goal=False,
        ),
    )
)
_LABELS = {
    HelpForm.CPI: "Change CPI",
    HelpForm.DATES: "Extend",
    HelpForm.GOALS: "Change goal",
    HelpForm.BUDGET: "Change budget",
    HelpForm.DETAILS: "Re-bid LOI/IR",
    HelpForm.RESUME: "Resume",
    HelpForm.CONNECTION: "Check connection",
}
EXTEND_AND_RESUME = Action("Extend, then resume", HelpForm.DATES)
_ENDS_NOT = frozenset({HelpForm.BUDGET, HelpForm.CONNECTION})  # possible whatever the group's state


def is_at_goal(group: HasFillingGoal) -> bool:
    """Return whether a group needs no more completes."""
    goal = completes_target(group)
    return is_full(group) or (goal is not None and (group.completes or 0) >= goal)


def action_of(remedy: Remedy, group: HasAction | None, *, now: datetime) -> Action | None:
    """Return the main action of an item, or what is offered instead; None where there is none.

    A paused group whose end date has passed can only be extended and then resumed; what is fixed
    outside Fieldwatch is followed by a resume; a rate card sets the CPI, so the end date moves.
    """
    form = remedy.form
    if group is None:
        return Action(_LABELS[form], form) if form is HelpForm.CONNECTION else None
    if form in _ENDS_NOT:
        return Action(_LABELS[form], form) if form else None
    if remedy.needs_goal and is_at_goal(group):
        return None
    has_ended = group.ends_at is not None and group.ends_at <= now
    if group.status == "paused":
        if has_ended:
            return EXTEND_AND_RESUME
        form = form or HelpForm.RESUME
    elif group.status != "live" or has_ended or form is HelpForm.RESUME:
        return None
    if form is HelpForm.CPI and group.pricing_model == "rate_card":
        form = HelpForm.DATES
    return Action(_LABELS[form], form) if form else None


def batch_of(remedy: Remedy, actions: Iterable[Action | None]) -> str:
    """Return the bulk action for groups with these main actions; empty unless all allow it."""
    forms = {action.form if action else None for action in actions}
    if remedy.batch == "resume":
        # What is fixed elsewhere, or by another form first, ends with one resume of all.
        return "resume" if forms and forms <= {HelpForm.RESUME} else ""
    wanted = {"cpi": HelpForm.CPI, "end": HelpForm.DATES}.get(remedy.batch)
    return remedy.batch if wanted and forms == {wanted} else ""
