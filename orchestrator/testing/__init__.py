"""What tests of a project stand on: events, faults, an AWS in the process, and the question whether twice is once.

It needs the extra ``local``, but for :class:`Context` and :func:`event`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.testing.invocation import Context, event, invoke

if TYPE_CHECKING:
    from orchestrator.testing.failing import Fault, faults
    from orchestrator.testing.idempotency import assert_idempotent
    from orchestrator.testing.project import Deployed, deployed, embedded
    from orchestrator.testing.states import StateOutcome, run_state

#: The module of each name that needs the embedded AWS, which takes long to import.
_LATER = {
    "Deployed": "project",
    "Fault": "failing",
    "StateOutcome": "states",
    "assert_idempotent": "idempotency",
    "deployed": "project",
    "embedded": "project",
    "faults": "failing",
    "run_state": "states",
}

__all__ = [
    "Context",
    "Deployed",
    "Fault",
    "StateOutcome",
    "assert_idempotent",
    "deployed",
    "embedded",
    "event",
    "faults",
    "invoke",
    "run_state",
]


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
