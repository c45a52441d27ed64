"""Share the status of a project or of selected groups with a client: preview, link, emails."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.alerts.mail.client.body import render_client_status
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.figures.client.status import load_client_status
from dashboard.fielding.models import (
    Mail,
    SharedStatus,
    StatusLink,
    StatusSchedule,
    TargetGroup,
)
from dashboard.web.auth.lookups import find_project
from dashboard.web.auth.permissions import (
    Permission,
    current_user,
    may_edit,
    require_editor,
    requires,
)
from dashboard.web.formatting import times
from dashboard.web.formatting.row_ids import parse_row_id
from dashboard.web.sharing import changes
from dashboard.web.sharing.forms import StatusLinkForm, StatusOptionsForm, StatusScheduleForm
from dashboard.web.sharing.pages import status_context, status_sheets
from dashboard.web.tables import exports

MOST_GROUPS = 1000  # of a selection
SHOWN_LINKS = 50


@requires(Permission.MEMBER)
@require_safe
def share_page(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Show what a client would see, and to who may edit the ways to share it."""
    return _show(request, _find_shared(request, pk, kind))


@requires(Permission.EDITOR)
@require_POST
def save_share_options(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """Store the title, the closing line and the parts that are shared."""
    shared = _find_editable(request, pk, kind)
    form = StatusOptionsForm(request.POST, instance=shared)
    if not form.is_valid():
        return _show(request, _find_shared(request, pk, kind), options=form)
    stored = changes.store_status(shared)
    StatusOptionsForm(request.POST, instance=stored).save()
    messages.success(request, "Saved. Links and scheduled emails show it from now on.")
    return redirect(_address(stored))


@requires(Permission.EDITOR)
@require_POST
def create_share_link(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """Create a link, and show its address the only time."""
    shared = _find_editable(request, pk, kind)
    form = StatusLinkForm(request.POST)
    if not form.is_valid():
        return _show(request, shared, link_form=form)
    stored = changes.store_status(shared)
    address = changes.create_link(
        request,
        shared=stored,
        by=current_user(request),
        days=int(form.cleaned_data["days"]),
        form_token=form.cleaned_data["token"],
        now=datetime.now(UTC),
    )
    if address is None:
        messages.warning(
            request,
            "This link was created already; its address is shown only once. Revoke it "
            "and create another if you do not have it.",
        )
        return redirect(_address(stored))
    return _show(request, stored, new_link=address)


@requires(Permission.EDITOR)
@require_POST
def revoke_share_link(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Revoke a link; it stops working immediately."""
    visible = StatusLink.objects.filter(status__account__memberships__user=current_user(request))
    link = get_object_or_404(visible.select_related("status__account", "status__project"), pk=pk)
    require_editor(request, link.status.account_id)
    changes.revoke_link(request, link=link, by=current_user(request), now=datetime.now(UTC))
    messages.success(request, "Link revoked.")
    return redirect(_address(link.status))


@requires(Permission.EDITOR)
@require_POST
def save_share_schedule(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """Store to whom the status is emailed and when, or stop that."""
    shared = _find_editable(request, pk, kind)
    schedule = _schedule_of(shared)
    if "stop" in request.POST:
        if schedule is not None:
            changes.stop_schedule(request, schedule=schedule)
        messages.success(request, "Scheduled emails stopped.")
        return redirect(_address(shared))
    form = StatusScheduleForm(request.POST)
    if not form.is_valid() or form.refuse_unsubscribed(schedule):
        return _show(request, shared, schedule_form=form)
    stored = changes.store_status(shared)
    changes.save_schedule(
        request,
        shared=stored,
        by=current_user(request),
        addresses=form.cleaned_data["addresses"],
        days=form.cleaned_data["days"],
        at=form.cleaned_data["at"],
        now=datetime.now(UTC),
    )
    messages.success(request, "Scheduled emails saved.")
    return redirect(_address(stored))


@requires(Permission.MEMBER)
@require_safe
def share_file(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """Download the status as a workbook."""
    shared = _find_shared(request, pk, kind)
    zone = zone_named(current_user(request).time_zone)
    status = load_client_status(shared, zone=zone, now=datetime.now(UTC))
    return exports.download_workbook("status", status_sheets(status))


@requires(Permission.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def share_list(request: HttpRequest) -> HttpResponseBase:
    """List the shared statuses of the person's accounts, or begin one for selected groups."""
    if request.method == "POST":
        return _begin_selection(request)
    is_working = Q(links__in=StatusLink.objects.working(datetime.now(UTC)).values("pk"))
    rows = SharedStatus.objects.filter(account__memberships__user=current_user(request))
    rows = rows.select_related("project", "account", "schedule").annotate(
        working_links=Count("links", filter=is_working, distinct=True)
    )
    context = {"shares": [(row, _address(row)) for row in rows.order_by("-pk")]}
    return render(request, "sharing/list.html", context)


def _begin_selection(request: HttpRequest) -> HttpResponseBase:
    """Store the selected groups as a status, and lead to its page."""
    texts = ",".join(request.POST.getlist("pick")).split(",")
    ids = [pk for text in texts if (pk := parse_row_id(text))][:MOST_GROUPS]
    visible = TargetGroup.objects.visible_to(current_user(request)).filter(pk__in=ids)
    groups = list(visible.select_related("project").order_by("pk"))
    if not groups:
        messages.error(request, "Select the groups whose status you want to share.")
        return redirect("groups")
    if not all(may_edit(request, group.account_id) for group in groups):
        raise PermissionDenied("Only editors and administrators can share a status.")
    if len({group.account_id for group in groups}) > 1:
        messages.error(request, "Share the groups of one account at a time.")
        return redirect("groups")
    shared = changes.store_selection(
        groups=groups,
        title=_title_of_selection(groups),
        by=current_user(request),
        now=datetime.now(UTC),
    )
    return redirect(_address(shared))


def _title_of_selection(groups: list[TargetGroup]) -> str:
    """Return the name of the groups' one project, or a text that names none of several."""
    names = {group.project_id: group.project.name for group in groups}
    title = next(iter(names.values())) if len(names) == 1 else "Fieldwork status"
    return title[: SharedStatus._meta.get_field("title").max_length]


def _find_shared(request: HttpRequest, pk: int, kind: str) -> SharedStatus:
    """Return the status of a project (unsaved if there is none yet) or of a selection; else 404."""
    if kind == "projects":
        project = find_project(request, pk)
        stored = SharedStatus.objects.filter(project=project)
        return stored.select_related("project", "account").first() or SharedStatus(
            project=project,
            account=project.account,
            created_by=current_user(request),
            created_at=datetime.now(UTC),
        )
    own = SharedStatus.objects.filter(
        pk=pk, project=None, account__memberships__user=current_user(request)
    )
    shared = own.select_related("account").first()
    if shared is None:
        raise Http404
    return shared


def _find_editable(request: HttpRequest, pk: int, kind: str) -> SharedStatus:
    """Return the status as `_find_shared`, or raise PermissionDenied for a viewer."""
    shared = _find_shared(request, pk, kind)
    require_editor(request, shared.account_id)
    return shared


def _address(shared: SharedStatus) -> str:
    """Return the page of a status."""
    if shared.project_id is not None:
        return reverse("share", kwargs={"pk": shared.project_id, "kind": "projects"})
    return reverse("share", kwargs={"pk": shared.pk, "kind": "shares"})


def _schedule_of(shared: SharedStatus) -> StatusSchedule | None:
    return StatusSchedule.objects.filter(status=shared.pk).select_related("person").first()


def _show(
    request: HttpRequest,
    shared: SharedStatus,
    *,
    options: StatusOptionsForm | None = None,
    link_form: StatusLinkForm | None = None,
    schedule_form: StatusScheduleForm | None = None,
    new_link: str = "",
) -> HttpResponse:
    """Render the page; a form that was refused comes back as it was typed."""
    now, user = datetime.now(UTC), current_user(request)
    zone = zone_named(user.time_zone)
    shown = status_context(shared, zone=zone, now=now)
    links = StatusLink.objects.filter(status=shared.pk).select_related("created_by")
    working = set(links.working(now).values_list("pk", flat=True))
    schedule = _schedule_of(shared)
    listed = list(schedule.addresses.listed()) if schedule else []
    typed = {
        "addresses": "\n".join(row.address for row in listed if not row.stopped_at),
        "days": (schedule.days if schedule else "") or "1",
        "at": schedule.at if schedule else StatusSchedule._meta.get_field("at").default,
    }
    context: dict[str, object] = {
        **shown,
        "shared": shared,
        "project": shared.project,
        "may_share": may_edit(request, shared.account_id),
        "kind": "shares" if shared.project_id is None else "projects",
        "pk": shared.project_id or shared.pk,
        "mail": render_client_status(shown["status"], zone=zone, now=now),
        "options": options or StatusOptionsForm(instance=shared),
        "link_form": link_form or _new_link_form(),
        "links": [(link, link.pk in working) for link in links.order_by("-pk")[:SHOWN_LINKS]],
        "new_link": new_link,
        "now": now,
        "schedule": schedule,
        "schedule_works": _does_schedule_work(schedule),
        "days": times.name_weekdays(schedule.days) if schedule else "",
        "schedule_form": schedule_form or StatusScheduleForm(initial=typed),
        "last_email": _last_email(schedule),
        "troubles": [row for row in listed if row.stopped_at or row.refused],
        "zone": times.zone_city(zone),
        "schedule_zone": times.zone_city(zone_named(schedule.person.time_zone)) if schedule else "",
    }
    return render(request, "sharing/page.html", context)


def _last_email(schedule: StatusSchedule | None) -> Mail | None:
    """Return the newest email of a schedule, for its time and whether it was sent."""
    mails = (
        Mail.objects.filter(status_address__schedule=schedule) if schedule else Mail.objects.none()
    )
    return mails.only("created_at", "state").order_by("-pk").first()


def _new_link_form() -> StatusLinkForm:
    return StatusLinkForm(initial={"days": "30", "token": str(uuid.uuid4())})


def _does_schedule_work(schedule: StatusSchedule | None) -> bool:
    """Return whether emails are sent: there are days, and its person may still share."""
    return schedule is not None and StatusSchedule.objects.working().filter(pk=schedule.pk).exists()
