"""The wheel of this library, and interpreters that it can be installed for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.testbed import ROOT

#: What a wheel is made of; anything else in a checkout has no part in it.
_SOURCES = ("LICENSE", "README.md", "pyproject.toml", "setup.py", "orchestrator", "lambdas/system")

#: Where versions of Python that somebody has installed beside the system's are.
_PYENV = Path.home() / ".pyenv" / "versions"


def build(folder: Path) -> Path:
    """The wheel, built below ``folder`` from a copy of the sources."""
    sources = folder / "sources"
    for name in _SOURCES:
        target = sources / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(sources)], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def interpreter(version: str) -> str | None:
    """A Python of ``version``, such as ``3.13``, if this machine has one."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    installed = sorted(_PYENV.glob(f"{version}.*/bin/python")) if _PYENV.is_dir() else []
    return str(installed[-1]) if installed else shutil.which(f"python{version}")


def run(command: list[str], folder: Path, env: Mapping[str, str]) -> str:
    """Runs a command and returns what it prints. Raises AssertionError if it fails."""
    ran = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout
