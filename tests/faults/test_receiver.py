"""Every AWS call of the receiver, failing in every way: what is sent until it is taken is one run."""

from __future__ import annotations

import json
import shutil
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.error import HTTPError

import pytest

from orchestrator import deployment
from orchestrator.deployment import Project
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.run import Run, RunStatus
from orchestrator.runs.signatures import sign
from orchestrator.stack import RECEIVER, Stack
from orchestrator.stores.ledger import Ledger
from orchestrator.tasks.inbound import Scheme
from tests.faults.injection import Call, Fault, Faults, Injected
from tests.testbed import LAMBDAS

pytestmark = pytest.mark.proof

STACK = Stack(name="shop-dev")

#: So many requests fail, one after the other.
_TIMES = 2

OF_REQUESTS = ("dynamodb:GetItem", "dynamodb:UpdateItem", "events:PutEvents", "ssm:GetParameter")
#: The receiver's own call, and those of Lambda by which a message comes, and goes when it was dealt with.
OF_MESSAGES = ("events:PutEvents", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")


def task(action: str, fault: Fault) -> str:
    """The task of a cell: each has its own secret, since they are remembered."""
    return f"{action.partition(':')[2]}-{fault}".replace(" ", "-")


@dataclass(frozen=True, kw_only=True)
class Sender:
    aws: EmbeddedAws
    url: str
    queue: str
    #: The receiver's.
    role: str

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.aws.client("dynamodb"), STACK)

    def post(self, path: str, delivery_id: str) -> int:
        body = b"{}"
        headers = sign(Scheme.STANDARD, "confidential", body, delivery_id=delivery_id, now=datetime.now(UTC))
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, data=body, headers=headers)) as answer:
                return int(answer.status)
        except HTTPError as fault:
            with fault:
                return fault.code

    def only_run(self, task_id: str) -> Run:
        end = time.monotonic() + 60
        while True:
            runs = self.ledger.runs(task_id, limit=10)
            assert len(runs) < 2, runs
            if runs and runs[0].status is RunStatus.SUCCEEDED:
                return runs[0]
            assert time.monotonic() < end, runs
            time.sleep(0.02)


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sender]:
    aws, folder = embedded_aws, tmp_path_factory.mktemp("shop")
    by_request = [task(action, fault) for action in OF_REQUESTS for fault in Fault]
    tasks: dict[str, object] = {one: {"run": "lambda/work", "on": {"webhook": f"ssm:{one}"}} for one in by_request}
    for action in OF_MESSAGES:
        for fault in Fault:
            name = f"queue-{task(action, fault)}"
            heard = {"queue": "cells", "filter": {"body": {"cell": [name]}}}
            tasks[name] = {"run": "lambda/work", "on": heard}
    (folder / "tasks.yaml").write_text(json.dumps({"tasks": tasks}))
    (folder / "stack.yaml").write_text("name: shop\nwebhooks: {}\nqueues: {cells: {}}\n")
    shutil.copytree(LAMBDAS, folder / "lambdas", ignore=shutil.ignore_patterns("__pycache__"))
    whole = Project(root=folder).application(STACK)
    # What the SDK tries again by itself would only make it last longer.
    once = [
        replace(one, environment={"AWS_MAX_ATTEMPTS": "1"}) if one.name == RECEIVER else one for one in whole.functions
    ]
    application = replace(whole, functions=tuple(once))
    declared = application.load_tasks(folder / "tasks.yaml", datetime.now(UTC).date())
    deployer = deployment.Deployer(sleep=lambda seconds: None)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment.items():
            patch.setenv(name, value)
        outputs = deployment.apply(aws.client, application, list(declared), deployer=deployer).outputs
        for one in by_request:
            aws.client("ssm").put_parameter(Name=f"/shop-dev/secrets/{one}", Value="confidential", Type="SecureString")
        queue = outputs["CellsQueueUrl"]
        aws.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "0"})
        function = STACK.function(RECEIVER, is_task=False)
        role = aws.client("lambda").get_function_configuration(FunctionName=function)["Role"].rpartition("/")[2]
        yield Sender(aws=aws, url=outputs["WebhooksUrl"], queue=queue, role=role)
    aws.reset()


@pytest.mark.parametrize("action", OF_REQUESTS)
@pytest.mark.parametrize("fault", Fault)
def test_a_request_that_is_sent_until_it_is_taken_is_one_run(
    runner: Sender, faults: Faults, action: str, fault: Fault
) -> None:
    task_id = task(action, fault)
    where = Call(role=runner.role, action=action, resource="*")
    with faults.injected(struck := Injected(where=where, fault=fault, times=_TIMES)):
        statuses = [runner.post(task_id, "msg_1") for _ in range(_TIMES + 1)]
    assert statuses == [503] * _TIMES + [202]
    assert struck.hits == _TIMES + 1
    assert runner.only_run(task_id).slot.endswith("#msg_1")


@pytest.mark.parametrize("action", OF_MESSAGES)
@pytest.mark.parametrize("fault", Fault)
def test_a_message_is_one_run(runner: Sender, faults: Faults, action: str, fault: Fault) -> None:
    name = f"queue-{task(action, fault)}"
    where = Call(role=runner.role, action=action, resource="*")
    with faults.injected(struck := Injected(where=where, fault=fault, times=_TIMES)):
        sent = runner.aws.client("sqs").send_message(QueueUrl=runner.queue, MessageBody=json.dumps({"cell": name}))
        # What was deleted is not deleted again, even if nobody has heard of it.
        wanted = 1 if action == "sqs:DeleteMessage" and fault is Fault.REPLY_LOST else _TIMES + 1
        end = time.monotonic() + 60
        while struck.hits < wanted:
            assert time.monotonic() < end, struck
            time.sleep(0.02)
        run = runner.only_run(name)
    assert runner.aws.event_sources.settled(60)
    assert run.slot.endswith(f"#{sent['MessageId']}")
    assert len(runner.ledger.runs(name, limit=10)) == 1
