"""Launched groups: fielding runs, CPI, filling strategy, re-entry."""

from collections.abc import Mapping
from datetime import datetime

from dashboard.exchange.decode import Page, Versioned, Whole
from dashboard.exchange.errors import Forbidden, MethodNotAllowed, NotFound, NotOffered
from dashboard.exchange.http.transport import Transport
from dashboard.exchange.operations.base import OperationsBase, path_segment, rfc3339
from dashboard.exchange.shapes.base import MonetaryAmountRequestModel, Money, Shape
from dashboard.exchange.shapes.fielding import (
    FieldingRunId,
    FieldingRunItem,
    FillingStrategyUpdateRequest,
    ReEntryConfiguration,
)

RE_ENTRY_PATH = (
    "/demand/accounts/{account_id}/projects/{project_id}"
    "/target-groups/{target_group_id}/re-entry-configuration"
)


class CostPerInterviewUpdateResponse(Shape, frozen=True, kw_only=True, gc=False):
    target_group_cpi: Money


class FillingStrategyUpdateResponse(Shape, frozen=True, kw_only=True, gc=False):
    filling_strategy: str


class FieldingOperations(OperationsBase):
    """Writes are sent once; a change of a run needs its ETag."""

    def __init__(self, transport: Transport, *, account_id: str, re_entry_path: str) -> None:
        super().__init__(transport, account_id=account_id)
        self._account_id = account_id
        self._re_entry_path = re_entry_path
        try:
            example = self._re_entry("project", "group")
        except (KeyError, IndexError) as exc:
            raise ValueError(f"The re-entry path has an unknown placeholder: {exc}") from exc
        if not example.startswith("/"):
            raise ValueError("The re-entry path must start with /")

    def update_cost_per_interview(
        self, *, project_id: str, target_group_id: str, cpi: Money
    ) -> Money:
        """The new CPI of a launched group, as the exchange now has it. Sent once."""
        operation = "update_cost_per_interview"
        target = f"{self._group(project_id, target_group_id)}/cost-per-interview"
        body = {"target_group_cpi": MonetaryAmountRequestModel.of(cpi)}
        answer = self._write(operation, "PUT", target, body)
        update = self._decode(operation, answer, CostPerInterviewUpdateResponse, written=True)
        return update.target_group_cpi

    def update_filling_strategy(
        self, *, project_id: str, target_group_id: str, filling_strategy: str
    ) -> str:
        """The new strategy (automated, prescreens, completes) as the exchange has it. Sent once."""
        operation = "update_filling_strategy"
        target = f"{self._group(project_id, target_group_id)}/filling-strategy"
        body = FillingStrategyUpdateRequest(filling_strategy=filling_strategy)
        answer = self._write(operation, "PUT", target, body)
        update = self._decode(operation, answer, FillingStrategyUpdateResponse, written=True)
        return update.filling_strategy

    def get_re_entry_configuration(
        self, *, project_id: str, target_group_id: str
    ) -> ReEntryConfiguration:
        """Who may re-enter a launched group.

        NotOffered for 403, 404 and 405. A draft gives 404: its re-entry is part of the draft.
        """
        return self.get_whole_re_entry_configuration(
            project_id=project_id, target_group_id=target_group_id
        ).value

    def get_whole_re_entry_configuration(
        self, *, project_id: str, target_group_id: str
    ) -> Whole[ReEntryConfiguration]:
        """Who may re-enter a launched group, with every member as it came; else NotOffered."""
        operation = "get_re_entry_configuration"
        target = self._re_entry(project_id, target_group_id)
        try:
            return self._read_whole(operation, target, ReEntryConfiguration)
        except (Forbidden, NotFound, MethodNotAllowed) as exc:
            raise _re_entry_not_offered(operation, exc.status) from exc

    def update_re_entry_configuration(
        self,
        *,
        project_id: str,
        target_group_id: str,
        configuration: ReEntryConfiguration | Mapping[str, object],
    ) -> ReEntryConfiguration:
        """Set the re-entry of a launched group; returns what the exchange now has. Sent once.

        NotOffered for 403, 404 and 405. The re-entry of a draft is edited with the draft.
        """
        operation = "update_re_entry_configuration"
        target = self._re_entry(project_id, target_group_id)
        try:
            answer = self._write(operation, "PUT", target, configuration)
        except (Forbidden, NotFound, MethodNotAllowed) as exc:
            raise _re_entry_not_offered(operation, exc.status) from exc
        return self._decode(operation, answer, ReEntryConfiguration, written=True)

    def get_fielding_runs_by_target_group_id(
        self, *, project_id: str, target_group_id: str
    ) -> Page[FieldingRunItem]:
        """The fielding runs of a group, at most one; its `etag` is needed for a change."""
        target = f"{self._group(project_id, target_group_id)}/fielding-runs"
        return self._list("get_fielding_runs_by_target_group_id", target, "data", FieldingRunItem)

    def get_whole_fielding_run(
        self, *, project_id: str, target_group_id: str, fielding_run_id: str
    ) -> Whole[FieldingRunItem]:
        """One run with every member as it came; its ETag is the header's, if it had one."""
        target = self._run(project_id, target_group_id, fielding_run_id)
        return self._read_whole("get_fielding_run", target, FieldingRunItem)

    def update_fielding_run(
        self,
        *,
        project_id: str,
        target_group_id: str,
        fielding_run_id: str,
        start_fielding_at: datetime | str,
        end_fielding_at: datetime | str,
        etag: str,
        other_members: Mapping[str, object] | None = None,
    ) -> Versioned[FieldingRunId]:
        """Set the dates of a run; returns its new ETag. PreconditionFailed if it has changed.

        A date given as text is sent unchanged. `other_members`: the rest of the run as it was read.
        """
        operation = "update_fielding_run"
        target = self._run(project_id, target_group_id, fielding_run_id)
        body = dict(other_members or {}) | {
            "start_fielding_at": _moment_text(start_fielding_at),
            "end_fielding_at": _moment_text(end_fielding_at),
        }
        answer = self._write(operation, "PUT", target, body, etag=etag)
        value = self._decode(operation, answer, FieldingRunId, written=True)
        return Versioned(value=value, etag=answer.headers.get("etag"))

    def _run(self, project_id: str, target_group_id: str, fielding_run_id: str) -> str:
        group = self._group(project_id, target_group_id)
        return f"{group}/fielding-runs/{path_segment(fielding_run_id)}"

    def _re_entry(self, project_id: str, target_group_id: str) -> str:
        return self._re_entry_path.format(
            account_id=path_segment(self._account_id),
            project_id=path_segment(project_id),
            target_group_id=path_segment(target_group_id),
        )


def _moment_text(moment: datetime | str) -> str:
    return moment if isinstance(moment, str) else rfc3339(moment)


def _re_entry_not_offered(operation: str, status: int | None) -> NotOffered:
    return NotOffered(
        "This exchange does not allow re-entry to be edited once launched",
        status=status,
        operation=operation,
    )
