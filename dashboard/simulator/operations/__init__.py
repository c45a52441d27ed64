"""The answers of the Demand API, one module a subject; importing this package registers all."""

from dashboard.simulator.operations import accounts, edits, lists, numbers, projects

__all__ = ["accounts", "edits", "lists", "numbers", "projects"]
