"""A stack that another release has deployed: a newer one takes it over with all that it keeps, an older one refuses."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import orchestrator
from deploy import PROJECT
from orchestrator import deployment
from orchestrator.deployment import updates
from orchestrator.deployment.stack import CloudFormationStack
from orchestrator.deployment.template import bootstrap_template
from orchestrator.errors import OlderRelease
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.task_state import Checkpoint
from orchestrator.stack import DUE_INDEX, Stack
from orchestrator.stores.due_tasks import SHARD
from orchestrator.stores.registry import Registry
from orchestrator.tasks.task import Target, TargetKind, Task
from tests.testbed import ROOT, sample
from tests.testbed.clients import own_clients

STACK = Stack()

#: When somebody is due.
DUE = "2026-12-01T00:00:00Z"

#: The template of each release, as that release has deployed it.
RELEASES = sorted((Path(__file__).parent / "releases").glob("*.json"))


def code() -> bytes:
    """What functions of a release did is not asked here."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("lambdas/__init__.py", "")
    return packed.getvalue()


def deploy(aws: EmbeddedAws, template: dict[str, Any]) -> CloudFormationStack:
    """The stack as a release has left it."""
    stack = CloudFormationStack(
        aws.client("cloudformation"), STACK.name, sleep=lambda seconds: None, progress=lambda line: None
    )
    bucket = stack.deploy({}, TemplateBody=json.dumps(bootstrap_template(STACK))).outputs["ArtifactsBucket"]
    codes = {name: f"{name}.zip" for name, parameter in template["Parameters"].items() if name.endswith("Code")}
    for key in codes.values():
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=code())
    stack.deploy(codes, TemplateBody=json.dumps(template))
    return stack


class Watching:
    """Clients of the embedded AWS. ``look`` is called before each change of the stack."""

    def __init__(self, aws: EmbeddedAws, look: Callable[[], None]) -> None:
        self._aws = aws
        self._cloudformation = own_clients(aws)("cloudformation")
        self._cloudformation.meta.events.register("before-call.cloudformation.CreateChangeSet", lambda **_: look())

    def __call__(self, service: Any) -> Any:
        return self._cloudformation if service == "cloudformation" else self._aws.client(service)


def indexes(aws: EmbeddedAws, table: str) -> dict[str, Any]:
    """A table's indexes, by name. A look at them that a deployment would have to make itself is not made."""
    return {one.name: one.describe() for one in aws.backend("dynamodb").tables[table].global_indexes}


def due(aws: EmbeddedAws, index: str) -> list[str]:
    """Who is due, as the watchdog asks for it; nobody, if the index cannot be read."""
    try:
        answer = aws.client("dynamodb").query(
            TableName=STACK.tasks_table,
            IndexName=index,
            KeyConditionExpression="#shard = :shard AND nextRun <= :now",
            ExpressionAttributeNames={"#shard": "shard"},
            ExpressionAttributeValues={":shard": {"N": str(SHARD)}, ":now": {"S": DUE}},
        )
    except ClientError:
        return []
    return [item["taskId"]["S"] for item in answer["Items"]]


def run(aws: EmbeddedAws, given: dict[str, str]) -> list[Any]:
    """The history of an execution of TaskRunner that has succeeded."""
    client = aws.client("stepfunctions")
    (machine,) = (one for one in client.list_state_machines()["stateMachines"] if one["name"] == STACK.task_runner)
    arn = client.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps(given))["executionArn"]
    assert aws.execution(arn).over.wait(60)
    assert aws.execution(arn).status == "SUCCEEDED"
    return list(client.get_execution_history(executionArn=arn, maxResults=1000)["events"])


def write_units(aws: EmbeddedAws, history: list[Any]) -> int:
    """What its transactions have written, of less than a kilobyte each: twice in a table; in an index once for an item
    that is put or changed there, twice for one that moves there.
    """
    calls = [event["taskScheduledEventDetails"] for event in history if event["type"] == "TaskScheduled"]
    written = 0
    for call in calls:
        for item in json.loads(call["parameters"]).get("TransactItems", []):
            ((operation, request),) = item.items()
            written += 2
            names = set(request.get("ExpressionAttributeNames", {}).values())
            for index in indexes(aws, request["TableName"]).values():
                if operation == "Put" or not names.isdisjoint(key["AttributeName"] for key in index["KeySchema"]):
                    written += 1 if operation == "Put" else 2
                elif index["Projection"]["ProjectionType"] == "ALL":
                    written += 1
    return written


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.stem)
def test_a_newer_release_takes_a_stack_over_with_what_it_keeps(release: Path, aws: EmbeddedAws) -> None:
    stack = deploy(aws, json.loads(release.read_text()))
    dynamodb, table = aws.client("dynamodb"), STACK.table("Invoices")
    dynamodb.put_item(TableName=table, Item={"period": {"S": "2026-10"}, "customerId": {"S": "acme"}})
    task = Task(id="report", target=Target(kind=TargetKind.LAMBDA, name="watchdog"))
    Registry(dynamodb, STACK).register(task, Checkpoint(checked_until="2026-12-01T00:00:00Z", next_run=DUE))
    found: list[set[str]] = []
    units: list[int] = []

    def look() -> None:
        there = indexes(aws, STACK.tasks_table)
        found.append({name for name in there if due(aws, name) == ["report"]})
        # Whose code and definitions are today's.
        if len(found) >= 4:
            units.append(write_units(aws, run(aws, {"taskId": "report"})))

    application = PROJECT.application(STACK)
    quiet = deployment.Deployer(sleep=lambda seconds: None)
    assert deployment.apply(Watching(aws, look), application, [task], deployer=quiet).changed
    assert not deployment.apply(aws.client, application, [task], deployer=quiet).changed
    look()
    former = json.loads(release.read_text())["Resources"]["ScheduledTasks"]["Properties"]["GlobalSecondaryIndexes"]
    (name,) = (one["IndexName"] for one in former)
    assert found == [{name}, {name, DUE_INDEX}, {name, DUE_INDEX}, {name, DUE_INDEX}, {DUE_INDEX}]
    described = stack.describe()
    assert described
    assert described.outputs["Version"] == orchestrator.__version__
    assert dynamodb.scan(TableName=table)["Count"] == 1
    assert units == [13, 11]
    assert {row["status"]["S"] for row in dynamodb.scan(TableName=STACK.runs_table)["Items"]} == {"SUCCEEDED"}
    # What is left of the earlier release is what it kept, and nothing of what it was.
    assert stack.template() == json.loads(json.dumps(application.template))


def test_the_page_on_upgrades_says_what_the_plan_of_one_says() -> None:
    release = json.loads((Path(__file__).parent / "releases" / "0.1.0.json").read_text())
    (note,) = updates.notes(release, PROJECT.application(STACK).template)
    page = (ROOT / "docs" / "how-to" / "upgrade.md").read_text(encoding="utf-8")
    assert f"note: {note} " in " ".join(page.split())


@pytest.mark.parametrize(
    "version", ["0.2.1", *(pytest.param(one, marks=pytest.mark.proof) for one in ("0.3.0", "1.0.0")), "10.0.0"]
)
def test_an_older_release_refuses_a_stack_and_names_the_newer(
    version: str, aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = sample.application(tmp_path)
    quiet = deployment.Deployer(sleep=lambda seconds: None)
    monkeypatch.setattr(orchestrator, "__version__", version)
    deployment.apply(aws.client, application, [], deployer=quiet)
    monkeypatch.setattr(orchestrator, "__version__", "0.2.0")
    said = rf"deployed with {version}, and this is 0\.2\.0: install {version} or a newer one"
    with pytest.raises(OlderRelease, match=said):
        deployment.apply(aws.client, application, [], deployer=quiet)
    monkeypatch.setattr(orchestrator, "__version__", f"{version}.1")
    assert deployment.apply(aws.client, application, [], deployer=quiet).changed


def test_the_last_release_is_among_those_that_are_tried() -> None:
    changes = (Path(orchestrator.__file__).parent.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    released = [line.split()[1] for line in changes.splitlines() if line.startswith("## ") and "not yet" not in line]
    assert [path.stem for path in RELEASES] == sorted(released)
