"""Each execution goes on, ends and is told of as AWS has it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.aws.conftest import Machines
from tests.local.aws.step_functions.facts import failing, states
from tests.local.aws.step_functions.facts.executions import assert_as_on_aws, ended
from tests.local.aws.step_functions.facts.fact import Fact


@pytest.mark.parametrize(("expression", "value", "source"), states.EXPRESSIONS, ids=lambda given: str(given)[:60])
def test_an_expression_has_the_value_that_aws_gives_it(
    world: Machines, expression: str, value: Any, source: str
) -> None:
    fact = Fact(
        name=expression,
        source=source,
        states={"A": {"Type": "Succeed", "Output": {"value": f"{{% {expression} %}}"}}},
        given={"n": 2, "list": [3, 1, 2]},
    )
    found = ended(world, fact)
    assert found.output == {"value": value}, found.cause


@pytest.mark.parametrize("fact", [*states.FACTS, *failing.FACTS], ids=lambda fact: fact.name)
def test_an_execution_is_as_on_aws(world: Machines, fact: Fact) -> None:
    assert_as_on_aws(world, fact)
