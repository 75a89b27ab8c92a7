"""Expected slots and rows, compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from orchestrator.runs.run import Run, RunStatus, SkipReason, Trigger
from orchestrator.runs.verification import Problem, verify
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule

DAILY = Task(
    id="daily",
    target=Target(kind=TargetKind.LAMBDA, name="work"),
    schedules=(TaskSchedule(expression="cron(0 8 * * ? *)"),),
)
SINCE, UNTIL = datetime(2026, 11, 20, 8, tzinfo=UTC), datetime(2026, 11, 22, 8, tzinfo=UTC)
SLOTS = [f"2026-11-{day}T08:00:00Z" for day in (20, 21, 22)]


def found(*rows: Run, now: datetime = UNTIL) -> list[tuple[str, Problem]]:
    return [(one.slot, one.problem) for one in verify(DAILY, rows, SINCE, UNTIL, now).findings]


def row(slot: str, status: RunStatus = RunStatus.SUCCEEDED, **more: object) -> Run:
    return Run(task_id="daily", slot=slot, status=status, **more)  # type: ignore[arg-type]


def test_a_row_of_any_end_explains_its_slot() -> None:
    ends = (RunStatus.FAILED, RunStatus.SKIPPED, RunStatus.MISSED)
    assert found(*(row(slot, end) for slot, end in zip(SLOTS, ends, strict=True))) == []


def test_a_slot_without_a_row_is_unexplained_at_both_ends_of_the_time_too() -> None:
    assert found(row(SLOTS[1])) == [(SLOTS[0], Problem.UNEXPLAINED), (SLOTS[2], Problem.UNEXPLAINED)]


def test_a_run_that_never_ended_is_found_when_its_lease_is_over() -> None:
    rows = [row(slot) for slot in SLOTS[:2]]
    running = row(SLOTS[2], RunStatus.RUNNING, started_at="2026-11-22T08:00:01.000Z")
    assert found(*rows, running) == []
    assert found(*rows, running, now=datetime(2026, 11, 23, tzinfo=UTC)) == [(SLOTS[2], Problem.UNFINISHED)]


def test_a_delivery_that_nobody_expected_is_found_and_what_a_person_started_is_not() -> None:
    odd = "2026-11-21T09:00:00Z"
    rows = [row(slot) for slot in SLOTS]
    assert found(*rows, row(odd)) == [(odd, Problem.UNEXPECTED)]
    assert found(*rows, row(odd, trigger=Trigger.AD_HOC)) == []
    assert found(*rows, row(odd, RunStatus.SKIPPED, reason=SkipReason.NONEXISTENT)) == []


def test_it_is_known_how_many_slots_were_compared() -> None:
    rows = [row(slot) for slot in SLOTS]
    assert verify(DAILY, rows, SINCE, UNTIL, UNTIL).slots == 3
    between = verify(DAILY, [], SINCE + timedelta(hours=1), SINCE + timedelta(hours=2), UNTIL)
    assert (between.slots, between.findings) == (0, ())
