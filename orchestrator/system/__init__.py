"""What every stack has: TaskRunner, its Express twin and Backfill, and the functions that tell, watch and clean up.

A wheel of this library carries them, so that a project of its own needs no checkout of ours. The state machines are
here as Amazon States Language, written from ``definitions/system`` by the test that compares them, and the functions
are sources, which are bundled and never imported: in a wheel they lie in ``lambdas`` beside this file, in a checkout in
the folder ``lambdas`` of the repository.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.asl.definition import Definition
from orchestrator.asl.written import written
from orchestrator.stack import Stack
from orchestrator.system.functions import FUNCTIONS

__all__ = ["ANY_STACK", "FUNCTIONS", "LAMBDAS", "LOCK", "MACHINES"]

_HERE = Path(__file__).parent

#: The folder ``lambdas`` in which the functions' sources are.
LAMBDAS = next(one for one in (_HERE / "lambdas", _HERE.parent.parent / "lambdas") if (one / "system").is_dir())

#: What every bundle holds beside our own code.
LOCK = _HERE / "requirements.lock"

#: The stack that the state machines here are written for; a stack's own name takes the place of its name.
ANY_STACK = Stack(name="${stack}")


def _builder(name: str) -> Callable[[Stack], Definition]:
    def build(stack: Stack) -> Definition:
        return written(json.loads((_HERE / f"{name}.asl.json").read_text(encoding="utf-8")), stack)

    return build


#: Makes each state machine's definition, by name.
MACHINES: Mapping[str, Callable[[Stack], Definition]] = {
    name: _builder(name) for name in ("TaskRunner", "ExpressRunner", "Backfill")
}
