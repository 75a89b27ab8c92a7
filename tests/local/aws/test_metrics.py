"""ListMetrics tells of each metric once."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.local.aws.server import EmbeddedAws


@pytest.fixture
def cloudwatch(aws: EmbeddedAws) -> Any:
    client = aws.client("cloudwatch")
    plain: Any = {"MetricName": "Sent", "Value": 1}
    owned: Any = {"MetricName": "Runs", "Value": 1, "Dimensions": [{"Name": "Stack", "Value": "dev"}]}
    for _ in range(3):
        client.put_metric_data(Namespace="Own", MetricData=[plain, owned])
    return client


def test_a_metric_is_listed_once_however_many_values_it_has(cloudwatch: Any) -> None:
    found = cloudwatch.list_metrics(Namespace="Own")["Metrics"]
    assert sorted(one["MetricName"] for one in found) == ["Runs", "Sent"]


@pytest.mark.parametrize(
    ("dimension", "names"),
    [
        ({"Name": "Stack", "Value": "dev"}, ["Runs"]),
        ({"Name": "Stack"}, ["Runs"]),
        ({"Name": "Stack", "Value": "x"}, []),
    ],
)
def test_a_filter_names_a_dimension_and_may_leave_its_value_open(
    cloudwatch: Any, dimension: dict[str, str], names: list[str]
) -> None:
    found = cloudwatch.list_metrics(Namespace="Own", Dimensions=[dimension])["Metrics"]
    assert [one["MetricName"] for one in found] == names
