"""Jobs of other services as targets of tasks: ``ecs/NAME`` of tasks.yaml is a container that stack.yaml declares,
``batch/NAME`` a job of AWS Batch, ``glue/NAME`` one of AWS Glue.

As with endpoints, the registry holds no name of anything outside the stack: each job is a workflow, one state of which
starts the job, waits for its end, and stops it when the run is stopped ("Run a Job (.sync)"). Its role may start this
job and stop it, and nothing else. Tasks of other kinds have nothing of it.

Sources: "Run Amazon ECS or Fargate tasks with Step Functions", "Run AWS Batch workloads with Step Functions" and "Start
an AWS Glue job with Step Functions" for requests, errors and permissions; the "Service Authorization Reference" of each
service for resources that are finer than those pages' ``*``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from orchestrator.asl.definition import Definition
from orchestrator.asl.expressions import Jsonata, jsonata, literal
from orchestrator.asl.vocabulary import CAUSE_TEXT, one_line
from orchestrator.asl.written import WrittenDefinition
from orchestrator.deployment.statements import arn
from orchestrator.functions import Permission
from orchestrator.taskfile.job_models import JOB_VARIABLES, BatchModel, EcsModel, GlueModel
from orchestrator.tasks.task import workflow_name

#: What Step Functions adds to the time of a job itself, in seconds.
_AROUND_SECONDS = 60


def container(name: str, declared: EcsModel) -> Definition:
    """Returns the workflow that runs a task of ECS, and succeeds if its containers exit with 0.

    RunTask has an idempotency token, which is not among the parameters that Step Functions takes: an attempt asks
    once, and a job learns from ``RUN_KEY`` that it is another attempt of the same run.
    """
    network = {
        "Subnets": declared.subnets,
        **({"SecurityGroups": declared.security_groups} if declared.security_groups else {}),
        # ECS takes it of Fargate alone.
        **({"AssignPublicIp": "ENABLED"} if declared.public_ip else {}),
    }
    override = {
        "Name": declared.container,
        "Environment": _variables(declared.environment),
        **({"Command": [_text(one) for one in declared.command]} if declared.command else {}),
    }
    providers = [{"CapacityProvider": one, "Weight": weight} for one, weight in declared.capacity_providers.items()]
    arguments = {
        "Cluster": declared.cluster,
        "TaskDefinition": declared.task_definition,
        **({"CapacityProviderStrategy": providers} if providers else {"LaunchType": declared.launch_type}),
        **({"NetworkConfiguration": {"AwsvpcConfiguration": network}} if declared.subnets else {}),
        "Overrides": {"ContainerOverrides": [override]},
    }
    output = f"""{{
        'taskArn': $states.result.TaskArn,
        'exitCode': $states.result.Containers[Name = {literal(declared.container)}].ExitCode,
        'stoppedReason': $states.result.StoppedReason
    }}"""
    definition = declared.task_definition
    running = Permission(
        actions=("ecs:RunTask",),
        # Who names no revision runs the latest, and is asked for that one.
        resource=f"here:ecs:task-definition/{definition}" + ("" if ":" in definition else ":*"),
        conditions={"ArnEquals": {"ecs:cluster": arn("ecs", f"cluster/{declared.cluster}")}},
    )
    stopping = Permission(actions=("ecs:DescribeTasks", "ecs:StopTask"), resource=f"here:ecs:task/{declared.cluster}/*")
    passed_to = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    passing = [
        Permission(actions=("iam:PassRole",), resource=f"here:iam:role/{role}", conditions=passed_to)
        for role in declared.roles
    ]
    state = {
        "Resource": "arn:aws:states:::ecs:runTask.sync",
        "TimeoutSeconds": declared.timeout,
        "Arguments": arguments,
        "Output": jsonata(output),
    }
    return _job(
        workflow_name("ecs", name),
        state,
        service="ECS",
        told=(_EXIT_CODE, _field("Reason"), _field("StoppedReason")),
        permissions=(running, stopping, *passing, _rule("StepFunctionsGetEventsForECSTaskRule")),
    )


def batch_job(name: str, declared: BatchModel) -> Definition:
    """Returns the workflow that runs a job of AWS Batch. Batch ends it, too, when its time is up.

    SubmitJob has no idempotency token: as with containers, a job learns from ``RUN_KEY`` whose attempt it is.
    """
    overrides = {
        "Environment": _variables(declared.environment),
        **({"Command": [_text(one) for one in declared.command]} if declared.command else {}),
    }
    parameters = {key: _text(value) for key, value in declared.parameters.items()}
    arguments = {
        # The name of a job begins with a letter or a digit, and has 128 characters at most.
        "JobName": jsonata("'batch-' & $states.context.Execution.Name"),
        "JobQueue": declared.job_queue,
        "JobDefinition": declared.job_definition,
        **({"Parameters": parameters} if parameters else {}),
        "ContainerOverrides": overrides,
        "Timeout": {"AttemptDurationSeconds": declared.timeout},
    }
    output = """{
        'jobId': $states.result.JobId,
        'exitCode': $states.result.Container.ExitCode,
        'statusReason': $states.result.StatusReason
    }"""
    state = {
        "Resource": "arn:aws:states:::batch:submitJob.sync",
        "TimeoutSeconds": declared.timeout,
        "Arguments": arguments,
        "Output": jsonata(output),
    }
    definition = f"here:batch:job-definition/{declared.job_definition}"
    definitions = (definition,) if ":" in declared.job_definition else (definition, f"{definition}:*")
    submitting = [
        Permission(actions=("batch:SubmitJob",), resource=one)
        for one in (*definitions, f"here:batch:job-queue/{declared.job_queue}")
    ]
    return _job(
        workflow_name("batch", name),
        state,
        service="Batch",
        told=(_EXIT_CODE, _field("Reason"), _field("StatusReason")),
        permissions=(
            *submitting,
            # The id of a job is not known before it is there.
            Permission(actions=("batch:TerminateJob",), resource="here:batch:job/*"),
            # It has no finer resource.
            Permission(actions=("batch:DescribeJobs",), resource="*"),
            _rule("StepFunctionsGetEventsForBatchJobsRule"),
        ),
    )


def glue_job(name: str, declared: GlueModel) -> Definition:
    """Returns the workflow that runs a job of AWS Glue. Glue ends it, too, when its time is up, to the minute.

    StartJobRun has no idempotency token: as with containers, a job learns from ``--RUN_KEY`` whose attempt it is.
    """
    of_run = {f"--{one['Name']}": one["Value"] for one in _variables({})}
    arguments = {
        "JobName": declared.job,
        "Arguments": of_run | {key: _text(value) for key, value in declared.arguments.items()},
        "Timeout": -(-declared.timeout // 60),
    }
    output = """{
        'jobRunId': $states.result.Id,
        'state': $states.result.JobRunState,
        'stateDetail': $states.result.StateDetail
    }"""
    # Somebody may stop a job run by hand, and no page says whether Step Functions takes that for a failure.
    stopped = {"error": "Glue.Stopped", "cause": jsonata("$states.input.jobRunId & ' is ' & $states.input.state")}
    ended = {
        "Type": "Choice",
        "Choices": [
            {"Condition": jsonata("$states.input.state != 'SUCCEEDED'"), "Output": stopped, "Next": "Failed"},
        ],
        "Default": "Succeeded",
    }
    state = {
        "Resource": "arn:aws:states:::glue:startJobRun.sync",
        "TimeoutSeconds": declared.timeout,
        "Arguments": arguments,
        "Output": jsonata(output),
    }
    actions = ("glue:BatchStopJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:StartJobRun")
    return _job(
        workflow_name("glue", name),
        state,
        service="Glue",
        told=(_field("JobRunState"), _field("ErrorMessage")),
        permissions=(Permission(actions=actions, resource=f"here:glue:job/{declared.job}"),),
        after={"Ended": ended, "Succeeded": {"Type": "Succeed"}},
    )


def _job(
    name: str,
    state: Mapping[str, Any],
    *,
    service: str,
    told: Sequence[str],
    permissions: Sequence[Permission],
    after: Mapping[str, Any] = MappingProxyType({}),
) -> Definition:
    """A workflow of one state, and of those that come ``after`` it, the first of them next.

    Its failure is what ``told``, expressions over the text ``$cause``, say of it.
    """
    caught = f"""(
        $cause := {CAUSE_TEXT};
        $told := [{", ".join(told)}];
        $count($told) > 0 ? $join($told, ': ') : $cause
    )"""
    run = {
        "Type": "Task",
        **state,
        "Catch": [
            {
                "ErrorEquals": ["States.ALL"],
                "Output": {
                    # The name of a Fail state's error may not begin so.
                    "error": jsonata(rf"$replace($states.errorOutput.Error, /^States\./, '{service}.')"),
                    "cause": jsonata(one_line(caught)),
                },
                "Next": "Failed",
            }
        ],
        **({"Next": next(iter(after))} if after else {"End": True}),
    }
    failed = {"Type": "Fail", "Error": jsonata("$states.input.error"), "Cause": jsonata("$states.input.cause")}
    comment = f"Runs {name}, and waits for its end."
    whole_seconds = int(state["TimeoutSeconds"]) + _AROUND_SECONDS
    return WrittenDefinition(
        machine={
            "Comment": comment,
            "QueryLanguage": "JSONata",
            "TimeoutSeconds": whole_seconds,
            "StartAt": "Run",
            "States": {"Run": run, **after, "Failed": failed},
        },
        comment=comment,
        timeout_seconds=whole_seconds,
        permissions=tuple(permissions),
    )


def _rule(name: str) -> Permission:
    """How Step Functions learns that a job has ended: by a rule of its own ("IAM policies for integrated services")."""
    return Permission(actions=("events:DescribeRule", "events:PutRule", "events:PutTargets"), resource=f"here:events:rule/{name}")  # fmt: skip # noqa: E501


def _variables(environment: Mapping[str, str]) -> list[dict[str, str]]:
    """The variables of a container: what it knows of its run, and what was declared."""
    of_run = {name: jsonata(f"$string($states.input.{field})") for name, field in JOB_VARIABLES.items()}
    declared = {name: _text(value) for name, value in environment.items()}
    return [{"Name": name, "Value": value} for name, value in (of_run | declared).items()]


def _text(value: str) -> str:
    """A text, or, of an expression, the text of its value."""
    stripped = value.strip()
    if stripped.startswith("{%") and stripped.endswith("%}"):
        return jsonata(f"$string({Jsonata(stripped)[2:-2].strip()})")
    return value


def _field(name: str) -> str:
    """The first field of a name with text in it. A cause may end anywhere, so it is not parsed."""
    return rf"""$match($cause, /"{name}"\s*:\s*"((?:\\.|[^"])+)"/)[0].groups[0]"""


#: Of several containers, the first that did not end well.
_EXIT_CODE = r"""(
    $codes := $match($cause, /"ExitCode"\s*:\s*([0-9]+)/).groups;
    $failed := $codes[$ != '0'];
    $exists($failed) ? 'exit code ' & $failed[0]
)"""
