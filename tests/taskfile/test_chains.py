"""What the tasks of a file wait for, and what can never come."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from orchestrator.errors import InvalidTaskFile
from orchestrator.taskfile.reader import load
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.records import item_of, task_of
from orchestrator.tasks.task import Task
from orchestrator.tasks.upstream import OnDeadline, OnFailure, SlotOf, Upstream

HEAD = "tasks:\n"


def tasks(folder: Path, *written: str) -> dict[str, Task]:
    file = folder / "tasks.yaml"
    file.write_text(HEAD + "".join(f"  {one}\n" for one in written))
    return {task.id: task for task in load(file, today=date(2026, 11, 25))}


def mistake(folder: Path, *written: str) -> str:
    with pytest.raises(InvalidTaskFile) as refused:
        tasks(folder, *written)
    return str(refused.value)


EXTRACT = "extract: {run: lambda/x, schedule: 'cron(0 2 * * ? *)', timezone: Europe/Berlin}"


def test_a_task_waits_for_others_which_know_of_it(tmp_path: Path) -> None:
    found = tasks(
        tmp_path,
        EXTRACT,
        "rates: {run: lambda/x, schedule: 'cron(0 * * * ? *)'}",
        "load: {run: lambda/x, schedule: 'cron(0 4 * * ? *)', deadline: 08:30, onUpstreamFailure: wait,"
        " onDeadline: run, after: [extract, {task: rates, slot: latest before}]}",
        "mail: {run: lambda/x, schedule: 'cron(0 5 * * ? *)', after: load, deadline: 2h}",
    )
    load_, mail = found["load"], found["mail"]
    assert load_.after == (Upstream(task_id="extract"), Upstream(task_id="rates", slot=SlotOf.LATEST_BEFORE))
    assert (load_.deadline, load_.on_upstream_failure, load_.on_deadline) == ("08:30", OnFailure.WAIT, OnDeadline.RUN)
    assert (mail.deadline, mail.gates, mail.downstream) == ("7200", (HoldKind.UPSTREAM,), ())
    assert [found[one].downstream for one in ("extract", "rates", "load")] == [("load",), ("load",), ("mail",)]
    assert {one: task.is_linked for one, task in found.items()} == dict.fromkeys(found, True)
    assert task_of(item_of(load_)) == load_


def test_a_task_that_waits_for_nobody_is_linked_to_nobody(tmp_path: Path) -> None:
    (extract,) = tasks(tmp_path, EXTRACT).values()
    assert (extract.is_linked, extract.gates) == (False, ())


DAILY_LOAD = "load: {run: lambda/x, schedule: 'cron(0 4 * * ? *)', "


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ([DAILY_LOAD + "after: extrakt}"], "tasks.yaml:3: tasks.load.after: there is no task 'extrakt'; did you mean"),
        ([DAILY_LOAD + "after: rates}"], "there is no task 'rates'; there is: extract, load"),
        (["by-hand: {run: lambda/x}", DAILY_LOAD + "after: by-hand}"], "by-hand has no schedule"),
        (
            ["later: {run: lambda/x, schedule: rate(1 hour), startDate: 2027-01-01}", DAILY_LOAD + "after: later}"],
            "the slot of Wednesday 2026-11-25 04:00 UTC has no counterpart: later has none then or before",
        ),
        (
            [
                "weekly: {run: lambda/x, schedule: 'cron(0 2 ? * MON-FRI *)'}",
                DAILY_LOAD + "after: {task: weekly, slot: same day}}",
            ],
            "the slot of Saturday 2026-11-28 04:00 UTC has no counterpart: weekly has none on that day;"
            " say slot: latest before",
        ),
        (
            ["a: {run: lambda/x, schedule: 'cron(0 2 * * ? *)', after: b}",
             "b: {run: lambda/x, schedule: 'cron(0 2 * * ? *)', after: a}"],
            "tasks would wait for each other for ever: a → b → a; the slot of Wednesday 2026-11-25 02:00 UTC would wait"
            " for itself: a 2026-11-25T02:00:00Z → b 2026-11-25T02:00:00Z → a 2026-11-25T02:00:00Z",
        ),
        ([DAILY_LOAD + "after: load}"], "load → load"),
        (
            ["a: {run: lambda/x, schedule: 'cron(0 2 * * ? *)', after: {task: b, slot: same day}}",
             "b: {run: lambda/x, schedule: 'cron(0 6 * * ? *)', after: {task: a, slot: latest before}}"],
            "wait for each other for ever",
        ),
        ([DAILY_LOAD + "after: {task: extract, slot: rain}}"], "slot"),
        ([DAILY_LOAD + "after: extract, deadline: 18:30}"], "expected a local time in quotes like '08:30'"),
        ([DAILY_LOAD + "after: extract, deadline: '25:00'}"], "expected a time of the day"),
        ([DAILY_LOAD + "after: extract, express: true}"], "its slots wait for upstream before they run"),
    ],
)  # fmt: skip
def test_what_can_never_come_is_refused_with_the_example_of_a_day(
    tmp_path: Path, written: list[str], said: str
) -> None:
    assert said in mistake(tmp_path, EXTRACT, *written)


def test_a_task_may_wait_for_its_own_slot_before_and_for_closed_days_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "tasks.yaml"
    file.write_text(
        "calendars:\n  work: {weekdays: MON-FRI}\ntasks:\n"
        "  extract: {run: lambda/x, schedule: 'cron(0 2 * * ? *)', calendars: work}\n"
        "  load: {run: lambda/x, schedule: 'cron(0 4 * * ? *)', after: [{task: extract, slot: same day},"
        " {task: load, slot: previous}]}\n"
    )
    found = {task.id: task for task in load(file, today=date(2026, 11, 25))}
    assert found["load"].downstream == ("load",)
