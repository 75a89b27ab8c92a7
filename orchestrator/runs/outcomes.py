"""What becomes of tasks and their slots, as events: made from what changes in the ledger and in the registry.

An event's detail is a CloudEvent as JSON (CloudEvents 1.0, "JSON Event Format", structured mode), so that it can be
read where nothing is known of EventBridge; ``task``, ``slot``, ``stack`` and ``sequence`` are its extension attributes.
:mod:`orchestrator.runs.outcome_schema` says what each field holds.

One change makes the same events with the same ids each time that it is read. A row that is changed without news, such
as one that counts a duplicate, makes none. Neither params nor results are in an event: they may hold personal data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from orchestrator.dynamodb import Fields
from orchestrator.errors import InvalidRow
from orchestrator.instants import to_millisecond
from orchestrator.runs.hold import Hold
from orchestrator.runs.run import TERMINAL, Attention, Run, RunStatus, one_line
from orchestrator.runs.task_state import Pause
from orchestrator.stack import Stack

#: Of every event; ``aws.`` is for AWS alone.
SOURCE = "scheduled-tasks"

#: What names the shape of a detail. A field that is added leaves it as it is; another meaning is another number.
SCHEMA = "urn:scheduled-tasks:outcome:1"

#: As long as the longest number of a record ("StreamRecord" in the API of DynamoDB Streams), so that texts sort.
_SEQUENCE_DIGITS = 40


class Kind(StrEnum):
    """What has happened."""

    #: A run has taken the slot and begins.
    STARTED = "started"
    #: A slot waits: for the runs before it, for another task, a pool, a moment or somebody's approval.
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    #: A run failed, took too long or was stopped.
    FAILED = "failed"
    SKIPPED = "skipped"
    #: Nobody started the slot in time.
    MISSED = "missed"
    #: A run succeeded while an incident that has hit the task was open; it comes beside ``succeeded``.
    RECOVERED = "recovered"
    #: Somebody, or ``pauseAfterFailures``, paused the task.
    PAUSED = "paused"
    RESUMED = "resumed"

    @property
    def detail_type(self) -> str:
        """``Task Succeeded``."""
        return f"Task {self.value.capitalize()}"


#: What a plain run that goes well makes.
OF_A_RUN = (Kind.STARTED, Kind.SUCCEEDED)

#: What a pause makes, which is in the registry and in no row of the ledger.
OF_PAUSES = (Kind.PAUSED, Kind.RESUMED)

_KINDS = {
    RunStatus.RUNNING: Kind.STARTED,
    RunStatus.WAITING: Kind.WAITING,
    RunStatus.SUCCEEDED: Kind.SUCCEEDED,
    RunStatus.FAILED: Kind.FAILED,
    RunStatus.TIMED_OUT: Kind.FAILED,
    RunStatus.ABORTED: Kind.FAILED,
    RunStatus.SKIPPED: Kind.SKIPPED,
    RunStatus.MISSED: Kind.MISSED,
    RunStatus.EXPIRED: Kind.MISSED,
}

#: Changes of records whose task is, or was, paused, as patterns of EventBridge.
PAUSE_PATTERNS: tuple[Mapping[str, Any], ...] = tuple(
    {"dynamodb": {image: {"pause": {"M": {"since": {"S": [{"exists": True}]}}}}}} for image in ("NewImage", "OldImage")
)


def patterns(kinds: tuple[Kind, ...]) -> tuple[Mapping[str, Any], ...]:
    """Which changes of rows make events of these kinds, as patterns of EventBridge."""
    wanted = {Kind.SUCCEEDED if kind is Kind.RECOVERED else kind for kind in kinds}
    statuses = sorted(status for status, kind in _KINDS.items() if kind in wanted)
    return ({"dynamodb": {"NewImage": {"status": {"S": statuses}}}},) if statuses else ()


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of an item, as a table's stream has it."""

    #: The item before and after; empty where there was none, or is none any more.
    former: Mapping[str, Any]
    image: Mapping[str, Any]
    #: Digits; of two changes of one item the later has the greater.
    sequence: str
    at: datetime

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Change:
        """Of a record as Lambda hands it over."""
        change = record["dynamodb"]
        return cls(
            former=change.get("OldImage", {}),
            image=change.get("NewImage", {}),
            sequence=str(change["SequenceNumber"]),
            at=datetime.fromtimestamp(float(change["ApproximateCreationDateTime"]), UTC),
        )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One event."""

    kind: Kind
    stack: str
    task_id: str
    #: None for a pause.
    slot: str | None
    #: What tells it from other events of the same slot, or of the same task where there is no slot.
    version: str
    #: When it happened, ISO 8601 in UTC.
    at: str
    sequence: str
    execution_arn: str | None
    data: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The same, however often the event is published, and no other event's."""
        parts = (self.stack, self.task_id, self.slot or "pause", self.version, self.kind)
        return "/".join(parts)

    def to_detail(self) -> dict[str, Any]:
        """The CloudEvent."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": f"/{SOURCE}/{self.stack}/{self.task_id}",
            "type": f"{SOURCE}.task.{self.kind}",
            **({"subject": self.slot} if self.slot else {}),
            "time": self.at,
            "datacontenttype": "application/json",
            "dataschema": SCHEMA,
            "sequence": self.sequence.zfill(_SEQUENCE_DIGITS),
            "stack": self.stack,
            "task": self.task_id,
            **({"slot": self.slot} if self.slot else {}),
            "data": dict(self.data),
        }

    def to_entry(self, bus: str) -> dict[str, Any]:
        """An entry of PutEvents."""
        return {
            "EventBusName": bus,
            "Source": SOURCE,
            "DetailType": self.kind.detail_type,
            "Time": datetime.fromisoformat(self.at),
            "Resources": [self.execution_arn] if self.execution_arn else [],
            "Detail": json.dumps(self.to_detail(), ensure_ascii=False, separators=(",", ":")),
        }


def of_row(stack: Stack, change: Change) -> Iterator[Outcome]:
    """The events that a change of a row of the ledger makes; none if it cannot be read, which others report."""
    try:
        run = Run.from_item(change.image)
        before = _readable(change.former)
    except InvalidRow:
        return
    version = _version(run)
    if before is not None and (before.status, _version(before)) == (run.status, version):
        return
    kinds = [_KINDS[run.status]]
    if Attention.RECOVERED in run.attention:
        kinds.append(Kind.RECOVERED)
    moment = run.ended_at if run.status in TERMINAL else run.started_at if run.status is RunStatus.RUNNING else None
    for kind in kinds:
        yield Outcome(
            kind=kind,
            stack=stack.name,
            task_id=run.task_id,
            slot=run.slot,
            version=version,
            at=moment or to_millisecond(change.at),
            sequence=change.sequence,
            execution_arn=run.execution_arn and one_line(run.execution_arn),
            data=_data(run),
        )


def of_record(stack: Stack, change: Change) -> Iterator[Outcome]:
    """The events that a change of a record of the registry makes: that a task is paused, or no longer."""
    before, after = _pause(change.former), _pause(change.image)
    is_new = after is not None and (before is None or before.since != after.since)
    pause = after if is_new else before if after is None else None
    if pause is None:
        return
    yield Outcome(
        kind=Kind.PAUSED if is_new else Kind.RESUMED,
        stack=stack.name,
        task_id=Fields(change.image or change.former).get("taskId", str),
        slot=None,
        version=one_line(pause.since),
        at=to_millisecond(change.at),
        sequence=change.sequence,
        execution_arn=None,
        data={"pause": {name: one_line(text) for name, text in pause.to_value().items()}},
    )


def _data(run: Run) -> dict[str, Any]:
    """What a row says that people may read, in a bounded number of characters; what does not apply is left out."""
    texts = {
        "status": run.status,
        "version": run.version,
        "trigger": run.trigger,
        "reason": run.reason,
        "startedAt": run.started_at,
        "endedAt": run.ended_at,
        "executionArn": run.execution_arn,
        "childExecutionArn": run.child_execution_arn,
        "error": run.error,
        "cause": run.cause,
    }
    others = {
        "attempts": run.attempts or None,
        "durationSeconds": run.duration_seconds,
        "dollars": float(run.dollars) if run.dollars is not None and run.status in TERMINAL else None,
        "startDelaySeconds": run.start_delay_seconds,
        "attention": [str(one) for one in run.attention] or None,
        "hold": _hold(run.hold),
    }
    said = {name: one_line(text) if text is not None else None for name, text in texts.items()} | others
    return {name: value for name, value in said.items() if value is not None}


def _version(run: Run) -> str:
    """A run's own, and of a slot that waits for one thing after another what it waits for."""
    held = run.hold if run.status is RunStatus.WAITING else None
    return f"{run.version}-{held.kind}" if held else run.version


def _hold(hold: Hold | None) -> dict[str, str] | None:
    """What of a hold people may read: params that were given are not."""
    if hold is None:
        return None
    known = {"kind": hold.kind, "why": hold.why, "since": hold.since, "deadline": hold.deadline}
    return {name: one_line(text) for name, text in known.items() if text}


def _pause(image: Mapping[str, Any]) -> Pause | None:
    """None, too, for what somebody has written there and is no pause."""
    attribute = image.get("pause", {})
    if "M" not in attribute:
        return None
    try:
        pause = Pause.from_fields(Fields(attribute["M"]))
    except (ValueError, TypeError, AttributeError):
        return None
    return pause if pause.since else None


def _readable(former: Mapping[str, Any]) -> Run | None:
    """None where there was no row, or none that could be read: what can be read now is news."""
    try:
        return Run.from_item(former) if "status" in Fields(former) else None
    except InvalidRow:
        return None
