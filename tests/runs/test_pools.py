"""Who may run in a pool, and who is next."""

from __future__ import annotations

import random
from bisect import insort
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.instants import to_millisecond
from orchestrator.runs.hold import Hold
from orchestrator.runs.pools import (
    AGEING_SECONDS,
    AHEAD_SECONDS,
    LATE_SECONDS,
    Holder,
    Pool,
    Waiter,
    admit,
    kept,
    place,
    why,
)
from orchestrator.runs.run import Run, RunStatus
from orchestrator.tasks.gates import HoldKind
from orchestrator.tasks.limits import PRIORITIES, Limit

NOW = 1_796_000_100.0
VERSION = "2026-12-01T08:00:00.000Z"
HELD = Hold(kind=HoldKind.POOL, since=VERSION)
THREE = Limit(name="reports", at_once=3)


def at(seconds: float) -> str:
    return to_millisecond(datetime.fromtimestamp(NOW + seconds, UTC))


def waiter(task_id: str, since: float = NOW, **fields: object) -> Waiter:
    known = {"slot": "2026-12-01T08:00:00Z", "version": "v", "lease_seconds": 600, **fields}
    return Waiter(task_id=task_id, since=since, **known)  # type: ignore[arg-type] # fields of a test


def let_in(limit: Limit, pool: Pool, *waiting: Waiter, now: float = NOW) -> list[str]:
    return [one.task_id for one in admit(limit, pool, sorted(waiting, key=place), now).admitted]


def test_no_more_are_let_in_than_there_are_places() -> None:
    first = admit(THREE, Pool(), [waiter(name) for name in "abcd"], NOW)
    assert [one.task_id for one in first.admitted] == ["a", "b", "c"]
    assert let_in(THREE, first.pool, waiter("d")) == []
    assert let_in(THREE, first.pool.without("b", "2026-12-01T08:00:00Z"), waiter("d"), waiter("e")) == ["d"]


def test_the_greater_priority_goes_first_then_the_earlier_slot_then_who_has_waited_longer() -> None:
    waiting = [
        waiter("later", NOW + 1),
        waiter("earlier slot", NOW + 2, slot="2026-12-01T07:00:00Z"),
        waiter("urgent", NOW + 3, priority=5),
        waiter("sooner", NOW),
    ]
    assert [one.task_id for one in sorted(waiting, key=place)] == ["urgent", "earlier slot", "sooner", "later"]


def test_who_has_waited_goes_before_whoever_comes_later_with_a_little_more_priority() -> None:
    begin = NOW // AGEING_SECONDS * AGEING_SECONDS
    old = waiter("old", begin)
    assert let_in(replace(THREE, at_once=1), Pool(), old, waiter("new", begin + 299, priority=1)) == ["new"]
    assert let_in(replace(THREE, at_once=1), Pool(), old, waiter("new", begin + 300, priority=1)) == ["old"]
    latest = waiter("new", begin + len(PRIORITIES) * AGEING_SECONDS, priority=PRIORITIES[-1], slot="2026-01-01T00:00Z")
    assert let_in(replace(THREE, at_once=1), Pool(), old, latest) == ["old"]


def test_a_holder_that_died_is_in_nobodys_way_beyond_its_lease() -> None:
    pool = admit(THREE, Pool(), [waiter(name) for name in "abc"], NOW).pool
    assert let_in(THREE, pool, waiter("d"), now=NOW + 599) == []
    assert let_in(THREE, pool, waiter("d"), now=NOW + 600) == ["d"]


@pytest.mark.parametrize(
    ("row", "seconds"),
    [
        (None, None),
        ({"status": RunStatus.SUCCEEDED}, None),
        ({"status": RunStatus.ABORTED, "started_at": at(700)}, None),
        # It has begun late, and has all of its lease from then on; or it died without a word.
        ({"status": RunStatus.RUNNING, "started_at": at(590)}, 1190),
        ({"status": RunStatus.RUNNING, "started_at": at(90)}, None),
        # It is about to begin, or its start has failed and is tried again.
        ({"status": RunStatus.WAITING, "hold": HELD, "started_at": VERSION}, LATE_SECONDS),
        # It has said "not yet" meanwhile.
        ({"status": RunStatus.WAITING, "hold": HELD, "started_at": at(650)}, None),
        # Its turn among its own task's runs has not come.
        ({"status": RunStatus.WAITING, "started_at": at(590)}, 1190),
    ],
)
def test_who_has_begun_late_keeps_its_place_beyond_its_lease(row: dict[str, Any] | None, seconds: int | None) -> None:
    holder = Holder(task_id="a", slot="2026-12-01T08:00:00Z", version=VERSION, begins=NOW, until=NOW + 600)
    run = None if row is None else Run(task_id="a", slot=holder.slot, **row)
    found = kept(holder, run, NOW + 700)
    assert (found.until - NOW if found else None) == seconds


def test_who_waits_to_begin_waits_for_no_more_than_an_hour() -> None:
    holder = Holder(task_id="a", slot="2026-12-01T08:00:00Z", version=VERSION, begins=NOW, until=NOW + 600)
    held = Run(task_id="a", slot=holder.slot, status=RunStatus.WAITING, hold=HELD, started_at=VERSION)
    again = kept(holder, held, NOW + 700)
    assert again is not None
    assert kept(again, held, NOW + LATE_SECONDS) is None


def test_a_task_has_no_more_places_than_it_says_and_others_go_by() -> None:
    waiting = [waiter("a", slot=f"2026-12-01T08:0{n}:00Z", at_once=1) for n in range(3)]
    admitted = admit(THREE, Pool(), [*waiting, waiter("b", slot="2026-12-01T09:00:00Z")], NOW).admitted
    assert [(one.task_id, one.slot[14:16]) for one in admitted] == [("a", "00"), ("b", "00")]


def test_so_many_begin_in_a_minute_and_the_next_are_told_when() -> None:
    limit = Limit(name="api", at_once=100, per_minute=2)
    pool = admit(limit, Pool(), [waiter("a")], NOW - 20).pool
    admitted = admit(limit, pool, [waiter(name) for name in "bcdefg"], NOW).admitted
    # Nobody is told of more than a minute ahead.
    assert [(one.task_id, one.begins - NOW) for one in admitted] == [("b", 0), ("c", 40), ("d", 60)]
    assert [one.until - one.begins for one in admitted] == [600, 600, 600]


def test_a_slot_that_is_run_again_is_another_run() -> None:
    pool = admit(THREE, Pool(), [waiter("a", version="first")], NOW).pool
    slot = "2026-12-01T08:00:00Z"
    assert pool.without("a", slot, "second") == pool
    assert pool.has("a", slot)
    assert not pool.without("a", slot, "first").has("a", slot)


def test_people_are_told_who_is_in_the_way() -> None:
    pool = admit(THREE, Pool(), [waiter(name) for name in "abc"], NOW).pool
    assert why(THREE, pool, []) == "waits for a place in the pool reports (3 of 3 are in it): it is next"
    assert why(replace(THREE, per_minute=30), pool, [waiter("d"), waiter("e")]) == (
        "waits for a place in the pool reports (3 of 3 are in it, 30 a minute): 2 before it, next is d"
        " 2026-12-01T08:00:00Z"
    )


# in general


@dataclass(kw_only=True)
class Life:
    """A pool through time, with its runs: what really is at work, whatever the pool knows of it."""

    limit: Limit
    dice: random.Random
    pool: Pool = field(default_factory=Pool)
    now: float = NOW
    began: int = 0
    waiting: list[tuple[str, Waiter]] = field(default_factory=list)
    #: When each run that was let in ends, and whether anybody hears of it.
    ends: dict[Holder, tuple[float, bool]] = field(default_factory=dict)
    #: How much later the last came that was let in before each of those that their own task's limit did not hold up.
    passed: dict[Waiter, float] = field(default_factory=dict)

    def arrive(self, number: int) -> None:
        minutes = self.dice.randrange(-600, 1)
        one = waiter(
            f"t{self.dice.randrange(40)}",
            self.now,
            slot=f"{number:06d}-{minutes + 600:04d}",
            priority=self.dice.choice(PRIORITIES),
            lease_seconds=self.dice.choice([60, 400, 3000]),
            at_once=self.dice.choice([None, None, 2]),
        )
        insort(self.waiting, (place(one), one), key=lambda pair: pair[0])

    def let_in(self) -> None:
        admission = admit(self.limit, self.pool, (one for _, one in self.waiting), self.now)
        self.pool = admission.pool
        slots = {one.slot for one in admission.admitted}
        came = {one.slot: one for _, one in self.waiting if one.slot in slots}
        self.waiting = [pair for pair in self.waiting if pair[1].slot not in slots]
        for holder in admission.admitted:
            lease = came[holder.slot].lease_seconds
            dies = self.dice.random() < 0.1
            self.ends[holder] = (holder.begins + self.dice.uniform(0, lease), not dies)
            self.began += 1
            for _, other in self.waiting:
                if other.at_once is None:
                    later = came[holder.slot].since - other.since
                    self.passed[other] = max(self.passed.get(other, 0), later)

    def at_work(self) -> int:
        """How many runs are in the pool that have not ended, those that are about to begin among them."""
        return sum(end > self.now for end, _ in self.ends.values())

    def end(self) -> None:
        for holder, (end, heard) in list(self.ends.items()):
            if end <= self.now:
                del self.ends[holder]
                if heard:
                    self.pool = self.pool.without(holder.task_id, holder.slot)


def through(life: Life, starts: int) -> None:
    """So many starts, in rushes and in lulls, of which a tenth die and nobody hears of it."""
    begins: list[float] = []
    number = 0
    while life.began < starts or life.waiting:
        crowded = number >= starts or len(life.waiting) > 100
        for _ in range(0 if crowded else life.dice.choice([0, 0, 1, 3, 12])):
            life.arrive(number)
            number += 1
        before = set(life.ends)
        life.let_in()
        begins += sorted(holder.begins for holder in set(life.ends) - before)
        assert life.at_work() <= life.limit.at_once
        life.now += life.dice.expovariate(1 / 20)
        life.end()
    assert life.began == number
    if life.limit.per_minute:
        # In no minute, wherever it begins.
        assert all(b - a >= 60 - 1e-6 for a, b in zip(begins, begins[life.limit.per_minute :], strict=False))
    assert max(life.passed.values()) <= len(PRIORITIES) * AGEING_SECONDS


@pytest.mark.parametrize(
    ("limit", "starts"),
    [
        (Limit(name="p", at_once=3), 600),
        (Limit(name="p", at_once=20, per_minute=2), 600),
        pytest.param(Limit(name="p", at_once=3), 10_000, marks=pytest.mark.proof),
        pytest.param(Limit(name="p", at_once=20, per_minute=4), 10_000, marks=pytest.mark.proof),
    ],
)
def test_a_pool_is_never_too_full_lets_everybody_in_and_lets_nobody_be_passed_for_ever(
    limit: Limit, starts: int
) -> None:
    life = Life(limit=limit, dice=random.Random(starts))
    through(life, starts)
    assert life.began >= starts
    assert AHEAD_SECONDS == 60
