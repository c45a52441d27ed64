"""Edit a project's budget and client CPI, stored in Fieldwatch, in one currency of its groups."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

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


class MoneyForm(NamedTuple):
    """A form for an amount of a project. field: of the amount; url: the name of its address."""

    kind: Edit.Kind
    field: str
    title: str
    url: str
    help: str
    currency_help: str

    @property
    def label(self) -> str:
        """Return what the amount is called within a sentence."""
        return f"{self.title[:1].lower()}{self.title[1:]}"


BUDGET = MoneyForm(
    Edit.Kind.BUDGET,
    "budget",
    "Budget",
    "project-budget",
    "Leave empty for no budget.",
    "Counts spend in this currency only.",
)
CLIENT_CPI = MoneyForm(
    Edit.Kind.CLIENT_CPI,
    "client_cpi",
    "Client CPI",
    "client-cpi",
    "What the client pays per complete, for the margin. Leave empty if it is not known.",
    "Counts groups in this currency only.",
)
FORMS = (BUDGET, CLIENT_CPI)


@requires(Permission.EDITOR)
@require_http_methods(["GET", "HEAD", "POST"])
def project_budget(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show the form, or store the budget."""
    return _answer(request, pk, BUDGET)


@requires(Permission.EDITOR)
@require_http_methods(["GET", "HEAD", "POST"])
def project_client_cpi(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show the form, or store what the client pays per complete."""
    return _answer(request, pk, CLIENT_CPI)


def _answer(request: HttpRequest, pk: int, form: MoneyForm) -> HttpResponseBase:
    project = find_project(request, pk)
    require_editor(request, project.account_id)
    if request.method != "POST":
        return _show(request, project, form, _open(project, form))
    signed = _signed(request, project, form)
    opened = signed.read_back()
    if isinstance(opened, Rejection):  # nothing is overwritten: compared with the present value
        opened = _open(project, form)
    if answer := signed.answer_resubmission(opened, lambda: _show(request, project, form, opened)):
        return answer
    try:
        wanted = _check(request, project, form, opened.seen)
    except FormError as exc:
        return _show(request, project, form, opened, errors=exc.fields)
    return _save(request, project, form, opened, wanted)


def _open(project: Project, form: MoneyForm) -> OpenedForm:
    return OpenedForm(local.current_value(project, form.kind))


def _signed(request: HttpRequest, project: Project, form: MoneyForm) -> SignedForm[OpenedForm]:
    return SignedForm(request, f"project {form.field}", (project.pk,), OpenedForm)


# Any below: an amount as an edit stores it (JSON: an amount and a currency, or null).
def _save(
    request: HttpRequest, project: Project, form: MoneyForm, opened: OpenedForm, wanted: Any
) -> HttpResponseBase:
    edit = local.save_local_edit(
        subject=project,
        kind=form.kind,
        seen=opened.seen,
        wanted=wanted,
        by=current_user(request),
        token=opened.token,
        now=timezone.now(),
    )
    if edit.state == Edit.State.CONFLICT:
        conflict = form_messages.conflict_rows(edit, {}, None)
        return _show(request, project, form, OpenedForm(edit.after), three=conflict)
    messages.success(request, form_messages.outcome_sentence(edit, {}, None))
    return redirect("project", project.pk)


def _check(request: HttpRequest, project: Project, form: MoneyForm, seen: Any) -> Any:
    text, currency = request.POST.get(form.field, ""), request.POST.get("currency", "").upper()
    if currency not in _currencies(project):
        raise FormError(currency="Choose a currency of this project's groups.")
    value = None
    if text.strip():
        money = parse_amount(text, currency, form.field, form.label)
        value = {"value": format(money, "f"), "currency_code": currency}
    if local.same_local_value(value, seen):
        raise FormError({form.field: NO_CHANGE})
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


def _form_context(
    request: HttpRequest, project: Project, form: MoneyForm, opened: OpenedForm, *, is_sent: bool
) -> dict[str, Any]:
    """Return a form with the present value, the entries, or the value before an undone edit."""
    edit_id = parse_row_id(request.GET.get("undo", ""))
    value = seen = opened.seen
    if edit_id:
        edit = Edit.objects.filter(pk=edit_id, project=project, kind=form.kind).first()
        value = edit.before if edit and local.same_local_value(edit.after, seen) else seen
    text = numbers.typed_amount(Decimal(value["value"])) if value else ""
    currency = (value or {}).get("currency_code", "")
    return {
        "form": form,
        "errors": {},
        "three": (),
        "present": numbers.format_money(Decimal(seen["value"]), seen["currency_code"])
        if seen
        else "Not set",
        "text": request.POST.get(form.field, text) if is_sent else text,
        "currency": (request.POST.get("currency") if is_sent else "") or currency,
        "sealed": _signed(request, project, form).sign(opened),
    }


def _show(
    request: HttpRequest, project: Project, form: MoneyForm, opened: OpenedForm, **state: Any
) -> HttpResponse:
    """Show the page: the form that was asked for first, and the other one below it."""
    (other,) = (form_ for form_ in FORMS if form_ is not form)
    first = _form_context(request, project, form, opened, is_sent=request.method == "POST")
    second = _form_context(request, project, other, _open(project, other), is_sent=False)
    context = {
        "project": project,
        "form": form,
        "forms": [first | state, second],
        "currencies": _currencies(project),
        "spent": spending.totals_by_currency(
            spending.load_spend_lines(project.target_groups.all(), months=False, now=timezone.now())
        ),
        "costs": _costs_to_come(project),
    }
    return render(request, "projects/budget.html", context)
