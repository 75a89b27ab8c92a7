"""Signed requests and messages of queues start tasks, each once: over HTTP and SQS, against the embedded AWS."""

from __future__ import annotations

import json
import re
import shutil
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from orchestrator import deployment
from orchestrator.cli.main import main
from orchestrator.deployment import Applied, Project
from orchestrator.errors import RequestRefused
from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.iam.statements import allow, applies
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.operations import sending
from orchestrator.operations.sending import Sent
from orchestrator.runs.run import TERMINAL, Run, RunStatus, Trigger
from orchestrator.runs.signatures import sign
from orchestrator.stack import Stack
from orchestrator.stores.executions import Runner
from orchestrator.stores.ledger import Ledger
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.inbound import Scheme, Webhook
from tests.testbed import LAMBDAS
from tests.testbed.queues import drained
from tests.testbed.statements import parts
from tests.testbed.waiting import soon

STACK = Stack(name="shop-dev")
THEIRS = "arn:aws:sqs:us-east-1:123456789012:legacy"

TASKS = """
tasks:
  orders:
    run: lambda/work
    on: {webhook: ssm:orders, params: {order: $.detail.body.order}}
  releases:
    run: lambda/work
    on:
      webhook: {secret: secret:git, scheme: github, name: git}
      filter: {headers: {x-github-event: [release]}, body: {action: [published]}}
      params: {tag: $.detail.body.tag}
  daily:
    run: lambda/work
    schedule: cron(0 8 * * ? *)
    on: {queue: days, slot: "{$.detail.body.day}T08:00:00Z"}
  stock:
    run: lambda/work
    on: {webhook: {secret: ssm:stock, scheme: timestamp}, within: 1h, params: {first: $.detail.body.item}}
  imports:
    run: lambda/work
    on:
      queue: arn:aws:sqs:us-east-1:123456789012:legacy
      filter: {attributes: {kind: [csv]}}
      params: {key: $.detail.body}
"""

STACK_YAML = f"""
name: shop
webhooks: {{}}
queues: {{days: {{}}, legacy: {{arn: '{THEIRS}', key: KEY}}}}
"""


class Shop:
    """The deployed stack, and who sends to it."""

    def __init__(self, aws: EmbeddedAws, applied: Applied) -> None:
        self.aws, self.outputs = aws, applied.outputs
        self.ledger = Ledger(aws.client("dynamodb"), STACK)
        self.runner = Runner(aws.client("stepfunctions"), applied.outputs["TaskRunnerArn"])

    def post(self, path: str, body: bytes, headers: Mapping[str, str], method: str = "POST") -> tuple[int, Any]:
        given = {"Content-Type": "application/json", **headers}
        request = urllib.request.Request(
            self.outputs["WebhooksUrl"] + path, data=body if method == "POST" else None, headers=given, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except HTTPError as fault:
            with fault:
                return fault.code, json.load(fault)

    def ended(self, task_id: str, slot: str, duplicates: int = 0) -> Run:
        def find() -> Run | None:
            run = self.ledger.get(task_id, slot)
            return run if run and run.status in TERMINAL and run.duplicates == duplicates else None

        found: Run = soon(find)
        assert found.status is RunStatus.SUCCEEDED, found.cause
        return found

    def send(self, url: str, body: str, **attributes: str) -> str:
        values: Any = {name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()}
        sent = self.aws.client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageAttributes=values)
        return str(sent["MessageId"])


@pytest.fixture(scope="module")
def shop(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    aws, folder = embedded_aws, tmp_path_factory.mktemp("shop")
    key: Any = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    aws.client("sqs").create_queue(QueueName="legacy", Attributes={"KmsMasterKeyId": key})
    shutil.copytree(LAMBDAS, folder / "lambdas", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tasks.yaml").write_text(TASKS)
    (folder / "stack.yaml").write_text(STACK_YAML.replace("KEY", key))
    project = Project(root=folder)
    application = project.application(STACK)
    tasks = application.load_tasks(project.tasks, datetime.now(UTC).date())
    deployer = deployment.Deployer(sleep=lambda seconds: None)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment.items():
            patch.setenv(name, value)
        applied = deployment.apply(aws.client, application, list(tasks), deployer=deployer)
        # As the stack's key is for.
        aws.client("ssm").put_parameter(
            Name="/shop-dev/secrets/orders",
            Value="old-confidential\nnew-confidential",
            Type="SecureString",
            KeyId="alias/shop-dev",
        )
        aws.client("ssm").put_parameter(Name="/shop-dev/secrets/stock", Value="hush-confidential", Type="String")
        aws.client("secretsmanager").create_secret(
            Name="shop-dev/git", SecretString="git-confidential", KmsKeyId="alias/shop-dev"
        )
        yield Shop(aws, applied)
    aws.reset()


def signed(scheme: Scheme, secret: str, body: bytes, delivery_id: str) -> dict[str, str]:
    return sign(scheme, secret, body, delivery_id=delivery_id, now=datetime.now(UTC))


def test_a_delivery_that_is_sent_three_times_is_one_run(shop: Shop) -> None:
    body, answers = b'{"order": 7}', []
    for secret in ("new-confidential", "old-confidential", "new-confidential"):
        answers.append(shop.post("orders", body, signed(Scheme.STANDARD, secret, body, "msg_1")))
    (status, said), *others = answers
    assert status == 202
    assert others == [(status, said)] * 2
    assert (said["task"], said["id"]) == ("orders", "msg_1")
    assert said["slot"].endswith("Z#msg_1")
    run = shop.ended("orders", said["slot"], duplicates=2)
    assert run.trigger is Trigger.EVENT
    assert shop.runner.params(run) == {"order": 7}


def test_what_is_not_signed_or_not_there_starts_nothing(shop: Shop) -> None:
    body = b'{"order": 8}'
    good = signed(Scheme.STANDARD, "new-confidential", body, "msg_2")
    for path, given, headers, status, error in (
        ("orders", body, {}, 401, "NotSigned"),
        ("orders", body, signed(Scheme.STANDARD, "guessed", body, "msg_2"), 401, "SignatureMismatch"),
        ("orders", body + b" ", good, 401, "SignatureMismatch"),
        ("orders", body, {**good, "webhook-timestamp": "1614265330"}, 401, "NotNow"),
        ("order", body, good, 404, "NoSuchWebhook"),
        ("daily", body, good, 404, "NoSuchWebhook"),
        ("orders/git", body, good, 404, "NoSuchWebhook"),
        ("", body, good, 404, "NoSuchWebhook"),
        ("orders", b"x" * 300_000, good, 413, "TooLarge"),
    ):
        answer = shop.post(path, given, headers)
        assert (answer[0], answer[1]["error"]) == (status, error), path
    assert shop.post("orders", b"", {}, method="GET") == (
        405,
        {"error": "NotPosted", "message": "a webhook takes POST alone"},
    )
    assert not [run for run in shop.ledger.runs("orders", limit=10) if "msg_2" in run.slot]


def test_a_filter_looks_at_headers_and_body(shop: Shop) -> None:
    slots = []
    for event, action in (("release", "created"), ("push", "published"), ("release", "published")):
        body, id_ = json.dumps({"action": action, "tag": "v1"}).encode(), str(uuid.uuid4())
        headers = signed(Scheme.GITHUB, "git-confidential", body, id_) | {"X-GitHub-Event": event}
        status, said = shop.post("releases/git", body, headers)
        assert status == 202
        slots.append(said["slot"])
    assert shop.runner.params(shop.ended("releases", slots[2])) == {"tag": "v1"}
    assert [run.slot for run in shop.ledger.runs("releases", limit=10)] == slots[2:]


def test_messages_of_a_queue_and_the_tick_are_one_run(shop: Shop) -> None:
    for _ in range(2):
        shop.send(shop.outputs["DaysQueueUrl"], '{"day": "2026-12-01"}')
    slot = "2026-12-01T08:00:00Z"
    shop.ended("daily", slot, duplicates=1)
    now = shop.aws.clock.now()
    shop.runner.start("daily", params={}, slot=slot, now=now, trigger=Trigger.SCHEDULE)
    assert shop.ended("daily", slot, duplicates=2).trigger is Trigger.EVENT


def test_messages_of_a_queue_of_others_are_filtered(shop: Shop) -> None:
    sqs = shop.aws.client("sqs")
    url = sqs.get_queue_url(QueueName="legacy")["QueueUrl"]
    shop.send(url, "in/a.pdf", kind="pdf")
    wanted = shop.send(url, "in/a.csv", kind="csv")
    (run,) = soon(lambda: shop.ledger.runs("imports", limit=10))
    assert run.slot.endswith(f"#{wanted}")
    assert shop.runner.params(shop.ended("imports", run.slot)) == {"key": "in/a.csv"}
    # Both are done with.
    assert shop.aws.event_sources.settled(60)
    assert drained(sqs, url) == []


def test_a_message_that_no_event_can_hold_is_kept_for_people(shop: Shop) -> None:
    body = "<" * 250_000 + "\n" * 10_000
    shop.send(shop.outputs["DaysQueueUrl"], body)
    sqs = shop.aws.client("sqs")
    kept = sqs.get_queue_url(QueueName=STACK.handler_failures)["QueueUrl"]
    (message,) = soon(lambda: drained(sqs, kept))
    assert json.loads(message)["body"] == body


def test_a_message_comes_again_while_the_bus_takes_nothing(shop: Shop) -> None:
    role = _role(shop)
    iam, sqs, url = shop.aws.client("iam"), shop.aws.client("sqs"), shop.outputs["DaysQueueUrl"]
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    whole = list(roles.statements(role))
    body = b'{"order": 9}'
    try:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
        less = [one for one in whole if "events:PutEvents" not in one["Action"]]
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=_document(less))
        shop.send(url, '{"day": "2026-12-02"}')
        # Neither is a request taken.
        status, said = shop.post("orders", body, signed(Scheme.STANDARD, "new-confidential", body, "msg_3"))
        assert (status, said["error"]) == (503, "NotTaken")
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=_document(whole))
        sqs.set_queue_attributes(QueueUrl=url, Attributes=before)
    shop.ended("daily", "2026-12-02T08:00:00Z")
    status, said = shop.post("orders", body, signed(Scheme.STANDARD, "new-confidential", body, "msg_3"))
    assert status == 202
    shop.ended("orders", said["slot"])


def test_events_of_a_window_are_one_run_and_no_secret_is_left_behind(shop: Shop) -> None:
    for number in range(2):
        body = json.dumps({"item": number}).encode()
        headers = signed(Scheme.TIMESTAMP, "hush-confidential", body, "") | {"X-Mine": "x"}
        status, said = shop.post("stock", body, {name: text for name, text in headers.items() if text})
        assert (status, len(said["id"])) == (202, 64)
    run = soon(lambda: shop.ledger.get("stock", said["slot"]))
    assert soon(lambda: (one := shop.ledger.get("stock", said["slot"])) and one.duplicates == 1)
    assert run.hold.kind is HoldKind.TIME
    logs = shop.aws.client("logs")
    groups = [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]
    printed = [event["message"] for group in groups for event in logs.filter_log_events(logGroupName=group)["events"]]
    executions = shop.aws.client("stepfunctions").list_executions(stateMachineArn=shop.outputs["TaskRunnerArn"])
    given = [
        shop.aws.client("stepfunctions").describe_execution(executionArn=one["executionArn"])["input"]
        for one in executions["executions"]
    ]
    assert "a request is taken" in str(printed)
    assert len(given) > 1
    for hidden in ("-confidential", headers["x-signature"], headers["x-signature"][:16]):
        assert hidden not in str(printed) + str(given)


@pytest.mark.parametrize(
    ("options", "said", "code"),
    [
        (["--webhook", "orders", "--body", '{"order": 11}'], r"starts orders for .*Z#msg_[0-9a-f]{32}", 0),
        (["--webhook", "releases/git", "--dry-run"], "no task of shop-dev hears it", 1),
        (
            [
                *("--webhook", "releases/git", "--with", "X-GitHub-Event=release"),
                *("--body", '{"action": "published"}', "--dry-run"),
            ],
            "would start releases for .*Z#dry-run",
            0,
        ),
        (["--webhook", "order"], "there is no webhook 'order'", 1),
        (["--queue", "days", "--body", '{"day": "2026-12-09"}'], "starts daily for 2026-12-09T08:00:00Z", 0),
        (["--queue", "legacy", "--with", "kind=csv", "--dry-run"], "would start imports for about .*Z#0000", 0),
        (["--queue", "month"], "no task listens to the queue 'month'; they listen to arn:aws:sqs:", 1),
        (["--queue", "days", "--webhook", "orders"], "expected --source and --detail-type, or --webhook", 2),
        (["--queue", "days", "--with", "kind"], "expected NAME=VALUE, found 'kind'", 2),
    ],
)
def test_who_sends_by_hand_is_told_what_it_starts(
    shop: Shop, capsys: pytest.CaptureFixture[str], options: list[str], said: str, code: int
) -> None:
    assert main(["--stack", STACK.name, "emit", *options]) == code
    printed = capsys.readouterr()
    assert re.search(said, printed.out + printed.err), printed
    if found := re.search(r"^starts (\S+) for (\S+)$", printed.out, re.MULTILINE):
        shop.ended(found[1], found[2])


def test_the_receiver_may_do_what_it_does_and_nothing_else(shop: Shop) -> None:
    """The others have done all that there is."""
    role = _role(shop)
    asked = [one.permission for one in roles.used() if one.role == role]
    unseen = ("xray:",)
    unused = [
        (part["Action"], part["Resource"])
        for statement in roles.statements(role)
        for part in parts(statement)
        if not part["Action"].startswith(unseen) and not any(applies(part, one) for one in asked)
    ]
    assert unused == []
    whole = list(roles.statements(role))
    needless = [
        statement
        for statement in whole
        if not statement["Action"][0].startswith(unseen)
        and all(allow([one for one in whole if one is not statement], permission) for permission in asked)
    ]
    assert needless == []
    denied = {one.permission.action for one in roles.denied() if one.role == role}
    assert denied <= {"events:PutEvents"}


def test_a_url_that_cannot_be_reached_is_told(shop: Shop) -> None:
    with pytest.raises(RequestRefused, match="cannot be reached"):
        sending.post(
            shop.aws.client, STACK, "http://127.0.0.1:9/", "orders", Webhook(secret="ssm:orders"), Sent(body="")
        )


def test_what_stack_yaml_says_no_longer_is_gone(shop: Shop, tmp_path: Path) -> None:
    """The last test: a stack that takes nothing any more."""
    (tmp_path / "tasks.yaml").write_text("tasks: {}\n")
    (tmp_path / "stack.yaml").write_text("name: shop\n")
    deployer = deployment.Deployer(sleep=lambda seconds: None)
    deployment.apply(shop.aws.client, Project(root=tmp_path).application(STACK), [], deployer=deployer)
    assert shop.post("orders", b"{}", {}) == (403, {"Message": None})
    functions = shop.aws.client("lambda").list_functions()["Functions"]
    assert "shop-dev-receiver" not in [one["FunctionName"] for one in functions]


def _document(statements: list[Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _role(shop: Shop) -> str:
    stack = shop.aws.client("cloudformation").list_stack_resources(StackName=STACK.name)["StackResourceSummaries"]
    (role,) = (one["PhysicalResourceId"] for one in stack if one["LogicalResourceId"] == "ReceiverFunctionRole")
    return str(role)
