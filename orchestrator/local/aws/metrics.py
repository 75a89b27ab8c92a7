"""CloudWatch's list of metrics.

moto lists a metric without dimensions once for each of its values, and compares every value with every metric before
it. AWS lists each combination of namespace, name and dimensions once ("ListMetrics").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces


def install(aws: Aws) -> None:
    """Lists each metric once."""

    @replaces(CloudWatchBackend, "get_filtered_metrics", digest="c5e3b9657b5d")
    def get_filtered_metrics(
        self: Any, metric_name: str, namespace: str, dimensions: Sequence[Mapping[str, str]]
    ) -> list[Any]:
        listed: dict[Any, Any] = {}
        for datum in self.get_all_metrics():
            own = {one.name: one.value for one in datum.dimensions}
            # A filter may leave the value open.
            has_all = all(
                one["Name"] in own and one.get("Value") in (None, own[one["Name"]]) for one in dimensions or ()
            )
            if has_all and namespace in (None, "", datum.namespace) and metric_name in (None, "", datum.name):
                listed.setdefault((datum.namespace, datum.name, frozenset(own.items())), datum)
        return list(listed.values())
