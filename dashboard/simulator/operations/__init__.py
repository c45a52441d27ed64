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

__all__ = [
    "accounts",
    "assistant",
    "drafts",
    "edits",
    "fielding",
    "jobs",
    "lists",
    "numbers",
    "profiles",
    "projects",
    "supply",
    "webhooks",
]
