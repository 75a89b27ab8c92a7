"""Progress is a bar for a person at a terminal who would not read as many lines, and lines for everybody else."""

from __future__ import annotations

import io

from rich.console import Console

from orchestrator.cli.views.progress import MOST_LINES, progress_of


def shown(count: int, *, terminal: bool) -> tuple[list[str], str]:
    """What is said in lines, and what the terminal shows, when ``count`` things are done."""
    lines: list[str] = []
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100, legacy_windows=False)
    with progress_of(count, console, lines.append) as progress:
        for number in range(count):
            progress(f"register task [{number}]")
    assert isinstance(console.file, io.StringIO)
    return lines, console.file.getvalue()


def test_many_things_are_a_bar_on_a_terminal() -> None:
    lines, terminal = shown(MOST_LINES + 1, terminal=True)
    assert lines == []
    assert "━" in terminal
    assert "21/21" in terminal


def test_a_few_things_are_a_line_each() -> None:
    lines, terminal = shown(MOST_LINES, terminal=True)
    assert lines == [f"register task [{number}]" for number in range(MOST_LINES)]
    assert terminal == ""


def test_without_a_terminal_each_thing_is_a_line() -> None:
    lines, written = shown(1000, terminal=False)
    assert len(lines) == 1000
    assert written == ""
