"""What a company gives a stack, and a project its functions: from the files to the template, and in a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator import deployment
from orchestrator.errors import InvalidProject
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from orchestrator.tasks.task import Target, TargetKind, Task
from tests.testbed.company import BOUNDARY, ETL, FILES, KEY, LEGACY, project
from tests.testbed.linters import linted
from tests.testbed.wheelhouse import Wheelhouse

STACK = Stack()


@pytest.fixture
def template(tmp_path: Path) -> dict[str, Any]:
    return project(tmp_path).application(STACK).template


def test_a_function_has_what_stands_beside_it_and_what_stack_yaml_says_for_all(template: dict[str, Any]) -> None:
    properties = template["Resources"]["HelloFunction"]["Properties"]
    assert (properties["MemorySize"], properties["Timeout"]) == (1024, 300)
    assert properties["EphemeralStorage"] == {"Size": 2048}
    assert properties["VpcConfig"] == {
        "SubnetIds": ["subnet-0123456789abcdef0"],
        "SecurityGroupIds": ["sg-0123456789abcdef0"],
    }
    assert properties["Layers"] == ["arn:aws:lambda:us-east-1:123456789012:layer:fonts:3"]
    variables = properties["Environment"]["Variables"]
    assert (variables["SIZE"], variables["COLOUR"]) == ("large", "blue")
    assert variables["STRIPE"] == "secret:orchestrator-dev/stripe"
    assert variables["OTHER"] == "ssm:/orchestrator-dev/secrets/other"
    assert variables["BUCKET_EXPORTS"] == {"Ref": "ExportsBucket"}


def statements(template: Mapping[str, Any], role: str) -> list[dict[str, Any]]:
    (policy,) = template["Resources"][role]["Properties"]["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def test_permissions_are_statements_of_iam(template: dict[str, Any]) -> None:
    found = statements(template, "HelloFunctionRole")
    secure = {"Bool": {"aws:SecureTransport": "true"}}
    reading = {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::company-raw/in/*"}
    assert {**reading, "Condition": secure} in found
    assert {"Effect": "Deny", "Action": ["s3:DeleteObject"], "Resource": "arn:aws:s3:::company-raw/*"} in found
    writing = {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": {"Fn::Sub": "${ExportsBucket.Arn}/2026/*"}}
    assert writing in found
    of_the_network = [one for one in found if "ec2:CreateNetworkInterface" in one["Action"]]
    assert len(of_the_network) == 1
    secrets = [one["Resource"]["Fn::Sub"] for one in found if one["Action"] == ["secretsmanager:GetSecretValue"]]
    assert [one.rsplit(":", 1)[-1] for one in secrets] == ["orchestrator-dev/stripe-??????"]


def test_tags_and_the_boundary_are_on_all_and_the_key_takes_the_place_of_the_stack_s_own(
    template: dict[str, Any],
) -> None:
    resources = template["Resources"]
    roles = [one for one in resources.values() if one["Type"] == "AWS::IAM::Role"]
    assert {one["Properties"]["PermissionsBoundary"] for one in roles} == {BOUNDARY}
    assert resources["TaskRuns"]["Properties"]["Tags"] == [{"Key": "team", "Value": "shop"}]
    assert "Key" not in resources
    # Of the environment, not of all.
    assert f"{KEY[:-1]}6" in json.dumps(resources["TaskRuns"])
    assert '["Key", "Arn"]' not in json.dumps(template)


def test_a_linter_of_cloudformation_finds_nothing(template: dict[str, Any]) -> None:
    assert linted(template) == []


def test_what_is_not_of_the_stack_is_run_by_a_workflow_that_may_run_nothing_else(template: dict[str, Any]) -> None:
    definition = json.loads(template["Resources"]["LegacyWorkflow"]["Properties"]["DefinitionString"])
    assert definition["States"]["Run"]["Arguments"]["FunctionName"] == LEGACY
    invoked = [one["Resource"] for one in statements(template, "LegacyWorkflowRole") if "lambda" in one["Action"][0]]
    assert [LEGACY, f"{LEGACY}:*"] == [one for one in invoked if isinstance(one, str)]
    started = [one for one in statements(template, "EtlWorkflowRole") if one["Action"] == ["states:StartExecution"]]
    assert [one["Resource"] for one in started] == [ETL]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("stack.yaml", "tabels: {}\n", "stack.yaml:1: tabels: unknown field"),
        ("stack.yaml", "tags: {}\nkey: alias/mine\n", "stack.yaml:2: key: expected an ARN, like arn:aws:…"),
        (
            "stack.yaml",
            "existing: {x: 'arn:aws:sqs:a:b:c'}\n",
            "stack.yaml: existing.x: expected the ARN of a function",
        ),
        ("stack.yaml", "x: [\n", "stack.yaml:2: this is not YAML"),
        ("lambdas/hello.yaml", "memory: 64\n", "lambdas/hello.yaml:1: memory: "),
        ("lambdas/hello.yaml", "\nsecrets: {A: word}\n", "hello: 'word' is no secret: "),
        (
            "lambdas/hello.yaml",
            "permissions:\n- {actions: a:B, resources: '*', conditions: {StringEqual: {a: b}}}\n",
            "lambdas/hello.yaml:2: permissions.0.conditions: IAM knows no condition operator 'StringEqual'"
            " (did you mean StringEquals?)",
        ),
        (
            "lambdas/hello.yaml",
            "permissions:\n- {actions: s3:GetObject, resources: raw}\n",
            "hello: 'raw' is no resource of",
        ),
    ],
)
def test_a_mistake_is_said_with_its_file(tmp_path: Path, name: str, text: str, said: str) -> None:
    found = project(tmp_path, {**FILES, "stack.yaml": "", "lambdas/hello.yaml": "", name: text})
    with pytest.raises(InvalidProject) as caught:
        _ = found.application(STACK).template
    assert caught.value.problems[0].startswith(said), caught.value.problems


def test_a_requirements_txt_becomes_wheels_in_the_bundles_that_it_is_for(
    tmp_path: Path, wheelhouse: Wheelhouse
) -> None:
    wheelhouse.add("everywhere", "1.0")
    wheelhouse.add("paper", "1.0")
    more = {
        "lambdas/requirements.txt": "everywhere\n",
        "lambdas/report/__init__.py": FILES["lambdas/hello.py"],
        "lambdas/report/requirements.txt": "paper>=1\n",
    }
    found = project(tmp_path, {**FILES, **more})
    application = found.application(STACK, found.locked_dependencies())
    pins = {
        bundle.name: {pin.name for pin in bundle.dependencies.pins} & {"everywhere", "paper"}
        for bundle in application.bundles().values()
        if bundle.dependencies
    }
    assert pins["hello"] == {"everywhere"}
    assert pins["report"] == {"everywhere", "paper"}
    lock = (tmp_path / "lambdas/requirements.lock").read_text()
    assert "everywhere==1.0 \\\n    --hash=sha256:" in lock
    wheelhouse.add("everywhere", "2.0")
    found.locked_dependencies()
    assert (tmp_path / "lambdas/requirements.lock").read_text() == lock, "a list that fits is left as it is"
    (tmp_path / "lambdas/requirements.txt").write_text("everywhere>=2\n")
    found.locked_dependencies()
    assert "everywhere==2.0" in (tmp_path / "lambdas/requirements.lock").read_text()
    (tmp_path / "lambdas/requirements.txt").write_text("nowhere\n")
    with pytest.raises(InvalidProject, match=r"requirements.txt: pip finds no wheels .*nowhere"):
        found.locked_dependencies()


SECRETIVE = """\
from orchestrator.handlers import client, secret


def handler(event, context):
    body = client("s3").get_object(Bucket="company-raw", Key="in/one")["Body"].read().decode()
    return {"secret": secret("STRIPE"), "raw": body}
"""


def test_a_run_reads_a_secret_and_a_bucket_of_somebody_else_s_under_its_role(tmp_path: Path, aws: EmbeddedAws) -> None:
    files = {**FILES, "lambdas/hello.py": SECRETIVE}
    application = project(tmp_path, files).application(STACK).on_its_own()
    task = Task(id="hello", target=Target(kind=TargetKind.LAMBDA, name="hello"))
    applied = deployment.apply(
        aws.client, application, [task], deployer=deployment.Deployer(sleep=lambda seconds: None)
    )
    aws.client("secretsmanager").create_secret(Name="orchestrator-dev/stripe", SecretString="sk_test")
    aws.client("s3").create_bucket(Bucket="company-raw")
    aws.client("s3").put_object(Bucket="company-raw", Key="in/one", Body=b"raw")
    tagged = aws.client("dynamodb").list_tags_of_resource(
        ResourceArn=f"arn:aws:dynamodb:{aws.region}:{aws.account}:table/{STACK.runs_table}"
    )["Tags"]
    assert {"Key": "team", "Value": "shop"} in tagged
    assert aws.client("cloudformation").describe_stacks(StackName=STACK.name)["Stacks"][0]["Tags"] == tagged
    client = aws.client("stepfunctions")
    arn = client.start_execution(
        stateMachineArn=applied.outputs["TaskRunnerArn"], input=json.dumps({"taskId": "hello"})
    )["executionArn"]
    aws.execution(arn).over.wait(60)
    described = client.describe_execution(executionArn=arn)
    assert described["status"] == "SUCCEEDED", described.get("cause")
    (row,) = aws.client("dynamodb").scan(TableName=STACK.runs_table)["Items"]
    assert json.loads(row["result"]["S"]) == {"secret": "sk_test", "raw": "raw"}
