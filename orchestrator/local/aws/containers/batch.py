"""Jobs of AWS Batch.

moto runs them in Docker, each in a thread that looks every half second whether its state has passed by.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Any

from moto.batch.exceptions import ClientException
from moto.batch.models import BatchBackend, Job

from orchestrator.local.aws.containers.processes import Container, Log, written_status
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces


def _now(aws: Aws) -> Any:
    """The time, in UTC and without its zone, as moto keeps moments."""
    return aws.clock.now().astimezone(UTC).replace(tzinfo=None)


def _variables(job: Any, properties: dict[str, Any]) -> dict[str, str]:
    """The definition's, the job's own, and what Batch tells each job ("AWS Batch job environment variables")."""
    given = [*properties.get("environment", []), *job.container_overrides.get("environment", [])]
    of_batch = {
        "AWS_BATCH_JOB_ID": job.job_id,
        "AWS_BATCH_JOB_ATTEMPT": "1",
        "AWS_BATCH_JQ_NAME": job.job_queue.name,
    }
    return {one["name"]: one["value"] for one in given} | of_batch


@dataclass(frozen=True, kw_only=True)
class _Record:
    """Writes into moto's object of a job."""

    aws: Aws
    job: Any

    def ended(self, container: Container) -> None:
        job = self.job
        job.exit_code, job.job_stopped, job.job_stopped_at = container.exit_code, True, _now(self.aws)
        job.status = "SUCCEEDED" if container.exit_code == 0 and not container.stopped else "FAILED"
        job.job_stopped_reason = container.stopped or container.reason or "Essential container in task exited"

    def forget(self) -> None:
        self.job.job_queue.jobs.remove(self.job)
        del self.job.all_jobs[self.job.job_id]


def install(aws: Aws) -> None:
    """Runs jobs, and ends them."""
    submit, describe = BatchBackend.submit_job, Job.describe
    replaces(Job, "status", digest="ad8325159648")(written_status("SUBMITTED"))

    @replaces(BatchBackend, "submit_job", digest="49897baf7ba4")
    def submit_job(
        self: Any,
        job_name: str,
        job_def_id: str,
        job_queue: str,
        array_properties: Any = None,
        depends_on: Any = None,
        **more: Any,
    ) -> Any:
        if array_properties or depends_on:
            raise ClientException("The embedded AWS runs no array jobs, and none that wait for others")
        return submit(self, job_name, job_def_id, job_queue, {}, **more)

    @replaces(Job, "start", digest="36f3dcd7be0e")
    def start(self: Any) -> None:
        properties = self.job_definition.container_properties or {}
        self.status = "RUNNING"
        self.job_created_at = self.job_started_at = _now(aws)
        self.log_stream_name = self._stream_name
        aws.containers.begin(
            self.job_id,
            f"batch/{self.job_definition.name}",
            arguments=self._add_parameters_to_command(
                self.container_overrides.get("command") or properties.get("command") or []
            ),
            variables=_variables(self, properties),
            log=Log(group=self._log_group, stream=self._stream_name),
            record=_Record(aws=aws, job=self),
        )

    @replaces(Job, "terminate", digest="07ea2f7c1cb1")
    def terminate(self: Any, reason: str) -> None:
        aws.containers.of(self.job_id).stop(reason)

    @replaces(Job, "describe", digest="2fa9aa133a8a")
    def with_exit_code(self: Any) -> dict[str, Any]:
        told: dict[str, Any] = describe(self)
        if self.exit_code is not None and "container" in told:
            told["container"] |= {"exitCode": self.exit_code}
        return told
