"""What IAM statements allow ("Policy evaluation logic", identity policies of one account)."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestrator.local.aws.iam.requests import Permission

Statement = Mapping[str, Any]


def allow(statements: Sequence[Statement], wanted: Permission) -> bool:
    """Whether they allow it: an explicit Deny wins, else there must be an Allow."""
    effects = {statement["Effect"] for statement in statements if applies(statement, wanted)}
    return effects == {"Allow"}


def applies(statement: Statement, wanted: Permission) -> bool:
    """Whether a statement says anything about it. Raises NotImplementedError for a condition that is not known here."""
    return (
        _like(wanted.action.lower(), [action.lower() for action in _listed(statement["Action"])])
        and _like(wanted.resource, _listed(statement["Resource"]))
        and _conditions_hold(statement.get("Condition", {}), wanted.context)
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _like(value: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(value, pattern.replace("[", "[[]")) for pattern in patterns)


def _conditions_hold(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    for operator, tests in conditions.items():
        for key, expected in tests.items():
            held = context.get(key)
            values = [str(value) for value in _listed(expected)]
            if operator == "StringEquals" and held not in values:
                return False
            if operator in {"StringLike", "ArnLike"} and (held is None or not _like(held, values)):
                return False
            if operator not in {"StringEquals", "StringLike", "ArnLike"}:
                raise NotImplementedError(f"the embedded AWS knows no condition operator {operator}")
    return True
