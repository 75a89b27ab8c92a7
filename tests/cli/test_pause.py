"""`orchestrator pause` and `orchestrator resume`, as a person uses them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.cli.main import main
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.mutes import Note
from orchestrator.runs.run import RunStatus, Trigger
from orchestrator.runs.task_state import Checkpoint, Pause
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.mutes import Mutes
from orchestrator.stores.registry import Registry
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import CatchUp, Target, TargetKind, Task
from tests.testbed.deployed import STACK

Printed = pytest.CaptureFixture[str]


def register(registry: Registry, task_id: str, **fields: Any) -> str:
    checkpoint = Checkpoint(checked_until="2026-11-01T00:00:00Z", next_run="2099-01-01T00:00:00Z")
    registry.register(Task(id=task_id, target=Target(kind=TargetKind.LAMBDA, name="work"), **fields), checkpoint)
    return task_id


def paused(registry: Registry, task_id: str) -> Pause | None:
    record = registry.get(task_id)
    assert record is not None
    return record.pause


def test_a_pause_says_who_and_why_and_is_shown_wherever_the_task_is(registry: Registry, capsys: Printed) -> None:
    task_id = register(registry, "halted")
    assert main(["pause", task_id, "--reason", "migration"]) == 0
    assert capsys.readouterr().out == "Paused halted; `orchestrator resume halted` ends it\n"
    pause = paused(registry, task_id)
    assert pause is not None
    assert (pause.why, pause.until, pause.on_resume) == ("migration", "", CatchUp.NONE)
    assert main(["tasks", "--json"]) == 0
    states = {one["taskId"]: one["state"] for one in map(json.loads, capsys.readouterr().out.splitlines())}
    assert states[task_id] == f"paused by {pause.who}: migration"
    registry.register(Task(id=task_id, target=Target(kind=TargetKind.LAMBDA, name="work"), timeout_seconds=9))
    assert paused(registry, task_id) == pause


def test_a_pause_with_an_end_is_looked_at_then(registry: Registry, capsys: Printed) -> None:
    task_id = register(registry, "for-a-while")
    assert main(["pause", task_id, "--reason", "x", "--until", "2h", "--on-resume", "latest"]) == 0
    record = registry.get(task_id)
    assert record is not None
    assert record.pause is not None
    assert record.checkpoint is not None
    expected = key(datetime.now(UTC) + timedelta(hours=2))
    assert record.pause.until[:13] == expected[:13] or record.pause.until < expected
    assert (record.checkpoint.next_run, record.pause.on_resume) == (record.pause.until, CatchUp.LATEST)
    assert main(["pause", task_id, "--reason", "y"]) == 0
    assert "(it was paused by" in capsys.readouterr().out


@pytest.mark.parametrize("until", ["yesterday", "2020-01-01T00:00:00Z", "2030-01-01T00:00:00"])
def test_an_end_that_is_none_is_refused(registry: Registry, capsys: Printed, until: str) -> None:
    task_id = register(registry, "not-paused")
    assert main(["pause", task_id, "--reason", "x", "--until", until]) != 0
    assert "expected a" in capsys.readouterr().err
    assert paused(registry, task_id) is None


def test_what_a_pause_has_skipped_is_started_when_it_ends(
    registry: Registry, ledger: Ledger, embedded_aws: EmbeddedAws, capsys: Printed
) -> None:
    task_id = register(registry, "resumed")
    assert main(["pause", task_id, "--reason", "migration", "--on-resume", "all"]) == 0
    slots = [key(datetime.now(UTC) - timedelta(seconds=seconds)) for seconds in (0, -1)]
    client = embedded_aws.client("stepfunctions")
    machine = f"arn:aws:states:us-east-1:123456789012:stateMachine:{STACK.task_runner}"
    for slot in slots:
        given = json.dumps({"taskId": task_id, "scheduledTime": slot, "trigger": Trigger.SCHEDULE})
        arn = client.start_execution(stateMachineArn=machine, input=given)["executionArn"]
        assert embedded_aws.execution(arn).over.wait(30)
    capsys.readouterr()
    assert main(["resume", task_id, "--on-resume", "latest"]) == 0
    # A slot of this very second may lie after the pause's end.
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "Resumed resumed"
    (slot,) = [line.removeprefix("started ") for line in said[1:]]
    executions = client.list_executions(stateMachineArn=machine)["executions"]
    assert all(embedded_aws.execution(one["executionArn"]).over.wait(30) for one in executions)
    run = ledger.get(task_id, slot)
    assert run is not None
    assert (run.status, run.trigger) == (RunStatus.SUCCEEDED, Trigger.RESUME)
    assert run.history[0].status is RunStatus.SKIPPED
    assert paused(registry, task_id) is None


def test_a_task_that_is_not_paused_cannot_be_resumed(registry: Registry, capsys: Printed) -> None:
    task_id = register(registry, "going")
    assert main(["resume", task_id]) == 2
    assert capsys.readouterr().err == "going is not paused\n"
    assert main(["pause", "nobody", "--reason", "x"]) == 2


# many at once


def test_a_switch_pauses_many_says_what_became_of_each_and_leaves_what_was_paused_before(
    registry: Registry, capsys: Printed
) -> None:
    for name, tags in (("load", ("etl",)), ("transform", ("etl", "x")), ("mail", ())):
        register(registry, name, tags=tags, owner="data")
    assert main(["pause", "load", "--why", "migration"]) == 0
    capsys.readouterr()
    assert main(["pause", "--tag", "etl", "--why", "the warehouse moves"]) == 0
    who = (paused(registry, "transform") or Pause()).who
    assert capsys.readouterr().out.splitlines() == [
        f"load paused; it is paused by {who}: migration, too",
        "transform paused",
        "Paused all tasks with the tag etl; `orchestrator resume --tag etl` ends it",
    ]
    assert paused(registry, "mail") is None
    # One task of many does not go on by itself, and its own pause is none of the switch's.
    assert main(["resume", "transform"]) == 2
    assert "`orchestrator resume --tag etl` ends that for all of them" in capsys.readouterr().err
    assert main(["resume", "load"]) == 0
    assert "load stays paused with all tasks with the tag etl" in capsys.readouterr().out
    assert main(["pause", "load", "--why", "migration"]) == 0
    capsys.readouterr()
    assert main(["resume", "--tag", "etl"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"load stays paused by {who}: migration",
        "transform resumed",
        "Resumed all tasks with the tag etl",
    ]
    assert (paused(registry, "load") or Pause()).why == "migration"
    assert paused(registry, "transform") is None
    assert main(["resume", "--tag", "etl"]) == 2
    assert capsys.readouterr().err == "all tasks with the tag etl: not paused\n"
    assert main(["resume", "load"]) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--tag", "elt"], "did you mean 'etl'?"),
        (["--owner", "dta"], "did you mean 'data'?"),
        (["--tag", "etl", "--all"], "expected one of TASK, --tag, --owner and --all"),
        ([], "expected one of TASK, --tag, --owner and --all"),
    ],
)
def test_a_switch_for_nobody_is_a_mistake(registry: Registry, capsys: Printed, options: list[str], said: str) -> None:
    register(registry, "load", tags=("etl",), owner="data")
    assert main(["pause", *options, "--why", "x"]) == 2
    assert said in capsys.readouterr().err
    assert paused(registry, "load") is None


def test_all_tasks_are_all_but_the_watchdog(registry: Registry, capsys: Printed) -> None:
    register(registry, "load")
    registry.register(Task(id="watch", target=Target(kind=TargetKind.LAMBDA, name="watchdog")))
    assert main(["pause", "--all", "--why", "x", "--until", "2h"]) == 0
    assert paused(registry, "load") is not None
    assert paused(registry, "watch") is None
    assert main(["resume", "--all"]) == 0
    assert paused(registry, "load") is None


def test_a_mute_has_an_end_and_says_what_it_has_kept_quiet(
    registry: Registry, embedded_aws: EmbeddedAws, capsys: Printed
) -> None:
    register(registry, "load", tags=("etl",))
    assert main(["mute", "--tag", "etl", "--why", "the warehouse moves"]) == 2
    assert main(["mute", "--tag", "elt", "--until", "2h", "--why", "x"]) == 2
    assert "did you mean 'etl'?" in capsys.readouterr().err
    assert main(["unmute", "--tag", "etl"]) == 2
    assert capsys.readouterr().err == "all tasks with the tag etl: not muted\n"
    assert main(["mute", "--tag", "etl", "--until", "2h", "--why", "the warehouse moves"]) == 0
    assert "Muted all tasks with the tag etl until 20" in capsys.readouterr().out
    mutes = Mutes(embedded_aws.client("dynamodb"), STACK)
    (mute,) = mutes.all()
    note = Note(line="2026-11-23T08:00:00Z  load  failed: X", task_id="load", owner="data", severity="failed")
    for _ in range(2):
        mutes.note(mute, note)
    assert main(["unmute", "--tag", "etl"]) == 0
    assert capsys.readouterr().out == f"Unmuted all tasks with the tag etl\n{note.line}\n"
    (over,) = mutes.all()
    assert over.over(datetime.now(UTC))
    mutes.end(mute)
    assert mutes.all() == [over], "it was cut short in the meantime"
    mutes.end(over)
    assert mutes.all() == []
