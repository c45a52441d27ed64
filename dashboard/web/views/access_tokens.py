"""My account: tokens for the API, and calendar addresses."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.fielding.models import AccessToken
from dashboard.web.api import tokens
from dashboard.web.api.forms import ApiTokenForm, CalendarForm, TokenNameForm
from dashboard.web.auth.permissions import Permission, current_user, requires
from dashboard.web.auth.proof import proof_required

FORM = ["GET", "HEAD", "POST"]
API, CALENDAR = AccessToken.Purpose.API, AccessToken.Purpose.CALENDAR
PAGES = {API: "api-tokens", CALENDAR: "calendars"}
SENT_BEFORE = "This form was sent before. What it created is shown only once; create another."


@requires(Permission.SIGNED_IN)
@require_http_methods(FORM)
def api_tokens(request: HttpRequest) -> HttpResponseBase:
    """List the person's tokens for the API; creating one asks for the password again."""
    if request.method == "POST":
        return _PROVEN[API](request)
    return _show(request, API, ApiTokenForm(initial=_initial()))


def _create_api_token(request: HttpRequest) -> HttpResponse:
    """Create a token, and show it the only time."""
    form = ApiTokenForm(request.POST)
    if not form.is_valid():
        return _show(request, API, form)
    now = datetime.now(UTC)
    return _create(
        request,
        form,
        API,
        now,
        scopes=form.cleaned_data["scopes"],
        expires_at=now + timedelta(days=int(form.cleaned_data["days"])),
    )


@requires(Permission.SIGNED_IN)
@require_http_methods(FORM)
def calendar_addresses(request: HttpRequest) -> HttpResponseBase:
    """List the person's calendar addresses; creating one asks for the password again."""
    if request.method == "POST":
        return _PROVEN[CALENDAR](request)
    return _show(request, CALENDAR, CalendarForm(initial=_initial()))


def _create_calendar(request: HttpRequest) -> HttpResponse:
    """Create an address, and show it the only time."""
    form = CalendarForm(request.POST)
    if not form.is_valid():
        return _show(request, CALENDAR, form)
    only_mine = bool(form.cleaned_data["only_mine"])
    return _create(request, form, CALENDAR, datetime.now(UTC), only_mine=only_mine)


@requires(Permission.SIGNED_IN)
@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke a token of one's own; it stops working immediately."""
    token = AccessToken.objects.filter(user=current_user(request), pk=pk).first()
    if token is None:
        raise Http404
    tokens.revoke_token(request, token=token, now=datetime.now(UTC))
    messages.success(request, f"“{token.name}” was revoked.")
    return redirect(PAGES[AccessToken.Purpose(token.purpose)])


def _create(
    request: HttpRequest,
    form: TokenNameForm,
    purpose: AccessToken.Purpose,
    now: datetime,
    *,
    scopes: list[str] | None = None,
    expires_at: datetime | None = None,
    only_mine: bool = False,
) -> HttpResponse:
    try:
        secret = tokens.create_token(
            request,
            user=current_user(request),
            purpose=purpose,
            name=form.cleaned_data["name"],
            form_token=form.cleaned_data["token"],
            now=now,
            scopes=scopes or (),
            expires_at=expires_at,
            only_mine=only_mine,
        )
    except tokens.TooManyTokens as exc:
        form.add_error(None, str(exc))
        return _show(request, purpose, form)
    if secret is None:
        messages.warning(request, SENT_BEFORE)
        return redirect(PAGES[purpose])
    form_class = type(form)
    return _show(request, purpose, form_class(initial=_initial()), secret=secret)


def _initial() -> dict[str, str]:
    return {"token": str(uuid.uuid4())}


def _show(
    request: HttpRequest, purpose: AccessToken.Purpose, form: TokenNameForm, *, secret: str = ""
) -> HttpResponse:
    """Render the page; a form that was refused comes back as it was typed."""
    now = datetime.now(UTC)
    new = secret
    if secret and purpose == CALENDAR:
        new = f"{settings.FIELDWATCH_URL}{reverse('calendar', args=[secret])}"
    rows = AccessToken.objects.newest(current_user(request), purpose)
    labels = dict(AccessToken.Scope.choices)
    context = {
        "form": form,
        "new": new,
        "rows": [
            (row, ", ".join(labels.get(scope, scope) for scope in row.scopes)) for row in rows
        ],
        "now": now,
        "most": tokens.MOST_TOKENS[purpose],
        "api": f"{settings.FIELDWATCH_URL}/api/v1/",
    }
    return render(request, f"account/{PAGES[purpose].replace('-', '_')}.html", context)


_PROVEN = {
    API: proof_required(_create_api_token, back=PAGES[API]),
    CALENDAR: proof_required(_create_calendar, back=PAGES[CALENDAR]),
}
