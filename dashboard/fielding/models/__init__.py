"""Every table of the product."""

from dashboard.fielding.models.alerts import (
    Downtime,
    Heartbeat,
    Incident,
    Item,
    Mail,
    MailPreferences,
    Mute,
    Notice,
    Rule,
)
from dashboard.fielding.models.audit import AuditCutoff, AuditEvent, AuditKind
from dashboard.fielding.models.batches import Batch, BatchGroup, BatchJob
from dashboard.fielding.models.delivery.channels import Channel
from dashboard.fielding.models.edits import AdviceRecord, Edit
from dashboard.fielding.models.exchange import BusinessUnit, ExchangeAccount, ExchangeUser
from dashboard.fielding.models.groups import GroupPanels, Project, TargetGroup, WhatIfAnswer
from dashboard.fielding.models.history import (
    Baseline,
    Change,
    CompletesDay,
    LearnedElasticity,
    PriceChange,
    Reading,
)
from dashboard.fielding.models.notes import Note
from dashboard.fielding.models.people import Membership, SavedView, SetupCode, User
from dashboard.fielding.models.polling import Cycle, Quarantine, ThinningProgress
from dashboard.fielding.models.sharing.access_token import AccessToken
from dashboard.fielding.models.sharing.shared_status import (
    SharedStatus,
    StatusAddress,
    StatusLink,
    StatusSchedule,
)
from dashboard.fielding.models.webhooks import Webhook, WebhookEvent, WebhookRefusal

__all__ = [
    "AccessToken",
    "AdviceRecord",
    "AuditCutoff",
    "AuditEvent",
    "AuditKind",
    "Baseline",
    "Batch",
    "BatchGroup",
    "BatchJob",
    "BusinessUnit",
    "Change",
    "Channel",
    "CompletesDay",
    "Cycle",
    "Downtime",
    "Edit",
    "ExchangeAccount",
    "ExchangeUser",
    "GroupPanels",
    "Heartbeat",
    "Incident",
    "Item",
    "LearnedElasticity",
    "Mail",
    "MailPreferences",
    "Membership",
    "Mute",
    "Note",
    "Notice",
    "PriceChange",
    "Project",
    "Quarantine",
    "Reading",
    "Rule",
    "SavedView",
    "SetupCode",
    "SharedStatus",
    "StatusAddress",
    "StatusLink",
    "StatusSchedule",
    "TargetGroup",
    "ThinningProgress",
    "User",
    "Webhook",
    "WebhookEvent",
    "WebhookRefusal",
    "WhatIfAnswer",
]
