"""What tasks have cost, as tables for people and as plain values for programs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rich.table import Table
from rich.text import Text

from orchestrator.pricing.actual import Spent
from orchestrator.tasks.task import Task

#: Who owns a task that names no owner.
_NOBODY = "(nobody)"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """A task's share of a month."""

    task: Task
    spent: Spent
    #: By the ledger, and what its slots of the whole month make one expect.
    dollars: Decimal
    expected: Decimal

    @property
    def is_over(self) -> bool:
        """Whether the task has cost more than its budget."""
        return bool(self.task.budget) and self.dollars > self.task.budget


def costs_table(costs: Sequence[Cost], month: str) -> Table:
    """A row for each task, the dearest first, and the sum."""
    table = _table("TASK", "RUNS", f"DOLLARS IN {month}", "EXPECTED", "BUDGET")
    for one in sorted(costs, key=lambda one: (-one.dollars, one.task.id)):
        budget = f"{one.task.budget:.2f}" if one.task.budget else ""
        numbers = (f"{one.spent.runs:,}", f"{one.dollars:.4f}", f"{one.expected:.4f}", budget)
        table.add_row(one.task.id, *numbers, style="red" if one.is_over else "")
    runs = sum(one.spent.runs for one in costs)
    dollars, expected = (sum((getattr(one, name) for one in costs), Decimal(0)) for name in ("dollars", "expected"))
    table.add_row("all", f"{runs:,}", f"{dollars:.4f}", f"{expected:.4f}", "", style="bold")
    return table


def owners_over(costs: Sequence[Cost], budgets: Mapping[str, Decimal]) -> list[str]:
    """The owners whose tasks have cost more than they may."""
    return [name for name, dollars in _of_owners(costs).items() if name in budgets and dollars > budgets[name]]


def _of_owners(costs: Sequence[Cost]) -> dict[str, Decimal]:
    sums = defaultdict[str, Decimal](Decimal)
    for one in costs:
        sums[one.task.owner or _NOBODY] += one.dollars
    return sums


def owners_table(costs: Sequence[Cost], budgets: Mapping[str, Decimal]) -> Table:
    """A row for each owner, the dearest first."""
    table, owners = _table("OWNER", "RUNS", "DOLLARS", "EXPECTED", "BUDGET"), defaultdict[str, list[Cost]](list)
    for one in costs:
        owners[one.task.owner or _NOBODY].append(one)
    sums, over = _of_owners(costs), owners_over(costs, budgets)
    for name in sorted(owners, key=lambda name: (-sums[name], name)):
        expected = sum((one.expected for one in owners[name]), Decimal(0))
        budget = f"{budgets[name]:.2f}" if name in budgets else ""
        runs = f"{sum(one.spent.runs for one in owners[name]):,}"
        # A name is no markup.
        cells = (runs, f"{sums[name]:.4f}", f"{expected:.4f}", budget)
        table.add_row(Text(name), *cells, style="red" if name in over else "")
    return table


def cost_value(one: Cost, month: str) -> dict[str, Any]:
    """Returns a task's costs as ``--json`` prints them."""
    return {
        "taskId": one.task.id,
        "owner": one.task.owner,
        "month": month,
        "runs": one.spent.runs,
        "seconds": float(one.spent.seconds),
        "dollars": f"{one.dollars:.6f}",
        "expectedDollars": f"{one.expected:.6f}",
        "budget": float(one.task.budget) if one.task.budget else None,
        "isOver": one.is_over,
    }


def _table(name: str, *numbers: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(name, overflow="fold")
    for number in numbers:
        table.add_column(number, justify="right")
    return table
