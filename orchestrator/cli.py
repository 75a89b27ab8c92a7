"""`orchestrator`: what an operator types. Each command has `--help`.

Exit codes: 0 done; 1 it failed, or the run did; 2 bad input; 3 AWS cannot be reached or refuses; 130 interrupted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import click
from botocore.config import Config

from orchestrator import faults
from orchestrator.backfills import Backfills
from orchestrator.commands.alerts import alerts
from orchestrator.commands.backfill import backfill
from orchestrator.commands.failed import failed
from orchestrator.commands.forecast import forecast_command
from orchestrator.commands.ledger import ledger
from orchestrator.commands.options import as_json, console, moment, overriding_params, print_json
from orchestrator.commands.pause import pause, resume
from orchestrator.commands.preview import preview
from orchestrator.commands.rerun import rerun
from orchestrator.console.tables import run_values, runs_table, task_values, tasks_table
from orchestrator.destinations import silences
from orchestrator.errors import NotDeployed, UnknownTask
from orchestrator.ledger import Ledger
from orchestrator.registry import Registry
from orchestrator.runner import Runner
from orchestrator.runs import RunStatus
from orchestrator.settings import Stack
from orchestrator.slots import key

if TYPE_CHECKING:
    from orchestrator.deployment import Application


class Connection:
    """A deployed stack, and the AWS clients to reach it with. ``AWS_ENDPOINT_URL`` chooses which AWS."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.client: Callable[[str], Any] = partial(
            boto3.Session().client,
            config=Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=5),
        )

    @property
    def application(self) -> Application:
        """What the packages ``definitions`` and ``lambdas`` of the working directory make of the stack."""
        # Here, because it imports the SDK, and most commands need none of it.
        from orchestrator import deployment

        return deployment.imported().application(self.stack)

    @property
    def registry(self) -> Registry:
        return Registry(self.client("dynamodb"), self.stack)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.client("dynamodb"), self.stack)

    @property
    def runner(self) -> Runner:
        """Raises :class:`NotDeployed`."""
        return Runner(self.client("stepfunctions"), self._outputs()["TaskRunnerArn"])

    @property
    def backfills(self) -> Backfills:
        """Raises :class:`NotDeployed`."""
        return Backfills(self.client("stepfunctions"), self._outputs()["BackfillArn"])

    @property
    def alerts_topic(self) -> str:
        """The ARN of the topic that people are told by. Raises :class:`NotDeployed`."""
        return self._outputs()["AlertsTopicArn"]

    def _outputs(self) -> dict[str, str]:
        cloudformation = self.client("cloudformation")
        try:
            (deployed,) = cloudformation.describe_stacks(StackName=self.stack.name)["Stacks"]
        except cloudformation.exceptions.ClientError as fault:
            if fault.response["Error"]["Code"] == "ValidationError":
                raise NotDeployed(self.stack.name) from fault
            raise
        return {output["OutputKey"]: output["OutputValue"] for output in deployed.get("Outputs", [])}


@click.group()
@click.option("--stack", default=Stack().name, show_default=True, envvar="ORCHESTRATOR_STACK", help="Which deployment.")
@click.pass_context
def orchestrator(context: click.Context, stack: str) -> None:
    """Scheduled tasks on AWS: what runs, what ran, and what became of it."""
    context.obj = Connection(Stack(name=stack))


@orchestrator.command()
@as_json
@click.pass_obj
def tasks(connection: Connection, as_json: bool) -> None:
    """Every task of the registry, and when it is due next."""
    now = datetime.now(UTC)
    records = sorted(connection.registry.all(), key=lambda record: record.task.id)
    if as_json:
        print_json(task_values(record, now) for record in records)
    else:
        console().print(tasks_table(records, now) if records else "No tasks: `python deploy.py apply` registers them.")


@orchestrator.command()
@click.argument("task", required=False)
@click.option("--status", type=click.Choice([*RunStatus], case_sensitive=False), help="Only these.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="At most so many.")
@as_json
@click.pass_obj
def runs(connection: Connection, task: str | None, status: str | None, limit: int, as_json: bool) -> None:
    """The newest runs, of one TASK or of all."""
    ledger = connection.ledger
    wanted = RunStatus(status.upper()) if status else None
    if task:
        found = ledger.runs(task, limit=limit, status=wanted)
        if not found and connection.registry.get(task) is None:
            raise UnknownTask(task)
    else:
        found = ledger.by_status(wanted, limit=limit) if wanted else ledger.recent(limit=limit)
    if as_json:
        print_json(map(run_values, found))
    else:
        console().print(runs_table(found) if found else "No runs.")


@orchestrator.command()
@click.argument("task")
@overriding_params
@click.option("--slot", callback=moment, help="Run it for this slot, instead of for now.")
@click.option("--wait", is_flag=True, help="Wait for its end, and fail if it does.")
@as_json
@click.pass_obj
def start(
    connection: Connection, task: str, params: dict[str, Any], slot: datetime | None, wait: bool, as_json: bool
) -> int:
    """Start TASK now."""
    if connection.registry.get(task) is None:
        raise UnknownTask(task)
    runner = connection.runner
    started = runner.start(task, params=params, slot=key(slot) if slot else None, now=datetime.now(UTC))
    if not wait:
        if as_json:
            print_json([{"executionArn": started.execution_arn, "slot": started.slot}])
        else:
            click.echo(f"Started {task} for {started.slot}\n{started.execution_arn}")
        return 0
    status = runner.wait(started, time.sleep)
    run = connection.ledger.get(task, started.slot)
    if run and as_json:
        print_json([run_values(run)])
    elif run:
        console().print(runs_table([run]))
    succeeded = status == "SUCCEEDED" and run is not None and run.status is RunStatus.SUCCEEDED
    return 0 if succeeded else faults.FAILED


@orchestrator.command()
@click.argument("file", default="tasks.yaml", type=click.Path(path_type=Path))
@click.pass_obj
def validate(connection: Connection, file: Path) -> None:
    """Check a tasks file, and write nothing anywhere."""
    found = connection.application.load(file, datetime.now(UTC).date())
    schedules = sum(len(task.schedules) for task in found.tasks)
    click.echo(f"{file}: {len(found.tasks)} tasks, {schedules} schedules, no mistakes.")
    for silence in silences(found.tasks, found.destinations):
        click.echo(f"warning: {silence}", err=True)


@orchestrator.command()
def schema() -> None:
    """The JSON Schema of tasks.yaml, for editors."""
    from orchestrator import taskfile

    click.echo(taskfile.schema(), nl=False)


@orchestrator.command()
@click.option(
    "--port", default=4566, show_default=True, type=click.IntRange(0, 65535), help="0 takes any that is free."
)
@click.option("--speed", type=click.FloatRange(1, 1_000_000), help="How many times as fast time passes while idle.")
@click.option("--from", "begin", callback=moment, help="The time to begin at, like 2026-11-30T00:00:00Z.")
@click.option("--tasks", "file", default="tasks.yaml", show_default=True, type=click.Path(path_type=Path))
@click.pass_obj
def local(connection: Connection, port: int, speed: float | None, begin: datetime | None, file: Path) -> None:
    """Run all of it on this machine, until Ctrl-C."""
    # Here, because moto takes a second to import and nothing else needs it.
    from orchestrator.local import session

    session.serve(connection.application, file, port=port, speed=speed, begin=begin, say=click.echo)


@orchestrator.command()
@click.option("--tasks", "file", default="tasks.yaml", show_default=True, type=click.Path(path_type=Path))
@click.pass_obj
def demo(connection: Connection, file: Path) -> int:
    """Watch a whole day of scheduled tasks in less than a minute."""
    from orchestrator.local import demo as day

    return day.show(connection.application, file, console())


for command in (alerts, backfill, failed, forecast_command, ledger, pause, preview, rerun, resume):
    orchestrator.add_command(command)


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    return faults.run(orchestrator, arguments, interrupted="interrupted")
