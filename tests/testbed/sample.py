"""A small application to deploy: two functions, and the project's own TaskRunner."""

from __future__ import annotations

from pathlib import Path

import definitions
from lambdas import functions
from orchestrator.deployment import Application
from orchestrator.functions import Function, Permission
from orchestrator.stack import Stack
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule

ECHO = Function(name="echo", module="echo")
LETTERS = Function(
    name="send-letters",
    module="send_letters",
    memory_mb=512,
    timeout_seconds=120,
    environment={"PAPER": "a4"},
    permissions=(
        Permission(actions=("s3:ListBucket",), resource="data-bucket"),
        Permission(actions=("s3:GetObject", "s3:PutObject"), resource="data-bucket:letters/*"),
        Permission(actions=("dynamodb:PutItem",), resource="table:Idempotency"),
        Permission(actions=("dynamodb:Query",), resource="table:TaskRuns/index/StatusIndex"),
        Permission(actions=("ses:SendEmail",), resource="ses"),
    ),
)

_SOURCES = {
    "__init__.py": "",
    "_shared.py": "GREETING = 'hello'\n",
    "echo.py": "from lambdas._shared import GREETING\n\n\ndef handler(event, context):\n    return {GREETING: event}\n",
    "send_letters/__init__.py": "from lambdas.send_letters.sending import handler\n",
    "send_letters/sending.py": "def handler(event, context):\n    return None\n",
    "send_letters/letter.txt": "Dear\n",
}


def application(folder: Path, stack: Stack | None = None) -> Application:
    """The application, its functions' sources written below ``folder``."""
    stack = stack or Stack()
    for name, text in _SOURCES.items():
        path = folder / "lambdas" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Application(
        stack=stack,
        definitions={name: definitions.ALL[name](stack) for name in ("TaskRunner", "Backfill")},
        functions=(ECHO, LETTERS),
        lambdas=folder / "lambdas",
        tables=functions.TABLES,
    )


def task(task_id: str, *expressions: str, description: str = "") -> Task:
    return Task(
        id=task_id,
        target=Target(kind=TargetKind.LAMBDA, name="echo"),
        schedules=tuple(TaskSchedule(expression=expression) for expression in expressions),
        description=description,
    )
