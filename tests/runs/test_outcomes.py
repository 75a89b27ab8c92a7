"""Which events a change makes, what they say, and that they have the shape that is documented."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from orchestrator.dynamodb import to_item
from orchestrator.local.aws.events.patterns import matches
from orchestrator.runs.outcome_schema import schema
from orchestrator.runs.outcomes import OF_A_RUN, PAUSE_PATTERNS, Change, Kind, Outcome, of_record, of_row, patterns
from orchestrator.runs.run import CAUSE_LIMIT, RunStatus
from orchestrator.stack import Stack
from orchestrator.stores.event_bus import MOST_BYTES, MOST_ENTRIES, Event, size

STACK = Stack()
AT = 1_795_600_406
ROW: dict[str, Any] = {
    "taskId": "report",
    "slot": "2026-12-01T08:00:00Z",
    "status": "RUNNING",
    "trigger": "schedule",
    "executionArn": "arn:aws:states:eu-central-1:123456789012:execution:orchestrator-dev-TaskRunner:x",
    "startedAt": "2026-12-01T08:00:00.412Z",
    "attempts": 1,
}
ENDED = ROW | {"endedAt": "2026-12-01T08:03:10.120Z"}
PAUSE = {"who": "ada", "why": "the disk is full", "since": "2026-12-01T07:00:00Z", "until": "2026-12-01T09:00:00Z"}


def changed(former: dict[str, Any] | None, image: dict[str, Any] | None, table: str = "TaskRuns") -> dict[str, Any]:
    images = {"OldImage": former, "NewImage": image}
    return {
        "eventSourceARN": f"arn:aws:dynamodb:eu-central-1:123456789012:table/orchestrator-dev-{table}/stream/x",
        "dynamodb": {
            **{name: to_item(item) for name, item in images.items() if item},
            "SequenceNumber": "42",
            "ApproximateCreationDateTime": AT,
        },
    }


def told(former: dict[str, Any] | None, image: dict[str, Any] | None) -> list[Outcome]:
    """Of a row, each event of which has the shape that is documented."""
    record = changed(former, image)
    found = list(of_row(STACK, Change.from_record(record)))
    assert all(any(matches(one, record) for one in patterns(tuple(Kind))) for _ in found)
    for outcome in found:
        jsonschema.validate(json.loads(outcome.to_entry("bus")["Detail"]), schema())
    return found


def paused(former: dict[str, Any], image: dict[str, Any]) -> list[Outcome]:
    record = changed({"taskId": "report", **former}, {"taskId": "report", **image}, "ScheduledTasks")
    found = list(of_record(STACK, Change.from_record(record)))
    assert all(any(matches(one, record) for one in PAUSE_PATTERNS) for _ in found)
    for outcome in found:
        jsonschema.validate(json.loads(outcome.to_entry("bus")["Detail"]), schema())
    return found


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (RunStatus.SUCCEEDED, Kind.SUCCEEDED),
        (RunStatus.FAILED, Kind.FAILED),
        (RunStatus.TIMED_OUT, Kind.FAILED),
        (RunStatus.ABORTED, Kind.FAILED),
        (RunStatus.SKIPPED, Kind.SKIPPED),
        (RunStatus.MISSED, Kind.MISSED),
        (RunStatus.EXPIRED, Kind.MISSED),
    ],
)
def test_the_end_of_a_run_is_one_event(status: RunStatus, kind: Kind) -> None:
    (outcome,) = told(ROW, ENDED | {"status": status})
    assert (outcome.kind, outcome.data["status"], outcome.at) == (kind, status, "2026-12-01T08:03:10.120Z")


def test_an_event_says_what_the_row_says_in_the_words_of_cloudevents() -> None:
    ended = to_item(ENDED | {"status": "SUCCEEDED", "result": '{"rows": 3}'}) | {"durationSeconds": {"N": "189.7"}}
    record = changed(ROW, None)
    record["dynamodb"]["NewImage"] = ended
    (outcome,) = of_row(STACK, Change.from_record(record))
    entry = outcome.to_entry("the-bus")
    detail = json.loads(entry.pop("Detail"))
    assert {**entry, "Time": entry["Time"].isoformat()} == {
        "EventBusName": "the-bus",
        "Source": "scheduled-tasks",
        "DetailType": "Task Succeeded",
        "Time": "2026-12-01T08:03:10.120000+00:00",
        "Resources": [ROW["executionArn"]],
    }
    assert detail == {
        "specversion": "1.0",
        "id": "orchestrator-dev/report/2026-12-01T08:00:00Z/2026-12-01T08:00:00.412Z/succeeded",
        "source": "/scheduled-tasks/orchestrator-dev/report",
        "type": "scheduled-tasks.task.succeeded",
        "subject": "2026-12-01T08:00:00Z",
        "time": "2026-12-01T08:03:10.120Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:scheduled-tasks:outcome:1",
        "sequence": "0000000000000000000000000000000000000042",
        "stack": "orchestrator-dev",
        "task": "report",
        "slot": "2026-12-01T08:00:00Z",
        "data": {
            "status": "SUCCEEDED",
            "version": "2026-12-01T08:00:00.412Z",
            "trigger": "schedule",
            "startedAt": "2026-12-01T08:00:00.412Z",
            "endedAt": "2026-12-01T08:03:10.120Z",
            "executionArn": ROW["executionArn"],
            "attempts": 1,
            "durationSeconds": 189.7,
        },
    }


def test_a_run_that_begins_is_an_event_and_so_is_each_rerun() -> None:
    rerun = ROW | {"startedAt": "2026-12-01T10:00:00.000Z"}
    first, second = told(None, ROW), told(ENDED | {"status": "FAILED"}, rerun)
    assert [one.kind for one in (*first, *second)] == [Kind.STARTED, Kind.STARTED]
    assert first[0].id != second[0].id


def test_what_is_no_news_is_no_event() -> None:
    done = ENDED | {"status": "SUCCEEDED"}
    assert told(done, done | {"duplicates": 1}) == []
    assert told(done, None) == []
    assert told(done, {"taskId": "report", "slot": "x", "status": "ASLEEP"}) == []


def test_a_run_that_ends_an_incident_is_a_recovery_too() -> None:
    found = told(ROW, ENDED | {"status": "SUCCEEDED", "attention": "late, recovered"})
    assert [one.kind for one in found] == [Kind.SUCCEEDED, Kind.RECOVERED]
    assert len({one.id for one in found}) == 2


def test_a_slot_that_waits_says_for_what_and_tells_when_that_changes() -> None:
    waiting = {name: ROW[name] for name in ("taskId", "slot", "trigger")} | {"status": "WAITING"}
    upstream = waiting | {"hold": {"kind": "upstream", "since": "2026-12-01T08:00:01.000Z", "why": "waits for extract"}}
    pool = waiting | {"hold": {"kind": "pool", "since": "2026-12-01T08:10:00.000Z", "wakeAt": 1_795_600_406}}
    (first,), (second,) = told(None, upstream), told(upstream, pool)
    assert (first.kind, first.data["hold"]["why"]) == (Kind.WAITING, "waits for extract")
    assert first.id != second.id
    assert told(upstream, upstream | {"duplicates": 1}) == []


def test_a_pause_and_its_end_are_events_without_a_slot() -> None:
    (begun,), (over,) = paused({}, {"pause": PAUSE}), paused({"pause": PAUSE}, {})
    assert [begun.kind, over.kind] == [Kind.PAUSED, Kind.RESUMED]
    assert begun.data == {"pause": PAUSE | {"onResume": "none"}}
    assert begun.to_detail()["id"] == "orchestrator-dev/report/pause/2026-12-01T07:00:00Z/paused"
    # Its end is written before it is taken away; another pause is another event.
    assert paused({"pause": PAUSE}, {"pause": PAUSE | {"until": "2026-12-01T08:00:00Z"}}) == []
    (again,) = paused({"pause": PAUSE}, {"pause": PAUSE | {"since": "2026-12-01T07:30:00Z", "why": "still"}})
    assert again.kind is Kind.PAUSED
    assert paused({"nextRun": "x"}, {"nextRun": "y"}) == []


def test_a_row_of_any_size_fits_into_a_request() -> None:
    """Whoever may write to the table can write anything, and an event that is too large would never be taken."""
    odd = "\u0001x✓" * 30_000
    row = ENDED | dict.fromkeys(("error", "cause", "reason", "executionArn", "childExecutionArn"), odd)
    (outcome,) = told(None, row | {"status": "FAILED"})
    assert len(outcome.data["cause"]) == CAUSE_LIMIT
    assert size(Event(entry=outcome.to_entry("bus"), group="x")) < MOST_BYTES / MOST_ENTRIES


@pytest.mark.parametrize("status", sorted(RunStatus))
def test_only_changes_of_the_kinds_that_are_wanted_are_handed_over(status: RunStatus) -> None:
    record = changed(ROW, ENDED | {"status": status})
    wanted = any(matches(one, record) for one in patterns(OF_A_RUN))
    assert wanted == (status in (RunStatus.RUNNING, RunStatus.SUCCEEDED))
    assert patterns((Kind.PAUSED,)) == ()
