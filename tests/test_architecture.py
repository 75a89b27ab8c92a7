"""Which room may import which, read from the sources."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import definitions
from orchestrator.rooms import KNOWN_TO_DEFINITIONS, KNOWN_TO_THE_EMULATOR, ROOMS, Room
from tests.testbed import ROOT

NAMES = [room.name for room in ROOMS]

#: What a reader can keep in mind: the parameters of a function but for ``self`` and ``cls``, its lines, and those of a
#: module.
MOST_PARAMETERS, MOST_LINES, MOST_LINES_OF_A_MODULE = 7, 60, 300

#: Functions with more parameters, and why.
MANY_PARAMETERS = {
    # The signatures of moto's methods, which these replace.
    "orchestrator.local.aws.dynamodb.partitions.query_page",
    "orchestrator.local.aws.dynamodb.partitions.scan_page",
}

#: Functions with more lines, and why.
MANY_LINES = {
    # A state machine, state after state, as it is read.
    "definitions.billing._page",
    "definitions.billing.build",
    # Each holds the functions that replace moto's, which share the server by closing over it.
    "orchestrator.local.aws.dynamodb.partitions._reads",
    "orchestrator.local.aws.scheduler.firing.install",
    "orchestrator.local.aws.step_functions.failures.install",
    "orchestrator.local.aws.step_functions.optimized.install",
}

#: Modules with more lines, and why.
LONG_MODULES = {
    # State machines, state after state, as they are read.
    "definitions.billing",
    "definitions.system.task_runner.claiming",
    # A method for each page.
    "orchestrator.console.pages",
    # Tables: what has not been shown on AWS, and what whoever deploys may do.
    "orchestrator.deployment.assumptions",
    "orchestrator.deployment.grants",
    # The whole tree of exceptions.
    "orchestrator.errors",
    # Operators of patterns and kinds of expressions: a function for each.
    "orchestrator.local.aws.events.patterns",
    "orchestrator.local.aws.step_functions.closures",
    # The life of an execution environment, and of an execution: each step leans on the one before.
    "orchestrator.local.aws.lambda_.functions",
    "orchestrator.local.aws.step_functions.executions",
    "orchestrator.local.aws.step_functions.interpreter",
    # Programs that use nothing of the project, so that each is one file.
    "orchestrator.local.aws.lambda_.worker",
    "orchestrator.local.aws.lambda_.zygote",
    # Schedules and their clock: what moto keeps of them, and when they fire.
    "orchestrator.local.aws.scheduler.firing",
    # The list of all that is adapted, with the server that serves it.
    "orchestrator.local.aws.server",
    # A row of the ledger, and the words that stand in it.
    "orchestrator.runs.run",
}

#: What may write into the environment: one puts everything back, the other is a process that Lambda's runtime owns.
WRITES_THE_ENVIRONMENT = {
    "orchestrator.local.aws.environment.applied",
    "orchestrator.local.aws.lambda_.worker.serve",
    "orchestrator.local.aws.lambda_.zygote.become",
}

#: Methods that change a dict.
CHANGES_A_DICT = ("clear", "pop", "popitem", "setdefault", "update")

#: The packages of the product, beside ``deploy.py``.
FOLDERS = ("orchestrator", "definitions", "lambdas")

#: Modules that read or write something outside the process.
INPUT_AND_OUTPUT = {"boto3", "botocore", "os", "socket", "subprocess", "urllib3"}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> tuple[str, ...]:
    """The dotted names that a file imports, those for the type checker alone among them."""
    return tuple(imported_by(tree_of(path)))


@cache
def imports_for_types(path: Path) -> tuple[str, ...]:
    """The dotted names that a file imports for the type checker alone."""
    choices = (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.If))
    return tuple(name for one in choices if ast.unparse(one.test) == "TYPE_CHECKING" for name in imported_by(one))


def imported_by(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def room_of(name: str) -> str:
    """The room of a dotted name of the library; the library itself has none."""
    below = name.removeprefix("orchestrator.") if name != "orchestrator" else ""
    return next((room for room in sorted(NAMES, key=len, reverse=True) if f"{below}.".startswith(f"{room}.")), "")


def sources(folder: str) -> Iterator[tuple[Path, str]]:
    """Each file below a folder of the checkout, and its dotted name."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield path, ".".join(parts).removesuffix(".__init__")


def imported(folder: str) -> Iterator[tuple[str, str]]:
    """Each dotted name below a folder, and each that it imports."""
    for path, name in sources(folder):
        for one in imports(path):
            yield name, one


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Each function of the product, inner ones and methods too, by its module and its name."""
    files = [(ROOT / "deploy.py", "deploy"), *(one for folder in FOLDERS for one in sources(folder))]
    for path, module in files:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{module}.{node.name}", node


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return sum(one is not None and one.arg not in ("self", "cls") for one in named)


def module_imports() -> dict[str, set[str]]:
    """Which modules of the product each of them imports, for the type checker alone too."""
    modules = {name for folder in FOLDERS for _, name in sources(folder)}

    def module_of(name: str) -> str:
        while name and name not in modules:
            name = name.rpartition(".")[0]
        return name

    found: dict[str, set[str]] = {name: set() for name in modules}
    for folder in FOLDERS:
        for name, one in imported(folder):
            found[name].add(module_of(one))
    return {name: of - {name, ""} for name, of in found.items()}


def cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """One cycle of a graph, if it has any."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as fault:
        return list(fault.args[1])
    return []


def test_no_parameter_list_is_too_long() -> None:
    found = {name for name, function in functions() if parameters(function) > MOST_PARAMETERS}
    assert found - MANY_PARAMETERS == set()


def test_no_function_is_too_long() -> None:
    found = {name for name, one in functions() if (one.end_lineno or 0) - one.lineno >= MOST_LINES}
    assert found - MANY_LINES == set()


def test_no_module_is_too_long_without_a_reason() -> None:
    files = [(ROOT / "deploy.py", "deploy"), *(one for folder in FOLDERS for one in sources(folder))]
    long = {name for path, name in files if len(path.read_text().splitlines()) > MOST_LINES_OF_A_MODULE}
    assert long - LONG_MODULES == set()


def writes_the_environment(function: ast.AST) -> bool:
    """Whether ``os.environ`` is assigned to, deleted from, or changed by a method."""
    for node in ast.walk(function):
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            changed = ast.unparse(node.value) == "os.environ"
        elif isinstance(node, ast.Call):
            changed = ast.unparse(node.func) in {"os.putenv", *(f"os.environ.{name}" for name in CHANGES_A_DICT)}
        else:
            changed = isinstance(node, ast.AugAssign) and ast.unparse(node.target) == "os.environ"
        if changed:
            return True
    return False


def test_nothing_writes_into_the_environment_for_good() -> None:
    writers = {name for name, function in functions() if writes_the_environment(function)}
    assert writers == WRITES_THE_ENVIRONMENT


def test_no_module_imports_one_that_imports_it() -> None:
    assert cycle(module_imports()) == []
    assert cycle({"one": {"other"}, "other": {"one"}}), "a cycle would be found"


def test_every_module_of_the_library_is_in_a_room() -> None:
    assert [name for _, name in sources("orchestrator") if name != "orchestrator" and not room_of(name)] == []


def test_the_ground_floor_has_few_modules() -> None:
    assert len(list((ROOT / "orchestrator").glob("*.py"))) <= 8


def test_a_room_imports_those_below_it() -> None:
    upward = [
        f"{name} imports {one}"
        for name, one in imported("orchestrator")
        if one.startswith("orchestrator.") and room_of(one) and name != "orchestrator"
        if NAMES.index(room_of(one)) > NAMES.index(room_of(name))
    ]
    assert upward == []


def test_the_library_knows_no_application() -> None:
    known = {"definitions", "lambdas", "deploy"}
    assert [f"{name} imports {one}" for name, one in imported("orchestrator") if one.split(".")[0] in known] == []


def test_pure_rooms_do_no_input_or_output() -> None:
    pure = {room.name for room in ROOMS if room.pure}
    impure = [
        f"{name} imports {one}"
        for path, name in sources("orchestrator")
        for one in set(imports(path)) - set(imports_for_types(path))
        if room_of(name) in pure and one.split(".")[0] in INPUT_AND_OUTPUT
    ]
    assert impure == []


@pytest.mark.parametrize("room", [room for room in ROOMS if room.alone_imports], ids=lambda room: room.name)
def test_a_foreign_package_has_one_room(room: Room) -> None:
    found = {room_of(name) for name, one in imported("orchestrator") if one.split(".")[0] == room.alone_imports}
    assert found == {room.name}


def test_the_emulator_knows_schedules_and_errors_alone() -> None:
    found = {
        room_of(one)
        for name, one in imported("orchestrator/local/aws")
        if one.startswith("orchestrator.") and room_of(one) != "local.aws"
    }
    assert found <= KNOWN_TO_THE_EMULATOR


def test_definitions_are_built_from_states_and_rules_alone() -> None:
    pure = {room.name for room in ROOMS if room.pure}
    found = {room_of(one) for _, one in imported("definitions") if one.startswith("orchestrator.")}
    assert found <= pure | KNOWN_TO_DEFINITIONS
    assert {one.split(".")[0] for _, one in imported("definitions")} & {"lambdas", "boto3", "moto"} == set()


def test_no_state_machine_imports_another() -> None:
    # A module of ``definitions`` is one, or a package; folders such as ``system`` only hold some.
    machines = {module.__name__ for build in definitions.ALL.values() if (module := inspect.getmodule(build))}

    def machine_of(name: str) -> str | None:
        return next((one for one in machines if f"{name}.".startswith(f"{one}.")), None)

    of_another = [
        f"{name} imports {one}"
        for name, one in imported("definitions")
        if machine_of(name) and machine_of(one) not in (None, machine_of(name))
    ]
    assert of_another == []


def test_lambdas_use_what_their_bundles_hold() -> None:
    bundled = {room.name for room in ROOMS if room.bundled}
    found = {room_of(one) for _, one in imported("lambdas") if one.startswith("orchestrator.")}
    assert found <= bundled
    assert {one.split(".")[0] for _, one in imported("lambdas")} & {"definitions", "stepfunctions", "moto"} == set()


def test_what_bundles_hold_imports_nothing_that_they_lack() -> None:
    bundled = {room.name for room in ROOMS if room.bundled}
    lacking = [
        f"{name} imports {one}"
        for name, one in imported("orchestrator")
        if room_of(name) in bundled and one.startswith("orchestrator.") and room_of(one) not in bundled
    ]
    assert lacking == []


def test_no_test_imports_a_test() -> None:
    # Only a file that says so somewhere is worth reading.
    suspects = [(path, name) for path, name in sources("tests") if ".test_" in path.read_text(encoding="utf-8")]
    assert [f"{name} imports {one}" for path, name in suspects for one in imports(path) if ".test_" in one] == []


@pytest.mark.parametrize("word", ["utils", "helpers", "manager", "common"])
def test_no_module_has_a_name_that_says_nothing(word: str) -> None:
    assert [path for path in (ROOT / "orchestrator").rglob(f"*{word}*") if path.suffix == ".py"] == []
