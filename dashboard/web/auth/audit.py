"""Audit log rows of web requests: who asks, from which address and browser."""

from __future__ import annotations

from collections.abc import Mapping
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from dashboard.fielding import audit
from dashboard.fielding.audit import Origin
from dashboard.fielding.models import (
    AuditEvent,
    AuditKind,
    ExchangeAccount,
    Project,
    SharedStatus,
    TargetGroup,
    User,
)
from dashboard.web.auth import throttle
from dashboard.web.auth.permissions import View

_SCOPED = {"projects": Project, "groups": TargetGroup}


def origin_of(request: HttpRequest, person: User | None = None) -> Origin:
    """Return who asks (`person` if they are just signing in) and from where."""
    user = getattr(request, "user", None)
    signed_in = user if isinstance(user, User) else None
    return Origin(
        AuditEvent.Source.WEB,
        person=person or signed_in,
        address=throttle.client_address(request),
        browser=request.headers.get("User-Agent", ""),
    )


def record(
    request: HttpRequest,
    kind: AuditKind,
    *,
    person: User | None = None,
    account: ExchangeAccount | None = None,
    subject: User | None = None,
    target: str = "",
    details: Mapping[str, object] | None = None,
) -> None:
    """Add a row to the audit log, in the transaction of the change."""
    audit.record(
        kind=kind,
        origin=origin_of(request, person),
        now=timezone.now(),
        account=account,
        subject=subject,
        target=target,
        details=details,
    )


def record_export(view: View) -> View:
    """Wrap a view: record who downloaded which file; nothing without a file."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if response.status_code == 200 and request.method == "GET":
            _, _, name = response.get("Content-Disposition", "").partition("filename=")
            account, target = _exported_object(request.path, kwargs.get("pk"))
            details = {"file": name.strip('"'), "path": request.path}
            record(request, AuditKind.EXPORTED, account=account, target=target, details=details)
        return response

    return wrapped


def _exported_object(path: str, pk: object) -> tuple[ExchangeAccount | None, str]:
    """Return the account of a file, if any, and the name of its project or group."""
    kind = path.strip("/").partition("/")[0]
    if not isinstance(pk, int):
        return None, ""
    if kind == "connections":
        return ExchangeAccount.objects.get(pk=pk), ""
    if kind == "shares":
        shared = SharedStatus.objects.select_related("account").get(pk=pk)
        return shared.account, shared.heading
    # Any: a project or a group, which have no common type with an account and a name.
    row: Any = _SCOPED[kind]._default_manager.select_related("account").get(pk=pk)
    return row.account, row.name
