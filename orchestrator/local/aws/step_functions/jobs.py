"""Jobs that a state starts and waits for: the integrations ``ecs:runTask``, ``batch:submitJob`` and
``glue:startJobRun``, with ``.sync``.

moto hands the parameters of these on as they stand, in Step Functions' casing, which no service takes; asks every half
second whether a job has ended; takes a task of ECS that has stopped for one that has succeeded; and lets a job run on
when nobody waits for it any more.

Sources: "Discover service integration patterns" for what is stopped; LocalStack's recording test_run_task_sync for the
result.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_ecs
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_batch import (
    StateTaskServiceBatch,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_ecs import (
    StateTaskServiceEcs,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_glue import (
    StateTaskServiceGlue,
)

from orchestrator.local.aws.clock import FOREVER, Wake
from orchestrator.local.aws.containers import glue
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions import failures, sdk
from orchestrator.local.aws.step_functions.sdk_integrations import operation_of, refusal


class Jobs(ABC):
    """A service's jobs, as an integration starts, looks at and stops them."""

    def prepare(self) -> None:  # noqa: B027 # most services need nothing
        """Does what comes before the first of them."""

    def submitted(self, answer: dict[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
        """What a state sees of the answer to its request."""
        return answer

    @abstractmethod
    def identified(self, answer: Mapping[str, Any]) -> str:
        """The id of the job that an answer in Step Functions' casing tells of."""

    @abstractmethod
    def described(self, client: Any, job: str, asked: Mapping[str, Any]) -> tuple[Mapping[str, Any], Shape | None]:
        """What the service says of the job, and the model of that."""

    @abstractmethod
    def stop(self, client: Any, job: str, asked: Mapping[str, Any], why: str) -> None:
        """Stops the job."""

    @abstractmethod
    def failed(self, described: Mapping[str, Any]) -> bool:
        """Whether the job, as it is described in Step Functions' casing, has not done what it was for."""


class _Tasks(Jobs):
    """Tasks of ECS."""

    def identified(self, answer: Mapping[str, Any]) -> str:
        return str(answer["Tasks"][0]["TaskArn"])

    def described(self, client: Any, job: str, asked: Mapping[str, Any]) -> tuple[Mapping[str, Any], Shape | None]:
        answer = client.describe_tasks(cluster=asked.get("cluster", "default"), tasks=[job])
        return answer["tasks"][0], client.meta.service_model.shape_for("Task")

    def stop(self, client: Any, job: str, asked: Mapping[str, Any], why: str) -> None:
        client.stop_task(cluster=asked.get("cluster", "default"), task=job, reason=why)

    def failed(self, described: Mapping[str, Any]) -> bool:
        return any(one.get("ExitCode") != 0 for one in described["Containers"])


class _BatchJobs(Jobs):
    """Jobs of AWS Batch."""

    def identified(self, answer: Mapping[str, Any]) -> str:
        return str(answer["JobId"])

    def described(self, client: Any, job: str, asked: Mapping[str, Any]) -> tuple[Mapping[str, Any], Shape | None]:
        return client.describe_jobs(jobs=[job])["jobs"][0], client.meta.service_model.shape_for("JobDetail")

    def stop(self, client: Any, job: str, asked: Mapping[str, Any], why: str) -> None:
        client.terminate_job(jobId=job, reason=why)

    def failed(self, described: Mapping[str, Any]) -> bool:
        return bool(described["Status"] != "SUCCEEDED")


class _JobRuns(Jobs):
    """Job runs of AWS Glue."""

    def prepare(self) -> None:
        glue.load()

    def submitted(self, answer: dict[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
        return answer | {"JobName": asked["JobName"]}

    def identified(self, answer: Mapping[str, Any]) -> str:
        return str(answer["JobRunId"])

    def described(self, client: Any, job: str, asked: Mapping[str, Any]) -> tuple[Mapping[str, Any], Shape | None]:
        answer = client.get_job_run(JobName=asked["JobName"], RunId=job)
        return answer["JobRun"], client.meta.service_model.shape_for("JobRun")

    def stop(self, client: Any, job: str, asked: Mapping[str, Any], why: str) -> None:
        client.batch_stop_job_run(JobName=asked["JobName"], JobRunIds=[job])

    def failed(self, described: Mapping[str, Any]) -> bool:
        # One that was stopped is not among them in moto, which has that of LocalStack.
        return described["JobRunState"] in ("ERROR", "FAILED", "TIMEOUT")


#: Of each: its jobs, and the digests of how moto asks and waits.
_KINDS: Mapping[type, tuple[Jobs, str, str]] = {
    StateTaskServiceBatch: (_BatchJobs(), "0b73da826e2c", "3a03a673e7fd"),
    StateTaskServiceEcs: (_Tasks(), "c9eaa3a0b24e", "3a03a673e7fd"),
    StateTaskServiceGlue: (_JobRuns(), "43ce0385ec9e", "3a03a673e7fd"),
}


def _told(value: Any, shape: Shape | None) -> Any:
    """An answer as a state sees it: moments are milliseconds."""
    return sdk.reply(value, shape, moment=lambda at: int(at.timestamp() * 1000))


def _requests(aws: Aws, kind: Any, jobs: Jobs, digest: str) -> None:
    """Asks the service in its own casing, of what its model has."""

    def operation(state: Any, env: Any) -> OperationModel:
        details = env.aws_execution_details
        client = aws.clients.get(state._get_boto_service_name(), details.region, details.role_arn)
        return operation_of(client, state.resource.api_action)

    @replaces(kind, "_eval_parameters", digest="a933bf835504")
    def eval_parameters(self: Any, env: Any) -> Any:
        # What the class inherits now, and not what it did when this was installed.
        given = super(kind, self)._eval_parameters(env)
        shape = operation(self, env).input_shape
        try:
            asked = sdk.request(given, shape)
        except sdk.Unsupported as fault:
            raise failures.runtime_error(env, refusal(self, given, str(fault))) from fault
        report = ParamValidator().validate(asked, shape)
        if report.has_errors():
            raise failures.runtime_error(env, refusal(self, given, report.generate_report()))
        return given

    @replaces(kind, "_eval_service_task", digest=digest)
    def eval_service_task(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> None:
        jobs.prepare()
        client = aws.clients.get(
            self._get_boto_service_name(), resource_runtime_part.region, state_credentials.role_arn
        )
        model = operation_of(client, self.resource.api_action)
        # In place: whoever waits for the job looks at them again.
        asked = sdk.request(normalised_parameters, model.input_shape)
        normalised_parameters.clear()
        normalised_parameters.update(asked)
        answer = _told(getattr(client, self._get_boto_service_action())(**asked), model.output_shape)
        env.stack.append(jobs.submitted(answer, asked))


def _awaited(aws: Aws, kind: Any, jobs: Jobs, digest: str) -> None:
    with_token = kind._eval_integration_pattern

    @replaces(kind, "_eval_integration_pattern", digest=digest)
    def eval_integration_pattern(
        self: Any, env: Any, resource_runtime_part: Any, normalised_parameters: Any, state_credentials: Any
    ) -> None:
        if self.resource.condition == ResourceCondition.WaitForTaskToken:
            with_token(self, env, resource_runtime_part, normalised_parameters, state_credentials)
            return
        job = jobs.identified(env.stack.pop())
        run = aws.containers.of(job)
        notice = Wake()
        for one in (env.over, run.over):
            one.then(notice.set)
        aws.clock.sleep_until(FOREVER, wake=notice, resting=True)
        client = aws.clients.get(
            self._get_boto_service_name(), resource_runtime_part.region, state_credentials.role_arn
        )
        if not run.over.is_set():
            execution = env.states.context_object.context_object_data["Execution"]["Id"]
            why = f"The Task state in AWS Step Functions execution [{execution}] which was managing this resource was aborted"  # noqa: E501
            # "Step Functions will make a best-effort attempt to cancel the task" ("Run a Job (.sync)").
            with suppress(ClientError):
                jobs.stop(client, job, normalised_parameters, why)
            return
        described = _told(*jobs.described(client, job, normalised_parameters))
        if jobs.failed(described):
            raise failures.work_failed(self, env, described)
        env.stack.append(described)


def install(aws: Aws) -> None:
    """Starts, awaits and stops jobs as AWS does."""
    for kind, (jobs, asking, awaiting) in _KINDS.items():
        _requests(aws, kind, jobs, asking)
        _awaited(aws, kind, jobs, awaiting)

    def attach(parameters: dict[str, Any]) -> None:
        """Says who has started the job, in Step Functions' casing as all that it asks."""
        overrides = parameters.setdefault("ContainerOverrides", {})
        managed = {"Name": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}
        overrides["Environment"] = [*overrides.get("Environment", []), managed]

    of_batch = staticmethod(attach)
    replaces(StateTaskServiceBatch, "_attach_aws_environment_variables", digest="f6cc49768fd2")(of_batch)

    # The page names it nowhere, but aws-cdk's tests on AWS run tasks with it (pull request 35465).
    supported = state_task_service_ecs._SUPPORTED_API_PARAM_BINDINGS
    replaces(supported, "runtask", digest="6ee0eb490ff8")(supported["runtask"] | {"CapacityProviderStrategy"})
