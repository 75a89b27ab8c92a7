"""Builds and deploys: `deploy.py build` needs no AWS, `deploy.py apply` changes it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import click
from botocore.config import Config

from orchestrator import deployment, faults
from orchestrator.deployment import Application
from orchestrator.settings import Stack

#: Part of the names of buckets, which are 63 characters at most.
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,11}")

#: How often a call is made in all when AWS throttles it or does not answer.
ATTEMPTS = 5


def _stack(context: click.Context, parameter: click.Parameter, environment: str) -> Stack:
    if not _ENVIRONMENT.fullmatch(environment):
        raise click.BadParameter("1 to 12 of a-z, 0-9 and -, a letter first")
    return Stack(name=f"orchestrator-{environment}")


_environment = click.option(
    "--env", "stack", default="dev", show_default=True, callback=_stack, help="Which environment: dev, staging, prod …"
)


@click.group()
def deploy() -> None:
    """Build and deploy the orchestrator."""


@deploy.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write.")
@_environment
def build(out: Path, stack: Stack) -> None:
    """Write definitions, template and bundles into a folder, without AWS."""
    deployment.build(Application.of(stack), out)
    click.echo(f"Built {stack.name} in {out}")


@deploy.command()
@_environment
@click.option("--tasks", "file", default="tasks.yaml", show_default=True, type=click.Path(path_type=Path))
@click.option("--mail-from", help="Who mail is from: an address that SES has verified. [default: as deployed]")
@click.option("--site-url", help="What relative URLs in params are relative to. [default: as deployed]")
def apply(stack: Stack, file: Path, mail_from: str | None, site_url: str | None) -> None:
    """Make AWS what the definitions, the functions and the tasks say."""
    application = Application.of(stack)
    tasks = application.load_tasks(file, datetime.now(UTC).date())
    applied = deployment.apply(
        _clients(), application, tasks, mail_from=mail_from, site_url=site_url, progress=click.echo
    )
    for task_id, schedule in applied.plan.over:
        click.echo(f"note: {schedule.expression} of {task_id} is in the past, no schedule was created")
    click.echo(f"Deployed {stack.name}." if applied.changed else f"{stack.name} is up to date.")


def _clients() -> Callable[[str], Any]:
    return partial(
        boto3.Session().client,
        config=Config(retries={"mode": "standard", "total_max_attempts": ATTEMPTS}, connect_timeout=10),
    )


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    return faults.run(deploy, arguments, interrupted="interrupted; deploy again to finish what was begun")


if __name__ == "__main__":
    sys.exit(main())
