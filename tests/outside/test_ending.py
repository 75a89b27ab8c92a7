"""`orchestrator local` ends as a whole: no process and no folder is left."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.outside.running import running

TASKS = "tasks: {busy: {run: lambda/act, params: {seconds: 60}}}"


def processes_in(folder: Path) -> list[int]:
    """Processes whose working directory lies in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink().is_relative_to(folder):
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="only Linux shows where a process works")
# That Ctrl-C ends a busy one tidily, tests/local/test_session.py shows in the suite.
@pytest.mark.proof
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_that_is_busy_ends_with_it(how: signal.Signals) -> None:
    with running(TASKS) as stack:
        assert stack.orchestrator("start", "busy").code == 0
        temporary = stack.folder / "temporary"
        working = stack.until(lambda: processes_in(temporary))
        assert len(working) == 1
        stack.process.send_signal(how)
        stack.process.wait(timeout=20)
        assert processes_in(temporary) == []
        assert list(temporary.iterdir()) == []
