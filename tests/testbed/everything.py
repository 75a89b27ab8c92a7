"""All that comes with the project, deployed with its samples: every function and state machine under its own role."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

import definitions
from definitions.system import backfill
from deploy import PROJECT
from orchestrator.deployment.boundaries import boundaries, rules_boundary
from orchestrator.local import samples
from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.destinations import Destination, Kind
from orchestrator.runs.run import Run, RunStatus
from orchestrator.tasks.slots import key
from tests.testbed import ROOT, ours
from tests.testbed.task_runner import STACK, TaskRunner

BEGIN = datetime(2026, 12, 1, tzinfo=UTC)
SLOT = key(BEGIN)
PERIOD = "2026-11"


class World(TaskRunner):
    """Names, ids and slots are new for each call, so that a scenario can run any number of times."""

    def __init__(self, aws: EmbeddedAws) -> None:
        others: dict[str, Any] = {name: definitions.ALL[name](STACK) for name in ours.MACHINES if name != "TaskRunner"}
        # So that three slots are two pages.
        others["Backfill"] = backfill.build(STACK, slots_per_page=2)
        #: A topic of somebody else's.
        self.others_topic = f"arn:aws:sns:{aws.region}:{aws.account}:others"
        told = Destination(kind=Kind.SNS, address=self.others_topic)
        super().__init__(aws, handlers=ours.functions(), mail_from=samples.MAIL_FROM, destinations=(told,), **others)
        self.bucket = self.applied.outputs["DataBucket"]
        samples.seed(aws, STACK, self.bucket, BEGIN, ROOT / "samples")
        # Of the samples' customers there remains the usage, which then is nobody's; those of a test are others.
        dynamodb, table = aws.client("dynamodb"), STACK.table("Customers")
        for one in dynamodb.scan(TableName=table)["Items"]:
            dynamodb.delete_item(TableName=table, Key={"customerId": one["customerId"]})
        self.template = PROJECT.application(STACK).template
        described = aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK.name)
        self.physical = {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for page in described
            for one in page["StackResourceSummaries"]
        }
        key_arn = f"arn:aws:kms:{aws.region}:{aws.account}:key/{self.physical['Key']}"
        aws.client("sns").create_topic(Name="others", Attributes={"KmsMasterKeyId": key_arn})
        _, self.schedules, _ = boundaries(aws.client, STACK, self.applied.outputs, aws.clock.now)
        self.rules = rules_boundary(aws.client, STACK, self.applied.outputs)
        #: How long something may take, in real seconds.
        self.patience = 60.0
        self._numbers = count()

    @property
    def roles(self) -> dict[str, str]:
        """Returns the physical name of each role, by its logical id."""
        resources = self.template["Resources"].items()
        roles = [name for name, one in resources if one["Type"] == "AWS::IAM::Role"]
        return {name: self.physical[name] for name in roles if name in self.physical}

    def role_arn(self, logical_id: str) -> str:
        return str(self.aws.client("iam").get_role(RoleName=self.physical[logical_id])["Role"]["Arn"])

    def new(self, name: str) -> str:
        return f"{name}-{next(self._numbers)}"

    def slot(self, execution_input: Mapping[str, Any]) -> Run | None:
        """Runs a slot as Scheduler does, to its end, and lets everybody hear of it; the slot's row."""
        arn = self.start({"trigger": "schedule", **execution_input})
        self.over(arn)
        return self.ledger.get(execution_input["taskId"], execution_input["scheduledTime"])

    def succeeds(self, target: str, *, slot: str = SLOT, **fields: Any) -> Run:
        """Runs a slot of a new task."""
        task_id = self.register(self.new("task"), target, **fields)
        run = self.slot({"taskId": task_id, "scheduledTime": slot})
        assert run is not None
        assert run.status is RunStatus.SUCCEEDED, f"{run.status} {run.error}: {run.cause}"
        return run

    def over(self, arn: str) -> str:
        """The status of an execution at its end."""
        assert self.aws.execution(arn).over.wait(self.patience), f"{arn} goes on"
        assert self.aws.event_sources.settled(self.patience), "an event source goes on"
        return str(self.aws.client("stepfunctions").describe_execution(executionArn=arn)["status"])

    def stop(self, arn: str) -> None:
        self.aws.client("stepfunctions").stop_execution(executionArn=arn)

    def execute(self, machine: str, execution_input: Mapping[str, Any]) -> str:
        """Starts a state machine by its physical name; the execution's ARN."""
        arn = f"arn:aws:states:{self.aws.region}:{self.aws.account}:stateMachine:{machine}"
        started = self.aws.client("stepfunctions").start_execution(
            stateMachineArn=arn, input=json.dumps(execution_input)
        )
        return str(started["executionArn"])

    def statuses(self, machine: str) -> list[str]:
        """Returns the statuses of all executions of a state machine, the newest first."""
        arn = f"arn:aws:states:{self.aws.region}:{self.aws.account}:stateMachine:{machine}"
        executions = self.aws.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"]
        return [str(one["status"]) for one in sorted(executions, key=lambda one: one["startDate"], reverse=True)]

    def invoke(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Calls a function, which must not fail, and returns its result."""
        answer = self.aws.client("lambda").invoke(
            FunctionName=f"{STACK.function_prefix}{function}", Payload=json.dumps(event)
        )
        result: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, result
        return result

    def until(self, condition: Callable[[], bool]) -> None:
        """Waits until something is so, as long as patience lasts."""
        end, pause = time.monotonic() + self.patience, 0.01
        while not condition():
            assert time.monotonic() < end, "it is not so"
            time.sleep(pause)
            pause = min(pause * 1.5, 0.05)

    @contextmanager
    def without(self, logical_id: str, statement: int) -> Iterator[None]:
        """A role lacks one of its statements for a while, in which nobody has much patience."""
        iam, role = self.aws.client("iam"), self.physical[logical_id]
        (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        whole = list(roles.statements(role))
        rest = [one for number, one in enumerate(whole) if number != statement]
        patience, self.patience = self.patience, 4.0
        try:
            self._put_policy(role, name, rest)
            yield
        finally:
            self._put_policy(role, name, whole)
            self.patience = patience
            assert self.aws.event_sources.settled(patience), "what was denied is not done afterwards either"

    def _put_policy(self, role: str, name: str, statements: list[Any]) -> None:
        iam = self.aws.client("iam")
        if not statements:
            iam.delete_role_policy(RoleName=role, PolicyName=name)
            return
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)


@contextmanager
def world(aws: EmbeddedAws) -> Iterator[World]:
    """Lives in a time in which waiting costs nothing."""
    with aws.on(VirtualClock(BEGIN, speed=60_000)):
        yield World(aws)
        aws.reset()
