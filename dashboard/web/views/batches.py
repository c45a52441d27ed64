"""Actions on selected groups: a preview to confirm, and a page with the results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.alerts import heartbeat
from dashboard.fielding.models import Batch, BatchGroup, BatchJob, Edit, ExchangeUser, TargetGroup
from dashboard.sync.batches import edit_records, jobs
from dashboard.sync.batches.jobs import Chosen
from dashboard.web.auth.lookups import names_by_exchange_id
from dashboard.web.auth.permissions import Permission, current_user, may_edit, requires
from dashboard.web.batches import (
    changes,
    launch_planning,
    planning,
    preview,
    price_planning,
    undo_planning,
)
from dashboard.web.connections.waits import (
    OpenWait,
    WaitsFor,
    Workers,
    join_waits,
    known_workers,
)
from dashboard.web.edits import form_messages, value_labels
from dashboard.web.edits.forms.base import Value
from dashboard.web.edits.price.followed import record_foretold_together
from dashboard.web.edits.signed_form import HOUR, OpenedForm, Rejection, SignedForm
from dashboard.web.edits.waits import job_wait
from dashboard.web.formatting import times
from dashboard.web.formatting.row_ids import parse_row_id
from dashboard.web.groups.panels import closing

SEALED = "sealed"
ONE_CLICK_ACTIONS = (Batch.Action.PAUSE, Batch.Action.RESUME)  # one group, one click
SHOWN = 50


class OpenedPreview(OpenedForm, frozen=True):
    """A preview as it was shown: each group's id, its value at that time, and the wanted value."""

    rows: list[tuple[int, Value, Value]] = []
    wanted: dict[str, Value] = {}


@requires(Permission.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def preview_action(request: HttpRequest) -> HttpResponse:
    """Preview an action on the selected groups, or start the action that was previewed.

    After a sign-in in between, the groups have to be selected again.
    """
    action = request.POST.get("do", "")
    if action not in Batch.Action.values:
        return redirect("groups")
    if request.POST.get(SEALED):
        return _send(request, action)
    groups = _selected_groups(request)
    typed, people = price_planning.fill_quick_choice(request.POST), _users_of(groups)
    is_asking = planning.asks_first(action) and "typed" not in typed
    planned = preview.Preview()
    if groups and not is_asking:
        planned = planning.plan_action(action, groups, typed, people, timezone.now())
    if _is_one_click(request, action, planned):
        return _create(request, action, planned.rows, planned.wanted, request.POST["token"][:64])
    return _show(request, action, groups, people, planned)


def _selected_groups(request: HttpRequest) -> list[TargetGroup]:
    """Return the selected groups that the person can see; raises PermissionDenied for a viewer."""
    texts = ",".join(request.POST.getlist("pick")).split(",")
    ids = [pk for text in texts if (pk := parse_row_id(text))]
    return _editable_groups(request, ids[: planning.MAX_GROUPS])


def _editable_groups(request: HttpRequest, ids: Iterable[int]) -> list[TargetGroup]:
    visible = TargetGroup.objects.visible_to(current_user(request)).filter(pk__in=ids)
    groups = list(visible.select_related("project__account", "account").order_by("name", "pk"))
    if not all(may_edit(request, group.account_id) for group in groups):
        raise PermissionDenied("Only editors and administrators can change these groups.")
    return groups


def _users_of(groups: list[TargetGroup]) -> dict[str, str]:
    accounts = {group.account_id for group in groups}
    people = ExchangeUser.objects.filter(account__in=accounts)
    return {user.exchange_id: str(user) for user in people.order_by("name")}


def _is_one_click(request: HttpRequest, action: str, planned: preview.Preview) -> bool:
    """Whether this is a pause or resume of one group, from the button on its page."""
    is_requested = bool(request.POST.get("token")) and action in ONE_CLICK_ACTIONS
    return is_requested and len(planned.rows) == 1 and not planned.refused


def _show(
    request: HttpRequest,
    action: str,
    groups: list[TargetGroup],
    people: dict[str, str],
    planned: preview.Preview,
) -> HttpResponse:
    rows = [(row.chosen.group.pk, row.chosen.seen, row.chosen.wanted) for row in planned.rows]
    opened = OpenedPreview(rows=rows, wanted=planned.wanted)
    batch = Batch(action=action, wanted=planned.wanted)
    back = reverse("batch", args=[batch.undoes]) if batch.undoes else _way_back(request, groups)
    context: dict[str, object] = {
        "action": Batch.Action(action),
        "title": batch.title,
        "groups": groups,
        "told": planned,
        "typed": price_planning.fill_quick_choice(request.POST),
        "people": people,
        "hows": price_planning.PRICE_CHANGES,
        "quick": price_planning.QUICK_CHOICES,
        "starts": launch_planning.STARTS,
        "currencies": planning.currencies_of(groups),
        "asks": planning.asks_first(action),
        "undoes": batch.undoes,
        "is_undo_of_value": batch.is_undo_of_value,
        "sealed": _signed(request, action).sign(opened) if rows else "",
        "back": back,
    }
    return render(request, "batches/preview.html", context)


def _way_back(request: HttpRequest, groups: Sequence[TargetGroup]) -> str:
    """Return where a preview leads that is not sent: the page it came from, or the groups."""
    came_from = request.POST.get("next", "")
    if came_from.startswith("/") and url_has_allowed_host_and_scheme(came_from, allowed_hosts=None):
        return came_from
    if not groups:
        return reverse("groups")
    one = len(groups) == 1
    return (
        reverse("group", args=[groups[0].pk])
        if one
        else reverse("project", args=[groups[0].project_id])
    )


def _signed(request: HttpRequest, action: str) -> SignedForm[OpenedPreview]:
    """Return the signed preview of an action."""
    return SignedForm(request, "batch", (action,), OpenedPreview, HOUR, SEALED)


def _send(request: HttpRequest, action: str) -> HttpResponse:
    """Start an action as it was previewed, within the hour."""
    opened = _signed(request, action).read_back()
    if isinstance(opened, Rejection):
        return render(request, "batches/expired.html", status=400)
    values = {pk: (seen, value) for pk, seen, value in opened.rows}
    groups = _editable_groups(request, values)
    if not groups:
        raise PermissionDenied("You can no longer change any of these groups.")
    rows = [preview.PreviewRow(Chosen(group, *values[group.pk])) for group in groups]
    return _create(request, action, rows, opened.wanted, opened.token)


def _create(
    request: HttpRequest,
    action: str,
    rows: list[preview.PreviewRow],
    wanted: dict[str, Value],
    token: str,
) -> HttpResponse:
    """Commit the batch, run its first steps, and show its page."""
    user, now = current_user(request), timezone.now()
    batch = jobs.create_batch(
        action=action,
        chosen=[row.chosen for row in rows],
        wanted=wanted,
        by=user,
        token=token,
        now=now,
    )
    jobs.run_due_steps(batch=batch, limit=3)
    if batch.action == Batch.Action.CPI and batch.created_at == now:
        record_foretold_together(price_planning.prices_of(rows), by=user, now=now)
    return redirect("batch", batch.pk)


def _rows_of(request: HttpRequest, pk: int) -> list[BatchGroup]:
    """Return the groups of a batch that the person can see; raises Http404 for none."""
    visible = TargetGroup.objects.visible_to(current_user(request))
    rows = list(
        BatchGroup.objects.filter(job__batch=pk, group__in=visible)
        .select_related(
            "job__batch__by", "job__project", "group__project", "group__account", "edit"
        )
        .order_by("job__project__name", "group__name", "pk")
    )
    if not rows:
        raise Http404
    return rows


@requires(Permission.EDITOR)
@require_safe
def undo_batch(request: HttpRequest, pk: int) -> HttpResponse:
    """Preview the undo of a batch: nothing is sent before the preview is."""
    rows = _rows_of(request, pk)
    batch = rows[0].job.batch
    action = undo_planning.OPPOSITES.get(batch.action)
    accounts = {row.group.account_id for row in rows if may_edit(request, row.group.account_id)}
    if not accounts:
        raise PermissionDenied("Only editors and administrators can change these groups.")
    if action is None:
        messages.info(request, f"{batch.title} cannot be undone.")
        return redirect("batch", pk)
    people = _users_of([row.group for row in rows])
    planner = undo_planning.UndoPlanner(batch, rows, accounts, people, timezone.now())
    groups = [row.group for row in rows]
    return _show(request, action, groups, people, planner.plan())


@requires(Permission.MEMBER)
@require_safe
def batch_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the results of a batch, for each group that the person can see."""
    rows = _rows_of(request, pk)
    for row in rows:
        if row.edit and row.state != BatchGroup.State.WAITING:
            row.state, row.reason = edit_records.group_outcome(row.edit)
            if row.edit.kind == Edit.Kind.LAUNCH and not row.edit.is_settled:
                row.state = BatchGroup.State.WAITING
            row.starts = value_labels.format_scheduled_start(row.edit, times.zone_of(row.group))  # type: ignore[attr-defined]
    names = names_by_exchange_id(request)
    is_completing = rows[0].job.batch.action == Batch.Action.COMPLETE
    counts = Counter(row.state for row in rows)
    context = {
        "batch": rows[0].job.batch,
        "rows": [
            (
                row,
                closing.summarise_closing(row.group) if is_completing else "",
                changes.describe_change(row, names),
            )
            for row in rows
        ],
        "total": len(rows),
        "ended": len(rows) - counts[BatchGroup.State.WAITING],
        "done": counts[BatchGroup.State.DONE],
        "failed": counts[BatchGroup.State.FAILED],
        "unknown": counts[BatchGroup.State.UNKNOWN],
        "running": counts[BatchGroup.State.WAITING] > 0,
        "again": _retry_fields(request, rows),
        "undo": _undo_address(request, rows),
        "paused": _paused_after_extension(request, rows),
        "not_so": counts[BatchGroup.State.NOT_SO],
        "retried": counts[BatchGroup.State.FAILED] + counts[BatchGroup.State.NOT_SO],
    }
    workers = known_workers(request, now=timezone.now())
    unsettled = any(row.edit and not row.edit.is_settled for row in rows)
    if context["running"]:
        context["waits"] = waits = _waits(rows, workers)
        context["is_waiting"] = any(wait.waits_for != WaitsFor.CINT for wait in waits)
        context["restarting"] = heartbeat.restarting_workers(now=timezone.now())
    context["refreshing"] = context["running"] or unsettled
    context["every"] = form_messages.ask_again_after(rows[0].job.batch.created_at, timezone.now())
    if not context["running"]:
        Batch.objects.filter(pk=pk, by=current_user(request), seen_at=None).update(
            seen_at=timezone.now()
        )
    is_part = bool(request.headers.get("HX-Request"))
    return render(
        request, "batches/detail_live.html" if is_part else "batches/detail.html", context
    )


def _waits(rows: Iterable[BatchGroup], workers: Workers) -> list[OpenWait]:
    """Return what the jobs of a batch wait for, each kind of wait once."""
    jobs_of_rows = {row.job_id: row.job for row in rows}
    waits = (job_wait(job, workers) for job in jobs_of_rows.values())
    return join_waits(wait for wait in waits if wait)


def _paused_after_extension(request: HttpRequest, rows: Sequence[BatchGroup]) -> str:
    """Return the ids of groups that have a new end date and still stand paused; for editors."""
    if rows[0].job.batch.action != Batch.Action.END:
        return ""
    paused = [
        row.group
        for row in rows
        if row.state == BatchGroup.State.DONE and row.group.status == "paused"
    ]
    if not all(may_edit(request, group.account_id) for group in paused):
        return ""
    return ",".join(str(group.pk) for group in paused)


def _undo_address(request: HttpRequest, rows: Sequence[BatchGroup]) -> str:
    """Return where the undo of what was done is previewed; empty where the person cannot."""
    batch = rows[0].job.batch
    done = [row.group for row in rows if row.state == BatchGroup.State.DONE]
    if batch.action not in undo_planning.OPPOSITES:
        return ""
    if not any(may_edit(request, group.account_id) for group in done):
        return ""
    return reverse("batch-undo", args=[batch.pk])


def _retry_fields(request: HttpRequest, rows: Sequence[BatchGroup]) -> list[tuple[str, object]]:
    """Return the fields that open a preview for the groups that failed; none for viewers."""
    if rows[0].job.batch.undoes is not None:
        return []
    unchanged = (BatchGroup.State.FAILED, BatchGroup.State.NOT_SO)
    failed = [row for row in rows if row.state in unchanged]
    if not failed or not all(may_edit(request, row.group.account_id) for row in failed):
        return []
    wanted = dict(failed[0].job.batch.wanted)
    if "manager_id" in wanted:
        wanted = {"manager": wanted["manager_id"]}
    picks = [("pick", row.group_id) for row in failed]
    return [("typed", "1"), *wanted.items(), *picks]


@requires(Permission.SIGNED_IN)
@require_safe
def batch_list(request: HttpRequest) -> HttpResponse:
    """List the last batches on groups that the person can see."""
    visible = TargetGroup.objects.visible_to(current_user(request))
    batches = (
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
    rows = list(batches)
    unfinished = BatchJob.objects.filter(
        batch__in=rows, groups__group__in=visible, finished_at=None
    ).distinct()
    workers = known_workers(request, now=timezone.now())
    waits: dict[int, list[OpenWait]] = {}
    for job in unfinished.select_related("batch"):
        if (wait := job_wait(job, workers)) and wait.waits_for != WaitsFor.CINT:
            waits.setdefault(job.batch_id, []).append(wait)
    context = {"batches": [(batch, join_waits(waits.get(batch.pk, []))) for batch in rows]}
    return render(request, "batches/list.html", context)
