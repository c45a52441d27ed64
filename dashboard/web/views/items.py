"""Clicks on the to-do list: acknowledge, snooze, assign, undo; one item on a page of its own, where
mails lead; and the link to an exchange user.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.alerts.items import waiting
from dashboard.alerts.items.remedies import REMEDIES
from dashboard.fielding.models import ExchangeUser, Incident, Item, User
from dashboard.web.auth.permissions import (
    Permission,
    account_version_tokens,
    current_user,
    may_edit,
    memberships_of,
    requires,
)
from dashboard.web.formatting.row_ids import parse_row_id
from dashboard.web.formatting.typed_numbers import read_whole_number
from dashboard.web.home import todo
from dashboard.web.home.page import home_context
from dashboard.web.home.scope import read_scope
from dashboard.web.http import conditional

MOST_ITEMS = 1000
SNOOZES = {
    "snooze-4h": timedelta(hours=4),
    "snooze-1d": timedelta(days=1),
    "snooze-3d": timedelta(days=3),
}
UNDO = "undo"


class Done(NamedTuple):
    """What a click did, in words, and the items that an undo puts back."""

    text: str
    undo: str = ""


@requires(Permission.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def act_on_items(request: HttpRequest) -> HttpResponse:
    """Put items aside or back, and answer with the list as it is then.

    `do` is an act, with its target after a colon: ids of items or a remedy; without one the target
    is what is selected.
    """
    if request.method != "POST":
        return redirect("home")
    now = datetime.now(UTC)
    verb, _, target = request.POST.get("do", "").partition(":")
    act, trouble, done = _ACTS.get(verb), "", Done("")
    items = _items(request, target)
    if act is None or not items:
        trouble = "Nothing was selected. Select groups first."
    else:
        try:
            done = act(request, items, now)
        except ValueError as exc:
            trouble = f"{str(exc)[:1].upper()}{str(exc)[1:]}."
    if not request.headers.get("HX-Request"):
        if trouble:
            messages.error(request, trouble)
        else:
            messages.success(request, done.text)
        return redirect(f"{reverse('home')}?{request.GET.urlencode()}")
    _, read_at = account_version_tokens(request)
    context = home_context(request, now) | {"done": done, "trouble": trouble}
    # Without an ETag the next refresh draws the list anew, without the offer to undo.
    return conditional.render_page(request, "home/todo", context, etag='""', read_at=read_at)


def _items(request: HttpRequest, target: str) -> list[Item]:
    """Return the items that a click is about; 404 for another account's, 403 for a viewer."""
    user = current_user(request)
    if target in REMEDIES:
        scope = read_scope(request.GET, user, memberships_of(request))
        items = list(scope.open_items.filter(remedy=target)[:MOST_ITEMS])
    else:
        texts = target.split(",") if target else request.POST.getlist("pick")
        ids = {pk for text in texts if (pk := parse_row_id(text))}
        items = list(Item.objects.visible_to(user).filter(pk__in=list(ids)[:MOST_ITEMS]))
        if len(items) < min(len(ids), MOST_ITEMS):
            raise Http404
    if not all(may_edit(request, item.account_id) for item in items):
        raise PermissionDenied("Only editors and administrators may change this.")
    return items


def _acknowledge(request: HttpRequest, items: list[Item], now: datetime) -> Done:
    moved = waiting.acknowledge_items(items, by=current_user(request), now=now)
    return _done(moved, "acknowledged: returns in 24 hours, or sooner if it worsens")


def _snooze(request: HttpRequest, items: list[Item], now: datetime) -> Done:
    span = SNOOZES[request.POST["do"].partition(":")[0]]
    moved = waiting.snooze_items(items, by=current_user(request), until=now + span, now=now)
    hours = round(span / timedelta(hours=1))
    return _done(
        moved, f"snoozed for {hours} hours" if hours <= 24 else f"snoozed for {span.days} days"
    )


def _snooze_until_worse(request: HttpRequest, items: list[Item], now: datetime) -> Done:
    worse_by = read_whole_number(request.POST.get("worse_by", ""))
    if worse_by is None or not 0 <= worse_by < 10**6:
        raise ValueError("enter by how many completes it must get worse, such as 10")
    moved = waiting.snooze_items(items, by=current_user(request), worse_by=float(worse_by), now=now)
    return _done(moved, f"snoozed until {worse_by:,} more completes are at risk")


def _assign(request: HttpRequest, items: list[Item], now: datetime) -> Done:
    pk = parse_row_id(request.POST.get("to", ""))
    known = User.objects.filter(memberships__account__in=memberships_of(request))  # nobody else's
    person = known.filter(pk=pk, is_active=True).first() if pk else None
    if person is None:
        raise ValueError("choose a person first")
    moved = waiting.assign_items(items, to=person, by=current_user(request), now=now)
    return _done(moved, f"assigned to {person}")


def _undo(_request: HttpRequest, items: list[Item], now: datetime) -> Done:
    moved = waiting.put_back_items(items, now=now)
    return Done(f"{_count(len(moved))} back in To do")


def _done(moved: list[int], what: str) -> Done:
    return Done(f"{_count(len(moved))} {what}", ",".join(map(str, moved)))


def _count(items: int) -> str:
    return "1 item" if items == 1 else f"{items:,} items"


_ACTS: dict[str, Callable[[HttpRequest, list[Item], datetime], Done]] = {
    "acknowledge": _acknowledge,
    "snooze-worse": _snooze_until_worse,
    "assign": _assign,
    UNDO: _undo,
    **dict.fromkeys(SNOOZES, _snooze),
}


@requires(Permission.MEMBER)
@require_safe
def item_sheet(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one item: group, project, cause, consequence and one button; what became of it later."""
    now = datetime.now(UTC)
    item = Item.objects.visible_to(current_user(request)).filter(pk=pk)
    (line,) = todo.item_lines(todo.item_rows(item), memberships_of(request), now=now) or (None,)
    if line is None:
        raise Http404
    incidents = Incident.objects.filter(item=pk).order_by("severity", "fired_at")
    return render(request, "home/item_sheet.html", {"line": line, "incidents": incidents[:10]})


@requires(Permission.SIGNED_IN)
@require_http_methods(["GET", "HEAD", "POST"])
def link_exchange_user(request: HttpRequest) -> HttpResponse:
    """Save which exchange user the person is on an account; the page then shows their groups."""
    if "account" not in request.POST:
        return redirect("home")
    membership = memberships_of(request).get(parse_row_id(request.POST["account"]))
    if membership is None:
        raise Http404
    chosen = request.POST.get("exchange_user", "")
    if not ExchangeUser.objects.filter(account=membership.account_id, exchange_id=chosen).exists():
        messages.error(request, "Choose your exchange user.")
        return redirect("home")
    membership.exchange_user_id = chosen
    membership.save(update_fields=["exchange_user_id"])
    messages.success(request, "Saved. My groups are those that you manage on Cint.")
    return redirect("home")
