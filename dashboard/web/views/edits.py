"""The forms that change a group, on the exchange or with us.

A form is opened with what is held now, signed, and a token: however often it is sent, one change
is made. What was typed is kept until the change is confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

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
from dashboard.sync.edits import merge
from dashboard.sync.edits import send as push
from dashboard.web.auth.lookups import find_group
from dashboard.web.auth.permissions import Permission, View, current_user, require_editor, requires
from dashboard.web.edits import messages as editing
from dashboard.web.edits import undo
from dashboard.web.edits.forms import FORMS
from dashboard.web.edits.forms.base import BoundForm, Form, FormError
from dashboard.web.edits.signed_form import OpenedForm, Rejection, SignedForm
from dashboard.web.formatting import times

ABSENT = (NotOffered, NotFound, MethodNotAllowed, Forbidden)


class EditGateway(Protocol):
    """What the forms need of the way to the exchange."""

    def read_current_value(self, *, group: TargetGroup, kind: str) -> Any:
        """What the exchange holds now; raises ExchangeError."""

    def send_edit(
        self, *, group: TargetGroup, kind: str, seen: Any, wanted: Any, by: User, token: str
    ) -> Edit:
        """Sends once; the Edit says how it ended. Raises Busy."""

    def industry_lockouts(self, *, group: TargetGroup) -> list[tuple[str, str]]:
        """The industry lockouts by code; none where the exchange does not say."""


@dataclass
class EditFormState:
    """What a form shows besides its fields."""

    opened: OpenedForm | None
    typed: QueryDict = field(default_factory=QueryDict)
    errors: Mapping[str, str] = field(default_factory=dict)
    again: bool = False
    trouble: str = ""
    busy: Edit | None = None  # the change that is in the way
    three: list[editing.ConflictRow] = field(default_factory=list)
    refused: bool = False  # it was sent, and the exchange did not take it over theirs
    theirs: list[editing.ConflictRow] = field(
        default_factory=list
    )  # what only somebody else changed


@dataclass(frozen=True)
class EditForm:
    """One form of one group, in front of one person."""

    request: HttpRequest
    exchange: EditGateway
    group: TargetGroup
    form: Form

    @property
    def signed(self) -> SignedForm[OpenedForm]:
        """What the form was opened with, as its page carries it."""
        subject = (self.group.pk, self.form.name)
        return SignedForm(self.request, "edit", subject, OpenedForm)

    @property
    def names(self) -> dict[str, str]:
        """What ids of the exchange stand for: the other groups of the project, or people."""
        if self.form.kind == Edit.Kind.ASSISTANT:
            others = TargetGroup.objects.filter(project=self.group.project_id)
            return dict(others.exclude(pk=self.group.pk).values_list("exchange_id", "name"))
        people = ExchangeUser.objects.filter(account=self.group.account_id)
        return {one.exchange_id: str(one) for one in people}

    def entry(self, opened: OpenedForm, state: EditFormState) -> BoundForm:
        """The form as it is filled in."""
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
    """The form of one group and setting, over this way to the exchange."""

    @requires(Permission.EDITOR)
    @require_http_methods(["GET", "HEAD", "POST"])
    def edit(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
        group = find_group(request, pk)
        if kind not in FORMS:
            raise Http404
        require_editor(request, group.account_id)
        desk = EditForm(request, exchange, group, FORMS[kind])
        if why := editing.not_offered(group, desk.form):
            return _show(desk, EditFormState(None, trouble=why))
        return _send(desk) if request.method == "POST" else _show(desk, _filled(desk))

    return edit


def _open(desk: EditForm) -> EditFormState:
    """A form with the present value, or why there is none."""
    try:
        return EditFormState(
            OpenedForm(desk.exchange.read_current_value(group=desk.group, kind=desk.form.kind))
        )
    except ABSENT as exc:
        if desk.form.kind == Edit.Kind.RE_ENTRY:
            return EditFormState(None, trouble=editing.NO_RE_ENTRY)
        return EditFormState(None, trouble=f"{exc}. The value is as we last read it.")
    except ExchangeError as exc:
        return EditFormState(None, trouble=f"{exc}. Nothing was changed.")


def _filled(desk: EditForm) -> EditFormState:
    """A fresh form; filled in where its address asks for it: one click, undo, or once more."""
    state = _open(desk)
    if state.opened is None:
        return state
    state.typed = desk.request.GET
    typed = dict(desk.form.quick(desk.entry(state.opened, state)))
    if asked := desk.request.GET.get("undo"):
        made = undo.of_group(desk.group, desk.form, asked)
        if made and undo.still_so(made, state.opened.seen):
            typed = dict(desk.form.filled(made.before, desk.entry(state.opened, state)))
        else:
            state.trouble = editing.NO_UNDO
    if made := undo.of_group(desk.group, desk.form, desk.request.GET.get("again", "")):
        typed = dict(desk.form.filled(made.wanted, desk.entry(state.opened, state)))
    state.typed = QueryDict(mutable=True)
    state.typed.update(typed)
    return state


def _send(desk: EditForm) -> HttpResponseBase:
    """Check what was typed, send it once, and say how it ended."""
    request = desk.request
    opened = desk.signed.read_back()
    if isinstance(opened, Rejection):
        state = _open(desk)
        state.typed, state.trouble = desk.signed.typed, state.trouble or editing.TOO_OLD
        return _show(desk, state)
    state = EditFormState(opened, desk.signed.typed)
    if answer := desk.signed.answer_resubmission(opened, lambda: _show(desk, state)):
        return answer
    try:
        made = desk.exchange.send_edit(
            group=desk.group,
            kind=desk.form.kind,
            seen=opened.seen,
            wanted=desk.form.check(desk.entry(opened, state)),
            by=current_user(request),
            token=opened.token,
        )
    except FormError as exc:
        state.errors, state.again = exc.fields, exc.again
    except push.EditInProgress as exc:
        state.trouble, state.busy = f"{exc}.", exc.other
    else:
        return _ended(desk, made, state)
    return _show(desk, state)


def _ended(desk: EditForm, made: Edit, state: EditFormState) -> HttpResponseBase:
    """Back to the group when the exchange has it, or may have it; else the form, kept."""
    zone = times.zone_of(desk.group)
    if made.state == Edit.State.REJECTED:
        state.errors, state.trouble = editing.objections_by_field(
            made, lambda name: desk.form.place(name, made)
        )
    elif made.state == Edit.State.CONFLICT:
        state.three, state.refused = editing.conflict_rows(made, desk.names, zone), bool(made.sent)
        state.theirs = editing.theirs_alone(made, desk.names, zone)
        afresh = OpenedForm(merge.bare(made.after))
        entry = desk.entry(afresh, state)
        state.typed = editing.typed_again(
            lambda value: desk.form.filled(merge.bare(value), entry), made, state.typed
        )
    else:
        level = messages.SUCCESS if made.state == Edit.State.CONFIRMED else messages.WARNING
        said = editing.line(made, desk.names, zone, timezone.now())
        messages.add_message(desk.request, level, said)
        back = reverse("group", args=[desk.group.pk])
        htmx = bool(desk.request.headers.get("HX-Request"))
        return HttpResponseClientRedirect(back) if htmx else redirect(back)
    held = made.after if made.state == Edit.State.CONFLICT else made.before
    state.opened = OpenedForm(merge.bare(held))
    return _show(desk, state)


def _show(desk: EditForm, state: EditFormState) -> HttpResponse:
    """The form in its page, or alone for htmx."""
    part = bool(desk.request.headers.get("HX-Request"))
    context = desk.form.shown(desk.entry(state.opened, state)) if state.opened else {}
    context |= {
        "group": desk.group,
        "form": desk.form,
        "state": state,
        "sealed": desk.signed.sign(state.opened) if state.opened else "",
    }
    response = render(desk.request, "edits/form.html" if part else "edits/form_page.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


edit = edit_form_view(push)
