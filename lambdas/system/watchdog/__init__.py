"""The watchdog: a task like any other that looks after all tasks. An alarm goes off when it is silent.

It checks for slots that nobody has run, runs whose execution has ended or takes too long, held slots that nobody has
woken, and pauses that are over; and once a day, for budgets that the month has passed.
"""

from __future__ import annotations

import json
import os
import time
import urllib.request
from datetime import datetime
from functools import cache
from typing import Any
from urllib.error import URLError

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.system.watchdog.round import Round
from orchestrator.errors import InvalidRecord, InvalidRow, RoundIncomplete
from orchestrator.handlers.event import Params, TaskEvent
from orchestrator.handlers.invocation import client, logger, stack, task_handler, unreadable
from orchestrator.runs.measures import line
from orchestrator.stack import HEARTBEAT_METRIC, HEARTBEAT_URL, sibling
from orchestrator.stores.budget_looks import BudgetLooks
from orchestrator.stores.due_tasks import DueTasks
from orchestrator.stores.executions import Runner
from orchestrator.stores.incidents import Incidents
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.mutes import Mutes
from orchestrator.stores.pools import Pools
from orchestrator.stores.recorder import Recorder
from orchestrator.stores.registry import Registry
from orchestrator.stores.server_clock import ServerClock

#: What is left of the function's time when a round stops; the next goes on.
_MARGIN_MILLISECONDS = 20_000


#: One of each for as long as this process lives: they know whether budgets were looked at today, and where no task is.
_looks, _due = cache(BudgetLooks), cache(DueTasks)


class WatchdogParams(Params):
    """The watchdog takes no params."""


@task_handler("lambda/watchdog", WatchdogParams)
def handler(event: TaskEvent[WatchdogParams], context: LambdaContext) -> dict[str, Any]:
    """Returns how many slots it explained, started and released, rows it closed, pauses it ended, incidents and runs
    that go on for too long it told of, and rows and records it could not read.
    """
    odd: list[InvalidRecord | InvalidRow] = []

    def report(fault: InvalidRecord | InvalidRow) -> None:
        odd.append(fault)
        unreadable(fault)

    here, dynamodb = context.invoked_function_arn, client("dynamodb")
    registry = Registry(dynamodb, stack(), report)
    topic = sibling(here, "sns", stack().alerts_topic)
    machine = sibling(here, "states", f"stateMachine:{stack().task_runner}")
    tally = Round(
        stack=stack(),
        registry=registry,
        due=_due(dynamodb, stack()),
        ledger=Ledger(dynamodb, stack(), report),
        recorder=Recorder(dynamodb, stack()),
        runner=Runner(client("stepfunctions"), machine),
        incidents=Incidents(dynamodb, stack()),
        mutes=Mutes(dynamodb, stack()),
        pools=Pools(dynamodb, stack()),
        looks=_looks(dynamodb, stack()),
        publish=lambda subject, text, about: client("sns").publish(
            TopicArn=topic, Subject=subject, Message=text, MessageAttributes=about
        ),
        report=report,
        # It checks as of its slot, so that it is as exact as a schedule, and as repeatable.
        now=event.scheduled_time or _now(registry, event.task_id),
        goes_on=lambda: context.get_remaining_time_in_millis() > _MARGIN_MILLISECONDS,
    ).make()
    if tally.faults:
        raise RoundIncomplete(tally.faults)
    _beat()
    return {**tally.to_value(), "unreadable": len(odd)}


def _now(registry: Registry, task_id: str) -> datetime:
    """Returns the time of the tables: the embedded AWS may live in another time than its processes."""
    return ServerClock(client("dynamodb").meta, lambda: registry.get(task_id)).now()


def _beat() -> None:
    """Says that a round is done; the alarm goes off where nobody says so."""
    # CloudWatch makes the metric of the line: no request. It may take a moment, for which an alarm at silence can wait.
    print(json.dumps(line(stack(), int(time.time() * 1000), {HEARTBEAT_METRIC: 1})))  # noqa: T201
    url = os.environ.get(HEARTBEAT_URL)
    if not url:
        return
    try:
        urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 # the stack's parameter takes https only
    except (URLError, OSError, ValueError) as fault:
        # Whoever listens there raises the alarm by not having heard of it.
        logger.warning("the heartbeat was not heard outside", reason=str(fault))
