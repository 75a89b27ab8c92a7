"""What is saved while a stack is being deployed."""

from __future__ import annotations

import queue
from pathlib import Path

from orchestrator.deployment import Project
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.reloading import Source, reloaded
from orchestrator.stack import Stack


def test_a_file_that_was_saved_after_the_project_was_read_is_not_overlooked(tmp_path: Path, aws: EmbeddedAws) -> None:
    tasks = tmp_path / "tasks.yaml"
    tasks.write_text("tasks: {}\n", encoding="utf-8")
    source = Source(project=Project(root=tmp_path), stack=Stack(), tasks=tasks)
    read = source.look()
    tasks.write_text("tasks: {greeting: {run: lambda/nobody}}\n", encoding="utf-8")
    said: queue.Queue[str] = queue.Queue()
    with reloaded(source, aws, said.put, read):
        heard = said.get(timeout=60)
    assert "tasks.yaml: not deployed" in heard
    assert "there is no lambda 'nobody'" in heard
