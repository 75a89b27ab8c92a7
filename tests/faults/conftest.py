"""Faults in the embedded AWS of a module's ``runner``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.injection import Faults
from tests.testbed.task_runner import TaskRunner


@pytest.fixture(scope="module")
def faults(runner: TaskRunner) -> Iterator[Faults]:
    with pytest.MonkeyPatch.context() as patch:
        installed = Faults(runner.aws)
        installed.install(patch)
        yield installed
