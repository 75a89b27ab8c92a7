"""pip, which resolves and fetches what functions depend on for a platform that is not this one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec

from orchestrator.errors import NoPip


def run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Runs pip. Raises :class:`~orchestrator.errors.NoPip`."""
    return subprocess.run(  # noqa: S603
        [*_command(), *arguments, "--quiet", "--disable-pip-version-check"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _command(
    has_pip: Callable[[], bool] = lambda: find_spec("pip") is not None,
    which: Callable[[str], str | None] = shutil.which,
) -> list[str]:
    """How pip is called here. An environment that uv has made holds none; uv runs one apart from it."""
    if has_pip():
        return [sys.executable, "-m", "pip"]
    if uv := which("uv"):
        return [uv, "tool", "run", "--quiet", "pip"]
    raise NoPip(sys.executable)
