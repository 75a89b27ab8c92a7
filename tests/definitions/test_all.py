"""Every published definition: the file a reviewer reads, and what independent linters say of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache

import pytest

import definitions
from orchestrator import system
from orchestrator.asl.fatal_errors import descendants
from orchestrator.deployment.mistakes import Mistakes
from orchestrator.deployment.workflows import workflows
from orchestrator.errors import OrchestratorError, error_names
from orchestrator.stack import Stack
from tests.testbed import ROOT
from tests.testbed.linters import LINTERS, complaints
from tests.testbed.ours import MACHINES

#: Of the repository's own state machines, and of those that its user adds.
BUILDERS = {**definitions.ALL, **{name: one.build for name, one in workflows(ROOT, Mistakes()).items()}}


#: A name of no definition.
BROKEN = "broken"


@cache
def said(linter: str) -> dict[str, list[str]]:
    """What a linter says of each definition, and of a broken one."""
    broken = definitions.ALL["TaskRunner"](Stack()).to_dict()
    broken["States"]["RouteTask"]["Default"] = "Nowhere"
    texts = {name: build(Stack()).to_json() for name, build in BUILDERS.items()}
    return complaints(linter, texts | {BROKEN: json.dumps(broken)})


@pytest.fixture(params=BUILDERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("machine", [name for name in MACHINES if name not in system.MACHINES])
def test_a_definition_of_ours_is_the_golden_file(machine: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{machine}.asl.json", definitions.ALL[machine](Stack()).to_json())


@pytest.mark.parametrize("machine", system.MACHINES)
def test_a_definition_that_the_package_carries_is_the_one_that_is_built(
    machine: str, golden: Callable[[str, str], None]
) -> None:
    golden(f"../../orchestrator/system/{machine}.asl.json", definitions.ALL[machine](system.ANY_STACK).to_json())
    stack = Stack(name="orchestrator-staging")
    assert system.MACHINES[machine](stack).to_json() == definitions.ALL[machine](stack).to_json()
    system.MACHINES[machine](stack).validate()


def test_a_definition_is_sound(name: str) -> None:
    BUILDERS[name](Stack()).validate()


@pytest.mark.parametrize("linter", LINTERS)
def test_a_linter_has_no_complaint(linter: str, name: str) -> None:
    assert said(linter)[name] == []


@pytest.mark.parametrize("linter", LINTERS)
def test_a_linter_does_complain_of_a_broken_definition(linter: str) -> None:
    assert said(linter)[BROKEN] != []


def test_definitions_of_two_stacks_share_no_name() -> None:
    text = definitions.ALL["TaskRunner"](Stack(name="orchestrator-staging")).to_json()
    assert "orchestrator-dev" not in text


def texts(value: object) -> Iterator[str]:
    """Every name and every text of a definition."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def test_no_attribute_value_is_of_a_type_that_integrations_call_differently(name: str) -> None:
    """DynamoDB's ``NULL``, ``BOOL`` and sets are ``Nul``, ``Bool``, ``Ss`` … to AWS SDK integrations, and a refused
    parameter is ``States.Runtime``, which no catcher sees.
    """
    doubtful = re.compile(r"\b(NULL|BOOL|SS|NS|BS|Nul|Bool|Ss|Ns|Bs)\b")
    assert [text for text in texts(BUILDERS[name](Stack()).to_dict()) if doubtful.search(text)] == []


def test_no_arn_is_taken_from_what_may_name_a_version_or_an_alias(name: str) -> None:
    found = texts(BUILDERS[name](Stack()).to_dict())
    assert [text for text in found if "context.StateMachine" in text or "substringBefore($states.context" in text] == []


def error_equals(value: object) -> Iterator[str]:
    """The names of errors that a definition's retriers and catchers list."""
    if isinstance(value, dict):
        yield from value.get("ErrorEquals", ())
        for inner in value.values():
            yield from error_equals(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from error_equals(inner)


def test_an_error_that_is_no_service_s_is_a_class_of_the_library_or_of_a_function(name: str) -> None:
    listed = {error for error in error_equals(BUILDERS[name](Stack()).to_dict()) if "." not in error}
    sources = (path.read_bytes() for path in (ROOT / "lambdas").rglob("*.py"))
    of_library = error_names(OrchestratorError)
    assert listed <= {*of_library, *descendants(sources, of_library)}


def test_billing_gives_up_at_once_on_what_its_own_steps_call_fatal() -> None:
    fetch = definitions.ALL["billing"](Stack()).to_dict()["States"]["FetchUsageData"]
    assert {"NonRetryableError", "NoUsageFiles", "UsageCutOff"} <= set(fetch["Retry"][0]["ErrorEquals"])
    assert fetch["Retry"][0]["MaxAttempts"] == 0
