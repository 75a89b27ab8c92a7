"""Builds and deploys: `deploy.py build` needs no AWS, `deploy.py apply` changes it.

Exit codes: 0 done; 1 it failed, or bad input, or something that `prove` has asked does not hold; 2 a plan that holds
something to do, and nothing else, or something that `prove` has asked was not answered; 3 AWS cannot be reached or
refuses; 130 interrupted.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import click
from botocore.config import Config
from botocore.exceptions import ClientError
from rich.console import Console

import definitions
from lambdas import functions
from orchestrator import deployment
from orchestrator.cli import faults
from orchestrator.cli.options import gathered
from orchestrator.cli.views.progress import progress_of
from orchestrator.cli.views.proofs import proofs_table
from orchestrator.clients import Clients
from orchestrator.deployment import Dependencies, Deployer, Project, Rollout, StackSettings
from orchestrator.stack import Stack
from orchestrator.stores.server_clock import ServerClock

#: What is built and deployed here.
PROJECT = Project(
    definitions=definitions.ALL,
    lambdas=Path(functions.__file__).parent,
    settings=functions.SETTINGS,
    tables=functions.TABLES,
)

#: Part of the names of buckets, which are 63 characters at most.
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,11}")

#: The exit code of a plan that holds something to do, and of nothing else: a script may trust it.
DIFFERS = 2

#: The exit code of a proof in which all that was answered holds, and something was not answered.
UNANSWERED = 2

#: How often a call is made in all when AWS throttles it or does not answer.
ATTEMPTS = 5


def _stack(context: click.Context, parameter: click.Parameter, environment: str) -> Stack:
    if not _ENVIRONMENT.fullmatch(environment):
        raise click.BadParameter("1 to 12 of a-z, 0-9 and -, a letter first")
    return Stack(name=f"orchestrator-{environment}")


_environment = click.option(
    "--env", "stack", default="dev", show_default=True, callback=_stack, help="Which environment: dev, staging, prod …"
)


_percent = click.IntRange(1, 99)


@click.group()
def deploy() -> None:
    """Build and deploy the orchestrator."""


@deploy.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write.")
@_environment
def build(out: Path, stack: Stack) -> None:
    """Write definitions, template, policies and bundles into a folder, without AWS."""
    deployment.build(PROJECT.application(stack, PROJECT.locked_dependencies()), out)
    click.echo(f"Built {stack.name} in {out}")


@deploy.command()
def fetch() -> None:
    """Fetch what bundles hold of others' packages, so that build and apply need no package index."""
    dependencies = PROJECT.locked_dependencies()
    dependencies.fetch()
    click.echo(f"{len(dependencies.pins)} wheels for {dependencies.platform} in {dependencies.cache}")


@deploy.command()
@_environment
@click.option("--account", default="*", show_default=True, help="Where the environment is: an account's number.")
@click.option("--region", default="*", show_default=True, help="The same: a region's name.")
@click.option("--partition", default="aws", show_default=True, help="The same: aws, aws-cn or aws-us-gov.")
def policy(stack: Stack, account: str, region: str, partition: str) -> None:
    """Print the IAM policy of whoever runs plan, apply, rollback and destroy, for a role of theirs."""
    document = deployment.deployers_policy(stack, partition=partition, region=region, account=account)
    click.echo(json.dumps(document, indent=2))


@deploy.command()
@_environment
@click.option("--role", help="ARN of a role that Step Functions may assume: some answers need one, whatever it may do.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def prove(stack: Stack, role: str | None, as_json: bool) -> int:
    """Ask AWS what is only read of it so far; nothing is changed, and nothing left behind.

    Works before anything is deployed. Exit code 0: all that was asked holds, 1: something does not, 2: AWS did not
    answer something.
    """
    assumptions = deployment.assumptions(PROJECT.application(stack), role)
    proofs = list(deployment.prove(_clients(), assumptions))
    counted = Counter(proof.verdict for proof in proofs)
    if as_json:
        said = {"stack": stack.name, "assumptions": [deployment.proof_json(proof) for proof in proofs]}
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        Console().print(proofs_table(proofs))
        click.echo(", ".join(f"{counted[verdict]} {verdict}" for verdict in deployment.Verdict if counted[verdict]))
    if counted[deployment.Verdict.FAILS]:
        return faults.FAILED
    return UNANSWERED if counted[deployment.Verdict.NO_ANSWER] else 0


_tasks = click.option("--tasks", "file", default="tasks.yaml", show_default=True, type=click.Path(path_type=Path))
_dependencies = click.option(
    "--without-dependencies",
    "dependencies",
    is_flag=True,
    envvar="ORCHESTRATOR_WITHOUT_DEPENDENCIES",
    callback=lambda context, parameter, without: None if without else PROJECT.locked_dependencies(),
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
    """How new versions of state machines take over, as somebody typed it."""

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


@deploy.command()
@_environment
@_tasks
@_settings
@_dependencies
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def plan(stack: Stack, file: Path, settings: StackSettings, dependencies: Dependencies | None, as_json: bool) -> int:
    """Say what apply would do; nothing is written. Exit code 0: nothing, 2: something."""
    application = PROJECT.application(stack, dependencies)
    declared = application.load(file, datetime.now(UTC).date())
    clients, clock = _aws(stack)
    now = clock.now()
    planned = deployment.plan(
        clients,
        application,
        declared.tasks,
        now=now,
        destinations=declared.destinations,
        settings=settings,
        monthly_cost=deployment.monthly_cost(application, now, settings),
    )
    if as_json:
        click.echo(json.dumps(deployment.plan_json(planned), indent=2, ensure_ascii=False))
    else:
        for line in (*deployment.plan_lines(planned), *deployment.plan_notes(planned)):
            click.echo(line)
        summary = deployment.plan_summary(planned)
        _warn(planned.silences)
        differs = f"{stack.name} differs{f' ({summary})' if summary else ''}; nothing was changed."
        click.echo(f"{stack.name} is up to date." if planned.is_empty else differs)
    return 0 if planned.is_empty else DIFFERS


@deploy.command()
@_environment
@_tasks
@_settings
@_dependencies
@_pace
def apply(stack: Stack, file: Path, settings: StackSettings, dependencies: Dependencies | None, pace: _Pace) -> None:
    """Make AWS what the definitions, the functions and the tasks say."""
    rollout = pace.rollout(stack)
    application = PROJECT.application(stack, dependencies)
    declared = application.load(file, datetime.now(UTC).date())
    clients, clock = _aws(stack)
    applied = deployment.apply(
        clients,
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


@deploy.command()
@_environment
@click.option(
    "--state-machine",
    default="TaskRunner",
    show_default=True,
    metavar="NAME",
    type=click.Choice(list(definitions.ALL)),
    help="A name in `definitions.ALL`.",
)
@click.option("--to", type=click.IntRange(min=1), help="A version. [default: the one before what runs]")
def rollback(stack: Stack, state_machine: str, to: int | None) -> None:
    """Let an older version of a state machine run again; the next apply goes forward."""
    deployment.rollback(_clients(), PROJECT.application(stack), state_machine=state_machine, to=to, progress=click.echo)


@deploy.command()
@_environment
@click.option("--delete-data", is_flag=True, help="Tables, buckets and their key, too, with all that is in them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def destroy(stack: Stack, delete_data: bool, yes: bool) -> None:
    """Delete the stack and every schedule in its group. Tables, buckets and their key stay, unless told otherwise."""
    what = "and ALL ITS DATA" if delete_data else "but keep its tables and buckets"
    if not yes:
        click.confirm(f"Delete the stack {stack.name} and all its schedules, {what}?", abort=True)
    kept = deployment.destroy(_clients(), stack, delete_data=delete_data, progress=click.echo)
    for one in kept:
        click.echo(f"kept {one}")
    click.echo(f"Destroyed {stack.name}.")
    if kept:
        click.echo(f"Before {stack.name} can be deployed again, what was kept must be deleted or imported.")


def _warn(said: Iterable[str]) -> None:
    for warning in said:
        click.echo(f"warning: {warning}", err=True)


def _clients() -> Clients:
    return _of(boto3.Session())


def _aws(stack: Stack) -> tuple[Clients, ServerClock]:
    """Clients, and what time it is where they reach to: a stack in the embedded AWS may live on a virtual clock."""
    session = boto3.Session()
    clients = _of(session)

    def ask() -> None:
        # That there is no such stack is an answer, too.
        with suppress(ClientError):
            clients("cloudformation").describe_stacks(StackName=stack.name)

    return clients, ServerClock(session, ask)


def _of(session: boto3.Session) -> Clients:
    config = Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=10,
        # TestState's host has a prefix on AWS, which an endpoint that somebody names does not have.
        inject_host_prefix="AWS_ENDPOINT_URL" not in os.environ,
    )

    def client(service: str) -> Any:
        return session.client(service, config=config)

    return client


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    interrupted = "interrupted; the same command finishes what was begun"
    return faults.run(deploy, arguments, interrupted=interrupted, bad_input=faults.FAILED)


if __name__ == "__main__":
    sys.exit(main())
