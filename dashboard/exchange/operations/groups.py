"""Target groups: rows, overview, performance, completes, changelog, details."""

from collections.abc import Mapping

from dashboard.exchange.decode import Page, Whole
from dashboard.exchange.errors import Forbidden, MethodNotAllowed, NotFound, NotOffered
from dashboard.exchange.operations.base import OperationsBase, path_segment, query_string
from dashboard.exchange.shapes.groups import (
    CompletesPoint,
    ComputeTargetGroupTransitionsRequest,
    ComputeTargetGroupTransitionsResponse,
    GetLiveRespondentUniqueCodesStatsResponse,
    TargetGroupChangelogBatch,
    TargetGroupDetails,
    TargetGroupDetailsUpdateRequest,
    TargetGroupOverview,
    TargetGroupOverviewByTargetGroupId,
    TargetGroupPerformance,
    TargetGroupsListItem,
)


class GroupOperations(OperationsBase):
    """Reads of target groups, and the details of launched ones."""

    def get_list_target_groups(
        self,
        *,
        project_id: str,
        page_size: int = 100,
        start_after: str | None = None,
        end_before: str | None = None,
        status: list[str] | None = None,
        country: list[str] | None = None,
        language: list[str] | None = None,
        project_manager_id: str | None = None,
        exclusion_status: bool | None = None,
        name: str | None = None,
        search_string: str | None = None,
        human_readable_ids: list[str] | None = None,
        target_group_customer_reference_numbers: list[str] | None = None,
    ) -> Page[TargetGroupsListItem]:
        """One page of a project's target groups, 1-100 rows, filtered by the arguments not None.

        `country`: two lower-case letters, `language`: three. Figures are since launch.
        """
        values = query_string(
            {
                "page_size": page_size,
                "start_after": start_after,
                "end_before": end_before,
                "status": status,
                "country": country,
                "language": language,
                "project_manager_id": project_manager_id,
                "exclusion_status": exclusion_status,
                "name": name,
                "search_string": search_string,
                "human_readable_ids": human_readable_ids,
                "target_group_customer_reference_numbers": target_group_customer_reference_numbers,
            }
        )
        target = f"{self._project(project_id)}/target-groups{values}"
        return self._list("get_list_target_groups", target, "target_groups", TargetGroupsListItem)

    def get_target_group_overview(
        self, *, project_id: str, target_group_id: str
    ) -> TargetGroupOverview:
        """Status, progress, CPI, cost and rates; median LOI in seconds."""
        target = f"{self._group(project_id, target_group_id)}/overview"
        return self._read("get_target_group_overview", target, TargetGroupOverview)

    def get_target_group_overview_by_target_group_id(
        self, *, target_group_id: str
    ) -> TargetGroupOverviewByTargetGroupId:
        """The overview of a group whose project is not known, with its account and project."""
        target = f"/demand/target-groups/{path_segment(target_group_id)}/overview"
        return self._read(
            "get_target_group_overview_by_target_group_id",
            target,
            TargetGroupOverviewByTargetGroupId,
        )

    def get_target_group_performance(
        self, *, project_id: str, target_group_id: str
    ) -> TargetGroupPerformance:
        """Entrants, prescreens, completes, cost and rates since launch."""
        target = f"{self._group(project_id, target_group_id)}/performance"
        return self._read("get_target_group_performance", target, TargetGroupPerformance)

    def get_target_group_completes_aggregated_by_interval(
        self, *, project_id: str, target_group_id: str, aggregation_interval: str | None = None
    ) -> Page[CompletesPoint]:
        """Cumulative completes at the end of each interval; reconciliation can lower them.

        `aggregation_interval`: ISO 8601 duration such as `PT1H`; the exchange's default is a day.
        """
        values = query_string({"aggregation_interval": aggregation_interval})
        group = self._group(project_id, target_group_id)
        return self._list(
            "get_target_group_completes_aggregated_by_interval",
            f"{group}/completes-aggregated-by-interval{values}",
            "aggregated_completes_intervals",
            CompletesPoint,
        )

    def get_target_group_changelog(
        self,
        *,
        project_id: str,
        target_group_id: str,
        page_size: int = 50,
        start_after: str | None = None,
        end_before: str | None = None,
        change_types: list[str] | None = None,
    ) -> Page[TargetGroupChangelogBatch]:
        """One page of changes, 1-50 batches. Without `has_more`: the last page has no cursor."""
        values = query_string(
            {
                "page_size": page_size,
                "start_after": start_after,
                "end_before": end_before,
                "change_types": change_types,
            }
        )
        target = f"{self._group(project_id, target_group_id)}/changelog{values}"
        return self._list(
            "get_target_group_changelog", target, "changelog", TargetGroupChangelogBatch
        )

    def get_live_respondent_unique_codes_stats(
        self, *, target_group_id: str
    ) -> GetLiveRespondentUniqueCodesStatsResponse:
        """How many one-time survey links a group was given, and how many are left.

        NotOffered for 403 and 405 (the account does not have them) and for 404; `status` says
        which.
        """
        operation = "get_live_respondent_unique_codes_stats"
        group = f"/demand{self._account}/target-groups/{path_segment(target_group_id)}"
        target = f"{group}/respondent-unique-codes/live/stats"
        try:
            return self._read(operation, target, GetLiveRespondentUniqueCodesStatsResponse)
        except (Forbidden, NotFound, MethodNotAllowed) as exc:
            raise NotOffered(
                f"No one-time survey links are offered here: {exc}",
                status=exc.status,
                operation=operation,
            ) from exc

    def get_target_group_details(
        self, *, project_id: str, target_group_id: str
    ) -> TargetGroupDetails:
        """The settings of a launched group; expected LOI in minutes, expected IR 0-1."""
        target = f"{self._group(project_id, target_group_id)}/details"
        return self._read("get_target_group_details", target, TargetGroupDetails)

    def get_whole_target_group_details(
        self, *, project_id: str, target_group_id: str
    ) -> Whole[TargetGroupDetails]:
        """The settings of a launched group, with every member as it came."""
        target = f"{self._group(project_id, target_group_id)}/details"
        return self._read_whole("get_target_group_details", target, TargetGroupDetails)

    def update_launched_target_group_details(
        self,
        *,
        project_id: str,
        target_group_id: str,
        details: TargetGroupDetailsUpdateRequest | Mapping[str, object],
    ) -> TargetGroupDetails:
        """Set the details of a launched group; returns what the exchange now has.

        Sent once: on `outcome_unknown` read back. Refused names the fields.
        """
        operation = "update_launched_target_group_details"
        target = f"{self._group(project_id, target_group_id)}/details"
        answer = self._write(operation, "PUT", target, details)
        return self._decode(operation, answer, TargetGroupDetails, written=True)

    def compute_target_group_transitions(
        self, *, project_id: str, groups: ComputeTargetGroupTransitionsRequest
    ) -> ComputeTargetGroupTransitionsResponse:
        """Which actions all groups of a query allow: launch, pause, resume, relaunch, finish."""
        return self._compute(
            "compute_target_group_transitions",
            f"{self._project(project_id)}/compute-target-group-transitions",
            groups,
            ComputeTargetGroupTransitionsResponse,
        )
