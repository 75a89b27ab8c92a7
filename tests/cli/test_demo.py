"""The demo's day, as `make demo` shows it."""

from __future__ import annotations

import re

import pytest
from rich.console import Console

from orchestrator.cli.demo import show
from orchestrator.deployment import Project
from tests.testbed import ROOT


@pytest.mark.proof
def test_the_day_has_a_chain_and_an_event_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    project = Project(root=ROOT)
    assert show(project.application(project.stack()), ROOT / "tasks.yaml", Console(width=200)) == 0
    said = capsys.readouterr().out
    midnight = "2026-12-01T00:00:00Z"
    assert re.search(rf"month-end-digest +{midnight} +SUCCEEDED", said)
    assert f"then woken: month-end-digest {midnight}; it waited for monthly-billing {midnight}" in said
    assert re.search(r"catalogue-refresh +2026-11-30T18:05:00Z +SUCCEEDED", said)
    assert "Started by 2 events, once: catalogue-refresh 2026-11-30T18:05:00Z." in said
    assert "333 runs, 0 slots without one" in said
