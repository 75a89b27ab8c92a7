"""What this project takes for granted of AWS, from reading alone: each with its source, and what would settle it.

The table of :func:`assumptions` is what ``deploy.py prove`` asks, and what the documentation lists as not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from orchestrator.deployment import deployer, event_sources
from orchestrator.deployment.application import Application
from orchestrator.deployment.questions import (
    ErrorPrefix,
    Question,
    Read,
    RunState,
    Simulate,
    SimulateCaller,
    Validate,
)
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from types_boto3_stepfunctions.type_defs import MockInputTypeDef

#: "CloudWatch Logs quotas": resource policies of an account in a region.
_RESOURCE_POLICIES = 10

#: "Lambda quotas": what must stay unreserved.
_UNRESERVED = 100

_LAMBDA = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": "any"}}

_JSONATA = "Transforming data with JSONata in Step Functions (developer guide)"
_ERRORS = "Handling errors in Step Functions workflows (developer guide)"
_SDK_CASING = "aws-cdk issue 29968; aws-sdk-js issue 4294; aws-sdk-js-v3 issues 4948 and 5423; boto3 issue 4253"
_SDK = "Learning to use AWS service SDK integrations in Step Functions (developer guide)"
_EXPRESSIONS = "floci issues 2670 and 2745, which quote AWS"
_RECORDED = "answers of AWS recorded in LocalStack's tests of Step Functions"


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """A fact of AWS that was read in its documentation and not yet seen."""

    claim: str
    #: Title of a page, or an issue.
    source: str
    #: None where no cheap call can tell.
    question: Question | None = None
    #: What AWS answers if the claim holds.
    expected: str = ""
    #: What to look at, or to give, where it is not asked.
    instead: str = ""
    #: The same for every one of a kind: a list of what was not shown has it once.
    of_each: str = ""


def assumptions(application: Application, role: str | None = None) -> tuple[Assumption, ...]:
    """Returns all assumptions. ``role`` is the ARN of a role for Step Functions; without it some are not asked."""
    return (
        *_functions(),
        *_errors(),
        *_attribute_values(),
        *_prefixes(role),
        *_definitions(application),
        *_permissions(application.stack),
        *_account(application),
        *_UNASKED,
    )


def _functions() -> Iterator[Assumption]:
    """JSONata's functions that Step Functions adds, and the ones that it lacks."""
    cases = {
        "$parse('{\"a\": 1}').a": "1",
        "$hash('a', 'SHA-256')": '"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"',
        "$length($uuid())": "36",
        "$partition([1, 2, 3], 2)": "[[1,2],[3]]",
        "$range(1, 5, 2)": "[1,3,5]",
        "$range(1, 1, 1)": "1",
        "$random(7) < 1": "true",
        "$type($millis())": '"number"',
    }
    for expression, expected in cases.items():
        yield Assumption(
            claim=f"`{expression}` is `{expected}`",
            source=_RECORDED if expression == "$range(1, 1, 1)" else _JSONATA,
            question=RunState(state={**_LAMBDA, "Output": f"{{% {expression} %}}", "End": True}),
            expected=expected,
        )
    yield Assumption(
        claim="`$eval` does not exist",
        source=_JSONATA,
        question=RunState(state={**_LAMBDA, "Output": "{% $eval('1') %}", "End": True}),
        expected="FAILED States.QueryEvaluationError",
    )


def _errors() -> Iterator[Assumption]:
    """Assumptions about what a catcher catches."""

    def caught(claim: str, error: str, catcher: str, *, caught: bool = True, source: str = _ERRORS) -> Assumption:
        state = {**_LAMBDA, "Catch": [{"ErrorEquals": [catcher], "Next": "Handler"}], "End": True}
        mock: MockInputTypeDef = {"errorOutput": {"error": error, "cause": "x"}}
        return Assumption(
            claim=claim,
            source=source,
            question=RunState(state=state, mock=mock),
            expected="caught, on to Handler" if caught else f"FAILED {error}",
        )

    yield caught(
        "`States.DataLimitExceeded` is caught by its name",
        "States.DataLimitExceeded",
        "States.DataLimitExceeded",
        source=_RECORDED,
    )
    yield caught("`States.ALL` does not catch `States.Runtime`", "States.Runtime", "States.ALL", caught=False)
    yield caught("`States.TaskFailed` catches a handler's own error", "OutOfPaper", "States.TaskFailed")
    yield caught(
        "`States.TaskFailed` does not catch `States.Timeout`", "States.Timeout", "States.TaskFailed", caught=False
    )
    yield caught("`Sandbox.Timedout` is caught by its name", "Sandbox.Timedout", "Sandbox.Timedout")
    failing = {
        **_LAMBDA,
        "Arguments": {"FunctionName": "any", "Payload": "{% $parse('{') %}"},
        "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "Handler"}],
        "End": True,
    }
    yield Assumption(
        claim="a Task state catches the `States.QueryEvaluationError` of its own `Arguments`",
        source=_ERRORS,
        question=RunState(state=failing),
        expected="caught, on to Handler",
    )


def _attribute_values() -> Iterator[Assumption]:
    """Assumptions about the spelling of DynamoDB's types."""

    def put(resource: str, value: Mapping[str, Any]) -> dict[str, Any]:
        state = {
            "Type": "Task",
            "Resource": f"arn:aws:states:::{resource}",
            "Arguments": {"TableName": "any", "Item": {"id": {"S": "a"}, "x": value}},
            "End": True,
        }
        return _machine(state)

    for value, expected in (
        ({"Bool": True}, "OK"),
        ({"Nul": True}, "OK"),
        ({"BOOL": True}, "FAIL: SCHEMA_VALIDATION_FAILED"),
        ({"NULL": True}, "FAIL: SCHEMA_VALIDATION_FAILED"),
    ):
        (name,) = value
        verb = "takes" if expected == "OK" else "refuses"
        yield Assumption(
            claim=f"`aws-sdk:dynamodb:putItem` {verb} the attribute value `{name}`",
            source=_SDK_CASING,
            question=Validate(definition=put("aws-sdk:dynamodb:putItem", value)),
            expected=expected,
        )


def _prefixes(role: str | None) -> Iterator[Assumption]:
    """Assumptions about the names of errors, by the integration that they come from."""
    key = {"TableName": "orchestrator-no-such-table", "Key": {"id": {"S": "a"}}}
    cases: dict[str, tuple[str, dict[str, Any]]] = {
        "aws-sdk:dynamodb:getItem": ("DynamoDb.…", key),
        "dynamodb:getItem": ("DynamoDB.…", key),
        "lambda:invoke": ("Lambda.…", {"FunctionName": "orchestrator-no-such-function"}),
    }
    for resource, (expected, arguments) in cases.items():
        state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Arguments": arguments, "End": True}
        yield Assumption(
            claim=f"errors of `{resource}` begin with `{expected.removesuffix('…')}`",
            source=_SDK,
            question=ErrorPrefix(state=state, role=role) if role else None,
            expected=expected,
            instead="" if role else "`--role ARN`: a role that Step Functions may assume, whatever it may do",
        )


def _definitions(application: Application) -> Iterator[Assumption]:
    for name, definition in application.definitions.items():
        yield Assumption(
            claim=f"the definition of {name} is valid",
            of_each="each definition is valid",
            source="ValidateStateMachineDefinition (API reference)",
            question=Validate(definition=definition.to_dict()),
            expected="OK",
        )
    for expression, expected, source in (
        ("$states.input.items[since < 3]", "OK", _EXPRESSIONS),
        ("since", "FAIL: UNSUPPORTED_JSONATA_EXPRESSION", _EXPRESSIONS),
        ("$states.input ?? 1", "FAIL: INVALID_JSONATA_EXPRESSION", _JSONATA),
    ):
        verb = "takes" if expected == "OK" else "refuses"
        yield Assumption(
            claim=f"a definition {verb} the expression `{expression}`",
            source=source,
            question=Validate(definition=_machine({"Type": "Pass", "Output": f"{{% {expression} %}}", "End": True})),
            expected=expected,
        )
    yield Assumption(
        claim="`TimeoutSeconds` may be a JSONata expression",
        source="Task workflow state (developer guide)",
        question=Validate(definition=_machine({**_LAMBDA, "TimeoutSeconds": "{% 2 + 3 %}", "End": True})),
        expected="OK",
    )


def _permissions(stack: Stack) -> Iterator[Assumption]:
    machine = f"arn:aws:states:us-east-1:123456789012:stateMachine:{stack.task_runner}"
    starting = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": machine}
    yield Assumption(
        claim="a policy on a state machine's ARN matches the machine, which is asked for when its alias is started",
        source="Authorization for versions and aliases in Step Functions workflows (developer guide)",
        question=Simulate(policy=_policy(starting), action="states:StartExecution", resource=machine),
        expected="allowed",
    )
    yield Assumption(
        claim="and does not match the ARN of the alias itself",
        source="the same",
        question=Simulate(policy=_policy(starting), action="states:StartExecution", resource=f"{machine}:live"),
        expected="implicitDeny",
    )
    via = {"StringEquals": {"kms:ViaService": "sqs.us-east-1.amazonaws.com"}}
    key = "arn:aws:kms:us-east-1:123456789012:key/any"
    opening = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key, "Condition": via}
    for service, expected in (("sqs", "allowed"), ("s3", "implicitDeny")):
        yield Assumption(
            claim=f"what may use a key through SQS may {'' if service == 'sqs' else 'not '}do so through {service}",
            source="AWS KMS condition keys (developer guide)",
            question=Simulate(
                policy=_policy(opening),
                action="kms:Decrypt",
                resource=key,
                context={"kms:ViaService": f"{service}.us-east-1.amazonaws.com"},
            ),
            expected=expected,
        )
    yield Assumption(
        claim="whoever asks may do all that deploying needs",
        source="handlers of AWS's resource type schemas; `deploy.py policy`",
        question=SimulateCaller(policy=partial(_deployers_policy, stack)),
        expected="allowed",
    )


def _account(application: Application) -> Iterator[Assumption]:
    reserved = sum(event_sources.reserved(function) for function in application.functions)

    def concurrency(answer: Any) -> str:
        free = int(answer["AccountLimit"]["UnreservedConcurrentExecutions"])
        return "enough" if free - reserved >= _UNRESERVED else f"{free}; deploy with --no-reserved-concurrency"

    def policies(answer: Any) -> str:
        others = [one for one in answer["resourcePolicies"] if one["policyName"] != f"{application.stack.name}-mail"]
        return "enough" if len(others) < _RESOURCE_POLICIES else f"{len(others)} of {_RESOURCE_POLICIES} are taken"

    yield Assumption(
        claim=f"{reserved} of the account's concurrent Lambda executions can be reserved",
        of_each="what handles failures can have some of the account's concurrent Lambda executions reserved",
        source="Lambda quotas (developer guide)",
        question=Read(service="lambda", operation="get_account_settings", says=concurrency),
        expected="enough",
    )
    yield Assumption(
        claim="CloudWatch Logs has room for one more resource policy",
        source="CloudWatch Logs quotas (user guide)",
        question=Read(service="logs", operation="describe_resource_policies", says=policies),
        expected="enough",
    )


def _machine(state: Mapping[str, Any]) -> dict[str, Any]:
    return {"QueryLanguage": "JSONata", "StartAt": "Only", "States": {"Only": state}}


def _policy(statement: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}


def _deployers_policy(stack: Stack, account: str, region: str) -> Mapping[str, Any]:
    return deployer.policy(stack, account=account, region=region)


#: What only something that is deployed, and runs for a while, can show.
_UNASKED: tuple[Assumption, ...] = (
    Assumption(
        claim="Scheduler puts context attributes into the JSON within the JSON of a universal target's input",
        source="Adding context attributes in EventBridge Scheduler (user guide)",
        instead="the first run of a task by its schedule: its row names the slot",
    ),
    Assumption(
        claim="a slot of a rate that divides neither an hour nor a day is its StartDate plus a multiple of it",
        source="Schedule types in EventBridge Scheduler (user guide), which does not promise it",
        instead="`orchestrator ledger verify` after some slots",
    ),
    Assumption(
        claim="a public function URL needs lambda:InvokeFunctionUrl, and lambda:InvokeFunction for calls by the URL",
        source="Control access to Lambda function URLs (developer guide)",
        instead="`orchestrator emit --webhook TASK`: without either it is answered 403",
    ),
    Assumption(
        claim="EventBridge reaches an encrypted queue if the key's policy lets it in without conditions on the source",
        source="Managing Amazon SNS encryption keys and costs (developer guide)",
        instead="stop an execution of TaskRunner: its row becomes ABORTED",
    ),
    Assumption(
        claim="EventBridge writes to a log group that a resource policy without conditions lets it write to",
        source="Using resource-based policies for Amazon EventBridge (user guide)",
        instead="the log group of the mails after the first one",
    ),
    Assumption(
        claim="CloudFormation deletes a table that RetainExceptOnCreate keeps, if its creation is rolled back",
        source="DeletionPolicy attribute (CloudFormation user guide)",
        instead="a first deployment that fails: the next one meets no table",
    ),
    Assumption(
        claim="DeleteTable refuses a protected table, and CloudFormation does not lift the protection",
        source="aws-cdk pull request 24581; dynoxide issue 46",
        instead="it is not needed: a table is protected after its creation",
    ),
    Assumption(
        claim="CloudFormation ends an update before a new index can be read, which DescribeTable tells: it is ACTIVE",
        source="AWS::DynamoDB::Table; cloudformation-coverage-roadmap issue 1075; amplify-cli pull request 7012",
        instead="the upgrade of a stack of 0.1, where `apply` says that it waits for DueIndex",
    ),
    Assumption(
        claim="a write that changes nothing of what an index of a table holds is not counted in the index",
        source="Using Global Secondary Indexes in DynamoDB (developer guide)",
        instead="a run's two writes of the record, by ConsumedWriteCapacityUnits of ScheduledTasks and of its index",
    ),
    Assumption(
        claim="StartExecution on an alias needs permission for the state machine, not for the alias",
        source="Authorization for versions and aliases in Step Functions workflows; aws-cdk issue 26546",
        instead="the first run of a task by its schedule",
    ),
    Assumption(
        claim="what Step Functions asks of a role to log, and to hear of nested executions' ends",
        source="Logging using CloudWatch Logs; Start workflow executions from a task state (developer guide)",
        instead="the first run of a nested workflow, and its log",
    ),
    Assumption(
        claim="a container, or a job of Batch or Glue, is stopped when the run that waits for it is, or is out of time",
        source="Discover service integration patterns in Step Functions (developer guide), which says it of stopping",
        instead="`orchestrator stop` of a run of `ecs/NAME`, and one with a short timeout",
    ),
    Assumption(
        claim="`ecs:runTask.sync` fails if a container exits with another code than 0, and takes a capacity provider",
        source="causes that people report; aws-cdk pull request 35465",
        instead="the first run of `ecs/NAME`",
    ),
    Assumption(
        claim="the bundles' wheels for arm64 load on Lambda",
        source="their tags; nothing here can run them",
        instead="the first run of each function",
    ),
)
