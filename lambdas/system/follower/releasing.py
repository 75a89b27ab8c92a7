"""Wakes what waits: a slot that has just been held, and the slots that have waited for one that has ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from orchestrator.errors import InvalidRecord, InvalidRow
from orchestrator.handlers.invocation import client, setting, stack, unreadable
from orchestrator.operations.releasing import Releasing
from orchestrator.runs.run import TERMINAL, UNSUCCESSFUL, Run
from orchestrator.stack import SCHEDULER_ROLE, sibling
from orchestrator.stores.executions import Runner
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.pools import Pools
from orchestrator.stores.recorder import Recorder
from orchestrator.stores.registry import Registry
from orchestrator.stores.wake_ups import WakeUps


def follow(run: Run, changed: Mapping[str, Any], context: LambdaContext) -> None:
    """One change of a row of a linked task. Both orders of two changes are covered: a slot that is held reads what it
    waits for, and what ends reads who waits, as they are at that moment.
    """
    former = changed.get("OldImage", {})
    now = datetime.fromtimestamp(changed["ApproximateCreationDateTime"], UTC)
    try:
        if run.hold is not None:
            if _held(changed["NewImage"]) != _held(former):
                _releasing(context).consider(run.task_id, run.slot, now)
            if _wakes(changed["NewImage"]) != _wakes(former):
                _wake_later(run, now, context)
        elif _concerns_others(run) and _ended(changed["NewImage"]) != _ended(former):
            _releasing(context).ended(run, now)
    except (InvalidRecord, InvalidRow) as fault:
        unreadable(fault)


def look_again(task_id: str, slot: str, now: datetime, context: LambdaContext) -> None:
    """The time of a held slot has come: its alarm clock says so."""
    try:
        _releasing(context).consider(task_id, slot, now)
    except (InvalidRecord, InvalidRow) as fault:
        unreadable(fault)


def _wake_later(run: Run, now: datetime, context: LambdaContext) -> None:
    """Makes an alarm clock of a hold that ends, or whose deadline comes, at a moment."""
    if run.hold is None or run.hold.wake_at is None or run.hold.wake_at <= now.timestamp():
        return
    role, function = setting(SCHEDULER_ROLE, "SchedulerRole"), context.invoked_function_arn
    WakeUps(client("scheduler"), stack(), function=function, role=role).wake(run.task_id, run.slot, run.hold.wake_at)


def _concerns_others(run: Run) -> bool:
    """Whether slots of other tasks may wait for the run. A row that no run began does not say if its task is linked."""
    return run.status in TERMINAL and (run.linked or (run.status in UNSUCCESSFUL and run.started_at is None))


def _releasing(context: LambdaContext) -> Releasing:
    dynamodb = client("dynamodb")
    machine = sibling(context.invoked_function_arn, "states", f"stateMachine:{stack().task_runner}")
    return Releasing(
        registry=Registry(dynamodb, stack(), unreadable),
        ledger=Ledger(dynamodb, stack(), unreadable),
        recorder=Recorder(dynamodb, stack()),
        pools=Pools(dynamodb, stack()),
        runner=Runner(client("stepfunctions"), machine),
    )


def _held(image: Mapping[str, Any]) -> tuple[Any, ...]:
    """Whose hold it is, and of what kind: what it says for people is no news."""
    return image.get("startedAt"), image.get("hold", {}).get("M", {}).get("kind")


def _wakes(image: Mapping[str, Any]) -> tuple[Any, ...]:
    """When it is to be looked at again; a deadline is written by who looks at it first."""
    return image.get("startedAt"), image.get("hold", {}).get("M", {}).get("wakeAt")


def _ended(image: Mapping[str, Any]) -> tuple[Any, ...]:
    return image.get("startedAt"), image.get("status"), image.get("executionArn")
