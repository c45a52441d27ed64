"""Rules of a connection, a project or a group: the list, a form with a preview, recipients."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.alerts.recipients import settings as recipients
from dashboard.alerts.recipients.settings import RecipientChoice, Recipients
from dashboard.alerts.replay import replay
from dashboard.alerts.rules import settings as rule_settings
from dashboard.alerts.rules.catalogue import NO_DATA, RULES
from dashboard.alerts.rules.settings import Effective, RuleSet, merge_layers
from dashboard.fielding.models import AuditKind, Incident, Mute, Rule, TargetGroup
from dashboard.fielding.models.querysets.rows import TargetGroupQuerySet
from dashboard.web.alerts import rule_forms
from dashboard.web.alerts.mutes import STATUSES_WITHOUT_RULES
from dashboard.web.alerts.rule_forms import RecipientsForm, RuleForm
from dashboard.web.alerts.scopes import Scope, find_scope, may_change, require_change
from dashboard.web.auth import audit
from dashboard.web.auth.permissions import (
    Permission,
    current_user,
    memberships_of,
    requires,
)


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule in the list; `here` and `wider`: settings of its own in this scope, in a wider one."""

    code: str
    title: str
    severity: str
    enabled: bool
    numbers: list[tuple[str, str, str]]
    in_digest: bool
    here: bool
    wider: bool


@requires(Permission.SIGNED_IN)
@require_safe
def rules_page(request: HttpRequest) -> HttpResponse:
    """Go to the rules of the person's first connection, which links to the others."""
    accounts = [membership.account for membership in memberships_of(request).values()]
    if not accounts:
        return render(request, "alerts/rules.html", {"accounts": accounts})
    return redirect("rules-of", kind="connections", pk=accounts[0].pk)


@requires(Permission.MEMBER)
@require_safe
def rules_of(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """List the rules of a scope, its recipients and mutes, and narrower scopes with own rules."""
    scope = find_scope(request, kind, pk)
    rows = list(Rule.objects.filter(account=scope.account).select_related("project", "group"))
    layers = Recipients(row for row in rows if row.code == recipients.CODE)
    wanted = layers.choice_for(*scope.ids)
    elsewhere = {
        row.scope: row for row in rows if row.scope not in scope.layers and _is_narrower(row, scope)
    }
    context = {
        "of": scope,
        "accounts": [membership.account for membership in memberships_of(request).values()],
        "lines": _rule_lines(RuleSet(rows), scope),
        "told": wanted,
        "roles": ", ".join(f"all {name}s" for name in wanted.roles),
        "may_change": may_change(request, scope),
        "may_mute": memberships_of(request)[scope.account.pk].may_edit
        and not (scope.group and scope.group.status in STATUSES_WITHOUT_RULES),
        "mutes": _active_mutes(scope),
        "elsewhere": list(elsewhere.values()),
    }
    return render(request, "alerts/rules.html", context)


def _is_narrower(row: Rule, scope: Scope) -> bool:
    """Whether a rule of another scope belongs to a narrower one inside this scope."""
    if scope.group:
        return False
    return scope.project is None or bool(row.group and row.group.project_id == scope.project.pk)


def _rule_lines(rule_set: RuleSet, scope: Scope) -> list[RuleLine]:
    return [
        RuleLine(
            code=code,
            title=effective.rule.title,
            severity=Incident.Severity(effective.severity).label,
            enabled=effective.enabled,
            numbers=_format_settings(effective),
            in_digest=effective.in_digest,
            here=rule_set.override_of(code, scope.key) is not None,
            wider=any(rule_set.override_of(code, wider) for wider in scope.layers[:-1]),
        )
        for code in RULES
        if code != NO_DATA.code or scope.project is None
        for effective in (_effective_rule(rule_set, code, scope.layers),)
    ]


def _format_settings(effective: Effective) -> list[tuple[str, str, str]]:
    """Return the rule's settings as (text before, number, text after), without those that are 0."""
    return [
        (
            before,
            rule_forms.format_setting(effective, name)
            + (" %" if rule_forms.is_share(effective, name) else ""),
            after,
        )
        for name in effective.settings
        if name != "keep_minutes" and effective.settings[name]
        for before, _, after in (rule_forms.sentence_of(effective, name).partition("{}"),)
    ]


def _active_mutes(scope: Scope) -> list[Mute]:
    running = Mute.objects.filter(account=scope.account, until__gt=timezone.now())
    if scope.group:
        running = running.filter(group=scope.group)
    elif scope.project:
        running = running.filter(project=scope.project)
    return list(running.select_related("project", "group", "by").order_by("until"))


def _effective_rule(rule_set: RuleSet, code: str, layers: list[str]) -> Effective:
    return merge_layers(
        RULES[code], [row for layer in layers if (row := rule_set.override_of(code, layer))]
    )


@requires(Permission.MEMBER)
@require_http_methods(["GET", "HEAD"])
def preview_of(request: HttpRequest, kind: str, pk: int, code: str) -> HttpResponse:
    """Show the alerts of the last 14 days with the settings of a form; nothing is stored."""
    scope, form = _open_form(request, kind, pk, code, request.GET or None)
    context: dict[str, object] = {"of": scope}
    if form.is_valid():
        groups = _evaluated_groups(scope)
        settings = form.settings(form.cleaned_data)
        now = timezone.now()
        sample = list(groups.order_by("-changed_at", "pk")[: replay.max_groups(code)])
        result = replay.replay_rule(code, settings, sample, account=scope.account, now=now)
        newest = sorted(result.firings, key=lambda firing: firing.began, reverse=True)
        context |= {"told": result, "firings": newest[:10], "seen": len(sample)}
        total = groups.count()
        context |= {"all": total, "times": total / max(len(sample), 1)}
        context |= {"off": not form.cleaned_data["enabled"]}
    return render(request, "partials/preview.html", context)


def _evaluated_groups(scope: Scope) -> TargetGroupQuerySet:
    """Return the groups that a rule of this scope evaluates."""
    rows = TargetGroup.objects.filter(account=scope.account, missing_since=None)
    rows = rows.exclude(status__in=("draft", "scheduled", "archived"))
    if scope.group:
        return rows.filter(pk=scope.group.pk)
    return rows.filter(project=scope.project) if scope.project else rows


def _open_form(
    request: HttpRequest, kind: str, pk: int, code: str, data: QueryDict | None
) -> tuple[Scope, RuleForm]:
    scope = find_scope(request, kind, pk)
    if code not in RULES:
        raise Http404
    rule_set = RuleSet.of(scope.account.pk)
    effective = _effective_rule(rule_set, code, scope.layers)
    outer = _effective_rule(rule_set, code, scope.layers[:-1])
    return scope, RuleForm(effective, outer, data)


def edit_rule(request: HttpRequest, kind: str, pk: int, code: str) -> HttpResponse:
    """Change a rule's settings in a scope; saving closes its open incidents without notices."""
    scope, form = _open_form(request, kind, pk, code, request.POST or None)
    require_change(request, scope)
    if request.method == "POST":
        if request.POST.get("do") == "inherit":
            with transaction.atomic():
                rule_settings.reset_rule(
                    account=scope.account, code=code, now=timezone.now(), **scope.inner
                )
                _record(request, AuditKind.RULE_RESET, scope, rule=RULES[code].title)
            messages.success(request, f"{RULES[code].title}: reset to default.")
            return redirect("rules-of", kind=kind, pk=pk)
        if form.is_valid():
            _save_rule(request, scope, code, form)
            return redirect("rules-of", kind=kind, pk=pk)
    override = RuleSet.of(scope.account.pk).override_of(code, scope.key)
    context = {"of": scope, "rule": RULES[code], "form": form, "laid": override}
    return render(request, "alerts/rule.html", context)


def _save_rule(request: HttpRequest, scope: Scope, code: str, form: RuleForm) -> None:
    settings, enabled = form.changed_settings(), form.cleaned_data["enabled"]
    with transaction.atomic():
        rule_settings.save_rule(
            account=scope.account,
            code=code,
            settings=settings,
            enabled=enabled,
            by=current_user(request),
            now=timezone.now(),
            **scope.inner,
        )
        title = RULES[code].title
        _record(
            request, AuditKind.RULE_CHANGED, scope, rule=title, enabled=enabled, numbers=settings
        )
    messages.success(request, f"{RULES[code].title}: saved. Its open alerts were closed.")


def _record(request: HttpRequest, kind: AuditKind, scope: Scope, **details: object) -> None:
    """Record a change of a scope in the audit log."""
    target = scope.name if scope.project else ""
    audit.record(request, kind, account=scope.account, target=target, details=details)


def edit_recipients(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Change the recipients of a scope."""
    scope = find_scope(request, kind, pk)
    require_change(request, scope)
    if request.method == "POST" and request.POST.get("do") == "inherit":
        with transaction.atomic():
            recipients.inherit_recipients(account=scope.account, scope=scope.key)
            _record(request, AuditKind.RECIPIENTS_CHANGED, scope, to="inherited")
        return redirect("rules-of", kind=kind, pk=pk)
    layers = Recipients.of(scope.account.pk)
    current = layers.choice_for(*scope.ids)
    form = RecipientsForm(request.POST or None, initial=RecipientsForm.initial_for(current))
    if request.method == "POST" and form.is_valid():
        try:
            _save_recipients(request, scope, current, form.choice())
        except ValueError as exc:
            form.add_error("addresses", str(exc))
        else:
            messages.success(request, "Saved. Applies from the next alert.")
            return redirect("rules-of", kind=kind, pk=pk)
    administers = memberships_of(request)[scope.account.pk].may_administer
    context = {"of": scope, "form": form, "administers": administers}
    return render(request, "alerts/recipients.html", context)


def _save_recipients(
    request: HttpRequest, scope: Scope, before: RecipientChoice, choice: RecipientChoice
) -> None:
    """Store the recipients, and record the change in the audit log."""
    with transaction.atomic():
        recipients.set_recipients(
            account=scope.account,
            choice=choice,
            by=current_user(request),
            now=timezone.now(),
            **scope.inner,
        )
        added = sorted(set(choice.addresses) - set(before.addresses))
        removed = sorted(set(before.addresses) - set(choice.addresses))
        _record(
            request,
            AuditKind.RECIPIENTS_CHANGED,
            scope,
            managers=choice.managers,
            roles=choice.roles,
            added=added,
            removed=removed,
        )


FORM = ["GET", "HEAD", "POST"]
rule_edit = requires(Permission.EDITOR)(require_http_methods(FORM)(edit_rule))
rule_edit_account = requires(Permission.ADMINISTRATOR)(require_http_methods(FORM)(edit_rule))
recipients_edit = requires(Permission.EDITOR)(require_http_methods(FORM)(edit_recipients))
recipients_edit_account = requires(Permission.ADMINISTRATOR)(
    require_http_methods(FORM)(edit_recipients)
)
