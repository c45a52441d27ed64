"""What needs a person: rules, incidents, who must be told, and the mails that tell them."""

from __future__ import annotations

from datetime import time

from django.db import models

from dashboard.fielding.models.exchange import ExchangeAccount
from dashboard.fielding.models.fields import amount_field
from dashboard.fielding.models.groups import Project, TargetGroup
from dashboard.fielding.models.people import User
from dashboard.fielding.models.querysets.items import ItemQuerySet
from dashboard.fielding.models.querysets.rows import IncidentQuerySet, MailQuerySet


class Rule(models.Model):
    """A rule as an account, project or group has it, where it differs from what ships.

    An edit makes a new version; incidents of older versions close as superseded.
    """

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="rules")
    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True)
    group = models.ForeignKey(TargetGroup, models.CASCADE, null=True, blank=True)
    scope = models.CharField(max_length=64, default="account")  # account, project:ID or group:ID
    code = models.CharField(max_length=64)
    version = models.PositiveIntegerField(default=1)
    enabled = models.BooleanField(default=True)
    settings = models.JSONField(default=dict)
    edited_by = models.ForeignKey(User, models.SET_NULL, null=True)
    edited_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "scope", "code"], name="rule_once"),
        ]

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"


class Item(models.Model):
    """What one action fixes on one group: the open incidents that share a remedy."""

    class State(models.TextChoices):
        """Where an item is; it closes when its incidents do."""

        TO_DO = "to_do", "to do"
        WAITING = "waiting", "waiting"
        CLOSED = "closed", "closed"

    class Waiting(models.TextChoices):
        """Why an item is out of the to-do list for a while."""

        ACKNOWLEDGED = "acknowledged", "acknowledged"
        ASSIGNED = "assigned", "assigned"
        SNOOZED = "snoozed", "snoozed"

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="items")
    # Empty for an item of a whole project or of a whole account.
    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="items")
    target_group = models.ForeignKey(TargetGroup, models.CASCADE, null=True, related_name="items")
    remedy = models.CharField(max_length=32)  # a key of `alerts.items.remedies.REMEDIES`
    key = models.CharField(max_length=100)  # at most one open item a key
    state = models.CharField(max_length=7, choices=State, default=State.TO_DO)
    sentence = models.TextField()  # of its leading incident, without the name of the group
    incident_count = models.PositiveIntegerField(default=1)
    # Completes that the remedy can still save, and what they cost in the group's currency.
    value = models.FloatField(default=0.0)
    money = amount_field()
    currency = models.CharField(max_length=3, blank=True, default="")
    ends_at = models.DateTimeField(null=True)
    critical = models.BooleanField(default=False)
    since_before = models.BooleanField(default=False)  # so already at the first read
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()

    # While waiting: why, who put it there, until when, and the value that brings it back.
    waiting = models.CharField(max_length=12, choices=Waiting, blank=True, default="")
    waiting_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    waiting_since = models.DateTimeField(null=True)
    waiting_until = models.DateTimeField(null=True)
    waiting_value = models.FloatField(null=True)
    assigned_to = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")

    objects = ItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key"], name="item_open_once", condition=~models.Q(state="closed")
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "state"], name="item_open", condition=~models.Q(state="closed")
            ),
            models.Index(fields=["account", "-closed_at"], name="item_closed"),
            models.Index(
                fields=["waiting_until"], name="item_due", condition=models.Q(state="waiting")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.remedy}: {self.sentence}"


class Incident(models.Model):
    """Something that needs a person, from its first breach to its end."""

    class State(models.TextChoices):
        """The machine's states; OK is the absence of an open incident."""

        PENDING = "pending", "pending"
        FIRING = "firing", "firing"
        RECOVERING = "recovering", "recovering"
        RESOLVED = "resolved", "resolved"

    class Severity(models.IntegerChoices):
        """The smaller, the more urgent."""

        CRITICAL = 1, "critical"
        WARNING = 2, "warning"
        NOTICE = 3, "notice"

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="incidents")
    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="incidents")
    group = models.ForeignKey(TargetGroup, models.CASCADE, null=True, related_name="incidents")
    rule = models.CharField(max_length=64)
    rule_version = models.PositiveIntegerField(default=0)
    # account:project:group:rule:version; at most one open incident a key.
    key = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State)
    severity = models.PositiveSmallIntegerField(choices=Severity)
    headline = models.CharField(max_length=300, default="")  # the sentence as a subject says it
    sentence = models.TextField()
    # The numbers behind the sentence: {"figures": [[label, is, should be], …], …}.
    facts = models.JSONField(default=dict)
    breached_at = models.DateTimeField()
    fired_at = models.DateTimeField(null=True)
    clear_since = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    close_reason = models.CharField(max_length=100, blank=True, default="")
    readings = models.PositiveIntegerField(default=0)  # fresh ones in the present state
    # The cycle that was judged last, so that each is judged once.
    cycle = models.BigIntegerField(null=True)
    evaluate_at = models.DateTimeField(null=True)
    sequence = models.PositiveIntegerField(default=0)
    flapping = models.BooleanField(default=False)  # its third firing in 24 h: told by digest only
    acknowledged_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    acknowledged_at = models.DateTimeField(null=True)
    # Already so when the project was first read, or read again after an outage.
    since_before = models.BooleanField(default=False, db_default=False)
    # What a person sees of it; empty for what needs nobody.
    item = models.ForeignKey(Item, models.SET_NULL, null=True, related_name="incidents")

    objects = IncidentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key"],
                name="incident_open_once",
                condition=~models.Q(state="resolved"),
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "state"],
                name="incident_open",
                condition=~models.Q(state="resolved"),
            ),
            models.Index(fields=["group", "-breached_at"], name="incident_group_time"),
            models.Index(
                fields=["evaluate_at"],
                name="incident_due",
                condition=~models.Q(state="resolved"),
            ),
        ]

    @property
    def urgency(self) -> Severity:
        """Return how urgent it is: while open, critical only if an hour counts for its item."""
        if self.state == self.State.RESOLVED:
            return self.Severity(self.severity)
        return self.urgency_while_open(
            self.severity, is_item_critical=self.item is not None and self.item.critical
        )

    @classmethod
    def urgency_while_open(cls, severity: int, *, is_item_critical: bool) -> Severity:
        """Return the urgency of an open one, from its severity and that of its item."""
        if severity == cls.Severity.CRITICAL and not is_item_critical:
            return cls.Severity.WARNING
        return cls.Severity(severity)

    def __str__(self) -> str:
        return f"{self.rule}: {self.sentence}"


# Why a mail to somebody whose account is closed ends unsent.
ACCOUNT_CLOSED = "the account is closed"


class Mail(models.Model):
    """The outbox: a mail is frozen with its Message-ID before it is sent, and sent until taken.

    A scheduled status goes to `address`, a client's; `recipient` is who shares it. A message to a
    channel has a `channel` in place of a recipient, and no address of its own.
    """

    class State(models.TextChoices):
        """Where a mail is."""

        WAITING = "waiting", "waiting"
        SENT = "sent", "sent"
        DEAD = "dead", "could not be delivered"

    class Purpose(models.TextChoices):
        """What a mail is for; all but alerts and statuses are about how a person signs in."""

        ALERT = "", "alert, digest or test"
        INVITATION = "invitation", "invitation"
        RESET = "reset", "link for a new password"
        SECURITY = "security", "change of a way to sign in"
        ADDRESS = "address", "confirmation of an address"
        STATUS = "status", "status shared with a client"

    # Empty when one mail tells of several: of accounts, of projects.
    account = models.ForeignKey(ExchangeAccount, models.CASCADE, null=True, related_name="mails")
    project = models.ForeignKey(Project, models.SET_NULL, null=True, related_name="mails")
    recipient = models.ForeignKey(User, models.CASCADE, null=True, related_name="mails")
    channel = models.ForeignKey(
        "fielding.Channel", models.CASCADE, null=True, related_name="messages"
    )
    address = models.EmailField()
    message_id = models.CharField(max_length=200, unique=True)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    html = models.TextField(blank=True, default="")
    # What a channel gets (`alerts.channels.message.ChannelMessage`); null for emails.
    message = models.JSONField(null=True)
    # An earlier attempt was not answered, so the channel may have it already: it is then said so.
    unanswered = models.BooleanField(default=False, db_default=False)
    purpose = models.CharField(
        max_length=10, choices=Purpose, blank=True, default=Purpose.ALERT, db_default=""
    )
    # The text of a mail about signing in, which may hold a link that opens an account: encrypted
    # (`fields.seal`), and blanked once the mail is sent or given up. `text` is empty then.
    sealed = models.TextField(blank=True, default="", db_default="")
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    created_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, default="")
    # The recipient's own day that a digest is for; empty for other mails.
    digest_day = models.DateField(null=True)
    # A scheduled status: to which of its addresses, and for which day of the person who shares it.
    status_address = models.ForeignKey(
        "fielding.StatusAddress", models.SET_NULL, null=True, related_name="mails"
    )
    status_day = models.DateField(null=True)

    objects = MailQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recipient", "digest_day"], name="digest_once"),
            models.UniqueConstraint(fields=["channel", "digest_day"], name="channel_digest_once"),
            models.UniqueConstraint(fields=["status_address", "status_day"], name="status_once"),
            models.CheckConstraint(
                name="mail_to_person_or_channel",
                condition=models.Q(recipient=None, channel__isnull=False)
                | models.Q(recipient__isnull=False, channel=None),
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try_at"], name="mail_waiting", condition=models.Q(state="waiting")
            ),
        ]

    @property
    def person(self) -> User:
        """Return the recipient of an email; LookupError for a message to a channel."""
        if self.recipient is None:
            raise LookupError("a message to a channel has no recipient")
        return self.recipient

    @property
    def is_about_signing_in(self) -> bool:
        """Whether its text is sealed, and nobody unsubscribes from it."""
        return self.purpose not in (self.Purpose.ALERT, self.Purpose.STATUS)

    def __str__(self) -> str:
        return self.subject


class Notice(models.Model):
    """Who must be told what of an incident; committed together with its transition.

    A person or a channel.
    """

    class Kind(models.TextChoices):
        """What is told."""

        FIRE = "fire", "new alert"
        REPEAT = "repeat", "still open"
        RECOVER = "recover", "resolved"
        NO_DATA = "no-data", "no data"

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=7, choices=Kind)
    sequence = models.PositiveIntegerField()
    recipient = models.ForeignKey(User, models.CASCADE, null=True, related_name="notices")
    channel = models.ForeignKey(
        "fielding.Channel", models.CASCADE, null=True, related_name="notices"
    )
    created_at = models.DateTimeField()
    mail = models.ForeignKey(Mail, models.SET_NULL, null=True, related_name="notices")
    in_digest = models.BooleanField(default=False)  # waits for the digest whatever a person chose
    skipped = models.CharField(max_length=100, blank=True, default="")  # why no mail tells it

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "kind", "sequence", "recipient"], name="notice_once"
            ),
            models.UniqueConstraint(
                fields=["incident", "kind", "sequence", "channel"], name="channel_notice_once"
            ),
            models.CheckConstraint(
                name="notice_to_person_or_channel",
                condition=models.Q(recipient=None, channel__isnull=False)
                | models.Q(recipient__isnull=False, channel=None),
            ),
        ]
        indexes = [
            models.Index(
                fields=["recipient", "created_at"],
                name="notice_waiting",
                condition=models.Q(mail__isnull=True, skipped=""),
            ),
        ]

    @property
    def person(self) -> User:
        """Return the recipient; LookupError for a notice to a channel."""
        if self.recipient is None:
            raise LookupError("a notice to a channel has no recipient")
        return self.recipient

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient or self.channel}"


class Mute(models.Model):
    """Silence over an account, a project, a group or one rule there; it always ends."""

    account = models.ForeignKey(ExchangeAccount, models.CASCADE, related_name="mutes")
    project = models.ForeignKey(Project, models.CASCADE, null=True, related_name="mutes")
    group = models.ForeignKey(TargetGroup, models.CASCADE, null=True, related_name="mutes")
    rule = models.CharField(max_length=64, blank=True, default="")  # empty: every rule
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)  # when its end was acted upon

    class Meta:
        indexes = [
            models.Index(
                fields=["until"], name="mute_running", condition=models.Q(ended_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule or 'everything'} until {self.until:%Y-%m-%d %H:%M}Z"


class MailPreferences(models.Model):
    """What a person wants by mail, and when; who never chose has these defaults."""

    class Now(models.IntegerChoices):
        """What is mailed at once; the rest waits for the digest."""

        NOTHING = 0, "nothing"
        CRITICAL = 1, "critical"
        WARNINGS = 2, "critical and warnings"
        EVERYTHING = 3, "everything"

    class About(models.TextChoices):
        """Which of the alerts to a person are mailed; the choice narrows the recipient settings."""

        GROUPS = "groups", "my groups"
        PROJECTS = "projects", "my projects"
        CHOSEN = "chosen", "chosen projects"
        EVERYTHING = "everything", "everything"

    user = models.OneToOneField(User, models.CASCADE, related_name="mail_preferences")
    about = models.CharField(max_length=10, choices=About, default=About.EVERYTHING)
    chosen_projects = models.JSONField(default=list, blank=True)  # ids; kept for other choices
    now = models.PositiveSmallIntegerField(choices=Now, default=Now.CRITICAL)
    recoveries_now = models.BooleanField(default=False)
    digest = models.BooleanField(default=True)
    digest_at = models.TimeField(default=time(8, 0))  # in the person's zone
    digest_days = models.CharField(max_length=7, default="12345")  # ISO weekdays, Monday is 1
    # Between these, and on quiet days, nothing is mailed immediately but what is critical, unless
    # that is quiet too; equal: no quiet hours.
    quiet_from = models.TimeField(default=time(20, 0))
    quiet_until = models.TimeField(default=time(7, 30))
    quiet_days = models.CharField(max_length=7, default="67", blank=True)  # ISO weekdays
    quiet_critical = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.user}: {self.get_now_display()} immediately"


class Heartbeat(models.Model):
    """When a part of the alert machine last did its round; its silence is itself an alert."""

    name = models.CharField(max_length=32, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M:%S}Z"


class Downtime(models.Model):
    """A time in which no worker of ours did anything: numbers are old because of us."""

    class Cause(models.TextChoices):
        """Why, as far as it is known."""

        OFF = "off", "no worker ran"
        CUT_OFF = "cut_off", "the database or the queue could not be reached, or the beat was down"
        CLOCK = "clock", "the clock jumped, or the machine was suspended"

    began_at = models.DateTimeField(unique=True)  # the last sign of work before it
    ended_at = models.DateTimeField(db_index=True)
    cause = models.CharField(max_length=7, choices=Cause, default=Cause.OFF)

    def __str__(self) -> str:
        return f"{self.cause} {self.began_at:%Y-%m-%d %H:%M}Z to {self.ended_at:%H:%M}Z"
