"""Job runs of AWS Glue.

moto lets each succeed after two looks, and cannot stop one. Its Glue is imported when somebody first wants it, since
that takes a tenth of a second; what is replaced in it is then, too.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from orchestrator.local.aws import replacements
from orchestrator.local.aws.containers.processes import Container, Log, written_status
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import adds, replaces

_running: list[Aws] = []

#: Where Glue writes what a job prints ("Logging for AWS Glue jobs").
_LOG_GROUP = "/aws-glue/jobs/output"


def install(aws: Aws) -> None:
    """Nothing yet: see :func:`load`."""
    _running[:] = [aws]


@dataclass(frozen=True, kw_only=True)
class _Record:
    """Writes into moto's object of a job run."""

    aws: Aws
    job: Any
    run: Any

    def ended(self, container: Container) -> None:
        self.run.completed_on = self.run.modified_on = self.aws.clock.now()
        _ended(self.run, container)

    def forget(self) -> None:
        self.job.job_runs.remove(self.run)


def _ended(run: Any, container: Container) -> None:
    if container.stopped:
        run.status = "STOPPED"
    elif container.exit_code == 0:
        run.status, run.detail = "SUCCEEDED", container.reason
    else:
        run.status = "FAILED"
        run.error_message = container.reason or f"Command failed with exit code {container.exit_code}"


def load() -> None:
    """Runs job runs, and stops them, from now on. Raises MotoChanged."""
    replace()
    replacements.check()


@functools.cache
def replace() -> None:
    """Puts the replacements in place, once in a process."""
    from moto.glue import models, responses

    (aws,) = _running
    start, described = models.FakeJob.start_job_run, models.FakeJobRun.as_dict
    replaces(models.FakeJobRun, "status", digest="ad8325159648")(written_status("STARTING"))

    @replaces(models.FakeJob, "start_job_run", digest="0131401dc139")
    def start_job_run(self: Any, *given: Any, **named: Any) -> str:
        job_run = str(start(self, *given, **named))
        run = next(one for one in self.job_runs if one.job_run_id == job_run)
        run.status, run.started_on, run.completed_on = "RUNNING", aws.clock.now(), None
        aws.containers.begin(
            job_run,
            f"glue/{self.name}",
            arguments=[word for pair in (run.arguments or {}).items() for word in pair],
            variables={},
            log=Log(group=_LOG_GROUP, stream=job_run),
            record=_Record(aws=aws, job=self, run=run),
        )
        return job_run

    @replaces(models.FakeJobRun, "as_dict", digest="cb0e8f2ecc50")
    def as_dict(self: Any) -> dict[str, Any]:
        told = described(self) | {"LogGroupName": "/aws-glue/jobs"}
        until = self.completed_on or aws.clock.now()
        told["ExecutionTime"] = int((until - self.started_on).total_seconds())
        more = {"ErrorMessage": getattr(self, "error_message", ""), "StateDetail": getattr(self, "detail", "")}
        return {name: value for name, value in told.items() if value is not None} | {
            name: value for name, value in more.items() if value
        }

    @adds(responses.GlueResponse, "batch_stop_job_run")
    def batch_stop_job_run(self: Any) -> Any:
        name, stopped, errors = self._get_param("JobName"), [], []
        for job_run in self._get_param("JobRunIds"):
            about = {"JobName": name, "JobRunId": job_run}
            try:
                aws.containers.of(job_run).stop("stopped")
                stopped.append(about)
            except KeyError:
                said = {"ErrorCode": "EntityNotFoundException", "ErrorMessage": f"there is no job run {job_run}"}
                errors.append(about | {"ErrorDetail": said})
        return responses.ActionResult({"SuccessfulSubmissions": stopped, "Errors": errors})
