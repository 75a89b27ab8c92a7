"""A slot, or a workflow in its midst, waits until somebody approves; the row says what is asked, and who answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.asl.approvals import MAY_ASK, wait_for_approval
from orchestrator.asl.definition import Definition
from orchestrator.asl.states import Pass, jsonata
from orchestrator.errors import AnsweredAlready, NothingAsked
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.operations.approving import Approving
from orchestrator.operations.releasing import Release, Releasing
from orchestrator.runs.approval import Answer
from orchestrator.runs.run import Run, RunStatus, SkipReason
from orchestrator.stores.executions import Runner
from orchestrator.stores.pools import Pools
from orchestrator.stores.recorder import Recorder
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.retries import RetryPolicy
from tests.testbed.task_runner import SLOT, STACK, TaskRunner

ONCE = RetryPolicy(max_attempts=1)


def asking() -> Definition:
    """A workflow that asks in its midst."""
    answer = wait_for_approval(
        "ApproveInvoices",
        STACK,
        why="420 invoices, 61,208.15 EUR",
        within_seconds=600,
        assign={"answer": jsonata("$states.result")},
    )
    answer.next(Pass("Sent", output=jsonata("{'sentFor': $answer.who}")))
    return Definition(start=answer, comment="Asks.", timeout_seconds=900, permissions=(MAY_ASK,))


@pytest.fixture(scope="module")
def runner(embedded_aws: EmbeddedAws) -> Iterator[TaskRunner]:
    yield TaskRunner(embedded_aws, asking=asking())
    embedded_aws.reset()


@pytest.fixture(scope="module")
def releasing(runner: TaskRunner) -> Releasing:
    return Releasing(
        registry=runner.registry,
        ledger=runner.ledger,
        recorder=Recorder(runner.aws.client("dynamodb"), STACK),
        pools=Pools(runner.aws.client("dynamodb"), STACK),
        runner=Runner(runner.aws.client("stepfunctions"), runner.applied.outputs["TaskRunnerArn"]),
    )


@pytest.fixture(scope="module")
def approving(runner: TaskRunner, releasing: Releasing) -> Approving:
    return Approving(
        ledger=runner.ledger,
        recorder=releasing.recorder,
        releasing=releasing,
        states=lambda: runner.aws.client("stepfunctions"),
    )


@pytest.fixture
def task_id(request: pytest.FixtureRequest) -> str:
    return re.sub(r"[^a-z-]+", "-", request.node.name.removeprefix("test_"))[-48:].strip("-")


def say(approving: Approving, task_id: str, answer: Answer = Answer.APPROVED, reason: str = "I have looked") -> None:
    approving.answer(task_id, SLOT, answer, who="ada", reason=reason, now=datetime.now(UTC))


def row(runner: TaskRunner, task_id: str) -> Run:
    assert runner.aws.event_sources.settled(60)
    found = runner.ledger.get(task_id, SLOT)
    assert found
    return found


def ended(runner: TaskRunner, task_id: str, status: RunStatus) -> Run:
    runner.until(lambda: row(runner, task_id).status is status)
    return row(runner, task_id)


def test_a_slot_waits_for_its_approval_and_runs_then(runner: TaskRunner, approving: Approving, task_id: str) -> None:
    runner.register(task_id, approval_seconds=3600)
    outcome = runner.run(task_id, params={"colour": "blue"})
    assert outcome.states == ["LookupTask", "ClaimSlot", "Refused", "HoldSlot"]
    assert outcome.output == {"taskId": task_id, "slot": SLOT, "status": "WAITING"}
    held = row(runner, task_id)
    assert held.hold
    assert held.hold.kind is HoldKind.APPROVAL
    say(approving, task_id)
    run = ended(runner, task_id, RunStatus.SUCCEEDED)
    assert run.approval
    assert (run.approval.answer, run.approval.who, run.approval.reason) == (Answer.APPROVED, "ada", "I have looked")
    assert '"colour": "blue"' in (run.result or "") or '"colour":"blue"' in (run.result or "")
    assert run.history == ()
    with pytest.raises(NothingAsked, match="it is SUCCEEDED"):
        say(approving, task_id)


def test_a_slot_that_is_refused_is_skipped_and_says_who(runner: TaskRunner, approving: Approving, task_id: str) -> None:
    runner.register(task_id, approval_seconds=3600)
    runner.run(task_id)
    say(approving, task_id, Answer.REFUSED, "not this month")
    run = ended(runner, task_id, RunStatus.SKIPPED)
    assert (run.reason, run.cause, run.hold) == (SkipReason.REFUSED, "ada: not this month", None)


def test_a_slot_of_which_nobody_approves_expires(runner: TaskRunner, releasing: Releasing, task_id: str) -> None:
    runner.register(task_id, approval_seconds=3600)
    runner.run(task_id)
    now = datetime.now(UTC)
    assert releasing.consider(task_id, SLOT, now + timedelta(minutes=59)) is Release.WAITS
    waiting = row(runner, task_id).hold
    assert waiting
    assert waiting.why == "waits for somebody's approval"
    assert releasing.consider(task_id, SLOT, now + timedelta(minutes=61)) is Release.ENDED
    run = row(runner, task_id)
    assert run.status is RunStatus.EXPIRED
    assert run.cause
    assert run.cause.startswith("nobody has approved of it until ")


def asked(runner: TaskRunner, task_id: str) -> str:
    """Starts the workflow, and waits until it asks."""
    runner.register(task_id, "workflow/asking", retry=ONCE)
    arn = runner.start({"taskId": task_id, "scheduledTime": SLOT, "trigger": "schedule"})

    def asks() -> bool:
        found = runner.ledger.get(task_id, SLOT)
        return found is not None and found.approval is not None

    runner.until(asks)
    return arn


def test_a_workflow_goes_on_when_somebody_approves(runner: TaskRunner, approving: Approving, task_id: str) -> None:
    arn = asked(runner, task_id)
    approval = row(runner, task_id).approval
    assert approval
    assert (approval.state, approval.why, approval.is_open) == ("ApproveInvoices", "420 invoices, 61,208.15 EUR", True)
    say(approving, task_id)
    outcome = runner.end(arn, task_id, SLOT)
    assert outcome.run
    assert outcome.run.result == '{"sentFor":"ada"}'
    assert outcome.run.approval
    assert outcome.run.approval.who == "ada"


def test_a_workflow_that_is_refused_fails_with_the_reason(
    runner: TaskRunner, approving: Approving, task_id: str
) -> None:
    arn = asked(runner, task_id)
    say(approving, task_id, Answer.REFUSED, "the sum is wrong")
    with pytest.raises((AnsweredAlready, NothingAsked)):
        say(approving, task_id)
    outcome = runner.end(arn, task_id, SLOT)
    assert outcome.run
    assert (outcome.run.status, "ApprovalRefused" in (outcome.run.cause or "")) == (RunStatus.FAILED, True)
    assert "the sum is wrong" in (outcome.run.cause or "")


@pytest.mark.parametrize("fields", [{}, {"approval_seconds": 3600}])
def test_nothing_is_answered_that_nobody_asks(
    runner: TaskRunner, approving: Approving, task_id: str, fields: dict[str, Any]
) -> None:
    runner.register(task_id, **fields)
    with pytest.raises(NothingAsked, match="it has no row"):
        say(approving, task_id)
