"""A stack that another release has deployed: a newer one takes it over with all that it keeps, an older one refuses."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

import orchestrator
from deploy import PROJECT
from orchestrator import deployment
from orchestrator.deployment.stack import CloudFormationStack
from orchestrator.deployment.template import bootstrap_template
from orchestrator.errors import OlderRelease
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from orchestrator.tasks.task import Target, TargetKind, Task
from tests.testbed import sample

STACK = Stack()

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


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.stem)
def test_a_newer_release_takes_a_stack_over_with_what_it_keeps(release: Path, aws: EmbeddedAws) -> None:
    stack = deploy(aws, json.loads(release.read_text()))
    dynamodb, table = aws.client("dynamodb"), STACK.table("Invoices")
    dynamodb.put_item(TableName=table, Item={"period": {"S": "2026-10"}, "customerId": {"S": "acme"}})
    task = Task(id="report", target=Target(kind=TargetKind.LAMBDA, name="watchdog"))
    application = PROJECT.application(STACK)
    quiet = deployment.Deployer(sleep=lambda seconds: None)
    assert deployment.apply(aws.client, application, [task], deployer=quiet).changed
    assert not deployment.apply(aws.client, application, [task], deployer=quiet).changed
    described = stack.describe()
    assert described
    assert described.outputs["Version"] == orchestrator.__version__
    assert dynamodb.scan(TableName=table)["Count"] == 1
    # What an index holds cannot be changed, and the newer template would hold less.
    tables = {
        name: one for name, one in stack.template()["Resources"].items() if name in ("ScheduledTasks", "TaskRuns")
    }
    kept = json.loads(release.read_text())["Resources"]
    for name, one in tables.items():
        assert one["Properties"]["GlobalSecondaryIndexes"] == kept[name]["Properties"]["GlobalSecondaryIndexes"]
    client = aws.client("stepfunctions")
    arn = client.start_execution(
        stateMachineArn=described.outputs["TaskRunnerArn"], input=json.dumps({"taskId": "report"})
    )["executionArn"]
    aws.execution(arn).over.wait(60)
    (row,) = dynamodb.scan(TableName=STACK.runs_table)["Items"]
    assert row["status"]["S"] == "SUCCEEDED", row


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
