"""IAM's policy simulator: what a policy, or a role, allows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.roles import Actor, allow

QUEUE = "arn:aws:sqs:us-east-1:123456789012:heard"
DENY = {"Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": "*"}
IN_PAINT = {"StringEquals": {"cloudwatch:namespace": "Paint"}}


def decisions(answer: Any) -> dict[str, str]:
    return {one["EvalActionName"]: one["EvalDecision"] for one in answer["EvaluationResults"]}


def test_what_a_policy_allows_denies_and_does_not_mention(aws: EmbeddedAws) -> None:
    policy = {"Version": "2012-10-17", "Statement": [allow("sqs:*", QUEUE), DENY]}
    answer = aws.client("iam").simulate_custom_policy(
        PolicyInputList=[json.dumps(policy)],
        ActionNames=["sqs:SendMessage", "sqs:DeleteQueue", "sns:Publish"],
        ResourceArns=[QUEUE],
    )
    assert decisions(answer) == {
        "sqs:SendMessage": "allowed",
        "sqs:DeleteQueue": "explicitDeny",
        "sns:Publish": "implicitDeny",
    }


@pytest.mark.parametrize(("namespace", "expected"), [("Paint", "allowed"), ("Other", "implicitDeny")])
def test_a_condition_is_held_against_the_context(aws: EmbeddedAws, namespace: str, expected: str) -> None:
    policy: Any = {"Version": "2012-10-17", "Statement": allow("cloudwatch:PutMetricData", "*", Condition=IN_PAINT)}
    entry: Any = {
        "ContextKeyName": "cloudwatch:namespace",
        "ContextKeyValues": [namespace],
        "ContextKeyType": "string",
    }
    answer = aws.client("iam").simulate_custom_policy(
        PolicyInputList=[json.dumps(policy)], ActionNames=["cloudwatch:PutMetricData"], ContextEntries=[entry]
    )
    assert decisions(answer) == {"cloudwatch:PutMetricData": expected}


def test_what_a_role_may_do_is_what_its_policies_allow(aws: EmbeddedAws) -> None:
    Actor(aws, allow("sqs:SendMessage", QUEUE))
    (role,) = aws.client("iam").list_roles()["Roles"]
    answer = aws.client("iam").simulate_principal_policy(
        PolicySourceArn=role["Arn"], ActionNames=["sqs:SendMessage", "sqs:DeleteQueue"], ResourceArns=[QUEUE]
    )
    assert decisions(answer) == {"sqs:SendMessage": "allowed", "sqs:DeleteQueue": "implicitDeny"}


def test_who_is_no_role_is_an_administrator(aws: EmbeddedAws) -> None:
    caller = aws.client("sts").get_caller_identity()["Arn"]
    answer = aws.client("iam").simulate_principal_policy(PolicySourceArn=caller, ActionNames=["sqs:DeleteQueue"])
    assert decisions(answer) == {"sqs:DeleteQueue": "allowed"}
