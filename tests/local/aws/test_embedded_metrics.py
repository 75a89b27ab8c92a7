"""What a function prints in the embedded metric format becomes metrics, and nothing else does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestrator.local.aws.embedded_metrics import metrics

DIRECTIVE = {"Namespace": "N", "Dimensions": [["Stack"]], "Metrics": [{"Name": "Runs", "Unit": "Count"}]}


def line(*, directive: Any = DIRECTIVE, **members: Any) -> str:
    said = {"_aws": {"Timestamp": 1_795_600_406_000, "CloudWatchMetrics": [directive]}, "Stack": "dev", "Runs": 1}
    return json.dumps(said | members)


def values(text: str) -> list[tuple[str, list[float], dict[str, str]]]:
    return [
        (datum["MetricName"], datum["Values"], {one["Name"]: one["Value"] for one in datum["Dimensions"]})
        for _, data in metrics(text)
        for datum in data
    ]


def test_a_metric_has_the_dimensions_and_the_moment_that_the_line_says() -> None:
    assert values(line()) == [("Runs", [1], {"Stack": "dev"})]
    ((namespace, (datum,)),) = metrics(line())
    assert (namespace, datum["Unit"], datum["Timestamp"].isoformat()) == ("N", "Count", "2026-11-25T09:53:26")


def test_each_set_of_dimensions_is_a_metric_of_its_own() -> None:
    both = DIRECTIVE | {"Dimensions": [["Stack"], ["Stack", "Task"], []]}
    assert [of for *_, of in values(line(directive=both, Task="a"))] == [
        {"Stack": "dev"},
        {"Stack": "dev", "Task": "a"},
        {},
    ]


def test_a_metric_may_have_a_hundred_values() -> None:
    assert values(line(Runs=[1] * 100))[0][1] == [1] * 100
    assert values(line(Runs=[1] * 101)) == []


@pytest.mark.parametrize(
    "text",
    [
        "START RequestId: 1",
        '{"_aws": 1}',
        '{"_aws": {"Timestamp": 1}}',
        line(Runs="1"),
        line(Runs=True),
        line(Runs=None),
        line(Stack=3),
        line(directive={"Namespace": "N"}),
        line(directive=None),
        line().replace("}", "", 1),
    ],
)
def test_what_is_no_metric_is_only_a_line(text: str) -> None:
    assert values(text) == []
