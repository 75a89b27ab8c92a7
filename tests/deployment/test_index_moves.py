"""A stack whose index is replaced: at each moment of the deployment, whoever reads it finds what is there.

A deployment that nothing happens to is also that of an earlier release's stack, in ``test_upgrades``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import DynamoDBBackend

from orchestrator.deployment import Application, Deployer, apply, plan, plan_notes, rollback, storage
from orchestrator.deployment.stack import CloudFormationStack
from orchestrator.deployment.template import TASK_RUNNER
from orchestrator.errors import DeploymentFailed
from orchestrator.functions import Function, Permission, Table
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import DUE_INDEX, Stack
from tests.testbed import sample
from tests.testbed.clients import own_clients
from tests.testbed.sample import task

STACK = Stack()
NOW = datetime(2026, 12, 1, tzinfo=UTC)
#: Whoever is due until then is asked for.
UNTIL = "2026-12-01T12:00:00Z"
TASKS = [task("clean", "cron(0 3 * * ? *)"), task("report", "cron(0 15 * * ? *)"), task("sort", "cron(0 2 * * ? *)")]

#: How an earlier release called the index, which held whole records.
FORMER_INDEX = "NextRunIndex"

READER = Function(
    name="reader",
    module="reader",
    permissions=(Permission(actions=("dynamodb:Query",), resource=f"table:ScheduledTasks/index/{DUE_INDEX}"),),
)

SOURCE = f"""
import boto3


def handler(event, context):
    client, found = boto3.client("dynamodb"), []
    for shard in "0123":
        found += client.query(
            TableName="{STACK.tasks_table}",
            IndexName="{DUE_INDEX}",
            KeyConditionExpression="#shard = :shard AND nextRun <= :until",
            ExpressionAttributeNames={{"#shard": "shard"}},
            ExpressionAttributeValues={{":shard": {{"N": shard}}, ":until": {{"S": "{UNTIL}"}}}},
        )["Items"]
    return sorted(item["taskId"]["S"] for item in found)
"""


class Former(Application):
    """The application as an earlier release had it."""

    @property
    def template(self) -> dict[str, Any]:
        text = json.dumps(super().template).replace(DUE_INDEX, FORMER_INDEX).replace("KEYS_ONLY", "ALL")
        return dict(json.loads(text))


@pytest.fixture
def application(tmp_path: Path) -> Application:
    found = sample.application(tmp_path)
    return replace(found, definitions={TASK_RUNNER: found.definitions[TASK_RUNNER]}, functions=(sample.ECHO, READER))


class Died(BaseException):
    """No fault that anybody would catch."""


class Deployed:
    """A stack, and what a function of it that reads the index answers."""

    def __init__(self, aws: EmbeddedAws, application: Application) -> None:
        self._aws = aws
        self.application = application
        self._dynamodb = aws.client("dynamodb")
        self._moves = 0
        self.stack = CloudFormationStack(aws.client("cloudformation"), STACK.name)
        self.updates: list[list[str]] = []

    def deploy_former(self, comment: str) -> None:
        """As an earlier release has left it, with a version of TaskRunner."""
        self._code(SOURCE.replace(DUE_INDEX, FORMER_INDEX))
        runner = replace(self.application.definitions[TASK_RUNNER], comment=comment)
        known = {one.name: getattr(self.application, one.name) for one in fields(self.application)}
        former = Former(**{**known, "definitions": {TASK_RUNNER: runner}})
        apply(self._aws.client, former, TASKS, deployer=Deployer(now=lambda: NOW))
        self.answers_what_is_there()

    def deploy(
        self,
        *,
        update: Callable[[int], None] = lambda number: None,
        wait: Callable[[], None] = lambda: None,
    ) -> bool:
        """Today's, asking again and again. ``update`` is called before each update of the stack, with its number, and
        ``wait`` instead of waiting.
        """
        self._code(SOURCE)
        self.updates = []

        def asked(model: Any, **_: Any) -> None:
            self.answers_what_is_there()
            if model.name == "CreateChangeSet":
                update(len(self.updates) + 1)
            if model.name == "ExecuteChangeSet":
                self.updates.append(self.indexes)

        client = own_clients(self._aws)("cloudformation")
        client.meta.events.register("before-call.cloudformation", asked)

        def waits(seconds: float) -> None:
            self.answers_what_is_there()
            wait()

        def clients(service: Any) -> Any:
            return client if service == "cloudformation" else self._aws.client(service)

        return apply(clients, self.application, TASKS, deployer=Deployer(now=lambda: NOW, sleep=waits)).changed

    def _code(self, text: str) -> None:
        (self.application.lambdas / "reader.py").write_text(text)

    @property
    def indexes(self) -> list[str]:
        (table,) = (one for one in self._aws.backend("dynamodb").tables.values() if one.name == STACK.tasks_table)
        return sorted(one.name for one in table.global_indexes)

    def answers_what_is_there(self) -> None:
        """The function finds who is due in the index that its code reads, also a task that has just moved there."""
        self._moves += 1
        self._dynamodb.update_item(
            TableName=STACK.tasks_table,
            Key={"taskId": {"S": "clean"}},
            UpdateExpression="SET nextRun = :at",
            ExpressionAttributeValues={":at": {"S": "2026-12-01T03:00:00Z" if self._moves % 2 else "2026-12-02"}},
        )
        due = [
            item["taskId"]["S"]
            for item in self._dynamodb.scan(TableName=STACK.tasks_table, ConsistentRead=True)["Items"]
            if item["nextRun"]["S"] <= UNTIL
        ]
        answer = self._aws.client("lambda").invoke(FunctionName=STACK.function("reader"))
        payload = json.loads(answer["Payload"].read())
        assert payload == sorted(due), payload
        assert len(due) == (2 if self._moves % 2 else 1)

    def is_as_new(self) -> bool:
        """Its template is that of a stack which never had another index."""
        there = self.stack.template() == json.loads(json.dumps(self.application.template))
        return there and self.indexes == [DUE_INDEX]


@pytest.fixture
def deployed(aws: EmbeddedAws, application: Application) -> Deployed:
    found = Deployed(aws, application)
    found.deploy_former("the first")
    return found


@pytest.mark.proof
def test_the_index_is_there_before_it_is_read_and_as_long_as_it_is_read(deployed: Deployed) -> None:
    assert deployed.deploy()
    assert deployed.updates == [[FORMER_INDEX], [DUE_INDEX, FORMER_INDEX], [DUE_INDEX, FORMER_INDEX]]
    deployed.answers_what_is_there()
    assert deployed.is_as_new()
    assert not deployed.deploy()
    assert deployed.updates == []


@pytest.mark.parametrize(
    ("dies_before", "notes"),
    [
        pytest.param(
            "it is filled",
            "in 2 updates of the stack: NextRunIndex is deleted when nothing reads it any more; then a write that"
            " changes no place costs a unit less",
            id="while the index is filled",
            marks=pytest.mark.proof,
        ),
        pytest.param("update 2", "in 2 updates of the stack: ", id="when it can be read", marks=pytest.mark.proof),
        pytest.param("update 3", "in 1 update of the stack: NextRunIndex is deleted", id="when it is read"),
    ],
)
def test_a_deployment_that_dies_on_the_way_is_continued_by_the_next_and_versions_go_back_meanwhile(
    aws: EmbeddedAws, deployed: Deployed, dies_before: str, notes: str
) -> None:
    deployed.deploy_former("the second")

    def die(what: str) -> None:
        if what == dies_before:
            raise Died

    with pytest.raises(Died):
        deployed.deploy(update=lambda number: die(f"update {number}"), wait=lambda: die("it is filled"))
    deployed.answers_what_is_there()
    assert rollback(aws.client, deployed.application) == 1
    deployed.answers_what_is_there()
    (note,) = plan_notes(plan(aws.client, deployed.application, TASKS, now=NOW))
    assert note.startswith(f"note: indexes of {STACK.tasks_table} change, {notes}")
    assert deployed.deploy()
    deployed.answers_what_is_there()
    assert deployed.is_as_new()


@pytest.mark.proof
def test_an_index_that_dynamodb_refuses_leaves_all_as_it_was(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Any, table: Any, updates: Any) -> None:
        raise MockValidationException("no more indexes")

    with monkeypatch.context() as patched:
        patched.setattr(DynamoDBBackend, "update_table_global_indexes", refuse)
        with pytest.raises(DeploymentFailed, match=r"ScheduledTasks.*no more indexes"):
            deployed.deploy()
    assert deployed.indexes == [FORMER_INDEX]
    deployed.answers_what_is_there()
    assert deployed.deploy()
    assert deployed.is_as_new()


def test_a_failure_of_what_comes_with_the_new_code_leaves_both_indexes_and_the_former_code(
    aws: EmbeddedAws, deployed: Deployed
) -> None:
    """A table of the name of a new one is there already."""
    deployed.application = replace(deployed.application, tables={"Shelf": Table(key=("id",))})
    taken: Any = storage._table(STACK.table("Shelf"), "id")["Properties"]
    known = ("TableName", "BillingMode", "AttributeDefinitions", "KeySchema")
    aws.client("dynamodb").create_table(**{name: taken[name] for name in known})
    with pytest.raises(DeploymentFailed, match="UPDATE_ROLLBACK_COMPLETE: CREATE_FAILED Shelf"):
        deployed.deploy()
    assert deployed.indexes == [DUE_INDEX, FORMER_INDEX]
    deployed.answers_what_is_there()
    aws.client("dynamodb").delete_table(TableName=taken["TableName"])
    assert deployed.deploy()
    assert deployed.is_as_new()
