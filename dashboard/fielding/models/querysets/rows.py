"""Every read of the tables, as QuerySet methods.

Each page asks for what the signed-in person may see; an object of somebody else's account is as
absent as one that never was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Self

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
from django.db.models.functions import Coalesce, NullIf

from dashboard.fielding.domain.scope import OPEN_STATUSES
from dashboard.fielding.models.querysets.expressions import (
    LINE,
    OPEN_INCIDENT,
    WRITER,
    account_version_token,
    actor_name,
    all_of,
    full_name,
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
    from dashboard.fielding.models import User


class VisibleQuerySet(models.QuerySet[Any]):
    """Rows that belong to an exchange account."""

    def visible_to(self, user: User | Param) -> Self:
        """The rows of the accounts that this person is a member of."""
        return self.filter(account__memberships__user=user)

    def managed_by(self, me: Mapping[int, str]) -> Self:
        """Those whose project manager is this person, by their id on each account."""
        known = [Q(account=pk, project_manager_id=name) for pk, name in me.items() if name]
        return self.filter(reduce(or_, known)) if known else self.none()


class MembershipQuerySet(models.QuerySet[Any]):
    """What people are on accounts."""

    def stamped(self) -> Self:
        """Each with its account, and texts that change with what lists show of it.

        `oldest` is when the oldest of the numbers that are still read were read.
        """
        return self.select_related("account").annotate(
            stamp=account_version_token(), oldest=oldest_reading()
        )


class NamedQuerySet(VisibleQuerySet):
    """What the exchange gives an id for machines and one for people."""

    def with_ids(self, ids: Sequence[str]) -> Self:
        """Those with one of these human-readable ids or ULIDs, whatever their case."""
        wanted = [one.upper() for one in ids]
        return self.filter(Q(human_readable_id__in=wanted) | Q(exchange_id__in=wanted))


class ProjectQuerySet(NamedQuerySet):
    """Projects."""

    def for_list(self) -> Self:
        """Annotate what a project's groups add up to, their number, and the open incidents.

        The sums are those that the pull worked out (`fielding.figures.project_outlook`). ends_at is
        the latest end date of the groups that are scheduled, live or paused.
        """
        return self.select_related("account").annotate(
            pm_name=pm_of_project(),
            ends_at=latest_among_groups("ends_at", {"status__in": OPEN_STATUSES}),
            groups=per_project("TargetGroup", Count("pk")),
            live=per_project("TargetGroup", Count("pk"), status="live"),
            goal_sum=project_sum("goal"),
            completes_sum=project_sum("completes"),
            short=project_sum("shortfall__1"),
            late_groups=project_sum("short_groups"),
            open_groups=project_sum("open_groups"),
            firing=per_project("Incident", Count("pk"), state__in=OPEN_INCIDENT),
        )

    def managed_by(self, me: Mapping[int, str]) -> Self:
        """Those that this person manages, or has a group in, by their id on each account."""
        theirs = all_of("TargetGroup").filter(project=OuterRef("pk"))
        known = [
            Q(account=pk)
            & (Q(project_manager_id=name) | Exists(theirs.filter(project_manager_id=name)))
            for pk, name in me.items()
            if name
        ]
        return self.filter(reduce(or_, known)) if known else self.none()

    def with_pulse(self) -> Self:
        """Each with a text that changes whenever one of its incidents does."""
        return self.select_related("account").annotate(
            version_token=project_version_token(), pm_name=pm_of_project()
        )

    def marks(self) -> Self:
        """Return rows (version, version token, read at): what shows whether a row changed."""
        rows = self.annotate(version_token=project_version_token())
        return rows.values_list("version", "version_token", "read_at")  # type: ignore[return-value]

    def with_incidents(self) -> Self:
        """Those that have an open incident."""
        return self.filter(Exists(open_incidents().filter(project=OuterRef("pk"))))

    def called(self, text: str) -> Self:
        """Those whose name, human-readable id, reference number or ULID has this text."""
        return self.filter(name_matches(text))


class TargetGroupQuerySet(NamedQuerySet):
    """Target groups."""

    def with_pulse(self) -> Self:
        """Each with its project, and a text that changes with its incidents and edits."""
        return self.select_related("project", "account", "panels").annotate(
            version_token=group_version_token()
        )

    def marks(self) -> Self:
        """Return rows (version, version token, read at): what shows whether a row changed."""
        rows = self.annotate(version_token=group_version_token())
        return rows.values_list("project__version", "version_token", "project__read_at")  # type: ignore[return-value]

    def with_incidents(self) -> Self:
        """Those that have an open incident."""
        return self.filter(Exists(open_incidents().filter(group=OuterRef("pk"))))

    def called(self, text: str) -> Self:
        """Those whose name, human-readable id, reference number or ULID has this text."""
        return self.filter(name_matches(text))

    def for_table(self) -> Self:
        """Each with the names of its project and PM, and its newest note: for `values_list`."""
        return self.annotate(
            project_name=F("project__name"),
            project_read_at=F("project__read_at"),
            pm_name=pm_name(),
            note_text=newest_note("n.text", models.TextField()),
            note_at=newest_note("n.at", models.DateTimeField()),
            note_by=newest_note(WRITER, models.TextField()),
        )


class IncidentQuerySet(VisibleQuerySet):
    """Incidents, for pages."""

    def open(self) -> Self:
        """Those that need a person now: they fired and are not resolved."""
        return self.filter(state__in=OPEN_INCIDENT)

    def of_groups(self) -> Self:
        """The open ones of groups, with what a table says of them, the most urgent first."""
        shown = ("group_id", "severity", "sentence")
        rows = self.open().filter(group__isnull=False).by_urgency()
        return rows.values_list(*shown, named=True)  # type: ignore[return-value]

    def open_or_since(self, moment: datetime) -> Self:
        """Those that need a person now, and those that fired or closed since, open ones first."""
        lately = Q(fired_at__gte=moment) | Q(closed_at__gte=moment, fired_at__isnull=False)
        return self.filter(Q(state__in=OPEN_INCIDENT) | lately).order_by(
            F("closed_at").asc(nulls_first=True), "severity", "fired_at", "pk"
        )

    def told(self) -> Self:
        """With all that a sentence about them names, for `values_list`."""
        seen_by = Coalesce(
            NullIf(full_name("acknowledged_by"), Value("")), "acknowledged_by__username"
        )
        return self.annotate(
            account_name=F("account__name"),
            project_name=F("project__name"),
            group_name=F("group__name"),
            group_status=F("group__status"),
            short=F("group__short_at_end"),
            ends_at=F("group__ends_at"),
            seen_by=seen_by,
        )

    def by_urgency(self) -> Self:
        """Critical first; among equals, the longest open."""
        return self.order_by("severity", F("fired_at").asc(nulls_last=True), "pk")


class ExchangeUserQuerySet(VisibleQuerySet):
    """People as the exchange names them."""


class MailQuerySet(models.QuerySet[Any]):
    """Mails, for pages."""

    def to(self, user: User) -> Self:
        """Those that were written to this person, newest first.

        Without the confirmations of addresses: they went to an address that may be another's.
        """
        ours = Q(account=None) | Q(account__memberships__user=user)
        rows = self.filter(ours, recipient=user).exclude(purpose="address")
        return rows.defer("sealed").order_by("-created_at", "-pk")


class ChangeQuerySet(VisibleQuerySet):
    """The exchange's changelog."""

    def newest(self) -> Self:
        """Newest first; changes of one moment in the order of the changelog."""
        return self.order_by("-occurred_at", "-batch_id", "position")

    def brief(self) -> Self:
        """As rows, with no more than a line about each takes."""
        return self.values_list(*LINE, named=True)  # type: ignore[return-value]

    def named(self) -> Self:
        """Newest first, each with the names of its group and of who did it."""
        return self.newest().annotate(group_name=F("group__name"), actor_name=actor_name())


class EditQuerySet(VisibleQuerySet):
    """Edits made through Fieldwatch."""

    def newest(self) -> Self:
        """Newest first, with who made them."""
        return self.select_related("by").order_by("-started_at", "-pk")

    def brief(self) -> Self:
        """With no more than a line about each takes."""
        who = ("by__first_name", "by__last_name", "by__username")
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
            *who,
        )

    def of_projects(self) -> Self:
        """Each with the project that it, or its group, is of."""
        return self.annotate(
            of_project=Coalesce("project", "group__project"),
            project_name=Coalesce("project__name", "group__project__name"),
        )


class NoteQuerySet(models.QuerySet[Any]):
    """Notes on groups."""

    def newest(self) -> Self:
        """Newest first, with who wrote them."""
        return self.select_related("by").order_by("-at", "-pk")


class WebhookEventQuerySet(models.QuerySet[Any]):
    """What webhooks told."""

    def kinds_since(self, moment: datetime) -> dict[str, int]:
        """How many events of each kind came after `moment`, the most frequent first."""
        kinds = self.filter(received_at__gte=moment).values_list("kind")
        return dict(kinds.annotate(Count("pk")).order_by("-pk__count", "kind"))


class WebhookRefusalQuerySet(models.QuerySet[Any]):
    """Deliveries that were refused."""

    def reasons_since(self, moment: datetime) -> dict[str, int]:
        """How many were refused for each reason in the hours from `moment` on."""
        reasons = self.filter(hour__gte=moment).values_list("reason")
        return dict(reasons.annotate(Sum("times")).order_by("-times__sum", "reason"))
