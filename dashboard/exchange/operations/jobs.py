"""Jobs: actions on many target groups, and the launch of a draft.

Creating a job returns a `JobRef`; the job is then read until it is Completed or Failed. The
idempotency key, a UUID that the caller stores, makes a second try the same job.
"""

from datetime import datetime

from dashboard.exchange.operations.base import JobRef, OperationsBase, path_segment, rfc3339
from dashboard.exchange.shapes.jobs import BulkJob, FieldingRunJob


class JobOperations(OperationsBase):
    """Creation and reading of every kind of job."""

    def create_bulk_complete_target_groups_job(
        self, *, project_id: str, target_group_ids: list[str], idempotency_key: str
    ) -> JobRef:
        """Complete these groups."""
        operation = "create_bulk_complete_target_groups_job"
        return self._bulk(operation, project_id, "complete", target_group_ids, idempotency_key)

    def get_bulk_complete_target_groups_job(self, *, project_id: str, job_id: str) -> BulkJob:
        """The status of the job, and its result for each group."""
        target = self._bulk_jobs(project_id, "complete")
        operation = "get_bulk_complete_target_groups_job"
        return self._read(operation, f"{target}/{path_segment(job_id)}", BulkJob)

    def create_bulk_launch_target_groups_job(
        self, *, project_id: str, target_group_ids: list[str], idempotency_key: str
    ) -> JobRef:
        """Launch these scheduled groups now; drafts have a job of their own."""
        operation = "create_bulk_launch_target_groups_job"
        return self._bulk(operation, project_id, "launch", target_group_ids, idempotency_key)

    def get_bulk_launch_target_groups_job(self, *, project_id: str, job_id: str) -> BulkJob:
        """The status of the job, and its result for each group."""
        target = self._bulk_jobs(project_id, "launch")
        operation = "get_bulk_launch_target_groups_job"
        return self._read(operation, f"{target}/{path_segment(job_id)}", BulkJob)

    def create_bulk_pause_target_groups_job(
        self, *, project_id: str, target_group_ids: list[str], idempotency_key: str
    ) -> JobRef:
        """Pause these live groups."""
        operation = "create_bulk_pause_target_groups_job"
        return self._bulk(operation, project_id, "pause", target_group_ids, idempotency_key)

    def get_bulk_pause_target_groups_job(self, *, project_id: str, job_id: str) -> BulkJob:
        """The status of the job, and its result for each group."""
        target = self._bulk_jobs(project_id, "pause")
        operation = "get_bulk_pause_target_groups_job"
        return self._read(operation, f"{target}/{path_segment(job_id)}", BulkJob)

    def create_bulk_relaunch_target_groups_job(
        self, *, project_id: str, target_group_ids: list[str], idempotency_key: str
    ) -> JobRef:
        """Relaunch these completed groups."""
        operation = "create_bulk_relaunch_target_groups_job"
        return self._bulk(operation, project_id, "relaunch", target_group_ids, idempotency_key)

    def get_bulk_relaunch_target_groups_job(self, *, project_id: str, job_id: str) -> BulkJob:
        """The status of the job, and its result for each group."""
        target = self._bulk_jobs(project_id, "relaunch")
        operation = "get_bulk_relaunch_target_groups_job"
        return self._read(operation, f"{target}/{path_segment(job_id)}", BulkJob)

    def create_bulk_resume_target_groups_job(
        self, *, project_id: str, target_group_ids: list[str], idempotency_key: str
    ) -> JobRef:
        """Resume these paused groups."""
        operation = "create_bulk_resume_target_groups_job"
        return self._bulk(operation, project_id, "resume", target_group_ids, idempotency_key)

    def get_bulk_resume_target_groups_job(self, *, project_id: str, job_id: str) -> BulkJob:
        """The status of the job, and its result for each group."""
        target = self._bulk_jobs(project_id, "resume")
        operation = "get_bulk_resume_target_groups_job"
        return self._read(operation, f"{target}/{path_segment(job_id)}", BulkJob)

    def create_bulk_update_target_group_project_manager_job(
        self, *, project_id: str, target_group_ids: list[str], project_manager_id: str
    ) -> JobRef:
        """Reassign these groups to another project manager. Sent once: this job takes no key."""
        operation = "create_bulk_update_target_group_project_manager_job"
        target = f"{self._project(project_id)}/batch-jobs/update-target-group-project-managers"
        body = {"project_manager_id": project_manager_id, "target_group_ids": target_group_ids}
        return self._job(operation, self._write(operation, "POST", target, body))

    def get_bulk_update_target_group_project_manager_job(
        self, *, project_id: str, job_id: str
    ) -> BulkJob:
        """The status of the job, and its result for each group."""
        target = f"{self._project(project_id)}/batch-jobs/update-target-group-project-managers"
        operation = "get_bulk_update_target_group_project_manager_job"
        return self._read(operation, f"{target}/{path_segment(job_id)}", BulkJob)

    def create_launch_fielding_run_from_draft_job(
        self,
        *,
        project_id: str,
        target_group_id: str,
        end_fielding_at: datetime,
        idempotency_key: str,
    ) -> JobRef:
        """Launch a draft now, until `end_fielding_at`."""
        operation = "create_launch_fielding_run_from_draft_job"
        target = self._draft_jobs(project_id, target_group_id, "launch")
        body = {"end_fielding_at": rfc3339(end_fielding_at)}
        answer = self._write(operation, "POST", target, body, idempotency_key=idempotency_key)
        return self._job(operation, answer)

    def get_launch_fielding_run_from_draft_job(
        self, *, project_id: str, target_group_id: str, job_id: str
    ) -> FieldingRunJob:
        """The status of the launch, and the reason if it failed."""
        target = self._draft_jobs(project_id, target_group_id, "launch")
        operation = "get_launch_fielding_run_from_draft_job"
        return self._read(operation, f"{target}/{path_segment(job_id)}", FieldingRunJob)

    def create_schedule_fielding_run_from_draft_job(
        self,
        *,
        project_id: str,
        target_group_id: str,
        start_fielding_at: datetime,
        end_fielding_at: datetime,
        idempotency_key: str,
    ) -> JobRef:
        """Schedule a draft from `start_fielding_at` to `end_fielding_at`."""
        operation = "create_schedule_fielding_run_from_draft_job"
        target = self._draft_jobs(project_id, target_group_id, "schedule")
        body = {
            "start_fielding_at": rfc3339(start_fielding_at),
            "end_fielding_at": rfc3339(end_fielding_at),
        }
        answer = self._write(operation, "POST", target, body, idempotency_key=idempotency_key)
        return self._job(operation, answer)

    def get_schedule_fielding_run_from_draft_job(
        self, *, project_id: str, target_group_id: str, job_id: str
    ) -> FieldingRunJob:
        """The status of the scheduling, and the reason if it failed."""
        target = self._draft_jobs(project_id, target_group_id, "schedule")
        operation = "get_schedule_fielding_run_from_draft_job"
        return self._read(operation, f"{target}/{path_segment(job_id)}", FieldingRunJob)

    def _bulk_jobs(self, project_id: str, verb: str) -> str:
        return f"{self._project(project_id)}/batch-jobs/{verb}-fielding-runs-by-target-group-id"

    def _draft_jobs(self, project_id: str, target_group_id: str, verb: str) -> str:
        group = self._group(project_id, target_group_id)
        return f"{group}/fielding-run-jobs/{verb}-from-draft"

    def _bulk(
        self, operation: str, project_id: str, verb: str, target_group_ids: list[str], key: str
    ) -> JobRef:
        target = self._bulk_jobs(project_id, verb)
        body = {"target_group_ids": target_group_ids}
        return self._job(
            operation, self._write(operation, "POST", target, body, idempotency_key=key)
        )
