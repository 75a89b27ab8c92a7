"""A hundred thousand messages and records that nobody in his senses would send: `make fuzz`.

None crashes what reads it, and no record that passes TaskRunner's check breaks an expression that no catcher sees. The
same, fewer of them, are in the tests.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import definitions
from orchestrator.asl.states import Jsonata
from orchestrator.local.aws.step_functions.jsonata import evaluate
from orchestrator.runs.dead_letter import DeadLetter
from orchestrator.runs.execution_end import ExecutionEnd
from orchestrator.stack import Stack
from orchestrator.tasks.records import item_of
from orchestrator.tasks.task import Target, TargetKind, Task
from tests.testbed.hostile import messages, records

COUNT = 100_000

#: "Amazon States Language": the largest number of seconds of a Wait and of a timeout.
LONGEST_SECONDS = 99_999_999

_NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
_CONTEXT = {
    "Execution": {
        "Id": "arn:aws:states:us-east-1:123456789012:execution:orchestrator-dev-TaskRunner:x",
        "StartTime": "2026-11-23T08:00:00.000Z",
    }
}
_INPUT = {"taskId": "report", "scheduledTime": "2026-11-23T08:00:00Z", "trigger": "schedule"}
SOUND = item_of(Task(id="report", target=Target(kind=TargetKind.LAMBDA, name="work")))


def read(message: dict[str, Any]) -> DeadLetter | ExecutionEnd | None:
    """What the failure handler makes of a message before it writes anything."""
    from lambdas.system.failure_handler import _event

    event = _event(message.get("body"))
    return DeadLetter.read(message) if event is None else ExecutionEnd.read(event)


class Records:
    """TaskRunner's expressions, on a record."""

    def __init__(self) -> None:
        published = definitions.ALL["TaskRunner"](Stack()).to_dict()["States"]
        self._assigned = {
            name: _bare(expression)
            for name, expression in published["LookupTask"]["Assign"].items()
            if isinstance(expression, str) and expression.startswith("{%")
        }
        route, back_off, give_up = (published[name] for name in ("RouteTask", "BackOff", "RetryOrGiveUp"))
        of_service, by_policy, _ = give_up["Choices"]
        self._uncaught = [
            _bare(route["Choices"][0]["Condition"]),
            _bare(of_service["Condition"]),
            _bare(of_service["Assign"]["longestDelay"]),
            _bare(by_policy["Condition"]),
        ]
        self._delays = [_bare(by_policy["Assign"]["longestDelay"]), _bare(back_off["Seconds"])]
        self._timeout = _bare(published["InvokeLambda"]["TimeoutSeconds"])

    def outcome(self, record: dict[str, Any]) -> str:
        """``caught``, ``refused`` or ``runs``. Raises if an expression fails that no catcher sees."""
        states = {"input": _INPUT, "result": {"Item": record}, "context": _CONTEXT}
        try:
            variables = {name: evaluate(one, {"states": states}, _NOW) for name, one in self._assigned.items()}
        except Exception:
            return "caught"
        if "refusal" in variables["task"] or "closed" in variables["task"]:
            return "refused"
        failure = {"name": "ValueError", "cause": "x", "service": None}
        bindings = {"states": {"input": {}, "context": _CONTEXT}, **variables, "attempt": 2, "failure": failure}
        bindings["serviceRetries"] = 0
        for expression in self._uncaught:
            evaluate(expression, bindings, _NOW)
        longest, back_off = self._delays
        seconds = evaluate(back_off, bindings | {"longestDelay": evaluate(longest, bindings, _NOW)}, _NOW)
        timeout = evaluate(self._timeout, bindings, _NOW)
        for found, least in ((seconds, 0), (timeout, 1)):
            if found != int(found) or not least <= found <= LONGEST_SECONDS:
                raise ValueError(f"{found} is no number of seconds")
        return "runs"


def _bare(expression: str | Jsonata) -> str:
    return str(expression).removeprefix("{%").removesuffix("%}").strip()


def main(seed: int = 1) -> int:
    began = time.monotonic()
    print(f"seed {seed}", flush=True)  # noqa: T201
    kinds = Counter(type(read(message)).__name__ for message in islice(messages(seed), COUNT))
    print(f"{COUNT} messages in {time.monotonic() - began:.0f} s: {dict(kinds)}", flush=True)  # noqa: T201
    began, expressions = time.monotonic(), Records()
    outcomes = Counter(expressions.outcome(record) for record in islice(records(seed, SOUND), COUNT))
    print(f"{COUNT} records in {time.monotonic() - began:.0f} s: {dict(outcomes)}", flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
