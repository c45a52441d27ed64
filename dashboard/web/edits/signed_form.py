"""What a form was opened with: signed into its page, checked when the form comes back.

A change is compared with what its person saw, so the value that a form showed travels with it in a
hidden field. A token travels along: however often the form is sent, one change is made.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec
from django.core import signing
from django.http import HttpRequest, HttpResponse, QueryDict

from dashboard.web.auth.permissions import current_user
from dashboard.web.edits.forms.base import Value
from dashboard.web.http import resubmission

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class Rejection(StrEnum):
    """Why a form that came back is not accepted."""

    EXPIRED = "expired"
    TAMPERED = "tampered"  # or signed for another kind of form, or by an older release
    OTHER_PERSON = "another person's"
    OTHER_OBJECT = "another object's"


class OpenedForm(msgspec.Struct, frozen=True):
    """A form as it was opened: the value that it showed, and the token of its one change.

    A form that has to remember more adds members of its own.
    """

    seen: Value = None
    # A UUID: the exchange takes it as the idempotency key of what the form sends.
    token: str = msgspec.field(default_factory=lambda: str(uuid.uuid4()))


Opened = TypeVar("Opened", bound=OpenedForm)


@dataclass(frozen=True)
class SignedForm(Generic[Opened]):
    """A kind of form about one object, in front of one person.

    `subject` identifies the object, `shape` is what is signed, `field` the hidden field's name.
    """

    request: HttpRequest
    kind: str
    subject: Sequence[str | int]
    shape: type[Opened]
    open_for: timedelta = DAY
    field: str = "form"

    def sign(self, opened: Opened) -> str:
        """Return the text of the hidden field."""
        contents = [self._person, list(self.subject), msgspec.to_builtins(opened)]
        return signing.dumps(contents, salt=self.kind, compress=True)

    def read_back(self) -> Opened | Rejection:
        """Return what the posted form was opened with, or why it is not accepted."""
        text = self.request.POST.get(self.field, "")
        try:
            contents = signing.loads(text, salt=self.kind, max_age=self.open_for)
            person, subject, opened = msgspec.convert(
                contents, tuple[int, list[str | int], dict[str, Value]]
            )
            if person != self._person:
                return Rejection.OTHER_PERSON
            if subject != list(self.subject):
                return Rejection.OTHER_OBJECT
            return msgspec.convert(opened, self.shape)
        except signing.SignatureExpired:
            return Rejection.EXPIRED
        except (signing.BadSignature, msgspec.ValidationError, ValueError):
            return Rejection.TAMPERED

    @property
    def typed(self) -> QueryDict:
        """What was typed, to be shown again whatever becomes of the form."""
        return self.request.POST

    def answer_resubmission(
        self, opened: Opened, show: Callable[[], HttpResponse]
    ) -> HttpResponse | None:
        """Answer a form that the browser had kept and sends again; None for any other form.

        `show` renders the form as it was typed: nothing is sent before its person confirms it.
        """
        if arrived := resubmission.already_received(self.request, opened.token):
            return arrived
        return show() if resubmission.is_resubmission(self.request) else None

    @property
    def _person(self) -> int:
        return current_user(self.request).pk
