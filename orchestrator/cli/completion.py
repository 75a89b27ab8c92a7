"""`orchestrator completion`: what a shell needs to complete commands, options and tasks."""

from __future__ import annotations

import re
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

#: A task's id where tasks.yaml has it: to parse the file takes longer than whoever presses a key wants to wait.
_TASK = re.compile(r"^  ([A-Za-z0-9_-]{1,48}):", re.MULTILINE)


def complete_task(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The tasks of the nearest tasks.yaml upward."""
    folder = Path.cwd()
    file = next((one / "tasks.yaml" for one in (folder, *folder.parents) if (one / "tasks.yaml").is_file()), None)
    if file is None:
        return []
    _, _, tasks = file.read_text(encoding="utf-8").partition("\ntasks:")
    return [CompletionItem(name) for name in _TASK.findall(tasks) if name.startswith(incomplete)]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what SHELL is to run at its start: eval "$(orchestrator completion bash)"."""
    made = get_completion_class(shell)
    assert made is not None
    root = context.find_root().command
    click.echo(made(root, {}, "orchestrator", "_ORCHESTRATOR_COMPLETE").source())
