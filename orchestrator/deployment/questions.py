"""Questions that AWS answers for nothing or next to nothing, and after which nothing is left behind.

An answer is a short text, so that it can be compared with what is expected and be read in a table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError

from orchestrator.clients import Clients

if TYPE_CHECKING:
    from types_boto3_iam.type_defs import ContextEntryTypeDef
    from types_boto3_stepfunctions.type_defs import MockInputTypeDef


def _any_answer() -> MockInputTypeDef:
    return {"result": "{}", "fieldValidationMode": "NONE"}


class Question(Protocol):
    """A question that AWS can answer."""

    @property
    def call(self) -> str:
        """The operation that answers it."""

    def ask(self, clients: Clients) -> str:
        """AWS's answer. Raises ClientError where AWS answers with an error that is none of the answers."""


@dataclass(frozen=True, kw_only=True)
class RunState:
    """Asks for the outcome of one state. With a ``mock`` nothing is called, and no role is needed."""

    state: Mapping[str, Any]
    #: ``{"result": "JSON"}`` or ``{"errorOutput": {"error": …, "cause": …}}``.
    mock: MockInputTypeDef = field(default_factory=_any_answer)
    call: str = "states:TestState"

    def ask(self, clients: Clients) -> str:
        """The state's output, the state that its catcher leads to, its uncaught error, or AWS's refusal."""
        try:
            answer = clients("stepfunctions").test_state(
                definition=json.dumps({"QueryLanguage": "JSONata", **self.state}), input="{}", mock=self.mock
            )
        except ClientError as fault:
            if fault.response["Error"]["Code"] in ("ValidationException", "InvalidDefinition"):
                return "refused"
            raise
        if answer["status"] == "SUCCEEDED":
            return str(answer.get("output", ""))
        if answer["status"] == "CAUGHT_ERROR":
            return f"caught, on to {answer['nextState']}"
        return f"{answer['status']} {answer.get('error', '')}".strip()


@dataclass(frozen=True, kw_only=True)
class ErrorPrefix:
    """What the names of a service's errors begin with: something is asked for that is not there, or not allowed.

    Needs the ARN of a role that Step Functions may assume; whether that allows the call does not matter.
    """

    state: Mapping[str, Any]
    role: str
    call: str = "states:TestState"

    def ask(self, clients: Clients) -> str:
        answer = clients("stepfunctions").test_state(
            definition=json.dumps({"QueryLanguage": "JSONata", **self.state}), input="{}", roleArn=self.role
        )
        return f"{str(answer.get('error', '')).partition('.')[0]}.…" if answer["status"] == "FAILED" else "no error"


@dataclass(frozen=True, kw_only=True)
class Validate:
    """Whether a definition is valid."""

    definition: Mapping[str, Any]
    call: str = "states:ValidateStateMachineDefinition"

    def ask(self, clients: Clients) -> str:
        """``OK``, or ``FAIL`` with the first thing that is wrong."""
        answer = clients("stepfunctions").validate_state_machine_definition(
            definition=json.dumps(self.definition), type="STANDARD", severity="ERROR", maxResults=1
        )
        said = [f"{one['code']} {one.get('location', '')}".strip() for one in answer.get("diagnostics", [])]
        return str(answer["result"]) if answer["result"] == "OK" or not said else f"FAIL: {said[0]}"


@dataclass(frozen=True, kw_only=True)
class Simulate:
    """Whether a policy allows something."""

    policy: Mapping[str, Any]
    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)
    call: str = "iam:SimulateCustomPolicy"

    def ask(self, clients: Clients) -> str:
        """``allowed``, ``implicitDeny`` or ``explicitDeny``."""
        answer = clients("iam").simulate_custom_policy(
            PolicyInputList=[json.dumps(self.policy)],
            ActionNames=[self.action],
            ResourceArns=[self.resource],
            ContextEntries=_context(self.context),
        )
        return str(answer["EvaluationResults"][0]["EvalDecision"])


@dataclass(frozen=True, kw_only=True)
class SimulateCaller:
    """Asks whether the caller's identity may do all that a policy allows."""

    #: For an account and a region; its resources may hold wildcards, which stand for anything.
    policy: Callable[[str, str], Mapping[str, Any]]
    call: str = "iam:SimulatePrincipalPolicy"

    def ask(self, clients: Clients) -> str:
        """Returns ``allowed``, or the actions that are denied."""
        identity, iam, region = clients("sts").get_caller_identity(), clients("iam"), clients("lambda").meta.region_name
        principal = identity["Arn"]
        if ":assumed-role/" in principal:
            principal = iam.get_role(RoleName=principal.split("/")[1])["Role"]["Arn"]
        denied: list[str] = []
        for statement in self.policy(identity["Account"], region)["Statement"]:
            tests = statement.get("Condition", {}).values()
            context = {key: _sample(value) for one in tests for key, value in one.items()}
            answer = iam.simulate_principal_policy(
                PolicySourceArn=principal,
                ActionNames=statement["Action"],
                ResourceArns=[_sample(one) if one != "*" else one for one in statement["Resource"]],
                ContextEntries=_context(context),
            )
            results = answer["EvaluationResults"]
            denied += [one["EvalActionName"] for one in results if one["EvalDecision"] != "allowed"]
        return f"denied: {', '.join(sorted(set(denied)))}" if denied else "allowed"


@dataclass(frozen=True, kw_only=True)
class Read:
    """Asks a call that changes nothing."""

    service: str
    operation: str
    #: The answer as a short text.
    says: Callable[[Any], str]

    @property
    def call(self) -> str:
        return f"{self.service}:{''.join(part.capitalize() for part in self.operation.split('_'))}"

    def ask(self, clients: Clients) -> str:
        return self.says(getattr(clients(self.service), self.operation)())


def _context(values: Mapping[str, str]) -> list[ContextEntryTypeDef]:
    return [
        {"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for name, value in values.items()
    ]


def _sample(pattern: Any) -> str:
    """Returns a text that a pattern matches."""
    return str(pattern[0] if isinstance(pattern, list) else pattern).replace("*", "x")
