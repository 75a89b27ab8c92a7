"""What the project's folder says, where it is at hand: pages do without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from orchestrator.deployment.slot_changes import SlotChange, slot_change
from orchestrator.deployment.task_changes import differences
from orchestrator.pricing import Billed
from orchestrator.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class Project:
    """Each answer is None where there is no project, or where its files have mistakes."""

    #: The tasks as their file has them, by id.
    tasks: Callable[[], Mapping[str, Task] | None] = lambda: None
    #: What the bill of a run follows from.
    billed: Callable[[], Billed | None] = lambda: None
    #: Dollars a month of the stack itself, whatever runs.
    fixed: Callable[[], Decimal | None] = lambda: None


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A task that the next apply would add, change or remove."""

    task_id: str
    action: str
    #: Each field that differs: name, as deployed, as written.
    fields: tuple[tuple[str, str, str], ...]
    slots: SlotChange


def pending(deployed: Mapping[str, Task], written: Mapping[str, Task], now: datetime) -> tuple[Pending, ...]:
    """The tasks that their file has otherwise than they are deployed, by id."""
    names = sorted(name for name in {*deployed, *written} if deployed.get(name) != written.get(name))
    return tuple(_pending(name, deployed.get(name), written.get(name), now) for name in names)


def differing(deployed: Mapping[str, Task], written: Mapping[str, Task]) -> Mapping[str, int]:
    """How many tasks the next apply would ``add``, ``change`` and ``remove``."""
    found = {
        "add": len(written.keys() - deployed.keys()),
        "change": sum(deployed[name] != written[name] for name in deployed.keys() & written.keys()),
        "remove": len(deployed.keys() - written.keys()),
    }
    return {action: count for action, count in found.items() if count}


def _pending(name: str, here: Task | None, there: Task | None, now: datetime) -> Pending:
    return Pending(
        task_id=name,
        action="change" if here and there else "add" if there else "remove",
        fields=tuple(differences(here, there)) if here and there else (),
        slots=slot_change(here, there, now),
    )
