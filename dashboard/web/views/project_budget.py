"""Edit a project's budget, stored in Fieldwatch, in one currency of its groups."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from dashboard.fielding.figures.goal_cost import COST_BY_END_DATE
from dashboard.fielding.figures.project_outlook import outlook_of_project
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
    """Show the form, or store the budget."""
    project = find_project(request, pk)
    require_editor(request, project.account_id)
    if request.method != "POST":
        return _show(request, project, _open(project))
    signed = _signed(request, project)
    opened = signed.read_back()
    if isinstance(opened, Rejection):  # nothing is overwritten: compared with the present value
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


# Any below: a budget as an edit stores it (JSON: an amount and a currency, or null).
def _save(
    request: HttpRequest, project: Project, opened: OpenedForm, wanted: Any
) -> HttpResponseBase:
    edit = local.save_local_edit(
        subject=project,
        kind=Edit.Kind.BUDGET,
        seen=opened.seen,
        wanted=wanted,
        by=current_user(request),
        token=opened.token,
        now=timezone.now(),
    )
    if edit.state == Edit.State.CONFLICT:
        conflict = form_messages.conflict_rows(edit, {}, None)
        return _show(request, project, OpenedForm(edit.after), three=conflict)
    messages.success(request, form_messages.outcome_sentence(edit, {}, None))
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
    """Return the currencies of the project's groups."""
    codes = project.target_groups.exclude(currency="").order_by("currency")
    return list(codes.values_list("currency", flat=True).distinct())


def _costs_to_come(project: Project) -> list[str]:
    """Return both costs of what is to come, per currency, as the last pull worked them out."""
    outlook = outlook_of_project(project)
    lines = []
    for currency, money in sorted(outlook.money.items()) if outlook else ():
        by_end = numbers.format_total(money.by_end.p50, currency) if money.by_end else numbers.DASH
        full = numbers.format_total(money.if_full, currency)
        lines.append(f"{COST_BY_END_DATE}: {by_end}. Cost if all goals are reached: {full}.")
    return lines


def _show(request: HttpRequest, project: Project, opened: OpenedForm, **state: Any) -> HttpResponse:
    """Show the form with the present value, the entries, or the value before an undone edit."""
    edit_id = parse_row_id(request.GET.get("undo", ""))
    value = seen = opened.seen
    if edit_id:
        edit = Edit.objects.filter(pk=edit_id, project=project).first()
        value = edit.before if edit and local.same_local_value(edit.after, seen) else seen
    text = numbers.typed_amount(Decimal(value["value"])) if value else ""
    context = {
        "project": project,
        "present": numbers.format_money(Decimal(seen["value"]), seen["currency_code"])
        if seen
        else "Not set",
        "text": request.POST.get("budget", text),
        "currencies": _currencies(project),
        "currency": request.POST.get("currency") or (value or {}).get("currency_code", ""),
        "spent": spending.totals_by_currency(
            spending.load_spend_lines(project.target_groups.all(), months=False, now=timezone.now())
        ),
        "costs": _costs_to_come(project),
        "sealed": _signed(request, project).sign(opened),
        **state,
    }
    return render(request, "projects/budget.html", context)
