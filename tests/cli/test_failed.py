"""`orchestrator failed`, as a person and as a program use it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from orchestrator.cli.main import main
from orchestrator.deployment import Applied
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.dead_letter import Undelivered
from orchestrator.runs.run import RunEnd, RunStatus
from orchestrator.stores.dead_letters import FailedTasks
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.recorder import Recorder
from orchestrator.stores.registry import Registry
from orchestrator.tasks.task import Target, TargetKind, Task
from tests.cli.conftest import PutRow
from tests.testbed.deployed import STACK

Printed = pytest.CaptureFixture[str]
SLOT = "2026-11-02T08:00:00Z"
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def failed_tasks(embedded_aws: EmbeddedAws, stack: Applied) -> FailedTasks:
    client = embedded_aws.client("dynamodb")
    for one in FailedTasks(client, STACK).all():
        client.delete_item(TableName=STACK.failed_tasks_table, Key={"messageId": {"S": one.message_id}})
    return FailedTasks(client, STACK)


def fail(failed_tasks: FailedTasks, registry: Registry, task_id: str | None, message_id: str = "m-1") -> None:
    if task_id:
        registry.register(Task(id=task_id, target=Target(kind=TargetKind.LAMBDA, name="work")))
    found = Undelivered(
        message_id=message_id,
        task_id=task_id,
        slot=SLOT if task_id else None,
        error_code="AccessDeniedException",
        error_message="the role may not",
    )
    assert failed_tasks.put(found, failed_at=NOW)
    assert not failed_tasks.put(found, failed_at=NOW)


def ended(embedded_aws: EmbeddedAws, printed: str) -> None:
    arn = printed.split("started ")[1].strip()
    assert embedded_aws.execution(arn).over.wait(30)


def test_what_failed_to_start_is_listed(failed_tasks: FailedTasks, registry: Registry, capsys: Printed) -> None:
    assert main(["failed"]) == 0
    assert capsys.readouterr().out == "Nothing has failed to start.\n"
    fail(failed_tasks, registry, "listed")
    assert main(["failed"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:4] == ["m-1", "listed", SLOT, "2026-11-02T09:00:00Z"]
    assert main(["failed", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["errorCode"] == "AccessDeniedException"


def test_a_slot_is_run_under_its_own_key_and_its_record_says_so(
    failed_tasks: FailedTasks, registry: Registry, ledger: Ledger, embedded_aws: EmbeddedAws, capsys: Printed
) -> None:
    fail(failed_tasks, registry, "replayed")
    end = RunEnd(status=RunStatus.FAILED, cause="x")
    Recorder(embedded_aws.client("dynamodb"), STACK).record("replayed", SLOT, end, now=NOW)
    assert main(["failed", "replay", "m-1"]) == 0
    ended(embedded_aws, capsys.readouterr().out)
    run = ledger.get("replayed", SLOT)
    assert run is not None
    assert (run.status, len(run.history)) == (RunStatus.SUCCEEDED, 1)
    assert main(["failed"]) == 0
    assert "Nothing has failed" in capsys.readouterr().out
    assert main(["failed", "--all"]) == 0
    assert "REPLAYED" in capsys.readouterr().out
    assert main(["failed", "replay", "m-1"]) == 0
    assert "has succeeded meanwhile" in capsys.readouterr().out


def test_a_slot_without_a_row_is_run_as_the_schedule_would_have(
    failed_tasks: FailedTasks, registry: Registry, ledger: Ledger, embedded_aws: EmbeddedAws, capsys: Printed
) -> None:
    fail(failed_tasks, registry, "rowless")
    assert main(["failed", "replay", "--all"]) == 0
    ended(embedded_aws, capsys.readouterr().out)
    run = ledger.get("rowless", SLOT)
    assert run is not None
    assert (run.status, run.trigger) == (RunStatus.SUCCEEDED, "schedule")


def test_a_slot_that_runs_is_left_alone(
    failed_tasks: FailedTasks, registry: Registry, put_row: PutRow, going_on: str, capsys: Printed
) -> None:
    fail(failed_tasks, registry, "busy")
    put_row("busy", SLOT, "RUNNING", going_on)
    assert main(["failed", "replay", "m-1"]) == 0
    assert capsys.readouterr().out == f"busy {SLOT}: is running\n"


def test_what_cannot_be_run_again_says_why_and_leaves_the_others_theirs(
    failed_tasks: FailedTasks, registry: Registry, embedded_aws: EmbeddedAws, capsys: Printed
) -> None:
    fail(failed_tasks, registry, None, "m-0")
    fail(failed_tasks, registry, "sound")
    fail(failed_tasks, registry, "removed", "m-2")
    registry.remove("removed")
    assert main(["failed", "replay", "--all"]) == 1
    printed = capsys.readouterr()
    ended(embedded_aws, printed.out)
    assert "m-0 cannot be run again: it does not say which slot of which task it was" in printed.err
    assert "m-2 cannot be run again: there is no task removed any more" in printed.err
    assert main(["failed", "replay", "no-such"]) == 2
    assert main(["failed", "replay"]) == 2
    assert main(["failed", "replay", "m-1", "--all"]) == 2
