"""Items of a table that cannot be read: whoever may write to a table can write anything.

One such item is reported by its name, and stepped over: it says nothing of the items beside it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from orchestrator.errors import InvalidRecord, InvalidRow

T = TypeVar("T")

#: Called with what says which item it is, and what is wrong with it.
Report = Callable[[InvalidRecord | InvalidRow], object]


def log(fault: InvalidRecord | InvalidRow) -> None:
    """A line in the log of the process."""
    logging.getLogger(__name__).error(str(fault))


def readable(items: Iterable[Mapping[str, Any]], read: Callable[[Mapping[str, Any]], T], report: Report) -> Iterator[T]:
    """Yields what ``read`` makes of each item; one that it cannot read is reported and left out."""
    for item in items:
        try:
            yield read(item)
        except (InvalidRecord, InvalidRow) as fault:
            report(fault)
