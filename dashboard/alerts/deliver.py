"""Placeholder until the room is merged."""
