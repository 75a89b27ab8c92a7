"""Whose budget a month has passed, or will pass, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from orchestrator.runs.mutes import Mute
from orchestrator.runs.overruns import Overrun, is_past, overruns
from orchestrator.runs.spending import Spending
from orchestrator.stack import Stack
from orchestrator.tasks.scope import Scope, ScopeKind
from orchestrator.tasks.task import Target, TargetKind, Task

NOW = datetime(2026, 12, 17, tzinfo=UTC)


def task(task_id: str, *, budget: str = "0", owners: str = "0", owner: str = "ann") -> Task:
    target = Target(kind=TargetKind.LAMBDA, name="work")
    return Task(id=task_id, target=target, owner=owner, budget=Decimal(budget), owners_budget=Decimal(owners))


def spent(so_far: str, expected: str, *, month: str = "2026-12", before: str = "0") -> Spending:
    amounts = {"dollars": Decimal(so_far), "expected": Decimal(expected), "before": Decimal(before)}
    return Spending(month=month, day=f"{month}-17", settled=Decimal(0), **amounts)


def titles(*pairs: tuple[Task, Spending], now: datetime = NOW) -> list[str]:
    return [one.cause.title for one in overruns(pairs, now)]


@pytest.mark.parametrize(
    ("so_far", "expected", "said"),
    [
        ("4", "5", []),
        ("4", "5.01", ["t: will cost more than $5.00 in 2026-12"]),
        ("5", "5", []),
        ("5.01", "9", ["t: cost more than $5.00 in 2026-12"]),
    ],
)
def test_a_budget_is_passed_or_will_be(so_far: str, expected: str, said: list[str]) -> None:
    assert titles((task("t", budget="5"), spent(so_far, expected))) == said


def test_an_owners_tasks_have_theirs_together() -> None:
    pairs = [(task(name, owners="10"), spent("4", "6")) for name in ("a", "b")]
    assert titles(*pairs) == ["the tasks of ann: will cost more than $10.00 in 2026-12"]
    assert titles(*pairs, (task("c", owners="10"), spent("3", "3"))) == [
        "the tasks of ann: cost more than $10.00 in 2026-12"
    ]
    assert titles(*pairs, (task("c", owners="10", owner="bob"), spent("3", "3"))) == [
        "the tasks of ann: will cost more than $10.00 in 2026-12"
    ]


def test_what_the_last_day_of_a_month_has_cost_is_told_on_the_first_of_the_next() -> None:
    pair = (task("t", budget="5"), spent("0.1", "3", before="5.2"))
    assert titles(pair, now=datetime(2026, 12, 1, tzinfo=UTC)) == ["t: cost more than $5.00 in 2026-11"]
    assert titles(pair) == []


def test_a_look_of_another_month_says_nothing_of_this_one() -> None:
    assert titles((task("t", budget="5"), spent("9", "9", month="2026-11"))) == []


@pytest.mark.parametrize(
    ("title", "day", "past"),
    [("t: in 2026-12", 17, False), ("t: in 2026-11", 2, False), ("t: in 2026-11", 3, True), ("t: in 2026-10", 1, True)],
)
def test_an_incident_stands_for_as_long_as_its_month_is_looked_at(title: str, day: int, past: bool) -> None:
    assert is_past(title, NOW.replace(day=day)) is past


def test_the_message_says_how_much_and_whose() -> None:
    (found,) = overruns([(task(f"t{n}", owners="1"), spent("0.5", "2")) for n in range(12)], NOW)
    assert found.text(Stack(name="shop-prod")).splitlines() == [
        "the tasks of ann: more was spent than the budget allows.",
        "",
        "month:     2026-12",
        "budget:    $1.00",
        "spent:     $6.00",
        "expected:  $24.00 in the whole month",
        "tasks:     t0, t1, t2, t3, t4, t5, t6, t7, t8, t9 and 2 more",
        "owner:     ann",
        "",
        "costs:     orchestrator --stack shop-prod costs --month 2026-12",
    ]


def test_a_mute_keeps_it_quiet_that_is_about_all_of_the_tasks() -> None:
    tasks = (task("a"), replace(task("b"), tags=("etl",)))
    found = Overrun(who="x", tasks=tasks, budget=Decimal(1), month="2026-12", dollars=Decimal(2))

    def mute(kind: ScopeKind, name: str = "", until: str = "2026-12-18T00:00:00Z") -> Mute:
        scope = Scope(kind=kind, name=name)
        return Mute(scope=scope, who="ann", why="", since="2026-12-16T00:00:00Z", until=until)

    of_owner = mute(ScopeKind.OWNER, "ann")
    assert found.muted_by([mute(ScopeKind.TAG, "etl"), of_owner], NOW) == of_owner
    assert found.muted_by([mute(ScopeKind.TAG, "etl"), mute(ScopeKind.TASK, "a")], NOW) is None
    assert found.muted_by([mute(ScopeKind.ALL, until="2026-12-16T12:00:00Z")], NOW) is None
