"""What the parts of a task's runs cost: a deployment writes it into the task's record, and whoever ends a run
multiplies and adds.

So no price stands in a state machine, and each row is told its cost by the write that ends it. Prices are those of the
deployment: a list that has changed is told by the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

from orchestrator.tasks.rates import rounded


@dataclass(frozen=True, kw_only=True)
class Price:
    """Dollars a million, which are millionths of a dollar each, with four digits; in the order of the record's list.

    The last three are those of an Express execution, and None of a task whose schedules start none.
    """

    #: Of an execution that claims its slot and ends its row: writes, reads, storage, metrics, logs.
    run: Decimal
    #: The same of one that writes a row and claims nothing, and of one whose row is held until it is released.
    skip: Decimal
    hold: Decimal
    #: Of each state that is passed, each call of the target, and each second that its function works.
    state: Decimal
    call: Decimal
    second: Decimal
    #: Of what has started it: a delivery by EventBridge Scheduler, and an event.
    schedule: Decimal
    event: Decimal
    express_run: Decimal | None = None
    express_skip: Decimal | None = None
    #: Of each second that the execution itself lasts; its states cost nothing.
    express_second: Decimal | None = None

    def __str__(self) -> str:
        least = self.run + 4 * self.state if self.express_run is None else self.express_run
        return f"${least + self.call + self.schedule:.2f} a million runs, ${self.second:f} a million seconds"

    def to_value(self) -> list[Decimal]:
        """As the record has it: by place, since ten names would take more of it than the numbers."""
        return [value for field in fields(self) if (value := getattr(self, field.name)) is not None]

    @classmethod
    def from_value(cls, numbers: Sequence[float]) -> Price | None:
        """None for a list of another length, which another release has written, and for amounts that nobody charges."""
        if len(numbers) not in LENGTHS or not all(0 <= number < MOST for number in numbers):
            return None
        return cls(**{field.name: rounded(number) for field, number in zip(fields(cls), numbers, strict=False)})


#: Of the record's list, without and with the prices of an Express execution.
LENGTHS = (8, 11)

#: No price is so high, by far: a thousand dollars a state. What a row is to say must stay a number of DynamoDB.
MOST = 1_000_000_000

#: The place of each price in the list.
PLACES = {field.name: place for place, field in enumerate(fields(Price))}
