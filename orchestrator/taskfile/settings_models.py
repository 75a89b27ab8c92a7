"""The shape of what stands beside a handler (``lambdas/NAME.yaml``), and of ``stack.yaml``."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from orchestrator.errors import InvalidProject
from orchestrator.functions import Permission, Table, Vpc
from orchestrator.runs.outcomes import Kind
from orchestrator.stack import OWN_BUS, PROJECT_NAME, QUEUE_ARN, QUEUE_NAME
from orchestrator.taskfile import durations
from orchestrator.taskfile.file_model import Model
from orchestrator.taskfile.job_models import BatchModel, EcsModel, GlueModel

Seconds = Annotated[int, BeforeValidator(durations.seconds)]

_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:.*")

#: "IAM JSON policy elements: Condition operators".
_OPERATORS = (
    *(f"String{how}{case}" for how in ("Equals", "NotEquals") for case in ("", "IgnoreCase")),
    *("StringLike", "StringNotLike"),
    *(
        f"{kind}{how}"
        for kind in ("Numeric", "Date")
        for how in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
    ),
    *("Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"),
)

#: One of them, of sets and of keys that may be absent, too.
OPERATOR = re.compile(rf"Null|(ForAllValues:|ForAnyValue:)?({'|'.join(_OPERATORS)})(IfExists)?")

_Model = TypeVar("_Model", bound=Model)


def _arn(text: str) -> str:
    if not _ARN.fullmatch(text):
        raise ValueError(f"expected an ARN, like arn:aws:…, found {text!r}")
    return text


Arn = Annotated[str, BeforeValidator(_arn)]


#: A bucket's name in S3 has the stack's, the account and the region in it, and 63 characters at most.
BucketName = Annotated[str, Field(pattern="^[a-z][a-z0-9]{0,8}$")]


class PermissionModel(Model):
    """A statement of IAM for a function, on resources by ARN or by their names in the stack."""

    effect: str = Field(default="Allow", pattern="^(Allow|Deny)$", description="Allow or Deny.")
    actions: list[str] = Field(min_length=1, description="Like s3:GetObject.")
    resources: list[str] = Field(
        min_length=1, description="ARNs, or names such as table:Orders and data-bucket:orders/*."
    )
    conditions: dict[str, dict[str, Any]] = Field(default={}, description="Of IAM, by operator.")

    @field_validator("conditions")
    @classmethod
    def _known(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name in value:
            if not OPERATOR.fullmatch(name):
                close = get_close_matches(name, _OPERATORS, n=1)
                said = f" (did you mean {close[0]}?)" if close else ""
                raise ValueError(f"IAM knows no condition operator {name!r}{said}")
        return value

    @field_validator("actions", "resources", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    def to_permissions(self) -> list[Permission]:
        return [
            Permission(
                actions=tuple(self.actions), resource=resource, effect=self.effect, conditions=dict(self.conditions)
            )
            for resource in self.resources
        ]


class VpcModel(Model):
    """The subnets and security groups of a function's network interfaces."""

    subnets: list[str] = Field(min_length=1, description="Ids of subnets, private ones.")
    security_groups: list[str] = Field(min_length=1, description="Ids of security groups.")

    def to_vpc(self) -> Vpc:
        return Vpc(subnets=tuple(self.subnets), security_groups=tuple(self.security_groups))


class FunctionModel(Model):
    """The settings of a function; those left out are as stack.yaml says for all, or the defaults."""

    memory: int | None = Field(default=None, ge=128, le=10_240, description="MB.")
    timeout: Seconds | None = Field(default=None, ge=1, le=900, description="At most 15 minutes.")
    temporary_storage: int | None = Field(default=None, ge=512, le=10_240, description="MB of /tmp.")
    environment: dict[str, str] = Field(default={}, description="Variables, no secrets.")
    secrets: dict[str, str] = Field(
        default={}, description="Variables that refer to secrets: secret:NAME, ssm:NAME, or an ARN."
    )
    permissions: list[PermissionModel] = Field(default=[], description="What it may do beside logging.")
    vpc: VpcModel | None = Field(default=None, description="Where it runs.")
    layers: list[Arn] = Field(default=[], max_length=5, description="ARNs of versions of layers.")


class TableModel(Model):
    """A table of the project's own."""

    key: list[str] = Field(min_length=1, max_length=2, description="The partition key, and a sort key; both text.")

    def to_table(self) -> Table:
        return Table(key=(self.key[0], self.key[1]) if len(self.key) > 1 else (self.key[0],))


class EndpointModel(Model):
    """An HTTPS endpoint that tasks call."""

    url: str = Field(
        pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])[^\s{}]+$", max_length=2048, description="https only."
    )
    method: str = Field(default="POST", pattern="^(GET|POST|PUT|PATCH|DELETE)$", description="Of HTTP.")
    connection: Arn = Field(description="The ARN of a connection of EventBridge, which has the credentials.")


class OutcomesModel(Model):
    """Where what becomes of tasks is published, as events of EventBridge."""

    bus: str = Field(
        default=OWN_BUS,
        pattern=r"^([A-Za-z0-9._-]{1,256}|arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9._/-]{1,256})$",
        description="own: a bus that the stack makes; or the name, or the ARN, of one that is there.",
    )
    kinds: tuple[Kind, ...] = Field(default=tuple(Kind), min_length=1, description="Which; all of them by default.")

    @field_validator("kinds", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        names = ", ".join(Kind)
        if not isinstance(value, list) or any(one not in tuple(Kind) for one in value):
            raise ValueError(f"expected a list of {names}")
        return tuple(kind for kind in Kind if kind in value)


class WebhooksModel(Model):
    """A URL for signed requests that start tasks."""


class QueueModel(Model):
    """A queue of SQS whose messages start tasks."""

    arn: Arn | None = Field(default=None, description="Of a queue that is there; else the stack makes one.")
    key: Arn | None = Field(
        default=None, description="The ARN of the KMS key of a queue that is there, if it is a customer's."
    )

    @model_validator(mode="after")
    def _of_sqs(self) -> QueueModel:
        if self.arn and not re.fullmatch(QUEUE_ARN, self.arn):
            raise ValueError(f"expected a queue's ARN like arn:aws:sqs:eu-west-1:123456789012:NAME, found {self.arn!r}")
        if self.key and not self.arn:
            raise ValueError("key: expected it beside arn: a queue of the stack's own has the stack's key")
        return self


class SurroundingsModel(Model):
    """The settings of the account around the stack."""

    webhooks: WebhooksModel | None = Field(
        default=None, description="`{}` opens a URL, where signed requests start tasks."
    )
    queues: dict[Annotated[str, Field(pattern=f"^{QUEUE_NAME}$")], QueueModel] = Field(
        default={}, description="Queues whose messages start tasks, by the name that tasks.yaml has."
    )

    outcomes: OutcomesModel | None = Field(default=None, description="Whether outcomes are published as events.")

    @field_validator("queues")
    @classmethod
    def _each_once(cls, queues: dict[str, QueueModel]) -> dict[str, QueueModel]:
        arns = [one.arn for one in queues.values() if one.arn]
        if twice := next((arn for arn in arns if arns.count(arn) > 1), None):
            raise ValueError(f"expected one name for each queue, found two for {twice}")
        return queues

    functions: FunctionModel = Field(default=FunctionModel(), description="For all functions of the project.")
    tags: dict[str, str] = Field(default={}, max_length=40, description="On everything of the stack.")
    permissions_boundary: Arn | None = Field(default=None, description="The ARN of a policy: of every role.")
    key: Arn | None = Field(default=None, description="The ARN of a KMS key of yours, in place of the stack's own.")
    endpoints: dict[Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,27}$")], EndpointModel] = Field(
        default={}, description="HTTPS endpoints, by the name that tasks run as http/NAME."
    )
    ecs: dict[Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,28}$")], EcsModel] = Field(
        default={}, description="Containers of ECS, by the name that tasks run as ecs/NAME."
    )
    batch: dict[Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,26}$")], BatchModel] = Field(
        default={}, description="Jobs of AWS Batch, by the name that tasks run as batch/NAME."
    )
    glue: dict[Annotated[str, Field(pattern="^[A-Za-z0-9_-]{1,27}$")], GlueModel] = Field(
        default={}, description="Jobs of AWS Glue, by the name that tasks run as glue/NAME."
    )
    existing: dict[str, Arn] = Field(
        default={}, description="Functions and state machines of others, by the name that tasks run as workflow/NAME."
    )


class StackModel(SurroundingsModel):
    """stack.yaml."""

    name: str | None = Field(
        default=None, pattern=f"^{PROJECT_NAME.pattern}$", description="What the project's stacks begin with."
    )
    tables: dict[str, TableModel] = Field(default={}, description="By logical name, as in table:NAME.")
    buckets: list[BucketName] = Field(default=[], description="Logical names, as in bucket:NAME.")
    environments: dict[str, SurroundingsModel] = Field(
        default={}, description="What an environment has otherwise; a field takes the place of the same field above."
    )

    def of(self, environment: str) -> SurroundingsModel:
        """Returns the settings of an environment."""
        override = self.environments.get(environment)
        return (
            self.model_copy(update={name: getattr(override, name) for name in override.model_fields_set})
            if override
            else self
        )


def settings(path: Path, root: Path, model: type[_Model]) -> _Model:
    """Reads a file of settings. Raises :class:`~orchestrator.errors.InvalidProject` with every mistake and its line."""
    shown, text = path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")
    try:
        node, data = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise InvalidProject([f"{shown}{line}: this is not YAML: {getattr(fault, 'problem', fault)}"]) from fault
    try:
        return model.model_validate({} if data is None else data)
    except ValidationError as fault:
        raise InvalidProject(
            [
                f"{shown}:{_line(node, one['loc'])}: {'.'.join(map(str, one['loc']))}: "
                + ("unknown field" if one["type"] == "extra_forbidden" else one["msg"].removeprefix("Value error, "))
                for one in fault.errors(include_url=False)
            ]
        ) from fault


def _line(node: yaml.Node | None, location: tuple[str | int, ...]) -> int:
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
