"""Mistakes of several files, so that whoever made them hears of all of them in one go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.errors import InvalidDefinition, InvalidProject, InvalidTaskFile


class Mistakes:
    """What is found, in the order of the search."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, said: str) -> None:
        if said not in self.found:
            self.found.append(said)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keeps what the block raises of mistakes, and goes on behind it."""
        try:
            yield
        except (InvalidDefinition, InvalidProject, InvalidTaskFile) as fault:
            for said in fault.problems:
                self.add(said)

    def raise_if_any(self) -> None:
        """Raises :class:`~orchestrator.errors.InvalidProject`."""
        if self.found:
            raise InvalidProject(self.found)
