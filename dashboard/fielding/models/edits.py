"""Every change that a person made through Fieldwatch, how it ended, and what advice came to."""

from __future__ import annotations

from django.db import models

from dashboard.fielding.models.exchange import ExchangeAccount
from dashboard.fielding.models.fields import amount_field
from dashboard.fielding.models.groups import Project, TargetGroup
from dashboard.fielding.models.people import User
from dashboard.fielding.models.querysets.rows import EditQuerySet


class Edit(models.Model):
    """A change: of the exchange's, committed before it is sent and settled by reading back; or of
    what is ours alone (budget, client CPI, time zone), settled at once. Of a group, or of a whole
    project. What cannot be read back is ended by a person who looked: given up, by whom and when.

    What is new is a change of the account until it is there, then of what it became.
    """

    class Kind(models.TextChoices):
        """What can be edited."""

        CPI = "cpi", "CPI"
        FILLING_STRATEGY = "filling_strategy", "Filling strategy"
        RE_ENTRY = "re_entry", "Re-entry"
        DETAILS = "details", "Details"
        DATES = "dates", "Fielding dates"
        GOALS = "goals", "Goals"
        ASSISTANT = "assistant", "Fielding assistant"
        BUDGET = "budget", "Budget"
        CLIENT_CPI = "client_cpi", "Client CPI"
        TIME_ZONE = "time_zone", "Time zone"
        # By a job of the exchange, for one group or many.
        STATUS = "status", "Status"
        MANAGER = "manager", "Project manager"
        DRAFT = "draft", "Draft"
        NEW_PROJECT = "new_project", "New project"
        NEW_DRAFT = "new_draft", "New draft"
        LAUNCH = "launch", "Launch"

    class State(models.TextChoices):
        """How far an edit is; the first two are not the end."""

        SENDING = "sending", "sending"
        UNKNOWN = "unknown", "unconfirmed"
        CONFIRMED = "confirmed", "confirmed"
        REJECTED = "rejected", "refused by Cint"
        CONFLICT = "conflict", "changed by someone else"
        GIVEN_UP = "given_up", "abandoned"

    OPEN = (State.SENDING, State.UNKNOWN)

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="edits")
    # Either a group or, for what a project has of its own, that project; neither while it is made.
    group = models.ForeignKey(TargetGroup, models.CASCADE, null=True, related_name="edits")
    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="edits")
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="edits")
    kind = models.CharField(max_length=32)  # a `Kind`; without choices, a new one is no migration
    # Made when the form was opened: one form, one PUT, however often it is sent. Where the exchange
    # takes an idempotency key (a project, a launch), it is this.
    token = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=10, choices=State, default=State.SENDING)
    before = models.JSONField(null=True)  # null: the exchange did not say
    wanted = models.JSONField(null=True)  # null: taken away, as a budget can be
    after = models.JSONField(null=True)
    reasons = models.JSONField(default=list)  # [{name, reason}], the exchange's or ours
    # The exchange's id of what it was asked for: the job of a launch, the project that is made.
    asked_id = models.CharField(max_length=64, blank=True, default="", db_default="")
    # Whether the request went out and may have arrived, and whether the exchange said that it took
    # it; null where nobody noted it.
    sent = models.BooleanField(null=True)
    taken = models.BooleanField(null=True)
    # Whether the value that was wanted may still be read from before: reading it proves little.
    was_so = models.BooleanField(null=True)
    # Since when readings show `after`, one after another.
    after_since = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    checks = models.PositiveSmallIntegerField(default=0)
    settled_at = models.DateTimeField(null=True)
    given_up_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    check_at = models.DateTimeField(null=True)

    objects = EditQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(group=None) | models.Q(project=None), name="edit_of_one_at_most"
            ),
            models.UniqueConstraint(
                fields=["group", "kind"],
                name="edit_one_at_a_time",
                condition=models.Q(state__in=["sending", "unknown"]),
            ),
            models.UniqueConstraint(
                fields=["group"],
                name="edit_made_one_group",
                condition=models.Q(kind="new_draft"),
            ),
        ]
        indexes = [
            models.Index(fields=["group", "-started_at"], name="edit_group_time"),
            models.Index(fields=["settled_at"], name="edit_settled"),
            models.Index(
                fields=["check_at"],
                name="edit_unsettled",
                condition=models.Q(state__in=["sending", "unknown"]),
            ),
        ]

    @property
    def is_scheduling(self) -> bool:
        """Whether it launches a draft at its start, not at once."""
        wanted = self.wanted if isinstance(self.wanted, dict) else {}
        return self.kind == self.Kind.LAUNCH and wanted.get("status") == "scheduled"

    @property
    def title(self) -> str:
        """What it changes, in words."""
        return "Schedule" if self.is_scheduling else self.kind_label

    @property
    def kind_label(self) -> str:
        """Its kind in words."""
        return str(self.Kind(self.kind).label) if self.kind in self.Kind else self.kind

    @property
    def of(self) -> TargetGroup | Project | None:
        """What it is a change of; None while it is being made."""
        return self.group or self.project

    @property
    def is_settled(self) -> bool:
        """Whether it is known how this ended."""
        return self.state not in self.OPEN

    def __str__(self) -> str:
        return f"{self.kind} of {self.group_id or self.project_id}: {self.state}"


class AdviceRecord(models.Model):
    """Advice on a CPI that was followed: what it foretold, and what came.

    an_hour: completes an hour from the raise on; ratio: those over what today's CPI would bring;
    low, middle and high are p10, p50 and p90. Money is in `currency`. settled_at: when what came
    was known; closed_at: when the final cost was.
    """

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="advice_records")
    group = models.ForeignKey(TargetGroup, models.CASCADE, related_name="advice_records")
    edit = models.OneToOneField(Edit, models.SET_NULL, null=True, related_name="advice_record")
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=40)  # a `PlanKind`
    followed_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    goal = models.PositiveIntegerField()
    completes = models.PositiveIntegerField()  # when it was followed
    currency = models.CharField(max_length=3)
    old_cpi = amount_field()
    new_cpi = amount_field()
    an_hour_low = models.FloatField()
    an_hour_middle = models.FloatField()
    an_hour_high = models.FloatField()
    ratio_low = models.FloatField()
    ratio_high = models.FloatField()
    chance = models.FloatField()
    cost_low = amount_field(max_digits=18)
    cost_middle = amount_field(max_digits=18)
    cost_high = amount_field(max_digits=18)
    cost_at_goal = amount_field(max_digits=18)

    settled_at = models.DateTimeField(null=True, db_index=True)
    an_hour_seen = models.FloatField(null=True)
    ratio_seen = models.FloatField(null=True)
    is_held = models.BooleanField(null=True)  # whether `an_hour_seen` is within the range
    closed_at = models.DateTimeField(null=True)
    is_goal_met = models.BooleanField(null=True)
    cost_seen = amount_field(max_digits=18)

    class Meta:
        indexes = [
            models.Index(fields=["account", "-followed_at"], name="advice_account_time"),
            models.Index(
                fields=["followed_at"], name="advice_open", condition=models.Q(closed_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.group_id} at {self.followed_at:%Y-%m-%d %H:%M}Z"
