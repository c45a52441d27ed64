"""Actions on selected groups: a preview that asks once, and a page that tells how it went."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.fielding.models import Batch, BatchGroup, Edit, ExchangeUser, TargetGroup
from dashboard.sync.batches import edit_records
from dashboard.sync.batches import jobs as sync
from dashboard.sync.batches.jobs import Chosen
from dashboard.web.auth.permissions import Permission, current_user, may_edit, requires
from dashboard.web.batches import launch_planning, planning, preview
from dashboard.web.edits import messages, value_labels
from dashboard.web.formatting import times
from dashboard.web.formatting.row_ids import parse_row_id
from dashboard.web.groups.panels import closing

OPEN_FOR_SECONDS = 3600
AT_ONCE = (Batch.Action.PAUSE, Batch.Action.RESUME)  # one group, one click
SHOWN = 50


@requires(Permission.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def preview_action(request: HttpRequest) -> HttpResponse:
    """What an action would do to the picked groups; or, asked for, the action itself.

    Who had to sign in first picks them again.
    """
    action = request.POST.get("do", "")
    if action not in Batch.Action.values:
        return redirect("groups")
    if sealed := request.POST.get("sealed"):
        return _send(request, action, sealed)
    groups = _picked(request)
    typed, people = request.POST, _people(groups)
    first = planning.asks_first(action) and "typed" not in typed
    told = preview.Preview()
    if groups and not first:
        told = planning.plan_action(action, groups, typed, people, timezone.now())
    if _is_one_click(request, action, told):
        return _create(request, action, told.rows, told.wanted, request.POST["token"][:64])
    return _show(request, action, groups, people, told)


def _picked(request: HttpRequest) -> list[TargetGroup]:
    """The picked groups that the person may see; 403 where one may not be changed by them."""
    picks = [pk for one in request.POST.getlist("pick") if (pk := parse_row_id(one))]
    return _editable(request, picks[: planning.MAX_GROUPS])


def _editable(request: HttpRequest, picks: Iterable[int]) -> list[TargetGroup]:
    mine = TargetGroup.objects.visible_to(current_user(request)).filter(pk__in=picks)
    groups = list(mine.select_related("project__account", "account").order_by("name", "pk"))
    if not all(may_edit(request, one.account_id) for one in groups):
        raise PermissionDenied("Only editors and administrators may change these groups.")
    return groups


def _people(groups: list[TargetGroup]) -> dict[str, str]:
    accounts = {group.account_id for group in groups}
    people = ExchangeUser.objects.filter(account__in=accounts)
    return {one.exchange_id: str(one) for one in people.order_by("name")}


def _is_one_click(request: HttpRequest, action: str, told: preview.Preview) -> bool:
    """A pause or resumption of the one group whose page was open, which was asked for just now."""
    asked = bool(request.POST.get("token")) and action in AT_ONCE
    return asked and len(told.rows) == 1 and not told.refused


def _show(
    request: HttpRequest,
    action: str,
    groups: list[TargetGroup],
    people: dict[str, str],
    told: preview.Preview,
) -> HttpResponse:
    rows = [(one.chosen.group.pk, one.chosen.seen, one.chosen.wanted) for one in told.rows]
    sealed = [action, secrets.token_urlsafe(24), rows, told.wanted]
    context: dict[str, Any] = {
        "action": Batch.Action(action),
        "title": Batch(action=action, wanted=told.wanted).title,
        "groups": groups,
        "told": told,
        "typed": request.POST,
        "people": people,
        "hows": planning.PRICE_CHANGES,
        "starts": launch_planning.STARTS,
        "currencies": planning.currencies_of(groups),
        "asks": planning.asks_first(action),
        "sealed": signing.dumps(sealed, salt="batch", compress=True) if rows else "",
    }
    return render(request, "batches/preview.html", context)


def _send(request: HttpRequest, action: str, sealed: str) -> HttpResponse:
    """The action as it was previewed, within the hour."""
    try:
        of, token, picked, wanted = signing.loads(sealed, salt="batch", max_age=OPEN_FOR_SECONDS)
    except (signing.BadSignature, ValueError, TypeError):
        of = ""
    if of != action:
        return render(request, "batches/expired.html", status=400)
    values = {pk: (seen, value) for pk, seen, value in picked}
    groups = _editable(request, values)
    if not groups:
        raise PermissionDenied("None of these groups is yours to change any more.")
    rows = [preview.PreviewRow(Chosen(one, *values[one.pk])) for one in groups]
    return _create(request, action, rows, wanted, token)


def _create(
    request: HttpRequest,
    action: str,
    rows: list[preview.PreviewRow],
    wanted: dict[str, Any],
    token: str,
) -> HttpResponse:
    """Commit it, take the first steps at once, and show how it goes."""
    made = sync.create_batch(
        action=action,
        chosen=[row.chosen for row in rows],
        wanted=wanted,
        by=current_user(request),
        token=token,
        now=timezone.now(),
    )
    sync.run_due_steps(batch=made, limit=3)
    return redirect("batch", made.pk)


@requires(Permission.MEMBER)
@require_safe
def batch_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """How a batch goes, for each group that the person may see."""
    visible = TargetGroup.objects.visible_to(current_user(request))
    rows = list(
        BatchGroup.objects.filter(job__batch=pk, group__in=visible)
        .select_related("job__batch__by", "job__project", "group", "edit")
        .order_by("job__project__name", "group__name", "pk")
    )
    if not rows:
        raise Http404
    for row in rows:
        if row.edit and row.state != BatchGroup.State.WAITING:
            row.state, row.reason = edit_records.group_outcome(row.edit)
            if row.edit.kind == Edit.Kind.LAUNCH and not row.edit.is_settled:
                row.state = BatchGroup.State.WAITING
            row.starts = value_labels.starts(row.edit, times.zone_of(row.group))  # type: ignore[attr-defined]
    closes = rows[0].job.batch.action == Batch.Action.COMPLETE
    counts = Counter(row.state for row in rows)
    context = {
        "batch": rows[0].job.batch,
        "rows": [(row, closing.summarise_closing(row.group) if closes else "") for row in rows],
        "total": len(rows),
        "ended": len(rows) - counts[BatchGroup.State.WAITING],
        "done": counts[BatchGroup.State.DONE],
        "failed": counts[BatchGroup.State.FAILED],
        "unknown": counts[BatchGroup.State.UNKNOWN],
        "running": counts[BatchGroup.State.WAITING] > 0,
        "again": _again(request, rows),
        "not_so": counts[BatchGroup.State.NOT_SO],
        "retried": counts[BatchGroup.State.FAILED] + counts[BatchGroup.State.NOT_SO],
        "wait_until": _wait_until(rows),
        "errors": {row.job.error for row in rows if row.job.error and not row.job.finished_at},
    }
    unsettled = any(row.edit and not row.edit.is_settled for row in rows)
    context["refreshing"] = context["running"] or unsettled
    context["every"] = messages.ask_again_after(rows[0].job.batch.created_at, timezone.now())
    if not context["running"]:
        Batch.objects.filter(pk=pk, by=current_user(request), seen_at=None).update(
            seen_at=timezone.now()
        )
    part = bool(request.headers.get("HX-Request"))
    return render(request, "batches/detail_live.html" if part else "batches/detail.html", context)


def _wait_until(rows: Iterable[BatchGroup]) -> datetime | None:
    """Until when the exchange asked its jobs to wait, while they do."""
    waits = [row.job.wait_until for row in rows if row.job.wait_until and not row.job.finished_at]
    return max((until for until in waits if until > timezone.now()), default=None)


def _again(request: HttpRequest, rows: Iterable[BatchGroup]) -> list[tuple[str, Any]]:
    """The fields of the preview for the groups that did not change; none to viewers.

    What is known by now of each is said there, and nothing is sent before that.
    """
    unchanged = (BatchGroup.State.FAILED, BatchGroup.State.NOT_SO)
    refused = [row for row in rows if row.state in unchanged]
    if not refused or not all(may_edit(request, row.group.account_id) for row in refused):
        return []
    wanted = dict(refused[0].job.batch.wanted)
    if "manager_id" in wanted:
        wanted = {"manager": wanted["manager_id"]}
    picks = [("pick", row.group_id) for row in refused]
    return [("typed", "1"), *wanted.items(), *picks]


@requires(Permission.SIGNED_IN)
@require_safe
def batch_list(request: HttpRequest) -> HttpResponse:
    """The last batches on groups that the person may see."""
    visible = TargetGroup.objects.visible_to(current_user(request))
    found = (
        Batch.objects.filter(jobs__groups__group__in=visible)
        .select_related("by")
        .annotate(
            number=Count("jobs__groups"),
            refused=Count("jobs__groups", filter=Q(jobs__groups__state=BatchGroup.State.FAILED)),
            not_so=Count("jobs__groups", filter=Q(jobs__groups__state=BatchGroup.State.NOT_SO)),
            unknown=Count("jobs__groups", filter=Q(jobs__groups__state=BatchGroup.State.UNKNOWN)),
            waiting=Count("jobs__groups", filter=Q(jobs__groups__state=BatchGroup.State.WAITING)),
        )
        .order_by("-created_at", "-pk")[:SHOWN]
    )
    return render(request, "batches/list.html", {"batches": found})
