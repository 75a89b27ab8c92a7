"""`orchestrator local`, ended while a handler is at work: nothing of it is left."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.testbed import ROOT
from tests.testbed.processes import begun

PROJECT = ROOT
ORCHESTRATOR = [sys.executable, "-c", "import sys; from orchestrator.cli.main import main; sys.exit(main())"]

TASKS = """
tasks:
  patient:
    run: lambda/cache-warmer
    params: {{urls: ["http://127.0.0.1:{port}/"]}}
"""


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def running(folder: Path) -> list[int]:
    """The processes that run from what was unpacked below ``folder``."""
    mark = f"LAMBDA_TASK_ROOT={folder}".encode()
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            text = environment.read_bytes()
        except OSError:
            continue
        # A process that has ended has no environment.
        if mark in text:
            found.append(int(environment.parent.name))
    return found


def unpacked(folder: Path) -> list[Path]:
    return sorted(folder.glob("*embedded-aws-*"))


@contextmanager
def at_work(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`orchestrator local`, whose only task asks for a page that never comes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        file = tmp_path / "tasks.yaml"
        file.write_text(TASKS.format(port=silent.getsockname()[1]))
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": str(tmp_path)}
        command = [*ORCHESTRATOR, "local", "--port", "0", "--tasks", str(file)]
        with begun(command, cwd=PROJECT, env=environment) as process:
            assert process.stdout is not None
            exports: dict[str, str] = {}
            while (line := process.stdout.readline()) and "aws stepfunctions" not in line:
                if line.startswith("export "):
                    name, _, value = line.removeprefix("export ").strip().partition("=")
                    exports[name] = value
            start = [*ORCHESTRATOR, "start", "patient"]
            subprocess.run(start, cwd=PROJECT, env={**environment, **exports}, check=True, capture_output=True)
            silent.settimeout(30)
            with silent.accept()[0]:
                yield process


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says whose environment a process has")


def ended_by(process: subprocess.Popen[str], number: int) -> int:
    process.send_signal(number)
    return process.wait(30)


def test_ctrl_c_leaves_neither_a_process_nor_a_folder(tmp_path: Path) -> None:
    with at_work(tmp_path) as process:
        assert running(tmp_path)
        assert unpacked(tmp_path)
        assert ended_by(process, signal.SIGINT) == 130
    assert running(tmp_path) == []
    assert unpacked(tmp_path) == []


@pytest.mark.proof
def test_killed_it_leaves_no_process_and_the_next_one_removes_its_folder_and_ends_tidily(tmp_path: Path) -> None:
    with at_work(tmp_path) as process:
        process.kill()
        process.wait(30)
        until(lambda: not running(tmp_path))
    (left,) = unpacked(tmp_path)
    with at_work(tmp_path) as process:
        (own,) = unpacked(tmp_path)
        assert own != left
        assert running(own)
        assert ended_by(process, signal.SIGTERM) == 143
    assert running(tmp_path) == []
    assert unpacked(tmp_path) == []
