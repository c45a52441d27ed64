"""Audiences whose elasticity is learned together, by what is stored of every group."""

from __future__ import annotations

BANDS = ((10, "up to 10 min"), (20, "11 to 20 min"))
LONGER = "over 20 min"
UNKNOWN = ""


def audience_of_group(expected_loi_minutes: int | None) -> str:
    """The band of its expected LOI; empty where that is not known."""
    if expected_loi_minutes is None:
        return UNKNOWN
    return next((name for most, name in BANDS if expected_loi_minutes <= most), LONGER)
