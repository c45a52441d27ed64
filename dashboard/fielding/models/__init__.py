"""Every table of the product."""

from dashboard.fielding.models.alerts import (
    Downtime,
    Incident,
    Mail,
    MailChoice,
    Mute,
    Notice,
    Pulse,
    Rule,
)
from dashboard.fielding.models.audit import AuditEvent, AuditKind
from dashboard.fielding.models.batches import Batch, BatchGroup, BatchJob
from dashboard.fielding.models.edits import Edit
from dashboard.fielding.models.exchange import BusinessUnit, ExchangeAccount, ExchangeUser
from dashboard.fielding.models.groups import GroupSheet, Project, TargetGroup
from dashboard.fielding.models.history import Change, CompletesDay, Reading, Usual
from dashboard.fielding.models.notes import Note
from dashboard.fielding.models.people import Membership, SavedView, User
from dashboard.fielding.models.polling import Cycle, Quarantine, Thinned
from dashboard.fielding.models.webhooks import Webhook, WebhookEvent, WebhookRefusal

__all__ = [
    "AuditEvent",
    "AuditKind",
    "Batch",
    "BatchGroup",
    "BatchJob",
    "BusinessUnit",
    "Change",
    "CompletesDay",
    "Cycle",
    "Downtime",
    "Edit",
    "ExchangeAccount",
    "ExchangeUser",
    "GroupSheet",
    "Incident",
    "Mail",
    "MailChoice",
    "Membership",
    "Mute",
    "Note",
    "Notice",
    "Project",
    "Pulse",
    "Quarantine",
    "Reading",
    "Rule",
    "SavedView",
    "TargetGroup",
    "Thinned",
    "User",
    "Usual",
    "Webhook",
    "WebhookEvent",
    "WebhookRefusal",
]
