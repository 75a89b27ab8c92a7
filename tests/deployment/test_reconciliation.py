"""Reconciliation: the least that makes AWS what the tasks say, in an order in which it is safe to stop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.deployment.reconciliation import (
    CreateSchedule,
    DeleteSchedule,
    Found,
    Operation,
    Plan,
    RecordFingerprint,
    Register,
    Remove,
    UpdateSchedule,
    find,
    plan,
)
from orchestrator.deployment.writing import carry_out
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.task_state import Pause
from orchestrator.stack import Stack
from orchestrator.stores.registry import Registry
from orchestrator.stores.schedule_group import SchedulerSettings, Schedules
from orchestrator.stores.switches import Switches
from orchestrator.tasks.records import item_of
from orchestrator.tasks.schedule_names import schedule_name
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import Task, TaskSchedule
from tests.testbed.clients import own_clients
from tests.testbed.sample import task
from tests.testbed.tables import create_tables

STACK = Stack()
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
NOTHING = Found(registered={}, schedules={}, up_to_date=True)

HOURLY = TaskSchedule(expression="rate(1 hour)")
DAILY = TaskSchedule(expression="cron(0 2 * * ? *)")
REPORT = task("report", HOURLY.expression)


def found(*tasks: Task, up_to_date: bool = True, others: tuple[str, ...] = ()) -> Found:
    """AWS after ``tasks`` were deployed; ``others`` are schedules beside theirs."""
    names = [schedule_name(task.id, schedule) for task in tasks for schedule in task.schedules]
    return Found(
        registered={task.id: item_of(task) for task in tasks},
        schedules=dict.fromkeys([*names, *others], True),
        up_to_date=up_to_date,
    )


def registration(task: Task, *, is_new: bool = False, rescheduled: bool = False) -> Register:
    return Register(task=task, is_new=is_new, rescheduled=rescheduled)


def operations(*tasks: Task, found: Found) -> tuple[Operation, ...]:
    return plan(tasks, found, NOW).operations


def test_a_new_task_is_registered_before_its_schedule_is_created() -> None:
    assert operations(REPORT, found=NOTHING) == (
        registration(REPORT, is_new=True),
        CreateSchedule(task_id="report", schedule=HOURLY),
        RecordFingerprint(),
    )


def test_what_is_as_it_should_be_needs_nothing() -> None:
    assert operations(REPORT, found=found(REPORT)) == ()


def test_a_changed_task_is_one_write() -> None:
    changed = replace(REPORT, timeout_seconds=60)
    assert operations(changed, found=found(REPORT)) == (registration(changed),)


def test_a_changed_expression_is_another_schedule_and_the_old_one_goes_last() -> None:
    changed = replace(REPORT, schedules=(DAILY,))
    assert operations(changed, found=found(REPORT)) == (
        registration(changed, rescheduled=True),
        CreateSchedule(task_id="report", schedule=DAILY),
        DeleteSchedule(name=schedule_name("report", HOURLY)),
        RecordFingerprint(),
    )


def test_a_removed_task_loses_its_schedules_before_its_record() -> None:
    assert operations(found=found(REPORT)) == (
        DeleteSchedule(name=schedule_name("report", HOURLY)),
        Remove(task_id="report"),
    )


def test_a_schedule_that_belongs_to_no_task_is_left_alone() -> None:
    others = ("somebody-elses-01234567", "report", "reporting-01234567", "x")
    assert operations(found=found(others=others)) == ()
    planned = plan([REPORT], found(REPORT, others=others), NOW)
    assert planned.operations == ()
    assert planned.foreign == tuple(sorted(others))
    assert [line.partition(":")[0] for line in planned.lines()] == [f"leave schedule {name}" for name in sorted(others)]


def test_a_schedule_of_a_task_that_an_interrupted_deployment_left_is_deleted() -> None:
    stale = schedule_name("report", DAILY)
    assert operations(REPORT, found=found(REPORT, others=(stale,))) == (DeleteSchedule(name=stale),)


def test_a_record_that_somebody_has_broken_is_written_anew() -> None:
    broken = replace(found(REPORT), registered={"report": {"taskId": {"S": "report"}}})
    assert operations(REPORT, found=broken) == (registration(REPORT, rescheduled=True),)


def test_a_schedule_that_somebody_has_disabled_is_enabled() -> None:
    disabled = replace(found(REPORT), schedules={schedule_name("report", HOURLY): False})
    expected = (UpdateSchedule(task_id="report", schedule=HOURLY), RecordFingerprint())
    assert operations(REPORT, found=disabled) == expected


def test_a_schedule_that_somebody_has_edited_is_written_anew_and_the_plan_says_what_was_changed() -> None:
    edited = replace(found(REPORT), edited={schedule_name("report", HOURLY): ("ScheduleExpression", "Target")})
    planned = plan([REPORT], edited, NOW)
    assert [type(operation) for operation in planned.operations] == [UpdateSchedule, RecordFingerprint]
    assert next(planned.lines()) == (
        "update schedule rate(1 hour) UTC of report: somebody has changed its ScheduleExpression, Target"
    )


def test_new_settings_of_all_schedules_are_recorded_when_all_have_them() -> None:
    assert operations(REPORT, found=found(REPORT, up_to_date=False)) == (
        UpdateSchedule(task_id="report", schedule=HOURLY),
        RecordFingerprint(),
    )


@pytest.mark.parametrize("timezone", ["UTC", "Pacific/Auckland"])
def test_a_one_time_schedule_in_the_past_is_not_created_and_the_plan_says_so(timezone: str) -> None:
    past = TaskSchedule(expression="at(2026-12-01T12:00:00)", timezone=timezone)
    planned = plan([replace(REPORT, schedules=(past,))], NOTHING, NOW)
    assert [type(operation) for operation in planned.operations] == [Register]
    assert list(planned.lines()) == [
        "register task report",
        f"skip schedule at(2026-12-01T12:00:00) {timezone} of report: it is in the past",
    ]


def test_a_one_time_schedule_that_has_not_fired_yet_is_created() -> None:
    later = TaskSchedule(expression="at(2026-12-01T12:00:00)", timezone="America/New_York")
    planned = plan([replace(REPORT, schedules=(later,))], NOTHING, NOW)
    assert CreateSchedule(task_id="report", schedule=later) in planned.operations
    assert planned.over == ()


def test_a_plan_reads_like_what_it_does() -> None:
    planned = plan([replace(REPORT, schedules=(DAILY,))], found(REPORT, task("old"), up_to_date=False), NOW)
    assert list(planned.lines()) == [
        "update task report",
        "create schedule cron(0 2 * * ? *) UTC of report",
        f"delete schedule {schedule_name('report', HOURLY)}",
        "remove task old",
        "record that all schedules are up to date",
    ]


Boundaries = tuple[Registry, Schedules, Switches]


@pytest.fixture
def boundaries(aws: EmbeddedAws) -> Boundaries:
    client = aws.client("scheduler")
    group = client.create_schedule_group(Name=STACK.schedule_group)["ScheduleGroupArn"]
    settings = SchedulerSettings(
        state_machine="arn:aws:states:us-east-1:123456789012:stateMachine:orchestrator-dev-TaskRunner",
        role="arn:aws:iam::123456789012:role/scheduler",
        dead_letter_queue="arn:aws:sqs:us-east-1:123456789012:orchestrator-dev-SchedulerDlq",
        group=group,
    )
    dynamodb = create_tables(aws, STACK)
    return Registry(dynamodb, STACK), Schedules(client, STACK, settings), Switches(dynamodb, STACK)


class Interrupted(Exception):
    pass


def reconcile(
    tasks: list[Task], registry: Registry, schedules: Schedules, switches: Switches, *, stop_after: int = 1000
) -> Plan:
    done: Iterator[int] = iter(range(1, 1000))

    def progress(_line: object) -> None:
        if next(done) == stop_after:
            raise Interrupted

    planned = plan(tasks, find(registry, schedules, switches, tasks, NOW), NOW)
    carry_out(planned.operations, registry, schedules, switches, progress, now=NOW)
    return planned


def state(registry: Registry, schedules: Schedules, _switches: Switches) -> tuple[Any, ...]:
    enabled = {name: one.enabled for name, one in schedules.listed().items()}
    return registry.declared(), enabled, schedules.recorded().fingerprint == schedules.fingerprint


BEFORE = [task("report", HOURLY.expression), task("clean", DAILY.expression), task("old", "rate(2 hours)")]
AFTER = [
    task("report", DAILY.expression, HOURLY.expression),
    task("clean", description="by hand only"),
    task("new", "rate(1 day)"),
]


def test_the_second_time_there_is_nothing_to_do(boundaries: Boundaries) -> None:
    reconcile(BEFORE, *boundaries)
    assert reconcile(BEFORE, *boundaries).operations == ()


def test_what_is_reconciled_is_what_was_asked_for(boundaries: Boundaries) -> None:
    reconcile(BEFORE, *boundaries)
    reconcile(AFTER, *boundaries)
    expected = found(*AFTER)
    assert state(*boundaries) == (expected.registered, expected.schedules, True)


def test_a_task_that_is_deployed_while_a_switch_covers_it_is_paused_with_the_others(boundaries: Boundaries) -> None:
    registry, _, switches = boundaries
    plain, tagged = task("plain", "rate(1 hour)"), replace(task("tagged", "rate(1 hour)"), tags=("etl",))
    reconcile([plain], *boundaries)
    made = Pause(who="ann", why="the warehouse moves", since=key(NOW), switch="tag:etl")
    over = Pause(who="bob", until=key(NOW), switch="all")
    switches.turn_on(made)
    switches.turn_on(over)
    planned = reconcile([plain, tagged], *boundaries)
    assert str(planned.operations[0]) == "register task tagged, paused with all tasks with the tag etl by ann"
    found_tagged, found_plain = registry.get("tagged"), registry.get("plain")
    assert found_tagged is not None
    assert found_plain is not None
    assert (found_tagged.pause, found_plain.pause) == (made, None)
    # A task that gets the tag is one of them, too, and a deployment that changes nothing leaves everything as it is.
    joined = [replace(plain, tags=("etl",)), tagged]
    reconcile(joined, *boundaries)
    assert registry.get("plain") == replace(found_plain, task=joined[0], pause=made)
    assert reconcile(joined, *boundaries).operations == ()


@pytest.mark.parametrize(
    "stop_after", [pytest.param(calls, marks=[] if calls % 3 == 1 else pytest.mark.proof) for calls in range(1, 9)]
)
def test_wherever_it_is_interrupted_the_next_one_finishes_the_job(boundaries: Boundaries, stop_after: int) -> None:
    reconcile(BEFORE, *boundaries)
    with pytest.raises(Interrupted):
        reconcile(AFTER, *boundaries, stop_after=stop_after)
    registry, schedules, _ = boundaries
    fired = {name[:-9] for name in schedules.listed()}
    assert fired <= registry.declared().keys(), "every schedule finds its task, even half-way"
    reconcile(AFTER, *boundaries)
    expected = found(*AFTER)
    assert state(*boundaries) == (expected.registered, expected.schedules, True)


def edit(aws: EmbeddedAws, name: str, at: datetime, **changes: Any) -> None:
    """Somebody changes a schedule by hand, at a moment by AWS's clock."""
    client = aws.client("scheduler")
    described: Any = client.get_schedule(GroupName=STACK.schedule_group, Name=name)
    kept = ("GroupName", "Name", "ScheduleExpression", "ScheduleExpressionTimezone", "FlexibleTimeWindow", "State",
            "Target", "Description")  # fmt: skip
    client.update_schedule(**{part: described[part] for part in kept} | changes)
    aws.backend("scheduler").get_schedule(STACK.schedule_group, name).last_modified_date = at.timestamp()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ScheduleExpression": "rate(3 hours)"}, ("ScheduleExpression",)),
        ({"ScheduleExpressionTimezone": "Asia/Tokyo"}, ("ScheduleExpressionTimezone",)),
        ({"EndDate": datetime(2050, 1, 1, tzinfo=UTC)}, ("EndDate",)),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 9}}, ("FlexibleTimeWindow",)),
        ({}, None),
    ],
)
def test_an_edit_by_hand_is_found_and_undone_and_only_what_was_edited_is_read(
    aws: EmbeddedAws, boundaries: Boundaries, changes: dict[str, Any], expected: tuple[str, ...] | None
) -> None:
    tasks = [REPORT, *(task(f"task-{number}", "rate(7 minutes)") for number in range(5))]
    reconcile(tasks, *boundaries)
    name = schedule_name("report", HOURLY)
    edit(aws, name, datetime.now(UTC) + timedelta(minutes=1), **changes)
    read: list[str] = []
    schedules = Schedules(own_clients(aws)("scheduler"), STACK, boundaries[1]._settings)
    schedules._client.meta.events.register(
        "before-call.scheduler.GetSchedule", lambda params, **_: read.append(params["url_path"])
    )
    edited = find(boundaries[0], schedules, boundaries[2], tasks, NOW).edited
    assert edited == ({name: expected} if expected else {})
    assert [path.rpartition("/")[2] for path in read] == [name]
    planned = reconcile(tasks, *boundaries)
    assert bool(planned.operations) is bool(expected)
    described = aws.client("scheduler").get_schedule(GroupName=STACK.schedule_group, Name=name)
    assert described["ScheduleExpression"] == "cron(0 * * * ? *)"
    assert "EndDate" not in described


def test_a_rate_that_began_at_another_slot_of_its_own_is_as_it_should_be(
    aws: EmbeddedAws, boundaries: Boundaries
) -> None:
    weekly = task("weekly", "rate(7 days)")
    reconcile([weekly], *boundaries)
    name = schedule_name("weekly", weekly.schedules[0])
    begin = aws.client("scheduler").get_schedule(GroupName=STACK.schedule_group, Name=name)["StartDate"]
    for moved, expected in ((timedelta(days=-14), {}), (timedelta(days=-1), {name: ("StartDate",)})):
        edit(aws, name, datetime.now(UTC) + timedelta(minutes=1), StartDate=begin + moved)
        assert find(*boundaries, [weekly], NOW).edited == expected


tasks_of_any_kind = st.lists(
    st.builds(
        lambda id_, expressions: task(id_, *expressions),
        st.sampled_from(["a", "b", "a-01234567", "c"]),
        st.sets(st.sampled_from(["rate(1 hour)", "rate(2 hours)", "at(2026-01-01T00:00:00)"])),
    ),
    unique_by=lambda task: task.id,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=tasks_of_any_kind, after=tasks_of_any_kind)
def test_from_any_tasks_to_any_others_it_is_done_in_one_go(
    boundaries: Boundaries, before: list[Task], after: list[Task]
) -> None:
    reconcile(before, *boundaries)
    reconcile(after, *boundaries)
    assert reconcile(after, *boundaries).operations == ()
    assert boundaries[0].declared().keys() == {task.id for task in after}
