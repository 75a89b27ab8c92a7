"""What every test can ask for."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from orchestrator.local.aws.server import EmbeddedAws

# Nothing of the caller's account may reach a test, and nothing of a test may reach an account.
for _name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[_name]

# A suite that was started in the background has Ctrl-C ignored, and so would every command that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is measured elsewhere; a machine that is busy fails no test.
settings.register_profile("suite", deadline=None, max_examples=30)
settings.register_profile("proof", deadline=None)
settings.load_profile("suite")


#: Files that take longest, in this order: they begin first, so that both cores are busy to the end.
_LONG = (
    "local/test_session.py",
    "docs/test_pages.py",
    "faults/test_task_runner.py",
    "test_deploy_faults.py",
    "outside/test_rates.py",
    "outside/test_ending.py",
    "faults/test_handlers.py",
    "definitions/test_overlap.py",
    "deployment/test_privilege.py",
    "deployment/test_interruptions.py",
    "outside/test_plan.py",
    "outside/test_telling.py",
    "outside/test_slots.py",
    "test_delivery_of_slots.py",
)

_TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        file = item.path.relative_to(_TESTS).as_posix()
        return _LONG.index(file) if file in _LONG else len(_LONG)

    items.sort(key=place)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--refresh-golden", action="store_true", help="rewrite golden files instead of comparing")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden(name, text)``: ``text`` is what the file ``name`` beside the test holds, or becomes so."""

    def compare(name: str, text: str) -> None:
        file = Path(request.path).parent / name
        if request.config.getoption("--refresh-golden"):
            file.write_text(text, encoding="utf-8")
        assert file.read_text(encoding="utf-8") == text, f"{name} differs; if that is meant: make golden"

    return compare


@pytest.fixture
def tasks(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The ``TASKS`` of the test's module."""
    file = tmp_path / "tasks.yaml"
    file.write_text(request.module.TASKS, encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def embedded_aws() -> Iterator[EmbeddedAws]:
    """One server for all tests of a process: moto keeps what it stores in the process."""
    with EmbeddedAws() as aws:
        yield aws


@pytest.fixture
def aws(embedded_aws: EmbeddedAws) -> Iterator[EmbeddedAws]:
    """The embedded AWS, empty."""
    yield embedded_aws
    embedded_aws.reset()
