"""The template: what must hold for every resource in it, whatever is deployed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy import PROJECT
from orchestrator.asl.definition import Definition
from orchestrator.asl.integrations import GET_ITEM
from orchestrator.asl.states import Task
from orchestrator.deployment import Application
from orchestrator.deployment.template import bootstrap_template
from orchestrator.functions import EventSource, Function
from orchestrator.stack import Stack
from tests.testbed import sample
from tests.testbed.linters import linted

#: Actions that IAM allows on nothing finer than everything.
WITHOUT_RESOURCE = {
    "cloudwatch:PutMetricData",
    "dynamodb:ListStreams",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


@pytest.fixture(params=["the project's", "a sample"])
def application(request: pytest.FixtureRequest, tmp_path: Path) -> Application:
    return PROJECT.application(Stack()) if request.param == "the project's" else sample.application(tmp_path)


@pytest.fixture
def template(application: Application) -> dict[str, Any]:
    return application.template


def resources(template: dict[str, Any], kind: str) -> dict[str, Any]:
    """The properties of each resource of a type."""
    found = {name: r["Properties"] for name, r in template["Resources"].items() if r["Type"] == kind}
    assert found, f"there is no {kind}"
    return found


def statements(template: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, role in resources(template, "AWS::IAM::Role").items():
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def trusts(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    roles = resources(template, "AWS::IAM::Role")
    return {name: role["AssumeRolePolicyDocument"]["Statement"][0] for name, role in roles.items()}


def references(value: Any) -> Iterator[str]:
    """Every logical name that a template refers to."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "Ref":
                yield inner
            elif key == "Fn::GetAtt":
                yield inner[0]
            elif key == "Fn::Sub":
                yield from (name.split(".")[0] for name in re.findall(r"\$\{([^}]+)\}", inner))
            elif key == "DependsOn":
                yield from inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_template_is_the_golden_file(tmp_path: Path, golden: Callable[[str, str], None]) -> None:
    template = sample.application(tmp_path).template
    for name, machine in resources(template, "AWS::StepFunctions::StateMachine").items():
        machine["DefinitionString"] = f"see tests/definitions/{name}.asl.json"
    golden("template.json", json.dumps(template, indent=2) + "\n")


def test_everything_that_is_referred_to_is_there(template: dict[str, Any]) -> None:
    known = template["Resources"].keys() | template["Parameters"].keys()
    assert {name for name in references(template) if not name.startswith("AWS::")} <= known


def test_every_definition_is_deployed(application: Application, template: dict[str, Any]) -> None:
    deployed = [
        json.loads(machine["DefinitionString"])
        for machine in resources(template, "AWS::StepFunctions::StateMachine").values()
    ]
    assert deployed == [definition.to_dict() for definition in application.definitions.values()]


@pytest.mark.proof
def test_cfn_lint_finds_nothing() -> None:
    assert linted(PROJECT.application(Stack()).template) == []


@pytest.mark.proof
def test_cfn_lint_does_find_what_is_wrong() -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"KmsDataKeyReusePeriodSeconds": 5}}
    (found,) = linted({"Resources": {"Queue": queue}})
    assert "5 is less than the minimum of 60" in found


def test_what_a_scanner_is_not_to_ask_for_has_a_reason(template: dict[str, Any]) -> None:
    skips = [
        skip
        for resource in template["Resources"].values()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", ())
    ]
    assert skips
    assert [skip["id"] for skip in skips if len(skip["comment"].split()) < 10] == []


def test_what_handles_failures_has_concurrency_for_all_that_it_may_be_called_with(application: Application) -> None:
    sources = (EventSource(source="queue:A"), EventSource(source="queue:B"))
    handler = Function(name="h", module="h", event_sources=sources)
    found = replace(application, functions=(*application.functions, handler)).template["Resources"]
    assert found["HFunction"]["Properties"]["ReservedConcurrentExecutions"]["Fn::If"][1] == 10
    at_once = [found[f"HFunctionFrom{name}"]["Properties"]["ScalingConfig"]["MaximumConcurrency"] for name in "AB"]
    assert sum(at_once) == 10
    tasks = [one["Properties"] for one in found.values() if "-task-" in str(one["Properties"].get("FunctionName"))]
    assert tasks
    assert not any("ReservedConcurrentExecutions" in function for function in tasks)


def test_the_template_is_ascii_as_cloudformation_gives_it_back(application: Application) -> None:
    greeting = Task("Greet", resource=GET_ITEM, timeout_seconds=1, comment="grüße")
    definition = Definition(start=greeting, comment="grüße", timeout_seconds=60)
    template = replace(application, definitions={**application.definitions, "greet": definition}).template
    assert json.dumps(template, ensure_ascii=False).isascii()


def test_executions_log_errors_and_are_not_traced_unless_somebody_chooses_so(template: dict[str, Any]) -> None:
    parameters = template["Parameters"]
    assert (parameters["LogLevel"]["Default"], parameters["Tracing"]["Default"]) == ("ERROR", "false")
    for machine in resources(template, "AWS::StepFunctions::StateMachine").values():
        # Of an Express execution the log is all that there is.
        level = "ALL" if machine["StateMachineType"] == "EXPRESS" else {"Ref": "LogLevel"}
        assert machine["LoggingConfiguration"]["Level"] == level
        assert machine["TracingConfiguration"] == {"Enabled": {"Fn::If": ["ExecutionsAreTraced", True, False]}}


def test_no_action_has_a_wildcard(template: dict[str, Any]) -> None:
    assert [(name, action) for name, found in statements(template) for action in found["Action"] if "*" in action] == []


def test_only_what_has_no_resource_is_allowed_on_all(template: dict[str, Any]) -> None:
    on_all = {action for _, found in statements(template) if found["Resource"] == "*" for action in found["Action"]}
    assert on_all <= WITHOUT_RESOURCE


def test_metrics_can_be_published_in_one_namespace_only(template: dict[str, Any]) -> None:
    publishing = [found for _, found in statements(template) if "cloudwatch:PutMetricData" in found["Action"]]
    for found in publishing:
        assert found.get("Condition") == {"StringEquals": {"cloudwatch:namespace": "ScheduledTasks"}}


def test_no_service_can_use_a_role_for_a_stranger(template: dict[str, Any]) -> None:
    for name, trust in trusts(template).items():
        assert trust["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}, name


def test_the_schedulers_role_is_for_the_stacks_schedule_groups(template: dict[str, Any]) -> None:
    trust = trusts(template)["SchedulerRole"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    sources = [one["Fn::Sub"].rpartition(":")[2] for one in trust["Condition"]["ArnEquals"]["aws:SourceArn"]]
    assert sources == ["schedule-group/orchestrator-dev", "schedule-group/orchestrator-dev.one-time"]


def test_a_nested_workflow_is_deployed_under_the_prefix_that_the_runner_may_start(application: Application) -> None:
    definition = next(iter(application.definitions.values()))
    template = replace(application, definitions={"monthly-billing": definition}).template
    machine = resources(template, "AWS::StepFunctions::StateMachine")["MonthlyBillingWorkflow"]
    assert machine["StateMachineName"] == "orchestrator-dev-workflow-monthly-billing"


def test_each_function_and_state_machine_has_a_role_of_its_own(template: dict[str, Any]) -> None:
    functions = [function["Role"] for function in resources(template, "AWS::Lambda::Function").values()]
    machines = [machine["RoleArn"] for machine in resources(template, "AWS::StepFunctions::StateMachine").values()]
    used = [role["Fn::GetAtt"][0] for role in functions + machines]
    assert len(set(used)) == len(used)
    assert {*used, "EventsRole", "SchedulerRole"} == resources(template, "AWS::IAM::Role").keys()


def test_each_function_logs_into_a_group_with_retention(template: dict[str, Any]) -> None:
    groups = {group["LogGroupName"]: group for group in resources(template, "AWS::Logs::LogGroup").values()}
    for function in resources(template, "AWS::Lambda::Function").values():
        assert groups[f"/aws/lambda/{function['FunctionName']}"]["RetentionInDays"] == 90


def test_each_function_is_traced_if_so_chosen_and_runs_on_what_it_was_built_for(template: dict[str, Any]) -> None:
    for function in resources(template, "AWS::Lambda::Function").values():
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
        assert function["TracingConfig"] == {"Mode": {"Fn::If": ["ExecutionsAreTraced", "Active", "PassThrough"]}}


def test_tables_are_encrypted_recoverable_and_kept(template: dict[str, Any]) -> None:
    for name, table in resources(template, "AWS::DynamoDB::Table").items():
        key = {"Fn::GetAtt": ["Key", "Arn"]}
        assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        resource = template["Resources"][name]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_old_rows_expire(template: dict[str, Any]) -> None:
    expiring = {
        name: table["TimeToLiveSpecification"]["AttributeName"]
        for name, table in resources(template, "AWS::DynamoDB::Table").items()
        if "TimeToLiveSpecification" in table
    }
    assert expiring == {"TaskRuns": "ttl", "Incidents": "ttl", "Limits": "ttl", "Idempotency": "expiration"}


def test_buckets_are_closed_to_the_public(template: dict[str, Any]) -> None:
    for bucket in resources(template, "AWS::S3::Bucket").values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


def test_two_stacks_share_no_name(tmp_path: Path) -> None:
    text = json.dumps(sample.application(tmp_path, Stack(name="orchestrator-staging")).template)
    assert "orchestrator-dev" not in text


def test_a_function_that_is_named_like_another_resource_is_no_clash(tmp_path: Path) -> None:
    names = sample.application(tmp_path).template["Resources"].keys()
    assert {"EchoFunction", "EchoFunctionRole", "EchoFunctionLogs", "SendLettersFunction"} <= names


def test_what_the_stack_begins_with_is_part_of_what_it_becomes(template: dict[str, Any]) -> None:
    begun = bootstrap_template(Stack())
    assert begun["Resources"].items() <= template["Resources"].items()
    assert begun["Outputs"].items() <= template["Outputs"].items()
