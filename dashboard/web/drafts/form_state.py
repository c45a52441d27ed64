"""The form of a draft, in front of one person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from django.http import HttpRequest, QueryDict
from django.utils import timezone

from dashboard.fielding.models import BusinessUnit, Edit, ExchangeUser, Project, TargetGroup
from dashboard.sync.lookup import code_lists
from dashboard.web.drafts import prefill
from dashboard.web.edits import form_messages
from dashboard.web.edits.forms.draft.fields import DraftEntry
from dashboard.web.edits.signed_form import OpenedForm, Rejection, SignedForm


class OpenedDraft(OpenedForm, frozen=True):
    """A draft's form as it was opened; `source` is the id of the group that it copies."""

    source: int | None = None
    besides: list[str] = []  # settings without a field, in words


@dataclass
class DraftFormState:
    """What the form shows besides its fields."""

    opened: OpenedDraft | None = None
    typed: QueryDict = field(default_factory=QueryDict)
    errors: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""
    busy: Edit | None = None  # the change that is in the way
    three: list[form_messages.ConflictRow] = field(default_factory=list)
    refused: bool = False  # it was sent, and the exchange did not accept it over theirs
    theirs: list[form_messages.ConflictRow] = field(
        default_factory=list
    )  # what only someone else changed
    fresh: list[int] = field(default_factory=list)  # questions that were just added


@dataclass
class DraftForm:
    """The form of one draft in front of one person; `group` is None for a new draft."""

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
        """The choices of the fields."""
        return code_lists.lists_of_account(self.project.account)

    @cached_property
    def units(self) -> list[BusinessUnit]:
        """The account's business units."""
        return list(self.project.account.business_units.order_by("name", "pk"))

    @cached_property
    def people(self) -> dict[str, str]:
        """The exchange's users of the account by their ids."""
        users = ExchangeUser.objects.filter(account=self.project.account_id).order_by("name")
        return {user.exchange_id: str(user) for user in users}

    @property
    def names(self) -> dict[str, str]:
        """The names of users, business units and clients by their ids."""
        units = {unit.exchange_id: str(unit) for unit in self.units}
        return {**dict(self.lists.clients), **units, **self.people}

    def entry(self, state: DraftFormState) -> DraftEntry:
        """Return the form as it is filled in."""
        blank = TargetGroup(account_id=self.project.account_id, project=self.project)
        return DraftEntry(
            group=self.group or blank,
            seen=state.opened.seen if state.opened else prefill.blank_draft(timezone.now()),
            typed=state.typed,
            now=timezone.now(),
            names=self.people,
            lockouts=self.lists.lockouts,
            errors=state.errors,
            lists=self.lists,
            units=self.units,
            is_new=self.group is None,
        )

    def read_posted(self) -> DraftFormState:
        """Return the state of the posted form; without `opened` where it is not accepted."""
        opened = self.signed.read_back()
        return DraftFormState(None if isinstance(opened, Rejection) else opened, self.signed.typed)
