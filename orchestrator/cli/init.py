"""`orchestrator init`: a project of one's own."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.scaffold.project import create


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--python/--yaml",
    "python",
    default=None,
    help="What the sample workflow is written in.  [default: Python, if the SDK is installed]",
)
def init(folder: Path, python: bool | None) -> None:
    """Begin a project in DIR, a folder that is new or empty: a task, a handler, a workflow, tests, a deployment."""
    for name in create(folder, python=python):
        click.echo(folder / name)
    click.echo(
        f"\nNext:\n  cd {folder}\n  orchestrator demo       a whole day, in less than a minute\n"
        "  orchestrator validate   after each change of tasks.yaml, a handler or a workflow\n  pytest"
    )
