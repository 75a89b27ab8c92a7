"""A preview as a table: month by month, week by week."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.table import Table
from rich.text import Text

from orchestrator.tasks.preview import Line, zone_name
from orchestrator.tasks.slots import key


def _after(line: Line) -> tuple[str, ...]:
    more = f" and {len(line.after) - 2} more" if len(line.after) > 2 else ""
    return (f"after {', '.join(line.after[:2])}{more}",) if line.after else ()


def preview_table(lines: Iterable[Line]) -> Table:
    """A row for each line; a month begins with its name, and a week after a blank row."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("DAY", "LOCAL", "ZONE", "UTC", ""):
        table.add_column(name, overflow="fold", min_width=len("2026-12-01T08:00:00Z") if name == "UTC" else None)
    last: datetime | None = None
    for line in lines:
        local = line.local.replace(tzinfo=None)
        if last is None or (last.year, last.month) != (local.year, local.month):
            if last is not None:
                table.add_row()
            table.add_row(Text(f"{local:%B %Y}", style="bold"))
        elif last.isocalendar().week != local.isocalendar().week:
            table.add_row()
        same_day = last is not None and last.date() == local.date()
        table.add_row(
            "" if same_day else f"{local:%a} {local.day:2}",
            f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}",
            zone_name(line),
            key(line.slot) if line.slot else "—",
            Text("; ".join((*line.marks, *_after(line))), style="" if line.runs else "yellow"),
            style="" if line.runs else "dim",
        )
        last = local
    return table
