"""What the watchdog makes of a task, without any AWS."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest

from orchestrator.deployment.reconciliation import Found, plan
from orchestrator.deployment.writing import settled
from orchestrator.runs.missed_slots import MOST_SLOTS, Detection, detect, first_checkpoint, too_long
from orchestrator.runs.run import Run, RunStatus, SkipReason
from orchestrator.runs.task_state import Checkpoint, Lease, Pause, Record
from orchestrator.schedules.calendars import Closure
from orchestrator.stack import Stack
from orchestrator.stores.schedule_group import SchedulerSettings, Schedules
from orchestrator.tasks.slots import key, upcoming
from orchestrator.tasks.task import CatchUp, Target, TargetKind, Task, TaskSchedule

#: Whom nothing is asked.
NOBODY: Any = None

HOURLY = Task(
    id="hourly",
    target=Target(kind=TargetKind.LAMBDA, name="work"),
    schedules=(TaskSchedule(expression="cron(0 * * * ? *)"),),
    grace_seconds=300,
)
BEGIN = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
NINE, TEN, ELEVEN = (f"2026-11-23T{hour:02}:00:00Z" for hour in (9, 10, 11))


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 23, hour, minute, tzinfo=UTC)


def twice(task: Task, now: datetime, recorded: Collection[str] = (), pause: Pause | None = None) -> Detection:
    """Two looks, five minutes apart, after which nothing is only suspected any more."""
    first = detect(task, first_checkpoint(task, BEGIN), pause, recorded, now)
    assert (first.verdicts, first.starts) == ((), ())
    return detect(task, first.checkpoint, pause, recorded, now + timedelta(minutes=5))


def test_a_new_task_is_looked_at_when_its_first_slot_is_due() -> None:
    assert first_checkpoint(HOURLY, BEGIN) == Checkpoint(checked_until=key(BEGIN), next_run=NINE, since=key(BEGIN))
    assert first_checkpoint(replace(HOURLY, schedules=()), BEGIN).next_run is None


def test_a_slot_with_a_row_is_behind_the_watchdog() -> None:
    detection = detect(HOURLY, first_checkpoint(HOURLY, BEGIN), None, {NINE}, at(9, 10))
    assert (detection.verdicts, detection.starts) == ((), ())
    assert detection.checkpoint == Checkpoint(checked_until="2026-11-23T09:05:00Z", next_run=TEN, since=key(BEGIN))


def test_a_slot_is_not_looked_for_before_its_grace_has_passed() -> None:
    detection = detect(HOURLY, first_checkpoint(HOURLY, BEGIN), None, (), at(9, 4))
    assert (detection.verdicts, detection.checkpoint.suspected, detection.checkpoint.next_run) == ((), None, NINE)


def test_a_slot_without_a_row_is_suspected_once_and_missed_the_second_time() -> None:
    first = detect(HOURLY, first_checkpoint(HOURLY, BEGIN), None, (), at(9, 5))
    assert (first.verdicts, first.checkpoint.suspected) == ((), NINE)
    second = detect(HOURLY, first.checkpoint, None, (), at(9, 10))
    assert [(one.slot, one.status) for one in second.verdicts] == [(NINE, RunStatus.MISSED)]
    assert second.checkpoint == Checkpoint(checked_until="2026-11-23T09:05:00Z", next_run=TEN, since=key(BEGIN))


def test_a_row_that_appears_between_two_looks_is_no_miss() -> None:
    first = detect(HOURLY, first_checkpoint(HOURLY, BEGIN), None, (), at(9, 5))
    assert detect(HOURLY, first.checkpoint, None, {NINE}, at(9, 10)).verdicts == ()


def test_a_slot_that_falls_due_between_two_looks_is_suspected_for_itself() -> None:
    first = detect(HOURLY, first_checkpoint(HOURLY, BEGIN), None, (), at(9, 58))
    second = detect(HOURLY, first.checkpoint, None, (), at(10, 6))
    assert [one.slot for one in second.verdicts] == [NINE]
    assert (second.checkpoint.suspected, second.checkpoint.next_run) == (TEN, TEN)


@pytest.mark.parametrize(
    ("catch_up", "starts", "missed"),
    [
        (CatchUp.NONE, (), [NINE, TEN, ELEVEN]),
        (CatchUp.LATEST, (ELEVEN,), [NINE, TEN]),
        (CatchUp.ALL, (NINE, TEN, ELEVEN), []),
    ],
)
def test_missed_slots_are_caught_up_as_the_task_says(
    catch_up: CatchUp, starts: tuple[str, ...], missed: list[str]
) -> None:
    detection = twice(replace(HOURLY, catch_up=catch_up), at(11, 30))
    assert (detection.starts, [one.slot for one in detection.verdicts]) == (starts, missed)


def test_a_slot_that_was_started_is_looked_for_again_and_missed_if_it_left_no_row() -> None:
    task = replace(HOURLY, catch_up=CatchUp.LATEST)
    started = twice(task, at(9, 30))
    assert (started.starts, started.checkpoint.caught_up, started.checkpoint.next_run) == ((NINE,), NINE, NINE)
    assert detect(task, started.checkpoint, None, {NINE}, at(9, 40)).checkpoint == Checkpoint(
        checked_until="2026-11-23T09:35:00Z", next_run=TEN, since=key(BEGIN)
    )
    again = detect(task, started.checkpoint, None, (), at(9, 40))
    assert (again.starts, [one.status for one in again.verdicts]) == ((), [RunStatus.MISSED])


def test_what_is_older_than_the_window_has_expired() -> None:
    detection = twice(replace(HOURLY, catch_up=CatchUp.ALL, catch_up_window_seconds=5400), at(11, 0))
    assert detection.starts == (TEN,)
    assert [(one.slot, one.status) for one in detection.verdicts] == [(NINE, RunStatus.EXPIRED)]


def test_a_slot_that_would_not_have_run_is_skipped_and_not_missed() -> None:
    closed = replace(HOURLY, closures=(Closure(since=at(9), until=at(10), why="holidays: Founding Day"),))
    pause = Pause(who="ann", why="migration", since="2026-11-23T09:30:00Z")
    detection = twice(closed, at(10, 30), pause=pause)
    assert [(one.slot, one.status, one.reason, one.cause) for one in detection.verdicts] == [
        (NINE, RunStatus.SKIPPED, SkipReason.CLOSED, "holidays: Founding Day"),
        (TEN, RunStatus.SKIPPED, SkipReason.PAUSED, "migration"),
    ]


def test_the_end_of_a_pause_is_a_time_to_look() -> None:
    pause = Pause(since=key(BEGIN), until="2026-11-23T09:15:00Z")
    assert detect(HOURLY, first_checkpoint(HOURLY, BEGIN), pause, {NINE}, at(9, 10)).checkpoint.next_run == pause.until
    assert detect(HOURLY, first_checkpoint(HOURLY, BEGIN), pause, {NINE}, at(9, 20)).checkpoint.next_run == TEN


def test_a_local_time_that_does_not_exist_has_a_row_at_the_change_of_clock() -> None:
    night = TaskSchedule(expression="cron(30 2 * * ? *)", timezone="America/New_York")
    task = replace(HOURLY, schedules=(night,))
    checkpoint = first_checkpoint(task, datetime(2027, 3, 14, tzinfo=UTC))
    detection = detect(task, checkpoint, None, (), datetime(2027, 3, 14, 12, tzinfo=UTC))
    (verdict,) = detection.verdicts
    assert (verdict.slot, verdict.reason) == ("2027-03-14T07:00:00Z", SkipReason.NONEXISTENT)
    assert verdict.cause == "the clock is set forward: there is no 2027-03-14 02:30 America/New_York"


def test_a_task_that_nobody_has_looked_at_for_long_is_caught_up_with_bit_by_bit() -> None:
    minutely = replace(HOURLY, schedules=(TaskSchedule(expression="rate(1 minute)"),))
    checkpoint, now, slots = first_checkpoint(minutely, BEGIN), BEGIN + timedelta(hours=20), 0
    for _ in range(8):
        detection = detect(minutely, checkpoint, None, (), now)
        slots += len(detection.verdicts)
        assert len(detection.verdicts) <= MOST_SLOTS
        checkpoint = detection.checkpoint
    assert slots == 20 * 60 - 5
    assert checkpoint.suspected is None


def test_a_monthly_task_is_watched_like_any_other() -> None:
    monthly = replace(HOURLY, schedules=(TaskSchedule(expression="cron(0 0 1 * ? *)"),))
    checkpoint = first_checkpoint(monthly, BEGIN)
    assert checkpoint.next_run == "2026-12-01T00:00:00Z"
    now = datetime(2026, 12, 1, 0, 5, tzinfo=UTC)
    second = detect(
        monthly, detect(monthly, checkpoint, None, (), now).checkpoint, None, (), now + timedelta(minutes=5)
    )
    assert [one.slot for one in second.verdicts] == ["2026-12-01T00:00:00Z"]
    assert second.checkpoint.next_run == "2027-01-01T00:00:00Z"


@pytest.mark.parametrize("phase", range(0, 300, 13))
def test_a_missed_slot_is_found_within_grace_and_two_periods(phase: int) -> None:
    """Wherever in its period the watchdog makes its rounds."""
    period, checkpoint = timedelta(minutes=5), first_checkpoint(HOURLY, BEGIN)
    rounds = (BEGIN + timedelta(seconds=phase) + number * period for number in range(30))
    for now in rounds:
        detection = detect(HOURLY, checkpoint, None, (), now)
        checkpoint = detection.checkpoint
        if detection.verdicts:
            break
    assert [(one.slot, one.status) for one in detection.verdicts] == [(NINE, RunStatus.MISSED)]
    assert now - at(9) <= timedelta(seconds=HOURLY.grace_seconds) + 2 * period


@pytest.mark.parametrize(
    "expression", ["rate(1 minute)", "rate(7 minutes)", "rate(1 hour)", "rate(5 days)", "cron(* * * * ? *)"]
)
def test_whenever_a_schedule_is_created_everything_that_is_watched_is_delivered(expression: str) -> None:
    """A plan at any second, and a creation up to a minute later: what is not delivered comes before both."""
    schedule = TaskSchedule(expression=expression)
    task = replace(HOURLY, schedules=(schedule,))
    nothing = Found(registered={}, schedules={}, up_to_date=True)
    settings = SchedulerSettings(state_machine="arn", role="arn", dead_letter_queue="arn", group="arn")
    for number, delay in product(range(0, 3600, 197), (0, 1, 29, 59)):
        planned = BEGIN + timedelta(seconds=number)
        created = planned + timedelta(seconds=delay)
        checkpoint = first_checkpoint(task, settled(plan([task], nothing, planned).operations, planned))
        schedules = Schedules(NOBODY, Stack(), settings, partial(_same, created))
        delivered_from = schedules.request("name", task.id, schedule).get("StartDate", created)
        first = next(upcoming(task, datetime.fromisoformat(checkpoint.checked_until)))
        assert first.at >= delivered_from
        assert checkpoint.next_run == key(first.at)


def _same(moment: datetime) -> datetime:
    return moment


def long_run(**fields: Any) -> Run:
    started = {"started_at": "2026-11-23T09:00:00.500Z", "execution_arn": "arn:me"}
    return replace(Run(task_id="hourly", slot=NINE, status=RunStatus.RUNNING), **started | fields)


@pytest.mark.parametrize(
    ("minute", "lease", "expected"),
    [
        (9, None, False),
        (11, None, True),
        (11, ("arn:me", at(9, 0)), True),
        # It has waited five minutes for its turn.
        (11, ("arn:me", at(9, 5)), False),
        (16, ("arn:me", at(9, 5)), True),
        # The lease is another's: a backfill's run holds none.
        (11, ("arn:another", at(9, 5)), True),
    ],
)
def test_a_run_goes_on_for_too_long_from_when_its_turn_came(
    minute: int, lease: tuple[str, datetime] | None, expected: bool
) -> None:
    task = replace(HOURLY, max_duration_seconds=600)
    expires = int(lease[1].timestamp()) + task.lease_seconds if lease else 0
    record = Record(task=task, lease=Lease(execution_arn=lease[0], expires_at=expires) if lease else None)
    assert too_long(record, long_run(), at(9, minute)) == expected
    assert not too_long(replace(record, task=HOURLY), long_run(), at(9, minute))
    assert not too_long(record, long_run(started_at=None), at(9, minute))
