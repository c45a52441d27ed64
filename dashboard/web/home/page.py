"""What the home page shows: figures of the field, then the items or changes of a tab."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Count, F, Q
from django.http import HttpRequest

from dashboard.fielding.domain.scope import LISTED
from dashboard.fielding.domain.time_zones import zone_named
from dashboard.fielding.figures.today import LONGEST_DAY
from dashboard.fielding.models import (
    Change,
    Edit,
    ExchangeUser,
    Incident,
    Membership,
    Project,
    TargetGroup,
    User,
)
from dashboard.fielding.models.querysets.expressions import IN_FIELD
from dashboard.fielding.models.querysets.rows import (
    ChangeQuerySet,
    EditQuerySet,
    ExchangeUserQuerySet,
    IncidentQuerySet,
)
from dashboard.web.auth.permissions import current_user, memberships_of
from dashboard.web.connections import polling_status
from dashboard.web.home import recent_changes, todo
from dashboard.web.home.headline import (
    FIELDS,
    GroupRow,
    Headline,
    ProjectHeadlines,
    add_shortfalls,
)
from dashboard.web.home.prices import ProjectPrices
from dashboard.web.home.scope import MINE, TABS, HomeScope, read_scope

EVENTS = 100
MAX_ROWS = 1000  # read of items, edits and changes each
CLOSED_SHOWN, CLOSED_FOR = 100, timedelta(days=14)
MOST_NEEDS = 5
ALL_LINES = 200  # of one remedy, on its own page
HEADLINES, PRICES = ProjectHeadlines(), ProjectPrices()


def home_context(request: HttpRequest, now: datetime) -> dict[str, object]:
    """Return the context of the page, or of its live part."""
    memberships = memberships_of(request)
    scope = read_scope(request.GET, current_user(request), memberships)
    tabs = _tabs(scope)
    context: dict[str, object] = {
        "scope": scope,
        "tabs": tabs,
        "waiting": next(count for key, _, count, *_ in tabs if key == "waiting"),
        "summary": _headline(scope, now),
        "accounts": polling_status.accounts_of(request),
        "projects": _projects(scope),
        "question": _question(memberships),
        "batch_forms": [(f"act-{action}", action) for action in (*todo.BATCH_LABELS, "complete")],
        "may_edit": any(membership.may_edit for membership in memberships.values()),
    }
    if scope.tab == "changes":
        return context | _changes(scope, request.GET.get("since", ""), now)
    if scope.tab == "closed":
        return context | _closed(scope, memberships, now)
    return context | _open_items(scope, memberships, now)


def _tabs(scope: HomeScope) -> list[tuple[str, str, int | None, str, bool]]:
    """Return the tabs: key, label, number of items, query, whether it is the present one."""
    counts = scope.open_items.aggregate(
        todo=Count("pk", filter=_in_tab("todo", scope)),
        waiting=Count("pk", filter=_in_tab("waiting", scope)),
    )
    return [
        (key, label, counts.get(key), scope.query(tab=key, remedy=""), key == scope.tab)
        for key, label in TABS.items()
    ]


def _in_tab(tab: str, scope: HomeScope) -> Q:
    """Return which open items a tab shows; those given to somebody else wait, for the giver."""
    given = Q(assigned_to__isnull=False) & ~Q(assigned_to=scope.user)
    away = given if scope.whose == MINE else Q(pk=None)
    in_waiting = Q(state="waiting") | away
    return in_waiting if tab == "waiting" else ~in_waiting


def _headline(scope: HomeScope, now: datetime) -> Headline:
    visible = Project.objects.visible_to(scope.user)
    projects = list(visible.values_list("pk", "version", "outlook"))
    versions = {pk: version for pk, version, _ in projects}
    summary = HEADLINES.sum_of(versions, partial(_group_rows, now), now=now)
    add_shortfalls(summary, (outlook for pk, _, outlook in projects if pk in summary.in_field))
    return summary


def _group_rows(now: datetime, projects: Collection[int]) -> Iterable[GroupRow]:
    """Return rows of FIELDS of the groups in field, and of those with completes lately."""
    is_in_field = LISTED & Q(status__in=IN_FIELD)
    is_lately = Q(last_complete_at__gte=now - LONGEST_DAY)
    groups = TargetGroup.objects.filter(is_in_field | is_lately, project__in=projects)
    return groups.values_list(*FIELDS, named=True)


def _projects(scope: HomeScope) -> list[tuple[int, str, bool]]:
    """Return the projects with open items: id, name, whether it is the chosen one."""
    projects = Project.objects.visible_to(scope.user)
    with_items = Q(items__state__in=("to_do", "waiting")) | Q(pk=scope.project)
    rows = projects.filter(with_items).distinct().order_by("name", "pk")
    return [(pk, name, pk == scope.project) for pk, name in rows.values_list("pk", "name")]


def _question(memberships: Mapping[int, Membership]) -> dict[str, object] | None:
    """Return the one question that decides whose groups are whose; None once it is answered."""
    unlinked = [member for member in memberships.values() if not member.exchange_user_id]
    if not unlinked:
        return None
    member = unlinked[0]
    people = ExchangeUserQuerySet(ExchangeUser).filter(account=member.account_id)
    rows = [(person.exchange_id, str(person), person.email) for person in people]
    if not rows:
        return None
    return {"account": member.account, "people": sorted(rows, key=lambda row: row[1].casefold())}


def _open_items(
    scope: HomeScope, memberships: Mapping[int, Membership], now: datetime
) -> dict[str, object]:
    items = scope.open_items.filter(_in_tab(scope.tab, scope)).by_value()
    if scope.remedy:
        items = items.filter(remedy=scope.remedy)
    rows = todo.item_rows(items[:MAX_ROWS])
    shown = ALL_LINES if scope.remedy else todo.SHOWN_LINES
    prices = PRICES.load(todo.groups_to_raise(rows), now=now)
    sections = todo.remedy_sections(rows, memberships, now=now, shown=shown, prices=prices)
    return {
        "sections": sections,
        "more": len(rows) == MAX_ROWS,
        # The mark of what was so before says nothing where it is on every line.
        "some_new": any(not row.since_before for row in rows),
        "people": _people(memberships) if rows else [],
        "likely": _next_likely(scope, now) if not rows and scope.tab == "todo" else None,
    }


def needs_of_project(user: User, project: Project, *, now: datetime) -> dict[str, object]:
    """Return what a project needs, by remedy, as the list of its items has it.

    In one query; where a CPI is to be raised and the project has changed in six, for any number of
    groups.
    """
    scope = HomeScope(user, "todo", str(project.pk), "")
    items = scope.open_items.filter(_in_tab("todo", scope)).order_by()
    rows = todo.need_rows(items[:MAX_ROWS])
    prices = PRICES.load(todo.groups_to_raise(rows), now=now)
    needs = todo.remedy_needs(rows, now=now, prices=prices)
    return {"needs": needs[:MOST_NEEDS], "more_needs": max(len(needs) - MOST_NEEDS, 0)}


def _people(memberships: Mapping[int, Membership]) -> list[User]:
    """Return to whom items can be assigned: those who may edit on one of the accounts."""
    people = User.objects.filter(
        is_active=True,
        memberships__account__in=list(memberships),
        memberships__role__in=(Membership.Role.EDITOR, Membership.Role.ADMINISTRATOR),
    )
    return list(people.distinct().order_by("first_name", "last_name", "username"))


def _next_likely(scope: HomeScope, now: datetime) -> Incident | None:
    """Return the alert that will fire first if nothing changes."""
    pending = IncidentQuerySet(Incident).visible_to(scope.user).filter(state="pending")
    if scope.project:
        pending = pending.filter(project=scope.project)
    return (
        pending.filter(evaluate_at__gt=now - timedelta(hours=1))
        .select_related("group")
        .order_by(F("evaluate_at").asc(nulls_last=True))
        .first()
    )


def _closed(
    scope: HomeScope, memberships: Mapping[int, Membership], now: datetime
) -> dict[str, object]:
    items = scope.items.filter(state="closed", closed_at__gte=now - CLOSED_FOR)
    rows = todo.item_rows(items.order_by("-closed_at", "-pk")[:CLOSED_SHOWN])
    return {"lines": todo.item_lines(rows, memberships, now=now)}


def _changes(scope: HomeScope, since: str, now: datetime) -> dict[str, object]:
    spans = recent_changes.since_choices(scope.user, now)
    span = next((choice for choice in spans if choice.key == since), spans[0])
    edits = EditQuerySet(Edit).visible_to(scope.user).newest().filter(started_at__gte=span.start)
    changes = (
        ChangeQuerySet(Change)
        .visible_to(scope.user)
        .named()
        .filter(occurred_at__gte=span.start, kind__in=recent_changes.SHOWN_CHANGE_KINDS)
    )
    if scope.project:
        edits = edits.filter(group__project=scope.project)
        changes = changes.filter(group__project=scope.project)
    recent_edits = list(edits.select_related("group", "by")[:MAX_ROWS])
    rows = list(changes[:MAX_ROWS])
    events = recent_changes.events_since(recent_edits, rows, zone_named(scope.user.time_zone))
    folded = recent_changes.fold_events(events)
    return {
        "folds": folded[:EVENTS],
        "counted": recent_changes.count_by_word(events),
        "more": MAX_ROWS in (len(recent_edits), len(rows)) or len(folded) > EVENTS,
        "spans": [
            (scope.query() + f"&since={choice.key}", choice.word, choice is span)
            for choice in spans
        ],
        "span": span,
    }
