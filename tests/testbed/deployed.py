"""A small application in the embedded AWS, for tests that look at it from outside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import definitions
from orchestrator import deployment
from orchestrator.asl.definition import Definition
from orchestrator.deployment import Application, Applied
from orchestrator.functions import Function
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule
from tests.testbed import LAMBDAS

STACK = Stack()


def tasks() -> list[Task]:
    """One that succeeds, and one that fails."""
    work = Target(kind=TargetKind.LAMBDA, name="work")
    daily = TaskSchedule(expression="cron(0 8 * * ? *)", timezone="Europe/Berlin")
    return [
        Task(id="good", target=work, schedules=(daily,), owner="data-platform"),
        Task(id="bad", target=work, params={"refuse": True}),
    ]


@contextmanager
def deployed(aws: EmbeddedAws, **more: Definition) -> Iterator[Applied]:
    """The application with ``more`` state machines, and the environment in which a command finds it."""
    application = Application(
        stack=STACK,
        definitions={
            **{name: definitions.ALL[name](STACK) for name in ("TaskRunner", "ExpressRunner", "Backfill")},
            **more,
        },
        functions=(Function(name="work", module="work"),),
        lambdas=LAMBDAS,
    )
    before = dict(os.environ)
    os.environ.update(aws.environment)
    try:
        yield deployment.apply(
            aws.client, application, tasks(), deployer=deployment.Deployer(sleep=lambda seconds: None)
        )
    finally:
        os.environ.clear()
        os.environ.update(before)
        aws.reset()
