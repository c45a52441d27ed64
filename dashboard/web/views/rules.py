"""Rules of a connection, a project or a group: the list, a form with a preview, who is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.alerts.recipients import settings as recipients
from dashboard.alerts.recipients.settings import RecipientChoice, Recipients
from dashboard.alerts.replay import replay as preview
from dashboard.alerts.rules import settings as book
from dashboard.alerts.rules.catalogue import NO_DATA, RULES
from dashboard.alerts.rules.settings import Effective, RuleSet, merge_layers
from dashboard.fielding.models import AuditKind, Incident, Mute, Rule, TargetGroup
from dashboard.web.alerts import rule_forms
from dashboard.web.alerts.mutes import SILENT
from dashboard.web.alerts.rule_forms import RecipientsForm, RuleForm
from dashboard.web.alerts.scopes import Scope, find_scope, may_change, require_change
from dashboard.web.auth import audit
from dashboard.web.auth.permissions import Permission as Access
from dashboard.web.auth.permissions import current_user, memberships_of, requires


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule in the list."""

    code: str
    title: str
    severity: str
    enabled: bool
    numbers: list[tuple[str, str]]
    in_digest: bool
    here: bool
    wider: bool


@requires(Access.SIGNED_IN)
@require_safe
def rules_page(request: HttpRequest) -> HttpResponse:
    """The rules of the person's first connection; others are a choice away."""
    mine = [one.account for one in memberships_of(request).values()]
    if not mine:
        return render(request, "alerts/rules.html", {"accounts": mine})
    return redirect("rules-of", kind="connections", pk=mine[0].pk)


@requires(Access.MEMBER)
@require_safe
def rules_of(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Every rule as it holds there, who is told, what is muted, and where else rules differ."""
    of = find_scope(request, kind, pk)
    rows = list(Rule.objects.filter(account=of.account).select_related("project", "group"))
    layers = Recipients(row for row in rows if row.code == recipients.CODE)
    told = layers.choice_for(*of.ids)
    elsewhere = {row.scope: row for row in rows if row.scope not in of.layers and _within(row, of)}
    context = {
        "of": of,
        "accounts": [one.account for one in memberships_of(request).values()],
        "lines": _lines(RuleSet(rows), of),
        "told": told,
        "roles": ", ".join(f"every {name}" for name in told.roles),
        "may_change": may_change(request, of),
        "may_mute": memberships_of(request)[of.account.pk].may_edit
        and not (of.group and of.group.status in SILENT),
        "mutes": _mutes(of),
        "elsewhere": list(elsewhere.values()),
    }
    return render(request, "alerts/rules.html", context)


def _within(row: Rule, of: Scope) -> bool:
    """Whether a row of a narrower scope lies in this one."""
    if of.group:
        return False
    return of.project is None or bool(row.group and row.group.project_id == of.project.pk)


def _lines(kept: RuleSet, of: Scope) -> list[RuleLine]:
    return [
        RuleLine(
            code,
            chosen.rule.title,
            Incident.Severity(chosen.severity).label,
            chosen.enabled,
            _numbers(chosen),
            chosen.in_digest,
            kept.override_of(code, of.key) is not None,
            any(kept.override_of(code, wider) for wider in of.layers[:-1]),
        )
        for code in RULES
        if code != NO_DATA.code or of.project is None
        for chosen in (_effective(kept, code, of.layers),)
    ]


def _numbers(chosen: Effective) -> list[tuple[str, str]]:
    """The rule's numbers in words, without those of nought."""
    return [
        (
            rule_forms.number_to_type(chosen, name)
            + (" %" if rule_forms.is_share(chosen, name) else ""),
            rule_forms.label_of(chosen, name),
        )
        for name in chosen.settings
        if name != "keep_minutes" and chosen.settings[name]
    ]


def _mutes(of: Scope) -> list[Mute]:
    running = Mute.objects.filter(account=of.account, until__gt=timezone.now())
    if of.group:
        running = running.filter(group=of.group)
    elif of.project:
        running = running.filter(project=of.project)
    return list(running.select_related("project", "group", "by").order_by("until"))


def _effective(kept: RuleSet, code: str, layers: list[str]) -> Effective:
    return merge_layers(
        RULES[code], [row for one in layers if (row := kept.override_of(code, one))]
    )


@requires(Access.MEMBER)
@require_http_methods(["GET", "HEAD"])
def preview_of(request: HttpRequest, kind: str, pk: int, code: str) -> HttpResponse:
    """What the numbers of a form would have done in the last 14 days; nothing is stored."""
    of, form = _opened(request, kind, pk, code, request.GET or None)
    context: dict[str, Any] = {"of": of}
    if form.is_valid():
        groups = _groups(of)
        numbers = form.settings(form.cleaned_data)
        now = timezone.now()
        sample = list(groups.order_by("-changed_at", "pk")[: preview.max_groups(code)])
        told = preview.replay_rule(code, numbers, sample, account=of.account, now=now)
        newest = sorted(told.firings, key=lambda one: one.began, reverse=True)
        context |= {"told": told, "firings": newest[:10], "seen": len(sample)}
        total = groups.count()
        context |= {"all": total, "times": total / max(len(sample), 1)}
        context |= {"off": not form.cleaned_data["enabled"]}
    return render(request, "partials/preview.html", context)


def _groups(of: Scope) -> Any:
    """The groups that a rule of this scope judges."""
    rows = TargetGroup.objects.filter(account=of.account, missing_since=None)
    rows = rows.exclude(status__in=("draft", "scheduled", "archived"))
    if of.group:
        return rows.filter(pk=of.group.pk)
    return rows.filter(project=of.project) if of.project else rows


def _opened(
    request: HttpRequest, kind: str, pk: int, code: str, given: Any
) -> tuple[Scope, RuleForm]:
    of = find_scope(request, kind, pk)
    if code not in RULES:
        raise Http404
    kept = RuleSet.of(of.account.pk)
    chosen = _effective(kept, code, of.layers)
    outer = _effective(kept, code, of.layers[:-1])
    return of, RuleForm(chosen, outer, given)


def edit_rule(request: HttpRequest, kind: str, pk: int, code: str) -> HttpResponse:
    """A rule's numbers there; saving ends what the old ones had opened, without mail."""
    of, form = _opened(request, kind, pk, code, request.POST or None)
    require_change(request, of)
    if request.method == "POST":
        if request.POST.get("do") == "inherit":
            with transaction.atomic():
                book.reset_rule(account=of.account, code=code, now=timezone.now(), **of.inner)
                _record(request, AuditKind.RULE_RESET, of, rule=RULES[code].title)
            messages.success(request, f"{RULES[code].title}: again as for what it belongs to.")
            return redirect("rules-of", kind=kind, pk=pk)
        if form.is_valid():
            _save(request, of, code, form)
            return redirect("rules-of", kind=kind, pk=pk)
    laid = RuleSet.of(of.account.pk).override_of(code, of.key)
    context = {"of": of, "rule": RULES[code], "form": form, "laid": laid}
    return render(request, "alerts/rule.html", context)


def _save(request: HttpRequest, of: Scope, code: str, form: RuleForm) -> None:
    settings, enabled = form.different(), form.cleaned_data["enabled"]
    with transaction.atomic():
        book.save_rule(
            account=of.account,
            code=code,
            settings=settings,
            enabled=enabled,
            by=current_user(request),
            now=timezone.now(),
            **of.inner,
        )
        title = RULES[code].title
        _record(request, AuditKind.RULE_CHANGED, of, rule=title, enabled=enabled, numbers=settings)
    messages.success(request, f"{RULES[code].title}: saved. What it had opened is closed.")


def _record(request: HttpRequest, kind: AuditKind, of: Scope, **details: Any) -> None:
    """What was changed there, for the audit log."""
    target = of.name if of.project else ""
    audit.record(request, kind, account=of.account, target=target, details=details)


def edit_recipients(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Who is told there."""
    of = find_scope(request, kind, pk)
    require_change(request, of)
    if request.method == "POST" and request.POST.get("do") == "inherit":
        with transaction.atomic():
            recipients.inherit_recipients(account=of.account, scope=of.key)
            _record(request, AuditKind.RECIPIENTS_CHANGED, of, to="as for what it belongs to")
        return redirect("rules-of", kind=kind, pk=pk)
    layers = Recipients.of(of.account.pk)
    now = layers.choice_for(*of.ids)
    form = RecipientsForm(request.POST or None, initial=RecipientsForm.showing(now))
    if request.method == "POST" and form.is_valid():
        try:
            _choose(request, of, now, form.choice())
        except ValueError as exc:
            form.add_error("addresses", str(exc))
        else:
            messages.success(request, "Saved. From the next alert on, these are told.")
            return redirect("rules-of", kind=kind, pk=pk)
    administers = memberships_of(request)[of.account.pk].may_administer
    context = {"of": of, "form": form, "administers": administers}
    return render(request, "alerts/recipients.html", context)


def _choose(
    request: HttpRequest, of: Scope, before: RecipientChoice, choice: RecipientChoice
) -> None:
    """Store who is told, and keep in the audit log what became of it."""
    with transaction.atomic():
        recipients.set_recipients(
            account=of.account,
            choice=choice,
            by=current_user(request),
            now=timezone.now(),
            **of.inner,
        )
        added = sorted(set(choice.addresses) - set(before.addresses))
        removed = sorted(set(before.addresses) - set(choice.addresses))
        _record(
            request,
            AuditKind.RECIPIENTS_CHANGED,
            of,
            managers=choice.managers,
            roles=choice.roles,
            added=added,
            removed=removed,
        )


FORM = ["GET", "HEAD", "POST"]
rule_edit = requires(Access.EDITOR)(require_http_methods(FORM)(edit_rule))
rule_edit_account = requires(Access.ADMINISTRATOR)(require_http_methods(FORM)(edit_rule))
told_edit = requires(Access.EDITOR)(require_http_methods(FORM)(edit_recipients))
told_edit_account = requires(Access.ADMINISTRATOR)(require_http_methods(FORM)(edit_recipients))
