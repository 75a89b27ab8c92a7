"""Which room may import which: read from the sources, nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: Values and rules, without any I/O.
PURE = {
    "backfilling",
    "alerts",
    "calendars",
    "claims",
    "durations",
    "environments",
    "deaths",
    "destinations",
    "errors",
    "events",
    "forecast",
    "functions",
    "instants",
    "preview",
    "pricing",
    "records",
    "retries",
    "runs",
    "schedule_edits",
    "schedule_names",
    "schedules",
    "settings",
    "slots",
    "tasks",
    "undelivered",
    "unreadable",
    "updates",
    "verification",
    "watching",
    "webhooks",
}

#: One narrow class for each AWS service.
BOUNDARIES = {
    "backfills",
    "failed_tasks",
    "incidents",
    "ledger",
    "recorder",
    "registry",
    "runner",
    "scheduler",
    "subscriptions",
    "server_clock",
}

#: What is done with several of those together.
TOGETHER = {"pausing"}

#: What builds state machines, on the SDK.
STATES = {"definition", "services", "states"}


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, those of its own package spelled out."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def offenders(folder: str, forbidden: set[str], *, besides: Set[str] = frozenset()) -> list[str]:
    """Files below a folder, without ``besides``, that import anything forbidden."""
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        room = path.relative_to(ROOT / "orchestrator").parts[0].removesuffix(".py") if folder == "orchestrator" else ""
        for name in imports(path):
            if room not in besides and any(name == one or name.startswith(f"{one}.") for one in forbidden):
                found.append(f"{path.relative_to(ROOT)} imports {name}")
    return found


def rooms(*names: str) -> set[str]:
    return {f"orchestrator.{name}" for name in names}


def library() -> set[str]:
    return {path.stem for path in (ROOT / "orchestrator").iterdir() if not path.name.startswith("_")}


def test_definitions_and_lambdas_do_not_know_each_other() -> None:
    assert offenders("definitions", {"lambdas"}) == []
    assert offenders("lambdas", {"definitions"}) == []


def test_the_library_knows_no_application() -> None:
    assert offenders("orchestrator", {"definitions", "lambdas", "deploy"}) == []


def test_definitions_are_built_from_states_and_rules_alone() -> None:
    assert offenders("definitions", rooms(*library() - PURE - STATES) | {"boto3", "moto"}) == []


def test_lambdas_use_rules_and_boundaries_alone() -> None:
    assert offenders("lambdas", rooms(*library() - PURE - BOUNDARIES - TOGETHER) | {"moto", "stepfunctions"}) == []


def test_rules_do_no_input_or_output() -> None:
    others = library() - PURE
    forbidden = rooms(*others) | {"boto3", "botocore", "moto", "stepfunctions", "os", "socket", "subprocess"}
    assert offenders("orchestrator", forbidden, besides=others) == []


def test_boundaries_know_rules_alone() -> None:
    others = library() - BOUNDARIES
    assert offenders("orchestrator", rooms(*others - PURE) | {"moto", "stepfunctions"}, besides=others) == []


def test_one_module_imports_the_sdk() -> None:
    assert offenders("orchestrator", {"stepfunctions"}, besides={"states"}) == []


def test_only_the_embedded_aws_knows_moto() -> None:
    assert offenders("orchestrator", {"moto", "jsonata"}, besides={"local"}) == []


def test_deploying_does_not_know_the_embedded_aws() -> None:
    others = library() - {"deployment"}
    assert offenders("orchestrator", rooms("local", "cli", "commands", "console"), besides=others) == []


@pytest.mark.parametrize("word", ["utils", "helpers", "manager", "common"])
def test_no_module_has_a_name_that_says_nothing(word: str) -> None:
    assert [path for path in (ROOT / "orchestrator").rglob(f"*{word}*") if path.suffix == ".py"] == []
