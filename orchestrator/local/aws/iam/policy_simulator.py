"""IAM's policy simulator, which moto lacks.

It evaluates policies as the embedded AWS itself does for requests under a role: the same statements, and the same
conditions. Who is no role is an administrator here, as everywhere in the embedded AWS.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse

from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.iam.requests import Permission
from orchestrator.local.aws.iam.statements import Statement, allow, applies
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import adds

_ADMINISTRATOR: Statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def decision(statements: Sequence[Statement], wanted: Permission) -> str:
    """``allowed``, ``explicitDeny`` or ``implicitDeny`` ("SimulateCustomPolicy")."""
    if allow(statements, wanted):
        return "allowed"
    denied = any(one["Effect"] == "Deny" and applies(one, wanted) for one in statements)
    return "explicitDeny" if denied else "implicitDeny"


def _evaluate(response: Any, statements: Sequence[Statement]) -> ActionResult:
    given = response._get_param("ContextEntries", [])
    context = {one["ContextKeyName"]: tuple(one["ContextKeyValues"]) for one in given}
    results = [
        {
            "EvalActionName": action,
            "EvalResourceName": resource,
            "EvalDecision": decision(statements, Permission(action=action, resource=resource, context=context)),
            "MatchedStatements": [],
            "MissingContextValues": [],
        }
        for action in response._get_param("ActionNames")
        for resource in response._get_param("ResourceArns", ["*"])
    ]
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _listed(document: str) -> list[Statement]:
    statements = json.loads(document)["Statement"]
    return statements if isinstance(statements, list) else [statements]


def install(aws: Aws) -> None:
    """Answers SimulateCustomPolicy and SimulatePrincipalPolicy."""

    @adds(IamResponse, "simulate_custom_policy")
    def simulate_custom_policy(self: Any) -> ActionResult:
        return _evaluate(self, [one for text in self._get_param("PolicyInputList") for one in _listed(text)])

    @adds(IamResponse, "simulate_principal_policy")
    def simulate_principal_policy(self: Any) -> ActionResult:
        arn = self._get_param("PolicySourceArn")
        return _evaluate(self, roles.statements(arn.rpartition("/")[2]) if ":role/" in arn else [_ADMINISTRATOR])
