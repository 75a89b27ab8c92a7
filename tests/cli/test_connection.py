"""What the command line needs before a command is chosen, and which stack a command is about."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli.main import main

#: Each takes a third of a second or more to import, but http.client, which takes a tenth of all that is left.
HEAVY = ("boto3", "http.client", "moto", "orchestrator.deployment", "orchestrator.local", "pydantic", "stepfunctions")


def test_what_only_some_commands_need_is_not_imported_for_all_of_them() -> None:
    code = f"import orchestrator.cli.main, sys; print([name for name in {HEAVY} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("said", "variables", "typed", "stack"),
    [
        (None, {}, [], "orchestrator-dev"),
        ("tables: {}", {}, [], "orchestrator-dev"),
        ("name: shop", {}, [], "shop-dev"),
        ("name: shop", {}, ["--env", "prod"], "shop-prod"),
        ("name: shop", {"ORCHESTRATOR_ENV": "staging"}, [], "shop-staging"),
        ("name: shop", {}, ["--stack", "somebody-s"], "somebody-s"),
        # What is typed goes before a variable.
        ("name: shop", {"ORCHESTRATOR_STACK": "somebody-s"}, ["--env", "prod"], "shop-prod"),
        ("name: shop", {"ORCHESTRATOR_ENV": "prod"}, ["--stack", "somebody-s"], "somebody-s"),
    ],
)
def test_a_command_is_about_the_stack_of_the_project_and_the_environment(
    said: str | None,
    variables: dict[str, str],
    typed: list[str],
    stack: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "tasks.yaml").touch()
    (tmp_path / "lambdas").mkdir()
    if said:
        (tmp_path / "stack.yaml").write_text(said)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path / "lambdas")
    assert main([*typed, "policy"]) == 0
    assert f":stack/{stack}/*" in capsys.readouterr().out


@pytest.mark.parametrize("said", ["name: My-Shop", "name: 7", "name: [shop]", "name: a-b", f"name: {'a' * 13}", "a: :"])
def test_no_command_guesses_which_stack_it_is_about(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tasks.yaml").write_text("tasks: {}")
    (tmp_path / "stack.yaml").write_text(said)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.chdir(tmp_path)
    assert main(["tasks"]) == 2
    assert main(["destroy", "--yes"]) == 1
    assert main(["validate"]) == 2
    assert capsys.readouterr().err.count("stack.yaml:") == 3


@pytest.mark.parametrize("said", ["n\n", ""])
def test_whoever_does_not_agree_to_a_deletion_hears_that_nothing_was_deleted(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tasks.yaml").write_text("tasks: {}")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    assert main(["destroy"]) == 1
    told = capsys.readouterr().err
    assert "Nothing was deleted." in told
    assert ("Nobody answers here: --yes does not ask." in told) is (not said)
