"""A project as a folder: where it is found, and what its files make of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy import PROJECT
from orchestrator import system
from orchestrator.deployment import Project
from orchestrator.errors import InvalidProject, NoProject
from orchestrator.stack import Stack

STACK = Stack()

HANDLER = "def handler(event, context):\n    return event\n"

MACHINE = {
    "Comment": "Says hello.",
    "QueryLanguage": "JSONata",
    "TimeoutSeconds": 60,
    "StartAt": "Hello",
    "States": {
        "Hello": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "TimeoutSeconds": 30,
            "Arguments": {"FunctionName": "${function:hello}", "Payload": "{% $states.input %}"},
            "End": True,
        }
    },
}

IN_PYTHON = """\
from definitions._names import DONE
from orchestrator.asl.definition import Definition
from orchestrator.asl.states import Succeed


def build(stack):
    return Definition(start=Succeed(DONE), comment="Ends.", timeout_seconds=60)
"""


def project(folder: Path, files: Mapping[str, str] | None = None) -> Project:
    """A project with these files, by their paths."""
    for name, text in {"tasks.yaml": "tasks: {}\n", **(files or {})}.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Project(root=folder)


def mistakes(found: Project) -> list[str]:
    with pytest.raises(InvalidProject) as caught:
        found.application(STACK)
    return caught.value.problems


def test_a_project_is_found_upward_from_a_folder_in_it(tmp_path: Path) -> None:
    project(tmp_path, {"lambdas/deep/one.py": HANDLER})
    assert Project.find(tmp_path / "lambdas" / "deep").root == tmp_path
    assert Project.find(tmp_path).tasks == tmp_path / "tasks.yaml"


def test_where_there_is_none_the_folder_is_named_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoProject, match=f"no tasks.yaml in {tmp_path}.*orchestrator init"):
        Project.find(tmp_path)


def test_a_project_of_one_file_is_deployed_with_what_every_stack_has(tmp_path: Path) -> None:
    application = project(tmp_path).application(STACK)
    assert [function.name for function in application.functions] == [
        "courier",
        "failure-handler",
        "follower",
        "reporter",
        "watchdog",
    ]
    assert list(application.definitions) == ["TaskRunner", "ExpressRunner", "Backfill"]
    application.validate()


def test_what_the_package_brings_is_bundled_from_its_own_sources(tmp_path: Path) -> None:
    application = project(
        tmp_path, {"lambdas/hello.py": HANDLER, "lambdas/shared/words.py": "HELLO = 'hello'\n"}
    ).application(STACK)
    files = {bundle.name: set(bundle.files) for bundle in application.bundles().values()}
    assert {"lambdas/hello.py", "lambdas/shared/words.py"} <= files["hello"]
    assert "lambdas/system/follower/alerting.py" in files["follower"]
    assert "lambdas/hello.py" not in files["follower"]


def test_this_repository_deploys_its_own_of_what_every_stack_has() -> None:
    application = PROJECT.application(STACK)
    for function in system.FUNCTIONS:
        assert application.folder_of(function) == PROJECT.lambdas
    assert type(application.definitions["TaskRunner"]).__name__ == "Definition"


def test_a_workflow_in_python_and_one_as_a_file_are_found_by_their_names(tmp_path: Path) -> None:
    application = project(
        tmp_path,
        {
            "lambdas/hello.py": HANDLER,
            "definitions/say_hello.py": IN_PYTHON,
            "definitions/_names.py": "DONE = 'Done'\n",
        },
    )
    (tmp_path / "definitions" / "greet.asl.json").write_text(json.dumps(MACHINE))
    definitions = application.application(STACK).definitions
    assert list(definitions) == ["TaskRunner", "ExpressRunner", "Backfill", "say-hello", "greet"]
    assert definitions["say-hello"].to_dict()["StartAt"] == "Done"
    arguments = definitions["greet"].to_dict()["States"]["Hello"]["Arguments"]
    assert arguments["FunctionName"] == "orchestrator-dev-task-hello"
    definitions["greet"].validate()


def test_two_projects_in_one_process_have_packages_of_the_same_names(tmp_path: Path) -> None:
    one = project(tmp_path / "one", {"definitions/say.py": IN_PYTHON, "definitions/_names.py": "DONE = 'One'\n"})
    other = project(tmp_path / "other", {"definitions/say.py": IN_PYTHON, "definitions/_names.py": "DONE = 'Other'\n"})
    for found, name in ((one, "One"), (other, "Other"), (one, "One")):
        assert found.application(STACK).definitions["say"].to_dict()["StartAt"] == name
    assert "billing" in PROJECT.application(STACK).definitions


def test_every_mistake_is_said_with_its_file_and_line(tmp_path: Path) -> None:
    found = project(
        tmp_path,
        {
            "lambdas/broken.py": "x = 1\ndef handler(event, context)\n    return 1\n",
            "lambdas/send_mail.py": HANDLER,
            "lambdas/send/mail.py": HANDLER,
            "lambdas/watchdog.py": HANDLER,
            "definitions/fails.py": "import nowhere\n\n\ndef build(stack):\n    return None\n",
            "definitions/nothing.py": "def build(stack):\n    return 7\n",
            "definitions/old.asl.json": '{"StartAt": "x", "States": {}}',
            "definitions/torn.asl.json": '{\n "StartAt": ',
            "definitions/torn_too.asl.yaml": "StartAt: [\n",
        },
    )
    said = mistakes(found)
    for start in (
        "lambdas/broken.py:2: this is not Python: expected ':'",
        "lambdas/send/mail.py: lambdas/send_mail.py is the function 'send-mail' already",
        "definitions/fails.py:1: ModuleNotFoundError: No module named 'nowhere'",
        "definitions/nothing.py: build is to return a Definition, found int",
        "definitions/old.asl.json: expected `QueryLanguage: JSONata`",
        "definitions/torn.asl.json:2: this is not JSON",
        "definitions/torn_too.asl.yaml:2: this is not YAML",
    ):
        assert any(one.startswith(start) for one in said), (start, said)


def test_a_name_that_every_stack_has_is_refused(tmp_path: Path) -> None:
    (said,) = mistakes(project(tmp_path, {"lambdas/watchdog.py": HANDLER}))
    assert said.startswith("lambdas/watchdog.py: the name 'watchdog' is that of a function which every stack has")


def test_a_placeholder_that_stands_for_nothing_is_a_mistake(tmp_path: Path) -> None:
    found = project(tmp_path)
    (tmp_path / "definitions").mkdir()
    machine = {**MACHINE, "Comment": "${bucket:x}"}
    (tmp_path / "definitions" / "greet.asl.json").write_text(json.dumps(machine))
    assert mistakes(found)[0].startswith(
        "definitions/greet.asl.json: ${bucket:x} stands for nothing; there is: ${stack}"
    )
