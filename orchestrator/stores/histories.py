"""What Step Functions remembers of an execution: its path through the states."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestrator.runs.execution_end import DELIVERY_MARK, is_express
from orchestrator.runs.path import Invocation, Visit, path
from orchestrator.stack import sibling

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_stepfunctions import SFNClient

#: Nested executions within nested executions are followed so far.
_DEPTH = 3


class Histories:
    """Reads histories through ``client``, boto3's client of Step Functions, and those of Express executions from their
    machine's log through ``logs``, boto3's client of CloudWatch Logs.
    """

    def __init__(self, client: SFNClient, logs: CloudWatchLogsClient) -> None:
        self._client, self._logs = client, logs

    def path(self, execution_arn: str) -> list[Visit] | None:
        """Every stay in a state so far; None of an execution that Step Functions, or the log of an Express machine, has
        forgotten, as they do after 90 days.
        """
        if is_express(execution_arn):
            return path(self._logged(execution_arn.partition(DELIVERY_MARK)[0])) or None
        pages = self._client.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
        try:
            return path(event for page in pages for event in page["events"])
        except (self._client.exceptions.ExecutionDoesNotExist, self._client.exceptions.InvalidArn):
            return None

    def definition(self, execution_arn: str) -> dict[str, Any] | None:
        """The state machine as it was when the execution began, or, of an Express one, as it is; None of an execution
        that is forgotten or unknown.
        """
        unknown = (
            self._client.exceptions.ExecutionDoesNotExist,
            self._client.exceptions.StateMachineDoesNotExist,
            self._client.exceptions.InvalidArn,
        )
        try:
            if is_express(execution_arn):
                machine = sibling(execution_arn, "states", f"stateMachine:{execution_arn.split(':')[6]}")
                text = self._client.describe_state_machine(stateMachineArn=machine)["definition"]
            else:
                text = self._client.describe_state_machine_for_execution(executionArn=execution_arn)["definition"]
        except unknown:
            return None
        definition: dict[str, Any] = json.loads(text)
        return definition

    def _logged(self, execution_arn: str) -> list[dict[str, Any]]:
        """The events of an Express execution as GetExecutionHistory would have them, without data: a log delivers them
        late, and in any order ("Logging using CloudWatch Logs").
        """
        group = f"/aws/vendedlogs/states/{execution_arn.split(':')[6]}"
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, filterPattern=f'"{execution_arn}"'
        )
        try:
            said = [json.loads(event["message"]) for page in pages for event in page["events"]]
        except self._logs.exceptions.ResourceNotFoundException:
            return []
        return [_event(one) for one in sorted(said, key=lambda one: int(one["id"]))]

    def state(self, execution_arn: str) -> str | None:
        """Which state the execution has entered last."""
        newest = self._client.get_execution_history(executionArn=execution_arn, reverseOrder=True, maxResults=20)
        entered = (event.get("stateEnteredEventDetails") for event in newest["events"])
        return next((str(details["name"]) for details in entered if details), None)

    def invocations(self, visits: list[Visit], depth: int = _DEPTH) -> Iterator[Invocation]:
        """Every call of a Lambda function on a path, those of nested executions among them."""
        for visit in visits:
            yield from visit.invocations
            for child in visit.children if depth else ():
                yield from self.invocations(self.path(child) or [], depth - 1)


def _event(said: Mapping[str, Any]) -> dict[str, Any]:
    """A line of the log as an event of a history."""
    kind = {"EvaluationFailed": "evaluationFailed"}.get(said["type"], "its")
    if said["type"].endswith("StateEntered"):
        kind = "stateEntered"
    return {
        "id": int(said["id"]),
        "previousEventId": int(said["previous_event_id"]),
        "type": said["type"],
        "timestamp": datetime.fromtimestamp(int(said["event_timestamp"]) / 1000, UTC),
        f"{kind}EventDetails": said.get("details", {}),
    }
