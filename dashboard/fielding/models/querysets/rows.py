"""The reads of the tables as QuerySet methods.

Pages select only rows that the signed-in person may see: an object of another account looks the
same as one that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import models
from django.db.models import (
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce

from dashboard.fielding.domain.scope import OPEN_STATUSES
from dashboard.fielding.models.querysets.expressions import (
    BEHIND_PACE,
    LINE,
    OPEN_INCIDENT,
    WRITER,
    account_version_token,
    actor_name,
    all_of,
    earliest_check,
    group_version_token,
    latest_among_groups,
    name_matches,
    newest_note,
    oldest_reading,
    open_incidents,
    per_project,
    pm_name,
    pm_of_project,
    project_sum,
    project_version_token,
)

if TYPE_CHECKING:
    from dashboard.fielding.compiled_queries import Param

    # Ruff does not see the names in the subscripts of base classes.
    from dashboard.fielding.models.alerts import Incident, Mail  # noqa: F401
    from dashboard.fielding.models.edits import Edit
    from dashboard.fielding.models.exchange import ExchangeUser  # noqa: F401
    from dashboard.fielding.models.groups import Project, TargetGroup  # noqa: F401
    from dashboard.fielding.models.history import Change, PriceChange  # noqa: F401
    from dashboard.fielding.models.notes import Note  # noqa: F401
    from dashboard.fielding.models.people import Membership, User  # noqa: F401
    from dashboard.fielding.models.webhooks import WebhookEvent, WebhookRefusal  # noqa: F401

M = TypeVar("M", bound=models.Model)


# Any: of projects or of groups.
VersionRows = models.QuerySet[
    Any, tuple[int, str, datetime | None, datetime | None, int, datetime | None]
]


class VisibleQuerySet(models.QuerySet[M]):
    """Rows that belong to an exchange account."""

    def visible_to(self, user: User | Param) -> Self:
        """Return the rows of the accounts that this person is a member of."""
        return self.filter(account__memberships__user=user)

    def managed_by(self, exchange_ids: Mapping[int, str]) -> Self:
        """Return those with this project manager, given by exchange id for each account."""
        managed = [
            Q(account=account, project_manager_id=exchange_id)
            for account, exchange_id in exchange_ids.items()
            if exchange_id
        ]
        return self.filter(reduce(or_, managed)) if managed else self.none()


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Roles of people on accounts."""

    def with_version_token(self) -> Self:
        """Annotate `stamp`, a text that changes with the account's lists, and `oldest`.

        oldest: when the least recently read of the polled projects was read.
        """
        return self.select_related("account").annotate(
            stamp=account_version_token(), oldest=oldest_reading()
        )


class NamedQuerySet(VisibleQuerySet[M]):
    """Rows with an id for machines and an id for people."""

    def with_ids(self, ids: Sequence[str]) -> Self:
        """Return those with one of these human-readable ids or ULIDs, in any case."""
        upper_ids = [id_.upper() for id_ in ids]
        return self.filter(Q(human_readable_id__in=upper_ids) | Q(exchange_id__in=upper_ids))


class ProjectQuerySet(NamedQuerySet["Project"]):
    """Projects."""

    def for_list(self) -> Self:
        """Annotate what a project's groups add up to, their number, and the open incidents.

        The sums are those that the pull worked out (`fielding.figures.project_outlook`). ends_at is
        the latest end date of the listed groups that are scheduled, live or paused.
        """
        return self.select_related("account").annotate(
            pm_name=pm_of_project(),
            ends_at=latest_among_groups(
                "ends_at", {"status__in": OPEN_STATUSES, "missing_since": None}
            ),
            groups=per_project("TargetGroup", Count("pk")),
            live=per_project("TargetGroup", Count("pk"), status="live", missing_since=None),
            goal_sum=project_sum("goal"),
            completes_sum=project_sum("completes"),
            short=project_sum("shortfall__1"),
            missing_in_paused=project_sum("paused"),
            late_groups=project_sum("short_groups"),
            open_groups=project_sum("open_groups"),
            firing=per_project("Incident", Count("pk"), state__in=OPEN_INCIDENT),
        )

    def managed_by(self, exchange_ids: Mapping[int, str]) -> Self:
        """Return those that this person manages or has a group in, by id on each account."""
        groups = all_of("TargetGroup").filter(project=OuterRef("pk"))
        managed = [
            Q(account=account)
            & (
                Q(project_manager_id=exchange_id)
                | Exists(groups.filter(project_manager_id=exchange_id))
            )
            for account, exchange_id in exchange_ids.items()
            if exchange_id
        ]
        return self.filter(reduce(or_, managed)) if managed else self.none()

    def with_version_token(self) -> Self:
        """Annotate `version_token`, a text that changes with the project's incidents and items."""
        return self.select_related("account").annotate(
            version_token=project_version_token(), pm_name=pm_of_project()
        )

    def version_rows(self) -> VersionRows:
        """Return rows of what shows whether a project changed, and whether its work is late.

        Columns: version, version token, read at, due at, urgency, and null.
        """
        no_check = Value(None, output_field=models.DateTimeField(null=True))
        rows = self.annotate(version_token=project_version_token(), check_due_at=no_check)
        return rows.values_list(
            "version", "version_token", "read_at", "due_at", "urgency", "check_due_at"
        )

    def with_incidents(self) -> Self:
        """Return those with an open incident."""
        return self.filter(Exists(open_incidents().filter(project=OuterRef("pk"))))

    def matching(self, text: str) -> Self:
        """Return those whose name, human-readable id, reference number or ULID contains a text."""
        return self.filter(name_matches(text))


class TargetGroupQuerySet(NamedQuerySet["TargetGroup"]):
    """Target groups."""

    def with_version_token(self) -> Self:
        """Annotate `version_token`, a text that changes with the group's incidents and edits.

        And `check_due_at`, when the next check of its open edits is due.
        """
        return self.select_related("project", "account", "panels").annotate(
            version_token=group_version_token(), check_due_at=earliest_check()
        )

    def version_rows(self) -> VersionRows:
        """Return rows of what shows whether a group changed, and whether its work is late.

        Columns: those of its project, and when the next check of its open edits is due.
        """
        rows = self.annotate(version_token=group_version_token(), check_due_at=earliest_check())
        return rows.values_list(
            "project__version",
            "version_token",
            "project__read_at",
            "project__due_at",
            "project__urgency",
            "check_due_at",
        )

    def with_incidents(self) -> Self:
        """Return those with an open incident."""
        return self.filter(Exists(open_incidents().filter(group=OuterRef("pk"))))

    def behind_pace(self) -> Self:
        """Return the live ones that have fewer completes than expected by now."""
        return self.filter(status="live", insight__pace__band__in=BEHIND_PACE)

    def matching(self, text: str) -> Self:
        """Return those whose name, human-readable id, reference number or ULID contains a text."""
        return self.filter(name_matches(text))

    def for_table(self) -> Self:
        """Annotate the names of the project and PM and the newest note, for `values_list`."""
        return self.annotate(
            project_name=F("project__name"),
            project_read_at=F("project__read_at"),
            pm_name=pm_name(),
            note_text=newest_note("n.text", models.TextField()),
            note_at=newest_note("n.at", models.DateTimeField()),
            note_by=newest_note(WRITER, models.TextField()),
        )


class IncidentQuerySet(VisibleQuerySet["Incident"]):
    """Incidents, for pages."""

    def open(self) -> Self:
        """Return those that have fired and are not resolved."""
        return self.filter(state__in=OPEN_INCIDENT)

    def of_groups(self) -> Self:
        """Return rows of the open incidents of groups, the most urgent first."""
        columns = ("group_id", "severity", "sentence", "item__critical")
        rows = self.open().filter(group__isnull=False).by_urgency()
        return rows.values_list(*columns, named=True)  # type: ignore[return-value]

    def by_urgency(self) -> Self:
        """Order by severity, then the longest open first."""
        return self.order_by("severity", F("fired_at").asc(nulls_last=True), "pk")


class ExchangeUserQuerySet(VisibleQuerySet["ExchangeUser"]):
    """People as the exchange names them."""


class MailQuerySet(models.QuerySet["Mail"]):
    """Mails, for pages."""

    def to(self, user: User) -> Self:
        """Return the mails to this person, newest first.

        Confirmations of addresses are left out: the address can be another person's. So are the
        statuses that they share, which go to clients.
        """
        is_visible = Q(account=None) | Q(account__memberships__user=user)
        rows = self.filter(is_visible, recipient=user).exclude(purpose__in=("address", "status"))
        return rows.defer("sealed").order_by("-created_at", "-pk")


class ChangeQuerySet(VisibleQuerySet["Change"]):
    """The exchange's changelog."""

    def newest(self) -> Self:
        """Order newest first; changes of the same time in the order of the changelog."""
        return self.order_by("-occurred_at", "-batch_id", "position")

    def for_lines(self) -> Self:
        """Return rows with only the columns that a line about a change needs."""
        return self.values_list(*LINE, named=True)  # type: ignore[return-value]

    def named(self) -> Self:
        """Annotate the names of the group and the actor, newest first."""
        return self.newest().annotate(group_name=F("group__name"), actor_name=actor_name())


class EditQuerySet(VisibleQuerySet["Edit"]):
    """Edits made through Fieldwatch."""

    def newest(self) -> Self:
        """Order newest first, with who made them."""
        return self.select_related("by").order_by("-started_at", "-pk")

    def for_lines(self) -> Self:
        """Load only the columns that a line about an edit needs."""
        user_columns = ("by__first_name", "by__last_name", "by__username")
        return self.only(
            "group_id",
            "project_id",
            "kind",
            "state",
            "before",
            "wanted",
            "after",
            "reasons",
            "started_at",
            "settled_at",
            *user_columns,
        )

    def of_projects(self) -> Self:
        """Annotate `of_project`, the project of each edit or of its group."""
        return self.annotate(of_project=Coalesce("project", "group__project"))

    def in_project(self, project_id: int) -> Self:
        """Return the edits of a project and of its groups."""
        rows = self.annotate(of_project=Coalesce("project", "group__project"))
        return rows.filter(of_project=project_id)

    def people_and_projects(
        self,
    ) -> models.QuerySet[Edit, tuple[str, str, str, int | None, str | None]]:
        """Return distinct rows (username, first name, last name, project id, project name)."""
        rows = self.annotate(
            of_project=Coalesce("project", "group__project"),
            project_name=Coalesce("project__name", "group__project__name"),
        ).order_by()
        return rows.values_list(
            "by__username", "by__first_name", "by__last_name", "of_project", "project_name"
        ).distinct()


class PriceChangeQuerySet(VisibleQuerySet["PriceChange"]):
    """Changes of price with what followed them."""

    def made_by(self, user: User, exchange_ids: Mapping[int, str]) -> Self:
        """Return those that a person made: in Fieldwatch, or as a user of the exchange."""
        made_there = [
            Q(account=account, by=None, actor_id=exchange_id)
            for account, exchange_id in exchange_ids.items()
            if exchange_id
        ]
        return self.filter(reduce(or_, made_there, Q(by=user)))

    def of_managed_groups(self, exchange_ids: Mapping[int, str]) -> Self:
        """Return those of the groups that this person manages, by exchange id on each account."""
        managed = [
            Q(account=account, group__project_manager_id=exchange_id)
            for account, exchange_id in exchange_ids.items()
            if exchange_id
        ]
        return self.filter(reduce(or_, managed)) if managed else self.none()

    def newest(self) -> Self:
        """Order newest first, with group, project, who made the change, and what was foretold."""
        related = self.select_related("group__project", "by", "edit__advice_record")
        return related.order_by("-at", "-pk")


class NoteQuerySet(models.QuerySet["Note"]):
    """Notes on groups."""

    def newest(self) -> Self:
        """Order newest first, with who wrote them."""
        return self.select_related("by").order_by("-at", "-pk")


class WebhookEventQuerySet(models.QuerySet["WebhookEvent"]):
    """Events delivered by webhook."""

    def kinds_since(self, moment: datetime) -> dict[str, int]:
        """Return the number of events by kind since a time, the most frequent first."""
        kinds = self.filter(received_at__gte=moment).values_list("kind")
        return dict(kinds.annotate(Count("pk")).order_by("-pk__count", "kind"))


class WebhookRefusalQuerySet(models.QuerySet["WebhookRefusal"]):
    """Refused deliveries."""

    def reasons_since(self, moment: datetime) -> dict[str, int]:
        """Return the number of refusals by reason in the hours since a time."""
        reasons = self.filter(hour__gte=moment).values_list("reason")
        return dict(reasons.annotate(Sum("times")).order_by("-times__sum", "reason"))
