"""What the parts of the embedded AWS know of it, and of each other.

A part names these protocols and not the server, which imports every part.
"""

from __future__ import annotations

from typing import Any, Protocol

from orchestrator.clients import Clients
from orchestrator.local.aws.clock import Clock


class Answer(Protocol):
    """The answer of one invocation of a function."""

    @property
    def request_id(self) -> str:
        """The invocation's id in its log."""

    @property
    def payload(self) -> bytes:
        """The handler's result, or the error in Lambda's shape, as JSON."""

    @property
    def failed(self) -> bool:
        """``payload`` is an error."""

    @property
    def log(self) -> str:
        """The end of what the invocation has logged."""


class Functions(Protocol):
    """Runs Lambda functions."""

    def invoke(self, function: Any, event: str) -> Answer:
        """Runs the handler of moto's ``function`` on an event (JSON text)."""


class EventSources(Protocol):
    """Calls functions with the messages of queues and the changes of tables."""

    def put(self, mapping: Any) -> None:
        """Serves moto's event source mapping from now on."""

    def remove(self, identifier: str) -> None:
        """Serves the mapping no longer."""

    def sent(self, queue_arn: str) -> None:
        """A message has been sent to the queue."""

    def changed(self, stream: str, record: dict[str, Any]) -> None:
        """The stream of a table has a new record."""

    def last_of(self, identifier: str) -> str:
        """Returns the result of a mapping's last batch, as GetEventSourceMapping says it."""


class Scheduler(Protocol):
    """Fires schedules."""

    def put(self, schedule: Any) -> None:
        """Fires moto's schedule, new or updated, from now on."""

    def remove(self, arn: str) -> None:
        """Fires the schedule no longer."""


class RoleClients(Protocol):
    """boto3's clients that act under a role."""

    def get(self, service: str, region: str, role_arn: str) -> Any:
        """The client of a service under a role."""


class Aws(Protocol):
    """The embedded AWS that runs now."""

    @property
    def account(self) -> str:
        """Its account's number."""

    @property
    def region(self) -> str:
        """Its one region."""

    @property
    def clock(self) -> Clock:
        """The time that it lives in."""

    @property
    def kept(self) -> Any:
        """A :class:`orchestrator.local.aws.kept.folder.Kept`, if anything is to outlive the process."""

    @property
    def endpoint(self) -> str:
        """``http://127.0.0.1:PORT``."""

    @property
    def clients(self) -> RoleClients: ...

    @property
    def containers(self) -> Any:
        """:class:`orchestrator.local.aws.containers.processes.Containers`."""

    @property
    def functions(self) -> Functions: ...

    @property
    def event_sources(self) -> EventSources: ...

    @property
    def scheduler(self) -> Scheduler: ...

    @property
    def client(self) -> Clients:
        """Makes boto3's clients that come from outside, with every permission."""

    def backend(self, service: str) -> Any:
        """Returns moto's own state of a service."""

    def execution(self, arn: str) -> Any:
        """Returns moto's own object of an execution."""


class Running:
    """The embedded AWS that has started last. Adapters are installed once in a process, and reach it through this."""

    aws: Aws

    @property
    def account(self) -> str:
        return self.aws.account

    @property
    def region(self) -> str:
        return self.aws.region

    @property
    def clock(self) -> Clock:
        return self.aws.clock

    @property
    def kept(self) -> Any:
        return self.aws.kept

    @property
    def endpoint(self) -> str:
        return self.aws.endpoint

    @property
    def clients(self) -> RoleClients:
        return self.aws.clients

    @property
    def containers(self) -> Any:
        return self.aws.containers

    @property
    def functions(self) -> Functions:
        return self.aws.functions

    @property
    def event_sources(self) -> EventSources:
        return self.aws.event_sources

    @property
    def scheduler(self) -> Scheduler:
        return self.aws.scheduler

    @property
    def client(self) -> Clients:
        return self.aws.client

    def backend(self, service: str) -> Any:
        return self.aws.backend(service)

    def execution(self, arn: str) -> Any:
        return self.aws.execution(arn)
