"""A deployment that dies after any of its calls: the next one finishes the job, and then there is nothing to do.

Who dies says nothing more to AWS, not even that the lock is free; so the next one comes when that has expired.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.deployment import Application, Deployer, apply, plan
from orchestrator.deployment.locking import LEASE
from orchestrator.deployment.template import TASK_RUNNER
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from orchestrator.stores.registry import Registry
from orchestrator.tasks.event_start import EventStart
from orchestrator.tasks.rule_names import rule_name
from orchestrator.tasks.schedule_names import task_of
from orchestrator.tasks.task import Task
from tests.testbed import sample
from tests.testbed.clients import own_clients
from tests.testbed.sample import task

STACK = Stack()
NOW = datetime(2026, 12, 1, tzinfo=UTC)
LATER = NOW + LEASE + timedelta(seconds=1)

#: On the default bus, and on another.
CLOSED, OPENED, SOLD = (EventStart(pattern={"source": [name]}) for name in ("closed", "opened", "sold"))
OTHERS = "others"

BEFORE = [
    replace(task("report", "cron(0 2 * * ? *)"), starts=(CLOSED, SOLD)),
    task("clean", "cron(0 3 * * ? *)"),
    replace(task("old", "cron(0 4 * * ? *)"), starts=(replace(SOLD, bus=OTHERS),)),
]
AFTER = [
    replace(task("report", "cron(0 5 * * ? *)", description="at another time"), starts=(OPENED, SOLD)),
    task("clean", description="by hand only"),
    task("new", "cron(0 6 * * ? *)"),
]


#: The suite lets deployments die after each 29th call, and the proof after each.
EVERY = pytest.mark.parametrize("every", [29, pytest.param(1, marks=pytest.mark.proof)])


class Died(BaseException):
    """No fault that anybody would catch."""


class Mortal:
    """Clients of somebody who dies when ``calls`` calls have been answered."""

    def __init__(self, aws: EmbeddedAws, calls: int) -> None:
        self._aws = aws
        self._clients: dict[str, Any] = {}
        self._left = calls
        self._lock = threading.Lock()

    def __call__(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = client = own_clients(self._aws)(service)
            client.meta.events.register("before-call", self._begin)
        return self._clients[service]

    def _begin(self, **_: Any) -> None:
        with self._lock:
            self._left -= 1
            if self._left < 0:
                raise Died


@pytest.fixture
def application(tmp_path: Path) -> Application:
    """The smallest that has something of everything."""
    found = sample.application(tmp_path)
    return replace(found, definitions={TASK_RUNNER: found.definitions[TASK_RUNNER]}, functions=(sample.ECHO,))


def dies(aws: EmbeddedAws, application: Application, tasks: list[Task], calls: int) -> bool:
    try:
        apply(Mortal(aws, calls), application, tasks, deployer=Deployer(now=lambda: NOW, sleep=lambda seconds: None))
    except Died:
        return True
    return False


def assert_finished_by_the_next(aws: EmbeddedAws, application: Application, tasks: list[Task]) -> None:
    fired = {task_of(one["Name"]) for one in aws.client("scheduler").list_schedules()["Schedules"]}
    if fired:
        declared = Registry(aws.client("dynamodb"), STACK).declared()
        assert fired <= declared.keys(), "whatever a schedule starts finds its task, even half-way"
    apply(aws.client, application, tasks, deployer=Deployer(now=lambda: LATER, sleep=lambda seconds: None))
    assert plan(aws.client, application, tasks, now=LATER).is_empty
    assert Registry(aws.client("dynamodb"), STACK).declared().keys() == {task.id for task in tasks}
    assert rules(aws) == {rule_name(STACK, one.id, start, express=False) for one in tasks for start in one.starts}


def rules(aws: EmbeddedAws) -> set[str]:
    """The names of the rules that start tasks, all of which have their target and are on."""
    events, found = aws.client("events"), set()
    for bus in ("default", OTHERS):
        for rule in events.list_rules(NamePrefix=STACK.rule_prefix, EventBusName=bus)["Rules"]:
            assert rule["State"] == "ENABLED"
            assert events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]
            found.add(rule["Name"])
    return found


def die_after_more_and_more_calls(run: Callable[[int], bool], every: int) -> int:
    """Until ``run`` does not die any more; after how many calls."""
    return next(calls for calls in range(0, 1000, every) if not run(calls))


@EVERY
def test_the_first_deployment(aws: EmbeddedAws, application: Application, every: int) -> None:
    def run(calls: int) -> bool:
        aws.reset()
        aws.client("events").create_event_bus(Name=OTHERS)
        died = dies(aws, application, BEFORE, calls)
        assert_finished_by_the_next(aws, application, BEFORE)
        return died

    assert die_after_more_and_more_calls(run, every) > 20


@EVERY
def test_a_later_deployment(aws: EmbeddedAws, application: Application, every: int) -> None:
    code = application.lambdas / "echo.py"
    first = code.read_text()

    def run(calls: int) -> bool:
        aws.reset()
        aws.client("events").create_event_bus(Name=OTHERS)
        code.write_text(first)
        apply(aws.client, application, BEFORE, deployer=Deployer(now=lambda: NOW, sleep=lambda seconds: None))
        code.write_text("def handler(event, context):\n    return 'changed'\n")
        died = dies(aws, application, AFTER, calls)
        assert_finished_by_the_next(aws, application, AFTER)
        return died

    assert die_after_more_and_more_calls(run, every) > 20
