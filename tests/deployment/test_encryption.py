"""The stack's key: what a role gets of it, and who else may use it."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.deployment import encryption, policies, statements
from orchestrator.stack import Stack

KEY = {"Fn::GetAtt": ["Key", "Arn"]}


def of_key(*actions: str) -> dict[str, list[str]]:
    """What a role that may call ``actions`` may do with the key, by the service that it does so through."""
    before = policies.role(Stack(), "lambda", [statements.allow([action], {"Ref": "Some"}) for action in actions])
    (policy,) = encryption.with_key(before)["Properties"]["Policies"]
    added = policy["PolicyDocument"]["Statement"][len(actions) :]
    assert all(statement["Resource"] == KEY for statement in added)
    return {
        statement["Condition"]["StringEquals"]["kms:ViaService"]["Fn::Sub"].partition(".")[0]: statement["Action"]
        for statement in added
    }


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("dynamodb:PutItem", {"dynamodb": ["kms:Decrypt"]}),
        ("dynamodb:Query", {"dynamodb": ["kms:Decrypt"]}),
        ("dynamodb:DescribeTable", {}),
        ("dynamodb:ListStreams", {}),
        ("s3:GetObject", {"s3": ["kms:Decrypt"]}),
        ("s3:PutObject", {"s3": ["kms:Decrypt", "kms:GenerateDataKey"]}),
        ("s3:DeleteObject", {}),
        ("sns:Publish", {"sns": ["kms:Decrypt", "kms:GenerateDataKey"]}),
        ("sqs:ReceiveMessage", {"sqs": ["kms:Decrypt"]}),
        ("sqs:DeleteMessage", {}),
        ("states:StartExecution", {}),
    ],
)
def test_a_role_may_do_with_the_key_what_its_calls_need(action: str, expected: dict[str, list[str]]) -> None:
    assert of_key(action) == expected


def test_a_role_has_one_statement_for_each_service_that_it_calls() -> None:
    found = of_key("sqs:ReceiveMessage", "dynamodb:GetItem", "sqs:SendMessage", "dynamodb:UpdateItem")
    assert found == {"dynamodb": ["kms:Decrypt"], "sqs": ["kms:Decrypt", "kms:GenerateDataKey"]}


def test_a_role_is_left_as_it_was() -> None:
    role = policies.role(Stack(), "lambda", [statements.allow("sns:Publish", {"Ref": "Alerts"})])
    encryption.with_key(role)
    assert len(role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]) == 1


def test_the_key_serves_what_begins_with_the_stacks_name() -> None:
    statements: list[Any] = encryption.key(Stack(name="orchestrator-x"))["Key"]["Properties"]["KeyPolicy"]["Statement"]
    ends = {
        one["Fn::Sub"].split("${AWS::AccountId}:")[1]
        for statement in statements
        for keys in statement.get("Condition", {}).values()
        for value in keys.values()
        for one in (value if isinstance(value, list) else [value])
        if "Fn::Sub" in one
    }
    assert ends == {
        "alarm:orchestrator-x-*",
        "log-group:/aws/events/orchestrator-x-mail",
        "log-group:/aws/lambda/orchestrator-x-*",
        "log-group:/aws/vendedlogs/states/orchestrator-x-*",
    }


def test_two_stacks_have_keys_of_their_own() -> None:
    aliases = {encryption.key(Stack(name=name))["KeyAlias"]["Properties"]["AliasName"] for name in ("a", "b")}
    assert aliases == {"alias/a", "alias/b"}
