"""Handlers as users write them: what they do to their process and raise harms no other run."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.outside.running import Running


def test_a_handler_that_forks_answers_for_its_own_run_alone(real: Running) -> None:
    for minute in range(3):
        slot = f"2026-05-05T08:0{minute}:00Z"
        said = real.orchestrator("start", "forking", "--slot", slot, "--wait", "--json")
        (run,) = said.json
        assert run["status"] == "SUCCEEDED", run
        assert json.loads(run["result"]) == {"slot": slot, "child": False}


@pytest.mark.parametrize("task", ["hopeless", "namesake"])
def test_what_is_not_to_be_tried_again_is_called_once(real: Running, task: str, tmp_path: Path) -> None:
    file = tmp_path / "calls"
    said = real.orchestrator("start", task, "--param", f"file={file}", "--wait", "--json")
    assert said.code == 1
    assert said.json[0]["attempts"] == 1
    assert file.read_text().splitlines() == ["called"]


def test_a_process_that_was_killed_between_two_runs_fails_none(real: Running) -> None:
    def process() -> int:
        (run,) = real.orchestrator("start", "warm", "--wait", "--json").json
        assert run["status"] == "SUCCEEDED", run
        return int(json.loads(run["result"])["process"])

    killed = process()
    os.kill(killed, signal.SIGKILL)
    assert process() != killed
