"""Statements of IAM, taken apart."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.local.aws.iam.statements import Statement


def parts(statement: Statement) -> Iterator[Statement]:
    """A statement for each action and resource."""
    resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
    for action in statement["Action"]:
        for resource in resources:
            yield {**statement, "Action": action, "Resource": resource}
