"""Drafts of target groups: create, read, replace."""

from collections.abc import Mapping

from dashboard.exchange.decode import Whole
from dashboard.exchange.errors import AlreadyLaunched, Redirected
from dashboard.exchange.operations.base import OperationsBase
from dashboard.exchange.shapes.drafts import (
    CreatedDraftTargetGroupResponse,
    DraftTargetGroupRequest,
    FetchTargetGroupResponse,
)


class DraftOperations(OperationsBase):
    """Writes are sent once: the contract has no idempotency key for drafts."""

    def create_target_group(
        self, *, project_id: str, draft: DraftTargetGroupRequest | Mapping[str, object]
    ) -> str:
        """The id of a new draft. `outcome_unknown`: search the list before trying again."""
        operation = "create_target_group"
        target = f"{self._project(project_id)}/target-groups"
        answer = self._write(operation, "POST", target, draft)
        return self._decode(operation, answer, CreatedDraftTargetGroupResponse, written=True).id

    def get_target_group(
        self, *, project_id: str, target_group_id: str
    ) -> FetchTargetGroupResponse:
        """A draft; AlreadyLaunched if it is no longer one: then read its details."""
        return self.get_whole_target_group(
            project_id=project_id, target_group_id=target_group_id
        ).value

    def get_whole_target_group(
        self, *, project_id: str, target_group_id: str
    ) -> Whole[FetchTargetGroupResponse]:
        """A draft with every member as it came; AlreadyLaunched if it is no longer one."""
        operation = "get_target_group"
        try:
            return self._read_whole(
                operation, self._group(project_id, target_group_id), FetchTargetGroupResponse
            )
        except Redirected as exc:
            raise AlreadyLaunched(status=exc.status, operation=operation) from exc

    def update_target_group(
        self,
        *,
        project_id: str,
        target_group_id: str,
        draft: DraftTargetGroupRequest | Mapping[str, object],
    ) -> None:
        """Replace a draft. AlreadyLaunched if it is no longer one; Refused names the fields."""
        operation = "update_target_group"
        try:
            self._write(operation, "PUT", self._group(project_id, target_group_id), draft)
        except Redirected as exc:
            raise AlreadyLaunched(status=exc.status, operation=operation) from exc
