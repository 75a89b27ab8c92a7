"""Builds: offline, repeatable, all or nothing."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.definition import Definition
from orchestrator.deployment import build
from orchestrator.errors import InvalidDefinition, NotABuild
from orchestrator.services import GET_ITEM
from orchestrator.states import Task
from tests.deployment import sample


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_build_holds_definitions_bundles_and_the_template(tmp_path: Path) -> None:
    application = sample.application(tmp_path)
    build(application, tmp_path / "out" / "inner")
    written = contents(tmp_path / "out" / "inner")
    assert sorted(written) == [
        "definitions/Backfill.asl.json",
        "definitions/TaskRunner.asl.json",
        "lambdas/echo.zip",
        "lambdas/send-letters.zip",
        "template.json",
    ]
    assert json.loads(written["template.json"]) == application.template
    assert written["definitions/TaskRunner.asl.json"].decode() == application.definitions["TaskRunner"].to_json()
    assert zipfile.is_zipfile(tmp_path / "out" / "inner" / "lambdas" / "echo.zip")


def test_two_builds_are_the_same_bytes(tmp_path: Path) -> None:
    application = sample.application(tmp_path)
    build(application, tmp_path / "one")
    build(application, tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_build_replaces_an_earlier_one_whole(tmp_path: Path) -> None:
    application = sample.application(tmp_path)
    build(application, tmp_path / "out")
    build(replace(application, functions=(sample.ECHO,)), tmp_path / "out")
    assert "lambdas/send-letters.zip" not in contents(tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lambdas", "out"]


def test_a_folder_with_anything_else_in_it_is_left_alone(tmp_path: Path) -> None:
    application = sample.application(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("precious")
    with pytest.raises(NotABuild, match=r"holds mine\.txt, which no build writes"):
        build(application, tmp_path / "out")
    assert contents(tmp_path / "out") == {"mine.txt": b"precious"}


def test_a_definition_that_would_not_run_is_not_built(tmp_path: Path) -> None:
    broken = Definition(start=Task("Hang", resource=GET_ITEM), comment="broken", timeout_seconds=60)
    application = replace(sample.application(tmp_path), definitions={"TaskRunner": broken})
    with pytest.raises(InvalidDefinition, match="broken"):
        build(application, tmp_path / "out")
    assert not (tmp_path / "out").exists()
