"""A definition works, or it is refused in words: no 500, no word of Python's, no endless run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.clock import VirtualClock
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.aws.step_functions import fields
from orchestrator.local.aws.step_functions.validation import InvalidDefinition, refuse
from orchestrator.local.aws.step_functions.values import JSONATA, JSONPATH
from tests.local.aws.conftest import Machines

#: What AWS never says.
PYTHON = re.compile(
    r"Traceback|\w+Error\b(?! )|Exception\(|NoneType|object has no attribute|not subscriptable|not iterable"
    r"|unhashable|unexpected keyword|positional argument|<class|codec can't|__\w+__|moto\.|Props|KeyError|\bdict\b"
    r"|'(str|int|list)'"
)

DONE: dict[str, Any] = {"Type": "Pass", "End": True}
INNER: dict[str, Any] = {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": True}}}
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/hostile"

#: Of each type, a state that AWS takes, by what it speaks.
STATES: dict[tuple[str, str], dict[str, Any]] = {
    **{(kind, language): {"Type": kind, "End": True} for kind in ("Pass",) for language in (JSONPATH, JSONATA)},
    **{(kind, language): {"Type": kind} for kind in ("Succeed", "Fail") for language in (JSONPATH, JSONATA)},
    **{("Wait", language): {"Type": "Wait", "Seconds": 1, "End": True} for language in (JSONPATH, JSONATA)},
    **{
        ("Task", language): {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            asked: {"QueueUrl": QUEUE, "MessageBody": "m"},
            "End": True,
        }
        for language, asked in ((JSONPATH, "Parameters"), (JSONATA, "Arguments"))
    },
    ("Choice", JSONPATH): {
        "Type": "Choice",
        "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "Z"}],
        "Default": "Z",
    },
    ("Choice", JSONATA): {"Type": "Choice", "Choices": [{"Condition": True, "Next": "Z"}], "Default": "Z"},
    **{
        ("Parallel", language): {"Type": "Parallel", "Branches": [INNER], "End": True}
        for language in (JSONPATH, JSONATA)
    },
    ("Map", JSONPATH): {"Type": "Map", "ItemsPath": "$.l", "ItemProcessor": INNER, "End": True},
    ("Map", JSONATA): {"Type": "Map", "Items": [1, 2], "ItemProcessor": INNER, "End": True},
}

#: Every field of every state.
NAMES = sorted({name for kind, language in STATES for name in fields.allowed(kind, language)} | {"Nothing", "end"})

#: What nobody sane, or somebody in a hurry, would write there.
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 1.5, 10**30, "", "x", "Z", "A", "$", "$.n", "$.gone.deep[3]", "$$", "$$.Task", "$x"),
    *("$[", "$..*", "$.l[*]", "States.UUID()", "States.Nothing($.n)", "States.Format('{}')", "States.Array("),
    *("{% 1 %}", "{% 'x' %}", "{% [1] %}", "{%", "{% ( %}", "{% $gone %}", "{% $states.input.n %}", "{% n %}"),
    *([], [None], [1], ["x"], [[]], [{}], {}, {"a": None}, {"a.$": "$.n"}, {"a.$": "x"}, {"a.$": 1}, {"a": "{% 1 %}"}),
    *([{"ErrorEquals": ["States.ALL"], "Next": "Z"}], {"Resource": "arn:aws:states:::s3:getObject"}, INNER, [INNER]),
    *("2026-01-01T00:00:00Z", "\ud800", "\x00", "x" * 300, "arn:aws:s3:::x", "arn:aws:states:::x:y", "arn:"),
]


def definitions() -> Iterator[tuple[str, str]]:
    """What is said, and the definition that says it."""
    for kind, language in STATES:
        for name in NAMES:
            for value in VALUES:
                state = {**STATES[kind, language], name: value}
                states = {"A": state, **({"Z": DONE} if kind == "Choice" else {})}
                whole = {"QueryLanguage": language, "StartAt": "A", "States": states}
                yield f"{kind} {language} {name}={value!r:.60}", json.dumps(whole)


def taken(definition: str) -> bool:
    """Whether a definition is taken; what is not is refused in words."""
    said = None
    try:
        refuse(definition)
    except InvalidDefinition as fault:
        said = str(fault)
    assert not PYTHON.search(said or ""), said
    return said is None


def assert_ends(world: Machines, number: int, definition: str) -> None:
    """A machine of a definition comes to its end, and says why in words."""
    name = f"hostile-{number}"
    made = world.states.create_state_machine(name=name, definition=definition, roleArn=world.role)
    found = world.end(world.start(made["stateMachineArn"], {"n": 1, "l": [1, 2]}))
    assert not PYTHON.search(found.cause or ""), found.cause
    assert found.types[0] == "ExecutionStarted"


@pytest.fixture
def world(aws: EmbeddedAws) -> Iterator[Machines]:
    """In a time in which nobody waits."""
    with aws.on(VirtualClock(datetime.now(UTC), speed=10_000_000)):
        world = Machines(aws)
        aws.client("sqs").create_queue(QueueName="hostile")
        yield world
        aws.reset()


def assert_works_or_is_refused(world: Machines, every: int, run: int) -> None:
    """Of all definitions each ``every``-th is read, and of those that are taken each ``run``-th runs."""
    ran = 0
    for number, (said, definition) in enumerate(definitions()):
        if number % every:
            continue
        try:
            if taken(definition):
                ran += 1
                if ran % run == 0:
                    assert_ends(world, number, definition)
        except Exception as fault:
            raise AssertionError(said) from fault
    assert ran > 10


def test_a_definition_works_or_is_refused_in_words(world: Machines) -> None:
    """Some of all; the number is prime, so that each field and each value comes up."""
    assert_works_or_is_refused(world, every=101, run=1)


@pytest.mark.proof
def test_each_definition_works_or_is_refused_in_words(world: Machines) -> None:
    assert_works_or_is_refused(world, every=1, run=1)


#: Whole definitions that no editor writes: what is said, and the beginning of the refusal.
WHOLE: list[tuple[str, str]] = [
    ("", "Definition must be a valid JSON object"),
    ("null", "Definition must be a valid JSON object"),
    ("[]", "Definition must be a valid JSON object"),
    ("NaN", "INVALID_JSON_DESCRIPTION"),
    ("[" * 100_000, "nested too deeply"),
    ('{"StartAt": "A", "States": []}', "Expected value of type Object at /States"),
    ('{"StartAt": ["A"], "States": {"A": {"Type": "Succeed"}}}', "Expected value of type String at /StartAt"),
    ('{"StartAt": "A", "States": {"A": 1}}', "Value must be a JSON object at /States/A"),
    ('{"StartAt": "A", "States": {"A": {"Type": {}}}}', "The field 'Type' should have one of these values"),
    ('{"StartAt": "A", "Version": 2, "States": {"A": {"Type": "Succeed"}}}', "one of the following: [1.0] at /Version"),
    ('{"StartAt": "A", "TimeoutSeconds": "1", "States": {"A": {"Type": "Succeed"}}}', "Expected value of type Integer"),
    ('{"StartAt": "A", "starts": "A", "States": {"A": {"Type": "Succeed"}}}', "Field 'starts' is not supported at /"),
    ('{"QueryLanguage": "SQL", "StartAt": "A", "States": {"A": {"Type": "Succeed"}}}', "[JSONPath, JSONata]"),
    (json.dumps({"StartAt": "A" * 81, "States": {"A" * 81: {"Type": "Succeed"}}}), "INVALID_STATE_NAME"),
    (
        json.dumps({"StartAt": "B", "States": {"B": {"Type": "Parallel", "Branches": [INNER], "End": True}}}),
        "DUPLICATE_STATE_NAME: Duplicate State name: B at /States/B/Branches[0]/States/B",
    ),
]


@pytest.mark.parametrize(("definition", "why"), WHOLE, ids=[why for _, why in WHOLE])
def test_a_whole_definition_is_refused_in_words(aws: EmbeddedAws, definition: str, why: str) -> None:
    states, role = aws.client("stepfunctions"), "arn:aws:iam::123456789012:role/r"
    with pytest.raises(ClientError) as refused:
        states.create_state_machine(name="hostile", definition=definition or " ", roleArn=role)
    error = refused.value.response["Error"]
    assert error["Code"] == "InvalidDefinition"
    assert why in error["Message"]
    assert not PYTHON.search(error["Message"][:500])
