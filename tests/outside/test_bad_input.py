"""What whoever types a command has got wrong: a sentence with the place, and an exit code; no traceback of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.cli.main import main

HANDLER = "def handler(event, context):\n    return event\n"
ONE = {"tasks.yaml": "tasks:\n  one: {run: lambda/one}\n", "lambdas/one.py": HANDLER}
PAST = "tasks:\n  one: {run: lambda/one, schedule: at(2020-01-01T00:00:00)}\n"

#: By what is wrong: the files, what is typed, the exit code, and what is said of it.
CASES: dict[str, tuple[dict[str, str], list[str], int, str]] = {
    "no project": (
        {},
        ["validate"],
        2,
        "there is no tasks.yaml in FOLDER, nor in a folder above it; go to a project",
    ),
    "no project to deploy": ({}, ["apply"], 1, "there is no tasks.yaml in FOLDER"),
    "two handlers of one name": (
        {**ONE, "lambdas/a_b.py": HANDLER, "lambdas/a/__init__.py": "", "lambdas/a/b.py": HANDLER},
        ["validate"],
        2,
        "lambdas/a/b.py: lambdas/a_b.py is the function 'a-b' already; rename one of them\n1 mistake",
    ),
    "a handler that does not import": (
        {**ONE, "lambdas/two.py": f"TABLE = {{}}['table']\n{HANDLER}"},
        ["validate"],
        2,
        "lambdas/two.py: it cannot be imported: Traceback (most recent call last):\n"
        '  File "lambdas/two.py", line 1, in <module>\n',
    ),
    "a handler with a syntax error": (
        {**ONE, "lambdas/two.py": "import json\ndef handler(event, context)\n    return 1\n"},
        ["validate"],
        2,
        "lambdas/two.py:2: this is not Python: expected ':': def handler(event, context)\n1 mistake",
    ),
    "a module without a handler": (
        {**ONE, "lambdas/one.py": "def handle(event, context): ...\n"},
        ["validate"],
        2,
        "tasks.yaml:2: tasks.one.run: there is no lambda 'one': lambdas/one.py has no function `handler`",
    ),
    "an import that the bundle lacks": (
        {**ONE, "lambdas/one.py": f"import pytest\n{HANDLER}"},
        ["validate"],
        2,
        "lambdas/one.py:1: imports pytest, which its bundle lacks; add the distribution that has pytest to",
    ),
    "a past moment": (
        {**ONE, "tasks.yaml": PAST},
        ["validate"],
        0,
        "warning: tasks.yaml: one: at(2020-01-01T00:00:00) is",
    ),
    "an endpoint without a scheme": (ONE, ["tasks"], 2, "AWS_ENDPOINT_URL is to be like http://127.0.0.1:4566"),
    "a folder that is not empty": (ONE, ["init", "."], 2, "holds lambdas, and nothing of it is overwritten"),
    "no file to convert": (
        ONE,
        ["init", "new", "none", "--from", "crontab"],
        2,
        "none: No such",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_said_in_words(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files, typed, code, said = CASES[case]
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "127.0.0.1:4566")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert main(typed) == code
    err = capsys.readouterr().err
    assert said.replace("FOLDER", str(tmp_path)) in err
    assert "site-packages" not in err
