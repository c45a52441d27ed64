"""Projects and target groups, as the exchange last described them and expects them to fill."""

from __future__ import annotations

from django.db import models

from dashboard.fielding.models.exchange import ExchangeAccount
from dashboard.fielding.models.fields import Document, amount_field, foreign_id, rate_field
from dashboard.fielding.models.querysets.rows import ProjectQuerySet, TargetGroupQuerySet


class Project(models.Model):
    """A project: the folder of its target groups, and the unit of polling."""

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="projects")
    exchange_id = foreign_id()
    human_readable_id = models.CharField(max_length=16, blank=True, default="")
    name = models.TextField()
    reference_number = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(max_length=32)
    project_manager_id = foreign_id(blank=True, default="")
    group_count = models.PositiveIntegerField(default=0)
    filling_goal = models.PositiveIntegerField(null=True)
    completes = models.PositiveIntegerField(null=True)
    prescreens = models.PositiveIntegerField(null=True)
    incidence_rate = rate_field()
    median_loi_seconds = models.PositiveIntegerField(null=True)
    conversion_rate = rate_field()
    drop_off_rate = rate_field()
    last_activity_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(null=True)
    missing_since = models.DateTimeField(null=True)
    # Ours: what all of its groups of this currency may cost.
    budget = amount_field()
    budget_currency = models.CharField(max_length=3, blank=True, default="", db_default="")

    # Ours: what the client pays per complete, of the groups in this currency for which Cint has no
    # client CPI.
    client_cpi = amount_field()
    client_cpi_currency = models.CharField(max_length=3, blank=True, default="", db_default="")

    # The plan of polling: when it is due, and who is at it. `read_at` dates the numbers of every
    # group of the project: a complete cycle saw them all, changed or not.
    due_at = models.DateTimeField(null=True, db_index=True)
    leased_until = models.DateTimeField(null=True)
    lease = models.CharField(max_length=32, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)  # since the last finished round
    error = models.TextField(blank=True, default="")
    read_at = models.DateTimeField(null=True)
    overviews_at = models.DateTimeField(null=True)  # last sweep of what no list shows
    details_at = models.DateTimeField(null=True)
    # When a webhook last said that a group changed.
    webhook_changed_at = models.DateTimeField(null=True)
    urgency = models.PositiveSmallIntegerField(default=2, db_default=2)  # `sync.plan`; 0 first
    # A pass over its groups that took more than a turn: where it has come to, and when it began.
    pass_cursor = foreign_id(blank=True, default="", db_default="")
    pass_started_at = models.DateTimeField(null=True)
    # What its groups add up to, worked out with each pull: see `fielding.figures`.
    outlook = Document(null=True)
    # Grows with every write to the project or its groups: the pages' ETag.
    version = models.PositiveBigIntegerField(default=0)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "exchange_id"], name="project_once"),
        ]
        indexes = [models.Index(fields=["urgency", "due_at"], name="project_turn")]

    def __str__(self) -> str:
        return self.name


class TargetGroup(models.Model):
    """One audience with its goal, price and fielding period. Null: the exchange did not say."""

    class Status(models.TextChoices):
        """The statuses that we know; others are kept and shown as they came."""

        DRAFT = "draft", "Draft"
        SCHEDULED = "scheduled", "Scheduled"
        LIVE = "live", "Live"
        PAUSED = "paused", "Paused"
        COMPLETED = "completed", "Completed"
        ARCHIVED = "archived", "Archived"

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="target_groups")
    project = models.ForeignKey(Project, models.CASCADE, related_name="target_groups")
    exchange_id = foreign_id()
    human_readable_id = models.CharField(max_length=16, blank=True, default="", db_index=True)
    name = models.TextField()
    reference_number = models.CharField(max_length=200, blank=True, default="")
    status = models.CharField(max_length=32)
    locale = models.CharField(max_length=16, blank=True, default="")
    country_code = models.CharField(max_length=2, blank=True, default="")
    language_code = models.CharField(max_length=3, blank=True, default="")
    time_zone = models.CharField(max_length=64, blank=True, default="")  # overrides the country's
    project_manager_id = foreign_id(blank=True, default="")
    # Whether it takes part in its project's exclusion, which only the list tells.
    exclusion_enabled = models.BooleanField(null=True)
    created_at = models.DateTimeField(null=True)

    # From the list: progress and quality, each life to date.
    completes = models.PositiveIntegerField(null=True)
    prescreens = models.PositiveIntegerField(null=True)
    filling_goal = models.PositiveIntegerField(null=True)
    filling_strategy = models.CharField(max_length=32, blank=True, default="")
    last_complete_at = models.DateTimeField(null=True)
    incidence_rate = rate_field()
    drop_off_rate = rate_field()
    conversion_rate = rate_field()
    median_loi_seconds = models.PositiveIntegerField(null=True)
    epc = amount_field()
    epcm = amount_field()
    average_cpi = amount_field()
    issues = Document(default=dict)  # {figure: [{type, code, text, suggestions}]}
    exchange_updated_at = models.DateTimeField(null=True)
    # What the list row said, to compare without decoding; statistics need not move `updated_at`.
    row_hash = models.BinaryField(max_length=16, default=b"")

    # From overview and performance.
    pricing_model = models.CharField(max_length=32, blank=True, default="")
    is_pricing_restricted = models.BooleanField(null=True)
    cpi = amount_field()
    cost = amount_field(max_digits=18)
    currency = models.CharField(max_length=3, blank=True, default="")
    entrants = models.PositiveIntegerField(null=True)
    first_complete_at = models.DateTimeField(null=True)
    respondent_analysis = Document(default=list)  # [{status, label, count}], live only

    # From details and the fielding run.
    expected_loi_minutes = models.PositiveSmallIntegerField(null=True)
    expected_incidence_rate = rate_field()
    completes_goal = models.PositiveIntegerField(null=True)
    details = Document(default=dict)  # as the exchange sent them, for forms and drafts
    fielding_run_id = foreign_id(blank=True, default="")
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    re_entry = Document(null=True)
    re_entry_offered = models.BooleanField(null=True)

    # Its one-time survey links ("respondent unique codes"); null where it was never asked for them.
    links_total = models.PositiveIntegerField(null=True)
    links_left = models.PositiveIntegerField(null=True)
    links_read_at = models.DateTimeField(null=True)

    # From the changelog: why and when the status last changed.
    status_reason = models.CharField(max_length=100, blank=True, default="")
    status_changed_at = models.DateTimeField(null=True)
    status_changed_by = models.CharField(max_length=32, blank=True, default="")  # actor type

    budget = amount_field()  # ours: what it may cost, in its own currency

    # Ours, stored by the pull so that lists need no history: see `fielding.insight`.
    insight = Document(default=dict)
    short_at_end = models.FloatField(null=True)
    finish_at = models.DateTimeField(null=True)
    completes_may_fall = models.BooleanField(default=False)

    completes_read_at = models.DateTimeField(null=True)  # when its series was last asked for
    details_read_at = models.DateTimeField(null=True)  # details, dates and re-entry
    # When a webhook said that it changed; null once it was asked since.
    webhook_changed_at = models.DateTimeField(null=True)
    # What webhooks and the changelog lately said: {column: [value, at, until]}; see `sync.fresh`.
    fresh = Document(null=True)
    # What failed or is still to come: when everything is asked (again), and since when it fails.
    retry_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    missing_since = models.DateTimeField(null=True)
    # How new the evidence is that moved it to its project; null where it never moved.
    moved_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")
    # What came of it that drifted from the contract: {answer: {member: what the exchange sent}}.
    unreadable = Document(null=True)
    changed_at = models.DateTimeField(null=True)

    objects = TargetGroupQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "exchange_id"], name="group_once"),
        ]
        indexes = [
            models.Index(fields=["project", "status"], name="group_project_status"),
        ]

    def __str__(self) -> str:
        return self.name


class GroupPanels(models.Model):
    """The quotas and the rate card of a group, as the exchange last told them."""

    group = models.OneToOneField(
        TargetGroup, models.CASCADE, primary_key=True, related_name="panels"
    )
    # [{id, name, quotas, targets: [{id, name, goal, completes, prescreens}]}]
    profiles = Document(default=list)
    # {bound, currency, minutes, percents, prices}; prices in the currency's minor unit
    rate_card = Document(null=True)

    def __str__(self) -> str:
        return f"Sheet of {self.group_id}"


class WhatIfAnswer(models.Model):
    """What the exchange answered about a group with a CPI, dates, LOI, IR and goal."""

    class Outcome(models.TextChoices):
        """What came of the question."""

        ANSWERED = "answered", "Answered"
        REFUSED = "refused", "Refused"  # this question
        NOT_FOUND = "not_found", "Not found"  # the group, or the operation
        FORBIDDEN = "forbidden", "Forbidden"  # the account does not have the operation

    group = models.ForeignKey(TargetGroup, models.CASCADE, related_name="what_if_answers")
    # A hash of the group's state and the values below, as they are with what was changed.
    key = models.CharField(max_length=64)
    cpi = amount_field()
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    loi_minutes = models.PositiveSmallIntegerField(null=True)
    incidence_rate = rate_field()
    completes_goal = models.PositiveIntegerField(null=True)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    reason = models.TextField(blank=True, default="", db_default="")
    answer = Document(null=True)  # a `WhatIfPoint` without its CPI and time
    read_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "key"], name="what_if_once"),
        ]

    def __str__(self) -> str:
        return f"{self.group_id} at {self.cpi}"
