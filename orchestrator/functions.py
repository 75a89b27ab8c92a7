"""The Lambda functions: what each is given to run with, what calls it, and where it keeps its own records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Permission:
    """Actions on one resource, which goes by a logical name.

    ``data-bucket`` is the data bucket itself and ``data-bucket:orders/*`` its objects, ``table:Sessions`` a table and
    ``table:TaskRuns/index/StatusIndex`` an index of one, ``ses`` the sending of mail as the stack's sender,
    ``ses:events`` that of mail which leaves events, ``mail-events`` what SES has said of mails, ``alerts`` the topic
    of alerts, ``workflow:billing-page`` a nested workflow that another one starts and waits for,
    ``state-machine:billing-page`` the workflow itself, ``task-runner`` and
    ``task-runner:executions`` TaskRunner and its executions, ``metrics`` the project's metrics, ``queue:Courier`` a
    queue of the template, ``parameters:secrets/*`` parameters of Systems Manager below the stack's path,
    ``secrets`` the stack's secrets of Secrets Manager, ``alert-topics`` the topics that tasks.yaml sends alerts to, and
    ``one-time-runs`` the schedules that :class:`~orchestrator.stores.one_time_runs.OneTimeRuns` makes. ``wake-ups``
    are the alarm clocks of slots that wait: :class:`~orchestrator.stores.wake_ups.WakeUps`.
    ``event-bus:default`` is a bus of EventBridge by its name, and ``here:ecs:task/jobs/*`` whatever else is of this
    account in this region, by its service.
    ``bucket:exports`` is a bucket of stack.yaml and ``bucket:exports:2026/*`` its objects. Anything else, of this
    account or another, goes by its ARN; ``*`` is for what IAM knows no finer resource of.
    """

    actions: tuple[str, ...]
    resource: str
    #: ``Allow`` or ``Deny``.
    effect: str = "Allow"
    #: Of IAM, by operator: ``{"StringEquals": {"s3:prefix": "in/"}}``.
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Vpc:
    """The subnets and security groups of a function's network interfaces, by EC2's ids."""

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class EventSource:
    """A source of calls of a function: ``queue:SchedulerDlq``, or ``stream:TaskRuns``, the changes of a table."""

    source: str
    #: Messages or changes at a time.
    batch_size: int = 10
    #: How long changes may wait for others to be handed over with, in seconds.
    window_seconds: int = 0
    #: Of changes only these, as patterns of EventBridge; any of them.
    filters: tuple[Mapping[str, Any], ...] = ()
    #: For so long a change that cannot be dealt with is tried again, however often; None: it is tried some times.
    kept_seconds: int | None = None
    #: Of a queue that is not in the template: its ARN, and that of the customer's key that it is encrypted with.
    arn: str = ""
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Function:
    """A Lambda function, the target ``lambda/NAME`` of tasks, or what event sources or requests to a URL call."""

    #: The logical name: the module's, with ``-`` for ``_`` and ``.``.
    name: str
    #: In the folder ``lambdas``, a package's with a dot; its ``handler`` is called.
    module: str
    memory_mb: int = 256
    timeout_seconds: int = 60
    #: Beside the environment that every function has.
    environment: Mapping[str, str] = field(default_factory=dict)
    permissions: tuple[Permission, ...] = ()
    event_sources: tuple[EventSource, ...] = ()
    #: Whether everybody may call it by a URL.
    has_url: bool = False
    #: Distributions that only functions which name them have in their bundles; what nobody names is in every bundle.
    dependencies: tuple[str, ...] = ()
    #: Of ``/tmp``.
    temporary_storage_mb: int = 512
    #: Variables of the environment that refer to secrets: ``secret:NAME``, ``ssm:NAME`` or an ARN. The function reads
    #: one with :func:`orchestrator.handlers.secret`, and may read no other.
    secrets: Mapping[str, str] = field(default_factory=dict)
    vpc: Vpc | None = None
    #: ARNs of versions of layers.
    layers: tuple[str, ...] = ()

    @property
    def is_target(self) -> bool:
        """Whether tasks run it."""
        return not (self.event_sources or self.has_url)

    @property
    def package(self) -> str:
        """The module or package of ``lambdas`` that its bundle holds, besides what all share."""
        return self.module.split(".")[0]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of DynamoDB that functions keep their own records in, apart from the project's."""

    #: The names of its partition key and, if there is one, its sort key; both hold text.
    key: tuple[str] | tuple[str, str]


def function_name(module: str) -> str:
    """The logical name of a module's function."""
    return module.replace("_", "-").replace(".", "-")
