"""What is one incident, and what people read of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestrator.runs.alerts import (
    Cause,
    Incident,
    Severity,
    cause_of,
    console_link,
    recovery,
    severities,
    subject,
    summary,
    tolerated,
)
from orchestrator.runs.alerts import text as alert_text
from orchestrator.runs.run import EarlierRun, Run, RunStatus, Trigger
from orchestrator.stack import Stack
from orchestrator.tasks.task import Alerting, Target, TargetKind, Task

STACK = Stack()
ARN = "arn:aws:states:eu-west-1:123456789012:execution:orchestrator-dev-TaskRunner:x"
TASK = Task(
    id="report", target=Target(kind=TargetKind.LAMBDA, name="work"), owner="data-platform", runbook="look\nat it"
)
FAILED = Run(
    task_id="report",
    slot="2026-12-01T08:00:00Z",
    status=RunStatus.FAILED,
    execution_arn=ARN,
    error="ValueError",
    cause="it\x1b[31m broke",
)
INCIDENT = Incident(id="i", severity=Severity.FAILED, title="ValueError of lambda/work", since="2026-12-01T08:00:05Z")


@pytest.mark.parametrize(
    ("run", "attention", "expected"),
    [
        (FAILED, (), (Severity.FAILED,)),
        (replace(FAILED, status=RunStatus.TIMED_OUT), (), (Severity.FAILED,)),
        (replace(FAILED, status=RunStatus.MISSED), (), (Severity.MISSED,)),
        (replace(FAILED, status=RunStatus.EXPIRED), (), (Severity.MISSED,)),
        (replace(FAILED, status=RunStatus.SUCCEEDED), (), ()),
        (replace(FAILED, status=RunStatus.SUCCEEDED), ("late", "too long"), (Severity.LATE, Severity.TOO_LONG)),
        (replace(FAILED, status=RunStatus.SUCCEEDED), ("recovered",), ()),
        (replace(FAILED, status=RunStatus.SUCCEEDED, trigger=Trigger.CATCH_UP), (), (Severity.MISSED,)),
        (replace(FAILED, status=RunStatus.SUCCEEDED, trigger=Trigger.RESUME), (), ()),
        (replace(FAILED, status=RunStatus.RUNNING), ("too long",), (Severity.TOO_LONG,)),
        (replace(FAILED, status=RunStatus.SKIPPED), (), ()),
        (replace(FAILED, status=RunStatus.ABORTED), (), (Severity.FAILED,)),
        (replace(FAILED, status=RunStatus.ABORTED, reason="overlap"), (), ()),
    ],
)
def test_a_row_says_what_is_wrong(run: Run, attention: tuple[str, ...], expected: tuple[Severity, ...]) -> None:
    assert severities(run, attention) == expected


def test_an_error_of_one_target_is_one_cause_whatever_the_task() -> None:
    other = replace(FAILED, task_id="other", cause="something else")
    assert cause_of(FAILED, Severity.FAILED, TASK) == cause_of(other, Severity.FAILED, replace(TASK, id="other"))
    elsewhere = replace(TASK, target=Target(kind=TargetKind.LAMBDA, name="elsewhere"))
    assert cause_of(FAILED, Severity.FAILED, TASK) != cause_of(FAILED, Severity.FAILED, elsewhere)


def test_a_role_that_lacks_a_permission_is_one_cause_whatever_the_target() -> None:
    said = (
        "User: arn:aws:sts::123456789012:assumed-role/runner/x is not authorized to perform: lambda:InvokeFunction on"
        " resource: arn:aws:lambda:us-east-1:123456789012:function:"
    )
    found = {
        cause_of(
            replace(FAILED, cause=said + name),
            Severity.FAILED,
            replace(TASK, target=Target(kind=TargetKind.LAMBDA, name=name)),
        )
        for name in ("one", "two")
    }
    assert found == {Cause(severity=Severity.FAILED, title="runner may not lambda:InvokeFunction")}


def test_what_was_not_delivered_is_one_cause_whatever_the_task() -> None:
    undelivered = replace(FAILED, execution_arn=None, error="AccessDeniedException")
    assert cause_of(undelivered, Severity.FAILED, TASK).title == "AccessDeniedException of delivery to TaskRunner"


def test_what_is_late_is_so_by_itself() -> None:
    assert cause_of(FAILED, Severity.LATE, TASK).title == "report late"


KINDS = {"F": RunStatus.FAILED, "S": RunStatus.SUCCEEDED, "K": RunStatus.SKIPPED}
TWO_OF_THREE = replace(TASK, alerts=Alerting(failures=2, of=3))


def ended(minute: int, status: RunStatus, slot: int | None = None) -> Run:
    """A run that ends at the minute; its slot may be any other."""
    return Run(
        task_id="report",
        slot=f"2026-12-01T08:{minute if slot is None else slot:02}:00Z",
        status=status,
        started_at=f"2026-12-01T08:{minute:02}:00.100Z",
        ended_at=f"2026-12-01T08:{minute:02}:00.500Z",
    )


def is_tolerated(task: Task | None, run: Run, known: Sequence[Run], *, minute: int = 59) -> bool:
    return tolerated(task, Severity.FAILED, run, known, datetime(2026, 12, 1, 8, minute, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [("F", True), ("SF", True), ("FSF", False), ("FF", False), ("FSSF", True), ("FKF", False), ("FKKKKSF", False)],
)
def test_failures_are_told_when_enough_of_the_runs_before_failed_too(statuses: str, expected: bool) -> None:
    """Two of three, the oldest first; a run that was skipped does not count."""
    runs = [ended(minute, KINDS[letter]) for minute, letter in enumerate(statuses)]
    assert is_tolerated(TWO_OF_THREE, runs[-1], runs) == expected
    assert not tolerated(TWO_OF_THREE, Severity.MISSED, runs[-1], runs, datetime.now(UTC))
    assert not is_tolerated(None, runs[-1], runs)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("number", range(4))
def test_a_failure_that_is_not_tolerated_is_told_whatever_else_has_run_before_or_after(number: int, order: int) -> None:
    runs = [ended(minute, RunStatus.SUCCEEDED, slot=30 + order * minute) for minute in range(4)]
    failed = replace(runs[number], status=RunStatus.FAILED)
    known = [failed if run is runs[number] else run for run in runs]
    assert not is_tolerated(TASK, failed, known)
    assert not is_tolerated(TASK, failed, [])


def test_runs_are_judged_in_the_order_in_which_they_ended_and_not_in_that_of_their_slots() -> None:
    """Minutes one, two and three fail, succeed and fail; by slots the failures lie apart."""
    first, second, third = (
        ended(1, RunStatus.FAILED, slot=40),
        ended(2, RunStatus.SUCCEEDED, slot=5),
        ended(3, RunStatus.FAILED, slot=10),
    )
    known = [first, *(ended(0, RunStatus.SUCCEEDED, slot=slot) for slot in range(11, 30)), second, third]
    assert not is_tolerated(TWO_OF_THREE, third, known)


def test_a_success_that_ends_while_a_failure_is_judged_excuses_nothing() -> None:
    runs = [ended(1, RunStatus.FAILED), ended(2, RunStatus.FAILED), ended(3, RunStatus.SUCCEEDED)]
    two_of_two = replace(TASK, alerts=Alerting(failures=2, of=2))
    assert not is_tolerated(two_of_two, runs[1], runs)
    # And what failed after it does not make it worse, however often the row comes again.
    late = [runs[1], ended(4, RunStatus.FAILED)]
    assert is_tolerated(TWO_OF_THREE, runs[1], late, minute=2)


def test_a_row_that_comes_late_counts_with_those_around_it() -> None:
    """A slot that was given up is known an hour later, when two runs have ended meanwhile."""
    undelivered = Run(task_id="report", slot="2026-12-01T08:00:00Z", status=RunStatus.FAILED)
    runs = [undelivered, ended(15, RunStatus.FAILED), ended(30, RunStatus.SUCCEEDED)]
    assert not is_tolerated(TWO_OF_THREE, undelivered, runs)


def test_the_earlier_runs_of_a_slot_count_and_the_one_at_hand_counts_once() -> None:
    before = EarlierRun(status=RunStatus.FAILED, started_at="2026-12-01T08:01:00.000Z")
    again = replace(ended(5, RunStatus.FAILED, slot=1), history=(before,))
    assert not is_tolerated(TWO_OF_THREE, again, [again])
    assert is_tolerated(TWO_OF_THREE, replace(again, history=()), [replace(again, history=())])


def test_a_run_that_was_stopped_on_purpose_is_no_failure() -> None:
    stopped = replace(ended(1, RunStatus.ABORTED), error="Stopped", reason="overlap")
    assert is_tolerated(TWO_OF_THREE, ended(2, RunStatus.FAILED), [stopped])


def test_an_alert_says_what_where_who_and_what_to_do() -> None:
    latest = (FAILED, replace(FAILED, slot="2026-11-30T08:00:00Z", status=RunStatus.SUCCEEDED, error=None))
    assert (
        alert_text(STACK, FAILED, INCIDENT, TASK, latest)
        == """\
A scheduled task failed.

task:      report
slot:      2026-12-01T08:00:00Z (schedule)
status:    FAILED
error:     ValueError
cause:     it [31m broke
incident:  ValueError of lambda/work, since 2026-12-01T08:00:05Z, once
owner:     data-platform
runbook:   look at it
execution: https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/executions/details/"""
        + f"""{ARN}

last runs:
  2026-12-01T08:00:00Z  FAILED  ValueError
  2026-11-30T08:00:00Z  SUCCEEDED

rerun:     orchestrator --stack orchestrator-dev rerun report 2026-12-01T08:00:00Z"""
    )


def test_an_alert_of_a_run_that_goes_on_says_that_it_does() -> None:
    hanging = Run(task_id="report", slot=FAILED.slot, status=RunStatus.RUNNING, started_at="2026-12-01T08:00:00.100Z")
    said = alert_text(STACK, hanging, replace(INCIDENT, severity=Severity.TOO_LONG), TASK, ())
    assert said.startswith("A scheduled task goes on for longer than it should.")
    assert "running:   since 2026-12-01T08:00:00.100Z" in said
    assert "rerun:" not in said


def test_a_reminder_says_that_it_is_one_and_how_often() -> None:
    told = replace(INCIDENT, last_told="2026-12-01T08:00:06Z", count=9)
    said = alert_text(STACK, FAILED, told, None, ())
    assert said.startswith("Still: a scheduled task failed.")
    assert "9 times" in said
    assert "rerun:" not in said


def test_an_execution_of_another_partition_is_named_and_not_linked() -> None:
    arn = ARN.replace("arn:aws:", "arn:aws-cn:")
    assert (console_link(arn), console_link("x")) == (arn, "x")


def test_a_summary_names_some_tasks_and_counts_the_rest() -> None:
    tasks = tuple(f"task-{number:02}" for number in range(12))
    said = summary(STACK, replace(INCIDENT, tasks=tasks, untold=tasks[1:], count=12))
    assert (
        "tasks:     task-00, task-01, task-02, task-03, task-04, task-05, task-06, task-07, task-08, task-09 and 2 more"
        in said
    )
    assert "12 times" in said


def test_the_end_of_an_incident_says_what_ran_well_again() -> None:
    said = recovery(INCIDENT, replace(FAILED, status=RunStatus.SUCCEEDED))
    assert said.startswith("An incident is over: ValueError of lambda/work.")
    assert "recovered: report, slot 2026-12-01T08:00:00Z" in said


def test_a_subject_fits_sns() -> None:
    assert subject(STACK, Severity.FAILED) == "[orchestrator-dev] scheduled task failed"
    assert len(subject(Stack(name="x" * 128), Severity.FAILED)) == 100
