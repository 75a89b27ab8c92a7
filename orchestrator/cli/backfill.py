"""`orchestrator backfill`: runs slots of the past that have not run, or should run again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

import click

from orchestrator.cli import faults
from orchestrator.cli.options import as_json, console, day_or_moment, gathered, moment, print_json
from orchestrator.cli.views.backfill import plan_table, planned_value
from orchestrator.cli.views.tables import run_values, runs_table
from orchestrator.errors import TaskPaused, UnknownTask
from orchestrator.operations import backfilling
from orchestrator.operations.backfilling import Selection
from orchestrator.operations.chains import Chains, Place
from orchestrator.runs.backfill import (
    MOST_ACTIVE,
    MOST_SLOTS,
    PlannedSlot,
    Reprocess,
    batches,
    ended,
)
from orchestrator.runs.run import Run, RunStatus
from orchestrator.tasks.slots import key

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection

#: Seconds between the first two looks at a backfill, and between two when it takes long: a look reads its rows.
POLL_SECONDS = (0.25, 5.0)


def _through(context: click.Context, parameter: click.Parameter, text: str | None) -> datetime | None:
    """A moment, or the last one of a day."""
    moment = day_or_moment(context, parameter, text)
    is_day = moment is not None and text is not None and len(text) == len("2026-12-01")
    return moment + timedelta(days=1, seconds=-1) if moment and is_day else moment


@dataclass(frozen=True, kw_only=True)
class _Selection:
    """Which slots, as somebody typed it."""

    begin: datetime
    end: datetime | None
    reprocess: str
    before: datetime | None

    @property
    def reprocesses(self) -> bool:
        return Reprocess(self.reprocess) is not Reprocess.NONE


@dataclass(frozen=True, kw_only=True)
class _Pace:
    """The order in which slots run, and how many of them run at once."""

    max_active: int
    reverse: bool
    downstream: bool


_selection = gathered(
    "selection",
    _Selection,
    click.option("--from", "begin", required=True, callback=day_or_moment, help="The first slot, or its day."),
    click.option("--to", "end", callback=_through, help="The last slot, or its day.  [default: now]"),
    click.option(
        "--reprocess",
        type=click.Choice([one.value for one in Reprocess]),
        default=Reprocess.NONE.value,
        show_default=True,
        help="Run again those that failed (timed out, were aborted, missed), or all that completed, too.",
    ),
    click.option("--before", callback=moment, help="Reprocess only runs that began before this."),
)

_pace = gathered(
    "pace",
    _Pace,
    click.option(
        "--max-active",
        default=1,
        show_default=True,
        type=click.IntRange(1, MOST_ACTIVE),
        help="At most so many at once.",
    ),
    click.option("--reverse", is_flag=True, help="The newest slot first."),
    click.option("--downstream", is_flag=True, help="And what waits for them, each slot after those it waits for."),
)


@click.command()
@click.argument("task")
@_selection
@_pace
@click.option("--dry-run", is_flag=True, help="Show what would happen with each slot.")
@click.option("--no-wait", is_flag=True, help="Start it, and say where it is.")
@as_json
@click.pass_obj
def backfill(
    connection: Connection,
    task: str,
    selection: _Selection,
    pace: _Pace,
    dry_run: bool,
    no_wait: bool,
    as_json: bool,
) -> int:
    """Run past slots of TASK that have not run, each under its own key, so that none runs twice.

    Slots are those of the task's schedules as they are now; a time without a zone is one of the first schedule's. The
    same command again goes on with what is left. A backfill neither waits for the task's scheduled runs nor holds them
    up: they may run at the same time.
    """
    record = connection.registry.get(task)
    if record is None:
        raise UnknownTask(task)
    now = connection.now()
    wanted = Selection(
        begin=selection.begin, end=selection.end, reprocess=Reprocess(selection.reprocess), before=selection.before
    )
    planned = backfilling.planned(connection.ledger, connection.runner, record.task, wanted, now)
    chosen = [slot for slot in planned if slot.runs]
    if dry_run:
        if as_json:
            print_json(map(planned_value, reversed(planned) if pace.reverse else planned))
        else:
            console().print(plan_table(reversed(planned) if pace.reverse else planned))
            click.echo(f"{task}: {len(chosen)} of {len(planned)} slots would be run; nothing was started.")
        return 0
    if pause := record.pause_at(now):
        raise TaskPaused(task, pause.who, pause.why)
    if not chosen:
        click.echo(f"{task}: none of {len(planned)} slots is to be run.", err=as_json)
        return 0
    if pace.downstream:
        _hold_downstream(connection, [(task, slot.slot) for slot in chosen])
    groups = batches(planned, reverse=pace.reverse)
    runs: list[Run] = []
    for group in islice(groups, 1 if no_wait else None):
        arn = connection.backfills.start(
            task, group, max_active=pace.max_active, now=connection.now(), reprocess=wanted.reprocess
        )
        if no_wait:
            _say_where(arn, as_json, left=len(chosen) - len(group))
            return 0
        try:
            runs += _wait(connection, task, group, arn, time.sleep)
        except KeyboardInterrupt:
            _say_how_to_go_on(arn, now if selection.reprocesses else None)
            raise
    return _report(runs, len(chosen), as_json)


def _hold_downstream(connection: Connection, places: list[Place]) -> None:
    """What waits for these slots, held until they have run: before they begin, so that nobody misses an end."""
    chains, now = Chains(registry=connection.registry, ledger=connection.ledger), connection.now()
    held = chains.hold(connection.recorder, chains.downstream(places, now), now)
    click.echo(f"{len(held)} slots downstream wait for them", err=True)


def _wait(
    connection: Connection, task: str, group: Sequence[PlannedSlot], arn: str, sleep: Callable[[float], object]
) -> list[Run]:
    """The runs that have ended when the backfill has; progress is said as it comes."""
    first, last = (pick(slot.slot for slot in group) for pick in (min, max))
    backfills, ledger = connection.backfills, connection.ledger
    said = ""
    pause, longest = POLL_SECONDS
    while True:
        # The status first: what ended before it is then among the rows.
        running = backfills.running(arn)
        runs = ended(group, ledger.between(task, first, last))
        failed = sum(run.status is not RunStatus.SUCCEEDED for run in runs)
        line = f"{len(runs)} of {len(group)} slots done" + (f", {failed} failed" if failed else "")
        if line != said:
            click.echo(line, err=True)
            said = line
        if not running:
            return runs
        sleep(pause)
        pause = min(2 * pause, longest)


def _say_where(arn: str, as_json: bool, *, left: int) -> None:
    if as_json:
        print_json([{"executionArn": arn, "left": left}])
        return
    click.echo(f"Started {arn}")
    if left:
        click.echo(f"It takes {MOST_SLOTS} slots; {left} are left, which the same command runs when it has ended.")


def _say_how_to_go_on(arn: str, began: datetime | None) -> None:
    """Prints how to continue. ``began`` is when a reprocessing backfill began, so that no slot runs in it twice."""
    more = f" with --before {key(began)}" if began else ""
    click.echo(
        f"\nThe backfill goes on. Look at it:  aws stepfunctions describe-execution --execution-arn {arn}\n"
        f"Stop it:  aws stepfunctions stop-execution --execution-arn {arn}\n"
        f"The same command{more} goes on with what is left then.",
        err=True,
    )


def _report(runs: Sequence[Run], chosen: int, as_json: bool) -> int:
    failed = [run for run in runs if run.status is not RunStatus.SUCCEEDED]
    if as_json:
        print_json(map(run_values, runs))
    else:
        if failed:
            console().print(runs_table(failed))
        not_run = f", {chosen - len(runs)} not run" if len(runs) < chosen else ""
        click.echo(f"{len(runs) - len(failed)} succeeded, {len(failed)} failed{not_run}.")
    return 0 if len(runs) - len(failed) == chosen else faults.FAILED
