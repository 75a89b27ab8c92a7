"""Plans: what would be done is told, and nothing is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.asl.written import WrittenDefinition
from orchestrator.deployment import (
    Application,
    Deployer,
    DeploymentPlan,
    StackSettings,
    apply,
    plan,
    plan_json,
    plan_lines,
    plan_summary,
)
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from tests.testbed import sample
from tests.testbed.recorded import Recorded
from tests.testbed.sample import task

NOW = datetime(2026, 12, 4, 8, 30, tzinfo=UTC)
REPORT = task("report", "cron(0 9 * * ? *)")
CLEAN = task("clean", "cron(0 3 * * ? *)")


@pytest.fixture
def application(tmp_path: Path) -> Application:
    return sample.application(tmp_path)


@pytest.fixture
def clients(embedded_aws: EmbeddedAws) -> Recorded:
    return Recorded(embedded_aws)


@pytest.fixture(scope="module")
def deployed(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], object]]:
    """The application, once with two tasks for all tests, since a plan changes nothing. What deploys it again."""
    application = sample.application(tmp_path_factory.mktemp("sample"))

    def deploy() -> object:
        return apply(embedded_aws.client, application, [REPORT, CLEAN], deployer=Deployer(now=lambda: NOW))

    deploy()
    yield deploy
    embedded_aws.reset()


@pytest.fixture
def planned(clients: Recorded, application: Application, deployed: object) -> Callable[..., DeploymentPlan]:
    """A plan over what is deployed; that nothing was written is asserted."""

    def planned(*tasks: Any, application: Application = application, **options: Any) -> DeploymentPlan:
        made = plan(clients, application, tasks, now=NOW, **options)
        assert clients.writes == []
        return made

    return planned


def test_before_the_first_deployment_everything_is_new(clients: Recorded, tmp_path: Path) -> None:
    made = plan(clients, sample.application(tmp_path, Stack(name="orchestrator-new")), [REPORT], now=NOW)
    assert not made.is_empty
    assert {change.action for change in made.infrastructure} == {"add"}
    said = list(plan_lines(made))
    assert "+ AWS::DynamoDB::Table TaskRuns" in said
    assert any(re.fullmatch(r"\+ definition orchestrator-new-TaskRunner: \d+ states", line) for line in said)
    assert [(change.task_id, change.action) for change in made.tasks] == [("report", "add")]
    assert clients.writes == []


def test_what_is_deployed_needs_nothing(planned: Callable[..., DeploymentPlan]) -> None:
    made = planned(REPORT, CLEAN)
    assert made.is_empty
    assert list(plan_lines(made)) == []
    assert plan_json(made)["changes"] is False


def test_a_changed_task_says_what_a_person_needs(planned: Callable[..., DeploymentPlan]) -> None:
    moved = replace(task("report", "cron(0 8 * * ? *)"), timeout_seconds=60)
    made = planned(moved, CLEAN, monthly_cost=lambda task: task.timeout_seconds / 100)
    assert list(plan_lines(made)) == [
        "~ task report",
        "    schedules: cron(0 9 * * ? *) UTC → cron(0 8 * * ? *) UTC",
        "    timeout_seconds: 300 → 60",
        "    next, as deployed: 2026-12-04T09:00:00Z, 2026-12-05T09:00:00Z, 2026-12-06T09:00:00Z",
        "    next: 2026-12-05T08:00:00Z, 2026-12-06T08:00:00Z, 2026-12-07T08:00:00Z",
        "    lost by this change: 2026-12-04T09:00:00Z",
        "    a month: $3.00 → $0.60",
        *(f"  {line}" for line in made.reconciliation.lines()),
    ]


def test_a_cost_that_stays_is_shown(planned: Callable[..., DeploymentPlan]) -> None:
    made = planned(replace(REPORT, timeout_seconds=60), CLEAN, monthly_cost=lambda _: 3)
    assert "    a month: $3.00, as before" in plan_lines(made)
    assert plan_summary(made) == "1 task to change"


def test_what_goes_is_shown(planned: Callable[..., DeploymentPlan]) -> None:
    said = list(plan_lines(planned(REPORT)))
    assert said[0] == "- task clean"
    assert said[-1] == "  remove task clean"


def test_a_changed_definition_is_told_by_its_states_and_moves_the_alias(
    planned: Callable[..., DeploymentPlan], application: Application
) -> None:
    definition = application.definitions["TaskRunner"]

    machine = definition.to_dict()
    machine["States"]["Extra"] = {"Type": "Pass", "Next": machine["StartAt"]}
    machine["StartAt"] = "Extra"
    changed = WrittenDefinition(
        machine=machine,
        comment=definition.comment,
        timeout_seconds=definition.timeout_seconds,
        permissions=definition.permissions,
    )
    made = planned(
        REPORT, CLEAN, application=replace(application, definitions={**application.definitions, "TaskRunner": changed})
    )
    (change,) = made.definitions
    assert (change.added, change.removed, change.changed) == (("Extra",), (), ())
    assert made.publish == ("orchestrator-dev-TaskRunner",)
    assert made.infrastructure == ()


def test_changed_code_and_a_changed_setting_are_told(
    planned: Callable[..., DeploymentPlan], application: Application
) -> None:
    (application.lambdas / "echo.py").write_text("def handler(event, context):\n    return 'changed'\n")
    made = planned(REPORT, CLEAN, settings=StackSettings(mail_from="a@example.com"))
    assert [change.name for change in made.infrastructure] == ["EchoCode", "MailFrom"]
    assert made.infrastructure[1].properties == ("(empty) → a@example.com",)


def test_the_plan_as_json_has_every_change(planned: Callable[..., DeploymentPlan]) -> None:
    made = plan_json(planned(task("report", "cron(0 8 * * ? *)")))
    assert [(one["task"], one["action"]) for one in made["tasks"]] == [("report", "change"), ("clean", "remove")]
    assert made["tasks"][0]["lost"] == ["2026-12-04T09:00:00Z"]
    assert json.loads(json.dumps(made)) == made


def test_a_registration_that_somebody_has_broken_is_planned_anew(
    planned: Callable[..., DeploymentPlan], embedded_aws: EmbeddedAws, deployed: Callable[[], object]
) -> None:
    embedded_aws.client("dynamodb").put_item(
        TableName="orchestrator-dev-ScheduledTasks", Item={"taskId": {"S": "report"}, "kind": {"S": "rocket"}}
    )
    (change,) = planned(REPORT, CLEAN).tasks
    assert (change.task_id, change.action, change.fields) == ("report", "change", ())
    deployed()
    assert planned(REPORT, CLEAN).is_empty
