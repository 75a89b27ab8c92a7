"""Scheduled tasks on AWS without servers.

The names here are for those who declare functions, state machines and tables; what a function's code imports is in
:mod:`orchestrator.handlers`, what builds state machines in :mod:`orchestrator.asl`.
"""

from __future__ import annotations

from orchestrator.errors import NonRetryableError, NotYet, OrchestratorError
from orchestrator.functions import EventSource, Function, Permission, Table
from orchestrator.stack import Stack

__version__ = "0.2.0"

__all__ = [
    "EventSource",
    "Function",
    "NonRetryableError",
    "NotYet",
    "OrchestratorError",
    "Permission",
    "Stack",
    "Table",
]
