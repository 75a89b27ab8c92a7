"""The commands that build and deploy: part of `orchestrator`, and all of a project's own `deploy.py`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import click

from orchestrator.cli import faults
from orchestrator.cli.connection import Connection

if TYPE_CHECKING:
    from orchestrator.deployment import Project

#: The module of each. They are imported when one is typed, for they take long, and most commands need none of them.
MODULES = {
    "apply": "orchestrator.cli.deploying",
    "build": "orchestrator.cli.building",
    "destroy": "orchestrator.cli.deploying",
    "fetch": "orchestrator.cli.building",
    "plan": "orchestrator.cli.deploying",
    "policy": "orchestrator.cli.building",
    "prove": "orchestrator.cli.building",
    "rollback": "orchestrator.cli.deploying",
}

#: What an interrupted deployment says.
INTERRUPTED = "interrupted; the same command finishes what was begun"


def deployments(project: Project) -> click.Group:
    """Returns the group of the deployment commands, for one project."""

    @click.group(commands={name: command(name) for name in MODULES})
    @click.pass_context
    def deploy(context: click.Context) -> None:
        """Build and deploy the orchestrator."""
        context.obj = Connection(folder=project.root)

    return deploy


def command(name: str) -> click.Command:
    """One of them."""
    command = getattr(import_module(MODULES[name]), name)
    assert isinstance(command, click.Command)
    return command


def run(deploy: click.Command, arguments: list[str] | None) -> int:
    """The exit code: 2 says something else than bad input."""
    return faults.run(deploy, arguments, interrupted=lambda: INTERRUPTED, bad_input=lambda: faults.FAILED)
