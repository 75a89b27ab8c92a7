"""State machines for tests: made, started and waited for in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.server import EmbeddedAws

if TYPE_CHECKING:
    from types_boto3_sqs.literals import QueueAttributeNameType

State = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What DescribeExecution and GetExecutionHistory say of an execution that has ended."""

    arn: str
    status: str
    output: Any
    error: str | None
    cause: str | None
    events: Sequence[Mapping[str, Any]]
    #: From its start to its end, by the clock of the embedded AWS.
    lasted: timedelta

    @property
    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


class Machines:
    """State machines in JSONata whose role may do everything."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.states = aws.client("stepfunctions")
        iam = aws.client("iam")
        self.role: str = iam.create_role(RoleName="everything", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        iam.put_role_policy(RoleName="everything", PolicyName="p", PolicyDocument=json.dumps(document))

    def make(self, states: Mapping[str, State], name: str = "machine", *, role: str | None = None, **top: Any) -> str:
        """A machine that starts with the first of ``states``; its ARN."""
        definition = {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states, **top}
        made = self.states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role or self.role)
        return str(made["stateMachineArn"])

    def start(self, machine: str, given: Any = None, **more: Any) -> str:
        """Starts an execution; its ARN."""
        started = self.states.start_execution(stateMachineArn=machine, input=json.dumps(given), **more)
        return str(started["executionArn"])

    def end(self, arn: str, seconds: float = 10) -> Ended:
        """Waits until an execution has ended."""
        assert self.aws.execution(arn).over.wait(seconds), f"{arn} has not ended in {seconds} s"
        described = self.states.describe_execution(executionArn=arn)
        return Ended(
            arn=arn,
            status=described["status"],
            output=json.loads(described["output"]) if "output" in described else None,
            error=described.get("error"),
            cause=described.get("cause"),
            events=self.states.get_execution_history(executionArn=arn)["events"],
            lasted=described["stopDate"] - described["startDate"],
        )

    def run(self, states: Mapping[str, State], given: Any = None, **top: Any) -> Ended:
        """Makes a machine and runs it to its end."""
        return self.end(self.start(self.make(states, **top), given))

    def entered(self, arn: str, state: str) -> bool:
        """Whether an execution has come to a state."""
        events = self.states.get_execution_history(executionArn=arn)["events"]
        return any(event.get("stateEnteredEventDetails", {}).get("name") == state for event in events)


def hearing(queue: str) -> dict[QueueAttributeNameType, str]:
    """Attributes of a queue that every rule of EventBridge may send to."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": f"arn:aws:sqs:us-east-1:123456789012:{queue}",
    }
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}


@pytest.fixture
def machines(aws: EmbeddedAws) -> Machines:
    return Machines(aws)


@pytest.fixture
def fast(aws: EmbeddedAws) -> Iterator[Machines]:
    """The same, in a time in which a minute passes in a millisecond while nobody works."""
    with aws.on(VirtualClock(datetime(2026, 12, 1, tzinfo=UTC), speed=60_000)):
        yield Machines(aws)
        aws.reset()
