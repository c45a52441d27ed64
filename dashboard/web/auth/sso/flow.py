"""The way to the identity provider and back, and the page of one's own identities."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows import reauthentication
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.socialaccount.internal import statekit
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse

from dashboard.fielding.models import User
from dashboard.web.auth import sessions
from dashboard.web.auth.permissions import current_user
from dashboard.web.auth.sso import identities, provider
from dashboard.web.auth.sso.claims import Identity, NotConfirmed
from dashboard.web.auth.sso.identities import SSO
from dashboard.web.auth.sso.wire import ProviderAway
from dashboard.web.formatting.row_ids import parse_row_id

log = logging.getLogger(__name__)
LOGIN, JOIN = "login", "join"
LONGEST_CODE = 4096  # characters


def start(request: HttpRequest, provider_id: str) -> HttpResponse:  # noqa: ARG001  it is the one
    """Off to the provider to sign in; whatever else the address asks for is not read."""
    if request.method != "POST":
        return render(request, "socialaccount/login.html", {"name": settings.OIDC_NAME})
    return _depart(request, LOGIN, next=get_next_redirect_url(request))


def come_back(request: HttpRequest, provider_id: str) -> HttpResponse:  # noqa: ARG001
    """From the provider: signed in, joined, or a page that says why not."""
    state = statekit.unstash_state(request, provider_id=SSO, state_id=request.GET.get("state", ""))
    if state and request.GET.get("error") == "access_denied":
        return redirect("socialaccount_login_cancelled")
    try:
        identity = _identify(request, state or {})
    except NotConfirmed as exc:
        return _not_confirmed(request, str(exc))
    except ProviderAway as exc:
        return _away(request, exc)
    if state and state["process"] == JOIN:
        return _joined(request, identity, state["person"])
    return _signed_in(request, identity, (state or {}).get("next"))


def mine(request: HttpRequest) -> HttpResponse:
    """The identities that open my account; joining and removing ask for password and factor."""
    user = current_user(request)
    if request.method == "POST" and user.has_usable_password():
        if asks := identities.missing_proof(request):
            answer: HttpResponse = reauthentication.suspend_request(request, reverse(asks))
            return answer
        return _join_or_remove(request, user)
    rows = [(row, identities.address_of(row)) for row in identities.rows_of(user)]
    context = {
        "rows": rows,
        "sso": settings.OIDC_NAME if settings.OIDC_URL else "",
        "password": user.has_usable_password(),
    }
    return render(request, "account/identities.html", context)


def _join_or_remove(request: HttpRequest, user: User) -> HttpResponse:
    wanted = request.POST.get("do", "")
    if wanted == JOIN and settings.OIDC_URL:
        return _depart(request, JOIN, person=user.pk)
    pk = parse_row_id(request.POST.get("remove", ""))
    if not pk:
        return HttpResponseBadRequest("Which one is to go?\n", content_type="text/plain")
    if identities.remove(user, pk):
        sessions.end_sessions(user, None)
        get_adapter(request).send_notification_mail(
            "socialaccount/email/account_disconnected", user
        )
        messages.success(
            request,
            "Removed: it no longer opens your account, and your other sessions have ended. "
            "You sign in with your password.",
        )
    return redirect("identities")


def _depart(request: HttpRequest, process: str, **kept: Any) -> HttpResponse:
    """To the provider; what is kept meanwhile stays in the session, where nobody can forge it."""
    state_id, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    try:
        to = provider.configured().authorize_url(
            redirect_uri=_redirect_uri(request), state=state_id, nonce=nonce, verifier=verifier
        )
    except ProviderAway as exc:
        return _away(request, exc)
    state = {"process": process, "nonce": nonce, "verifier": verifier, **kept}
    statekit.stash_state(request, provider_id=SSO, state=state, state_id=state_id)
    return redirect(to)


def _identify(request: HttpRequest, state: Mapping[str, Any]) -> Identity:
    """Who came back, if they went from this session."""
    if "verifier" not in state:  # none is kept, or one of an earlier release
        raise NotConfirmed("the return has no beginning in this session")
    if error := request.GET.get("error", ""):
        raise NotConfirmed(f"the provider says {error!r:.80}")
    code = request.GET.get("code", "")
    if not code or len(code) > LONGEST_CODE:
        raise NotConfirmed("the return carries no code")
    return provider.configured().identify(
        code,
        redirect_uri=_redirect_uri(request),
        nonce=state["nonce"],
        verifier=state["verifier"],
    )


def _signed_in(request: HttpRequest, identity: Identity, to: str | None) -> HttpResponse:
    """Whoever the identity opens, after their second factor."""
    joining: dict[str, str] | None = None
    row = identities.known(identity)
    if row and identities.same_issuer(row, identity):
        user = row.user
        identities.note_use(row, identity)
    elif row:
        return _unknown(request, "moved")
    else:
        invited = identities.by_address(identity.address) if _is_verified(identity) else None
        if not invited:
            return _unknown(request, _why_unknown(identity))
        if not identities.may_join_unasked(invited):
            return _unknown(request, "apart")
        user = invited
        joining = {
            "issuer": identity.issuer,
            "subject": identity.subject,
            "address": identity.address,
        }
    if request.user.is_authenticated:
        if request.user == user and not joining:
            return redirect(to or settings.LOGIN_REDIRECT_URL)
        get_adapter(request).logout(request)
    record_authentication(request, user, "socialaccount", provider=SSO, uid=identity.subject)
    login = Login(user=user, redirect_url=to, signal_kwargs={"joining": joining})
    answer: HttpResponse = perform_login(request, login)
    return answer


def _joined(request: HttpRequest, identity: Identity, asked_by: int) -> HttpResponse:
    """One more way into the account of who asked for it, in this session, with their password."""
    if not request.user.is_authenticated or request.user.pk != asked_by:
        return _not_confirmed(request, "who wanted to join an identity is not signed in any more")
    user, row = current_user(request), identities.known(identity)
    if row and row.user_id == user.pk:
        identities.note_use(row, identity)
        messages.success(request, "This sign-in is linked to your account already.")
    elif not row and identities.join(
        user,
        issuer=identity.issuer,
        subject=identity.subject,
        address=identity.address,
        unasked=False,
    ):
        get_adapter(request).send_notification_mail("socialaccount/email/account_connected", user)
        messages.success(request, "Linked: you can sign in with it from now on.")
    else:
        messages.error(request, "This sign-in is linked to somebody else's account.")
    return redirect("identities")


def _is_verified(identity: Identity) -> bool:
    """Whether the address is theirs: the provider says so, or says nothing and is trusted."""
    if identity.verified is None:
        return identity.address.rpartition("@")[2].lower() in settings.OIDC_TRUSTED_DOMAINS
    return identity.verified


def _why_unknown(identity: Identity) -> str:
    if _is_verified(identity):
        return "stranger"
    return "unverified" if identity.address else "nameless"


def _unknown(request: HttpRequest, why: str) -> HttpResponse:
    log.warning("single sign-on refused: %s", why)
    return render(request, "account/unknown.html", {"why": why}, status=403)


def _not_confirmed(request: HttpRequest, why: str) -> HttpResponse:
    log.warning("single sign-on refused: %s", why)
    return render(request, "socialaccount/authentication_error.html", status=401)


def _away(request: HttpRequest, exc: ProviderAway) -> HttpResponse:
    """The provider does not answer, or nothing that can be used; there is the password."""
    log.error("single sign-on: the provider is away: %s", exc)
    context = {"name": settings.OIDC_NAME, "signed_in": request.user.is_authenticated}
    return render(request, "socialaccount/away.html", context, status=503)


def _redirect_uri(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("openid_connect_callback", args=[SSO]))
