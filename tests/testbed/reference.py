"""The reference JSONata, as a second opinion on every expression that a definition publishes."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Sequence
from typing import Any

import pytest

from orchestrator.asl.definition import Definition
from orchestrator.local.aws.step_functions.jsonata import Evaluation
from tests.testbed import node

#: TaskRunner's states that only a run comes to which meets another one of its task: test_overlap.py goes there.
OF_OVERLAP = frozenset(
    {
        "EndOther", "JoinQueue", "LeaveQueue", "LookAtOther", "OtherStopped", "RecordWaiting", "StopOther",
        "WaitForOther", "WaitForTurn",
    }
)  # fmt: skip

#: TaskRunner's states that only a slot comes to which waits for something: test_held_slots.py goes there.
OF_HOLDING = frozenset({"FailHeld", "HoldSlot", "SkipHeld"})

#: TaskRunner's states that only a run comes to which has a place in a pool before its minute: test_pools.py goes there.
OF_POOLS = frozenset({"WaitForMinute"})


def never_evaluated(
    definition: Definition,
    evaluations: Sequence[Evaluation],
    *,
    only: Container[str] | None = None,
    besides: Container[str] = (),
) -> set[str]:
    """The expressions of a definition, or of some of its states, that no evaluation was of."""
    states = definition.to_dict()["States"].items()
    chosen = {name: state for name, state in states if (only is None or name in only) and name not in besides}
    return set(expressions(chosen)) - {evaluation.expression for evaluation in evaluations}


#: How many values of each expression are compared: in the suite some, from the first to the last, and in the proof all.
MOST = pytest.mark.parametrize("most", [12, pytest.param(None, marks=pytest.mark.proof)], ids=["some", "all"])


def disagreements(definition: Definition, evaluations: Sequence[Evaluation], most: int | None) -> list[str]:
    """The definition's expressions that had another value than the reference JSONata gives them."""
    of_each: dict[str, list[Evaluation]] = {text: [] for text in expressions(definition.to_dict())}
    for evaluation in evaluations:
        if evaluation.expression in of_each:
            of_each[evaluation.expression].append(evaluation)
    mine = [one for several in of_each.values() for one in several[:: 1 + len(several) // most if most else 1]]
    lines = [
        json.dumps(
            {
                "expression": one.expression,
                "bindings": dict(one.bindings),
                "milliseconds": one.milliseconds,
                "drawn": one.drawn,
            },
            default=str,
        )
        for one in mine
    ]
    reference = [json.loads(line) for line in node.run("evaluate.mjs", "\n".join(lines)).splitlines()]
    assert len(reference) == len(mine)
    return [one.expression for one, value in zip(mine, reference, strict=True) if value != one.result]


def expressions(value: Any) -> Iterator[str]:
    """Every expression in a definition, without its delimiters."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from expressions(inner)
    elif isinstance(value, str) and value.startswith("{%"):
        yield value.removeprefix("{%").removesuffix("%}").strip()
