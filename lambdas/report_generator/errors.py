"""What the report generator raises."""

from __future__ import annotations

from orchestrator.errors import NonRetryableError


class MalformedOrders(NonRetryableError):
    """A line of a file of orders cannot be read; a report without it would be wrong."""

    def __init__(self, key: str, line: int, problem: str) -> None:
        self.key = key
        self.line = line
        super().__init__(f"{key}, line {line}: {problem}; correct the file and run the slot again")
