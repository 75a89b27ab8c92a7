"""What a user adds turns none of our tests red: the tutorial's handler, task and workflow are added to a copy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ChangedFile, WrittenFile, steps
from tests.testbed import ROOT
from tests.testbed.ours import MACHINES, added, functions

#: Tests that are about all definitions, all functions, or what is made of them.
CONCERNED = (
    "tests/definitions/test_all.py",
    "tests/deployment/test_building.py",
    "tests/deployment/test_privilege.py",
    "tests/deployment/test_proving.py",
    "tests/deployment/test_template.py",
    "tests/docs/test_reference.py",
    "tests/test_architecture.py",
)


def test_nothing_of_the_project_is_taken_for_an_addition() -> None:
    assert added() == ()
    assert {"system.watchdog", "system.follower", "cache_warmer", "billing.create_invoice"} <= set(functions())
    golden = [*(ROOT / "tests" / "definitions").glob("*.asl.json"), *(ROOT / "orchestrator").glob("system/*.asl.json")]
    assert {f"{name}.asl.json" for name in MACHINES} == {file.name for file in golden}


@pytest.mark.proof
def test_the_tutorial_turns_no_test_red(tmp_path: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, target)
    for folder in (".wheels", "tests/node/node_modules"):
        if (ROOT / folder).exists():
            (tmp_path / folder).symlink_to(ROOT / folder)
    for step in steps(ROOT / "docs" / "tutorial.md"):
        if isinstance(step, WrittenFile | ChangedFile):
            file = tmp_path / step.path
            file.write_text(step.onto(file.read_text(encoding="utf-8") if file.exists() else ""), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-q", "-rs", "-p", "no:cacheprovider", *CONCERNED],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert re.search(r"no scenario here for lambda/greeting, workflow/welcome", ran.stdout)
