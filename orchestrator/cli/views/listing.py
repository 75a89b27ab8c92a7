"""A table that a narrow terminal shows as well: what finds no room beside the rest of a row stands below it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

#: A terminal of so many columns has room for folded cells; in a narrower one they would be a word a line.
_WIDE = 120

#: Between two columns.
_GAP = 2

#: The first column may be folded down to this.
_NARROWEST = 12


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a :class:`Listing`."""

    name: str
    #: Numbers stand to the right.
    right: bool = False
    #: Whether a narrow terminal shows it below its row.
    below: bool = False


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Rows of cells, one for each column. The first column says what the row is about."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str | Text]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in self.rows]
        widths = [self._width(number, rows) for number in range(len(self.columns))]
        room = options.max_width
        if room >= _WIDE or sum(widths) + _GAP * (len(widths) - 1) <= room:
            yield _table(self.columns, rows, {n: w for n, w in enumerate(widths) if n and not self.columns[n].below})
        else:
            yield from self._narrow(rows, widths, room)

    def _width(self, number: int, rows: Iterable[Sequence[Text]]) -> int:
        lines = (line.cell_len for row in rows for line in row[number].split("\n"))
        return max(len(self.columns[number].name), max(lines, default=0))

    def _narrow(self, rows: Sequence[Sequence[Text]], widths: list[int], room: int) -> Iterator[Table | Padding]:
        beside = [number for number, column in enumerate(self.columns) if not column.below]
        others = sum(widths[number] + _GAP for number in beside[1:])
        widths[beside[0]] = min(widths[beside[0]], max(room - others, _NARROWEST))
        columns = [self.columns[number] for number in beside]
        fixed = {place: widths[number] for place, number in enumerate(beside)}
        yield _table(columns, [], fixed)
        for row in rows:
            yield _table(columns, [[row[number] for number in beside]], fixed, header=False)
            below = [cell for cell, column in zip(row, self.columns, strict=True) if column.below and cell.plain]
            if below:
                yield Padding(Text(" · ").join(below), (0, 0, 0, _GAP), style="dim")


def _table(
    columns: Sequence[Column], rows: Iterable[Sequence[Text]], fixed: dict[int, int], *, header: bool = True
) -> Table:
    """Columns that are not ``fixed`` are as wide as there is room, and folded where there is none."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=header)
    for number, column in enumerate(columns):
        table.add_column(
            column.name,
            justify="right" if column.right else "left",
            overflow="fold",
            min_width=fixed.get(number),
            max_width=fixed.get(number),
        )
    for row in rows:
        table.add_row(*row)
    return table
