"""What IAM statements allow ("Policy evaluation logic", identity policies of one account)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestrator.local.aws.iam import conditions
from orchestrator.local.aws.iam.requests import Permission

Statement = Mapping[str, Any]


def allow(statements: Sequence[Statement], wanted: Permission) -> bool:
    """Whether they allow it: an explicit Deny wins, else there must be an Allow."""
    about = [statement for statement in statements if names(statement, wanted.action, wanted.resource)]
    return agree(about, wanted.context)


def applies(statement: Statement, wanted: Permission) -> bool:
    """Whether a statement says anything about it. Raises NotImplementedError for a condition operator that there is
    not.
    """
    return names(statement, wanted.action, wanted.resource) and conditions.hold(
        statement.get("Condition", {}), wanted.context
    )


def agree(statements: Sequence[Statement], context: conditions.Context) -> bool:
    """The same of statements that name the action and the resource. Raises NotImplementedError for a condition operator
    that there is not.
    """
    return {one["Effect"] for one in statements if conditions.hold(one.get("Condition", {}), context)} == {"Allow"}


def names(statement: Statement, action: str, resource: str) -> bool:
    """Whether a statement is about the action and the resource, whatever its condition."""
    return _like(action.lower(), [action.lower() for action in _listed(statement["Action"])]) and _like(
        resource, _listed(statement["Resource"])
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _like(value: str, patterns: Iterable[str]) -> bool:
    return any(conditions.like(value, pattern) for pattern in patterns)
