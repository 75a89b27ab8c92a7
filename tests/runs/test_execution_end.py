"""What the end of an execution says of the run that it was."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import pytest

from orchestrator.runs.execution_end import Asked, ExecutionEnd
from orchestrator.runs.run import RunStatus, Trigger
from tests.fuzz.failures import SOUND, Records, read
from tests.testbed.hostile import messages, records

SLOT, STARTED_AT = "2026-12-01T08:00:00Z", "2026-12-01T08:00:00.123Z"


def event(**detail: Any) -> dict[str, Any]:
    given = {
        "executionArn": "arn:aws:states:us-east-1:123456789012:execution:orchestrator-dev-TaskRunner:x",
        "stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:orchestrator-dev-TaskRunner",
        "status": "FAILED",
        "startDate": 1_796_112_000_123,
        "stopDate": 1_796_112_005_456,
        "input": json.dumps({"taskId": "report", "scheduledTime": SLOT, "trigger": "schedule"}),
    }
    return {"detail-type": "Step Functions Execution Status Change", "detail": given | detail}


def test_a_scheduled_run_is_known_by_its_slot() -> None:
    found = ExecutionEnd.read(event(error="States.Runtime", cause="x"))
    assert found is not None
    assert found.asked == Asked(task_id="report", slot=SLOT, trigger=Trigger.SCHEDULE)
    assert found.unclaimed_slot == SLOT
    assert (found.status, found.error, found.cause) == (RunStatus.FAILED, "States.Runtime", "x")
    assert found.ended_at == "2026-12-01T08:00:05.456Z"


def test_a_run_that_was_to_replace_another_says_which() -> None:
    given = {"taskId": "report", "trigger": "catch up", "replaces": "2026-12-01T08:00:00.123Z"}
    found = ExecutionEnd.read(event(input=json.dumps(given)))
    assert found is not None
    assert (found.asked.trigger, found.asked.replaces) == (Trigger.CATCH_UP, "2026-12-01T08:00:00.123Z")


def test_an_ad_hoc_run_is_known_by_the_moment_it_started() -> None:
    found = ExecutionEnd.read(event(input='{"taskId": "report"}'))
    assert found is not None
    assert (found.asked.slot, found.asked.trigger) == (STARTED_AT, Trigger.AD_HOC)


def test_a_start_by_hand_for_a_slot_takes_that_slot_only_if_it_has_claimed_it() -> None:
    found = ExecutionEnd.read(event(input=json.dumps({"taskId": "report", "scheduledTime": SLOT})))
    assert found is not None
    assert (found.asked.slot, found.asked.trigger, found.unclaimed_slot) == (SLOT, Trigger.AD_HOC, STARTED_AT)


@pytest.mark.parametrize(
    "wrong", [{"params": None}, {"params": []}, {"replaces": 7}, {"trigger": "magic"}, {"scheduledTime": f"{SLOT}\n"}]
)
def test_an_input_that_is_refused_takes_no_slot(wrong: dict[str, Any]) -> None:
    given = {"taskId": "report", "scheduledTime": SLOT, "trigger": "schedule"} | wrong
    found = ExecutionEnd.read(event(input=json.dumps(given)))
    assert found is not None
    assert (found.asked.task_id, found.unclaimed_slot) == ("_invalid", STARTED_AT)


@pytest.mark.parametrize(
    "given", [None, "", "x", "[]", '{"taskId": 7}', '{"taskId": "a:b"}', r'{"taskId": "a\n"}', "[" * 100_000]
)
def test_an_input_that_names_no_task_is_kept_as_nobodys(given: Any) -> None:
    found = ExecutionEnd.read(event(input=given))
    assert found is not None
    assert (found.asked.task_id, found.asked.slot) == ("_invalid", STARTED_AT)


@pytest.mark.parametrize("status", ["RUNNING", "SUCCEEDED", "PENDING_REDRIVE", None, ["FAILED"]])
def test_an_execution_that_goes_on_or_went_well_is_no_death(status: Any) -> None:
    assert ExecutionEnd.read(event(status=status)) is None


def test_no_event_is_too_strange_to_be_read() -> None:
    kinds = {type(read(message)).__name__ for message in islice(messages(seed=3), 5000)}
    assert kinds == {"DeadLetter", "ExecutionEnd", "NoneType"}


def test_no_record_that_passes_the_runners_check_breaks_an_expression_that_nobody_catches() -> None:
    expressions = Records()
    outcomes = {expressions.outcome(record) for record in islice(records(4, SOUND), 500)}
    assert outcomes == {"runs", "refused", "caught"}
