"""Proof: each assumption with AWS's answer, before anything is deployed and with nothing left behind."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

import deploy
from orchestrator.deployment import Assumption, Proof, Verdict, assumptions, not_shown, proof_json, prove
from orchestrator.deployment.questions import ErrorPrefix, Read, RunState, Simulate, SimulateCaller, Validate
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from tests.testbed.recorded import Recorded

STACK = Stack()
ALL = assumptions(deploy.PROJECT.application(STACK))

TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": "any"}, "End": True}


@dataclass(frozen=True, kw_only=True)
class Says:
    """A question whose answer is known."""

    answer: str
    call: str = "any:Thing"

    def ask(self, clients: Any) -> str:
        return self.answer


class Refused:
    call = "any:Thing"

    def ask(self, clients: Any) -> str:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Thing")


def proof(question: Any) -> Proof:
    assumption = Assumption(claim="it is so", source="a page", question=question, expected="yes", instead="look")
    # None of the questions asks for a client.
    nobody: Any = lambda service: None  # noqa: E731
    (proven,) = prove(nobody, [assumption])
    return proven


@pytest.mark.parametrize(
    ("question", "verdict", "answer"),
    [
        (Says(answer="yes"), Verdict.HOLDS, "yes"),
        (Says(answer="no"), Verdict.FAILS, "no"),
        (Refused(), Verdict.NO_ANSWER, "AccessDenied: no"),
        (None, Verdict.NOT_ASKED, ""),
    ],
)
def test_a_verdict_compares_what_aws_says_with_what_is_expected(question: Any, verdict: Verdict, answer: str) -> None:
    found = proof(question)
    assert (found.verdict, found.answer) == (verdict, answer)


def test_a_proof_as_json_has_its_source() -> None:
    assert proof_json(proof(Says(answer="no"))) == {
        "assumption": "it is so",
        "source": "a page",
        "call": "any:Thing",
        "expected": "yes",
        "answer": "no",
        "verdict": "fails",
        "instead": "look",
    }


def test_every_assumption_has_a_source_and_something_that_settles_it() -> None:
    assert [one.claim for one in ALL if not one.source or not (one.question or one.instead)] == []
    assert [one.claim for one in ALL if one.question and not one.expected] == []
    assert len({one.claim for one in ALL}) == len(ALL)


def test_each_definition_is_among_them() -> None:
    asked = [one.question.definition for one in ALL if isinstance(one.question, Validate)]
    for definition in deploy.PROJECT.application(STACK).definitions.values():
        assert definition.to_dict() in asked


def test_the_embedded_aws_answers_all_of_them_and_nothing_is_left_behind(aws: EmbeddedAws) -> None:
    clients = Recorded(aws)
    proofs = list(prove(clients, assumptions(deploy.PROJECT.application(STACK), role_arn(aws))))
    wrong = {one.assumption.claim for one in proofs if one.verdict not in (Verdict.HOLDS, Verdict.NOT_ASKED)}
    assert wrong == set()
    reading = ("Describe", "Get", "Simulate", "TestState", "Validate")
    assert [call for call in clients.calls if not call.startswith(reading)] == []
    assert sum(one.verdict is Verdict.HOLDS for one in proofs) > 25


def role_arn(aws: EmbeddedAws) -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    return str(aws.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=document)["Role"]["Arn"])


def test_without_a_role_the_names_of_errors_are_not_asked() -> None:
    without = {one.claim for one in ALL if one.question is None}
    with_role = {one.claim for one in assumptions(deploy.PROJECT.application(STACK), "arn:any") if one.question is None}
    assert {claim for claim in without - with_role if "begin with" not in claim} == set()
    assert len(without - with_role) == 3


NOTHING = {"Version": "2012-10-17", "Statement": []}


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (RunState(state={**TASK, "Output": "{% 1 + 1 %}"}), "2"),
        (RunState(state={**TASK, "Output": "{% $nothing.such() %}"}), "FAILED States.QueryEvaluationError"),
        (RunState(state={"Type": "Pass", "End": True}), "refused"),
        (Validate(definition={"StartAt": "Gone", "States": {"Only": {"Type": "Succeed"}}}), "FAIL: "),
        (Simulate(policy=NOTHING, action="sqs:SendMessage", resource="*"), "implicitDeny"),
        (Read(service="sts", operation="get_caller_identity", says=lambda said: said["Account"]), "123456789012"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_question_that_would_not_hold_is_answered_otherwise(aws: EmbeddedAws, question: Any, answer: str) -> None:
    assert question.ask(aws.client).startswith(answer)


def test_whoever_may_not_deploy_is_told_what_is_denied(aws: EmbeddedAws) -> None:
    """The caller is a session of a role that may do nothing."""

    class Session:
        def get_caller_identity(self) -> dict[str, str]:
            return {"Account": "123456789012", "Arn": "arn:aws:sts::123456789012:assumed-role/any/me"}

    def policy(account: str, region: str) -> Mapping[str, Any]:
        queue = f"arn:aws:sqs:{region}:{account}:heard-*"
        statement = {"Effect": "Allow", "Action": ["sqs:CreateQueue", "sqs:DeleteQueue"], "Resource": [queue]}
        return {"Version": "2012-10-17", "Statement": [statement]}

    role_arn(aws)
    clients: Callable[[str], Any] = lambda service: Session() if service == "sts" else aws.client(service)  # noqa: E731
    assert SimulateCaller(policy=policy).ask(clients) == "denied: sqs:CreateQueue, sqs:DeleteQueue"


def test_the_prefix_of_an_error_is_told_by_what_is_not_there(aws: EmbeddedAws) -> None:
    state = {**TASK, "Arguments": {"FunctionName": "no-such-function"}}
    assert ErrorPrefix(state=state, role=role_arn(aws)).ask(aws.client) == "Lambda.…"


def test_the_list_of_what_was_not_shown_has_each_kind_once_whatever_a_user_adds() -> None:
    listed = not_shown(ALL)
    more = replace(deploy.PROJECT.application(STACK), definitions={"one": definition(), "two": definition()})
    assert not_shown(assumptions(more)) == listed
    assert listed.count("each definition is valid") == 1
    assert listed.splitlines()[1] == "| --- | --- | --- |"


def definition() -> Any:
    return next(iter(deploy.PROJECT.application(STACK).definitions.values()))
