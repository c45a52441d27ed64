"""Every read of the tables, as QuerySet methods.

Each page asks for what the signed-in person may see; an object of somebody else's account is as
absent as one that never was.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db import models
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Concat

if TYPE_CHECKING:
    from dashboard.fielding.models import Project, User

# An incident needs a person from its firing until it is resolved.
OPEN_INCIDENT = ("firing", "recovering")


class VisibleQuerySet(models.QuerySet[Any]):
    """Rows that belong to an exchange account."""

    def visible_to(self, user: User) -> Self:
        """The rows of the accounts that this person is a member of."""
        return self.filter(account__memberships__user=user)


class ProjectQuerySet(VisibleQuerySet):
    """Projects."""

    def for_list(self) -> Self:
        """Each with its groups, live ones, completes short at the end, and open incidents."""
        return self.select_related("account").annotate(
            groups=_per_project("TargetGroup", Count("pk")),
            live=_per_project("TargetGroup", Count("pk"), status="live"),
            short=_per_project("TargetGroup", Sum("short_at_end")),
            firing=_per_project("Incident", Count("pk"), state__in=OPEN_INCIDENT),
        )

    def with_pulse(self) -> Self:
        """Each with a text that changes whenever one of its incidents does."""
        mine = {"project": OuterRef("pk")}
        pulse = _stamp("Incident", mine, "fired_at", "closed_at", "acknowledged_at")
        return self.select_related("account").annotate(pulse=pulse)

    def versions(self) -> dict[str, Any]:
        """What changes whenever one of these projects does, and the age of the oldest numbers."""
        return self.aggregate(number=Count("pk"), version=Sum("version"), read_at=Min("read_at"))

    def with_incidents(self) -> Self:
        """Those that have an open incident."""
        return self.filter(Exists(_open_incidents().filter(project=OuterRef("pk"))))

    def called(self, text: str) -> Self:
        """Those whose name, human-readable id, reference number or ULID has this text."""
        return self.filter(_called(text))


class TargetGroupQuerySet(VisibleQuerySet):
    """Target groups."""

    def with_pulse(self) -> Self:
        """Each with its project, and a text that changes with its incidents and edits."""
        mine = {"group": OuterRef("pk")}
        return self.select_related("project", "account").annotate(
            pulse=Concat(
                _stamp("Incident", mine, "fired_at", "closed_at", "acknowledged_at"),
                _stamp("Edit", mine, "started_at", "settled_at"),
            )
        )

    def with_incidents(self) -> Self:
        """Those that have an open incident."""
        return self.filter(Exists(_open_incidents().filter(group=OuterRef("pk"))))

    def called(self, text: str) -> Self:
        """Those whose name, human-readable id, reference number or ULID has this text."""
        return self.filter(_called(text))


class IncidentQuerySet(VisibleQuerySet):
    """Incidents, for pages."""

    def open(self) -> Self:
        """Those that need a person now: they fired and are not resolved."""
        return self.filter(state__in=OPEN_INCIDENT)

    def open_or_since(self, moment: datetime) -> Self:
        """Those that need a person now, and those that fired or closed since, open ones first."""
        lately = Q(fired_at__gte=moment) | Q(closed_at__gte=moment, fired_at__isnull=False)
        return self.filter(Q(state__in=OPEN_INCIDENT) | lately).order_by(
            F("closed_at").asc(nulls_first=True), "severity", "fired_at", "pk"
        )

    def told(self) -> Self:
        """With all that a sentence about them names."""
        return self.select_related("account", "project", "group", "acknowledged_by")

    def pulse(self) -> dict[str, Any]:
        """What changes whenever one of these incidents does."""
        moments = ("fired_at", "clear_since", "closed_at", "acknowledged_at")
        return self.aggregate(number=Count("pk"), **{name: Max(name) for name in moments})

    def by_urgency(self) -> Self:
        """Critical first; among equals, the longest open."""
        return self.order_by("severity", F("fired_at").asc(nulls_last=True), "pk")


class ExchangeUserQuerySet(VisibleQuerySet):
    """People as the exchange names them."""


class MailQuerySet(models.QuerySet[Any]):
    """Mails, for pages."""

    def to(self, user: User) -> Self:
        """Those that were written to this person, newest first."""
        ours = Q(account=None) | Q(account__memberships__user=user)
        return self.filter(ours, recipient=user).order_by("-created_at", "-pk")


class ChangeQuerySet(VisibleQuerySet):
    """The exchange's changelog."""

    def newest(self) -> Self:
        """Newest first; changes of one moment in the order of the changelog."""
        return self.order_by("-occurred_at", "-batch_id", "position")


class EditQuerySet(VisibleQuerySet):
    """Edits made through Fieldwatch."""

    def of_project(self, project: Project) -> Self:
        """Those of a project itself, and of its groups."""
        return self.filter(Q(project=project) | Q(group__project=project))

    def newest(self) -> Self:
        """Newest first, with who made them."""
        return self.select_related("by").order_by("-started_at", "-pk")


class NoteQuerySet(models.QuerySet[Any]):
    """Notes on groups."""

    def newest(self) -> Self:
        """Newest first, with who wrote them."""
        return self.select_related("by").order_by("-at", "-pk")


class ReadingQuerySet(models.QuerySet[Any]):
    """Readings of figures."""

    def since(self, moment: datetime) -> Self:
        """Those after a moment, in order of time."""
        return self.filter(at__gte=moment).order_by("at")


class CompletesDayQuerySet(models.QuerySet[Any]):
    """Stored days of completes."""

    def since(self, moment: datetime) -> Self:
        """Days that may hold points after `moment`, in order."""
        return self.filter(day__gte=moment.date()).order_by("day")


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


def _per_project(model: str, aggregate: Count | Sum, **only: Any) -> Coalesce:
    """An aggregate over a project's rows of a model, as a subquery: joins would multiply rows."""
    rows = _rows(model).filter(project=OuterRef("pk"), **only)
    summed = rows.order_by().values("project").annotate(figure=aggregate).values("figure")
    return Coalesce(Subquery(summed), 0, output_field=models.FloatField())


def _rows(model: str) -> models.QuerySet[Any]:
    """All rows of a model, by its name: the models import this module."""
    rows: models.QuerySet[Any] = apps.get_model("fielding", model)._default_manager.all()
    return rows


def _stamp(model: str, of: dict[str, OuterRef], *moments: str) -> Coalesce:
    """A text that changes whenever one of these rows comes, or one of its moments moves."""
    parts: list[Any] = [Count("pk")]
    for moment in moments:
        parts += [Value("|"), Max(moment)]
    rows = _rows(model).filter(**of).order_by().values(*of)
    stamped = rows.annotate(stamp=Concat(*parts, output_field=models.TextField()))
    return Coalesce(Subquery(stamped.values("stamp")), Value(""), output_field=models.TextField())


def _open_incidents() -> models.QuerySet[Any]:
    return _rows("Incident").filter(state__in=OPEN_INCIDENT)


def _called(text: str) -> Q:
    return (
        Q(name__icontains=text)
        | Q(human_readable_id__iexact=text)
        | Q(reference_number__icontains=text)
        | Q(exchange_id__iexact=text)
    )
