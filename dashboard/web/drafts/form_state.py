"""The form of a draft as it lies in front of one person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from django.http import HttpRequest, QueryDict
from django.utils import timezone

from dashboard.fielding.models import BusinessUnit, Edit, ExchangeUser, Project, TargetGroup
from dashboard.sync.lookup import code_lists
from dashboard.web.drafts import prefill
from dashboard.web.edits import messages
from dashboard.web.edits.forms.draft.fields import DraftEntry
from dashboard.web.edits.signed_form import OpenedForm, Rejection, SignedForm


class OpenedDraft(OpenedForm, frozen=True):
    """A form as it was opened: what it showed, its token, and the group that is copied."""

    source: int | None = None
    besides: list[str] = []  # what goes along, in words


@dataclass
class DraftFormState:
    """What the form shows besides its fields."""

    opened: OpenedDraft | None = None
    typed: QueryDict = field(default_factory=QueryDict)
    errors: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""
    busy: Edit | None = None  # the change that is in the way
    three: list[messages.ConflictRow] = field(default_factory=list)
    refused: bool = False  # it was sent, and the exchange did not take it over theirs
    theirs: list[messages.ConflictRow] = field(
        default_factory=list
    )  # what only somebody else changed
    fresh: list[int] = field(default_factory=list)  # questions that were just added


@dataclass
class DraftForm:
    """The form of one draft in front of one person; no group where it is new."""

    request: HttpRequest
    project: Project
    group: TargetGroup | None = None

    @property
    def signed(self) -> SignedForm[OpenedDraft]:
        """What the form was opened with, as its page carries it."""
        subject = (self.project.pk, self.group.pk if self.group else 0)
        return SignedForm(self.request, "draft", subject, OpenedDraft)

    @cached_property
    def lists(self) -> code_lists.Lists:
        """What fields can be chosen from."""
        return code_lists.of_account(self.project.account)

    @cached_property
    def units(self) -> list[BusinessUnit]:
        """The account's business units."""
        return list(self.project.account.business_units.order_by("name", "pk"))

    @cached_property
    def people(self) -> dict[str, str]:
        """The account's people by the exchange's ids."""
        users = ExchangeUser.objects.filter(account=self.project.account_id).order_by("name")
        return {one.exchange_id: str(one) for one in users}

    @property
    def names(self) -> dict[str, str]:
        """People, business units and clients by their ids."""
        units = {one.exchange_id: str(one) for one in self.units}
        return {**dict(self.lists.clients), **units, **self.people}

    def entry(self, state: DraftFormState) -> DraftEntry:
        """The form as it is filled in."""
        blank = TargetGroup(account_id=self.project.account_id, project=self.project)
        return DraftEntry(
            self.group or blank,
            state.opened.seen if state.opened else prefill.blank_draft(timezone.now()),
            state.typed,
            timezone.now(),
            self.people,
            self.lists.lockouts,
            state.errors,
            self.lists,
            self.units,
            self.group is None,
        )

    def sent(self) -> DraftFormState:
        """The form that was sent back, if we made it for this draft within a day."""
        opened = self.signed.read_back()
        return DraftFormState(None if isinstance(opened, Rejection) else opened, self.signed.typed)
