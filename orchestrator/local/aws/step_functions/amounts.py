"""Numbers that a state computes: how long, how many, how much.

moto makes a whole number of whatever an expression gives, and fails in Python's words where it cannot.

Sources: LocalStack's recordings test_map_state_items_eval_jsonata_fail for the sentence about a result of another type,
and test_map_state_tolerated_failure_count_path for the one about a path. That they are the same for other fields is not
confirmed.
"""

from __future__ import annotations

import json
from typing import Any

from moto.stepfunctions.parser.asl.component.common.retry.interval_seconds_decl import IntervalSecondsDecl
from moto.stepfunctions.parser.asl.component.common.timeouts.heartbeat import (
    HeartbeatSecondsJSONata,
    HeartbeatSecondsPath,
)
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSecondsJSONata, TimeoutSecondsPath
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.reader_config.max_items_decl import (
    MaxItemsStringJSONata,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.max_concurrency import MaxConcurrencyJSONata
from moto.stepfunctions.parser.asl.component.state.exec.state_map.tolerated_failure import (
    ToleratedFailureCountStringJSONata,
    ToleratedFailurePercentageStringJSONata,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.seconds import SecondsJSONata

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions import failures

_KINDS = ((bool, "boolean"), (str, "string"), (list, "array"), (dict, "object"))


def _expression(field: str) -> Any:
    """Returns the number that a field's expression gives."""

    def number(self: Any, env: Any) -> Any:
        self.string_jsonata.eval(env=env)
        value = env.stack.pop()
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value if isinstance(value, int) or field.endswith("Percentage") else int(value)
        kind = next((name for of, name in _KINDS if isinstance(value, of)), "null")
        text = self.string_jsonata.literal_value.removeprefix("{%").removesuffix("%}").strip()
        wrong = f"returned an unexpected result type. Expected 'number', but was '{kind}' for value:"
        shown = json.dumps(value, separators=(",", ":"))
        cause = f"The JSONata expression '{text}' specified for the field '{field}' {wrong} {shown}"
        raise failures.evaluation_failed(env, cause, field)

    return number


def _path(field: str, follow: Any) -> Any:
    """Returns the number that a field's path leads to."""

    def number(self: Any, env: Any) -> Any:
        try:
            value = follow(self, env)
        except TypeError:
            # Neither a number nor anything that moto compares with one.
            self.string_sampler.eval(env=env)
            value = env.stack.pop()
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        shown = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        wrong = f'refers to value "{shown}" which is not a valid integer'
        raise failures.runtime_error(env, f"The {field} field {wrong}: {self.string_sampler.literal_value}")

    return number


def install(aws: Aws) -> None:
    """Takes a number, and says what it is if it is none."""

    @replaces(IntervalSecondsDecl, "__init__", digest="db0290fb5089")
    def interval(self: Any, seconds: int = 1) -> None:
        # Its range was checked when the machine was created; moto takes no 0, which AWS was measured to take.
        self.seconds = seconds

    replaces(TimeoutSecondsJSONata, "_eval_seconds", digest="924e7f4262d8")(_expression("TimeoutSeconds"))
    replaces(HeartbeatSecondsJSONata, "_eval_seconds", digest="924e7f4262d8")(_expression("HeartbeatSeconds"))
    replaces(SecondsJSONata, "_get_wait_seconds", digest="8636db5b5126")(_expression("Seconds"))
    replaces(MaxConcurrencyJSONata, "_eval_max_concurrency", digest="4f9decf13a5e")(_expression("MaxConcurrency"))
    replaces(MaxItemsStringJSONata, "_get_value", digest="e0acc6e080ee")(
        _expression("ItemReader/ReaderConfig/MaxItems")
    )
    count, percentage = ToleratedFailureCountStringJSONata, ToleratedFailurePercentageStringJSONata
    replaces(count, "_eval_tolerated_failure_count", digest="22e1d50c5f79")(_expression("ToleratedFailureCount"))
    replaces(percentage, "_eval_tolerated_failure_percentage", digest="88526103c571")(
        _expression("ToleratedFailurePercentage")
    )
    timeout, heartbeat = TimeoutSecondsPath._eval_seconds, HeartbeatSecondsPath._eval_seconds
    replaces(TimeoutSecondsPath, "_eval_seconds", digest="94aae7fef048")(_path("TimeoutSecondsPath", timeout))
    replaces(HeartbeatSecondsPath, "_eval_seconds", digest="5981e5863876")(_path("HeartbeatSecondsPath", heartbeat))
