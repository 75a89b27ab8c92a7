"""What the template has in addition where webhooks and queues start tasks, and that it has nothing of it otherwise."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orchestrator.deployment import Project, event_rules
from orchestrator.deployment.event_sources import reserved
from orchestrator.errors import InvalidProject
from orchestrator.functions import Function
from orchestrator.stack import Stack
from tests.testbed.linters import linted

STACK = Stack(name="shop-dev")
MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:shop-dev-TaskRunner"
THEIRS = "arn:aws:sqs:eu-central-1:123456789012:legacy"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
WHOLE = f"webhooks: {{}}\nqueues: {{late-orders: {{}}, legacy: {{arn: '{THEIRS}', key: '{KEY}'}}}}\n"


def project(folder: Path, stack: str, on: str = "") -> Project:
    (folder / "tasks.yaml").write_text(f"tasks:\n  report: {{run: lambda/x{on and f', on: {on}'}}}\n")
    (folder / "stack.yaml").write_text(f"name: shop\n{stack}")
    (folder / "lambdas").mkdir(exist_ok=True)
    (folder / "lambdas" / "x.py").write_text("def handler(event, context):\n    return event\n")
    return Project(root=folder)


def template(folder: Path, stack: str) -> dict[str, Any]:
    return project(folder, stack).application(STACK).template


def test_only_what_is_said_is_added(tmp_path: Path) -> None:
    plain = template(tmp_path, "")
    assert not [name for name in plain["Resources"] if name.startswith("Receiver")]

    def added(stack: str) -> set[str]:
        made = template(tmp_path, stack)
        changed = {name for name, one in plain["Resources"].items() if made["Resources"][name] != one}
        assert changed == set()
        return set(made["Resources"]) - set(plain["Resources"]) - {"ReceiverFunctionThrottledAlarm"}

    function = {"ReceiverFunction", "ReceiverFunctionLogs", "ReceiverFunctionRole"}
    url = {"WebhooksCallPermission", "WebhooksPermission", "WebhooksUrl"}
    queue = {"InboundQueuesPolicy", "LateOrdersQueue", "LateOrdersQueueAlarm", "ReceiverFunctionFromLateOrdersQueue"}
    assert added("webhooks: {}\n") == function | url
    assert added("queues: {late-orders: {}}\n") == function | queue
    assert added(f"queues: {{legacy: {{arn: '{THEIRS}'}}}}\n") == function | {"ReceiverFunctionFromLegacyQueue"}
    assert added(WHOLE) == function | url | queue | {"ReceiverFunctionFromLegacyQueue"}


@pytest.mark.proof
def test_cfn_lint_finds_nothing(tmp_path: Path) -> None:
    assert linted(template(tmp_path, WHOLE)) == []


def test_what_is_added_has_the_names_that_others_know(tmp_path: Path) -> None:
    made = template(tmp_path, WHOLE)
    resources = made["Resources"]
    assert resources["ReceiverFunction"]["Properties"]["FunctionName"] == "shop-dev-receiver"
    assert resources["LateOrdersQueue"]["Properties"]["QueueName"] == "shop-dev-queue-late-orders"
    role = json.dumps(resources["ReceiverFunctionRole"])
    assert THEIRS in role
    assert KEY in role
    assert made["Outputs"]["WebhooksUrl"] == {"Value": {"Fn::GetAtt": ["WebhooksUrl", "FunctionUrl"]}}
    assert "LateOrdersQueueUrl" in made["Outputs"]


@pytest.mark.parametrize(
    ("stack", "can", "cannot"),
    [
        ("webhooks: {}\n", ["secretsmanager:GetSecretValue", "dynamodb:UpdateItem"], ["sqs:"]),
        ("queues: {a: {}}\n", ["sqs:ReceiveMessage"], ["secretsmanager:", "ssm:", "dynamodb:"]),
    ],
)
def test_its_role_may_do_what_is_said(tmp_path: Path, stack: str, can: list[str], cannot: list[str]) -> None:
    role = json.dumps(template(tmp_path, stack)["Resources"]["ReceiverFunctionRole"]["Properties"]["Policies"])
    assert all(action in role for action in ("events:PutEvents", *can))
    assert not [action for action in cannot if f'"{action}' in role]


def test_a_url_has_concurrency_of_its_own() -> None:
    assert reserved(Function(name="a", module="a", has_url=True)) == 20
    assert not Function(name="a", module="a", has_url=True).is_target


@pytest.mark.parametrize(
    ("stack", "on", "said"),
    [
        ("", "{webhook: ssm:a}", "report: on: stack.yaml opens no URL for webhooks; say `webhooks: {}` there"),
        ("queues: {days: {}}\n", "{queue: day}", "report: on: stack.yaml has no queue 'day'; did you mean 'days'?"),
        (
            "",
            f"{{queue: '{THEIRS}'}}",
            f"report: on: stack.yaml has no queue '{THEIRS}'; say `queues: {{NAME: {{arn: {THEIRS}}}}}` there",
        ),
        ("", "{queue: days}", "report: on: stack.yaml has no queue 'days'; say `queues: {days: {}}` there"),
    ],
)
def test_what_the_stack_does_not_have_is_refused(tmp_path: Path, stack: str, on: str, said: str) -> None:
    made = project(tmp_path, stack, on)
    application = made.application(STACK)
    with pytest.raises(InvalidProject) as refused:
        event_rules.wanted(application.load_tasks(made.tasks, date(2026, 11, 25)), application)
    assert refused.value.problems == [said]


def test_a_rule_names_the_queue_by_its_arn(tmp_path: Path) -> None:
    for queue, arn in (
        ("late-orders", "arn:aws:sqs:eu-central-1:123456789012:shop-dev-queue-late-orders"),
        ("legacy", THEIRS),
        (f"'{THEIRS}'", THEIRS),
    ):
        made = project(tmp_path, WHOLE, f"{{queue: {queue}}}")
        application = made.application(STACK)
        tasks = application.load_tasks(made.tasks, date(2026, 11, 25))
        (rule,) = event_rules.wanted(tasks, application, MACHINE).values()
        assert rule.start.pattern["detail"] == {"stack": ["shop-dev"], "queue": [arn]}


@pytest.mark.parametrize(
    ("stack", "said"),
    [
        ("queues: {Days: {}}\n", "queues.Days.[key]: String should match pattern"),
        ("queues: {days: {arn: arn:aws:sns:eu-west-1:123456789012:days}}\n", "expected a queue's ARN like arn:aws:sqs"),
        (f"queues: {{days: {{key: {KEY}}}}}\n", "key: expected it beside arn"),
        (
            f"queues: {{a: {{arn: '{THEIRS}'}}, b: {{arn: '{THEIRS}'}}}}\n",
            f"expected one name for each queue, found two for {THEIRS}",
        ),
        ("webhooks: {url: x}\n", "webhooks.url: unknown field"),
    ],
)
def test_a_mistake_in_stack_yaml_is_told(tmp_path: Path, stack: str, said: str) -> None:
    with pytest.raises(InvalidProject) as refused:
        project(tmp_path, stack).application(STACK)
    assert said in refused.value.problems[0]
