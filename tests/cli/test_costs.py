"""`orchestrator costs`: what tasks have cost, by the ledger, beside what is expected and what they may."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import main
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stores.registry import Registry
from tests.testbed.deployed import STACK, deployed, tasks

PutRow = Callable[..., None]
ARN = f"arn:aws:states:us-east-1:123456789012:execution:{STACK.task_runner}:good-1"


@pytest.fixture(scope="module")
def stack(embedded_aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    with deployed(embedded_aws):
        dynamodb = embedded_aws.client("dynamodb")
        for day in range(1, 4):
            row: dict[str, Any] = {
                "taskId": {"S": "good"},
                "slot": {"S": f"2026-12-{day:02}T07:00:00Z"},
                "status": {"S": "SUCCEEDED"},
                "executionArn": {"S": ARN},
                "startedAt": {"S": f"2026-12-{day:02}T07:00:05.000Z"},
                "durationSeconds": {"N": "2"},
                "attempts": {"N": "1"},
            }
            dynamodb.put_item(TableName=STACK.runs_table, Item=row)
        yield embedded_aws


def values(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    code = main(["costs", "--json", *arguments])
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return code, {one["taskId"]: one for one in found}


def test_each_task_has_what_its_rows_of_the_month_cost(stack: EmbeddedAws, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = values(capsys, "--month", "2026-12")
    good = found["good"]
    assert (code, good["runs"], good["seconds"], good["month"]) == (0, 3, 6.0, "2026-12")
    # Three times four transitions, and three metrics in three hours, are the most of it.
    least = 12 * 0.000025 + 9 * 0.30 / 730
    assert least < float(good["dollars"]) < 1.3 * least
    assert float(good["expectedDollars"]) == pytest.approx(float(good["dollars"]) * 31 / 3, rel=0.05)
    assert (found["bad"]["runs"], float(found["bad"]["dollars"])) == (0, 0)


def test_another_month_is_another_sum(stack: EmbeddedAws, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = values(capsys, "--month", "2027-01")
    assert (found["good"]["runs"], float(found["good"]["dollars"])) == (0, 0)


def test_owners_have_a_table_of_their_own(stack: EmbeddedAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["costs", "--month", "2026-12"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line]
    assert rows[0][:2] == ["TASK", "RUNS"]
    (owner,) = [row for row in rows if row[0] == "data-platform"]
    assert owner[1] == "3"


def test_a_task_that_has_cost_more_than_its_budget_is_an_exit_code(
    stack: EmbeddedAws, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = Registry(stack.client("dynamodb"), STACK)
    registry.register(replace(tasks()[0], budget=Decimal("0.001")))
    code, found = values(capsys, "--month", "2026-12")
    registry.register(tasks()[0])
    assert (code, found["good"]["isOver"], found["good"]["budget"]) == (1, True, 0.001)


def test_a_file_whose_tasks_are_expected_to_cost_more_than_they_may_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lambdas").mkdir()
    (tmp_path / "lambdas" / "often.py").write_text("def handler(event, context): ...\n")
    file = tmp_path / "tasks.yaml"
    task = "{run: lambda/often, schedule: rate(1 minute), owner: ann, budget: 1}"
    file.write_text(f"budgets: {{ann: 2}}\ntasks:\n  often: {task}\n")
    main(["validate", str(file)])
    warned = capsys.readouterr().err
    assert "warning: task often is expected to cost $6." in warned
    assert "warning: the tasks of ann are expected to cost $6." in warned


def test_a_month_that_is_none_is_refused(stack: EmbeddedAws, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["costs", "--month", "2026-13"]) == 2
    assert "expected a month like 2026-12" in capsys.readouterr().err
