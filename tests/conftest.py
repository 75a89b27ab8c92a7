"""What every test can ask for."""

from __future__ import annotations

import gc
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import botocore.useragent
import pytest
from botocore.loaders import Loader, create_loader
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.typed import Shell
from tests.testbed.typed import shell as begun_shell

# Nothing of the caller's account may reach a test, and nothing of a test may reach an account.
for _name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[_name]

# A suite that was started in the background has Ctrl-C ignored, and so would every command that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Modules stay to the end, and what tests make is mostly garbage without cycles: to look for cycles took a tenth of the
# time.
gc.set_threshold(50_000, 20, 100)

# Hundreds of processes load the same modules: what was compiled is kept, even where the environment says otherwise.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

#: What botocore has read of its descriptions of AWS's services.
_DESCRIPTIONS: dict[Any, Any] = {}


def _loader(search_paths: str | None = None) -> Loader:
    made = create_loader(search_paths)
    made._cache = _DESCRIPTIONS
    return made


# A command makes a session of boto3's, and hundreds of commands run in this process: a description is read once.
botocore.session.create_loader = _loader

# Each request names its client anew, letter by letter: a twelfth of what a request costs.
botocore.useragent.sanitize_user_agent_string_component = cache(botocore.useragent.sanitize_user_agent_string_component)

# How long an example takes is measured elsewhere; a machine that is busy fails no test.
settings.register_profile("suite", deadline=None, max_examples=12)
settings.register_profile("proof", deadline=None)
settings.load_profile("suite")


#: Files that take longest, in this order: they begin first, so that both cores are busy to the end.
_LONG = (
    "outside/test_telling.py",
    "console/test_browser.py",
    "docs/test_pages.py",
    "test_deploy.py",
    "definitions/test_billing.py",
    "deployment/test_applying.py",
    "deployment/test_privilege.py",
    "testing/test_project.py",
    "cli/test_main.py",
    "cli/test_backfill.py",
    "definitions/test_silent_slots.py",
    "definitions/test_overlap.py",
    "definitions/test_task_runner.py",
    "faults/test_task_runner.py",
    "local/test_session.py",
    "lambdas/billing/test_crashes.py",
    "faults/test_life.py",
)

_TESTS = Path(__file__).parent

#: Files that share what is expensive, so that one worker has them all: two processes of the product, what all bundles
#: hold, and a shell.
_TOGETHER = (
    ("tests/outside/",),
    ("tests/test_deploy", "tests/deployment/test_building.py", "tests/deployment/test_bundles.py"),
    ("tests/docs/test_pages.py", "tests/test_aws_cli.py"),
)

#: But for those that start a process of the product of their own.
_OF_THEIR_OWN = re.compile(r"^from tests\.outside\.running import .*\brunning\b", re.MULTILINE)


class _Scheduling(LoadFileScheduling):  # type: ignore[misc] # xdist has no types
    """A file stays with one worker, and so do files that share what is expensive."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        shared = next((names for names in _TOGETHER if file.startswith(names)), None)
        return " ".join(shared) if shared and not _is_apart(file) else file


@cache
def _is_apart(file: str) -> bool:
    return _OF_THEIR_OWN.search((_TESTS.parent / file).read_text(encoding="utf-8")) is not None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Scheduling | None:
    return _Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {str(_TESTS / file): place for place, file in enumerate(_LONG)}
    items.sort(key=lambda item: places.get(str(item.path), len(_LONG)))


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


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
def shell() -> Iterator[Shell]:
    """In which commands are typed that begin with their libraries loaded."""
    with begun_shell() as made:
        yield made


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
