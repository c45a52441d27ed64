"""Changes that people made in Fieldwatch."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from dashboard.fielding.domain.json import Json
from dashboard.fielding.models import Edit
from dashboard.fielding.models.querysets.rows import EditQuerySet
from dashboard.web.api.access import FIELDWORK, BearerToken, may_read_spend
from dashboard.web.api.conditional import etag_of_rows, json_answer, not_modified
from dashboard.web.api.page_addresses import page_address
from dashboard.web.api.paging import rows_after
from dashboard.web.api.values import ROWS, ApiModel, Cursor, KeyFilter, Limit
from dashboard.web.auth.permissions import current_user

# Kinds whose values are never prices.
WITHOUT_PRICES = frozenset(
    {
        Edit.Kind.FILLING_STRATEGY,
        Edit.Kind.RE_ENTRY,
        Edit.Kind.DATES,
        Edit.Kind.GOALS,
        Edit.Kind.STATUS,
        Edit.Kind.MANAGER,
        Edit.Kind.TIME_ZONE,
    }
)
Value = Annotated[object, Field(description="Null where it is not known, or the scope is missing.")]


class ChangeResource(ApiModel):
    """A change of a group or of a project: what was there, what was wanted, what is there.

    Values are as Cint's API has them. Those of kinds that can hold a price need the scope “spend”.
    """

    id: int
    account: int
    project: Annotated[int | None, Field(description="Null for a change of a group.")]
    group: int | None
    kind: str
    title: str
    state: str
    outcome: str
    before: Value
    wanted: Value
    after: Value
    started_at: datetime
    settled_at: datetime | None
    by: Annotated[str | None, Field(description="Null for a former user.")]
    page: str


class ChangePage(ApiModel):
    """A page of changes."""

    data: list[ChangeResource]
    next_cursor: str | None


router = Router(auth=BearerToken(FIELDWORK), tags=["changes"])


@router.get("/changes", response=ChangePage, operation_id="listChanges")
def list_changes(
    request: HttpRequest,
    *,
    cursor: Cursor = None,
    limit: Limit = ROWS,
    project: Annotated[
        int | None, Query(ge=1, le=10**18 - 1, description="And its groups.")
    ] = None,
    group: KeyFilter = None,
) -> HttpResponse:
    """List the changes that people made in Fieldwatch, newest first."""
    rows = EditQuerySet(Edit).visible_to(current_user(request)).select_related("by")
    if project is not None:
        rows = rows.in_project(project)
    if group is not None:
        rows = rows.filter(group=group)
    page, next_cursor = rows_after(request, rows, cursor, limit, newest_first=True)
    versions = [(edit.pk, edit.state, edit.settled_at, edit.after, str(edit.by)) for edit in page]
    etag = etag_of_rows(request, [*versions, next_cursor])
    if unchanged := not_modified(request, etag):
        return unchanged
    data = [_change_resource(request, edit) for edit in page]
    return json_answer(ChangePage(data=data, next_cursor=next_cursor), etag)


def _change_resource(request: HttpRequest, edit: Edit) -> ChangeResource:
    def value(stored: Json) -> Json:
        return stored if may_read_spend(request) or edit.kind in WITHOUT_PRICES else None

    states = dict(Edit.State.choices)
    return ChangeResource(
        id=edit.pk,
        account=edit.account_id,
        project=edit.project_id,
        group=edit.group_id,
        kind=edit.kind,
        title=edit.title,
        state=edit.state,
        outcome=str(states.get(Edit.State(edit.state), edit.state)),
        before=value(edit.before),
        wanted=value(edit.wanted),
        after=value(edit.after),
        started_at=edit.started_at,
        settled_at=edit.settled_at,
        by=str(edit.by) if edit.by else None,
        page=page_address("made", edit.pk),
    )
