"""What a task has spent is added up day by day, each row once, and a month begins anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from orchestrator.dynamodb import Fields, to_item
from orchestrator.runs.run import EarlierRun, Run, RunStatus, SkipReason, Trigger
from orchestrator.runs.spending import Spending, added_up, dollars, unread_since
from orchestrator.tasks.event_start import EventStart
from orchestrator.tasks.rates import Rates
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule

#: A run is a dollar, and whatever comes beside it is another digit.
RATES = Rates(
    run=Decimal(1),
    second=Decimal("0.1"),
    attempt=Decimal("0.01"),
    duplicate=Decimal("0.001"),
    skipped=Decimal("0.5"),
    written=Decimal("0.25"),
    event=Decimal("0.0001"),
    hand=Decimal("-0.0001"),
    hour=Decimal(0),
    check=Decimal(0),
)
DAILY = Task(
    id="t",
    target=Target(kind=TargetKind.LAMBDA, name="work"),
    schedules=(TaskSchedule(expression="cron(0 8 * * ? *)"),),
    rates=RATES,
)


def run(day: int, month: int = 12, **fields: Any) -> Run:
    slot = key(datetime(2026, month, day, 8, tzinfo=UTC))
    plain = Run(task_id="t", slot=slot, status=RunStatus.SUCCEEDED, execution_arn="arn:x", attempts=1)
    return replace(plain, **fields)


def look(day: int, month: int = 12, hour: int = 9) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({}, "1"),
        ({"duration_seconds": 3.0}, "1.3"),
        ({"attempts": 3}, "1.02"),
        ({"duplicates": 2}, "1.002"),
        ({"dollars": Decimal(7), "attempts": 3, "duration_seconds": 3.0, "duplicates": 2}, "7.002"),
        ({"dollars": Decimal(7), "history": (EarlierRun(status=RunStatus.FAILED, dollars=Decimal(2)),)}, "9"),
        ({"trigger": Trigger.EVENT}, "1.0001"),
        ({"trigger": Trigger.RERUN}, "0.9999"),
        ({"status": RunStatus.SKIPPED, "attempts": 0}, "0.5"),
        ({"status": RunStatus.WAITING, "attempts": 0}, "0.5"),
        ({"status": RunStatus.MISSED, "execution_arn": None, "attempts": 0}, "0.25"),
    ],
)
def test_a_row_costs_what_it_says_of_its_run(fields: dict[str, Any], cost: str) -> None:
    assert dollars(RATES, [run(1, **fields)]) == Decimal(cost)


def test_metrics_cost_by_the_hour_and_checks_by_the_round() -> None:
    rates = replace(RATES, hour=Decimal(100), check=Decimal(1000))
    minutes = [replace(run(1), started_at=f"2026-12-01T08:{minute:02}:05.000Z") for minute in (0, 1, 59)]
    assert dollars(rates, minutes) == 3 + 100 + 2000
    assert dollars(rates, [replace(minutes[0], trigger=Trigger.AD_HOC)]) == Decimal("0.9999") + 100


@pytest.mark.parametrize("pause", [1, 2, 5, 31])
def test_looks_of_any_days_count_each_row_once_in_its_month(pause: int) -> None:
    """However many days lie between two looks, and though each reads two days anew."""
    rows = [run(day, month) for month in (11, 12) for day in range(1, 31)]
    known, now = None, look(1, 11)
    while now <= look(31):
        since = key(unread_since(known, now))
        unread = [one for one in rows if since <= one.slot <= key(now)]
        known = added_up(DAILY, RATES, known, unread, now)
        last = now
        now += timedelta(days=pause)
    assert known is not None
    assert known.dollars == len([one for one in rows if "2026-12-01" < one.slot <= key(last)])
    assert known.before == 30


def test_what_ends_or_runs_again_a_day_later_is_still_counted() -> None:
    waiting = run(4, status=RunStatus.WAITING, attempts=0)
    first = added_up(DAILY, RATES, None, [waiting], look(4))
    assert (first.dollars, unread_since(first, look(5))) == (Decimal("0.5"), datetime(2026, 12, 3, tzinfo=UTC))
    assert added_up(DAILY, RATES, first, [run(4, duration_seconds=2.0)], look(5)).dollars == Decimal("1.2")


def test_a_task_that_nobody_looked_at_for_months_begins_with_this_one() -> None:
    old = Spending(month="2026-09", day="2026-09-30", settled=Decimal(9), dollars=Decimal(9), expected=Decimal(9))
    assert unread_since(old, look(3)) == datetime(2026, 12, 1, tzinfo=UTC)
    found = added_up(DAILY, RATES, old, [run(1), run(2)], look(3))
    assert (found.dollars, found.before) == (Decimal(2), Decimal(0))


def test_the_slots_to_come_are_expected_to_cost_as_much_as_the_last() -> None:
    rows = [run(day, duration_seconds=10.0) for day in (1, 2, 3)]
    assert added_up(DAILY, RATES, None, rows, look(3)).expected == 2 * 31
    # Nothing has run yet: it is taken for a run of a second.
    assert added_up(DAILY, RATES, None, [], look(1, hour=7)).expected == Decimal("1.1") * 31


def test_what_the_runs_of_an_hour_share_is_no_part_of_what_each_costs() -> None:
    """At the first look of a month one run has borne the metrics of its hour."""
    often = replace(DAILY, schedules=(TaskSchedule(expression="cron(0/10 * * * ? *)"),))
    rates = replace(RATES, hour=Decimal(100), check=Decimal(10))
    first = replace(run(1), slot="2026-12-01T00:00:00Z", started_at="2026-12-01T00:00:00.100Z")
    found = added_up(often, rates, None, [first], datetime(2026, 12, 1, 0, 5, tzinfo=UTC))
    assert found.dollars == 1 + 100 + 10
    # The slots of the first hour that are to come share it with the first, once in the month.
    assert float(found.expected) == pytest.approx(31 * 24 * (6 + 100 + 6 * 10), rel=0.005)


def test_neither_a_run_that_goes_on_nor_a_closed_day_says_what_a_run_costs() -> None:
    going_on = run(3, status=RunStatus.RUNNING, attempts=0)
    closed = run(2, status=RunStatus.SKIPPED, reason=SkipReason.CLOSED, execution_arn=None, attempts=0)
    found = added_up(DAILY, RATES, None, [run(1, duration_seconds=10.0), closed, going_on], look(3))
    assert found.expected - found.dollars == 2 * 28


def test_more_slots_than_are_counted_go_on_as_often() -> None:
    minutely = replace(DAILY, schedules=(TaskSchedule(expression="rate(1 minute)"),))
    found = added_up(minutely, RATES, None, [], look(1, hour=0))
    assert float(found.expected) == pytest.approx(1.1 * 31 * 1440, rel=0.01)


def test_what_events_start_goes_on_as_the_month_began_after_a_week() -> None:
    started = replace(DAILY, schedules=(), starts=(EventStart(pattern={"source": ["shop"]}),))
    rows = [run(day, trigger=Trigger.EVENT) for day in range(1, 9)]
    assert added_up(started, RATES, None, rows[:2], look(3)).expected == Decimal("2.0002")
    assert float(added_up(started, RATES, None, rows, look(9, hour=0)).expected) == pytest.approx(8.0008 / 8 * 31)


def test_a_record_keeps_what_was_added_up() -> None:
    spent = Spending(
        month="2026-12",
        day="2026-12-05",
        settled=Decimal("0.000123456789"),
        dollars=Decimal("1.234"),
        expected=Decimal("5.678"),
        before=Decimal("4.2"),
    )
    assert Spending.from_fields(Fields(to_item(spent.to_value()))) == spent
