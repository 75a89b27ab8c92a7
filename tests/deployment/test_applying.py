"""Deploying to the embedded AWS: from nothing, again, and after a change."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.deployment import Application, Applied, Deployer, StackSettings, apply, carry_out, plan, plan_lines
from orchestrator.deployment.publishing import LiveAlias
from orchestrator.functions import EventSource, Function
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.destinations import Destination, Kind
from orchestrator.stack import Stack
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from orchestrator.stores.subscriptions import Destinations
from orchestrator.tasks.task import Task
from tests.testbed import sample
from tests.testbed.recorded import Recorded
from tests.testbed.sample import task

STACK = Stack()
# No rate: it would fire at once.
TASKS = [task("report", "cron(0 2 * * ? *)"), task("clean", "cron(0 3 * * ? *)")]


@pytest.fixture
def application(tmp_path: Path) -> Application:
    return sample.application(tmp_path)


@pytest.fixture
def clients(aws: EmbeddedAws) -> Recorded:
    return Recorded(aws)


@pytest.fixture
def deploy(clients: Recorded, application: Application) -> Callable[..., Applied]:
    def deploy(tasks: list[Any] = TASKS, progress: Callable[[str], None] = lambda line: None, **chosen: Any) -> Applied:
        clients.calls.clear()
        deployer = Deployer(now=lambda: datetime(2026, 12, 1, tzinfo=UTC), progress=progress)
        return apply(clients, application, tasks, settings=StackSettings(**chosen), deployer=deployer)

    return deploy


def schedules(aws: EmbeddedAws, **group: Any) -> set[str]:
    return {schedule["Name"] for schedule in aws.client("scheduler").list_schedules(**group)["Schedules"]}


def environment(aws: EmbeddedAws, function: str) -> dict[str, str]:
    found: dict[str, str] = aws.client("lambda").get_function(FunctionName=f"orchestrator-dev-task-{function}")[
        "Configuration"
    ]["Environment"]["Variables"]
    return found


def test_what_was_deployed_runs(deploy: Callable[..., Applied], aws: EmbeddedAws) -> None:
    applied = deploy()
    states = aws.client("stepfunctions")
    started = states.start_execution(stateMachineArn=applied.outputs["TaskRunnerArn"], input='{"taskId": "report"}')
    deadline = time.monotonic() + 20
    while (found := states.describe_execution(executionArn=started["executionArn"]))["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert found["status"] == "SUCCEEDED"
    (run,) = Ledger(aws.client("dynamodb"), STACK).runs("report", limit=9)
    assert json.loads(run.result or "")["hello"]["taskId"] == "report"


def deployed(aws: EmbeddedAws) -> dict[str, str]:
    """All that a plan tells of, as AWS has it: by how a plan calls it, what it is."""
    cloudformation, states = aws.client("cloudformation"), aws.client("stepfunctions")
    if not cloudformation.describe_stacks()["Stacks"]:
        return {}
    found: dict[str, Any] = {}
    template = cloudformation.get_template(StackName=STACK.name)["TemplateBody"]
    sections = json.loads(template) if isinstance(template, str) else template
    for section, entries in sections.items():
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if "DefinitionString" in (properties := entry.get("Properties", {})):
                found[f"definition {properties['StateMachineName']}"] = properties.pop("DefinitionString")
            found[f"{entry['Type'] if section == 'Resources' else section} {name}"] = entry
    for parameter in cloudformation.describe_stacks(StackName=STACK.name)["Stacks"][0]["Parameters"]:
        found[f"Parameters {parameter['ParameterKey']}"] = parameter["ParameterValue"]
    for machine in states.list_state_machines()["stateMachines"]:
        found[f"alias live of {machine['name']}"] = LiveAlias(states, machine["stateMachineArn"]).routes()
    for recorded in Destinations(aws.client("ssm"), STACK).all().values():
        found[f"alerts to {recorded.destination}".replace(QUEUES, "")] = recorded
    tasks = Registry(aws.client("dynamodb"), STACK).declared()
    found |= {f"task {task_id}": item for task_id, item in tasks.items()}
    return {name: repr(value) for name, value in found.items()}


def test_logs_and_traces_are_chosen_and_make_a_version(
    deploy: Callable[..., Applied], aws: EmbeddedAws, clients: Recorded, application: Application
) -> None:
    def kept() -> tuple[str, bool, str]:
        machine = aws.client("stepfunctions").describe_state_machine(stateMachineArn=applied.outputs["TaskRunnerArn"])
        function = aws.client("lambda").get_function_configuration(FunctionName=STACK.function("echo"))
        tracing = machine["tracingConfiguration"]["enabled"]
        return machine["loggingConfiguration"]["level"], tracing, function["TracingConfig"]["Mode"]

    applied = deploy([])
    assert kept() == ("ERROR", False, "PassThrough")
    chosen = StackSettings(log_level="ALL", tracing=True)
    planned = plan(clients, application, [], now=datetime(2026, 12, 1, tzinfo=UTC), settings=chosen)
    assert STACK.task_runner in planned.publish
    applied = deploy([], log_level="ALL", tracing=True)
    assert set(applied.published) == set(planned.publish)
    assert kept() == ("ALL", True, "Active")
    # What nobody chooses anew stays.
    assert not deploy([]).changed
    assert kept() == ("ALL", True, "Active")


#: Before the first deployment nobody knows the account's number, and a plan calls the courier's queue by its name.
QUEUES = "arn:aws:sqs:us-east-1:123456789012:"


def test_what_a_plan_prints_is_what_an_apply_does(aws: EmbeddedAws, application: Application) -> None:
    now = datetime(2026, 12, 1, tzinfo=UTC)

    def assert_done_as_printed(
        application: Application, tasks: list[Task], told: list[Destination], settings: StackSettings, anything: bool
    ) -> None:
        wanted: dict[str, Any] = {"destinations": told, "settings": settings}
        planned = plan(aws.client, application, tasks, now=now, **wanted)
        printed = [line.replace(QUEUES, "").partition(": ")[0] for line in plan_lines(planned)]
        before, said = deployed(aws), list[str]()
        done = apply(aws.client, application, tasks, deployer=Deployer(now=lambda: now, progress=said.append), **wanted)
        after = deployed(aws)
        assert {line[2:] for line in printed if line[0] in "+-~"} == {
            name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        }
        operations = [line.strip() for line in planned.reconciliation.lines()]
        assert [line for line in said if line in operations] == operations
        assert done.plan.reconciliation == planned.reconciliation
        assert (done.changed, not planned.is_empty, bool(printed)) == (anything,) * 3

    queue = Destination(kind=Kind.SQS, address=f"{QUEUES}told")
    webhook = Destination(kind=Kind.WEBHOOK, address="https://example.com/told")
    changed = replace(application.definitions["TaskRunner"], comment="changed")
    other = replace(application, definitions={**application.definitions, "TaskRunner": changed})
    other_tasks = [task("report", "cron(0 5 * * ? *)"), task("new")]
    mailing = StackSettings(mail_from="a@example.com")
    assert_done_as_printed(application, TASKS, [queue, webhook], StackSettings(), anything=True)
    assert_done_as_printed(application, TASKS, [queue, webhook], StackSettings(), anything=False)
    assert_done_as_printed(other, other_tasks, [queue], mailing, anything=True)
    assert_done_as_printed(other, other_tasks, [queue], mailing, anything=False)


def test_a_plan_that_another_deployment_has_overtaken_is_made_anew(aws: EmbeddedAws, application: Application) -> None:
    now, said = datetime(2026, 12, 1, tzinfo=UTC), list[str]()
    deployer = Deployer(now=lambda: now, progress=said.append)
    apply(aws.client, application, TASKS[:1], deployer=deployer)
    planned = plan(aws.client, application, TASKS, now=now)
    apply(aws.client, application, TASKS, deployer=deployer)
    assert [line for line in said if line.endswith("planned anew")] == []
    said.clear()
    done = carry_out(aws.client, planned, deployer=deployer)
    assert said == ["tasks, schedules or subscriptions are others than when this was planned; planned anew"]
    assert not done.changed


def test_the_second_time_nothing_is_written(deploy: Callable[..., Applied], clients: Recorded) -> None:
    assert deploy().changed
    assert clients.writes
    assert not deploy().changed
    assert clients.writes == []
    # Three for each state machine, two for who is told, and one for the switches that are on.
    assert len(clients.calls) <= 5 + 3 * 2 + 2 + 1, "reads are few, however many tasks"


def test_schedules_of_others_are_left_alone(deploy: Callable[..., Applied], aws: EmbeddedAws) -> None:
    deploy()
    client = aws.client("scheduler")
    other: Any = {
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ScheduleExpression": "rate(1 day)",
        "Target": {
            "Arn": "arn:aws:states:us-east-1:123456789012:stateMachine:x",
            "RoleArn": "arn:aws:iam::123456789012:role/r",
        },
    }
    client.create_schedule(Name="report-01234567", GroupName="default", **other)
    client.create_schedule(Name="by-hand", GroupName=STACK.schedule_group, **other)
    deploy([])
    assert schedules(aws) == {"report-01234567", "by-hand"}


def test_two_environments_live_side_by_side(aws: EmbeddedAws, tmp_path: Path) -> None:
    staging = Stack(name="orchestrator-staging")
    for stack in (STACK, staging):
        apply(aws.client, sample.application(tmp_path, stack), TASKS)
    apply(aws.client, sample.application(tmp_path, staging), [])
    assert Registry(aws.client("dynamodb"), STACK).declared().keys() == {"report", "clean"}
    assert len(schedules(aws, GroupName=STACK.schedule_group)) == 2
    assert schedules(aws, GroupName=staging.schedule_group) == set()


def test_changed_code_is_the_only_thing_that_is_uploaded(
    deploy: Callable[..., Applied], clients: Recorded, application: Application, aws: EmbeddedAws
) -> None:
    deploy()
    (application.lambdas / "echo.py").write_text("def handler(event, context):\n    return 'changed'\n")
    assert deploy().stack_changed
    assert clients.calls.count("PutObject") == 1
    answer = aws.client("lambda").invoke(FunctionName="orchestrator-dev-task-echo", Payload=b"{}")
    assert json.loads(answer["Payload"].read()) == "changed"


def test_the_functions_know_where_they_are(deploy: Callable[..., Applied], aws: EmbeddedAws) -> None:
    deploy(mail_from="digest@example.com", site_url="https://example.com/")
    assert environment(aws, "send-letters") == {
        "DATA_BUCKET": "orchestrator-dev-data-123456789012-us-east-1",
        "IDEMPOTENCY_TABLE": "orchestrator-dev-Idempotency",
        "MAIL_FROM": "digest@example.com",
        "ORCHESTRATOR_STACK": "orchestrator-dev",
        "PAPER": "a4",
        "POWERTOOLS_METRICS_NAMESPACE": "ScheduledTasks",
        "POWERTOOLS_SERVICE_NAME": "send-letters",
        "SITE_URL": "https://example.com/",
    }


@pytest.mark.parametrize(("said", "reserved"), [(None, 5), (True, 5), (False, None)])
def test_concurrency_is_reserved_unless_somebody_says_that_there_is_none(
    aws: EmbeddedAws, application: Application, said: bool | None, reserved: int | None
) -> None:
    handler = Function(name="h", module="echo", event_sources=(EventSource(source="queue:SchedulerDlq"),))
    with_handler = replace(application, functions=(*application.functions, handler))
    apply(aws.client, with_handler, [], settings=StackSettings(reserve_concurrency=said))
    answer = aws.client("lambda").get_function_concurrency(FunctionName=f"{STACK.name}-h")
    assert answer.get("ReservedConcurrentExecutions") == reserved
    assert not apply(aws.client, with_handler, []).stack_changed


class Interrupted(Exception):
    pass


@pytest.mark.parametrize(
    "at", [1, pytest.param(3, marks=pytest.mark.proof), 4, pytest.param(6, marks=pytest.mark.proof), 8]
)
def test_wherever_it_is_interrupted_the_next_one_finishes_the_job(
    deploy: Callable[..., Applied], clients: Recorded, at: int
) -> None:
    seen: list[str] = []

    def progress(line: str) -> None:
        seen.append(line)
        if len(seen) == at:
            raise Interrupted

    with pytest.raises(Interrupted):
        deploy(progress=progress)
    assert deploy().changed
    assert not deploy().changed
    assert clients.writes == []
