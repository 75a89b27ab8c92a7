"""What a run has cost, from what was used and the task's price: TaskRunner computes the same in JSONata."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from orchestrator.runs.execution_end import is_express
from orchestrator.runs.run import Run, RunStatus, Trigger
from orchestrator.tasks.price import Price
from orchestrator.tasks.task import Task

#: A row's cost is to the billionth of a dollar.
_DIGITS = Decimal("1e-9")

_MILLION = 1_000_000


#: LookupTask, ClaimSlot and InvokeLambda: an execution that died at work had passed them.
STATES_OF_DEAD = 3


class Part(StrEnum):
    """What an execution does with its row; each has a price of this name."""

    #: It claims the slot, calls the target and ends the row.
    RUN = "run"
    #: It writes the row of what is not run.
    SKIP = "skip"
    #: It leaves the row to wait.
    HOLD = "hold"


@dataclass(frozen=True, kw_only=True)
class Used:
    """What an execution has used, up to the write of its row and what follows of it."""

    part: Part
    express: bool = False
    #: States that it passes.
    states: int
    calls: int = 0
    #: Seconds: from the claim to the end, and how many of them the run waited between two attempts.
    lasted: Decimal = Decimal(0)
    waited: Decimal = Decimal(0)
    #: None for one that was started in the place of a held row: its delivery is in that row's cost.
    trigger: Trigger | None = None
    #: What the row has cost that it takes the place of, if that was held.
    earlier: Decimal = Decimal(0)


def dollars(price: Price, used: Used) -> Decimal | None:
    """None where the price says nothing of such an execution."""
    fixed: Decimal | None = getattr(price, f"express_{used.part}" if used.express else used.part, None)
    if fixed is None:
        return None
    own = used.lasted * (price.express_second or 0) if used.express else used.states * price.state
    by = {Trigger.SCHEDULE: price.schedule, Trigger.EVENT: price.event}
    started = by.get(used.trigger, Decimal(0)) if used.trigger else Decimal(0)
    worked = used.lasted - used.waited
    micro = fixed + own + used.calls * price.call + worked * price.second + started
    return (micro / _MILLION + used.earlier).quantize(_DIGITS, ROUND_HALF_EVEN)


def of_dead(task: Task, run: Run, *, started_at: str | None, ended_at: str | None) -> Decimal | None:
    """What a run has cost at least whose execution ended without having recorded it, by its row as it was.

    One call is taken for granted, which worked from the start to the end, at most for the task's timeout. A run that
    waited for others has called nothing. None where nobody has told the task its price.
    """
    if task.price is None:
        return None
    worked = run.status is RunStatus.RUNNING
    lasted = Decimal(0)
    if worked and started_at and ended_at:
        seconds = (datetime.fromisoformat(ended_at) - datetime.fromisoformat(started_at)).total_seconds()
        lasted = Decimal(str(min(max(seconds, 0), task.timeout_seconds)))
    used = Used(
        part=Part.RUN if worked else Part.SKIP,
        express=is_express(run.execution_arn),
        states=STATES_OF_DEAD,
        calls=int(worked),
        lasted=lasted,
        trigger=run.trigger,
    )
    return dollars(task.price, used)
