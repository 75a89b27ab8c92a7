"""A simulation as a command: what it found, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar


class Checked(Protocol):
    """What a checker found."""

    @property
    def wrong(self) -> int:
        """How much is as it must not be."""


Found = TypeVar("Found", bound=Checked)


def shown(simulate: Callable[[], Found], lines: Callable[[Found], Iterable[str]], seed: int) -> int:
    """Simulates and prints what was found. Returns 1 if something was wrong, else 0."""
    print(f"seed {seed}", flush=True)  # noqa: T201
    began = time.monotonic()
    found = simulate()
    for line in lines(found):
        print(line)  # noqa: T201
    print(f"{time.monotonic() - began:.0f} s")  # noqa: T201
    return int(found.wrong > 0)
