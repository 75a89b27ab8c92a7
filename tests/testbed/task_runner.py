"""TaskRunner, deployed into the embedded AWS with targets that do as they are told."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSResponse
from moto.core.botocore_stubber import MockRawResponse
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

import definitions
import lambdas.functions
from orchestrator import deployment
from orchestrator.asl.definition import Definition
from orchestrator.asl.states import Choice, Fail, Pass, Wait, When, jsonata
from orchestrator.deployment import Application
from orchestrator.deployment.outcome_events import OutcomeEvents
from orchestrator.functions import Function
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.destinations import Destination
from orchestrator.runs.execution_end import is_express
from orchestrator.runs.run import Run, RunStatus, Trigger
from orchestrator.stack import Stack
from orchestrator.stores.incidents import Incidents
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from orchestrator.tasks.price import Price
from orchestrator.tasks.task import Target, TargetKind, Task
from tests.testbed import LAMBDAS
from tests.testbed.handlers import folder_with, functions
from tests.testbed.queues import listening, told

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import DimensionFilterTypeDef

STACK = Stack(name="orchestrator-test")
SLOT = "2026-11-23T08:00:00Z"

#: By which the dollars of a row are the states that were passed, its tenths the calls, its last digit the delivery.
COUNTING = Price(
    run=Decimal(0),
    skip=Decimal(0),
    hold=Decimal(0),
    state=Decimal(1_000_000),
    call=Decimal(100_000),
    second=Decimal(0),
    schedule=Decimal(1),
    event=Decimal(2),
    express_run=Decimal(2_000_000),
    express_skip=Decimal(1_000_000),
    express_second=Decimal(0),
)

#: How many seconds a test waits for what must come: long, since a machine that is busy fails no test.
PATIENCE = 180


def workflow() -> Definition:
    """A nested state machine that does as its params say."""
    answer = Pass("Answer", output=jsonata("{'answer': 42, 'params': $states.input.params}"))
    fail = Fail("Refuse", error="OutOfPaper", cause="the printer has none")
    pause = Wait("Pause", seconds=jsonata("$states.input.params.pause"))
    pause.next(answer)
    decide = Choice(
        "Decide",
        choices=[
            (When("$states.input.params.fail = true"), fail),
            (When("($pause := $states.input.params.pause; $exists($pause) ? $pause > 0 : false)"), pause),
        ],
        default=answer,
    )
    return Definition(start=decide, comment="Does as it is told.", timeout_seconds=3600)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Everything that a run leaves behind."""

    status: str
    states: list[str]
    output: dict[str, Any] | None
    error: str | None
    cause: str | None
    run: Run | None
    row: Mapping[str, Any]
    record: Mapping[str, Any]
    alerts: list[str]
    #: Asks for the metrics of the task, which takes a request for each.
    measured: Callable[[], Mapping[str, tuple[int, float]]]

    @cached_property
    def metrics(self) -> Mapping[str, tuple[int, float]]:
        """By name, and by status where the metric has one: (how many values, their sum)."""
        return self.measured()


def transitions(events: Sequence[Mapping[str, Any]]) -> int:
    """How many of a history's events Step Functions bills: each state that is entered, and each time that one is tried
    again.
    """
    kinds = [event["type"] for event in events]
    entered = sum(kind.endswith("StateEntered") for kind in kinds)
    tasks, scheduled = kinds.count("TaskStateEntered"), kinds.count("TaskScheduled") + kinds.count("EvaluationFailed")
    return int(entered + scheduled - tasks)


class TaskRunner:
    """Starts runs of tasks that each test registers under an id of its own."""

    def __init__(
        self,
        aws: EmbeddedAws,
        *,
        handlers: Sequence[str] = ("system.follower", "system.reporter"),
        mail_from: str | None = None,
        destinations: Sequence[Destination] = (),
        environment: Mapping[str, str] | None = None,
        outcome_events: OutcomeEvents | None = None,
        timeout_seconds: int = 2,
        **more: Definition,
    ) -> None:
        """``environment`` is for the handlers, beside their own, ``timeout_seconds`` the target's."""
        self.aws = aws
        folder = folder_with(LAMBDAS, Path(tempfile.mkdtemp()) / "lambdas", handlers)
        work = Function(name="work", module="work", timeout_seconds=timeout_seconds)
        application = Application(
            stack=STACK,
            definitions={
                **{name: definitions.ALL[name](STACK) for name in ("TaskRunner", "ExpressRunner")},
                "nested": workflow(),
                **more,
            },
            functions=(work, *functions(*handlers, environment=environment or {})),
            lambdas=folder,
            tables=lambdas.functions.TABLES,
            outcome_events=outcome_events,
        )
        self.applied = deployment.apply(
            aws.client,
            application,
            [],
            destinations=destinations,
            settings=deployment.StackSettings(mail_from=mail_from),
            deployer=deployment.Deployer(sleep=lambda seconds: None),
        )
        shutil.rmtree(folder.parent)
        self.registry = Registry(aws.client("dynamodb"), STACK)
        self.ledger = Ledger(aws.client("dynamodb"), STACK)
        self.queue = listening(aws, self.applied.outputs["AlertsTopicArn"], "alerts")

    def register(self, task_id: str, target: str = "lambda/work", **fields: Any) -> str:
        kind, name = target.split("/")
        # Slots here are of the past: every run would be late.
        fields = dict[str, Any]({"grace_seconds": 10**8, "price": COUNTING}) | fields
        self.registry.register(Task(id=task_id, target=Target(kind=TargetKind(kind), name=name), **fields))
        return task_id

    def change(self, task_id: str, expression: str, **values: Any) -> None:
        """Changes the task's record behind everybody's back."""
        named = {f":{name}": value for name, value in values.items()}
        request: dict[str, Any] = {"ExpressionAttributeValues": named} if named else {}
        key = {"taskId": {"S": task_id}}
        self.aws.client("dynamodb").update_item(
            TableName=STACK.tasks_table, Key=key, UpdateExpression=expression, **request
        )

    def start(self, execution_input: Any, *, machine: str = "TaskRunner") -> str:
        client = self.aws.client("stepfunctions")
        arn = self.applied.outputs[f"{machine}Arn"]
        started = client.start_execution(stateMachineArn=arn, input=json.dumps(execution_input))
        return str(started["executionArn"])

    def is_over(self, execution_arn: str, seconds: float = 60) -> bool:
        """Waits for the end of an execution, an Express one too, of which no request tells; whether it came in time."""
        if not is_express(execution_arn):
            return bool(self.aws.execution(execution_arn).over.wait(seconds))
        going_on = stepfunctions_parser_backends[self.aws.account][self.aws.region].__dict__.get(
            "executions_by_arn", {}
        )
        execution = going_on.get(execution_arn)
        return execution is None or bool(execution.over.wait(seconds))

    def run(self, task_id: str, slot: str = SLOT, **more: Any) -> Outcome:
        """Runs a slot of a task as Scheduler does."""
        return self.end(
            self.start({"taskId": task_id, "scheduledTime": slot, "trigger": Trigger.SCHEDULE, **more}), task_id, slot
        )

    def end(self, execution_arn: str, task_id: str, slot: str | None = None) -> Outcome:
        """Waits for an execution; ``slot`` is when it started if none is given."""
        client = self.aws.client("stepfunctions")
        assert self.aws.execution(execution_arn).over.wait(PATIENCE)
        described = client.describe_execution(executionArn=execution_arn)
        moment = described["startDate"].astimezone(UTC)
        slot = slot or moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        pages = client.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
        events = [event for page in pages for event in page["events"]]
        dynamodb = self.aws.client("dynamodb")
        row = dynamodb.get_item(TableName=STACK.runs_table, Key={"taskId": {"S": task_id}, "slot": {"S": slot}}).get(
            "Item", {}
        )
        record = dynamodb.get_item(TableName=STACK.tasks_table, Key={"taskId": {"S": task_id}}).get("Item", {})
        run = Run.from_item(row) if row else None
        asked = json.loads(described["input"])
        is_own = run is not None and run.execution_arn == execution_arn and run.status is not RunStatus.ABORTED
        if run and is_own and run.dollars and not (isinstance(asked, dict) and asked.get("replaces")):
            # On whatever way an execution ends its row, that says what the bill will.
            assert int(run.dollars) == transitions(events), (run.dollars, events)
        return Outcome(
            status=described["status"],
            states=[
                event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event
            ],
            output=json.loads(described["output"]) if "output" in described else None,
            error=described.get("error"),
            cause=described.get("cause"),
            run=run,
            row=row,
            record=record,
            alerts=self._alerts(task_id),
            measured=lambda: self._metrics(task_id),
        )

    def _metrics(self, task_id: str) -> dict[str, tuple[int, float]]:
        # They are made from the ledger's stream.
        assert self.aws.event_sources.settled(PATIENCE)
        client = self.aws.client("cloudwatch")
        mine: DimensionFilterTypeDef = {"Name": "TaskType", "Value": task_id}
        metrics = {}
        for metric in client.list_metrics(Namespace="ScheduledTasks", Dimensions=[mine])["Metrics"]:
            now = datetime.now(UTC)
            points = client.get_metric_statistics(
                Namespace="ScheduledTasks",
                MetricName=metric["MetricName"],
                Dimensions=metric["Dimensions"],
                StartTime=now - timedelta(hours=1),
                EndTime=now + timedelta(hours=1),
                Period=86_400,
                Statistics=["SampleCount", "Sum"],
            )["Datapoints"]
            status = [dimension["Value"] for dimension in metric["Dimensions"] if dimension["Name"] == "Status"]
            name = ".".join([metric["MetricName"], *status])
            metrics[name] = (
                sum(int(point["SampleCount"]) for point in points),
                round(sum(point["Sum"] for point in points), 3),
            )
        return metrics

    def _alerts(self, task_id: str) -> list[str]:
        """Returns what people have been told of the task, and forgets all incidents."""
        assert self.aws.event_sources.settled(PATIENCE)
        for incident in Incidents(self.aws.client("dynamodb"), STACK).open():
            self.aws.client("dynamodb").delete_item(
                TableName=STACK.incidents_table, Key={"incident": {"S": incident.id}}
            )
        return [text for text in told(self.aws.client("sqs"), self.queue) if f"task:      {task_id}\n" in text]

    @property
    def role(self) -> str:
        arn = self.applied.outputs["TaskRunnerArn"]
        return str(self.aws.client("stepfunctions").describe_state_machine(stateMachineArn=arn)["roleArn"])

    @contextmanager
    def just_before(
        self, service: str, operation: str, action: Callable[[], None], *, role: str | None = None
    ) -> Iterator[None]:
        """Does something whenever TaskRunner, or whoever has ``role`` (an ARN), is about to call an operation."""
        client = self.aws.clients.get(service, self.aws.region, role or self.role)
        name = f"before-send.{client.meta.service_model.service_id.hyphenize()}.{operation}"

        def act(**_: Any) -> None:
            action()

        client.meta.events.register_first(name, act)
        try:
            yield
        finally:
            client.meta.events.unregister(name, act)

    def faulty(
        self,
        service: str,
        operation: str,
        *,
        applied: bool,
        times: int = 1,
        error: str = "InternalServerError",
        status: int = 500,
        role: str | None = None,
    ) -> AbstractContextManager[list[str]]:
        """The first calls of an operation fail: before they have an effect, or after it (a lost reply)."""
        client = self.aws.clients.get(service, self.aws.region, role or self.role)
        name = f"before-send.{client.meta.service_model.service_id.hyphenize()}.{operation}"

        @contextmanager
        def fault() -> Any:
            lost: list[str] = []

            def fail(request: Any, **_: Any) -> AWSResponse | None:
                if len(lost) == times:
                    return None
                lost.append(operation)
                # botocore asks every handler of the event, and takes the first answer: the request has its effect after
                # this one has answered, unless it goes where nobody is.
                if not applied:
                    request.url = "https://nowhere.invalid/"
                body = json.dumps({"__type": error, "message": "internal error"}).encode()
                return AWSResponse(request.url, status, {"x-amzn-requestid": "lost"}, MockRawResponse(body))

            client.meta.events.register_first(name, fail)
            try:
                yield lost
            finally:
                client.meta.events.unregister(name, fail)

        made: AbstractContextManager[list[str]] = fault()
        return made

    def until(self, condition: Callable[[], bool]) -> None:
        """Waits until something is so, for an execution that is on its way."""
        end, pause = time.monotonic() + PATIENCE, 0.01
        while not condition():
            assert time.monotonic() < end
            time.sleep(pause)
            pause = min(pause * 1.5, 0.05)
