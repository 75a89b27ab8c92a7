"""What AWS refuses in an expression: each row was measured with ValidateStateMachineDefinition (floci-io/floci#2670,
#2699, #2745 and #2786, us-east-1, 2026-08), but for those that say that they were not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import definitions
from orchestrator.asl.jsonata import ERROR_OUTPUT, RESULT, expressions, refusals
from orchestrator.stack import Stack

SYNTAX, TOP_LEVEL = "INVALID_JSONATA_EXPRESSION: ", "UNSUPPORTED_JSONATA_EXPRESSION: Reference to "
NOWHERE: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("a[1,2)", 'Expected "]", got ","'),
        ('"unterminated', "String literal must be terminated by a matching quote"),
        ("1 +", "Unexpected end of expression"),
        ('{"a":}', 'The symbol "}" cannot be used as a unary operator'),
        ("$x :=", "Unexpected end of expression"),
        ('$match("a", /abc', "No terminating / in regular expression"),
        ("phone %.other", 'The symbol "." cannot be used as a unary operator'),
        ("", "Unexpected end of expression"),
        # Not measured: the words of the reference JSONata.
        ('"\\q"', 'Unsupported escape sequence: \\"q"'),
        ("$a ! $b", 'Unknown operator: "!"'),
        ("/* and so on", "Comment has no closing tag"),
        # Not measured: the guide says that Step Functions has JSONata 2.0.6, which lacks both operators.
        ("$a ?? 1", 'The symbol "?" cannot be used as a unary operator'),
        ("$a ?: 1", 'The symbol ":" cannot be used as a unary operator'),
    ],
)
def test_what_is_no_jsonata_is_refused_in_the_words_of_its_parser(expression: str, message: str) -> None:
    assert [str(one) for one in refusals(expression)] == [SYNTAX + message]


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("phone", ["phone"]),
        ("phone[0]", ["phone"]),
        ("aaa + bbb", ["aaa", "bbb"]),
        ("aaa + aaa", ["aaa"]),
        ("$.phone", ["$"]),
        ("{aaa: 1}", ["aaa"]),
        ("$map($states.input.a, function($x){ b })", ["b"]),
        ("$a ? b : c", ["b", "c"]),
        ("-n", ["n"]),
        ("[1..n]", ["n"]),
        ("($x := y; $x)", ["y"]),
        ("$states.input.a and b", ["b"]),
        ("$sum(a) ~> $f(b)", ["a", "b"]),
        ("$states.input.phone", []),
        ("$states.input.items[phone > 3]", []),
        ("$states.input.items[$ > 3]", []),
        ("$map($states.input.a, function($x){ $x.phone })", []),
        ("$states.input{a: b}", []),
        ("$states.input^(a)", []),
        ("$states.input.(a + b)", []),
        ("$phone", []),
        ("$match($phone, /(?:a)/)", []),
    ],
)
def test_only_the_first_step_of_a_path_is_read_at_the_top_level(expression: str, names: list[str]) -> None:
    said = [f"{TOP_LEVEL}'{name}' at the top level is not supported." for name in names]
    assert [str(one) for one in refusals(expression)] == said


def test_the_root_of_the_context_has_words_of_its_own() -> None:
    assert [str(one) for one in refusals("$$")] == [f"{TOP_LEVEL}'$$' is not supported."]


@pytest.mark.parametrize(("field", "expression"), [(ERROR_OUTPUT, "$states.errorOutput.Cause"), (RESULT, "$states.result")])  # fmt: skip # noqa: E501
def test_a_field_of_the_state_is_offered_in_some_places_alone(field: str, expression: str) -> None:
    """``$states.result`` was not measured."""
    said = f"UNSUPPORTED_JSONATA_EXPRESSION: Field '$states.{field}' does not exist."
    assert [str(one) for one in refusals(expression, NOWHERE)] == [said]
    assert refusals(expression, frozenset({field})) == []


def test_an_expression_that_is_too_deep_is_refused_in_words() -> None:
    (one,) = refusals("(" * 20_000 + "1" + ")" * 20_000)
    assert str(one) == SYNTAX + "The expression is nested too deeply"


@pytest.mark.parametrize(
    ("state", "places"),
    [
        ({"Type": "Pass", "Output": {"a": {"b": ["{% 1 %}"]}}}, {"/Output/a/b[0]": [RESULT]}),
        ({"Type": "Pass", "Assign": {"Next": "{% 1 %}"}}, {"/Assign/Next": [RESULT]}),
        ({"Type": "Wait", "Seconds": "{% 1 %}"}, {"/Seconds": []}),
        ({"Type": "Fail", "Cause": "{% 1 %}"}, {"/Cause": []}),
        ({"Type": "Map", "Items": "{% 1 %}", "ItemProcessor": {"StartAt": "{% 1 %}"}}, {"/Items": []}),
        ({"Type": "Map", "ItemSelector": {"Next": "{% 1 %}"}}, {"/ItemSelector/Next": []}),
        (
            {"Type": "Map", "ItemBatcher": {"BatchInput": {"Comment": "{% 1 %}"}}},
            {"/ItemBatcher/BatchInput/Comment": []},
        ),
        ({"Type": "Map", "ItemReader": {"ReaderConfig": {"CSVHeaders": ["{% 1 %}"]}}}, {}),
        (
            {"Type": "Choice", "Choices": [{"Condition": "{% 1 %}", "Next": "{% 1 %}", "Output": "{% 1 %}"}]},
            {"/Choices[0]/Condition": [], "/Choices[0]/Output": []},
        ),
        (
            {"Type": "Task", "Arguments": "{% 1 %}", "Output": "{% 1 %}", "Resource": "{% 1 %}"},
            {"/Arguments": [], "/Output": [RESULT]},
        ),
        (
            {"Type": "Task", "Catch": [{"ErrorEquals": ["{% 1 %}"], "Output": {"Retry": "{% 1 %}"}}]},
            {"/Catch[0]/Output/Retry": [ERROR_OUTPUT]},
        ),
        ({"Type": "Task", "Retry": [{"ErrorEquals": ["{% 1 %}"]}], "Comment": "{% 1 %}"}, {}),
        ({"Type": "Pass", "Output": ["{%", "{%}", "% 1 %", "{% 1 %} "]}, {}),
    ],
)
def test_the_expressions_of_a_state_and_their_places(state: dict[str, Any], places: dict[str, list[str]]) -> None:
    assert {one.place: list(one.offered) for one in expressions(state)} == places


@pytest.mark.parametrize("name", list(definitions.ALL))
def test_every_expression_that_is_published_is_one_that_aws_takes(name: str) -> None:
    machine = definitions.ALL[name](Stack()).to_dict()
    read = [one for state in _states(machine) for one in expressions(state)]
    assert [why for one in read for why in refusals(one.expression, one.offered)] == []
    assert len(read) == json.dumps(machine).count("{%")


def _states(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for state in machine.get("States", {}).values():
        yield state
        for inner in (*state.get("Branches", ()), state.get("ItemProcessor", {})):
            yield from _states(inner)
