"""Budgets that a month has passed, or will pass: whose, and what people are told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from orchestrator.instants import month_of
from orchestrator.runs.alerts import Cause, Severity
from orchestrator.runs.mutes import Mute
from orchestrator.runs.spending import Spending
from orchestrator.stack import Stack
from orchestrator.tasks.task import Task

#: Tasks that a message names.
_NAMED = 10

#: Until this day of a month the month before is looked at, too: what its last day has cost is known now.
_LAST_LOOK = 2

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Overrun:
    """A budget that a month has passed, or will pass."""

    #: The task's id, or whose tasks they are.
    who: str
    tasks: tuple[Task, ...]
    budget: Decimal
    month: str
    dollars: Decimal
    #: None for a month that is over.
    expected: Decimal | None = None

    @property
    def task_ids(self) -> tuple[str, ...]:
        return tuple(task.id for task in self.tasks)

    @property
    def owner(self) -> str:
        return self.tasks[0].owner

    def muted_by(self, mutes: Iterable[Mute], now: datetime) -> Mute | None:
        """The mute that is about all of the tasks, if there is one."""
        on = (one for one in mutes if not one.over(now))
        return next((one for one in on if all(one.covers(task.id, task) for task in self.tasks)), None)

    @property
    def cause(self) -> Cause:
        """One for each budget, its amount and its month, and another while it is but expected to be passed."""
        verb = "cost more" if self.dollars > self.budget else "will cost more"
        return Cause(severity=Severity.OVER_BUDGET, title=f"{self.who}: {verb} than ${self.budget:.2f} in {self.month}")

    def text(self, stack: Stack) -> str:
        """The message."""
        more = len(self.task_ids) - _NAMED
        lines = [
            f"{self.who}: {'more was' if self.dollars > self.budget else 'more will be'} spent than the budget allows.",
            "",
            f"month:     {self.month}",
            f"budget:    ${self.budget:.2f}",
            f"spent:     ${self.dollars:.2f}",
            *([f"expected:  ${self.expected:.2f} in the whole month"] if self.expected is not None else []),
            f"tasks:     {', '.join(self.task_ids[:_NAMED])}{f' and {more} more' if more > 0 else ''}",
            *([f"owner:     {self.owner}"] if self.owner else []),
            "",
            f"costs:     orchestrator --stack {stack.name} costs --month {self.month}",
        ]
        return "\n".join(lines)


def overruns(spent: Sequence[tuple[Task, Spending]], now: datetime) -> Iterator[Overrun]:
    """Yields the budgets, of tasks and of owners, that this month has passed or will pass, or that the last one had
    passed when it was over.
    """
    owners = defaultdict[str, list[tuple[Task, Spending]]](list)
    for task, spending in spent:
        if task.budget:
            yield from _over(task.id, [(task, spending)], task.budget, now)
        if task.owners_budget:
            owners[task.owner].append((task, spending))
    for owner, theirs in sorted(owners.items()):
        budget = max(task.owners_budget for task, _ in theirs)
        yield from _over(f"the tasks of {owner}", theirs, budget, now)


def _over(who: str, spent: Sequence[tuple[Task, Spending]], budget: Decimal, now: datetime) -> Iterator[Overrun]:
    month = f"{now:%Y-%m}"
    mine = [spending for _, spending in spent if spending.month == month]
    so_far, expected, before = (
        sum((getattr(one, name) for one in mine), Decimal(0)) for name in ("dollars", "expected", "before")
    )
    tasks = tuple(task for task, _ in spent)
    if now.day <= _LAST_LOOK and before > budget:
        last = f"{month_of(now) - _DAY:%Y-%m}"
        yield Overrun(who=who, tasks=tasks, budget=budget, month=last, dollars=before)
    if max(so_far, expected) > budget:
        yield Overrun(who=who, tasks=tasks, budget=budget, month=month, dollars=so_far, expected=expected)


def is_past(title: str, now: datetime) -> bool:
    """Whether an incident of this title is of a month of which nothing is told any more."""
    last = f"{month_of(now) - _DAY:%Y-%m}"
    months = [f"{now:%Y-%m}", *([last] if now.day <= _LAST_LOOK else [])]
    return not any(title.endswith(f" in {month}") for month in months)
