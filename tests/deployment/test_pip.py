"""How pip is called, wherever this runs."""

from __future__ import annotations

import sys

import pytest

from orchestrator.deployment import pip
from orchestrator.errors import NoPip


@pytest.mark.parametrize(
    ("has_pip", "uv", "command"),
    [
        (True, "/bin/uv", [sys.executable, "-m", "pip"]),
        (True, None, [sys.executable, "-m", "pip"]),
        (False, "/bin/uv", ["/bin/uv", "tool", "run", "--quiet", "pip"]),
    ],
)
def test_it_is_this_environment_s_or_uv_s(has_pip: bool, uv: str | None, command: list[str]) -> None:
    assert pip._command(lambda: has_pip, lambda name: uv if name == "uv" else None) == command


def test_without_either_it_says_what_to_do() -> None:
    with pytest.raises(NoPip, match=rf"{sys.executable} -m ensurepip, or install uv$"):
        pip._command(lambda: False, lambda name: None)
