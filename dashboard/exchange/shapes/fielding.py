"""Fielding runs, filling strategy and re-entry."""

from msgspec import UNSET, Struct, UnsetType

from dashboard.exchange.shapes.base import Body, Count, Id, Identified, Moment, Uuid


class FieldingRunItem(Identified, frozen=True, kw_only=True, gc=False):
    """The fielding period of a group; its ETag is made of `version`."""

    id: Id
    status: str
    start_fielding_at: Moment | None = None
    end_fielding_at: Moment | None = None
    last_changed_at: Moment | None = None
    last_changed_by: Uuid | None = None
    version: Count | None = None

    _uuids = ("last_changed_by",)
    _strict = frozenset({"start_fielding_at", "end_fielding_at"})

    @property
    def etag(self) -> str | None:
        """The value for `If-Match`, quotes included; None without a version."""
        return None if self.version is None else f'W/"{self.version}"'


class FieldingRunId(Identified, frozen=True, kw_only=True, gc=False):
    id: Id | None = None


class TargetGroupReEntryAttributeConfig(Struct, frozen=True, kw_only=True, gc=False):
    """Whether respondents may re-enter this group and other groups."""

    allow_for_current_target_group: bool
    allow_for_other_target_groups: bool


class ReEntrySides(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Re-entry after one exit status; a side that the status does not have is UNSET."""

    client_side: TargetGroupReEntryAttributeConfig | UnsetType = UNSET
    screener_side: TargetGroupReEntryAttributeConfig | UnsetType = UNSET


class ReEntryConfiguration(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Who may re-enter a group, by exit status.

    `completes` has a client side; `pre_client_survey_processes` and `financial_terms` a screener
    side; the other four have both. Read and written in the same shape.
    """

    completes: ReEntrySides | UnsetType = UNSET
    pre_client_survey_processes: ReEntrySides | UnsetType = UNSET
    financial_terms: ReEntrySides | UnsetType = UNSET
    terminates: ReEntrySides | UnsetType = UNSET
    security_failures: ReEntrySides | UnsetType = UNSET
    overquota: ReEntrySides | UnsetType = UNSET
    in_screener: ReEntrySides | UnsetType = UNSET


class FillingStrategyUpdateRequest(Body, kw_only=True):
    """`automated`, `prescreens` or `completes`."""

    filling_strategy: str
