"""The deployer's policy: with its own part alone deploy.py does all that it does, and the rest is CloudFormation's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import deploy
from deploy import PROJECT
from orchestrator.deployment import Application, Deployer, Rollout, Surroundings, apply, destroy, plan, rollback
from orchestrator.deployment.deployer import LIMIT_CHARACTERS, policy
from orchestrator.deployment.grants import CLOUDFORMATION, OWN
from orchestrator.errors import DeploymentFailed
from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.iam.requests import Permission
from orchestrator.local.aws.iam.statements import allow, applies
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.destinations import Destination, Kind
from orchestrator.runs.task_state import Pause
from orchestrator.stack import Stack
from orchestrator.stores.switches import Switches
from orchestrator.tasks.event_start import EventStart
from orchestrator.tasks.task import Task
from tests.testbed import company, sample
from tests.testbed.linters import schema
from tests.testbed.sample import task
from tests.testbed.statements import parts

STACK = Stack()
NOW = datetime(2026, 11, 23, tzinfo=UTC)
BOUNDED = Surroundings(permissions_boundary=company.BOUNDARY, key=company.KEY)

#: In the schema of a type, and in no list of IAM's actions: a bucket's tags go with s3:PutBucketTagging.
NO_ACTIONS = ("s3:DeleteBucketTagging",)

TASKS = [task("report", "cron(0 2 * * ? *)"), task("clean", "cron(0 3 * * ? *)")]

#: Of resources whose name the template says: the property that does, and the ARN after the partition.
NAMED = {
    "AWS::CloudWatch::Alarm": ("AlarmName", "cloudwatch:us-east-1:123456789012:alarm:{}"),
    "AWS::CloudWatch::Dashboard": ("DashboardName", "cloudwatch::123456789012:dashboard/{}"),
    "AWS::DynamoDB::Table": ("TableName", "dynamodb:us-east-1:123456789012:table/{}"),
    "AWS::Events::Rule": ("Name", "events:us-east-1:123456789012:rule/{}"),
    "AWS::Lambda::Function": ("FunctionName", "lambda:us-east-1:123456789012:function:{}"),
    "AWS::Logs::LogGroup": ("LogGroupName", "logs:us-east-1:123456789012:log-group:{}"),
    "AWS::SNS::Topic": ("TopicName", "sns:us-east-1:123456789012:{}"),
    "AWS::SQS::Queue": ("QueueName", "sqs:us-east-1:123456789012:{}"),
    "AWS::Scheduler::ScheduleGroup": ("Name", "scheduler:us-east-1:123456789012:schedule-group/{}"),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", "states:us-east-1:123456789012:stateMachine:{}"),
}


@pytest.fixture
def clients(aws: EmbeddedAws) -> Callable[[str], Any]:
    """Those of somebody who may do what deploy.py itself calls, and nothing else."""
    iam = aws.client("iam")
    role = iam.create_role(RoleName="deployer", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    document = policy(STACK, OWN, region=aws.region, account=aws.account)
    iam.put_role_policy(RoleName="deployer", PolicyName="p", PolicyDocument=json.dumps(document))
    return lambda service: aws.clients.get(service, aws.region, role)


def with_comment(application: Application, comment: str) -> Application:
    """The same, but for what TaskRunner's definition says of itself."""
    changed = replace(application.definitions["TaskRunner"], comment=comment)
    return replace(application, definitions={**application.definitions, "TaskRunner": changed})


@contextmanager
def refused(client: Any) -> Iterator[None]:
    """CloudFormation refuses every change set, which moto never does."""

    def refuse(parsed: dict[str, Any], **_: Any) -> None:
        parsed |= {"Status": "FAILED", "StatusReason": "as it was told to"}

    client.meta.events.register("after-call.cloudformation.DescribeChangeSet", refuse)
    try:
        yield
    finally:
        client.meta.events.unregister("after-call.cloudformation.DescribeChangeSet", refuse)


def disable_a_schedule(aws: EmbeddedAws) -> None:
    client, group = aws.client("scheduler"), STACK.schedule_group
    name = client.list_schedules(GroupName=group)["Schedules"][0]["Name"]
    described: Any = client.get_schedule(GroupName=group, Name=name)
    kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    client.update_schedule(**{key: described[key] for key in kept}, State="DISABLED")
    # In another second than that in which a deployment wrote it last.
    edited = aws.backend("scheduler").get_schedule(group, name)
    edited.last_modified_date = edited.last_modified_date + 2


def test_deploying_lacks_nothing_and_has_nothing_that_it_does_not_use(
    aws: EmbeddedAws, clients: Callable[[str], Any], tmp_path: Path
) -> None:
    application = sample.application(tmp_path)

    def deploy_(
        of: Application,
        tasks: Sequence[Task],
        rollout: Rollout = Rollout(),  # noqa: B008 # frozen
        told: Sequence[Destination] = (),
    ) -> bool:
        plan(clients, of, tasks, destinations=told, now=NOW)
        done = apply(
            clients,
            of,
            tasks,
            destinations=told,
            rollout=rollout,
            deployer=Deployer(now=lambda: NOW, sleep=lambda seconds: None),
        )
        return done.changed

    queue = Destination(kind=Kind.SQS, address=f"arn:aws:sqs:{aws.region}:{aws.account}:told")
    webhook = Destination(kind=Kind.WEBHOOK, address="https://example.com/told")
    assert deploy_(application, TASKS, told=[queue, webhook])
    assert not deploy_(application, TASKS, told=[queue, webhook])
    assert deploy_(application, TASKS, told=[replace(queue, severities=("failed",)), webhook])
    assert deploy_(application, TASKS, told=[webhook])
    disable_a_schedule(aws)
    assert deploy_(application, TASKS, told=[webhook])
    aws.client("events").create_event_bus(Name="others")
    starts = [EventStart(pattern={"source": ["shop"]}, bus=bus) for bus in ("", "others")]
    assert deploy_(application, [replace(TASKS[0], starts=tuple(starts)), *TASKS[1:]], told=[webhook])
    canary = Rollout.canary(10, 1, STACK.failure_alarm)
    # What is registered while a switch is on is paused.
    Switches(aws.client("dynamodb"), STACK).turn_on(Pause(who="ann", switch="all"))
    renamed = [replace(TASKS[0], description="changed")]
    assert deploy_(with_comment(application, "changed"), renamed, canary, told=[webhook])
    assert rollback(clients, application) == 1
    with refused(clients("cloudformation")), pytest.raises(DeploymentFailed, match="the change set was refused"):
        deploy_(with_comment(application, "changed again"), TASKS[:1], told=[webhook])
    aws.client("s3").put_object(Bucket=f"{STACK.name}-data-{aws.account}-{aws.region}", Key="orders/a", Body=b"x")
    destroy(clients, STACK, delete_data=True, sleep=lambda seconds: None)

    asked = [one.permission for one in roles.used() if one.role == "deployer"]
    assert {one for one in roles.denied() if one.role == "deployer"} == set()
    statements = [part for statement in roles.statements("deployer") for part in parts(statement)]
    unused = [(part["Action"], part["Resource"]) for part in statements if not any(applies(part, one) for one in asked)]
    assert unused == []


@pytest.fixture
def template() -> dict[str, Any]:
    return PROJECT.application(STACK).template


def test_each_resource_type_has_its_row_and_no_row_is_without_one(template: dict[str, Any]) -> None:
    types = {resource["Type"] for resource in template["Resources"].values()}
    # A bus is made for the events of outcomes where tasks.yaml names one that is not there, a URL for webhooks.
    more = {"AWS::Events::EventBus", "AWS::Lambda::Permission", "AWS::Lambda::Url"}
    assert {grant.what for grant in CLOUDFORMATION} == types | more


def physical(template: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The type and the ARN of each resource whose ARN can be known."""
    for logical_id, resource in template["Resources"].items():
        kind, properties = resource["Type"], resource["Properties"]
        if kind in NAMED:
            name, arn = NAMED[kind]
            yield kind, f"arn:aws:{arn.format(properties[name])}"
        elif kind == "AWS::IAM::Role":
            # CloudFormation makes up the name, and cuts it off wherever; the path stays.
            yield kind, f"arn:aws:iam::123456789012:role{properties['Path']}{STACK.name}-{logical_id}"[:90]
        elif kind == "AWS::S3::Bucket":
            name = properties["BucketName"]["Fn::Sub"].replace("${AWS::AccountId}", "123456789012")
            yield kind, f"arn:aws:s3:::{name.replace('${AWS::Region}', 'us-east-1')}"


def test_each_resource_of_the_template_is_in_reach_and_no_other_stacks_is(template: dict[str, Any]) -> None:
    def reached(stack: Stack, kind: str, arn: str) -> bool:
        grants = tuple(one for one in CLOUDFORMATION if one.what == kind and one.resources != ("*",))
        statements = policy(stack, grants, region="us-east-1", account="123456789012")["Statement"]
        actions = (action for one in statements for action in one["Action"])
        return any(allow(statements, Permission(action=action, resource=arn)) for action in actions)

    found = list(physical(template))
    assert {kind for kind, _ in found} == {*NAMED, "AWS::IAM::Role", "AWS::S3::Bucket"}
    assert [arn for kind, arn in found if not reached(STACK, kind, arn)] == []
    assert [arn for kind, arn in found if reached(Stack(name="orchestrator-prod"), kind, arn)] == []


def test_a_role_can_be_passed_to_its_service_only() -> None:
    passing = [one for one in policy(STACK)["Statement"] if "iam:PassRole" in one["Action"]]
    services = ["events.amazonaws.com", "lambda.amazonaws.com", "scheduler.amazonaws.com", "states.amazonaws.com"]
    assert [one["Condition"]["StringEquals"]["iam:PassedToService"] for one in passing] == [services]
    assert {resource for one in passing for resource in one["Resource"]} == {"arn:aws:iam::*:role/orchestrator-dev/*"}


def test_no_action_has_a_wildcard_and_few_are_on_all() -> None:
    statements = policy(STACK)["Statement"]
    assert [action for one in statements for action in one["Action"] if "*" in action] == []
    on_all = {action for one in statements if one["Resource"] == ["*"] for action in one["Action"]}
    assert {action for action in on_all if not action.startswith("ses:")} == {
        "cloudwatch:DescribeAlarms",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "events:ListRules",
        "kms:CreateKey",
        "kms:ListAliases",
        "lambda:CreateEventSourceMapping",
        "lambda:DeleteEventSourceMapping",
        "lambda:GetEventSourceMapping",
        "lambda:UpdateEventSourceMapping",
        "logs:DeleteResourcePolicy",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:PutResourcePolicy",
        "scheduler:ListSchedules",
        "sns:GetSubscriptionAttributes",
        "sns:SetSubscriptionAttributes",
        "sns:Unsubscribe",
    }


@pytest.mark.parametrize("surroundings", [Surroundings(), BOUNDED], ids=["alone", "in a company"])
def test_it_fits_into_a_role(surroundings: Surroundings) -> None:
    longest = Stack(name="orchestrator-" + "x" * 12)
    document = policy(longest, surroundings=surroundings, region="ap-southeast-4", account="123456789012")
    assert len(json.dumps(document, separators=(",", ":"))) <= LIMIT_CHARACTERS


def test_it_says_the_same_however_short_it_has_to_be() -> None:
    """Names so long that statements are united, and short ones of which each stands alone."""
    texts = []
    for name in ("orchestrator-" + "x" * 12, "qqq"):
        statements = policy(Stack(name=name), region="ap-southeast-4", account="123456789012")["Statement"]
        said = [part for statement in statements for part in parts(statement) if of_one_service(part)]
        texts.append(sorted(json.dumps(part).replace(name, "STACK") for part in said))
    assert texts[0] == texts[1]


def of_one_service(part: Mapping[str, Any]) -> bool:
    """Whether an action is for the resource that stands beside it."""
    service: str = part["Action"].partition(":")[0]
    resource: str = part["Resource"]
    return resource == "*" or resource.split(":")[2] == service


def test_a_key_of_the_company_s_is_the_only_one_that_can_be_used() -> None:
    statements = policy(STACK, surroundings=BOUNDED)["Statement"]
    keys = {one for of in statements if any(a.startswith("kms:") for a in of["Action"]) for one in of["Resource"]}
    assert keys == {BOUNDED.key}
    actions = {action for of in statements for action in of["Action"]}
    assert actions.isdisjoint({"kms:CreateKey", "kms:CreateAlias", "kms:ScheduleKeyDeletion"})


@pytest.mark.parametrize("action", ["CreateRole", "PutRolePolicy", "PutRolePermissionsBoundary"])
def test_no_role_can_be_made_or_changed_without_the_boundary(action: str) -> None:
    role = "arn:aws:iam::123456789012:role/orchestrator-dev/one"
    statements = policy(STACK, surroundings=BOUNDED)["Statement"]

    def may(boundary: dict[str, str]) -> bool:
        return allow(statements, Permission(action=f"iam:{action}", resource=role, context=boundary))

    assert may({"iam:PermissionsBoundary": str(BOUNDED.permissions_boundary)})
    assert not may({"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/wider"})
    assert not may({})
    taking_away = Permission(action="iam:DeleteRolePermissionsBoundary", resource=role)
    assert not allow(statements, taking_away)


#: What CloudFormation calls, beside what every function and role needs, for a property that a project may set.
ASKED_FOR = {
    ("AWS::Lambda::Function", "EphemeralStorage"): set[str](),
    ("AWS::Lambda::Function", "Layers"): {"lambda:GetLayerVersion"},
    ("AWS::Lambda::Function", "VpcConfig"): {
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "events:ListRules",
    },
    ("AWS::IAM::Role", "PermissionsBoundary"): {"iam:PutRolePermissionsBoundary"},
}


def test_whatever_a_project_may_ask_for_can_be_deployed_and_taken_away_again(tmp_path: Path) -> None:
    template = company.project(tmp_path).application(STACK).template
    plain = company.project(tmp_path, {**company.FILES, "stack.yaml": "", "lambdas/hello.yaml": ""})
    granted = {action for one in policy(STACK, surroundings=BOUNDED)["Statement"] for action in one["Action"]}
    used, without = properties(template), properties(plain.application(STACK).template)
    asked = {one for one in used - without if one[1] != "Tags"}
    assert asked == set(ASKED_FOR), "a property is new: say what CloudFormation calls for it, and grant it"
    lacking = set().union(*ASKED_FOR.values()) - granted
    for kind, _ in (one for one in used if one[1] == "Tags"):
        handlers = schema(kind)
        lacking |= {one for one in handlers["tagging"]["permissions"] if one not in NO_ACTIONS} - granted
    assert lacking == set()


def test_every_type_that_can_be_tagged_is(tmp_path: Path) -> None:
    files = {**company.FILES, "stack.yaml": "tags: {team: shop}\nbuckets: [exports]"}
    used = properties(company.project(tmp_path, files).application(STACK).template)
    kinds = {kind for kind, _ in used}
    schemas = {kind: schema(kind) for kind in kinds}
    taggable = {kind for kind, schema in schemas.items() if schema.get("tagging", {}).get("taggable")}
    assert {kind for kind, name in used if name == "Tags"} == taggable


def properties(template: dict[str, Any]) -> set[tuple[str, str]]:
    """Which properties the resources of each type have."""
    return {(one["Type"], name) for one in template["Resources"].values() for name in one["Properties"]}


def test_a_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--env", "prod", "--region", "eu-central-1", "--account", "123456789012"]
    assert deploy.main(["policy", *given]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == policy(Stack(name="orchestrator-prod"), region="eu-central-1", account="123456789012")
