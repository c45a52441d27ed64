"""Actions on a selection of groups: asked for once, carried out by project, told by group."""

from __future__ import annotations

from django.db import models

from dashboard.fielding.models.edits import Edit
from dashboard.fielding.models.groups import Project, TargetGroup
from dashboard.fielding.models.people import User


class Batch(models.Model):
    """One action of one person on groups of one or more projects."""

    class Action(models.TextChoices):
        """What is done: drafts, CPI and end by an edit a group, the rest by a job a project."""

        LAUNCH = "launch", "Launch"
        DRAFTS = "drafts", "Launch drafts"
        PAUSE = "pause", "Pause"
        RESUME = "resume", "Resume"
        RELAUNCH = "relaunch", "Relaunch"
        COMPLETE = "complete", "Complete"
        MANAGER = "manager", "Reassign PM"
        CPI = "cpi", "Change CPI"
        END = "end", "Change end date"

    action = models.CharField(max_length=10, choices=Action)
    # {"manager_id": …}; how a price or an end was given; {"undo": the id of the batch it undoes}
    wanted = models.JSONField(default=dict)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="batches")
    token = models.CharField(max_length=64, unique=True)  # one form, one batch
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)  # when `by` had all its results on screen

    class Meta:
        indexes = [models.Index(fields=["by", "-created_at"], name="batch_of_person")]

    @property
    def title(self) -> str:
        """What is done, in words; drafts that start at their own start are scheduled."""
        own = self.action == self.Action.DRAFTS and self.wanted.get("when") == "own"
        title = "Schedule drafts" if own else self.get_action_display()
        return f"Undo “{title}”" if self.is_undo_of_value else title

    @property
    def undoes(self) -> int | None:
        """The id of the batch that it undoes."""
        pk = self.wanted.get("undo")
        return pk if isinstance(pk, int) else None

    @property
    def is_undo_of_value(self) -> bool:
        """Whether it restores values by the action that set them: CPI, end dates, managers."""
        by_value = (self.Action.CPI, self.Action.END, self.Action.MANAGER)
        return self.undoes is not None and self.action in by_value

    def __str__(self) -> str:
        return f"{self.title} at {self.created_at:%Y-%m-%d %H:%M}Z"


class BatchJob(models.Model):
    """The part of a batch that is one project's; worked at while `check_at` is set."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="jobs")
    project = models.ForeignKey(Project, models.CASCADE, related_name="batch_jobs")
    # The idempotency key: however often the job is sent, the exchange makes one.
    key = models.CharField(max_length=36, unique=True)
    sent_at = models.DateTimeField(null=True)  # committed before it is sent
    exchange_id = models.CharField(max_length=64, blank=True, default="")  # once it was taken
    tries = models.PositiveIntegerField(default=0)  # since it was sent
    error = models.TextField(blank=True, default="")
    # What the exchange last said of its job; empty until it said anything.
    status = models.CharField(max_length=64, blank=True, default="", db_default="")
    # Since when its groups are read back, and how often they were.
    reading_since = models.DateTimeField(null=True)
    looks = models.PositiveIntegerField(default=0, db_default=0)
    # The exchange asked for quiet until then (`Retry-After`).
    wait_until = models.DateTimeField(null=True)
    # Since when its steps fail: there is no request free, or the exchange asks to wait or fails.
    waiting_since = models.DateTimeField(null=True)
    check_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "project"], name="batch_job_a_project"),
        ]
        indexes = [
            models.Index(
                fields=["check_at"],
                name="batch_job_open",
                condition=models.Q(check_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.batch} in {self.project}"


class BatchGroup(models.Model):
    """How a batch went for one group."""

    class State(models.TextChoices):
        """The first is not the end; done is what was read back."""

        WAITING = "waiting", "in progress"
        DONE = "done", "done"
        FAILED = "failed", "refused"
        NOT_SO = "not_so", "not done"  # the exchange holds something else
        UNKNOWN = "unknown", "unconfirmed"

    class Word(models.TextChoices):
        """What the exchange's job says of a group; nothing while it goes on."""

        DONE = "done", "done"
        FAILED = "failed", "failed"
        LEFT_OUT = "left_out", "skipped"

    job = models.ForeignKey(BatchJob, models.CASCADE, related_name="groups")
    group = models.ForeignKey(TargetGroup, models.CASCADE, related_name="batches")
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    reason = models.TextField(blank=True, default="")
    word = models.CharField(
        max_length=8, choices=Word, blank=True, default="", db_default=""
    )  # the job's, which is not the end of it
    seen = models.JSONField(null=True)  # of an edit: what was shown, and what is wanted
    wanted = models.JSONField(null=True)
    edit = models.OneToOneField(Edit, models.SET_NULL, null=True, related_name="batch_group")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "group"], name="batch_group_once"),
        ]

    def __str__(self) -> str:
        return f"{self.group}: {self.state}"
