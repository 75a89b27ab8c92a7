"""Operations are carried out side by side, and in an order in which it is safe to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest

from orchestrator.deployment.reconciliation import CreateSchedule, Operation, RecordFingerprint, Register, Remove
from orchestrator.deployment.writing import _Look, carry_out
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SCHEDULE = TaskSchedule(expression="rate(1 hour)")


def register(task_id: str) -> Register:
    return Register(task=Task(id=task_id, target=Target(kind=TargetKind.LAMBDA, name="work")), is_new=True)


def create(task_id: str) -> CreateSchedule:
    return CreateSchedule(task_id=task_id, schedule=SCHEDULE)


class Stores:
    """Registry, schedules and switches, which do as they are told and write down what they were asked."""

    def __init__(self, do: Callable[[str], object] = lambda line: None) -> None:
        self.asked: list[str] = []
        self._do = do

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

    def on(self, _now: datetime) -> list[Any]:
        return []


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
    assert stores.asked == ["register a", "create a", "remove old", "record"]


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


def test_one_look_serves_all_who_asked_before_it_began() -> None:
    begun: list[int] = []

    def look() -> list[Any]:
        begun.append(len(begun))
        number = len(begun)
        Event().wait(0.001)
        return [number]

    shared = _Look(look)

    def ask(_number: int) -> bool:
        before = len(begun)
        found: list[Any] = list(shared())
        return bool(found[0] > before)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(200))), "what was there before somebody asked is in what is found"
    assert len(begun) < 100


def test_a_look_that_failed_serves_nobody() -> None:
    answers: Iterator[Any] = iter([ConnectionError("throttled"), ["found"]])

    def look() -> Any:
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    shared: Callable[[], list[Any]] = _Look(look)
    with pytest.raises(ConnectionError):
        shared()
    assert shared() == ["found"]
