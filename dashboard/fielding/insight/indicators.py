"""The figures of one group that diagnosis and pause risk use; a missing one is None."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

_WORDS = {
    "redirect": ("redirect",),
    "encryption": ("encrypt", "hash", "signature"),
    "setup": ("setup", "set-up", "qualification error", "invalid qualification"),
    "overquota": ("overquota", "over quota", "quota full"),
    "security": ("security", "quality", "fraud", "duplicate"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicators:
    """One group now. Rates 0 to 1, LOI observed in seconds and bid in minutes, hours are live.

    cpi_usual: of comparable groups; epc_usual and epcm_usual: of the group over the last 7 days.
    is_waiting: whether it is stopped between soft launch and full launch; phase: that in words,
    empty in the full launch. lately: over the last hours (`lately_hours`) instead of since launch.
    analysis: live respondents by the exchange's status label.
    """

    status: str = "live"
    is_waiting: bool = False
    phase: str = ""
    currency: str = "USD"
    entrants: int | None = None
    prescreens: int | None = None
    completes: int | None = None
    goal: int | None = None
    ir: float | None = None
    ir_expected: float | None = None
    loi_seconds: float | None = None
    loi_minutes: float | None = None
    drop_off: float | None = None
    cpi: Decimal | None = None
    cpi_usual: Decimal | None = None
    cpi_limit: Decimal | None = None
    epc: Decimal | None = None
    epc_usual: Decimal | None = None
    epcm: Decimal | None = None
    epcm_usual: Decimal | None = None
    lately_hours: float | None = None
    completes_lately: float | None = None
    entrants_lately: float | None = None
    prescreens_lately: float | None = None
    drop_off_lately: float | None = None
    ir_lately: float | None = None
    loi_lately: float | None = None
    hours_silent: float | None = None
    expected_in_silence: float | None = None
    hours_left: float | None = None
    chance: float | None = None
    soft_launch_hours_left: float | None = None
    completes_an_hour: float | None = None
    needed_an_hour: float | None = None
    quotas_full: float | None = None
    analysis: Mapping[str, int] = field(default_factory=dict)

    @property
    def loi_ratio(self) -> float | None:
        """Return the observed over the bid LOI."""
        if self.loi_seconds is None or not self.loi_minutes:
            return None
        return self.loi_seconds / 60 / self.loi_minutes

    def share(self, kind: str) -> float | None:
        """Return the share (0 to 1) of analysed respondents with a status label of that kind."""
        total = sum(self.analysis.values())
        if not total:
            return None
        return (
            sum(count for label, count in self.analysis.items() if _kind_of(label) == kind) / total
        )


@lru_cache(maxsize=256)  # the exchange has a few dozen
def _kind_of(label: str) -> str | None:
    """Return the first kind with a word in the label; None for an unknown label."""
    lower = label.casefold()
    return next(
        (kind for kind, words in _WORDS.items() if any(word in lower for word in words)), None
    )
