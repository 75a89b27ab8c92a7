"""Logs and traces of executions, beside their own history; both are chosen when deploying.

A Standard execution keeps its history for 90 days by itself ("Quotas related to state machine executions"), for nothing
and in full, so by default its log holds errors alone, and nothing is traced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: "Log levels for Step Functions execution events".
LEVELS = ("ALL", "ERROR", "FATAL", "OFF")

PARAMETERS: Mapping[str, Any] = {
    "LogLevel": {
        "Type": "String",
        "Description": "What Standard executions write into their log groups beside the history that they keep.",
        "AllowedValues": list(LEVELS),
        "Default": "ERROR",
    },
    "Tracing": {
        "Type": "String",
        "Description": "Whether X-Ray follows executions and functions.",
        "AllowedValues": ["true", "false"],
        "Default": "false",
    },
}
CONDITIONS: Mapping[str, Any] = {"ExecutionsAreTraced": {"Fn::Equals": [{"Ref": "Tracing"}, "true"]}}


def logging(level: Any, log_group: Any) -> dict[str, Any]:
    """Without data: what tasks are given and return is in an execution's history, for those who may read that."""
    return {
        "Level": level,
        "IncludeExecutionData": False,
        "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": log_group}}],
    }


def machine_tracing() -> dict[str, Any]:
    return {"Enabled": {"Fn::If": ["ExecutionsAreTraced", True, False]}}


def function_tracing() -> dict[str, Any]:
    """A function that is not traced by itself still follows the trace of whoever calls it ("TracingConfig")."""
    return {"Mode": {"Fn::If": ["ExecutionsAreTraced", "Active", "PassThrough"]}}
