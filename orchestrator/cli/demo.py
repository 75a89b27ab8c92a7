"""The demo: the last day of a month, and the midnight that ends it, in less than a minute."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from orchestrator.cli.console import beside
from orchestrator.cli.views.tables import runs_table
from orchestrator.deployment import Application
from orchestrator.errors import InvalidRow
from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.dynamodb import streams
from orchestrator.local.aws.scheduler.delivery import Delivery
from orchestrator.local.session import Session, started
from orchestrator.runs.explanation import why
from orchestrator.runs.run import TERMINAL, Run, RunStatus, Trigger
from orchestrator.stores.ledger import Ledger
from orchestrator.tasks.schedule_names import task_of
from orchestrator.tasks.slots import expected, key

BEGIN = datetime(2026, 11, 30, tzinfo=UTC)
LENGTH = timedelta(hours=24, minutes=12)

#: A day takes a tenth of a second, and the work in it comes on top.
SPEED = 864_000

#: Between two looks at the progress, in virtual time.
_STEP = timedelta(minutes=10)

#: Of each task and status, the table shows so many of the newest.
_SHOWN = 3


def show(application: Application, file: Path, console: Console) -> int:
    """Runs the day and prints its runs. Returns 0 if every slot that was due has a row with its end."""
    began = time.monotonic()
    clock = VirtualClock(BEGIN, speed=SPEED)
    console.print("Starting an AWS in this process, and deploying into it …")
    with (
        started(application, file, port=0, clock=clock, say=lambda line: None) as session,
        beside(session.stack, 0) as pages,
        _held(session) as held,
    ):
        console.print(f"Deployed {len(session.tasks)} tasks. Now a day passes: {BEGIN:%A, %d %B %Y}.")
        console.print(f"Watch it at {pages}\n")
        opened, deliveries = clock.now(), list[Delivery]()
        session.aws.scheduler.listeners.append(lambda one: deliveries.append(one) if _of_runner(one) else None)
        _pass_the_day(session, clock, deliveries, console)
        runs = _runs(session)
        missing = sorted(_expected(session, deliveries, opened) - {(run.task_id, run.slot) for run in runs})
        _report(session, runs, held, console)
        console.print(f"\n{len(runs)} runs, {len(missing)} slots without one, in {time.monotonic() - began:.0f} s.")
        for task_id, slot in missing:
            console.print(f"[red]no row: {task_id} {slot}[/red]")
        if console.is_terminal:
            console.print(f"\nEvery task, slot and run of that day is at {pages} until Ctrl-C.")
            _stay(clock)
    _next_things(console)
    return 1 if missing or any(run.status not in TERMINAL for run in runs) else 0


def _of_runner(delivery: Delivery) -> bool:
    """Whether it was to start TaskRunner: that of an alarm clock of a held slot calls the follower."""
    return bool(delivery.execution_arn or delivery.error)


def _stay(clock: VirtualClock) -> None:
    """Waits until somebody interrupts it; from now on time passes as it really does."""
    with clock.busy(), suppress(KeyboardInterrupt):
        threading.Event().wait()


@contextmanager
def _held(session: Session) -> Iterator[dict[tuple[str, str], str]]:
    """By task and slot, what each slot of the ledger that is held meanwhile has waited for."""
    held: dict[tuple[str, str], str] = {}

    def changed(stream: str, record: Mapping[str, Any]) -> None:
        image = record["dynamodb"].get("NewImage", {})
        if f":table/{session.stack.runs_table}/" not in stream or "hold" not in image:
            return
        with suppress(InvalidRow):
            run = Run.from_item(image)
            if run.hold is not None and (run.hold.why or run.hold.wake_at):
                held.setdefault((run.task_id, run.slot), why(run))

    silent = streams.on_change(changed)
    try:
        yield held
    finally:
        silent()


def _pass_the_day(session: Session, clock: VirtualClock, deliveries: list[Delivery], console: Console) -> None:
    end = BEGIN + LENGTH
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[latest]}"))
    with Progress(*columns, console=console, transient=False) as progress:
        day = progress.add_task(f"{BEGIN:%d %b %H:%M}", total=LENGTH.total_seconds(), latest="")
        while (now := clock.now()) < end:
            clock.sleep_until(min(end, now + _STEP), resting=True)
            latest = f"{len(deliveries)} runs, last: {task_of(deliveries[-1].schedule)}" if deliveries else ""
            passed = (clock.now() - BEGIN).total_seconds()
            progress.update(day, completed=passed, description=f"{clock.now():%d %b %H:%M}", latest=latest)
        while _goes_on(session):
            clock.sleep(0.05, resting=True)


def _goes_on(session: Session) -> bool:
    """Whether an execution of TaskRunner goes on, or somebody who waits for one has still to hear of its end."""
    runner = session.applied.outputs["TaskRunnerArn"]
    client = session.aws.client("stepfunctions")
    running = client.list_executions(stateMachineArn=runner, statusFilter="RUNNING", maxResults=1)["executions"]
    return bool(running) or not session.aws.event_sources.settled(0.01)


def _runs(session: Session) -> list[Run]:
    ledger = Ledger(session.aws.client("dynamodb"), session.stack)
    return [run for task in session.tasks for run in reversed(ledger.runs(task.id, limit=1000))]


def _expected(session: Session, deliveries: Iterable[Delivery], opened: datetime) -> set[tuple[str, str]]:
    """Returns every slot that was due or delivered."""
    due = {(task.id, key(slot.at)) for task in session.tasks for slot in expected(task, opened, BEGIN + LENGTH)}
    return due | {(task_of(delivery.schedule), key(delivery.slot)) for delivery in deliveries}


def _report(session: Session, runs: list[Run], held: Mapping[tuple[str, str], str], console: Console) -> None:
    shown: list[Run] = []
    hidden: Counter[tuple[str, RunStatus]] = Counter()
    seen: Counter[tuple[str, RunStatus]] = Counter()
    for run in reversed(runs):
        key = (run.task_id, run.status)
        seen[key] += 1
        if seen[key] <= _SHOWN:
            shown.append(run)
        else:
            hidden[key] += 1
    console.print()
    console.print(runs_table(reversed(shown)))
    for (task_id, status), count in hidden.items():
        console.print(f"[dim]… and {count} more of {task_id}, {status}[/dim]")
    console.print()
    for (task_id, slot), waited in held.items():
        waited = waited.replace("waits", "waited", 1)
        console.print(f"WAITING, then woken: {task_id} {slot}; it {waited}.", highlight=False)
    for run in runs:
        if run.trigger is Trigger.EVENT:
            events = f"{run.duplicates + 1} events, once" if run.duplicates else "an event"
            console.print(f"Started by {events}: {run.task_id} {run.slot}.", highlight=False)
    aws = session.aws
    bucket = session.applied.outputs["DataBucket"]
    reports = aws.client("s3").list_objects_v2(Bucket=bucket, Prefix="reports/").get("Contents", [])
    mails = aws.client("ses").get_send_quota()["SentLast24Hours"]
    metrics = aws.client("cloudwatch").list_metrics(Namespace="ScheduledTasks")["Metrics"]
    console.print(
        f"Written: {', '.join(entry['Key'] for entry in reports) or 'no reports'};"
        f" {mails:.0f} mail sent; {len(metrics)} metrics in ScheduledTasks."
    )


def _next_things(console: Console) -> None:
    console.print(
        """
Next:
  orchestrator local                      the same AWS, for as long as you like
  orchestrator start --help               run a task now
  orchestrator validate                   after a change of tasks.yaml, a handler or a workflow
""",
        highlight=False,
    )
