"""Create a project, the folder of drafts and groups."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from dashboard.exchange.errors import ExchangeError
from dashboard.fielding.models import Edit, ExchangeAccount, ExchangeUser, TargetGroup
from dashboard.sync.edits import create
from dashboard.web.auth.permissions import (
    Permission,
    current_user,
    exchange_ids,
    memberships_of,
    require_editor,
    requires,
)
from dashboard.web.edits import form_messages
from dashboard.web.edits.forms import details
from dashboard.web.edits.forms.base import BoundForm, FormError, last_known_step
from dashboard.web.edits.signed_form import OpenedForm, Rejection, SignedForm
from dashboard.web.formatting.row_ids import parse_row_id

NAME, MANAGER = "name", "project_manager_id"
TOO_OLD = "This form has expired. Your entries were kept; please submit it again."
REFERENCE = "project_customer_reference_number"


@requires(Permission.EDITOR)
@require_http_methods(["GET", "HEAD", "POST"])
def new_project(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show the form, or create a project; one form creates one project."""
    membership = memberships_of(request).get(pk)
    if membership is None:
        raise Http404
    require_editor(request, pk)
    account = membership.account
    people = ExchangeUser.objects.filter(account=account).order_by("name")
    names = {person.exchange_id: str(person) for person in people}
    if request.method != "POST":
        return _show(request, account, names)
    signed = _signed(request, account)
    opened = signed.read_back()
    if isinstance(opened, Rejection):
        return _show(request, account, names, trouble=TOO_OLD)
    return signed.answer_resubmission(
        opened, lambda: _show(request, account, names, opened)
    ) or _send(request, account, names, opened)


def _signed(request: HttpRequest, account: ExchangeAccount) -> SignedForm[OpenedForm]:
    return SignedForm(request, "new project", (account.pk,), OpenedForm)


def _send(
    request: HttpRequest, account: ExchangeAccount, names: dict[str, str], opened: OpenedForm
) -> HttpResponseBase:
    """Create the project once, and show it."""
    try:
        wanted = _check(request, names)
        edit = create.new_project(
            account=account, wanted=wanted, by=current_user(request), token=opened.token
        )
    except FormError as exc:
        return _show(request, account, names, opened, errors=exc.fields)
    except ExchangeError as exc:
        return _show(request, account, names, trouble=f"{exc}. Nothing was sent.")
    if edit.state == Edit.State.REJECTED:
        errors, trouble = form_messages.objections_by_field(edit, _field_for)
        return _show(request, account, names, errors=errors, trouble=trouble)
    if edit.project is None:
        return redirect("made", edit.pk)
    messages.success(request, "Project created. Add its first target group.")
    return redirect("project", edit.project.pk)


def _field_for(name: str) -> str:
    return last_known_step(name, (NAME, MANAGER, REFERENCE))


def _check(request: HttpRequest, names: dict[str, str]) -> dict[str, object]:
    """Return name, manager and reference, checked as for a group; raises FormError."""
    entry = BoundForm(
        TargetGroup(), dict.fromkeys(details.FIELDS), request.POST, timezone.now(), names
    )
    fields = {NAME: details.NAME, MANAGER: details.MANAGER_ID, REFERENCE: details.REFERENCE}
    value, errors = dict[str, object](), dict[str, str]()
    for name, field in fields.items():
        try:
            value[name] = details.FIELDS[field](entry, request.POST.get(name, "").strip())
        except FormError as exc:
            errors[name] = " ".join(exc.fields.values())
    if errors:
        raise FormError(errors)
    return {name: part for name, part in value.items() if part is not None}


def _wanted(request: HttpRequest, account: ExchangeAccount) -> dict[str, object]:
    """Return the entries of an attempt that failed, if the address names one."""
    attempts = Edit.objects.filter(kind=Edit.Kind.NEW_PROJECT, account=account)
    edit = attempts.filter(pk=parse_row_id(request.GET.get("again", ""))).first()
    return dict(edit.wanted or {}) if edit else {}


def _show(
    request: HttpRequest,
    account: ExchangeAccount,
    names: dict[str, str],
    opened: OpenedForm | None = None,
    **state: object,
) -> HttpResponse:
    me = exchange_ids(request).get(account.pk, "")
    typed = request.POST or _wanted(request, account)
    context = {
        "account": account,
        "people": names,
        "name": typed.get(NAME, ""),
        "manager": typed.get(MANAGER, me),
        "reference": typed.get(REFERENCE, ""),
        "sealed": _signed(request, account).sign(opened or OpenedForm()),
        **state,
    }
    return render(request, "projects/new.html", context)
