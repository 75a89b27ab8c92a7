"""What a target receives, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import Field, ValidationError

from orchestrator.errors import InvalidParameters
from orchestrator.handlers.event import Params, TaskEvent


class LetterParams(Params):
    recipient: str
    page_count: int = 1
    stamps: tuple[str, ...] = ()
    weight: float = Field(default=1, gt=0)


def event(**changes: Any) -> dict[str, Any]:
    """An event as TaskRunner makes it."""
    return {
        "taskId": "letters",
        "slot": "2026-12-01T08:00:00Z",
        "scheduledTime": "2026-12-01T08:00:00Z",
        "attempt": 2,
        "runKey": "letters#2026-12-01T08:00:00Z",
        "params": {"recipient": "Ada", "pageCount": 3, "stamps": ["a", "b"], "weight": 2},
    } | changes


def read(**changes: Any) -> TaskEvent[LetterParams]:
    return TaskEvent[LetterParams].read(event(**changes), target="lambda/letters")


def refusal(**changes: Any) -> str:
    with pytest.raises(InvalidParameters) as fault:
        read(**changes)
    return str(fault.value)


def test_an_event_has_its_slot_as_a_time_and_its_params_as_values() -> None:
    found = read()
    assert (found.task_id, found.attempt, found.run_key) == ("letters", 2, "letters#2026-12-01T08:00:00Z")
    assert found.slot == found.scheduled_time == datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert found.params == LetterParams.model_validate_json(
        '{"recipient": "Ada", "pageCount": 3, "stamps": ["a", "b"], "weight": 2}'
    )
    assert (found.params.page_count, found.params.stamps) == (3, ("a", "b"))


def test_an_ad_hoc_run_has_milliseconds_and_no_scheduled_time() -> None:
    found = read(slot="2026-12-01T08:00:12.345Z", scheduledTime=None)
    assert found.slot == datetime(2026, 12, 1, 8, 0, 12, 345_000, tzinfo=UTC)
    assert found.scheduled_time is None


def test_what_step_functions_adds_to_an_event_is_ignored() -> None:
    assert read(AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID="arn:…").task_id == "letters"


def test_params_have_their_defaults() -> None:
    assert read(params={"recipient": "Ada"}).params.page_count == 1


def test_a_misspelt_parameter_is_refused_with_the_right_name() -> None:
    said = refusal(params={"recipient": "Ada", "pagecount": 3})
    assert said == (
        "lambda/letters was given wrong params: params.pagecount: no such parameter; did you mean pageCount?"
    )


def test_a_strange_parameter_is_refused_with_the_names_there_are() -> None:
    said = refusal(params={"recipient": "Ada", "colour": "blue"})
    assert said.endswith("params.colour: no such parameter; there are pageCount, recipient, stamps, weight")


def test_a_target_without_params_says_that_there_are_none() -> None:
    with pytest.raises(InvalidParameters, match=r"params\.colour: no such parameter; there are none"):
        TaskEvent[Params].read(event(params={"colour": "blue"}), target="lambda/letters")


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({}, "params.recipient: Field required"),
        ({"recipient": 7}, "params.recipient: Input should be a valid string"),
        ({"recipient": "Ada", "pageCount": "3"}, "params.pageCount: Input should be a valid integer"),
        ({"recipient": "Ada", "pageCount": True}, "params.pageCount: Input should be a valid integer"),
        ({"recipient": "Ada", "pageCount": 3.5}, "params.pageCount: Input should be a valid integer"),
        ({"recipient": "Ada", "stamps": ["a", 2]}, "params.stamps[1]: Input should be a valid string"),
        ({"recipient": "Ada", "weight": 0}, "params.weight: Input should be greater than 0"),
    ],
)
def test_a_value_of_another_type_is_refused_where_it_is(params: dict[str, Any], problem: str) -> None:
    assert problem in refusal(params=params)


def test_every_mistake_is_named_at_once_and_no_text_is_quoted() -> None:
    said = refusal(params={"recipient": ["ada@example.com"], "pageCount": "ada@example.com", "stmps": []})
    assert [part.split(":")[0] for part in said.partition(": ")[2].split("; params")] == [
        "params.recipient",
        ".pageCount",
        ".stmps",
    ]
    assert "ada@example.com" not in said


@pytest.mark.parametrize("slot", ["2026-12-01T08:00:00", "tomorrow", 1_764_576_000])
def test_a_slot_without_an_offset_or_that_is_no_time_is_refused(slot: Any) -> None:
    assert "slot: Input should " in refusal(slot=slot)


def test_an_event_that_taskrunner_did_not_make_is_refused() -> None:
    with pytest.raises(InvalidParameters, match="taskId: Field required; slot: Field required; runKey: Field required"):
        TaskEvent[Params].read({}, target="lambda/letters")


def test_an_event_does_not_change() -> None:
    found = read()
    with pytest.raises(ValidationError, match="frozen"):
        found.attempt = 3
    with pytest.raises(ValidationError, match="frozen"):
        found.params.page_count = 4
