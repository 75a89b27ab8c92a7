"""The way of one task's id through the rooms, from tasks.yaml to an alert, watched while it is gone."""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import CodeType, FrameType, SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

import definitions
from lambdas.system import follower
from orchestrator import deployment
from orchestrator.deployment import Application
from orchestrator.functions import Function
from orchestrator.handlers.invocation import forget_clients
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.rooms import ROOMS
from orchestrator.runs.run import Run
from orchestrator.stack import STACK as STACK_VARIABLE
from orchestrator.stack import Stack
from tests.testbed import LAMBDAS, ROOT, queues

STACK = Stack()

#: No other text of the run looks like it.
TASK_ID = "walked-through-4711"

TASKS = f"""
defaults: {{owner: data-platform, grace: 10d, retry: false}}
tasks:
  {TASK_ID}: {{run: lambda/work, params: {{refuse: true}}, schedule: "cron(0 8 * * ? *)"}}
"""

SLOT = "2026-11-24T08:00:00Z"

#: How often the id may come into a room.
MOST = 3


def room_of(file: str) -> str:
    """The room of a source file; "" for what is no part of the product, and for the AWS that stands outside.

    The modules of the ground floor are what all rooms are built of, and no rooms that one enters.
    """
    path = Path(file)
    if not path.is_relative_to(ROOT):
        return ""
    folder, *below = path.relative_to(ROOT).with_suffix("").parts
    if folder in ("definitions", "lambdas"):
        return folder
    if folder != "orchestrator" or len(below) == 1:
        return ""
    dotted = ".".join(below)
    room = max((room.name for room in ROOMS if f"{dotted}.".startswith(f"{room.name}.")), key=len, default="")
    return "" if room == "local.aws" else room


def holds_the_id(value: object, depth: int = 4) -> bool:
    if isinstance(value, str):
        return TASK_ID in value
    if depth == 0:
        return False
    if isinstance(value, Mapping):
        return any(holds_the_id(one, depth - 1) for pair in value.items() for one in pair)
    if isinstance(value, list | tuple | set | frozenset):
        return any(holds_the_id(one, depth - 1) for one in value)
    if is_dataclass(value):
        return any(holds_the_id(getattr(value, one.name, None), depth - 1) for one in fields(value))
    return False


@dataclass(eq=False, kw_only=True)
class Stay:
    """All that one caller has done in a room."""

    room: str
    #: The rooms that were entered from it.
    beyond: dict[str, Stay] = field(default_factory=dict)
    #: A function of the room was given the id, or something that holds it.
    has_seen_the_id: bool = False

    def all(self) -> Iterator[Stay]:
        yield self
        for stay in self.beyond.values():
            yield from stay.all()


class Walk:
    """Watches calls: which rooms are entered from which, and whether the id comes along."""

    def __init__(self) -> None:
        self._outside = Stay(room="")
        self._of: dict[FrameType, Stay] = {}
        self._rooms: dict[CodeType, str] = {}

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            code = frame.f_code
            if (room := self._rooms.get(code)) is None:
                room = self._rooms[code] = room_of(code.co_filename)
            if room:
                self._enter(room, frame)
        elif event == "return":
            self._of.pop(frame, None)

    def _enter(self, room: str, frame: FrameType) -> None:
        caller = frame.f_back
        while caller is not None and caller not in self._of:
            caller = caller.f_back
        before = self._of[caller] if caller is not None else self._outside
        stay = before if before.room == room else before.beyond.setdefault(room, Stay(room=room))
        self._of[frame] = stay
        if not stay.has_seen_the_id:
            code = frame.f_code
            names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            given = [frame.f_locals[name] for name in names if name not in ("self", "cls")]
            stay.has_seen_the_id = any(map(holds_the_id, given))

    def entered(self) -> Counter[str]:
        """How often the id has come into each room."""
        return Counter(stay.room for stay in self._outside.all() if stay.has_seen_the_id)


@contextmanager
def watched(walk: Walk) -> Iterator[None]:
    sys.setprofile(walk)
    # Schedules are written by several threads.
    threading.setprofile(walk)
    try:
        yield
    finally:
        threading.setprofile(None)
        sys.setprofile(None)


@pytest.fixture(scope="module")
def application() -> Application:
    return Application(
        stack=STACK,
        definitions={"TaskRunner": definitions.ALL["TaskRunner"](STACK)},
        functions=(Function(name="work", module="work"),),
        lambdas=LAMBDAS,
    )


def run_as_scheduler_does(aws: EmbeddedAws) -> Run:
    """The row of a slot, started with what the deployment has put into the schedule."""
    scheduler, states = aws.client("scheduler"), aws.client("stepfunctions")
    (listed,) = scheduler.list_schedules(GroupName=STACK.schedule_group)["Schedules"]
    target = scheduler.get_schedule(GroupName=STACK.schedule_group, Name=listed["Name"])["Target"]
    request = json.loads(target["Input"].replace("<aws.scheduler.scheduled-time>", SLOT))
    started = states.start_execution(stateMachineArn=request["StateMachineArn"], input=request["Input"])
    assert aws.execution(started["executionArn"]).over.wait(30)
    (item,) = aws.client("dynamodb").scan(TableName=STACK.runs_table)["Items"]
    return Run.from_item(item)


def change_of(aws: EmbeddedAws, run: Run) -> DynamoDBRecord:
    """What the ledger's stream says of a new row."""
    (item,) = aws.client("dynamodb").scan(TableName=STACK.runs_table)["Items"]
    return DynamoDBRecord(
        {"dynamodb": {"ApproximateCreationDateTime": datetime.now(UTC).timestamp(), "NewImage": item}}
    )


def test_from_tasks_yaml_to_an_alert_the_id_comes_into_no_room_often(
    embedded_aws: EmbeddedAws, application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws, walk, deployer = embedded_aws, Walk(), deployment.Deployer(sleep=lambda seconds: None)
    topic = deployment.apply(aws.client, application, [], deployer=deployer).outputs["AlertsTopicArn"]
    heard = queues.listening(aws, topic, "heard")
    file = tmp_path / "tasks.yaml"
    file.write_text(TASKS)
    with watched(walk):
        declared = application.load(file, date(2026, 11, 25))
        deployment.apply(aws.client, application, declared.tasks, deployer=deployer)
    run = run_as_scheduler_does(aws)
    assert (run.task_id, run.slot, run.status) == (TASK_ID, SLOT, "FAILED")
    for name, value in {**aws.environment, STACK_VARIABLE: STACK.name}.items():
        monkeypatch.setenv(name, value)
    forget_clients()
    context: Any = SimpleNamespace(invoked_function_arn=f"arn:aws:lambda:{aws.region}:{aws.account}:function:follower")
    with watched(walk):
        follower.handle(change_of(aws, run), context)
    forget_clients()
    assert [TASK_ID in text for text in queues.told(aws.client("sqs"), heard)] == [True]
    aws.reset()
    entered = walk.entered()
    rooms = {"taskfile", "tasks", "schedules", "pricing", "deployment", "stores", "operations", "runs", "lambdas"}
    assert entered.keys() == rooms
    assert {room: times for room, times in entered.items() if times > MOST} == {}
