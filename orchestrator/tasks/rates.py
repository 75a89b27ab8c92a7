"""What a task's runs cost, as far as their rows say it: a deployment writes it into the record of a task with a budget.

So the watchdog adds up what was spent from rows alone. It needs neither prices nor definitions, and counts with those
of the deployment.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal

from orchestrator.dynamodb import Fields


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Dollars, with four digits each."""

    #: Of a run that goes well at once, without the time that its function works; and of each second of that.
    run: Decimal
    second: Decimal
    #: Of each further attempt, and of each further delivery.
    attempt: Decimal
    duplicate: Decimal
    #: Of a slot that an execution skips, and of one of which the watchdog has written the row.
    skipped: Decimal
    written: Decimal
    #: Beside a scheduled run: of one that an event has started, and of one by hand. Less than nothing where Scheduler
    #: would have cost more.
    event: Decimal
    hand: Decimal
    #: Of the metrics of an hour, and of the watchdog's check of a slot.
    hour: Decimal
    check: Decimal

    def __str__(self) -> str:
        return f"${self.run:f} a run, ${self.second:f} a second"

    def to_value(self) -> dict[str, Decimal]:
        """As the record has it."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_fields(cls, given: Fields) -> Rates:
        """Raises :class:`KeyError` and :class:`ValueError`."""
        return cls(**{field.name: rounded(given.get(field.name, float)) for field in fields(cls)})


def rounded(dollars: Decimal | float) -> Decimal:
    """Four digits: more would be no better, and longer."""
    return Decimal(f"{float(dollars):.4g}")
