"""States that speak JSONPath choose, compute, wait and hand data on as on AWS."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.clock import VirtualClock
from tests.local.aws.conftest import Machines
from tests.local.aws.step_functions.facts import paths
from tests.local.aws.step_functions.facts.executions import assert_as_on_aws, ended
from tests.local.aws.step_functions.facts.fact import Fact
from tests.local.aws.step_functions.facts.states import passing


def choosing(operator: str, cases: list[tuple[Any, Any, bool]], *, by_path: bool) -> dict[str, dict[str, Any]]:
    """A branch for each case, which answers whether its rule holds."""
    branches = []
    for number, (_, value, _) in enumerate(cases):
        compared = {f"{operator}Path": f"$[{number}].value"} if by_path else {operator: value}
        rule = {"Variable": f"$[{number}].variable", **compared, "Next": f"Yes{number}"}
        branches.append(
            {
                "StartAt": f"Is{number}",
                "States": {
                    f"Is{number}": {"Type": "Choice", "Choices": [rule], "Default": f"No{number}"},
                    f"Yes{number}": passing(Result=True),
                    f"No{number}": passing(Result=False),
                },
            }
        )
    return {"A": {"Type": "Parallel", "Branches": branches, "End": True}}


@pytest.mark.parametrize(
    ("operator", "cases", "source", "by_path"),
    [
        # One rule in its Path form, the next in its plain form, the third in neither; the proof has both of each.
        *(
            pytest.param(*one, by_path, marks=[] if number % 3 == by_path else pytest.mark.proof)
            for number, one in enumerate(paths.CHOICES)
            for by_path in (False, True)
        ),
        *((*one, False) for one in paths.TESTS),
    ],
    ids=lambda given: given if isinstance(given, str | bool) else "",
)
def test_a_rule_holds_as_on_aws(
    world: Machines, operator: str, cases: list[tuple[Any, Any, bool]], source: str, by_path: bool
) -> None:
    given = [{"variable": variable, "value": value} for variable, value, _ in cases]
    states = choosing(operator, cases, by_path=by_path)
    found = ended(world, Fact(name=operator, source=source, states=states, given=given, query_language="JSONPath"))
    assert found.status == "SUCCEEDED", found.cause
    assert [*zip(cases, found.output, strict=True)] == [(case, case[2]) for case in cases]


def calling(function: str, arguments: list[Any]) -> dict[str, dict[str, Any]]:
    paths_of = ", ".join(f"$[{number}]" for number in range(len(arguments)))
    return {"A": passing(Parameters={"value.$": f"States.{function}({paths_of})"})}


@pytest.mark.parametrize(("function", "arguments", "value", "source"), paths.FUNCTIONS)
def test_a_function_has_the_value_that_aws_gives_it(
    world: Machines, function: str, arguments: list[Any], value: Any, source: str
) -> None:
    states = calling(function, arguments)
    found = ended(world, Fact(name=function, source=source, states=states, given=arguments, query_language="JSONPath"))
    assert found.output == {"value": value}, found.cause


@pytest.mark.parametrize(("function", "arguments"), paths.FAILING, ids=lambda given: str(given)[:30])
def test_a_function_fails_as_on_aws(world: Machines, function: str, arguments: list[Any]) -> None:
    states = calling(function, arguments)
    fact = Fact(name=function, source=paths._FUNCTIONS, states=states, given=arguments, query_language="JSONPath")
    found = ended(world, fact)
    assert (found.status, found.error) == ("FAILED", "States.IntrinsicFailure")


def test_a_random_number_ends_before_its_second_argument(world: Machines) -> None:
    """Source: "Intrinsic functions for JSONPath states in Step Functions": start (inclusive), end (exclusive)."""
    asked = {f"n{seed}.$": f"States.MathRandom(1, 3, {seed})" for seed in range(40)}
    fact = Fact(name="", source=paths._FUNCTIONS, states={"A": passing(Parameters=asked)}, query_language="JSONPath")
    assert set(ended(world, fact).output.values()) == {1, 2}


def test_a_random_number_is_the_same_for_the_same_seed_and_a_uuid_never(world: Machines) -> None:
    asked = {
        "a.$": "States.MathRandom(1, 999, 3)",
        "b.$": "States.MathRandom(1, 999, 3)",
        "d.$": "States.UUID()",
        "e.$": "States.UUID()",
    }
    fact = Fact(name="", source=paths._FUNCTIONS, states={"A": passing(Parameters=asked)}, query_language="JSONPath")
    value = ended(world, fact).output
    assert value["a"] == value["b"]
    assert 1 <= value["a"] <= 999
    assert value["d"] != value["e"]
    assert len(value["d"]) == 36


@pytest.mark.parametrize("fact", paths.FACTS, ids=lambda fact: fact.name)
def test_an_execution_is_as_on_aws(world: Machines, fact: Fact) -> None:
    assert_as_on_aws(world, fact)


def retrying(retrier: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return paths.branches(paths._FAIL, Retry=[{"ErrorEquals": ["States.ALL"], **retrier}])


@pytest.mark.parametrize(("retrier", "tries", "least", "most"), paths.RETRIERS, ids=str)
def test_a_retrier_waits_and_gives_up_as_on_aws(
    world: Machines, retrier: dict[str, Any], tries: int, least: float, most: float
) -> None:
    with world.aws.on(VirtualClock(datetime.now(UTC), speed=1000)):
        found = ended(world, Fact(name="", source=paths._RETRY, states=retrying(retrier), query_language="JSONPath"))
    assert (found.status, found.error, found.cause) == ("FAILED", "OutOfPaper", "none left")
    assert found.types.count("FailStateEntered") == tries
    assert least - 0.01 <= found.lasted.total_seconds() <= most + 15


@pytest.mark.parametrize("retrier", paths.TAKEN_RETRIERS, ids=str)
def test_a_retrier_that_aws_takes_is_taken(world: Machines, retrier: dict[str, Any]) -> None:
    name = f"taken-{'-'.join(map(str, retrier.values()))}"
    assert world.make(retrying(retrier), name=name, QueryLanguage="JSONPath").endswith(name)


@pytest.mark.parametrize("retrier", paths.REFUSED_RETRIERS, ids=str)
def test_a_retrier_that_aws_does_not_take_is_refused(world: Machines, retrier: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as refused:
        world.make(retrying(retrier), name="refused", QueryLanguage="JSONPath")
    assert refused.value.response["Error"]["Code"] == "InvalidDefinition"
