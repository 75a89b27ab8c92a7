"""`orchestrator approve`, as a person uses it, and what `show` says before and after."""

from __future__ import annotations

import json

import pytest

from orchestrator.cli.main import main
from orchestrator.deployment import Applied
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.run import RunStatus, SkipReason
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from orchestrator.tasks.task import Target, TargetKind, Task

SLOT = "2026-11-30T08:00:00Z"


def ask(aws: EmbeddedAws, stack: Applied, registry: Registry, task_id: str) -> None:
    """A slot is due, of which somebody has to approve."""
    target = Target(kind=TargetKind.LAMBDA, name="work")
    registry.register(Task(id=task_id, target=target, approval_seconds=3600, grace_seconds=10**8))
    started = aws.client("stepfunctions").start_execution(
        stateMachineArn=stack.outputs["TaskRunnerArn"],
        input=json.dumps({"taskId": task_id, "scheduledTime": SLOT, "trigger": "schedule"}),
    )
    assert aws.execution(started["executionArn"]).over.wait(60)


def test_a_slot_waits_and_goes_on_when_it_is_approved(
    embedded_aws: EmbeddedAws,
    stack: Applied,
    registry: Registry,
    ledger: Ledger,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ask(embedded_aws, stack, registry, "invoices")
    assert main(["show", "invoices", SLOT]) == 0
    shown = capsys.readouterr().out
    assert f"invoices {SLOT}  WAITING" in shown
    assert "why:        waits" in shown
    assert main(["approve", "invoices", SLOT, "--reason", "checked the sums"]) == 0
    assert capsys.readouterr().out == f"Approved invoices {SLOT}\n"
    for _ in range(600):
        run = ledger.get("invoices", SLOT)
        assert run
        if run.status is RunStatus.SUCCEEDED:
            break
        embedded_aws.event_sources.settled(0.1)
    assert main(["show", "invoices", SLOT]) == 0
    shown = capsys.readouterr().out
    assert "SUCCEEDED" in shown
    assert "approval:   approved by " in shown
    assert "checked the sums" in shown
    assert main(["approve", "invoices", SLOT, "--reason", "once more"]) == 1
    assert "waits for no approval: it is SUCCEEDED" in capsys.readouterr().err


def test_a_slot_that_is_refused_is_skipped(
    embedded_aws: EmbeddedAws, stack: Applied, registry: Registry, ledger: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(embedded_aws, stack, registry, "payments")
    assert main(["approve", "payments", SLOT, "--reason", "not this month", "--refuse"]) == 0
    assert capsys.readouterr().out == f"Refused payments {SLOT}\n"
    run = ledger.get("payments", SLOT)
    assert run
    assert (run.status, run.reason) == (RunStatus.SKIPPED, SkipReason.REFUSED)
