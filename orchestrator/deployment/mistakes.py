"""Mistakes of several files, so that whoever made them hears of all of them in one go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator.errors import InvalidDefinition, InvalidProject, InvalidTaskFile


class Mistakes:
    """Mistakes of a project, in the order in which they were found."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, said: str) -> None:
        if said not in self.found:
            self.found.append(said)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Collects the mistakes that the block raises instead of passing them on."""
        try:
            yield
        except (InvalidDefinition, InvalidProject, InvalidTaskFile) as fault:
            for said in fault.problems:
                self.add(said)

    def raise_if_any(self) -> None:
        """Raises :class:`~orchestrator.errors.InvalidProject`."""
        if self.found:
            raise InvalidProject(self.found)
