"""What the tests of deploying share."""

from __future__ import annotations

import os

import pytest

from tests.testbed.wheelhouse import Wheelhouse


@pytest.fixture
def wheelhouse(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Wheelhouse:
    """An empty one, and nothing else that pip would find anything in."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return Wheelhouse(tmp_path_factory.mktemp("wheelhouse"), monkeypatch)
