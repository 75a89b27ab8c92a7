"""What is one incident, and what people read of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from orchestrator.alerts import (
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
from orchestrator.alerts import text as alert_text
from orchestrator.runs import Run, RunStatus, Trigger
from orchestrator.settings import Stack
from orchestrator.tasks import Alerting, Target, TargetKind, Task

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


@pytest.mark.parametrize(
    ("statuses", "is_tolerated"),
    [("F", True), ("FS", True), ("FSF", False), ("FF", False), ("FSSF", True), ("FKF", False)],
)
def test_failures_are_told_when_enough_of_the_last_runs_failed(statuses: str, is_tolerated: bool) -> None:
    """Two of three; the newest first; a run that was skipped does not count."""
    kinds = {"F": RunStatus.FAILED, "S": RunStatus.SUCCEEDED, "K": RunStatus.SKIPPED}
    latest = [replace(FAILED, status=kinds[letter]) for letter in statuses]
    task = replace(TASK, alerts=Alerting(failures=2, of=3))
    assert tolerated(task, Severity.FAILED, latest) == is_tolerated
    assert not tolerated(task, Severity.MISSED, latest)
    assert not tolerated(None, Severity.FAILED, latest)


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
