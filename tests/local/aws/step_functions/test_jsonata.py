"""moto hands expressions to a Java bridge that is not there, as text with its variables written into it."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.aws.step_functions.jsonata import EvaluationFailed, evaluate
from tests.local.aws.conftest import Machines

NOW = datetime(2026, 12, 1, 8, 0, 0, 123_456, UTC)


def value(expression: str, **bindings: Any) -> Any:
    return evaluate(expression, bindings, NOW)


def test_variables_are_values_and_never_source() -> None:
    nasty = "'\" & $eval('1') {% 1+1 %} \\ \n"
    assert value("$text", text=nasty) == nasty
    assert value("$states.input.text & '!'", states={"input": {"text": nasty}}) == nasty + "!"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 1", 2),
        ("10 / 4", 2.5),
        ("10 / 5", 2),
        ("$number('86400')", 86400),
        ("$sum([1, 2, 3])", 6),
        ("[1..3]", [1, 2, 3]),
        ("{'a': null, 'b': [null]}", {"a": None, "b": [None]}),
        ("null", None),
        ("$list[n > 1].n", [2, 3]),
        ("$list[n = 1].n", 1),
        ("$merge([{'a': 1}, {'b': 2}])", {"a": 1, "b": 2}),
        ("$exists($list) and $not($exists($nothing))", True),
    ],
)
def test_a_result_is_plain_json(expression: str, expected: Any) -> None:
    found = value(expression, list=[{"n": 1}, {"n": 2}, {"n": 3}])
    assert found == expected
    assert json.loads(json.dumps(found)) == found
    assert {type(part) for part in _parts(found)} <= {dict, list, str, int, float, bool, type(None)}


def _parts(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else []
    return [value, *(part for one in inner for part in _parts(one))]


def test_whole_numbers_stay_whole() -> None:
    assert [type(value(expression)) for expression in ("4 / 2", "$power(2, 10)", "$round(2.4)", "2.5")] == [
        int,
        int,
        int,
        float,
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$partition([1, 2, 3, 4, 5], 2)", [[1, 2], [3, 4], [5]]),
        ("$partition([], 2)", []),
        ("$range(0, 10, 5)", [0, 5, 10]),
        ("$range(5, 1, -2)", [5, 3, 1]),
        ("$range(1, 0, 1)", []),
        ("$count($range(0, 0.3, 0.1))", 4),
        ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
        ('$parse(\'{"a": {"b": 2}}\').a.b', 2),
    ],
)
def test_the_functions_that_step_functions_adds(expression: str, expected: Any) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [("MD5", "md5"), ("SHA-1", "sha1"), ("SHA-256", "sha256"), ("SHA-384", "sha384"), ("SHA-512", "sha512")],
)
def test_hash_knows_the_algorithms_of_step_functions(algorithm: str, name: str) -> None:
    assert value(f"$hash('Grüße', '{algorithm}')") == hashlib.new(name, "Grüße".encode()).hexdigest()


def test_random_is_in_its_range_and_repeats_with_a_seed() -> None:
    assert 0 <= value("$random()") < 1
    assert value("$random(7)") == value("$random(7)") != value("$random(8)")


def test_uuid_gives_another_one_each_time() -> None:
    first, second = value("[$uuid(), $uuid()]")
    assert uuid.UUID(first).version == 4
    assert first != second


@pytest.mark.parametrize(
    "expression",
    [
        "$eval('1 + 1')",
        "$nothing",
        "$states.input.nothing",
        "$lowercase(1)",
        "1 +",
        "$no_such_function()",
        "function($x) { $x }",
        "[$sum]",
        "/a/",
        "$parse('no json')",
        "$hash('a', 'CRC32')",
        "$partition([1], 0)",
        "$range(1, 2, 0)",
        "1 / 0",
    ],
)
def test_what_fails_or_gives_nothing_is_an_error(expression: str) -> None:
    with pytest.raises(EvaluationFailed, match=re.escape(f"'{expression}'")):
        value(expression, states={"input": {}})


def test_the_time_is_the_clocks_and_stands_still_in_an_expression() -> None:
    milliseconds, text, again = value("[$millis(), $now(), $millis()]")
    assert milliseconds == again == int(NOW.timestamp() * 1000)
    assert text == "2026-12-01T08:00:00.123Z"
    assert value("$toMillis($now())") == milliseconds


def test_one_expression_can_be_evaluated_by_many_threads_at_once() -> None:
    expression = "$sum($map($numbers, function($n) { $n * $factor })) & '-' & $label"

    def work(index: int) -> bool:
        found = [value(expression, numbers=[1, 2, index], factor=index, label=f"l{index}") for _ in range(20)]
        return set(found) == {f"{(3 + index) * index}-l{index}"}

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(40)))


def test_what_an_expression_is_given_it_cannot_change(aws: EmbeddedAws) -> None:
    given = {"a": {"b": 1}}
    assert value("$given ~> | a | {'b': 2} |", given=given) == {"a": {"b": 2}}
    assert given == {"a": {"b": 1}}


def test_every_field_that_may_hold_an_expression_does(machines: Machines) -> None:
    ended = machines.run(
        {
            "Begin": {"Type": "Pass", "Assign": {"n": "{% $states.input.n %}", "seconds": 0}, "Next": "Choose"},
            "Choose": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $n > 1 %}", "Assign": {"big": "{% $n * 10 %}"}, "Next": "Rest"}],
            },
            "Rest": {"Type": "Wait", "Seconds": "{% $seconds %}", "Assign": {"rested": True}, "Next": "Ask"},
            "Ask": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:dynamodb:listTables",
                "Arguments": {"Limit": "{% $n %}"},
                "TimeoutSeconds": "{% $n * 5 %}",
                "Assign": {"tables": "{% $count($states.result.TableNames) %}"},
                "Output": {"at": "{% $states.context.State.Name %}"},
                "Next": "End",
            },
            "End": {
                "Type": "Succeed",
                "Output": "{% {'big': $big, 'rested': $rested, 'tables': $tables, 'at': $states.input.at} %}",
            },
        },
        {"n": 2},
    )
    assert (ended.status, ended.cause) == ("SUCCEEDED", None)
    assert ended.output == {"big": 20, "rested": True, "tables": 0, "at": "Ask"}


def test_a_fail_state_says_what_its_expressions_say(machines: Machines) -> None:
    state = {"Type": "Fail", "Error": "{% $states.input.error %}", "Cause": "{% 'no ' & $states.input.what %}"}
    ended = machines.run({"End": state}, {"error": "OutOfPaper", "what": "paper"})
    assert (ended.status, ended.error, ended.cause) == ("FAILED", "OutOfPaper", "no paper")


@pytest.mark.parametrize("field", ["Arguments", "Assign", "TimeoutSeconds"])
def test_an_expression_that_fails_in_a_task_can_be_caught(machines: Machines, field: str) -> None:
    broken: Any = "{% $states.input.nothing %}"
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:listTables",
        "Arguments": {},
        field: broken if field == "TimeoutSeconds" else {"Limit": broken},
        "Catch": [
            {"ErrorEquals": ["States.QueryEvaluationError"], "Next": "Caught", "Output": "{% $states.errorOutput %}"}
        ],
        "End": True,
    }
    ended = machines.run({"Ask": task, "Caught": {"Type": "Succeed"}}, {})
    assert ended.status == "SUCCEEDED"
    assert ended.output["Error"] == "States.QueryEvaluationError"
    assert "$states.input.nothing" in ended.output["Cause"]
