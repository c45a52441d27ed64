"""The budget of a whole project: ours, in one currency of its groups."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from dashboard.fielding.models import Edit, Project
from dashboard.sync.edits import local
from dashboard.web.auth.lookups import find_project
from dashboard.web.auth.permissions import Permission, current_user, require_editor, requires
from dashboard.web.edits import form_messages
from dashboard.web.edits.forms.base import NO_CHANGE, FormError, parse_amount
from dashboard.web.edits.signed_form import OpenedForm, Rejection, SignedForm
from dashboard.web.formatting import numbers
from dashboard.web.formatting.row_ids import parse_row_id
from dashboard.web.reports import spending


@requires(Permission.EDITOR)
@require_http_methods(["GET", "HEAD", "POST"])
def project_budget(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The form, and what comes of it."""
    project = find_project(request, pk)
    require_editor(request, project.account_id)
    if request.method != "POST":
        return _show(request, project, _open(project))
    signed = _signed(request, project)
    opened = signed.read_back()
    if isinstance(opened, Rejection):  # nobody else's work is at stake: compared with what is now
        opened = _open(project)
    if answer := signed.answer_resubmission(opened, lambda: _show(request, project, opened)):
        return answer
    try:
        wanted = _check(request, project, opened.seen)
    except FormError as exc:
        return _show(request, project, opened, errors=exc.fields)
    return _save(request, project, opened, wanted)


def _open(project: Project) -> OpenedForm:
    return OpenedForm(local.current_value(project, Edit.Kind.BUDGET))


def _signed(request: HttpRequest, project: Project) -> SignedForm[OpenedForm]:
    return SignedForm(request, "project budget", (project.pk,), OpenedForm)


def _save(
    request: HttpRequest, project: Project, opened: OpenedForm, wanted: Any
) -> HttpResponseBase:
    made = local.save_local_edit(
        subject=project,
        kind=Edit.Kind.BUDGET,
        seen=opened.seen,
        wanted=wanted,
        by=current_user(request),
        token=opened.token,
        now=timezone.now(),
    )
    if made.state == Edit.State.CONFLICT:
        conflict = form_messages.conflict_rows(made, {}, None)
        return _show(request, project, OpenedForm(made.after), three=conflict)
    messages.success(request, form_messages.outcome_sentence(made, {}, None))
    return redirect("project", project.pk)


def _check(request: HttpRequest, project: Project, seen: Any) -> Any:
    text, currency = request.POST.get("budget", ""), request.POST.get("currency", "").upper()
    if currency not in _currencies(project):
        raise FormError(currency="Choose a currency of this project's groups.")
    value = None
    if text.strip():
        money = parse_amount(text, currency, "budget", "budget")
        value = {"value": format(money, "f"), "currency_code": currency}
    if local.same_local_value(value, seen):
        raise FormError(budget=NO_CHANGE)
    return value


def _currencies(project: Project) -> list[str]:
    """The currencies that the project's groups are priced in."""
    codes = project.target_groups.exclude(currency="").order_by("currency")
    return list(codes.values_list("currency", flat=True).distinct())


def _show(request: HttpRequest, project: Project, opened: OpenedForm, **state: Any) -> HttpResponse:
    """The form with what is held now, as typed, or as it was before an edit to be undone."""
    asked = parse_row_id(request.GET.get("undo", ""))
    value = seen = opened.seen
    if asked:
        made = Edit.objects.filter(pk=asked, project=project).first()
        value = made.before if made and local.same_local_value(made.after, seen) else seen
    text = numbers.typed_amount(Decimal(value["value"])) if value else ""
    context = {
        "project": project,
        "present": numbers.format_money(Decimal(seen["value"]), seen["currency_code"])
        if seen
        else "none",
        "text": request.POST.get("budget", text),
        "currencies": _currencies(project),
        "currency": request.POST.get("currency") or (value or {}).get("currency_code", ""),
        "spent": spending.totals_by_currency(
            spending.load_spend_lines(project.target_groups.all(), months=False, now=timezone.now())
        ),
        "sealed": _signed(request, project).sign(opened),
        **state,
    }
    return render(request, "projects/budget.html", context)
