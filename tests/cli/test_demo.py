"""The demo's day, as `make demo` shows it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testbed import ROOT


# The demo has an AWS of its own, and there is one in a process.
@pytest.mark.proof
def test_the_day_has_a_chain_and_an_event_in_it() -> None:
    command = [str(Path(sys.executable).with_name("orchestrator")), "demo"]
    wide = os.environ | {"COLUMNS": "200"}
    shown = subprocess.run(command, cwd=ROOT, env=wide, capture_output=True, text=True, timeout=300)
    assert shown.returncode == 0, shown.stderr
    said, midnight = shown.stdout, "2026-12-01T00:00:00Z"
    assert re.search(rf"month-end-digest +{midnight} +SUCCEEDED", said)
    assert f"then woken: month-end-digest {midnight}; it waited for monthly-billing {midnight}" in said
    assert re.search(r"catalogue-refresh +2026-11-30T18:05:00Z +SUCCEEDED", said)
    assert "Started by 2 events, once: catalogue-refresh 2026-11-30T18:05:00Z." in said
    assert "333 runs, 0 slots without one" in said
