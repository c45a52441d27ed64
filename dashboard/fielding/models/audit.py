"""The audit log: who did what, when and from where.

Rows are added and never changed; only rows older than AUDIT_DAYS are deleted.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, NoReturn, Self

from django.db import models, transaction
from django.db.models import Q


class AuditKind(StrEnum):
    """The kind of an event; `LABELS` has its label."""

    SIGNED_IN = "signed-in"
    SIGN_IN_REFUSED = "sign-in-refused"
    SINGLE_SIGN_ON_REFUSED = "single-sign-on-refused"
    PASSWORD_REFUSED = "password-refused"  # noqa: S105  a kind, no password
    CODE_REFUSED = "code-refused"
    SETUP_CODE_REFUSED = "setup-code-refused"
    SIGNED_OUT = "signed-out"
    SESSIONS_ENDED = "sessions-ended"
    FACTOR_ON = "factor-on"
    FACTOR_OFF = "factor-off"
    FACTOR_RESET = "factor-reset"
    RECOVERY_CODES_MADE = "recovery-codes-made"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105
    PASSWORD_RESET_ASKED = "password-reset-asked"  # noqa: S105
    PASSWORD_SET_BY_LINK = "password-set-by-link"  # noqa: S105
    ADDRESS_ASKED = "address-asked"
    ADDRESS_CHANGED = "address-changed"
    NAME_CHANGED = "name-changed"
    IDENTITY_JOINED = "identity-joined"
    IDENTITY_REMOVED = "identity-removed"
    PERSON_ADDED = "person-added"
    INVITED = "invited"
    ROLE_CHANGED = "role-changed"
    ROLE_KEPT = "role-kept"
    ROLE_SOURCE_CHANGED = "role-source-changed"
    MEMBER_REMOVED = "member-removed"
    PERSON_CLOSED = "person-closed"
    PERSON_REOPENED = "person-reopened"
    PERSON_DELETED = "person-deleted"
    RECIPIENTS_CHANGED = "recipients-changed"
    MAIL_STOPPED = "mail-stopped"
    RULE_CHANGED = "rule-changed"
    RULE_RESET = "rule-reset"
    MUTED = "muted"
    UNMUTED = "unmuted"
    CONNECTION_ADDED = "connection-added"
    CONNECTION_CHANGED = "connection-changed"
    CONNECTION_KEY_CHANGED = "connection-key-changed"
    CONNECTION_REMOVED = "connection-removed"
    CONNECTION_TESTED = "connection-tested"
    POLLING_ON = "polling-on"
    POLLING_OFF = "polling-off"
    WEBHOOK_ADDED = "webhook-added"
    WEBHOOK_SECRET_CHANGED = "webhook-secret-changed"  # noqa: S105
    WEBHOOK_REMOVED = "webhook-removed"
    SECRETS_REKEYED = "secrets-rekeyed"
    BACKED_UP = "backed-up"
    ENTRIES_DELETED = "entries-deleted"
    EXPORTED = "exported"
    STATUS_LINK_CREATED = "status-link-created"
    STATUS_LINK_REVOKED = "status-link-revoked"
    STATUS_EMAILS_CHANGED = "status-emails-changed"
    STATUS_EMAIL_STOPPED = "status-email-stopped"
    CHANNEL_ADDED = "channel-added"
    CHANNEL_CHANGED = "channel-changed"
    CHANNEL_REMOVED = "channel-removed"
    API_TOKEN_CREATED = "api-token-created"  # noqa: S105  kinds, no tokens
    API_TOKEN_REVOKED = "api-token-revoked"  # noqa: S105
    CALENDAR_LINK_CREATED = "calendar-link-created"
    CALENDAR_LINK_REVOKED = "calendar-link-revoked"


LABELS: dict[AuditKind, str] = {
    AuditKind.SIGNED_IN: "Signed in",
    AuditKind.SIGN_IN_REFUSED: "Sign-in refused",
    AuditKind.SINGLE_SIGN_ON_REFUSED: "Single sign-on refused",
    AuditKind.PASSWORD_REFUSED: "Wrong password while signed in",
    AuditKind.CODE_REFUSED: "Wrong two-factor code",
    AuditKind.SETUP_CODE_REFUSED: "Wrong setup code",
    AuditKind.SIGNED_OUT: "Signed out",
    AuditKind.SESSIONS_ENDED: "Sessions ended",
    AuditKind.FACTOR_ON: "Two-factor authentication turned on",
    AuditKind.FACTOR_OFF: "Two-factor authentication turned off",
    AuditKind.FACTOR_RESET: "Two-factor authentication reset by an administrator",
    AuditKind.RECOVERY_CODES_MADE: "New recovery codes created",
    AuditKind.PASSWORD_CHANGED: "Password changed",
    AuditKind.PASSWORD_RESET_ASKED: "Password reset link requested",
    AuditKind.PASSWORD_SET_BY_LINK: "Password set by an emailed link",
    AuditKind.ADDRESS_ASKED: "Change of email address requested",
    AuditKind.ADDRESS_CHANGED: "Email address changed",
    AuditKind.NAME_CHANGED: "Name changed",
    AuditKind.IDENTITY_JOINED: "Single sign-on identity linked",
    AuditKind.IDENTITY_REMOVED: "Single sign-on identity removed",
    AuditKind.PERSON_ADDED: "Person added",
    AuditKind.INVITED: "Invited",
    AuditKind.ROLE_CHANGED: "Role changed",
    AuditKind.ROLE_KEPT: "Role kept: the last administrator",
    AuditKind.ROLE_SOURCE_CHANGED: "Role follows single sign-on groups",
    AuditKind.MEMBER_REMOVED: "Removed from the connection",
    AuditKind.PERSON_CLOSED: "User account closed",
    AuditKind.PERSON_REOPENED: "User account reopened",
    AuditKind.PERSON_DELETED: "Person deleted",
    AuditKind.RECIPIENTS_CHANGED: "Recipients changed",
    AuditKind.MAIL_STOPPED: "Unsubscribed by the link in an email",
    AuditKind.RULE_CHANGED: "Rule changed",
    AuditKind.RULE_RESET: "Rule reset",
    AuditKind.MUTED: "Muted",
    AuditKind.UNMUTED: "Unmuted",
    AuditKind.CONNECTION_ADDED: "Connection added",
    AuditKind.CONNECTION_CHANGED: "Connection changed",
    AuditKind.CONNECTION_KEY_CHANGED: "Connection key changed",
    AuditKind.CONNECTION_REMOVED: "Connection removed",
    AuditKind.CONNECTION_TESTED: "Connection tested",
    AuditKind.POLLING_ON: "Polling resumed",
    AuditKind.POLLING_OFF: "Polling paused",
    AuditKind.WEBHOOK_ADDED: "Webhook registered",
    AuditKind.WEBHOOK_SECRET_CHANGED: "Webhook secret changed",
    AuditKind.WEBHOOK_REMOVED: "Webhook removed",
    AuditKind.SECRETS_REKEYED: "Stored secrets re-encrypted",
    AuditKind.BACKED_UP: "Backup created",
    AuditKind.ENTRIES_DELETED: "Old audit entries deleted",
    AuditKind.EXPORTED: "File downloaded",
    AuditKind.STATUS_LINK_CREATED: "Link to a status created",
    AuditKind.STATUS_LINK_REVOKED: "Link to a status revoked",
    AuditKind.STATUS_EMAILS_CHANGED: "Scheduled emails of a status changed",
    AuditKind.STATUS_EMAIL_STOPPED: "Client unsubscribed from a status",
    AuditKind.CHANNEL_ADDED: "Channel added",
    AuditKind.CHANNEL_CHANGED: "Channel changed",
    AuditKind.CHANNEL_REMOVED: "Channel removed",
    AuditKind.API_TOKEN_CREATED: "API token created",
    AuditKind.API_TOKEN_REVOKED: "API token revoked",
    AuditKind.CALENDAR_LINK_CREATED: "Calendar address created",
    AuditKind.CALENDAR_LINK_REVOKED: "Calendar address revoked",
}


# Kinds by subject; all others are settings of connections, alerts and emails.
SIGN_IN_KINDS = frozenset(
    {
        AuditKind.SIGNED_IN,
        AuditKind.SIGN_IN_REFUSED,
        AuditKind.SINGLE_SIGN_ON_REFUSED,
        AuditKind.PASSWORD_REFUSED,
        AuditKind.CODE_REFUSED,
        AuditKind.SIGNED_OUT,
        AuditKind.SESSIONS_ENDED,
    }
)
REFUSED_KINDS = frozenset(kind for kind in SIGN_IN_KINDS if kind.endswith("refused"))
PEOPLE_KINDS = frozenset(
    {
        AuditKind.FACTOR_ON,
        AuditKind.FACTOR_OFF,
        AuditKind.FACTOR_RESET,
        AuditKind.RECOVERY_CODES_MADE,
        AuditKind.PASSWORD_CHANGED,
        AuditKind.PASSWORD_RESET_ASKED,
        AuditKind.PASSWORD_SET_BY_LINK,
        AuditKind.ADDRESS_ASKED,
        AuditKind.ADDRESS_CHANGED,
        AuditKind.NAME_CHANGED,
        AuditKind.IDENTITY_JOINED,
        AuditKind.IDENTITY_REMOVED,
        AuditKind.PERSON_ADDED,
        AuditKind.INVITED,
        AuditKind.ROLE_CHANGED,
        AuditKind.ROLE_KEPT,
        AuditKind.ROLE_SOURCE_CHANGED,
        AuditKind.MEMBER_REMOVED,
        AuditKind.PERSON_CLOSED,
        AuditKind.PERSON_REOPENED,
        AuditKind.PERSON_DELETED,
    }
)
DOWNLOAD_KINDS = frozenset({AuditKind.EXPORTED, AuditKind.BACKED_UP, AuditKind.STATUS_LINK_CREATED})


class AuditIsAppendOnly(TypeError):
    """An attempt to change or delete a row of the audit log."""

    def __init__(self) -> None:
        super().__init__("rows of the audit log can only be added")


class AuditQuerySet(models.QuerySet["AuditEvent"]):
    """Rows of the audit log, which can only be read and added."""

    def concerning(self, account_id: int, member_ids: list[int]) -> Self:
        """Return an account's own rows, its members' rows that belong to no account, and the rows
        that concern no person of Fieldwatch, such as sign-ins under an unknown name.

        member_ids: the present members; those who were deleted are added. What a member did to a
        person outside the account is left out, because it would name people of other accounts.
        """
        rows: models.QuerySet[AuditEvent] = models.QuerySet(AuditEvent)
        own = rows.filter(account_id=account_id)
        deleted = own.filter(kind=AuditKind.PERSON_DELETED).values("subject_id")
        acting, affected = (
            Q(**{f"{column}__in": member_ids}) | Q(**{f"{column}__in": deleted})
            for column in ("person_id", "subject_id")
        )
        people = affected | Q(acting, subject_id=None) | Q(person_id=None, subject_id=None)
        return self.filter(Q(account_id=account_id) | Q(people, account_id=None))

    @transaction.atomic
    def delete_expired(self, *, before: datetime, limit: int) -> int:
        """Delete the oldest rows if they are from before then, at most `limit`; return how many.

        The database's triggers let exactly these go, while this transaction lasts.
        """
        oldest = self.order_by("pk").values_list("pk", "at")[:limit]
        expired = [pk for pk, at in oldest if at < before]
        if expired:
            AuditCutoff.objects.create(before=before)
            rows: models.QuerySet[AuditEvent] = models.QuerySet(AuditEvent, using=self.db)
            rows.filter(pk__in=expired)._raw_delete(self.db)
            AuditCutoff.objects.all().delete()
        return len(expired)

    def update(self, *_: object, **__: object) -> NoReturn:
        """Raise AuditIsAppendOnly."""
        raise AuditIsAppendOnly

    def delete(self, *_: object) -> NoReturn:
        """Raise AuditIsAppendOnly."""
        raise AuditIsAppendOnly

    def bulk_update(self, *_: object, **__: object) -> NoReturn:
        """Raise AuditIsAppendOnly."""
        raise AuditIsAppendOnly

    # Any, here and in `save`: the signature is Django's own.
    def bulk_create(self, *args: Any, **options: Any) -> list[AuditEvent]:
        """Add rows; AuditIsAppendOnly for an upsert."""
        if options.get("update_conflicts"):
            raise AuditIsAppendOnly
        return super().bulk_create(*args, **options)

    _raw_delete = delete  # type: ignore[assignment]
    _update = update


class AuditCutoff(models.Model):
    """Until when rows of the audit log may be deleted; it has a row only in `delete_expired`."""

    before = models.DateTimeField()

    def __str__(self) -> str:
        return f"before {self.before:%Y-%m-%d %H:%M:%S}Z"


class AuditEvent(models.Model):
    """One event of the audit log.

    It has no foreign keys: names and ids are stored as of that time, so removing a person or a
    connection leaves the log complete. Triggers in the database refuse changes as well; a migration
    that alters this table on SQLite recreates it, and must recreate the triggers.
    """

    class Source(models.TextChoices):
        """How it was done."""

        WEB = "web", "in the browser"
        COMMAND = "command", "on the command line"
        SYSTEM = "system", "by Fieldwatch itself"

    at = models.DateTimeField()
    kind = models.CharField(max_length=32)  # an AuditKind
    source = models.CharField(max_length=7, choices=Source)
    person_id = models.BigIntegerField(null=True)  # who did it, if known
    person_name = models.CharField(max_length=320, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")
    browser = models.CharField(max_length=300, blank=True, default="")
    account_id = models.BigIntegerField(null=True)
    account_name = models.CharField(max_length=100, blank=True, default="")
    subject_id = models.BigIntegerField(null=True)  # to whom it was done
    subject_name = models.CharField(max_length=320, blank=True, default="")
    target = models.CharField(max_length=300, blank=True, default="")  # what it was done to
    details = models.JSONField(default=dict)

    objects = AuditQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["account_id", "-at"], name="audit_account_time"),
            models.Index(fields=["person_id", "-at"], name="audit_person_time"),
            models.Index(fields=["subject_id", "-at"], name="audit_subject_time"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}Z {self.kind} {self.person_name}".strip()

    def save(self, *args: Any, **options: Any) -> None:
        """Add the row; AuditIsAppendOnly for a stored one."""
        if not self._state.adding:
            raise AuditIsAppendOnly
        super().save(*args, **(options | {"force_insert": True}))

    def delete(self, *_: object, **__: object) -> NoReturn:
        """Raise AuditIsAppendOnly."""
        raise AuditIsAppendOnly

    @property
    def label(self) -> str:
        """Return the label of the kind; a kind of a later release as it is stored."""
        return LABELS[AuditKind(self.kind)] if self.kind in set(AuditKind) else self.kind
