"""How a command reaches a deployed stack: its clients, stores and clock."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.errors import NotDeployed, OrchestratorError
from orchestrator.stack import DEFAULT_PROJECT, Stack
from orchestrator.taskfile.folder import name_of, nearest

if TYPE_CHECKING:
    import boto3

    from orchestrator.clients import Clients
    from orchestrator.deployment import Application, Project
    from orchestrator.local.address import Address
    from orchestrator.operations.approving import Approving
    from orchestrator.stores.backfills import Backfills
    from orchestrator.stores.event_rules import Rules
    from orchestrator.stores.executions import Runner
    from orchestrator.stores.function_logs import FunctionLogs
    from orchestrator.stores.histories import Histories
    from orchestrator.stores.ledger import Ledger
    from orchestrator.stores.mutes import Mutes
    from orchestrator.stores.one_time_runs import OneTimeRuns
    from orchestrator.stores.recorder import Recorder
    from orchestrator.stores.registry import Registry
    from orchestrator.stores.server_clock import ServerClock
    from orchestrator.stores.switches import Switches

#: How often a call is made in all when AWS throttles it or does not answer, and seconds to wait for a connection.
_ATTEMPTS, _CONNECT_SECONDS = 3, 5


def session() -> boto3.Session:
    """boto3's session. The AWS CLI and other SDKs go by ``AWS_REGION``, which boto3 alone does not read."""
    # Here, because boto3 takes a third of a second to import, and several commands do without.
    import boto3

    return boto3.Session(region_name=os.environ.get("AWS_REGION"))


class Connection:
    """A deployed stack, and the AWS clients to reach it with. ``AWS_ENDPOINT_URL`` chooses which AWS."""

    def __init__(self, stack: Stack | None = None, folder: Path | None = None) -> None:
        #: Where somebody acts who types no command, as it is to stand in what they leave behind: ``in the console``.
        self.place = ""
        #: What was named, and which environment was; else it is the stack of the embedded AWS, or that of development.
        self.named = stack
        self.environment: str | None = None
        #: The project's folder, or one below it, if one was named.
        self.folder = folder
        self._local: Address | None = None
        #: Clients by service: making one takes long, and a session makes one at a time ("Session reference").
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()
        #: How many items of its tables could not be read, and were named and stepped over.
        self.unreadable = 0

    @property
    def stack(self) -> Stack:
        """Raises :class:`InvalidProject` if stack.yaml does not say what stacks are called."""
        if self.named:
            return self.named
        if self._local and self.environment is None:
            return Stack(name=self._local.stack)
        return self.stack_of(self.environment or "dev")

    def stack_of(self, environment: str) -> Stack:
        """The stack of an environment of the project; outside of any, that of a project without a name.

        Raises :class:`InvalidProject` as :attr:`stack` does.
        """
        return Stack.of(self._project_name, environment)

    @cached_property
    def _project_name(self) -> str:
        root = nearest(self.folder or Path.cwd())
        return name_of(root) if root else DEFAULT_PROJECT

    @contextmanager
    def to_local(self) -> Iterator[None]:
        """Reaches the embedded AWS of the project, and so does all else in this process.

        Where none is known, it is the one that listens where `orchestrator local` does if nothing is said.
        """
        from orchestrator.local import address
        from orchestrator.local.aws import environment

        self._local = address.found((self.folder or Path.cwd()).absolute())
        endpoint = self._local.endpoint if self._local else f"http://127.0.0.1:{address.PORT}"
        with environment.applied(environment.variables(endpoint)):
            yield

    @property
    def client(self) -> Clients:
        """Makes the clients that the command asks AWS with."""
        return self._client

    def _client(self, service: str) -> Any:
        from botocore.config import Config

        with self._making:
            if service not in self._clients:
                retries = {"mode": "standard", "total_max_attempts": _ATTEMPTS}
                config = Config(retries=retries, connect_timeout=_CONNECT_SECONDS)
                self._clients[service] = self._session.client(service, config=config)
            return self._clients[service]

    def now(self) -> datetime:
        """Returns the stack's time in UTC, to the second: every command goes by it."""
        return self._clock.now()

    def who(self) -> str:
        """Whoever acts, as AWS knows them, and where; as this machine knows them, if AWS does not say."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            name = str(self.client("sts").get_caller_identity()["Arn"]).rpartition(":")[2]
        except (BotoCoreError, ClientError):
            import getpass

            name = getpass.getuser()
        return f"{name} {self.place}".rstrip()

    @cached_property
    def project(self) -> Project:
        """The project of the folder that was named, or else of the working directory. Raises :class:`NoProject`."""
        # Here, because most commands need none of it.
        from orchestrator.deployment import Project

        return Project.find(self.folder or Path.cwd())

    def tasks_file(self, given: Path | None) -> Path:
        """The file of tasks that somebody has named, or else the project's. Raises :class:`NoProject`."""
        if given:
            return given
        file, here = self.project.tasks, Path.cwd()
        return file.relative_to(here) if file.is_relative_to(here) else file

    @property
    def application(self) -> Application:
        """The application that the project defines. Raises :class:`NoProject` and :class:`InvalidProject`."""
        return self.project.application(self.stack)

    @property
    def registry(self) -> Registry:
        from orchestrator.stores.registry import Registry

        return Registry(self.client("dynamodb"), self.stack, self._step_over)

    @property
    def switches(self) -> Switches:
        from orchestrator.stores.switches import Switches

        return Switches(self.client("dynamodb"), self.stack)

    @property
    def mutes(self) -> Mutes:
        from orchestrator.stores.mutes import Mutes

        return Mutes(self.client("dynamodb"), self.stack)

    @property
    def ledger(self) -> Ledger:
        from orchestrator.stores.ledger import Ledger

        return Ledger(self.client("dynamodb"), self.stack, self._step_over)

    @property
    def recorder(self) -> Recorder:
        from orchestrator.stores.recorder import Recorder

        return Recorder(self.client("dynamodb"), self.stack)

    @property
    def runner(self) -> Runner:
        """Raises :class:`NotDeployed`."""
        from orchestrator.stores.executions import Runner

        return Runner(self.client("stepfunctions"), self._outputs["TaskRunnerArn"], self.who)

    @property
    def approving(self) -> Approving:
        """Raises :class:`NotDeployed`."""
        from orchestrator.operations.approving import Approving
        from orchestrator.operations.releasing import Releasing
        from orchestrator.stores.pools import Pools

        return Approving(
            ledger=self.ledger,
            recorder=self.recorder,
            releasing=Releasing(
                registry=self.registry,
                ledger=self.ledger,
                recorder=self.recorder,
                runner=self.runner,
                pools=Pools(self.client("dynamodb"), self.stack),
            ),
            states=lambda: self.client("stepfunctions"),
        )

    @property
    def rules(self) -> Rules:
        """The rules that start tasks. Raises :class:`NotDeployed`."""
        from orchestrator.deployment.boundaries import rules_boundary

        return rules_boundary(self.client, self.stack, self._outputs)

    @property
    def histories(self) -> Histories:
        from orchestrator.stores.histories import Histories

        return Histories(self.client("stepfunctions"), self.client("logs"))

    @property
    def one_time_runs(self) -> OneTimeRuns:
        """Raises :class:`NotDeployed`."""
        from orchestrator.stores.one_time_runs import OneTimeRuns

        return OneTimeRuns.of(self.client, self.stack, self.now)

    @property
    def function_logs(self) -> FunctionLogs:
        from orchestrator.stores.function_logs import FunctionLogs

        return FunctionLogs(self.client("logs"))

    @property
    def backfills(self) -> Backfills:
        """Raises :class:`NotDeployed`."""
        from orchestrator.stores.backfills import Backfills

        return Backfills(self.client("stepfunctions"), self._outputs["BackfillArn"], self.who)

    @property
    def alerts_topic(self) -> str:
        """The ARN of the topic that people are told by. Raises :class:`NotDeployed`."""
        return self._outputs["AlertsTopicArn"]

    @property
    def webhooks_url(self) -> str | None:
        """Below which the paths of webhooks are; None where stack.yaml opens none. Raises :class:`NotDeployed`."""
        return self._outputs.get("WebhooksUrl")

    def _step_over(self, fault: OrchestratorError) -> None:
        self.unreadable += 1
        click.echo(str(fault), err=True)

    @cached_property
    def _session(self) -> boto3.Session:
        return session()

    @cached_property
    def _clock(self) -> ServerClock:
        from orchestrator.stores.server_clock import ServerClock

        # Whoever has credentials may ask this.
        return ServerClock(self._session, lambda: self.client("sts").get_caller_identity())

    @property
    def _outputs(self) -> dict[str, str]:
        cloudformation = self.client("cloudformation")
        try:
            (deployed,) = cloudformation.describe_stacks(StackName=self.stack.name)["Stacks"]
        except cloudformation.exceptions.ClientError as fault:
            if fault.response["Error"]["Code"] == "ValidationError":
                raise NotDeployed(self.stack.name) from fault
            raise
        return {output["OutputKey"]: output["OutputValue"] for output in deployed.get("Outputs", [])}
