"""How many runs may be at work at once, as it is declared; what follows is in :mod:`orchestrator.runs.pools`."""

from __future__ import annotations

from dataclasses import dataclass

#: A task's priority is one of these; the greater goes first.
PRIORITIES = range(10)

#: A pool holds no more at once, and begins no more in a minute: who is in it stands in one item of DynamoDB.
MOST_AT_ONCE = 500
MOST_PER_MINUTE = 600


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What is declared of a pool. The runs of one task that says ``atOnce``, and no pool, are a pool of their own."""

    name: str
    at_once: int
    #: None where there is no such bound.
    per_minute: int | None = None
