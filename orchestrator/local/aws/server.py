"""The embedded AWS itself: moto's server, the adapters, and a clock."""

from __future__ import annotations

from orchestrator.local.aws import imports

# isort: split
import functools
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from botocore.config import Config
from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from orchestrator.clients import Clients
from orchestrator.errors import PortInUse
from orchestrator.local.aws import (
    account,
    calls,
    clients,
    environment,
    error_bodies,
    heap,
    identifiers,
    kept,
    keys,
    looking,
    mail,
    metrics,
    queues,
    replacements,
    retention,
    subscribers,
)
from orchestrator.local.aws.clock import Clock, RealClock
from orchestrator.local.aws.cloudformation import change_sets, resources, updates
from orchestrator.local.aws.connections import Server
from orchestrator.local.aws.containers import batch, ecs, glue
from orchestrator.local.aws.containers.processes import Containers
from orchestrator.local.aws.dynamodb import (
    conditions,
    expressions,
    indexes,
    items,
    parameters,
    partitions,
    plain_updates,
    rows,
    streams,
    tables,
)
from orchestrator.local.aws.dynamodb import turns as dynamodb
from orchestrator.local.aws.events import entries, objects, patterns, rules
from orchestrator.local.aws.events import status_changes as events
from orchestrator.local.aws.iam import policy_simulator, roles
from orchestrator.local.aws.kept.folder import Kept
from orchestrator.local.aws.lambda_ import event_sources, functions, invocations, mapping_requests, urls
from orchestrator.local.aws.parts import Running
from orchestrator.local.aws.scheduler import firing as scheduler
from orchestrator.local.aws.short_way import shortened
from orchestrator.local.aws.step_functions import (
    amounts,
    branches,
    callbacks,
    choices,
    closures,
    descriptions,
    executions,
    express,
    failures,
    histories,
    http,
    inspection,
    integrations,
    interpreter,
    intrinsics,
    jobs,
    jsonata,
    map_runs,
    optimized,
    paths,
    readers,
    sdk_integrations,
    state_machines,
    steps,
    validation,
    variables,
    versions,
)
from orchestrator.local.aws.unforeseen import guarded

#: Each closes a gap between moto and AWS; its docstring says which.
ADAPTERS = (
    closures,
    jsonata,
    steps,
    failures,
    paths,
    amounts,
    choices,
    intrinsics,
    interpreter,
    variables,
    branches,
    map_runs,
    readers,
    executions,
    descriptions,
    histories,
    express,
    validation,
    state_machines,
    versions,
    inspection,
    callbacks,
    integrations,
    jobs,
    optimized,
    http,
    sdk_integrations,
    clients,
    calls,
    identifiers,
    dynamodb,
    parameters,
    conditions,
    items,
    expressions,
    plain_updates,
    rows,
    partitions,
    streams,
    tables,
    indexes,
    batch,
    ecs,
    glue,
    functions,
    invocations,
    urls,
    event_sources,
    mapping_requests,
    roles,
    scheduler,
    events,
    patterns,
    entries,
    objects,
    rules,
    mail,
    metrics,
    keys,
    queues,
    resources,
    subscribers,
    change_sets,
    policy_simulator,
    account,
    updates,
    retention,
    error_bodies,
    kept,
)

ACCOUNT = roles.ACCOUNT

#: Connections that may wait to be accepted: AWS has room for whoever starts a thousand executions at once.
_BACKLOG = 4096


class _Dispatcher(DomainDispatcherApplication):
    """Remembers the service of a request. moto's looks into its folders for every request."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self.get_backend_for_host = functools.cache(super().get_backend_for_host)


_running = Running()


@functools.cache
def adapt() -> None:
    """Puts the adapters in place, once in a process; :func:`replacements.check` tells whether they fit this moto."""
    replacements.replaces(default_user_config["stepfunctions"], "execute_state_machine", digest="60a33e6cf515")(True)
    for adapter in ADAPTERS:
        adapter.install(_running)


def adapt_all() -> None:
    """The same, with what is put in place when it is first wanted."""
    adapt()
    glue.replace()


class EmbeddedAws:
    """AWS on this machine: ``with EmbeddedAws() as aws: aws.client("dynamodb")…``.

    moto keeps what it stores in the process, so there is one of these in a process at a time.
    """

    account = ACCOUNT
    region = environment.REGION

    def __init__(self, *, port: int = 0, clock: Clock | None = None, keep: Kept | None = None) -> None:
        self._port = port
        self._server: Server | None = None
        self.clock = clock or RealClock()
        self.kept = keep
        self._plain: dict[str, Any] = {}
        self._session = imports.session()
        self.clients = clients.Clients()
        self.containers = Containers(self)
        self.functions = functions.Functions(self)
        self.event_sources = event_sources.EventSources(self)
        self.scheduler = scheduler.Scheduler(self)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Serves. Raises :class:`PortInUse`, and :class:`MotoChanged` on a moto that the adapters were not made for."""
        heap.bound()
        adapt()
        replacements.check()
        try:
            listener = socket.create_server(("127.0.0.1", self._port), backlog=_BACKLOG)
        except OSError as fault:
            raise PortInUse(self._port) from fault
        _running.aws = self
        with listener:
            application = looking.looked_at(guarded(shortened(_Dispatcher())), lambda: _running)
            application = urls.served(application, lambda: _running)
            self._server = Server(listener, application, lambda: _running.clock)
        threading.Thread(target=self._server.serve_forever, daemon=True, name="embedded-aws").start()
        self.scheduler.start()

    def stop(self) -> None:
        """Stops serving, and forgets everything."""
        self.scheduler.stop()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if self.kept:
            # What is forgotten from now on was not deleted.
            self.kept.close()
        self.reset()
        self.functions.end(for_good=True)

    @contextmanager
    def on(self, clock: Clock) -> Iterator[None]:
        """Lives in another time for a while; schedules are gone afterwards."""
        before = self.clock
        self.scheduler.stop()
        self.clock, self.scheduler = clock, scheduler.Scheduler(self)
        self.scheduler.start()
        try:
            yield
        finally:
            self.scheduler.stop()
            self.clock, self.scheduler = before, scheduler.Scheduler(self)
            self.scheduler.start()

    def reset(self) -> None:
        """Removes all resources and executions."""
        self.scheduler.forget()
        self.event_sources.forget()
        executions.stop_all(self)
        self.containers.forget()
        self.functions.end()
        BackendDict.reset()
        self.clients.forget()
        roles.forget()

    @property
    def endpoint(self) -> str:
        """``http://127.0.0.1:PORT``."""
        assert self._server is not None, "start() comes first"
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Returns the environment by which any AWS client finds this AWS, and deploy.py leaves out what it lacks."""
        return environment.variables(self.endpoint)

    @property
    def client(self) -> Clients:
        """Makes plain boto3 clients of this AWS, one for each service."""
        return self._client

    def _client(self, service: str) -> Any:
        if service not in self._plain:
            self._plain[service] = self._session.client(
                service,
                region_name=self.region,
                endpoint_url=self.endpoint,
                aws_access_key_id="embedded",
                aws_secret_access_key="embedded",
                config=Config(inject_host_prefix=False),
            )
        return self._plain[service]

    def backend(self, service: str) -> Any:
        """Returns moto's own state of a service."""
        return get_backend(service)[self.account][self.region]

    def global_backend(self, service: str) -> Any:
        """The same, of a service that has no regions."""
        return get_backend(service)[self.account]["aws"]

    def execution(self, arn: str) -> Any:
        """Returns moto's own object of an execution."""
        return stepfunctions_parser_backends[self.account][self.region].describe_execution(arn)
