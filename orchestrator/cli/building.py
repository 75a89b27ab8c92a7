"""What needs no deployed stack: `build`, `fetch`, `policy`, and `prove`, which asks AWS before anything is deployed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from orchestrator.cli import faults
from orchestrator.cli.options import environment_option
from orchestrator.errors import NoProject
from orchestrator.stack import Stack

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection

#: The exit code of a proof in which all that was answered holds, and something was not answered.
UNANSWERED = 2


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write.")
@environment_option
@click.pass_obj
def build(connection: Connection, out: Path, stack: Stack) -> None:
    """Write definitions, template, policies and bundles into a folder, without AWS."""
    from orchestrator import deployment

    project = connection.project
    deployment.build(project.application(stack, project.locked_dependencies()), out)
    click.echo(f"Built {stack.name} in {out}")


@click.command()
@click.pass_obj
def fetch(connection: Connection) -> None:
    """Fetch what bundles hold of others' packages, so that build and apply need no package index."""
    dependencies = connection.project.locked_dependencies()
    dependencies.fetch()
    click.echo(f"{len(dependencies.pins)} wheels for {dependencies.platform} in {dependencies.cache}")


@click.command()
@environment_option
@click.option("--account", default="*", show_default=True, help="Where the environment is: an account's number.")
@click.option("--region", default="*", show_default=True, help="The same: a region's name.")
@click.option("--partition", default="aws", show_default=True, help="The same: aws, aws-cn or aws-us-gov.")
@click.pass_obj
def policy(connection: Connection, stack: Stack, account: str, region: str, partition: str) -> None:
    """Print the IAM policy of whoever runs plan, apply, rollback and destroy, for a role of theirs.

    In a project it goes by what stack.yaml says of the environment's key and permissions boundary.
    """
    from orchestrator import deployment

    try:
        surroundings = connection.project.surroundings(stack)
    except NoProject:
        surroundings = deployment.Surroundings()
    document = deployment.deployers_policy(
        stack, surroundings=surroundings, partition=partition, region=region, account=account
    )
    click.echo(json.dumps(document, indent=2))


@click.command()
@environment_option
@click.option("--role", help="ARN of a role that Step Functions may assume: some answers need one, whatever it may do.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def prove(connection: Connection, stack: Stack, role: str | None, as_json: bool) -> int:
    """Ask AWS what is only read of it so far; nothing is changed, and nothing left behind.

    Works before anything is deployed. Exit code 0: all that was asked holds, 1: something does not, 2: AWS did not
    answer something.
    """
    from orchestrator import deployment
    from orchestrator.cli.deploying import clients
    from orchestrator.cli.views.proofs import proofs_table

    assumptions = deployment.assumptions(connection.project.application(stack), role)
    proofs = list(deployment.prove(clients(), assumptions))
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
