"""Alerts and to-do items."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from dashboard.alerts.items.remedies import REMEDIES
from dashboard.alerts.rules.catalogue import rule_title
from dashboard.fielding.models import Incident, Item
from dashboard.fielding.models.querysets.expressions import OPEN_INCIDENT
from dashboard.fielding.models.querysets.items import ItemQuerySet
from dashboard.fielding.models.querysets.rows import IncidentQuerySet
from dashboard.web.api.access import FIELDWORK, BearerToken, may_read_spend
from dashboard.web.api.conditional import etag_of_rows, json_answer, not_modified
from dashboard.web.api.page_addresses import page_address
from dashboard.web.api.paging import rows_after
from dashboard.web.api.values import (
    ROWS,
    ApiModel,
    Cursor,
    Key,
    KeyFilter,
    Limit,
    MoneyAmount,
    names_amount,
    rounded_money,
)
from dashboard.web.auth.permissions import current_user


class OpenOrClosed(StrEnum):
    """Which rows a list has."""

    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


class Whose(StrEnum):
    """Whose items a list has."""

    ALL = "all"
    MINE = "mine"


class AlertResource(ApiModel):
    """An alert. Its sentence reads as on the pages.

    Without the scope “spend”, a sentence that names an amount is left out for the title.
    """

    id: int
    account: int
    project: int | None
    group: int | None
    item: int | None
    rule: str
    title: str
    state: str
    severity: str
    sentence: str
    breached_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    page: str


class AlertPage(ApiModel):
    """A page of alerts."""

    data: list[AlertResource]
    next_cursor: str | None


class ItemResource(ApiModel):
    """What one action fixes: open alerts that share a remedy.

    Without the scope “spend”, a sentence that names an amount is left out for the title.
    """

    id: int
    account: int
    project: int | None
    group: int | None
    remedy: str
    title: str
    state: str
    sentence: str
    alerts: int
    is_critical: bool
    completes: Annotated[int, Field(description="Completes that the remedy can still save.")]
    cost: Annotated[
        MoneyAmount | None,
        Field(description="What they cost. Null without the scope “spend”."),
    ]
    ends_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None
    waiting: Annotated[str, Field(description="Why it waits; empty if it does not.")]
    waiting_until: datetime | None
    assigned_to: str | None


class ItemPage(ApiModel):
    """A page of to-do items."""

    data: list[ItemResource]
    next_cursor: str | None


router = Router(auth=BearerToken(FIELDWORK), tags=["alerts"])


@router.get("/incidents", response=AlertPage, operation_id="listIncidents")
def list_incidents(
    request: HttpRequest,
    *,
    cursor: Cursor = None,
    limit: Limit = ROWS,
    state: Annotated[OpenOrClosed, Query()] = OpenOrClosed.OPEN,
    project: KeyFilter = None,
    group: KeyFilter = None,
) -> HttpResponse:
    """List the alerts of the person's accounts, newest first."""
    rows = _visible_incidents(request)
    if state is not OpenOrClosed.ALL:
        states = OPEN_INCIDENT if state is OpenOrClosed.OPEN else (Incident.State.RESOLVED,)
        rows = rows.filter(state__in=states)
    given = {"project": project, "group": group}
    rows = rows.filter(**{name: value for name, value in given.items() if value is not None})
    page, next_cursor = rows_after(request, rows, cursor, limit, newest_first=True)
    etag = etag_of_rows(request, [(*map(_version_of_incident, page), next_cursor)])
    if unchanged := not_modified(request, etag):
        return unchanged
    data = [_alert_resource(request, incident) for incident in page]
    return json_answer(AlertPage(data=data, next_cursor=next_cursor), etag)


@router.get("/incidents/{key:pk}", response=AlertResource, operation_id="getIncident")
def read_incident(request: HttpRequest, pk: Key) -> HttpResponse:
    """Return an alert."""
    stored = _visible_incidents(request).filter(pk=pk).first()
    if stored is None:
        raise Http404
    etag = etag_of_rows(request, [_version_of_incident(stored)])
    return not_modified(request, etag) or json_answer(_alert_resource(request, stored), etag)


@router.get("/items", response=ItemPage, operation_id="listItems")
def list_items(
    request: HttpRequest,
    *,
    cursor: Cursor = None,
    limit: Limit = ROWS,
    state: Annotated[OpenOrClosed, Query()] = OpenOrClosed.OPEN,
    whose: Annotated[Whose, Query(description="All, or those that are this person's.")] = Whose.ALL,
    project: KeyFilter = None,
    group: KeyFilter = None,
) -> HttpResponse:
    """List the to-do items of the person's accounts, newest first."""
    rows = ItemQuerySet(Item).visible_to(current_user(request)).select_related("assigned_to")
    if whose is Whose.MINE:
        rows = rows.mine(current_user(request))
    if state is not OpenOrClosed.ALL:
        is_closed = state is OpenOrClosed.CLOSED
        rows = rows.filter(state=Item.State.CLOSED) if is_closed else rows.open()
    given = {"project": project, "target_group": group}
    rows = rows.filter(**{name: value for name, value in given.items() if value is not None})
    page, next_cursor = rows_after(request, rows, cursor, limit, newest_first=True)
    versions = [(item.pk, item.state, item.changed_at, str(item.assigned_to)) for item in page]
    etag = etag_of_rows(request, [*versions, next_cursor])
    if unchanged := not_modified(request, etag):
        return unchanged
    data = [_item_resource(request, item) for item in page]
    return json_answer(ItemPage(data=data, next_cursor=next_cursor), etag)


def _visible_incidents(request: HttpRequest) -> IncidentQuerySet:
    """Return the alerts that have opened; one that is only pending is on no page."""
    rows = IncidentQuerySet(Incident).visible_to(current_user(request))
    return rows.filter(fired_at__isnull=False).select_related("acknowledged_by", "item")


def _version_of_incident(incident: Incident) -> tuple[object, ...]:
    return (
        incident.pk,
        incident.item_id,
        incident.state,
        incident.urgency,
        incident.sentence,
        incident.fired_at,
        incident.closed_at,
        incident.acknowledged_at,
        str(incident.acknowledged_by),
    )


def _sentence(request: HttpRequest, sentence: str, title: str) -> str:
    """Return a sentence, or its title where the sentence names an amount that stays hidden."""
    return title if names_amount(sentence) and not may_read_spend(request) else sentence


def _alert_resource(request: HttpRequest, incident: Incident) -> AlertResource:
    by = incident.acknowledged_by
    return AlertResource(
        id=incident.pk,
        account=incident.account_id,
        project=incident.project_id,
        group=incident.group_id,
        item=incident.item_id,
        rule=incident.rule,
        title=rule_title(incident.rule),
        state="open" if incident.state in OPEN_INCIDENT else "closed",
        severity=str(incident.urgency.label),
        sentence=_sentence(request, incident.sentence, rule_title(incident.rule)),
        breached_at=incident.breached_at,
        opened_at=incident.fired_at,
        closed_at=incident.closed_at,
        acknowledged_at=incident.acknowledged_at,
        acknowledged_by=str(by) if by else None,
        page=page_address("incident", incident.pk),
    )


def _item_resource(request: HttpRequest, item: Item) -> ItemResource:
    remedy = REMEDIES.get(item.remedy)
    title = remedy.cause if remedy else item.remedy
    return ItemResource(
        id=item.pk,
        account=item.account_id,
        project=item.project_id,
        group=item.target_group_id,
        remedy=item.remedy,
        title=title,
        state=item.state,
        sentence=_sentence(request, item.sentence, title),
        alerts=item.incident_count,
        is_critical=item.critical,
        completes=round(item.value),
        cost=rounded_money(item.money, item.currency) if may_read_spend(request) else None,
        ends_at=item.ends_at,
        opened_at=item.opened_at,
        closed_at=item.closed_at,
        waiting=item.waiting,
        waiting_until=item.waiting_until,
        assigned_to=str(item.assigned_to) if item.assigned_to else None,
    )
