"""What a backfill would do, as a table for people, and as plain values for programs."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from orchestrator.runs.backfill import PlannedSlot


def plan_table(planned: Iterable[PlannedSlot]) -> Table:
    """A row for each slot."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("SLOT", min_width=len("2026-12-01T08:00:00Z"), overflow="fold")
    for name in ("DECISION", "STATUS", "WHY"):
        table.add_column(name, overflow="fold")
    for slot in planned:
        table.add_row(
            slot.slot,
            Text(slot.decision, style="green" if slot.runs else "dim"),
            slot.run.status if slot.run else "",
            _why(slot),
        )
    return table


def planned_value(planned: PlannedSlot) -> dict[str, str]:
    """Returns a slot as ``--json`` prints it, without fields that do not apply."""
    fields = {
        "slot": planned.slot,
        "decision": planned.decision,
        "status": planned.run.status if planned.run else "",
        "why": _why(planned),
    }
    return {name: value for name, value in fields.items() if value}


def _why(planned: PlannedSlot) -> str:
    return planned.why or (planned.run and (planned.run.reason or planned.run.error)) or ""
