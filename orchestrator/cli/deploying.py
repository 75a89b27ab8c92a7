"""What changes a deployed stack: `plan`, which only reads, `apply`, `rollback` and `destroy`."""

from __future__ import annotations

import getpass
import json
import os
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import click
from botocore.config import Config
from botocore.exceptions import ClientError
from rich.console import Console

from orchestrator import deployment
from orchestrator.cli import faults
from orchestrator.cli.connection import Connection, session
from orchestrator.cli.options import environment_option, gathered, tasks_option
from orchestrator.cli.views.progress import progress_of
from orchestrator.clients import Clients
from orchestrator.deployment import Application, Dependencies, Deployer, Rollout, StackSettings
from orchestrator.pricing.budgets import exceeded
from orchestrator.stack import Stack
from orchestrator.stores.server_clock import ServerClock
from orchestrator.taskfile.reader import Declared

#: The exit code of a plan that holds something to do, and of nothing else: a script may trust it.
DIFFERS = 2

#: How often a call is made in all when AWS throttles it or does not answer.
ATTEMPTS = 5

_percent = click.IntRange(1, 99)


def _locked(context: click.Context, _parameter: click.Parameter, without: bool) -> Dependencies | None:
    connection: Connection = context.obj
    return None if without else connection.project.locked_dependencies()


_dependencies = click.option(
    "--without-dependencies",
    "dependencies",
    is_flag=True,
    envvar="ORCHESTRATOR_WITHOUT_DEPENDENCIES",
    callback=_locked,
    help="Bundles without others' packages: for `orchestrator local`, whose Python has them.",
)
_settings = gathered(
    "settings",
    StackSettings,
    click.option("--mail-from", help="Who mail is from: an address that SES has verified. [default: as deployed]"),
    click.option("--site-url", help="What relative URLs in params are relative to. [default: as deployed]"),
    click.option("--heartbeat-url", help="Called after each round of the watchdog, https only. [default: as deployed]"),
    click.option(
        "--reserved-concurrency/--no-reserved-concurrency",
        "reserve_concurrency",
        default=None,
        help="Whether what handles failures has some concurrency for itself. [default: as deployed, or yes]",
    ),
    click.option(
        "--log-level",
        type=click.Choice(deployment.LOG_LEVELS, case_sensitive=False),
        help="What Standard executions log beside the history they keep. [default: as deployed, or ERROR]",
    ),
    click.option(
        "--tracing/--no-tracing",
        default=None,
        help="Whether X-Ray follows executions and functions. [default: as deployed, or no]",
    ),
)


@dataclass(frozen=True, kw_only=True)
class _Pace:
    """The rollout of new versions of state machines, as somebody typed it."""

    canary: int | None
    linear: int | None
    minutes: float
    alarm: str | None

    def rollout(self, stack: Stack) -> Rollout:
        """Raises click.UsageError."""
        if self.canary and self.linear:
            raise click.UsageError("--canary and --linear exclude each other")
        watched = self.alarm or stack.failure_alarm
        if self.canary:
            return Rollout.canary(self.canary, self.minutes, watched)
        return Rollout.linear(self.linear, self.minutes, watched) if self.linear else Rollout()


_pace = gathered(
    "pace",
    _Pace,
    click.option("--canary", type=_percent, help="Percent of executions that try a new version first."),
    click.option("--linear", type=_percent, help="Percent of executions that a new version gets more at a time."),
    click.option(
        "--minutes", default=10.0, show_default=True, type=click.FloatRange(min=0), help="How long each is watched."
    ),
    click.option("--alarm", help="While it is in ALARM, the old version gets all again. [default: the stack's own]"),
)


@click.command()
@environment_option
@tasks_option
@_settings
@_dependencies
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def plan(
    connection: Connection,
    stack: Stack,
    file: Path | None,
    settings: StackSettings,
    dependencies: Dependencies | None,
    as_json: bool,
) -> int:
    """Say what apply would do; nothing is written. Exit code 0: nothing, 2: something."""
    application = connection.project.application(stack, dependencies)
    clients_, clock = _aws(stack)
    declared = _declared(application, connection.tasks_file(file), clock)
    now = clock.now()
    cost = deployment.monthly_cost(application, now, settings)
    planned = deployment.plan(
        clients_,
        application,
        declared.tasks,
        now=now,
        destinations=declared.destinations,
        settings=settings,
        monthly_cost=cost,
    )
    if as_json:
        click.echo(json.dumps(deployment.plan_json(planned), indent=2, ensure_ascii=False))
    else:
        for line in (*deployment.plan_lines(planned), *deployment.plan_notes(planned)):
            click.echo(line)
        summary = deployment.plan_summary(planned)
        _warn([*planned.silences, *exceeded(declared.tasks, declared.budgets, cost)])
        differs = f"{stack.name} differs{f' ({summary})' if summary else ''}; nothing was changed."
        click.echo(f"{stack.name} is up to date." if planned.is_empty else differs)
    return 0 if planned.is_empty else DIFFERS


@click.command()
@environment_option
@tasks_option
@_settings
@_dependencies
@_pace
@click.pass_obj
def apply(
    connection: Connection,
    stack: Stack,
    file: Path | None,
    settings: StackSettings,
    dependencies: Dependencies | None,
    pace: _Pace,
) -> None:
    """Make AWS what the definitions, the functions and the tasks say."""
    rollout = pace.rollout(stack)
    application = connection.project.application(stack, dependencies)
    clients_, clock = _aws(stack)
    declared = _declared(application, connection.tasks_file(file), clock)
    applied = deployment.apply(
        clients_,
        application,
        declared.tasks,
        destinations=declared.destinations,
        settings=settings,
        rollout=rollout,
        deployer=Deployer(
            name=f"{getpass.getuser()} on {socket.gethostname()}",
            now=clock.now,
            progress=click.echo,
            progress_of=lambda count: progress_of(count, Console(), click.echo),
        ),
    )
    for task_id, schedule in applied.plan.reconciliation.over:
        click.echo(f"note: {schedule.expression} of {task_id} is in the past, no schedule was created")
    for name in applied.plan.reconciliation.foreign:
        click.echo(
            f"note: the schedule {name} in the group {stack.schedule_group} belongs to no task; it was left alone"
        )
    for note in applied.plan.alerts.notes():
        click.echo(f"note: {note}")
    _warn(applied.plan.silences)
    click.echo(f"Deployed {stack.name}." if applied.changed else f"{stack.name} is up to date.")


@click.command()
@environment_option
@click.option(
    "--state-machine",
    default="TaskRunner",
    show_default=True,
    metavar="NAME",
    help="One that the project deploys.",
)
@click.option("--to", type=click.IntRange(min=1), help="A version. [default: the one before what runs]")
@click.pass_obj
def rollback(connection: Connection, stack: Stack, state_machine: str, to: int | None) -> None:
    """Let an older version of a state machine run again; the next apply goes forward."""
    application = connection.project.application(stack)
    if state_machine not in application.definitions:
        known = ", ".join(application.definitions)
        raise click.BadParameter(f"there is no {state_machine!r}; there is: {known}", param_hint="--state-machine")
    deployment.rollback(clients(), application, state_machine=state_machine, to=to, progress=click.echo)


@click.command()
@environment_option
@click.option("--delete-data", is_flag=True, help="Tables, buckets and their key, too, with all that is in them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def destroy(stack: Stack, delete_data: bool, yes: bool) -> int:
    """Delete the stack and every schedule in its group. Tables, buckets and their key stay, unless told otherwise."""
    what = "and ALL ITS DATA" if delete_data else "but keep its tables and buckets"
    if not (yes or _agreed(f"Delete the stack {stack.name} and all its schedules, {what}?")):
        click.echo("Nothing was deleted.", err=True)
        return faults.FAILED
    kept = deployment.destroy(clients(), stack, delete_data=delete_data, progress=click.echo)
    for one in kept:
        click.echo(f"kept {one}")
    click.echo(f"Destroyed {stack.name}.")
    if kept:
        click.echo(f"Before {stack.name} can be deployed again, what was kept must be deleted or imported.")
    return 0


def _agreed(question: str) -> bool:
    """What whoever is asked says; nobody is there to ask where the standard input has ended."""
    try:
        return click.confirm(question)
    except click.Abort:
        if sys.stdin is not None and sys.stdin.isatty():
            raise
        click.echo("\nNobody answers here: --yes does not ask.", err=True)
        return False


def _declared(application: Application, file: Path, clock: ServerClock) -> Declared:
    """Reads the file as of the stack's date. Its mistakes are told before AWS is asked for that date."""
    application.validate()
    here = datetime.now(UTC).date()
    declared = application.load(file, here)
    there = clock.now().date()
    return declared if there == here else application.load(file, there)


def _warn(said: Iterable[str]) -> None:
    for warning in said:
        click.echo(f"warning: {warning}", err=True)


def clients() -> Clients:
    """Makes boto3's client of a service, as patient as a deployment is."""
    return _of(session())


def _aws(stack: Stack) -> tuple[Clients, ServerClock]:
    """Clients, and what time it is where they reach to: a stack in the embedded AWS may live on a virtual clock."""
    asking = session()
    made = _of(asking)

    def ask() -> None:
        try:
            made("cloudformation").describe_stacks(StackName=stack.name)
        except ClientError as refused:
            # That there is no such stack is an answer, too.
            if refused.response["Error"]["Code"] != "ValidationError":
                raise

    return made, ServerClock(asking, ask)


def _of(asking: boto3.Session) -> Clients:
    config = Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=10,
        # TestState's host has a prefix on AWS, which an endpoint that somebody names does not have.
        inject_host_prefix="AWS_ENDPOINT_URL" not in os.environ,
    )

    def client(service: str) -> Any:
        return asking.client(service, config=config)

    return client
