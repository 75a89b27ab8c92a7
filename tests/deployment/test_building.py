"""Builds: offline, repeatable, all or nothing."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.asl.definition import Definition
from orchestrator.asl.integrations import GET_ITEM
from orchestrator.asl.states import Task
from orchestrator.deployment import Dependencies, build
from orchestrator.errors import InvalidDefinition, MissingWheels, NotABuild
from tests.testbed import sample
from tests.testbed.wheelhouse import LAMBDA, Wheelhouse, pin


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
        "policies/BackfillRole.json",
        "policies/EchoFunctionRole.json",
        "policies/EventsRole.json",
        "policies/SchedulerRole.json",
        "policies/SendLettersFunctionRole.json",
        "policies/TaskRunnerRole.json",
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


def test_a_roles_policies_can_be_read_on_their_own(tmp_path: Path) -> None:
    application = sample.application(tmp_path)
    build(application, tmp_path / "out")
    said = json.loads((tmp_path / "out" / "policies" / "SchedulerRole.json").read_text())
    assert said == application.template["Resources"]["SchedulerRole"]["Properties"]
    assert said["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "scheduler.amazonaws.com"}
    (policy,) = said["Policies"]
    assert policy["PolicyDocument"]["Statement"][0]["Action"] == ["states:StartExecution"]


def test_a_build_with_dependencies_is_the_same_bytes_too(tmp_path: Path, wheelhouse: Wheelhouse) -> None:
    _, digest = wheelhouse.add("fast", "1.0")
    for name in ("one", "two"):
        # Not even what has been packed before is the same.
        dependencies = Dependencies(
            pins=(pin("fast", "1.0", digest),), platform=LAMBDA, cache=tmp_path / f"{name}.wheels"
        )
        build(replace(sample.application(tmp_path), dependencies=dependencies), tmp_path / name)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert "fast.py" in zipfile.ZipFile(tmp_path / "one" / "lambdas" / "echo.zip").namelist()


def test_without_a_wheel_an_earlier_build_stays_as_it_is(tmp_path: Path, wheelhouse: Wheelhouse) -> None:
    application = sample.application(tmp_path)
    build(application, tmp_path / "out")
    before = contents(tmp_path / "out")
    gone = Dependencies(pins=(pin("gone", "1.0", "0" * 64),), platform=LAMBDA, cache=tmp_path / "cache")
    with pytest.raises(MissingWheels, match="gone==1"):
        build(replace(application, dependencies=gone), tmp_path / "out")
    assert contents(tmp_path / "out") == before


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
