"""What all handlers share: typed events, logs that say whose they are, traces, metrics, and clients that stay open.

A handler is then only what it does::

    @task_handler("lambda/send-letters", SendLettersParams)
    def handler(event: TaskEvent[SendLettersParams], context: LambdaContext) -> dict[str, Any]:
        ...
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from orchestrator.clients import Clients
from orchestrator.errors import InvalidRecord, InvalidRow, NotConfigured
from orchestrator.handlers.event import Params, Step, TaskEvent
from orchestrator.handlers.heartbeats import watched
from orchestrator.stack import METRICS_NAMESPACE, STACK, UNREADABLE_METRIC, Stack

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import MetricDatumTypeDef

P = TypeVar("P", bound=Params)
S = TypeVar("S", bound=Step)
R = TypeVar("R")
Result = dict[str, Any]
Handler = Callable[[dict[str, Any], LambdaContext], Result]

logger = Logger()
metrics = Metrics(namespace=METRICS_NAMESPACE)
# Only AWS calls: the tracer would also patch the HTTP client, which knows no segment in a thread of its own.
tracer = Tracer(patch_modules=["boto3"])


@cache
def _client(service: str, attempts: int | None = None) -> Any:
    return boto3.client(service, config=Config(retries={"total_max_attempts": attempts}) if attempts else None)


#: A boto3 client: one for each service, since an execution environment serves many invocations.
client: Clients = _client

#: A boto3 client that sends no request a second time when its answer is lost: for what must not happen twice.
client_that_tries_once: Clients = partial(_client, attempts=1)


def forget_clients() -> None:
    """Makes clients anew from now on, of the environment as it is then."""
    _client.cache_clear()


def setting(variable: str, parameter: str) -> str:
    """The environment variable's value, set from ``parameter`` of the stack. Raises :class:`NotConfigured`."""
    value = os.environ.get(variable)
    if not value:
        raise NotConfigured(variable, parameter)
    return value


@cache
def secret(variable: str) -> str:
    """The secret that an environment variable refers to, as ``secrets`` beside the handler says; read once a process.

    Raises :class:`NotConfigured`, and what boto3 raises.
    """
    kind, _, name = os.environ.get(variable, "").partition(":")
    if kind == "secret":
        return str(client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])
    if kind == "ssm":
        return str(client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    raise NotConfigured(variable, f"secrets beside the handler, for {variable}")


def stack() -> Stack:
    """The deployment that the function is part of."""
    return Stack(name=os.environ[STACK])


def count(metric: str, value: float = 1) -> None:
    """One more of a metric of the stack, whose alarm must not wait until a log has been read."""
    datum: MetricDatumTypeDef = {
        "MetricName": metric,
        "Dimensions": [{"Name": "Stack", "Value": stack().name}],
        "Value": value,
        "Unit": "Count",
    }
    client("cloudwatch").put_metric_data(Namespace=METRICS_NAMESPACE, MetricData=[datum])


def unreadable(fault: InvalidRecord | InvalidRow) -> None:
    """Reports an item that cannot be read: the log names it, and the alarm of the metric calls people."""
    logger.error("an item cannot be read, and is left out", reason=str(fault))
    try:
        count(UNREADABLE_METRIC)
    except (BotoCoreError, ClientError) as refused:
        logger.error("that an item cannot be read was not counted", reason=str(refused))


def task_handler(target: str, params: type[P]) -> Callable[[Callable[[TaskEvent[P], LambdaContext], Result]], Handler]:
    """A function of a typed event becomes a Lambda handler.

    Neither the event nor the result is logged or traced: params may hold personal data. The handler raises
    :class:`~orchestrator.errors.InvalidParameters` if the event does not fit ``params``.
    """
    model: type[TaskEvent[P]] = TaskEvent[params]  # type: ignore[valid-type]

    def decorate(run: Callable[[TaskEvent[P], LambdaContext], Result]) -> Handler:
        @wraps(run)
        def handler(event: dict[str, Any], context: LambdaContext) -> Result:
            task = model.read(event, target=target)
            logger.append_keys(task_id=task.task_id, run_key=task.run_key, attempt=task.attempt)
            with watched(task.heartbeat_seconds):
                return run(task, context)

        return observed(handler)

    return decorate


def step_handler(step: type[S]) -> Callable[[Callable[[S], Result]], Handler]:
    """The same for a state of a nested workflow, whose event is whatever its definition says.

    Raises :class:`~orchestrator.errors.InvalidParameters`.
    """

    def decorate(run: Callable[[S], Result]) -> Handler:
        @wraps(run)
        def handler(event: dict[str, Any], context: LambdaContext) -> Result:
            given = step.read(event)
            logger.append_keys(**given.log_keys())
            return run(given)

        return observed(handler)

    return decorate


def observed(handler: Callable[[dict[str, Any], LambdaContext], R]) -> Callable[[dict[str, Any], LambdaContext], R]:
    """A handler with logs, traces and metrics: what every other decorator here does too."""

    @wraps(handler)
    def measured(event: dict[str, Any], context: LambdaContext) -> R:
        try:
            return handler(event, context)
        finally:
            # Powertools' own decorator warns about a run that failed before it had anything to count.
            if metrics.metric_set:
                metrics.flush_metrics()

    traced = tracer.capture_lambda_handler(measured, capture_response=False)
    logged: Callable[[dict[str, Any], LambdaContext], R] = logger.inject_lambda_context(traced, clear_state=True)
    return logged
