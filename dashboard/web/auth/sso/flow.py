"""The redirects to the identity provider and back, and the page of linked identities."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping

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

from dashboard.fielding.models import AuditKind, User
from dashboard.web.auth import audit, sessions
from dashboard.web.auth.permissions import current_user
from dashboard.web.auth.sso import group_roles, identities, provider
from dashboard.web.auth.sso.claims import Identity, NotConfirmed
from dashboard.web.auth.sso.identities import SSO
from dashboard.web.auth.sso.wire import ProviderAway
from dashboard.web.formatting.row_ids import parse_row_id

log = logging.getLogger(__name__)
LOGIN, JOIN = "login", "join"
LONGEST_CODE = 4096  # characters


def start(request: HttpRequest, provider_id: str) -> HttpResponse:  # noqa: ARG001  it is the one
    """Redirect to the provider to sign in; other parameters are ignored."""
    if request.method != "POST":
        return render(request, "socialaccount/login.html", {"name": settings.OIDC_NAME})
    return _redirect_to_provider(request, LOGIN, next=get_next_redirect_url(request))


def come_back(request: HttpRequest, provider_id: str) -> HttpResponse:  # noqa: ARG001
    """Handle the return from the provider: sign in, link, or say why not."""
    state = statekit.unstash_state(request, provider_id=SSO, state_id=request.GET.get("state", ""))
    if state and request.GET.get("error") == "access_denied":
        return redirect("socialaccount_login_cancelled")
    try:
        identity = _identify_person(request, state or {})
    except NotConfirmed as exc:
        return _refuse_unconfirmed(request, str(exc))
    except ProviderAway as exc:
        return _provider_down(request, exc)
    if state and state["process"] == JOIN:
        return _link_identity(request, identity, state["person"])
    return _sign_in(request, identity, (state or {}).get("next"))


def linked_identities(request: HttpRequest) -> HttpResponse:
    """Show linked identities; linking and removing ask for password and second factor."""
    user = current_user(request)
    if request.method == "POST" and user.has_usable_password():
        if page := identities.missing_proof(request):
            response: HttpResponse = reauthentication.suspend_request(request, reverse(page))
            return response
        return _join_or_remove(request, user)
    rows = [(row, identities.address_of(row)) for row in identities.rows_of(user)]
    context = {
        "rows": rows,
        "sso": settings.OIDC_NAME if settings.OIDC_URL else "",
        "password": user.has_usable_password(),
    }
    return render(request, "account/identities.html", context)


def _join_or_remove(request: HttpRequest, user: User) -> HttpResponse:
    action = request.POST.get("do", "")
    if action == JOIN and settings.OIDC_URL:
        return _redirect_to_provider(request, JOIN, person=user.pk)
    pk = parse_row_id(request.POST.get("remove", ""))
    if not pk:
        return HttpResponseBadRequest(
            "Choose a linked sign-in to remove.\n", content_type="text/plain; charset=utf-8"
        )
    if identities.remove_identity(user, pk):
        sessions.end_sessions(request, user, None)
        get_adapter(request).send_notification_mail(
            "socialaccount/email/account_disconnected", user
        )
        messages.success(
            request,
            "Linked sign-in removed; your other sessions have ended. Use your password to sign in "
            "from now on.",
        )
    return redirect("identities")


def _redirect_to_provider(request: HttpRequest, process: str, **stored: object) -> HttpResponse:
    """Redirect to the provider; the state is kept in the session, where it cannot be forged."""
    state_id, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    try:
        url = provider.configured_provider().authorize_url(
            redirect_uri=_redirect_uri(request), state=state_id, nonce=nonce, verifier=verifier
        )
    except ProviderAway as exc:
        return _provider_down(request, exc)
    state = {"process": process, "nonce": nonce, "verifier": verifier, **stored}
    statekit.stash_state(request, provider_id=SSO, state=state, state_id=state_id)
    return redirect(url)


def _identify_person(request: HttpRequest, state: Mapping[str, object]) -> Identity:
    """Return the identity of who came back, if they left from this session."""
    if "verifier" not in state:  # no state, or one of an earlier release
        raise NotConfirmed("the return has no matching start in this session")
    if error := request.GET.get("error", ""):
        raise NotConfirmed(f"the provider says {error!r:.80}")
    code = request.GET.get("code", "")
    if not code or len(code) > LONGEST_CODE:
        raise NotConfirmed("the return carries no code")
    return provider.configured_provider().identify(
        code,
        redirect_uri=_redirect_uri(request),
        nonce=str(state["nonce"]),
        verifier=str(state["verifier"]),
    )


def _sign_in(request: HttpRequest, identity: Identity, next_url: str | None) -> HttpResponse:
    """Sign in the person of the identity, after their second factor."""
    joining: dict[str, str] | None = None
    groups = group_roles.mapped_groups(identity)
    row = identities.find_identity(identity)
    if row and identities.same_issuer(row, identity):
        user = row.user
        identities.record_use(row, identity)
    elif row:
        return _refuse_unknown(request, "moved", identity, row.user)
    else:
        invited = _find_or_create_person(request, identity, groups)
        if not invited:
            return _refuse_unknown(request, _why_unknown(identity), identity)
        if not identities.may_link_unasked(invited):
            return _refuse_unknown(request, "apart", identity, invited)
        user = invited
        joining = {
            "issuer": identity.issuer,
            "subject": identity.subject,
            "address": identity.address,
        }
    if request.user.is_authenticated:
        if request.user == user and not joining:
            group_roles.apply_groups(request, user, groups)
            return redirect(next_url or settings.LOGIN_REDIRECT_URL)
        get_adapter(request).logout(request)
    record_authentication(request, user, "socialaccount", provider=SSO, uid=identity.subject)
    after = {"joining": joining, "groups": groups}  # after the second factor
    login = Login(user=user, redirect_url=next_url, signal_kwargs=after)
    response: HttpResponse = perform_login(request, login)
    return response


def _find_or_create_person(
    request: HttpRequest, identity: Identity, groups: list[str] | None
) -> User | None:
    """Return whom the verified address belongs to, or somebody new whose groups give a role."""
    if not _is_verified(identity):
        return None
    return identities.find_person(identity.address) or group_roles.create_person(
        request, identity, groups
    )


def _link_identity(request: HttpRequest, identity: Identity, person_pk: int) -> HttpResponse:
    """Link the identity to the account of the person who asked for it in this session."""
    if not request.user.is_authenticated or request.user.pk != person_pk:
        return _refuse_unconfirmed(
            request, "the person who wanted to link an identity is no longer signed in"
        )
    user, row = current_user(request), identities.find_identity(identity)
    if row and row.user_id == user.pk:
        identities.record_use(row, identity)
        messages.success(request, "This sign-in is already linked to your account.")
    elif not row and identities.link_identity(
        user,
        issuer=identity.issuer,
        subject=identity.subject,
        address=identity.address,
        unasked=False,
    ):
        get_adapter(request).send_notification_mail("socialaccount/email/account_connected", user)
        messages.success(request, "Linked. You can now sign in with it.")
    else:
        messages.error(request, "This sign-in is linked to another account.")
    return redirect("identities")


def _is_verified(identity: Identity) -> bool:
    """Whether the address is verified: by the provider, or as one of a trusted domain."""
    if identity.verified is None:
        return identity.address.rpartition("@")[2].lower() in settings.OIDC_TRUSTED_DOMAINS
    return identity.verified


def _why_unknown(identity: Identity) -> str:
    if _is_verified(identity):
        return "stranger"
    return "unverified" if identity.address else "nameless"


def _refuse_unknown(
    request: HttpRequest, why: str, identity: Identity, user: User | None = None
) -> HttpResponse:
    """Refuse a person of the provider; the audit log keeps the address that it vouches for."""
    log.warning("single sign-on refused: %s", why)
    audit.record(
        request,
        AuditKind.SINGLE_SIGN_ON_REFUSED,
        subject=user,
        target=identity.address if _is_verified(identity) else "",
        details={"reason": why},
    )
    context = {"why": why, "by_groups": bool(settings.OIDC_ROLES), "name": settings.OIDC_NAME}
    return render(request, "account/unknown.html", context, status=403)


def _refuse_unconfirmed(request: HttpRequest, why: str) -> HttpResponse:
    log.warning("single sign-on refused: %s", why)
    return render(request, "socialaccount/authentication_error.html", status=401)


def _provider_down(request: HttpRequest, exc: ProviderAway) -> HttpResponse:
    """Render the page for a provider that gives no usable answer; it offers the password."""
    log.error("single sign-on: the provider is down: %s", exc)
    context = {"name": settings.OIDC_NAME, "signed_in": request.user.is_authenticated}
    return render(request, "socialaccount/away.html", context, status=503)


def _redirect_uri(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("openid_connect_callback", args=[SSO]))
