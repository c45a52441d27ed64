"""Reconciliation: completes that can still be taken back."""

from dashboard.exchange.decode import Page
from dashboard.exchange.operations.base import OperationsBase, query_string
from dashboard.exchange.shapes.accounts import DueMonth, EligibleTargetGroup


class ReconciliationOperations(OperationsBase):
    """Reads. An account without the feature answers 403."""

    def get_eligible_target_groups(
        self,
        *,
        due_month: DueMonth,
        page_size: int = 100,
        start_after: str | None = None,
        project_manager_id: str | None = None,
    ) -> Page[EligibleTargetGroup]:
        """One page of the groups with completes that can be reconciled until the due month's 25th.

        Page size 1-100.
        """
        values = query_string(
            {
                "page_size": page_size,
                "start_after": start_after,
                "due_month": due_month,
                "project_manager_id": project_manager_id,
            }
        )
        target = f"/demand{self._account}/reconciliations/eligible-target-groups{values}"
        return self._list(
            "get_eligible_target_groups", target, "target_groups", EligibleTargetGroup
        )
