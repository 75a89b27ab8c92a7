"""The table of incidents, and what a task's record says of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.runs.alerts import Cause, Incident, Severity, told_before
from orchestrator.stack import Stack
from orchestrator.stores.incidents import Incidents
from orchestrator.stores.registry import Registry
from orchestrator.tasks.task import Target, TargetKind, Task

STACK = Stack()
CAUSE = Cause(severity=Severity.FAILED, title="ValueError of lambda/work")
NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)
HOUR = 3600


@pytest.fixture
def registry(dynamodb: Any) -> Registry:
    registry = Registry(dynamodb, STACK)
    for name in ("one", "two"):
        registry.register(Task(id=name, target=Target(kind=TargetKind.LAMBDA, name="work")))
    return registry


@pytest.fixture
def incidents(dynamodb: Any, registry: Registry) -> Incidents:
    return Incidents(dynamodb, STACK)


def marked(registry: Registry, task_id: str) -> tuple[str, ...]:
    record = registry.get(task_id)
    assert record is not None
    return record.incidents


def recover(incidents: Incidents, task_id: str) -> Incident | None:
    recovery = incidents.recovered(task_id, CAUSE.incident, "row", NOW)
    assert recovery is not None
    incidents.left(task_id, recovery.over, CAUSE.incident)
    return recovery.over


def test_rows_of_one_cause_are_one_incident(incidents: Incidents, registry: Registry) -> None:
    incidents.hit(CAUSE, "one", NOW)
    found = incidents.hit(CAUSE, "two", NOW + timedelta(hours=1))
    assert (found.count, found.tasks, found.since, found.title) == (
        2,
        ("one", "two"),
        "2026-12-01T08:00:00Z",
        CAUSE.title,
    )
    assert list(incidents.open()) == [found]
    assert marked(registry, "one") == marked(registry, "two") == (CAUSE.incident,)


def test_it_is_told_once_and_again_when_its_quiet_period_has_passed(incidents: Incidents) -> None:
    found = incidents.hit(CAUSE, "one", NOW)
    told = [
        incidents.tell(found, f"row-{minutes}", not_since=told_before(now, HOUR), now=now)
        for minutes in (0, 1, 59, 60, 61)
        for now in [NOW + timedelta(minutes=minutes)]
    ]
    assert told == [True, False, False, True, False]


def test_whoever_died_while_telling_tells_again(incidents: Incidents) -> None:
    found = incidents.hit(CAUSE, "one", NOW)
    for _ in range(2):
        assert incidents.tell(found, "the same row", not_since=told_before(NOW, HOUR), now=NOW)


def test_what_was_told_is_not_told_again_when_its_row_comes_again(incidents: Incidents) -> None:
    found = incidents.hit(CAUSE, "one", NOW)
    assert incidents.tell(found, "the same row", not_since=told_before(NOW, HOUR), now=NOW)
    incidents.told(found, "the same row")
    again = incidents.hit(CAUSE, "one", NOW)
    assert again.untold == ()
    assert not incidents.tell(again, "the same row", not_since=told_before(NOW, HOUR), now=NOW)


def test_those_that_join_after_it_was_told_are_untold(incidents: Incidents) -> None:
    incidents.tell(incidents.hit(CAUSE, "one", NOW), "row", not_since="", now=NOW)
    assert incidents.hit(CAUSE, "two", NOW).untold == ("two",)


def test_it_is_over_when_the_last_of_its_tasks_runs_well_again(incidents: Incidents, registry: Registry) -> None:
    for task_id in ("one", "two"):
        incidents.hit(CAUSE, task_id, NOW)
    assert recover(incidents, "one") is None
    assert marked(registry, "one") == ()
    over = recover(incidents, "two")
    assert over is not None
    assert over.title == CAUSE.title
    assert list(incidents.open()) == []
    assert marked(registry, "two") == ()
    assert recover(incidents, "two") is None


def test_whoever_died_while_telling_that_it_is_over_tells_again(incidents: Incidents, registry: Registry) -> None:
    incidents.hit(CAUSE, "one", NOW)
    found = [
        incidents.recovered("one", CAUSE.incident, row, NOW) for row in ("the same row", "the same row", "another row")
    ]
    assert [recovery is not None and recovery.over is not None for recovery in found] == [True, True, False]
    assert marked(registry, "one") == (CAUSE.incident,)


def test_an_incident_that_begins_anew_while_it_is_told_that_it_is_over_is_told_again(incidents: Incidents) -> None:
    quiet = told_before(NOW, HOUR)
    assert incidents.tell(incidents.hit(CAUSE, "one", NOW), "first row", not_since=quiet, now=NOW)
    recovery = incidents.recovered("one", CAUSE.incident, "row", NOW)
    assert recovery is not None
    again = incidents.hit(CAUSE, "two", NOW)
    incidents.left("one", recovery.over, CAUSE.incident)
    assert [incident.tasks for incident in incidents.open()] == [("two",)]
    assert incidents.tell(again, "second row", not_since=quiet, now=NOW)


def test_an_incident_that_began_after_a_run_had_gone_well_is_not_ended_by_it(
    incidents: Incidents, registry: Registry
) -> None:
    """The follower is told of a success a second time, after a failure that came later."""
    incidents.hit(CAUSE, "one", NOW)
    assert incidents.recovered("one", CAUSE.incident, "row", NOW - timedelta(seconds=1)) is None
    assert [incident.tasks for incident in incidents.open()] == [("one",)]
    assert marked(registry, "one") == (CAUSE.incident,)
    assert recover(incidents, "one") is not None


def test_a_task_that_nobody_has_registered_can_be_hit(incidents: Incidents, registry: Registry) -> None:
    assert incidents.hit(CAUSE, "nobody", NOW).tasks == ("nobody",)
    assert registry.get("nobody") is None
