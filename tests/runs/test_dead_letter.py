"""What a message of Scheduler's dead-letter queue says."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import pytest

from orchestrator.runs.dead_letter import PAYLOAD_LIMIT, DeadLetter
from tests.testbed.hostile import messages

ARN = "arn:aws:scheduler:us-east-1:123456789012:schedule/"


def message(body: Any = None, **attributes: str) -> dict[str, Any]:
    """As Lambda has it: ``body`` is what StartExecution was asked, unless it is given."""
    request = {
        "StateMachineArn": "arn:x",
        "Input": json.dumps({"taskId": "report", "scheduledTime": "2026-12-01T08:00:00Z"}),
    }
    return {
        "messageId": "m-1",
        "body": json.dumps(request) if body is None else body,
        "messageAttributes": {name: {"stringValue": text, "dataType": "String"} for name, text in attributes.items()},
    }


def test_it_says_which_slot_of_which_task_was_not_started_and_why() -> None:
    found = DeadLetter.read(
        message(
            ERROR_CODE="ThrottlingException",
            ERROR_MESSAGE="Rate exceeded",
            EXECUTION_ID="e-1",
            EXHAUSTED_RETRY_CONDITION="MaximumRetryAttempts",
            IS_PAYLOAD_TRUNCATED="false",
            RETRY_ATTEMPTS="10",
            SCHEDULED_TIME="2026-12-01T08:00:00Z",
            SCHEDULE_ARN=f"{ARN}orchestrator-dev/report-01234567",
            TARGET_ARN="arn:aws:scheduler:::aws-sdk:sfn:startExecution",
        )
    )
    assert (found.task_id, found.slot) == ("report", "2026-12-01T08:00:00Z")
    assert (found.error_code, found.retry_attempts, found.scheduler_execution_id) == ("ThrottlingException", 10, "e-1")
    assert found.cause == "not delivered: Rate exceeded; Scheduler tried 11 times and gave up (MaximumRetryAttempts)"
    assert not found.is_duplicate


@pytest.mark.parametrize("name", ["orchestrator-dev/report-01234567", "report-01234567"])
def test_a_body_that_says_nothing_leaves_the_name_of_the_schedule(name: str) -> None:
    assert DeadLetter.read(message("{}", SCHEDULE_ARN=ARN + name)).task_id == "report"


def test_a_body_that_was_cut_off_still_names_its_task_and_time() -> None:
    whole = message()["body"]
    found = DeadLetter.read(message(whole[: whole.index("Z") + 3], IS_PAYLOAD_TRUNCATED="true"))
    assert (found.task_id, found.slot, found.truncated) == ("report", "2026-12-01T08:00:00Z", True)


def test_the_input_of_a_templated_target_is_read_too() -> None:
    assert DeadLetter.read(message('{"taskId": "report"}')).task_id == "report"


def test_an_execution_that_exists_is_a_duplicate() -> None:
    assert DeadLetter.read(message(ERROR_CODE="ExecutionAlreadyExists")).is_duplicate


@pytest.mark.parametrize("body", ['{"taskId": "a:b"}', '{"taskId": 7}', "", "[]", None])
def test_what_names_no_task_names_none(body: str | None) -> None:
    found = DeadLetter.read({"messageId": "m", "body": body})
    assert (found.task_id, found.slot, found.error_code) == (None, None, "DeliveryFailed")


def test_a_long_payload_is_kept_in_part() -> None:
    assert len(DeadLetter.read(message("x" * 200_000)).payload) == PAYLOAD_LIMIT


def test_no_message_is_too_strange_to_be_read() -> None:
    for strange in islice(messages(seed=2), 3000):
        found = DeadLetter.read(strange)
        assert found.task_id is None or 0 < len(found.task_id) <= 48
        assert found.slot is None or len(found.slot) == 20
        assert found.error_code


def test_a_rules_letter_names_its_task_and_takes_no_slot() -> None:
    rule = "arn:aws:events:us-east-1:123456789012:rule/orders/shop-prod-on.daily-report.1f2e3d"
    body = json.dumps({"detail-type": "Day closed", "detail": {"taskId": "other", "scheduledTime": "2026-12-01"}})
    found = DeadLetter.read({**message(RULE_ARN=rule, ERROR_CODE="NO_PERMISSIONS"), "body": body})
    assert (found.task_id, found.slot, found.rule_arn) == ("daily-report", None, rule)
    assert "EventBridge tried" in found.cause


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ExecutionAlreadyExists", True),
        ("ExecutionAlreadyExistsException", True),
        ("Sfn.ExecutionAlreadyExistsException", True),
        ("ExecutionLimitExceeded", False),
        ("AWS.Scheduler.InternalServerError", False),
    ],
)
def test_a_slot_that_was_started_before_is_known_however_its_error_is_called(code: str, expected: bool) -> None:
    assert DeadLetter.read(message(ERROR_CODE=code)).is_duplicate is expected
