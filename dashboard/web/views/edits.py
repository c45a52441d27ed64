"""The forms that change a group, on the exchange or in Fieldwatch.

A form is opened with the current value, signed, and a token: however often it is sent, one change
is made. What was typed is kept until the change is confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from dashboard.exchange.errors import (
    ExchangeError,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    NotOffered,
)
from dashboard.fielding.models import Edit, ExchangeUser, TargetGroup, User
from dashboard.sync.edits import merge, send
from dashboard.web.auth.lookups import find_group
from dashboard.web.auth.permissions import Permission, View, current_user, require_editor, requires
from dashboard.web.connections.waits import known_workers
from dashboard.web.edits import form_messages, undo
from dashboard.web.edits.forms import FORMS
from dashboard.web.edits.forms.base import BoundForm, Form, FormError, Value
from dashboard.web.edits.price.followed import record_foretold
from dashboard.web.edits.signed_form import OpenedForm, Rejection, SignedForm
from dashboard.web.formatting import times
from dashboard.web.groups.panels.rate_card import CardTable, rate_card_table

ABSENT = (NotOffered, NotFound, MethodNotAllowed, Forbidden)


class EditGateway(Protocol):
    """What the forms need to reach the exchange."""

    def read_current_value(self, *, group: TargetGroup, kind: str) -> Value:
        """Return the current value; raises ExchangeError."""

    def send_edit(
        self, *, group: TargetGroup, kind: str, seen: Value, wanted: Value, by: User, token: str
    ) -> Edit:
        """Send once; the Edit says how it ended. Raises EditInProgress."""

    def industry_lockouts(self, *, group: TargetGroup) -> list[tuple[str, str]]:
        """Return industry lockouts as (code, name); empty where they cannot be read."""


@dataclass
class EditFormState:
    """What a form shows besides its fields."""

    opened: OpenedForm | None
    typed: QueryDict = field(default_factory=QueryDict)
    errors: Mapping[str, str] = field(default_factory=dict)
    again: bool = False
    trouble: str = ""
    busy: Edit | None = None  # the change that is in the way
    three: list[form_messages.ConflictRow] = field(default_factory=list)
    refused: bool = False  # it was sent, and the exchange did not accept it over theirs
    theirs: list[form_messages.ConflictRow] = field(
        default_factory=list
    )  # what only someone else changed


@dataclass(frozen=True)
class EditForm:
    """One form of one group, in front of one person."""

    request: HttpRequest
    exchange: EditGateway
    group: TargetGroup
    form: Form[Value]

    @property
    def signed(self) -> SignedForm[OpenedForm]:
        """What the form was opened with, as its page carries it."""
        subject = (self.group.pk, self.form.name)
        return SignedForm(self.request, "edit", subject, OpenedForm)

    @property
    def names(self) -> dict[str, str]:
        """Names by the exchange's ids: the other groups of the project, or users."""
        if self.form.kind == Edit.Kind.ASSISTANT:
            others = TargetGroup.objects.filter(project=self.group.project_id)
            return dict(others.exclude(pk=self.group.pk).values_list("exchange_id", "name"))
        people = ExchangeUser.objects.filter(account=self.group.account_id)
        return {user.exchange_id: str(user) for user in people}

    def entry(self, opened: OpenedForm, state: EditFormState) -> BoundForm[Value]:
        """Return the form as it is filled in."""
        needs_lists = self.form.name == "details"
        return BoundForm(
            self.group,
            opened.seen,
            state.typed,
            timezone.now(),
            self.names if self.form.kind in (Edit.Kind.DETAILS, Edit.Kind.ASSISTANT) else {},
            self.exchange.industry_lockouts(group=self.group) if needs_lists else [],
            state.errors,
        )


def edit_form_view(exchange: EditGateway) -> View:
    """Return the view of a group's edit forms, which reads and sends through this gateway."""

    @requires(Permission.EDITOR)
    @require_http_methods(["GET", "HEAD", "POST"])
    def edit(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
        group = find_group(request, pk)
        if kind not in FORMS:
            raise Http404
        require_editor(request, group.account_id)
        edit_form = EditForm(request, exchange, group, FORMS[kind])
        if reason := form_messages.not_offered(group, edit_form.form):
            return _show(edit_form, EditFormState(None, trouble=reason))
        return (
            _send(edit_form)
            if request.method == "POST"
            else _show(edit_form, _open_filled(edit_form))
        )

    return edit


def _open(edit_form: EditForm) -> EditFormState:
    """Return a form with the current value, or why there is none."""
    try:
        return EditFormState(
            OpenedForm(
                edit_form.exchange.read_current_value(
                    group=edit_form.group, kind=edit_form.form.kind
                )
            )
        )
    except ABSENT as exc:
        if edit_form.form.kind == Edit.Kind.RE_ENTRY:
            return EditFormState(None, trouble=form_messages.NO_RE_ENTRY)
        return EditFormState(None, trouble=f"{exc}. The value shown was read earlier.")
    except ExchangeError as exc:
        return EditFormState(None, trouble=f"{exc}. Nothing was changed.")


def _open_filled(edit_form: EditForm) -> EditFormState:
    """Return a form, filled in as its address asks: a one-click change, undo, or try again."""
    state = _open(edit_form)
    if state.opened is None:
        return state
    state.typed = edit_form.request.GET
    typed = dict(edit_form.form.quick(edit_form.entry(state.opened, state)))
    if undo_id := edit_form.request.GET.get("undo"):
        edit = undo.edit_to_undo(edit_form.group, edit_form.form, undo_id)
        if edit and undo.is_still_held(edit, state.opened.seen):
            typed = dict(edit_form.form.initial(edit.before, edit_form.entry(state.opened, state)))
        else:
            state.trouble = form_messages.NO_UNDO
    if edit := undo.edit_to_undo(
        edit_form.group, edit_form.form, edit_form.request.GET.get("again", "")
    ):
        typed = dict(edit_form.form.initial(edit.wanted, edit_form.entry(state.opened, state)))
    state.typed = QueryDict(mutable=True)
    state.typed.update(typed)
    return state


def _send(edit_form: EditForm) -> HttpResponseBase:
    """Check what was typed, send it once, and show how it ended."""
    request = edit_form.request
    opened = edit_form.signed.read_back()
    if isinstance(opened, Rejection):
        state = _open(edit_form)
        state.typed, state.trouble = edit_form.signed.typed, state.trouble or form_messages.TOO_OLD
        return _show(edit_form, state)
    state = EditFormState(opened, edit_form.signed.typed)
    if answer := edit_form.signed.answer_resubmission(opened, lambda: _show(edit_form, state)):
        return answer
    try:
        edit = edit_form.exchange.send_edit(
            group=edit_form.group,
            kind=edit_form.form.kind,
            seen=opened.seen,
            wanted=edit_form.form.clean(edit_form.entry(opened, state)),
            by=current_user(request),
            token=opened.token,
        )
    except FormError as exc:
        state.errors, state.again = exc.fields, exc.again
    except send.EditInProgress as exc:
        state.trouble, state.busy = f"{exc}.", exc.other
    else:
        record_foretold(group=edit_form.group, edit=edit, now=timezone.now())
        return _finish(edit_form, edit, state)
    return _show(edit_form, state)


def _finish(edit_form: EditForm, edit: Edit, state: EditFormState) -> HttpResponseBase:
    """Go back to the group if the exchange accepted the edit, or may have; else show the form."""
    zone = times.zone_of(edit_form.group)
    if edit.state == Edit.State.REJECTED:
        state.errors, state.trouble = form_messages.objections_by_field(
            edit, lambda name: edit_form.form.field_for(name, edit)
        )
    elif edit.state == Edit.State.CONFLICT:
        state.three, state.refused = (
            form_messages.conflict_rows(edit, edit_form.names, zone),
            bool(edit.sent),
        )
        state.theirs = form_messages.theirs_alone(edit, edit_form.names, zone)
        reopened = OpenedForm(merge.bare(edit.after))
        entry = edit_form.entry(reopened, state)
        state.typed = form_messages.typed_again(
            lambda value: edit_form.form.initial(merge.bare(value), entry), edit, state.typed
        )
    else:
        level = messages.SUCCESS if edit.state == Edit.State.CONFIRMED else messages.WARNING
        now = timezone.now()
        back = undo.undo_option(edit, edit_form.names, now).address
        workers = known_workers(edit_form.request, now=now)
        sentence = form_messages.outcome_line(
            edit, edit_form.names, zone, workers, undo_address=back
        )
        messages.add_message(edit_form.request, level, sentence)
        page = reverse("group", args=[edit_form.group.pk])
        is_htmx = bool(edit_form.request.headers.get("HX-Request"))
        return HttpResponseClientRedirect(page) if is_htmx else redirect(page)
    current = edit.after if edit.state == Edit.State.CONFLICT else edit.before
    state.opened = OpenedForm(merge.bare(current))
    return _show(edit_form, state)


def _show(edit_form: EditForm, state: EditFormState) -> HttpResponse:
    """Render the form in its page, or by itself for htmx."""
    is_part = bool(edit_form.request.headers.get("HX-Request"))
    context = edit_form.form.context(edit_form.entry(state.opened, state)) if state.opened else {}
    context |= {
        "group": edit_form.group,
        "form": edit_form.form,
        "state": state,
        "is_part": is_part,
        "card": _rate_card_of(edit_form),
        "sealed": edit_form.signed.sign(state.opened) if state.opened else "",
    }
    response = render(
        edit_form.request, "edits/form.html" if is_part else "edits/form_page.html", context
    )
    response["Cache-Control"] = "private, no-store"
    return response


def _rate_card_of(edit_form: EditForm) -> CardTable | None:
    """Return the rate card of a group without a CPI of its own, in place of the form."""
    return rate_card_table(edit_form.group) if edit_form.form.kind == Edit.Kind.CPI else None


edit = edit_form_view(send)
