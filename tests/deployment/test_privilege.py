"""Least privilege, both ways: what a role may not do, nobody misses, and what it may do, somebody does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

import pytest

from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.iam.roles import Asked
from orchestrator.local.aws.iam.statements import Statement, allow, applies
from orchestrator.local.aws.server import EmbeddedAws
from tests.deployment import scenarios
from tests.deployment.scenarios import Scenario
from tests.testbed.everything import World, world
from tests.testbed.ours import added
from tests.testbed.statements import parts

#: What the embedded AWS cannot show, since it is AWS itself that asks, and nobody here does so in its place.
UNSEEN = {
    "xray:": "services send traces, and there is no X-Ray here",
    "logs:CreateLogDelivery": "Step Functions sets up the logging of a state machine, which has no log here",
    "logs:DeleteLogDelivery": "the same",
    "logs:DescribeLogGroups": "the same",
    "logs:DescribeResourcePolicies": "the same",
    "logs:GetLogDelivery": "the same",
    "logs:ListLogDeliveries": "the same",
    "logs:PutResourcePolicy": "the same",
    "logs:UpdateLogDelivery": "the same",
    "events:": "Step Functions makes a rule that tells it of a nested execution's end; here it is told without",
}

#: Some statements, by an action and the end of the resource, each with what cannot be done without it.
SAMPLE: tuple[tuple[str, str, str, Scenario], ...] = (
    ("TaskRunnerRole", "dynamodb:GetItem", "ScheduledTasks", scenarios.a_task_runs_and_is_counted),
    ("TaskRunnerRole", "lambda:InvokeFunction", "", scenarios.a_task_runs_and_is_counted),
    ("ReporterFunctionRole", "dynamodb:ListStreams", "*", scenarios.a_task_runs_and_is_counted),
    ("TaskRunnerRole", "states:StartExecution", "", scenarios.a_workflow_is_waited_for),
    ("TaskRunnerRole", "states:StopExecution", "workflow-*:*", scenarios.a_workflow_that_takes_too_long_is_stopped),
    ("BackfillRole", "states:StartExecution", "", scenarios.a_backfill_runs_its_slots_page_by_page),
    ("SchedulerRole", "states:StartExecution", "", scenarios.a_schedule_starts_its_task),
    ("SchedulerRole", "sqs:SendMessage", "", scenarios.a_slot_that_cannot_be_started_is_recorded),
    ("EventsRole", "states:StartExecution", "", scenarios.an_event_starts_its_task),
    ("FailureHandlerFunctionRole", "sqs:ReceiveMessage", "Failures", scenarios.an_execution_that_died_is_recorded),
    ("FollowerFunctionRole", "sns:Publish", "", scenarios.a_failure_is_told_and_so_is_its_end),
    ("FollowerFunctionRole", "dynamodb:ListStreams", "*", scenarios.a_failure_is_told_and_so_is_its_end),
    (
        "CourierFunctionRole",
        "sqs:ReceiveMessage",
        "Courier",
        scenarios.an_alert_is_taken_to_webhooks_and_topics_and_kept_where_one_refuses_it,
    ),
    ("WatchdogFunctionRole", "states:StartExecution", "", scenarios.a_slot_that_nobody_delivered_is_caught_up),
    ("DataCleanupFunctionRole", "dynamodb:Scan", "Sessions", scenarios.what_is_stale_is_removed),
    ("CacheWarmerFunctionRole", "logs:PutLogEvents", "", scenarios.a_page_is_fetched_and_logged),
    ("EmailDigestFunctionRole", "ses:SendEmail", "", scenarios.a_digest_is_sent_once),
    ("BillingWorkflowRole", "sns:Publish", "", scenarios.customers_are_billed_and_who_cannot_be_is_told),
)

#: Of slots that wait: the proof has them all.
OF_WAITING: tuple[tuple[str, str, str, Scenario], ...] = (
    ("FollowerFunctionRole", "states:StartExecution", "", scenarios.a_slot_waits_for_another_and_is_woken),
    ("FollowerFunctionRole", "scheduler:CreateSchedule", "", scenarios.a_slot_that_waits_is_looked_at_again),
    ("FollowerFunctionRole", "dynamodb:PutItem", "Limits", scenarios.a_run_waits_for_a_place_and_is_let_in),
    ("SchedulerRole", "lambda:InvokeFunction", "", scenarios.a_slot_that_waits_is_looked_at_again),
)


@pytest.fixture(scope="module")
def deployed(embedded_aws: EmbeddedAws) -> Iterator[World]:
    with world(embedded_aws) as made:
        yield made


@pytest.fixture(scope="module")
def asked(deployed: World) -> Set[Asked]:
    """What the roles of the project were allowed while everything was done that they are there for."""
    for scenario in scenarios.ALL:
        scenario(deployed)
    mine = set(deployed.roles.values())
    assert {one for one in roles.denied() if one.role in mine} == set()
    return {one for one in roles.used() if one.role in mine}


def is_unseen(action: str) -> bool:
    return any(action == name or (name.endswith(":") and action.startswith(name)) for name in UNSEEN)


def test_every_permission_is_used(deployed: World, asked: Set[Asked]) -> None:
    table, unused = [], 0
    for logical_id, role in deployed.roles.items():
        wanted = [one.permission for one in asked if one.role == role]
        for part in (part for statement in roles.statements(role) for part in parts(statement)):
            is_used = any(applies(part, one) for one in wanted)
            said = "used" if is_used else "unseen" if is_unseen(part["Action"]) else "UNUSED"
            table.append(f"{said:6} {logical_id:40} {part['Action']:30} {part['Resource']}")
            unused += said == "UNUSED"
    assert unused == 0, "\n".join(sorted(table, key=lambda line: not line.startswith("UNUSED")))


def test_what_a_user_has_added_is_told_and_fails_nothing() -> None:
    """Its permissions are for its own tests to show."""
    if more := added():
        pytest.skip(
            f"no scenario here for {', '.join(more)}: what their roles may do is not compared with what they do"
        )


def test_without_any_one_statement_something_that_was_done_is_denied(deployed: World, asked: Set[Asked]) -> None:
    needless = []
    for logical_id, role in deployed.roles.items():
        wanted = [one.permission for one in asked if one.role == role]
        whole = roles.statements(role)
        for number, statement in enumerate(whole):
            rest = [*whole[:number], *whole[number + 1 :]]
            if all(map(is_unseen, statement["Action"])) or any(not allow(rest, one) for one in wanted):
                continue
            needless.append(f"{logical_id}: {statement}")
    assert needless == []


@pytest.mark.parametrize(
    ("role", "action", "resource", "scenario"),
    [
        # The first in the suite: each waits for what does not come.
        pytest.param(*one, id=f"{one[0]}-{one[1]}", marks=[pytest.mark.proof] * (number > 0))
        for number, one in enumerate(SAMPLE)
    ]
    + [pytest.param(*one, id=f"{one[0]}-{one[1]}", marks=pytest.mark.proof) for one in OF_WAITING],
)
def test_without_it_a_scenario_fails(
    deployed: World, asked: Set[Asked], role: str, action: str, resource: str, scenario: Scenario
) -> None:
    statements, before = roles.statements(deployed.physical[role]), roles.denied()
    number = position(statements, action, resource)
    with deployed.without(role, number), pytest.raises(AssertionError):
        scenario(deployed)
    denied = roles.denied() - before
    assert {one.role for one in denied} == {deployed.physical[role]}
    assert {one.permission.action for one in denied} <= set(statements[number]["Action"])


def position(statements: list[Statement], action: str, resource: str) -> int:
    """Of the only statement that has a part with the action and a resource that ends so."""

    def has(part: Mapping[str, Any]) -> bool:
        return part["Action"] == action and str(part["Resource"]).endswith(resource)

    (number,) = (number for number, one in enumerate(statements) if any(map(has, parts(one))))
    return number
