"""The insight as stored with a group: the only place where it is read and written.

The column `insight` holds one JSON object; tables and headlines also read single keys of it in SQL
(`insight__pace__band`), so a member keeps its name. Rows that an older release wrote stay readable:
a member of another form reads as missing, an unknown one is ignored, and nothing here raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar, get_args

import msgspec

from dashboard.fielding.domain.time_zones import zone_of

if TYPE_CHECKING:
    from dashboard.fielding.models import TargetGroup

HoursOfDay = Annotated[list[float], msgspec.Meta(min_length=24, max_length=24)]
DaysOfWeek = Annotated[list[float], msgspec.Meta(min_length=7, max_length=7)]
_CACHE = "_insight_as_read"


class StoredPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A JSON object of the insight; None: the pull did not write that member."""

    @classmethod
    def from_stored(cls, stored: object) -> Self:
        """Read decoded JSON; whatever is no such object reads as one without any member."""
        if stored is None:  # as most rows of a table have no soft launch: nothing to try
            return cls()
        try:
            return msgspec.convert(stored, cls)
        except msgspec.ValidationError:
            return _readable_members(cls, stored)


Part = TypeVar("Part", bound=StoredPart)


class EndPercentiles(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Completes at the end date, not capped at the goal; in JSON a list of three."""

    p10: float
    p50: float
    p90: float


class FinishPercentiles(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """When the goal is reached, in ISO 8601; p10 is the early one, None is not in sight. In JSON
    a list of three."""

    p10: str | None
    p50: str | None
    p90: str | None

    @property
    def dates(self) -> tuple[datetime | None, datetime | None, datetime | None]:
        """Return the three as dates; None also for a text that is no date."""
        return _as_datetime(self.p10), _as_datetime(self.p50), _as_datetime(self.p90)


class StoredForecast(StoredPart, frozen=True):
    """A forecast; chance: that the goal is met by the end (0–1); note: how far to trust it."""

    finish: FinishPercentiles | None = None
    at_end: EndPercentiles | None = None
    chance: float | None = None
    confidence: str | None = None
    note: str | None = None


class StoredPace(StoredPart, frozen=True):
    """The band of `series.pace` in words, with the count that is there and the one that is due."""

    band: str | None = None
    reason: str | None = None
    actual: float | None = None
    required: float | None = None


class StoredCost(StoredPart, frozen=True):
    """The projected cost at the end date in the group's currency; standing: against its budget."""

    p10: Decimal | None = None
    p50: Decimal | None = None
    p90: Decimal | None = None
    standing: str | None = None
    note: str | None = None


class StoredRhythm(StoredPart, frozen=True):
    """Completes per average hour, and the weights (mean 1) of hour of day and weekday from Monday,
    all in the group's own time zone."""

    rate: float | None = None
    hours: HoursOfDay | None = None
    days: DaysOfWeek | None = None


class StoredCause(StoredPart, frozen=True, omit_defaults=False):
    """A likely cause of a slow field: its actual and expected figure, and a fix."""

    sentence: str = ""
    observed: str = ""
    expected: str = ""
    advice: str = ""


class StoredEpc(StoredPart, frozen=True):
    """The median EPC of the group's last days, at today's CPI and in its currency."""

    median: Decimal | None = None


class StoredSoftLaunch(StoredPart, frozen=True, omit_defaults=False):
    """The soft launch of a group: its share of the goal (0–1), its end (ISO 8601), and whether
    the module is on. Once it is off, the values are those of the last soft launch."""

    share: float | None = None
    ends_at: str | None = None
    is_on: bool = False

    @property
    def end(self) -> datetime | None:
        """Return when it ends."""
        return _as_datetime(self.ends_at)


class CellAtEnd(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A quota cell that is open: p10, p50 and p90 of its count at the end, at most its goal, the
    chance that it fills by then (0–1), and when it fills (ISO 8601), None for not within 90 days.
    In JSON a list of five; counts are in the unit of the quotas."""

    p10: float
    p50: float
    p90: float
    chance: float
    full_at: str | None

    @property
    def fills(self) -> datetime | None:
        """Return when it fills."""
        return _as_datetime(self.full_at)


class StoredQuotas(StoredPart, frozen=True):
    """The quotas of a group by key (`domain.quotas`).

    full_since: when each full one was first seen full (ISO 8601), empty where it was at the first
    read. at_end: the open ones, where they are forecast. last: the one that the group waits for
    while others are full. unstopped: completes of the group at the end if no more of them filled.
    """

    full_since: dict[str, str] | None = None
    at_end: dict[str, CellAtEnd] | None = None
    last: str | None = None
    unstopped: EndPercentiles | None = None


class InsightHead(StoredPart, frozen=True):
    """What the pull reads of every group that changed, at a thirtieth of the price of the whole.

    at: when the insight was computed (ISO 8601). today: completes since midnight in the group's
    zone.
    """

    at: str | None = None
    today: int | None = None

    @property
    def worked_out_at(self) -> datetime | None:
        """Return when the pull computed it."""
        return _as_datetime(self.at)


class Insight(InsightHead, frozen=True):
    """The insight that the pull computed for one group.

    spark: completes in each 6 h of the last 7 days. trail: rows of `samples.Sample`. warnings: how
    near the group is to a pause by the exchange (0–1), by reason code; empty where nothing points
    to one.
    """

    spark: list[int] | None = None
    trail: list[list[int | float | None]] | None = None
    epc: StoredEpc | None = None
    forecast: StoredForecast | None = None
    cost: StoredCost | None = None
    pace: StoredPace | None = None
    rhythm: StoredRhythm | None = None
    warnings: dict[str, float] | None = None
    causes: list[StoredCause] | None = None
    soft_launch: StoredSoftLaunch | None = None
    quotas: StoredQuotas | None = None

    @classmethod
    def of(cls, group: TargetGroup) -> Insight:
        """The insight of a group; read once as long as its column holds the same object."""
        stored = group.insight
        members = vars(group)
        known: tuple[object, Insight] | None = members.get(_CACHE)
        if known is not None and known[0] is stored:
            return known[1]
        insight = cls.from_stored(stored)
        members[_CACHE] = (stored, insight)
        return insight

    @property
    def completes_at_end(self) -> EndPercentiles | None:
        """Completes at the end date, where they were foreseen."""
        return self.forecast.at_end if self.forecast else None

    @property
    def finish_dates(self) -> tuple[datetime | None, datetime | None, datetime | None]:
        """When the goal is reached: p10 (early), p50 and p90."""
        finish = self.forecast.finish if self.forecast else None
        return finish.dates if finish else (None, None, None)

    def with_parts_of(self, newer: Insight) -> Insight:
        """This insight with every member that the newer one has."""
        members = msgspec.structs.asdict(newer).items()
        return msgspec.structs.replace(self, **{k: v for k, v in members if v is not None})

    # Any: JSON, which each reader reads by member.
    def as_document(self) -> dict[str, Any]:
        """The JSON object to store; `today` is null where the series does not say."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return {"today": None, **document}


def store_insight(group: TargetGroup, insight: Insight, *, now: datetime) -> None:
    """Set the column of a group (not saved) and date it, unless it says all of that today already.

    A new day in the group's zone is always dated, since `today` counts from its midnight.
    """
    document = insight.as_document() | {"at": now.isoformat(timespec="seconds")}
    stored = group.insight
    if (
        not isinstance(stored, dict)
        or document != stored | {"at": document["at"]}
        or not _is_of_today(group, stored, now)
    ):
        group.insight = document


def _is_of_today(group: TargetGroup, stored: Mapping[str, object], now: datetime) -> bool:
    """Return whether the stored insight was computed on the same day in the group's zone."""
    at = InsightHead.from_stored(stored).worked_out_at
    if at is None:
        return False
    zone = zone_of(group.country_code, group.time_zone)
    return at.astimezone(zone).date() == now.astimezone(zone).date()


def store_completes_today(group: TargetGroup, completes: int) -> None:
    """Set how many completes came since midnight, and leave the rest of the column as it is."""
    group.insight = group.insight | {"today": completes}


def _readable_members(part: type[Part], stored: object) -> Part:
    """The members that have their form, where the whole has not."""
    if not isinstance(stored, Mapping):
        return part()
    members = {}
    for name, form in _forms(part).items():
        value = _readable_value(form, stored.get(name))
        if value is not None:
            members[name] = value
    return part(**members)


@cache
def _forms(part: type[StoredPart]) -> Mapping[str, Any]:
    """The type of each member; Any: an annotation, which is a class or a union of some."""
    return {field.encode_name: field.type for field in msgspec.structs.fields(part)}


def _readable_value(form: Any, value: object) -> object:
    """A member in its form, else what can be read of a part or of a list of parts."""
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError:
        pass
    for choice in get_args(form):
        if _is_part(choice) and isinstance(value, Mapping):
            return _readable_members(choice, value)
        items = get_args(choice)
        if items and _is_part(items[0]) and isinstance(value, list):
            return [_readable_members(items[0], item) for item in value if isinstance(item, dict)]
    return None


def _is_part(form: Any) -> bool:
    return isinstance(form, type) and issubclass(form, StoredPart)


def _as_datetime(text: str | None) -> datetime | None:
    """A date as it is stored; None for what is none."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
