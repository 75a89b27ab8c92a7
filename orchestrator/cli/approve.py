"""`orchestrator approve`: answers what a run asks before it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.cli.options import slot_argument
from orchestrator.runs.approval import Answer

if TYPE_CHECKING:
    from orchestrator.cli.connection import Connection


@click.command()
@click.argument("task")
@slot_argument
@click.option("--reason", required=True, help="Kept in the row, with who you are.")
@click.option("--refuse", is_flag=True, help="Say no: the slot is skipped, or the state of the workflow fails.")
@click.pass_obj
def approve(connection: Connection, task: str, slot: str, reason: str, refuse: bool) -> None:
    """Let SLOT of TASK run that waits for an approval, or the workflow that it has started go on."""
    answer = Answer.REFUSED if refuse else Answer.APPROVED
    run = connection.approving.answer(task, slot, answer, who=connection.who(), reason=reason, now=connection.now())
    state = f", in the state {run.approval.state}" if run.approval and run.approval.state else ""
    click.echo(f"{answer.capitalize()} {task} {slot}{state}")
