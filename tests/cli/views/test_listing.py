"""A table is read at any width: nothing is cut, and no line is longer than the terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from orchestrator.cli.views.listing import Column, Listing

COLUMNS = (Column(name="TASK"), Column(name="SLOT"), Column(name="TIME", right=True), Column(name="WHY", below=True))
LONG = "the printer on the third floor has no paper, and nobody there has any either, so that this is long"


def shown(width: int, *rows: tuple[str, str, str, str]) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width).print(Listing(columns=COLUMNS, rows=rows))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_what_has_room_is_one_line_a_row() -> None:
    assert shown(80, ("report", "2026-12-01", "1.2 s", "no paper")) == [
        "TASK    SLOT         TIME  WHY",
        "report  2026-12-01  1.2 s  no paper",
    ]


def test_what_has_none_stands_below_its_row_and_the_columns_stay_where_they_are() -> None:
    lines = shown(80, ("report", "2026-12-01", "1.2 s", LONG), ("a", "2026-12-02", "10.2 s", ""))
    assert lines[0] == "TASK    SLOT          TIME"
    assert lines[1] == "report  2026-12-01   1.2 s"
    assert " ".join(line.strip() for line in lines[2:4]) == LONG
    assert lines[4] == "a       2026-12-02  10.2 s"


@pytest.mark.parametrize("width", [40, 60, 80, 119, 120, 200])
def test_no_line_is_longer_than_the_terminal_and_all_is_there(width: int) -> None:
    name = "a-task-with-a-name-as-long-as-a-name-may-ever-be"
    lines = shown(width, (name, "2026-12-01", "1.2 s", LONG))
    assert max(map(len, lines)) <= width
    letters = "".join(lines).replace(" ", "")
    assert {"2026-12-01", "1.2s"} <= {part for part in ("2026-12-01", "1.2s") if part in letters}
    assert LONG.replace(" ", "") in letters
