"""How far many writes have come: on a terminal a bar, elsewhere a line for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

#: So many lines a person reads; of more, a terminal shows a bar.
MOST_LINES = 20


@contextmanager
def progress_of(count: int, console: Console, say: Callable[[str], object]) -> Iterator[Callable[[str], object]]:
    """Gives a callback that takes a line of text after each of ``count`` steps; it calls ``say``, or moves a bar."""
    if count <= MOST_LINES or not console.is_terminal:
        yield say
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=count)
        yield lambda line: progress.update(bar, advance=1, description=line)
        progress.update(bar, description="")
