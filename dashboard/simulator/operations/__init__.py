"""The answers of the Demand API, one module a subject; importing this package registers all."""

from dashboard.simulator.operations import (
    accounts,
    assistant,
    drafts,
    edits,
    fielding,
    jobs,
    lists,
    numbers,
    profiles,
    projects,
    supply,
    webhooks,
)
from dashboard.simulator.operations.estimates import calendar, feasibility, what_if

__all__ = [
    "accounts",
    "assistant",
    "calendar",
    "drafts",
    "edits",
    "feasibility",
    "fielding",
    "jobs",
    "lists",
    "numbers",
    "profiles",
    "projects",
    "supply",
    "webhooks",
    "what_if",
]
