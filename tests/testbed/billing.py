"""The billing workflow, deployed with its real functions, and months that tests make up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from boto3.dynamodb.types import TypeSerializer

from deploy import PROJECT
from orchestrator import deployment
from orchestrator.deployment import Application
from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.run import Run
from orchestrator.stack import Stack
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule
from tests.testbed.queues import drained, listening, told

STACK = Stack(name="books")
SLOT = "2026-12-01T00:00:00Z"
PERIOD = "2026-11"
HEADER = "event_id,customer_id,meter,quantity,timestamp\n"
PLAN = {
    "planId": "plain",
    "currency": "EUR",
    "flatFee": "10.00",
    "taxRate": "0.19",
    "meters": {"calls": {"unitPrice": "0.015"}},
}
#: What a month leaves behind.
KEYS = {
    "BillingRecords": ("period", "item"),
    "Customers": ("customerId",),
    "Invoices": ("period", "customerId"),
    "PricePlans": ("planId",),
    "TaskRuns": ("taskId", "slot"),
}
_values = TypeSerializer()


@dataclass(frozen=True, kw_only=True)
class Ended:
    """An execution of the workflow that has ended."""

    status: str
    output: dict[str, Any]
    cause: str
    events: list[dict[str, Any]]


class Books:
    """A stack with the billing workflow, its functions, and nothing else."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        own = PROJECT.application(STACK)
        application = Application(
            stack=STACK,
            definitions=own.definitions,
            functions=tuple(one for one in own.functions if one.package == "billing"),
            lambdas=own.lambdas,
            tables=own.tables,
        )
        applied = deployment.apply(
            aws.client,
            application,
            [],
            settings=deployment.StackSettings(mail_from="billing@example.com"),
            deployer=deployment.Deployer(sleep=lambda seconds: None),
        )
        self.task_runner = applied.outputs["TaskRunnerArn"]
        self.workflow = self.task_runner.replace("TaskRunner", "workflow-billing")
        self.bucket = applied.outputs["DataBucket"]
        aws.client("ses").verify_email_identity(EmailAddress="billing@example.com")
        self.alerts = listening(aws, applied.outputs["AlertsTopicArn"], "alerts")
        self.ledger = Ledger(aws.client("dynamodb"), STACK)
        schedule = TaskSchedule(expression="cron(0 0 1 * ? *)")
        Registry(aws.client("dynamodb"), STACK).register(
            Task(
                id="monthly-billing",
                target=Target(kind=TargetKind.WORKFLOW, name="billing"),
                schedules=(schedule,),
                timeout_seconds=21_600,
                retry=RetryPolicy(max_attempts=1),
            )
        )

    def clear(self) -> None:
        """Empties everything, but keeps the functions warm."""
        dynamodb = self.aws.client("dynamodb")
        for table, names in KEYS.items():
            for item in self._items(table):
                dynamodb.delete_item(TableName=STACK.table(table), Key={name: item[name] for name in names})
        for prefix in ("usage/", "billing/", "invoices/"):
            for key in self.keys(prefix):
                self.aws.client("s3").delete_object(Bucket=self.bucket, Key=key)
        self.aws.backend("ses").sent_messages.clear()
        logs = self.aws.client("logs")
        for stream in logs.describe_log_streams(logGroupName=STACK.mail_events_log)["logStreams"]:
            logs.delete_log_stream(logGroupName=STACK.mail_events_log, logStreamName=stream["logStreamName"])
        drained(self.aws.client("sqs"), self.alerts)

    def page_size(self, customers: int) -> None:
        """Sets how many customers an execution goes through from now on."""
        client = self.aws.client("lambda")
        name = f"{STACK.function_prefix}billing-calculate-charges"
        environment: Any = client.get_function_configuration(FunctionName=name)["Environment"]
        environment["Variables"]["BILLING_PAGE_SIZE"] = str(customers)
        client.update_function_configuration(FunctionName=name, Environment=environment)

    def plan(self, **fields: Any) -> None:
        self._put("PricePlans", PLAN | fields)

    def customers(self, *ids: str, plan: str = "plain") -> None:
        for customer in ids:
            record = {"customerId": customer, "name": f"Sample {customer}", "email": f"{customer}@example.com"}
            self._put("Customers", record | {"planId": plan})

    def usage(self, rows: Iterable[str], name: str = "usage.csv", period: str = PERIOD) -> None:
        """Rows of CSV below its header, each with its end."""
        body = HEADER + "".join(f"{row}\n" for row in rows)
        self.aws.client("s3").put_object(Bucket=self.bucket, Key=f"usage/{period}/{name}", Body=body.encode())

    def month(self, count: int) -> None:
        """Makes a month of ``count`` customers, each of whom used something."""
        self.plan()
        ids = [f"c-{number:04}" for number in range(count)]
        self.customers(*ids)
        self.usage(row(f"e-{customer}", customer, str(100 + number)) for number, customer in enumerate(ids))

    def run(self, slot: str = SLOT) -> Ended:
        """Runs the workflow as TaskRunner does, to its end."""
        execution_input = {"slot": slot, "timezone": "UTC", "taskId": "monthly-billing", "params": {}}
        client = self.aws.client("stepfunctions")
        arn = client.start_execution(stateMachineArn=self.workflow, input=json.dumps(execution_input))["executionArn"]
        return self.end(arn)

    def end(self, arn: str) -> Ended:
        client = self.aws.client("stepfunctions")
        assert self.aws.execution(arn).over.wait(300)
        described = client.describe_execution(executionArn=arn)
        pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
        return Ended(
            status=described["status"],
            output=json.loads(described.get("output", "{}")),
            cause=f"{described.get('error')}: {described.get('cause')}",
            events=[event for page in pages for event in page["events"]],
        )

    def run_task(self, slot: str = SLOT) -> Run:
        """Runs the slot through TaskRunner; its row."""
        client = self.aws.client("stepfunctions")
        execution_input = json.dumps({"taskId": "monthly-billing", "scheduledTime": slot})
        arn = client.start_execution(stateMachineArn=self.task_runner, input=execution_input)["executionArn"]
        assert self.aws.execution(arn).over.wait(300)
        run = self.ledger.get("monthly-billing", slot)
        assert run is not None
        return run

    def invoices(self, period: str = PERIOD) -> dict[str, Mapping[str, Any]]:
        """Every invoice of the period as it is stored, by customer."""
        return {item["customerId"]["S"]: item for item in self._items("Invoices") if item["period"]["S"] == period}

    def records(self, period: str = PERIOD) -> dict[str, Mapping[str, Any]]:
        """The period's records, by their second key."""
        return {item["item"]["S"]: item for item in self._items("BillingRecords") if item["period"]["S"] == period}

    def mails(self) -> list[str]:
        """Returns the addresses that mails went to, in alphabetical order."""
        return sorted(message.destinations[0] for message in self.aws.backend("ses").sent_messages)

    def alert(self) -> str:
        """The text of the one alert."""
        (text,) = told(self.aws.client("sqs"), self.alerts)
        return text

    def alert_attributes(self) -> dict[str, str]:
        """What filters of subscriptions see of the one alert."""
        (body,) = drained(self.aws.client("sqs"), self.alerts)
        return {name: one["Value"] for name, one in json.loads(body)["MessageAttributes"].items()}

    def owned_by(self, owner: str) -> None:
        """The task belongs to somebody."""
        self.aws.client("dynamodb").update_item(
            TableName=STACK.tasks_table,
            Key={"taskId": {"S": "monthly-billing"}},
            UpdateExpression="SET #owner = :owner",
            ExpressionAttributeNames={"#owner": "owner"},
            ExpressionAttributeValues={":owner": {"S": owner}},
        )

    def keys(self, prefix: str) -> list[str]:
        answer = self.aws.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for entry in answer.get("Contents", [])]

    def read(self, key: str) -> bytes:
        return bytes(self.aws.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def _put(self, table: str, record: Mapping[str, Any]) -> None:
        item = _values.serialize(dict(record))["M"]
        self.aws.client("dynamodb").put_item(TableName=STACK.table(table), Item=item)

    def _items(self, table: str) -> Iterator[dict[str, Any]]:
        for page in self.aws.client("dynamodb").get_paginator("scan").paginate(TableName=STACK.table(table)):
            yield from page["Items"]


def row(event: str, customer: str, quantity: str, meter: str = "calls", at: str = "2026-11-15T12:00:00Z") -> str:
    return f"{event},{customer},{meter},{quantity},{at}"


@contextmanager
def books(aws: EmbeddedAws) -> Iterator[Books]:
    """Lives in a time in which waiting costs nothing."""
    with aws.on(VirtualClock(datetime(2026, 12, 1, tzinfo=UTC), speed=60_000)):
        yield Books(aws)
        aws.reset()
