"""The forms that change a group on the exchange.

A form is opened with what the exchange holds now, signed, and a token: however often it is sent,
one change is made. What was typed is kept until the exchange has confirmed it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from dashboard.exchange.errors import (
    ExchangeError,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    NotOffered,
)
from dashboard.fielding.models import Edit, TargetGroup, User
from dashboard.sync import push
from dashboard.web import editing, wanted
from dashboard.web.access import Rule, View, person, require_editor, rule
from dashboard.web.views.groups import found

OPEN_FOR_SECONDS = 24 * 3600
ABSENT = (NotOffered, NotFound, MethodNotAllowed, Forbidden)


class Exchange(Protocol):
    """What the forms need of the way to the exchange."""

    def present(self, *, group: TargetGroup, kind: str) -> Any:
        """What the exchange holds now; raises ExchangeError."""

    def push(
        self, *, group: TargetGroup, kind: str, seen: Any, wanted: Any, by: User, token: str
    ) -> Edit:
        """Sends once; the Edit says how it ended. Raises Busy."""


@dataclass(frozen=True)
class Opened:
    """A form as it was opened: what it showed, and its token."""

    seen: Any
    token: str

    def sealed(self, group: TargetGroup, kind: str) -> str:
        """Signed for this group and kind."""
        return signing.dumps([group.pk, kind, self.token, self.seen], salt="edit", compress=True)


@dataclass
class State:
    """What a form shows besides its fields."""

    opened: Opened | None
    typed: QueryDict = field(default_factory=QueryDict)
    errors: Mapping[str, str] = field(default_factory=dict)
    again: bool = False
    trouble: str = ""
    was: Any = None


def opened(seen: Any) -> Opened:
    """A fresh form."""
    return Opened(seen, secrets.token_urlsafe(24))


def form(exchange: Exchange) -> View:
    """The form of one group and kind, over this way to the exchange."""

    @rule(Rule.EDITOR)
    @require_http_methods(["GET", "HEAD", "POST"])
    def edit(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
        group = found(request, pk)
        if kind not in wanted.CHECKS:
            raise Http404
        require_editor(request, group.account_id)
        if why := editing.not_offered(group, kind):
            return _show(request, group, kind, State(None, trouble=why))
        if request.method == "POST":
            return _send(request, group, kind, exchange)
        return _show(request, group, kind, _open(exchange, group, kind))

    return edit


def _open(exchange: Exchange, group: TargetGroup, kind: str) -> State:
    """A form with the exchange's present value, or why there is none."""
    try:
        return State(opened(exchange.present(group=group, kind=kind)))
    except ABSENT as exc:
        if kind == Edit.Kind.RE_ENTRY:
            return State(None, trouble=editing.NO_RE_ENTRY)
        return State(None, trouble=f"{exc}. The value is as we last read it.")
    except ExchangeError as exc:
        return State(None, trouble=f"{exc}. Nothing was changed.")


def _send(
    request: HttpRequest, group: TargetGroup, kind: str, exchange: Exchange
) -> HttpResponseBase:
    """Check what was typed, send it once, and say how it ended."""
    form_of = _unsealed(request.POST.get("form", ""), group, kind)
    if form_of is None:
        state = _open(exchange, group, kind)
        state.typed, state.trouble = request.POST, state.trouble or editing.TOO_OLD
        return _show(request, group, kind, state)
    state = State(form_of, request.POST)
    try:
        value = wanted.CHECKS[kind](request.POST, form_of.seen, group)
        made = exchange.push(
            group=group,
            kind=kind,
            seen=form_of.seen,
            wanted=value,
            by=person(request),
            token=form_of.token,
        )
    except wanted.Wrong as exc:
        state.errors, state.again = exc.fields, exc.again
    except push.Busy as exc:
        state.trouble = f"{exc}."
    else:
        return _ended(request, group, made, state)
    return _show(request, group, kind, state)


def _unsealed(sealed: str, group: TargetGroup, kind: str) -> Opened | None:
    """The form that was sent back, if we made it for this group and kind within a day."""
    try:
        pk, of, token, seen = signing.loads(sealed, salt="edit", max_age=OPEN_FOR_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return Opened(seen, token) if (pk, of) == (group.pk, kind) else None


def _ended(request: HttpRequest, group: TargetGroup, made: Edit, state: State) -> HttpResponseBase:
    """Back to the group when the exchange has it, or may have it; else the form, kept."""
    if made.state == Edit.State.REJECTED:
        state.errors, state.trouble = editing.refusals(made)
    elif made.state == Edit.State.CONFLICT:
        state.was = made.before
    else:
        level = messages.SUCCESS if made.state == Edit.State.CONFIRMED else messages.WARNING
        messages.add_message(request, level, editing.outcome(made))
        back = reverse("group", args=[group.pk])
        return HttpResponseClientRedirect(back) if request.htmx else redirect(back)  # type: ignore[attr-defined]
    state.opened = opened(made.after if made.state == Edit.State.CONFLICT else made.before)
    return _show(request, group, made.kind, state)


def _show(request: HttpRequest, group: TargetGroup, kind: str, state: State) -> HttpResponse:
    """The form in its page, or alone for htmx."""
    part = bool(request.headers.get("HX-Request"))
    context = editing.shown(group, kind, state.opened.seen if state.opened else None, state.typed)
    context |= {
        "group": group,
        "kind": kind,
        "state": state,
        "sealed": state.opened.sealed(group, kind) if state.opened else "",
        "title": Edit.Kind(kind).label,
        "three": editing.three(kind, state.was, state.opened.seen, state.typed)
        if state.was and state.opened
        else {},
    }
    template = "edits/form.html" if part else "edit.html"
    response = render(request, template, context)
    response["Cache-Control"] = "private, no-store"
    return response


edit = form(push)
