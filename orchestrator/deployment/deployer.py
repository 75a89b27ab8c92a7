"""What whoever runs `deploy.py` must be allowed to do: its own calls, and those that CloudFormation makes in its name.

CloudFormation acts with the rights of its caller here, and not with a service role: a role would have to be there
before the first deployment and be changed before each new type of resource, and whoever may pass it can do all that it
can.

Whoever deploys functions and their roles can do what these can be given; where that is too much, stack.yaml names a
permissions boundary: then no role can be made or changed without it, and whoever deploys cannot take it away. An
environment's reach ends at its name: but ``dev`` reaches ``dev-2``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.deployment.grants import ALL, KEYS, ROLES, Grant
from orchestrator.deployment.surroundings import Surroundings
from orchestrator.stack import Stack

#: "IAM and AWS STS quotas": the policies in a role, without white space.
LIMIT_CHARACTERS = 10_240

#: With a boundary these are granted only for roles that have it ("Permissions boundaries for IAM entities").
_BOUNDED = ("iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy")

#: What is for the key of a stack that has one of its own.
_OF_OWN_KEY = tuple(
    one for one in ALL if one.what.startswith("AWS::KMS::") or one.actions == ("kms:ScheduleKeyDeletion",)
)


def _bounded(grants: Iterable[Grant], boundary: str) -> Iterator[Grant]:
    """The same grants, with ``boundary`` as a condition of those that make roles."""
    for grant in grants:
        yield replace(grant, actions=tuple(one for one in grant.actions if one not in _BOUNDED))
    yield Grant(
        what="permissionsBoundary",
        actions=_BOUNDED,
        resources=ROLES,
        conditions={"StringEquals": {"iam:PermissionsBoundary": boundary}},
    )


def policy(
    stack: Stack,
    grants: tuple[Grant, ...] = ALL,
    *,
    surroundings: Surroundings = Surroundings(),  # noqa: B008 # frozen
    partition: str = "aws",
    region: str = "*",
    account: str = "*",
) -> dict[str, Any]:
    """A policy document. What stands on the same resources is one statement.

    ``surroundings`` narrow it: a boundary is a condition, and a key of the company's the only one that can be used.
    Where the names are so long that a role could not hold it, statements about different services are united.
    """
    if surroundings.key:
        # The stack makes none of its own then.
        grants = tuple(one for one in grants if one not in _OF_OWN_KEY)
    if surroundings.permissions_boundary:
        grants = tuple(_bounded(grants, surroundings.permissions_boundary))

    def filled(text: str) -> str:
        return text.replace("STACK", stack.name).replace("REGION", region).replace("ACCOUNT", account)

    def arn(pattern: str) -> str:
        if surroundings.key and pattern in KEYS:
            return surroundings.key
        return pattern if pattern == "*" else f"arn:{partition}:{filled(pattern)}"

    def conditions(grant: Grant) -> dict[str, Any]:
        return {
            operator: {key: list(map(arn, of)) if operator == "ArnLike" else filled(of) for key, of in tests.items()}
            for operator, tests in grant.conditions.items()
        }

    merged: dict[str, dict[str, Any]] = {}
    for grant in grants:
        if not grant.actions:
            continue
        resources, held = [arn(one) for one in grant.resources], conditions(grant)
        statement = merged.setdefault(
            f"{resources} {held}",
            {"Effect": "Allow", "Action": [], "Resource": resources} | ({"Condition": held} if held else {}),
        )
        statement["Action"] = sorted({*statement["Action"], *grant.actions})
    passing = [one for one in merged.values() if one["Action"] == ["iam:PassRole"]]
    others = [one for one in merged.values() if one not in passing]
    document: dict[str, Any] = {"Version": "2012-10-17", "Statement": [*others, *_passing_to_several(passing)]}
    if len(json.dumps(document, separators=(",", ":"))) <= LIMIT_CHARACTERS:
        return document
    return {**document, "Statement": _united(document["Statement"])}


def _united(statements: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same permissions in fewer statements: no action of a service is for a resource of another."""
    united: list[dict[str, Any]] = []
    for one in statements:
        services = _services(one["Action"])
        open_ = (other for other in united if _is_plain(other) and not services & _services(other["Action"]))
        into = next(open_, None) if _is_plain(one) else None
        if into:
            into["Action"], into["Resource"] = into["Action"] + one["Action"], into["Resource"] + one["Resource"]
        else:
            united.append(dict(one))
    return united


def _passing_to_several(statements: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same roles may be passed to any of the services."""
    services = sorted(one["Condition"]["StringEquals"]["iam:PassedToService"] for one in statements)
    condition = {"StringEquals": {"iam:PassedToService": services}}
    return [{**statements[0], "Condition": condition}] if statements else []


def _is_plain(statement: Mapping[str, Any]) -> bool:
    return "Condition" not in statement and statement["Resource"] != ["*"]


def _services(actions: Iterable[str]) -> set[str]:
    return {action.partition(":")[0] for action in actions}
