"""A fact, and the execution that is held to it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from tests.local.aws.conftest import Ended, Machines
from tests.local.aws.step_functions.facts.fact import ANY, Fact


def details(event: Mapping[str, Any]) -> dict[str, Any]:
    return next((dict(value) for name, value in event.items() if name.endswith("Details")), {})


def started(world: Machines, fact: Fact) -> str:
    """The ARN of an execution of a fact's machine."""
    top = {"QueryLanguage": fact.query_language, **fact.top}
    return world.start(world.make(fact.states, name=f"m{uuid.uuid4().hex}", **top), fact.given)


def ended(world: Machines, fact: Fact) -> Ended:
    return world.end(started(world, fact))


def assert_as_on_aws(world: Machines, fact: Fact) -> None:
    """An execution ends, and leaves the history, that AWS has answered with."""
    assert_ended_as_on_aws(ended(world, fact), fact)


def assert_ended_as_on_aws(found: Ended, fact: Fact) -> None:
    assert (found.status, found.error) == (fact.status, fact.error), found.cause
    if fact.status == "SUCCEEDED" and fact.output is not ANY:
        assert found.output == fact.output
    if fact.cause is not ANY:
        assert found.cause == fact.cause
    if fact.events is not None:
        assert tuple(found.types) == fact.events
    before = {event["id"]: event.get("previousEventId", 0) for event in found.events}
    assert {number: before[number] for number, _ in fact.previous} == dict(fact.previous)
    for number, expected in fact.details.items():
        told = details(found.events[number - 1])
        assert {name: told.get(name) for name in expected} == expected, told
