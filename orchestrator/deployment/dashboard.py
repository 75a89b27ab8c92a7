"""The CloudWatch dashboard: outcome, duration and start delay of every task.

Its graphs are SEARCH expressions ("Using search expressions in graphs"), so a new task shows without a new dashboard.
"""

from __future__ import annotations

import json
from typing import Any

from orchestrator.stack import METRICS_NAMESPACE, Stack

#: The whole width of a dashboard.
_WIDTH = 24
_HEIGHT = 7


def dashboard(stack: Stack) -> dict[str, Any]:
    graphs = [
        ("Runs by outcome", "TaskExecution", "Stack,TaskType,Status", "Sum"),
        ("Duration in seconds", "TaskDuration", "Stack,TaskType", "Maximum"),
        ("Start delay in seconds", "StartDelay", "Stack,TaskType", "Maximum"),
    ]
    widgets = [
        {
            "type": "metric",
            "x": 0,
            "y": row * _HEIGHT,
            "width": _WIDTH,
            "height": _HEIGHT,
            "properties": {
                "title": title,
                "region": "${AWS::Region}",
                "view": "timeSeries",
                "metrics": [[{"expression": _search(stack, metric, dimensions, statistic), "id": f"e{row}"}]],
            },
        }
        for row, (title, metric, dimensions, statistic) in enumerate(graphs)
    ]
    return {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {
            "DashboardName": stack.name,
            "DashboardBody": {"Fn::Sub": json.dumps({"widgets": widgets}, separators=(",", ":"))},
        },
    }


def _search(stack: Stack, metric: str, dimensions: str, statistic: str) -> str:
    """A search expression that gives every task its own line."""
    terms = f'{{{METRICS_NAMESPACE},{dimensions}}} MetricName="{metric}" Stack="{stack.name}"'
    return f"SEARCH('{terms}', '{statistic}', 300)"
