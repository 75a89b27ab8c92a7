"""Metrics in what functions print: CloudWatch makes them of each log event in the embedded metric format.

moto keeps such lines as any other. The rules are those of "Specification: Embedded metric format": what does not follow
them is a line of the log and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from numbers import Real
from typing import Any

from orchestrator.local.aws.parts import Aws

#: "MetricDirective": at most so many metrics; a metric has at most so many values in a line, and so many dimensions.
_MOST_METRICS = _MOST_VALUES = 100
_MOST_DIMENSIONS = 30


def publish(aws: Aws, lines: Sequence[str]) -> None:
    """Puts every metric that is in the lines."""
    for line in lines:
        for namespace, data in metrics(line):
            aws.backend("cloudwatch").put_metric_data(namespace, data)


def metrics(line: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yields the namespace and the data of each directive, as PutMetricData takes them."""
    if '"_aws"' not in line:
        return
    try:
        said = json.loads(line)
        # Without its zone, as moto keeps moments.
        moment = datetime.fromtimestamp(said["_aws"]["Timestamp"] / 1000, UTC).replace(tzinfo=None)
        for directive in said["_aws"]["CloudWatchMetrics"]:
            yield str(directive["Namespace"]), list(_data(said, directive, moment))
    except (ValueError, TypeError, KeyError, OverflowError, OSError):
        return


def _data(said: Mapping[str, Any], directive: Mapping[str, Any], moment: datetime) -> Iterator[dict[str, Any]]:
    for names in directive["Dimensions"]:
        if len(names) > _MOST_DIMENSIONS or not all(isinstance(said.get(name), str) for name in names):
            continue
        dimensions = [{"Name": name, "Value": said[name]} for name in names]
        for metric in directive["Metrics"][:_MOST_METRICS]:
            given = said.get(metric["Name"])
            values = given if isinstance(given, list) else [given]
            if values and len(values) <= _MOST_VALUES and all(_is_number(value) for value in values):
                yield {
                    "MetricName": metric["Name"],
                    "Dimensions": dimensions,
                    "Timestamp": moment,
                    "Unit": metric.get("Unit", "None"),
                    "Values": values,
                }


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
