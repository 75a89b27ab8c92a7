"""AWS's own command line, unmodified, against the embedded AWS."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.deployment import Applied
from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.deployed import STACK, deployed
from tests.testbed.typed import Shell

Cli = Callable[..., Any]
SLOT = "2026-12-01T08:00:00Z"


@pytest.fixture(scope="module")
def stack(embedded_aws: EmbeddedAws) -> Iterator[Applied]:
    with deployed(embedded_aws) as applied:
        yield applied


@pytest.fixture(scope="module")
def cli(stack: Applied, shell: Shell) -> Cli:
    """What `aws` answers; the environment says where."""

    def answer(*arguments: str) -> Any:
        ran = shell.run(["aws", *arguments, "--output", "json"], Path.cwd(), os.environ)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    return answer


@pytest.fixture(scope="module")
def execution(stack: Applied, cli: Cli) -> dict[str, Any]:
    """A task, started as the README says, and waited for."""
    started = cli(
        "stepfunctions",
        "start-execution",
        "--state-machine-arn",
        stack.outputs["TaskRunnerArn"],
        "--input",
        json.dumps({"taskId": "good", "scheduledTime": SLOT}),
    )
    end = time.monotonic() + 30
    while (found := cli("stepfunctions", "describe-execution", "--execution-arn", started["executionArn"]))[
        "status"
    ] == "RUNNING":
        assert time.monotonic() < end
    return dict(found)


def test_a_task_is_started(execution: dict[str, Any]) -> None:
    assert execution["status"] == "SUCCEEDED"
    assert json.loads(execution["output"]) == {"taskId": "good", "slot": SLOT, "status": "SUCCEEDED"}


def test_executions_are_listed(stack: Applied, execution: dict[str, Any], cli: Cli) -> None:
    listed = cli("stepfunctions", "list-executions", "--state-machine-arn", stack.outputs["TaskRunnerArn"])
    assert execution["executionArn"] in [one["executionArn"] for one in listed["executions"]]


def test_the_history_has_every_state(execution: dict[str, Any], cli: Cli) -> None:
    arn = execution["executionArn"]
    events = cli("stepfunctions", "get-execution-history", "--execution-arn", arn)["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]
    assert entered[0] == "LookupTask"
    assert entered[-1] == "RecordOutcome"


def test_the_ledger_is_queried(execution: dict[str, Any], cli: Cli) -> None:
    values = json.dumps({":task": {"S": "good"}})
    found = cli(
        "dynamodb",
        "query",
        "--table-name",
        STACK.runs_table,
        "--key-condition-expression",
        "taskId = :task",
        "--expression-attribute-values",
        values,
    )
    assert [(item["slot"]["S"], item["status"]["S"]) for item in found["Items"]] == [(SLOT, "SUCCEEDED")]


def test_schedules_are_listed(stack: Applied, cli: Cli) -> None:
    (schedule,) = cli("scheduler", "list-schedules", "--group-name", STACK.schedule_group)["Schedules"]
    assert schedule["Name"].startswith("good-")
    full = cli("scheduler", "get-schedule", "--group-name", STACK.schedule_group, "--name", schedule["Name"])
    assert full["ScheduleExpression"] == "cron(0 8 * * ? *)"


def test_the_logs_of_a_function_are_read(execution: dict[str, Any], cli: Cli) -> None:
    group = f"/aws/lambda/{STACK.function_prefix}work"
    messages = [event["message"] for event in cli("logs", "filter-log-events", "--log-group-name", group)["events"]]
    assert messages[0].startswith("START RequestId:")


def test_the_stack_is_described(stack: Applied, cli: Cli) -> None:
    (found,) = cli("cloudformation", "describe-stacks", "--stack-name", STACK.name)["Stacks"]
    assert found["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    assert {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]} == stack.outputs


def test_the_alias_says_which_version_runs(stack: Applied, cli: Cli) -> None:
    machine = stack.outputs["TaskRunnerArn"]
    (alias,) = cli("stepfunctions", "list-state-machine-aliases", "--state-machine-arn", machine)["stateMachineAliases"]
    assert alias["stateMachineAliasArn"] == f"{machine}:live"
    found = cli("stepfunctions", "describe-state-machine-alias", "--state-machine-alias-arn", f"{machine}:live")
    assert found["routingConfiguration"] == [{"stateMachineVersionArn": f"{machine}:1", "weight": 100}]
