"""What rules a stack is to have, and what makes those that are there into them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from orchestrator.deployment import event_rules
from orchestrator.deployment.application import Application
from orchestrator.deployment.event_rules import RULES_ON_A_BUS, buses, plan, wanted
from orchestrator.deployment.outcome_events import OutcomeEvents
from orchestrator.errors import InvalidProject
from orchestrator.runs.outcomes import Kind
from orchestrator.stack import Stack
from orchestrator.stores.event_rules import EventRule, ListedRule
from orchestrator.taskfile.reader import load
from orchestrator.tasks.event_start import EventStart
from orchestrator.tasks.records import item_of
from orchestrator.tasks.task import Target, TargetKind, Task
from tests.testbed import LAMBDAS

STACK = Stack(name="shop-dev")
MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:shop-dev-TaskRunner"
APPLICATION = Application(stack=STACK, definitions={}, functions=(), lambdas=LAMBDAS, buckets=("exports",))
THERE = ListedRule(pattern={}, description="", enabled=True)


def task(*starts: EventStart, task_id: str = "report") -> Task:
    return Task(id=task_id, target=Target(kind=TargetKind.LAMBDA, name="x"), starts=starts)


def read(folder: Path, on: str) -> list[Task]:
    file = folder / "tasks.yaml"
    file.write_text(f"tasks:\n  extract: {{run: lambda/x}}\n  load: {{run: lambda/x, on: {on}}}\n")
    return list(load(file, today=date(2026, 11, 25)))


@pytest.mark.parametrize(
    ("bucket", "name"),
    [
        ("exports", "shop-dev-exports-123456789012-eu-central-1"),
        ("data-bucket", "shop-dev-data-123456789012-eu-central-1"),
        ("somebody-elses", "somebody-elses"),
    ],
)
def test_a_bucket_of_the_project_goes_by_its_own_name(tmp_path: Path, bucket: str, name: str) -> None:
    (rule,) = wanted(read(tmp_path, f"{{s3: {{bucket: {bucket}}}}}"), APPLICATION, MACHINE).values()
    assert rule.start.pattern["detail"] == {"bucket": {"name": [name]}}


def test_what_becomes_of_a_task_is_heard_where_the_stack_publishes_it(tmp_path: Path) -> None:
    tasks = read(tmp_path, "{task: extract, outcome: Failed}")
    for bus, address in (("own", "shop-dev-Outcomes"), ("default", ""), ("company", "company")):
        (rule,) = wanted(tasks, replace(APPLICATION, outcome_events=OutcomeEvents(bus=bus)), MACHINE).values()
        assert rule.start.bus == address
        assert rule.start.pattern["detail"] == {"stack": ["shop-dev"], "task": ["extract"]}
    registered = {one.id: item_of(one) for one in tasks}
    assert buses([], registered, {"OutcomesBus": "shop-dev-Outcomes"}) == {"shop-dev-Outcomes"}
    for published in (None, OutcomeEvents(kinds=(Kind.SUCCEEDED,))):
        with pytest.raises(InvalidProject, match="publishes no Task Failed"):
            wanted(tasks, replace(APPLICATION, outcome_events=published), MACHINE)


def test_an_id_that_leaves_no_room_in_a_rules_name_is_refused() -> None:
    with pytest.raises(InvalidProject, match="shorten the task's id by 1"):
        wanted([task(EventStart(), task_id="x" * (64 - len("shop-dev-on..123456") + 1))], APPLICATION)


def test_what_is_written_goes_before_what_is_deleted_and_a_bus_that_is_left_is_cleared_first() -> None:
    rules = {"kept": EventRule(task_id="report", start=EventStart()), "new": EventRule(task_id="t", start=EventStart())}
    listed = {"": {"kept": THERE, "shop-dev-on.report.123456": THERE}, "others": {"shop-dev-on.report.654321": THERE}}
    changes = plan(rules, listed, lambda rule, there: True).changes
    assert [(change.action, change.name, change.is_last) for change in changes] == [
        ("add", "new", False),
        ("remove", "shop-dev-on.report.123456", False),
        ("remove", "shop-dev-on.report.654321", True),
    ]
    assert [change.action for change in plan(rules, listed, lambda rule, there: False).changes][:2] == ["change", "add"]


def test_a_bus_that_takes_no_more_rules_is_told_of() -> None:
    starts = [EventStart(pattern={"source": [str(number)]}) for number in range(RULES_ON_A_BUS + 1)]
    rules = wanted([task(*starts)], APPLICATION)
    (note,) = plan(rules, {}, lambda rule, there: True).notes
    assert note.startswith("301 rules on the bus default")
    assert event_rules.plan({}, {}, lambda rule, there: True).notes == ()
