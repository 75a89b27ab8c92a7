"""`orchestrator local --state DIR` is killed again and again."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.outside.running import running

TASKS = """
tasks:
  quick: {run: lambda/warm, schedule: cron(0 8 * * ? *)}
  watchdog: {run: lambda/watchdog, schedule: rate(1 day), retry: false}
"""


@pytest.mark.proof
def test_killed_again_and_again_it_loses_no_row(tmp_path: Path) -> None:
    state, known = str(tmp_path / "state"), dict[tuple[str, str], str]()
    for number, seconds in enumerate((0.1, 0.7, 1.9, 0.3)):
        with running(TASKS, "--state", state) as up:
            now = up.rows()
            assert {row: status for row, status in known.items() if now.get(row) != status} == {}
            runner = up.task_runner
            for slot in range(10):
                start = {"taskId": "quick", "scheduledTime": f"2026-11-2{number}T08:00:{slot:02}Z"}
                up.client("stepfunctions").start_execution(stateMachineArn=runner, input=json.dumps(start))
            time.sleep(seconds)
            # What a reader was told; a run may have ended since.
            known |= {row: status for row, status in up.rows().items() if status != "RUNNING"}
            up.kill()
    assert known
