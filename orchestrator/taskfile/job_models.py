"""The jobs of other services that tasks run: what stack.yaml says of a container, of a job of AWS Batch,
and of one of AWS Glue.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from orchestrator.taskfile import durations
from orchestrator.taskfile.file_model import Model
from orchestrator.tasks.task import LONGEST_RUN_SECONDS

#: "ContainerOverride" (API reference of ECS) and the names of variables in POSIX.
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"


def _name_of(what: str, pattern: str) -> BeforeValidator:
    """A name in the stack's own account and region, where Step Functions starts jobs: an ARN could say another."""

    def named(text: object) -> object:
        if not isinstance(text, str) or not re.fullmatch(pattern, text):
            hint = ": write what follows its last '/'" if str(text).startswith("arn:") else ""
            raise ValueError(f"expected the name of {what} in the stack's account and region, found {text!r}{hint}")
        return text

    return BeforeValidator(named)


def _variables(environment: dict[str, str]) -> dict[str, str]:
    for name in environment:
        if not re.fullmatch(_VARIABLE, name):
            raise ValueError(f"expected names of variables like DAY, found {name!r}")
        if name in JOB_VARIABLES:
            raise ValueError(f"{name} is what the run itself says: {', '.join(JOB_VARIABLES)}")
    return environment


def _arguments(arguments: dict[str, str]) -> dict[str, str]:
    for name in arguments:
        if not name.startswith("--"):
            raise ValueError(f"expected names of arguments like --day, found {name!r}")
        if name.removeprefix("--") in JOB_VARIABLES:
            raise ValueError(f"{name} is what the run itself says: {', '.join(JOB_VARIABLES)}")
    return arguments


#: What a job knows of its run, in variables, and where its event has it.
JOB_VARIABLES = {
    "TASK_ID": "taskId",
    "SLOT": "slot",
    "RUN_KEY": "runKey",
    "ATTEMPT": "attempt",
    "PARAMS": "params",
}

Cluster = Annotated[str, _name_of("a cluster", r"[A-Za-z0-9_-]{1,255}")]
TaskDefinition = Annotated[str, _name_of("a task definition, or NAME:REVISION", r"[A-Za-z0-9_-]{1,255}(:[1-9][0-9]*)?")]
JobQueue = Annotated[str, _name_of("a job queue", r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")]
JobDefinition = Annotated[
    str, _name_of("a job definition, or NAME:REVISION", r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}(:[1-9][0-9]*)?")
]
GlueJob = Annotated[str, _name_of("a job of Glue", r"[^:/]{1,255}")]
Role = Annotated[str, _name_of("a role, with its path", r"([\w+=,.@-]+/)*[\w+=,.@-]{1,64}")]
GlueArguments = Annotated[dict[str, str], AfterValidator(_arguments)]
Environment = Annotated[dict[str, str], AfterValidator(_variables)]


class JobModel(Model):
    """What all kinds of jobs have in common."""

    timeout: Annotated[int, BeforeValidator(durations.seconds)] = Field(
        default=LONGEST_RUN_SECONDS,
        ge=60,
        le=LONGEST_RUN_SECONDS,
        description="It is stopped after this, whatever the timeout of its task.",
    )
    local: list[str] = Field(
        default=[],
        description="A command that stands for it in the embedded AWS, which has no containers; run in the project's"
        " folder. Without it every run succeeds at once.",
    )


class EcsModel(JobModel):
    """A task definition of ECS that tasks run. Texts in {% %} are JSONata over $states.input, the run's event."""

    cluster: Cluster = Field(description="Its name.")
    task_definition: TaskDefinition = Field(description="The name of its family, or NAME:REVISION.")
    container: str = Field(min_length=1, description="The one that gets the variables and the command.")
    launch_type: Literal["FARGATE", "EC2", "EXTERNAL"] = Field(default="FARGATE", description="Where it runs.")
    capacity_providers: dict[str, Annotated[int, Field(ge=0, le=1000)]] = Field(
        default={}, max_length=20, description="In place of a launch type: weights by name, like {FARGATE_SPOT: 1}."
    )
    subnets: list[str] = Field(default=[], max_length=16, description="Ids of subnets; Fargate needs one.")
    security_groups: list[str] = Field(default=[], max_length=5, description="Ids of security groups.")
    public_ip: bool = Field(default=False, description="Whether it gets a public address.")
    command: list[str] = Field(default=[], description="In place of the container's own.")
    environment: Environment = Field(default={}, description="Variables of the container, no secrets.")
    roles: list[Role] = Field(
        default=[], description="The task role and the execution role of the task definition: they are passed on."
    )

    @model_validator(mode="after")
    def _placed(self) -> EcsModel:
        if self.capacity_providers and "launch_type" in self.model_fields_set:
            raise ValueError("expected launchType or capacityProviders, found both")
        fargate = (
            {"FARGATE", "FARGATE_SPOT"} & set(self.capacity_providers)
            if self.capacity_providers
            else self.launch_type == "FARGATE"
        )
        if fargate and not self.subnets:
            raise ValueError("subnets: Fargate needs one at least, found none")
        if self.public_ip and not fargate:
            raise ValueError("publicIp: only Fargate gives one")
        if not self.subnets and (self.security_groups or self.public_ip):
            raise ValueError("subnets: expected one at least beside securityGroups or publicIp, found none")
        return self


class BatchModel(JobModel):
    """A job of AWS Batch that tasks run. Texts in {% %} are JSONata over $states.input, the run's event."""

    job_queue: JobQueue = Field(description="Its name.")
    job_definition: JobDefinition = Field(description="The name of its family, or NAME:REVISION.")
    parameters: dict[str, str] = Field(default={}, description="For Ref::NAME in the command of the definition.")
    command: list[str] = Field(default=[], description="In place of the definition's own.")
    environment: Environment = Field(default={}, description="Variables of the container, no secrets.")


class GlueModel(JobModel):
    """A job of AWS Glue that tasks run. Texts in {% %} are JSONata over $states.input, the run's event."""

    job: GlueJob = Field(description="Its name.")
    arguments: GlueArguments = Field(default={}, description="Of the script, like --day, beside the job's own.")


Job = EcsModel | BatchModel | GlueModel
