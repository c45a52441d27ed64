"""Projects: list, read, create."""

from dashboard.exchange.decode import Page, Versioned
from dashboard.exchange.operations.base import OperationsBase, query_string
from dashboard.exchange.shapes.projects import (
    ProjectDetails,
    ProjectId,
    ProjectInfo,
    ProjectListItem,
    ProjectOverview,
)


class ProjectOperations(OperationsBase):
    """Reads, and writes with an idempotency key."""

    def list_account_projects(
        self,
        *,
        page_size: int = 100,
        start_after: str | None = None,
        end_before: str | None = None,
        status: str | None = None,
        project_manager_id: str | None = None,
        search_string: str | None = None,
    ) -> Page[ProjectListItem]:
        """One page of the account's projects; `status`: active or inactive; page size 1-100."""
        values = query_string(
            {
                "page_size": page_size,
                "start_after": start_after,
                "end_before": end_before,
                "status": status,
                "project_manager_id": project_manager_id,
                "search_string": search_string,
            }
        )
        target = f"{self._projects}{values}"
        return self._list("list_account_projects", target, "projects", ProjectListItem)

    def create_project(self, *, project: ProjectInfo, idempotency_key: str) -> ProjectId:
        """Create a project; the same key again creates no second one. Refused names the fields."""
        operation = "create_project"
        answer = self._write(
            operation, "POST", self._projects, project, idempotency_key=idempotency_key
        )
        return self._decode(operation, answer, ProjectId, written=True)

    def get_project_by_id(self, *, project_id: str) -> Versioned[ProjectDetails]:
        """A project without its figures, with its ETag."""
        operation = "get_project_by_id"
        answer = self._transport.send(operation, "GET", self._project(project_id))
        value = self._decode(operation, answer, ProjectDetails)
        return Versioned(value=value, etag=answer.headers.get("etag"))

    def project_overview(self, *, project_id: str) -> ProjectOverview:
        """A project with its status and its figures over all target groups."""
        target = f"{self._project(project_id)}/overview"
        return self._read("project_overview", target, ProjectOverview)
