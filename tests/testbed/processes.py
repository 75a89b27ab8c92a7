"""Commands that go on until somebody interrupts them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def begun(
    command: Sequence[str | Path], *, env: Mapping[str, str] = os.environ, cwd: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    """The process, which does not outlive its test, whatever becomes of that."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=env, cwd=cwd, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()
