"""Operations are carried out side by side, and in an order in which it is safe to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest

from orchestrator.deployment.reconciliation import CreateSchedule, Operation, RecordFingerprint, Register, Remove
from orchestrator.deployment.writing import _Looks, carry_out
from orchestrator.runs.task_state import Pause, Record
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SCHEDULE = TaskSchedule(expression="rate(1 hour)")


SWITCH = Pause(since="2026-03-01T00:00:00Z", who="ops", why="an incident", switch="all")


def task(task_id: str) -> Task:
    return Task(id=task_id, target=Target(kind=TargetKind.LAMBDA, name="work"))


def register(task_id: str) -> Register:
    return Register(task=task(task_id), is_new=True)


def create(task_id: str) -> CreateSchedule:
    return CreateSchedule(task_id=task_id, schedule=SCHEDULE)


class Stores:
    """Registry, schedules and switches, which do as they are told and write down what they were asked."""

    def __init__(self, do: Callable[[str], object] = lambda line: None, *, switches: Sequence[Pause] = ()) -> None:
        self.asked: list[str] = []
        self._do = do
        self._switches = switches

    def _ask(self, line: str) -> None:
        self.asked.append(line)
        self._do(line)

    def register(self, task: Task, *_: Any, **named: Any) -> None:
        self._ask(f"register {task.id}")

    def create(self, _name: str, task_id: str, _schedule: TaskSchedule) -> None:
        self._ask(f"create {task_id}")

    def remove(self, task_id: str) -> None:
        self._ask(f"remove {task_id}")

    def record(self) -> None:
        self._ask("record")

    def on(self, _now: datetime) -> Sequence[Pause]:
        self._ask("look")
        return self._switches

    def get(self, task_id: str) -> Record | None:
        return None if task_id == "gone" else Record(task=task(task_id))

    def change_pause(self, task_id: str, change: Callable[[Pause | None], Pause | None]) -> None:
        assert change(None) is not None
        self._ask(f"pause {task_id}")

    def order(self, *lines: str) -> bool:
        """Whether each was asked after the one before it."""
        asked = iter(self.asked)
        return all(line in asked for line in lines)


def written(stores: Any, *operations: Operation, workers: int = 1) -> list[str]:
    """The lines of progress."""
    lines: list[str] = []
    carry_out(operations, stores, stores, stores, lines.append, now=NOW, workers=workers)
    return lines


def test_a_schedule_is_created_as_soon_as_its_task_is_registered() -> None:
    first_is_created = Event()

    def do(line: str) -> None:
        if line == "register b":
            assert first_is_created.wait(10), "the registration of one task waits for the schedule of another"
        if line == "create a":
            first_is_created.set()

    stores = Stores(do)
    lines = written(stores, register("a"), register("b"), create("a"), create("b"), RecordFingerprint())
    assert stores.asked.index("create b") > stores.asked.index("register b")
    assert [line.split()[0] for line in lines] == ["register", "register", "create", "create", "record"]


def test_a_record_goes_and_the_fingerprint_comes_when_all_else_is_done() -> None:
    stores = Stores()
    written(stores, register("a"), create("a"), Remove(task_id="old"), RecordFingerprint(), workers=5)
    assert stores.asked == ["register a", "look", "create a", "remove old", "record"]


@pytest.mark.parametrize("failing", ["register c", "create a"])
def test_where_one_fails_its_error_is_raised_and_nothing_else_is_begun(failing: str) -> None:
    failed = Event()

    def do(line: str) -> None:
        if line == failing:
            failed.set()
            raise ConnectionError(line)
        if line == "register more-9":
            assert failed.wait(10)

    ids = [f"more-{number}" for number in range(300)]
    stores = Stores(do)
    operations: list[Operation] = [
        *map(register, ["a", "b", "c", *ids]),
        *map(create, ["a", "b", "c", *ids]),
        RecordFingerprint(),
    ]
    with pytest.raises(ConnectionError, match=failing):
        written(stores, *operations)
    assert "create c" not in stores.asked
    assert len(stores.asked) < 300, stores.asked


def test_a_task_is_paused_before_it_gets_a_schedule_and_at_once_if_it_gets_none_or_is_not_new() -> None:
    stores = Stores(switches=[SWITCH])
    moved = replace(register("moved"), is_new=False)
    written(stores, register("new"), register("unscheduled"), moved, create("new"), create("moved"))
    assert stores.order("register new", "look", "pause new", "create new")
    assert stores.order("register unscheduled", "look", "pause unscheduled", "register moved", "look", "pause moved")
    assert stores.order("pause moved", "create moved")


def test_a_task_that_an_interrupted_deployment_has_left_is_paused_before_it_gets_its_schedule() -> None:
    stores = Stores(switches=[SWITCH])
    written(stores, create("left"), create("gone"))
    assert [line for line in stores.asked if line != "look"] == ["pause left", "create left", "create gone"]


def test_one_look_does_for_all_new_tasks_that_were_registered_before_it() -> None:
    ids = [f"task-{number}" for number in range(100)]
    all_are_registered = Event()

    def do(line: str) -> None:
        if line == "register task-99":
            all_are_registered.set()
        if line == "create task-0":
            assert all_are_registered.wait(10)

    stores = Stores(do)
    written(stores, *map(register, ids), *map(create, ids))
    assert stores.asked.count("look") <= 2, "one for the first, and one for the others"


def test_a_look_that_failed_serves_nobody() -> None:
    answers: Iterator[Any] = iter([ConnectionError("throttled"), ["found"]])

    def look() -> Any:
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    looks: Any = _Looks(look)
    needed = looks.next
    with pytest.raises(ConnectionError):
        looks.found(needed)
    assert looks.found(needed) == ["found"]
