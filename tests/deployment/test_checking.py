"""What is known to be wrong before anything runs: all of it, in one go, each with its file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.deployment import Project
from orchestrator.deployment.checking import Checked, check
from orchestrator.errors import InvalidProject
from orchestrator.stack import Stack
from tests.testbed.wheelhouse import Wheelhouse

NOW = datetime(2026, 12, 1, tzinfo=UTC)

#: Of what is imported, the project's own lines.
TRACED = """lambdas/bad.py: it cannot be imported: Traceback (most recent call last):
  File "lambdas/bad.py", line 2"""

HANDLER = "def handler(event, context):\n    return event\n"


def state(**fields: object) -> dict[str, object]:
    return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "TimeoutSeconds": 9, "End": True, **fields}


def machine(**states: object) -> str:
    start = next(iter(states))
    whole = {"Comment": "One.", "QueryLanguage": "JSONata", "TimeoutSeconds": 60, "StartAt": start, "States": states}
    return json.dumps(whole)


CALL = {"FunctionName": "${function:hello}", "Payload": "{% $states.input %}"}


def checked(folder: Path, tasks: str, **files: str) -> Checked:
    """Of a project with a function ``hello`` and these files."""
    written = {"tasks.yaml": tasks, "lambdas/hello.py": HANDLER, **files}
    for name, text in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return check(Project(root=folder), Stack(), folder / "tasks.yaml", NOW)


def mistakes(folder: Path, tasks: str = "tasks: {}\n", **files: str) -> list[str]:
    with pytest.raises(InvalidProject) as caught:
        checked(folder, tasks, **files)
    return caught.value.problems


def test_all_is_said_in_one_go(tmp_path: Path) -> None:
    said = mistakes(
        tmp_path,
        "tasks:\n  one: {run: lambda/torn, schedule: nonsense}\n  two: {run: lambda/hello, timeot: 3}\n",
        **{
            "lambdas/torn.py": "def handler(:\n",
            "lambdas/boom.py": "x = 1 / 0\n" + HANDLER,
            "lambdas/lacking.py": "import nowhere\n" + HANDLER,
            "definitions/other.py": "def build(:\n",
            "definitions/greet.asl.json": machine(Greet=state(Arguments=CALL, Next="Nowhere", End=False)),
        },
    )
    assert [one.split(": ")[0] for one in said] == [
        "lambdas/torn.py:1",
        "definitions/other.py:1",
        "definitions/greet.asl.json",
        "lambdas/lacking.py:1",
        "lambdas/boom.py",
        "tasks.yaml:2",
        "tasks.yaml:3",
    ]


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({"Greet": state(Arguments=CALL, Next="Away")}, "Greet: its Next leads to 'Away', which is not a state"),
        ({"Greet": {**state(Arguments=CALL), "TimeoutSeconds": None}}, ""),
        (
            {"Greet": state(Arguments={**CALL, "Payload": "{% $states.input. %}"})},
            "Greet.Arguments.Payload: this is not JSONata: Unexpected end of expression: $states.input.",
        ),
        (
            {"Greet": state(Arguments={**CALL, "Payload": "{% name %}"})},
            "Greet.Arguments.Payload: Step Functions refuses this: Reference to 'name' at the top level",
        ),
        (
            {"Greet": state(Arguments={**CALL, "FunctionName": "${function:helo}"})},
            "Greet calls the function 'helo', which there is not; did you mean 'hello'?",
        ),
    ],
)
def test_a_mistake_of_a_workflow_is_said_with_its_file(tmp_path: Path, states: dict[str, object], said: str) -> None:
    if not said:
        # Without the field, as somebody forgets it.
        del states["Greet"]["TimeoutSeconds"]  # type: ignore[attr-defined]  # it is a state
        said = "Greet has no TimeoutSeconds"
    (found,) = mistakes(tmp_path, **{"definitions/greet.asl.json": machine(**states)})
    assert found.startswith(f"definitions/greet.asl.json: {said}")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nowhere\n", "lambdas/bad.py:1: imports nowhere, which its bundle lacks; add the"),
        ("import yaml\n", "lambdas/bad.py:1: imports yaml, which its bundle lacks"),
        ("from orchestrator import deployment\nfrom orchestrator.deployment import plan\n", "lambdas/bad.py:2: "),
        ("from lambdas.hello import HELLO\n", "lambdas/bad.py:1: imports lambdas.hello, which its bundle lacks; put"),
        ("\nx = 1 / 0\n", TRACED),
        ("raise SystemExit(3)\n", "lambdas/bad.py: it cannot be imported: "),
        ("handler = 1\n", "lambdas/bad.py: it cannot be imported: its handler is nothing that can be called"),
    ],
)  # fmt: skip
def test_a_handler_that_could_not_be_imported_on_lambda_is_named(tmp_path: Path, source: str, said: str) -> None:
    text = source if "handler" in source else source + HANDLER
    (found,) = mistakes(tmp_path, **{"lambdas/bad.py": text})
    assert found.startswith(said), found


def test_what_all_functions_share_is_read_once(tmp_path: Path) -> None:
    files = {
        "lambdas/shared/words.py": "HELLO = (\n",
        "lambdas/one.py": "from lambdas.shared.words import HELLO\n" + HANDLER,
        "lambdas/boom.py": "x = 1 / 0\n" + HANDLER,
    }
    first, second = mistakes(tmp_path, **files)
    assert first == "lambdas/shared/words.py:1: this is not Python: '(' was never closed: HELLO = ("
    assert second.startswith("lambdas/boom.py: it cannot be imported: Traceback")


def test_a_package_that_is_not_here_and_not_fetched_is_asked_for(tmp_path: Path, wheelhouse: Wheelhouse) -> None:
    wheelhouse.add("paper", "1.0")
    files = {"lambdas/requirements.txt": "paper\n", "lambdas/one.py": "import paper\n" + HANDLER}
    (said,) = mistakes(tmp_path, **files)
    assert said.endswith(
        "No module named 'paper'\nIf a requirements.txt asks for it: `orchestrator fetch`, or install it here, too"
    )


def test_what_every_bundle_has_or_what_is_guarded_is_no_mistake(tmp_path: Path) -> None:
    source = (
        "import json\nimport boto3\nimport pydantic\nfrom typing import TYPE_CHECKING\n"
        "from lambdas.shared.words import HELLO\nfrom orchestrator.handlers import task_handler\n"
        "if TYPE_CHECKING:\n    import nowhere\n"
        "try:\n    import faster_json\nexcept ImportError:\n    faster_json = None\n" + HANDLER
    )
    files = {"lambdas/good.py": source, "lambdas/shared/words.py": "HELLO = 'hello'\n"}
    assert checked(tmp_path, "tasks: {}\n", **files).warnings == ()


def test_a_module_without_a_handler_is_named_where_a_task_runs_it(tmp_path: Path) -> None:
    (said,) = mistakes(tmp_path, "tasks:\n  one: {run: lambda/prices}\n", **{"lambdas/prices.py": "VAT = 19\n"})
    assert (
        said == "tasks.yaml:2: tasks.one.run: there is no lambda 'prices': lambdas/prices.py has no function `handler`"
    )


def test_a_time_that_is_past_is_a_warning(tmp_path: Path) -> None:
    tasks = "tasks:\n  once: {run: lambda/hello, schedule: at(2026-11-30T18:00:00)}\n"
    assert checked(tmp_path, tasks).warnings == (
        "tasks.yaml: once: at(2026-11-30T18:00:00) is in the past, and runs no more",
    )


def test_a_permission_on_a_resource_that_there_is_not_is_a_mistake(tmp_path: Path) -> None:
    settings = (
        "from orchestrator import Function, Permission\n"
        "SETTINGS = {'hello': Function(name='hello', module='hello',"
        " permissions=(Permission(actions=('s3:GetObject',), resource='bucket-of-mine'),))}\n"
    )
    (said,) = mistakes(tmp_path, **{"lambdas/functions.py": settings})
    assert said.startswith("hello: 'bucket-of-mine' is no resource of a permission: ")
