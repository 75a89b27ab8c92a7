"""Map Runs: what a distributed Map counts, tolerates and fails by.

moto takes no notice of items that fail, gives null for each of them, counts one that has failed as one that runs, tells
the machine's time, reads no percentage without a point, and takes an expression of a count for one of a percentage.

Sources: "Tolerated failure threshold for Distributed Map state" and "MapRunExecutionCounts" (developer guide and API
reference); statuses and counts as measured in floci-io/floci#2694; error and cause as recorded in LocalStack's
test_state_configuration; the events as recorded for a reader that fails, test_map_item_reader_json_no_json_list_object.
Not confirmed: that the output has nothing for an item whose failure is tolerated (so does floci-io/floci#3605), and
that a threshold of 0 beside another one says nothing.
"""

from __future__ import annotations

import enum
import re
import threading
from functools import lru_cache
from typing import Any

from moto.stepfunctions.parser.api import MapRunStatus
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (
    DistributedIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    distributed_item_processor_worker as workers,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.map_run_record import (
    MapRunRecord,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.tolerated_failure import (
    ToleratedFailureCountStringJSONata,
)
from moto.stepfunctions.parser.asl.eval.program_state import ProgramError, ProgramStopped, ProgramTimedOut
from moto.stepfunctions.parser.asl.eval.states import ItemData, MapData
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces
from orchestrator.local.aws.step_functions import failures

_EXCEEDED = "The specified tolerated failure threshold was exceeded"


#: A percentage without a point, in the text of a definition.
_WHOLE = re.compile(r'((?<!\\)"ToleratedFailurePercentage"\s*:\s*\d+)(?=\s*[,}])')


class _Lost(enum.Enum):
    """Stands in place of the output of an item that failed."""

    OUTPUT = enum.auto()


#: Counts of a Map Run change together.
_counting = threading.RLock()


def _count(record: Any, name: str, number: int = 1) -> None:
    for counter in (record.item_counter, record.execution_counter):
        getattr(counter, name).count(number)


def _exceeds(record: Any) -> bool:
    """Whether more items have failed, or timed out, than may."""
    items = record.item_counter
    lost = items.failed.get() + items.timed_out.get()
    count, percentage = record.tolerated_failure_count, record.tolerated_failure_percentage
    if not count and not percentage:
        return bool(lost)
    return bool((count and lost > count) or (percentage and 100 * lost > percentage * items.total.get()))


def _begin(record: Any, env: Any) -> bool:
    """Counts an item as one that runs, if its Map Run and the execution still do."""
    with _counting:
        if record.status != MapRunStatus.RUNNING or not env.is_running():
            return False
        _count(record, "pending", -1)
        _count(record, "running")
        return True


def _end(record: Any, how: str) -> bool:
    """Counts an item as one that has ended so; whether too many have failed now."""
    with _counting:
        if record.status != MapRunStatus.RUNNING:
            # What still ran when the Map Run ended was counted as aborted then.
            return False
        _count(record, "running", -1)
        _count(record, how)
        if how == "succeeded":
            _count(record, "results_written")
        return how in ("failed", "timed_out") and _exceeds(record)


def _how(state: Any) -> str:
    """Returns how an item ended, from the state of its program."""
    kinds = {ProgramError: "failed", ProgramTimedOut: "timed_out", ProgramStopped: "aborted"}
    return kinds.get(type(state), "succeeded")


def _run_item(self: Any, env: Any, job: Any) -> None:
    """Runs one item in a worker, and counts it."""
    record, job.job_output = self._map_run_record, _Lost.OUTPUT
    if not _begin(record, env):
        return
    how = "failed"
    try:
        item = ItemData(Index=job.job_index, Value=job.job_input)
        env.states.context_object.context_object_data["Map"] = MapData(Item=item)
        env.states.reset(job.job_input)
        env.stack.append(env.states.get_input())
        self._eval_input(env_frame=env)
        job.job_program.eval(env)
        how = _how(env.program_state())
        if how == "succeeded":
            job.job_output = env.states.get_input()
    except workers.EvalTimeoutError:
        how = "timed_out"
    except workers.FailureEventException:
        # Of what makes the item's input: the item fails, and the others do not.
        pass
    finally:
        if _end(record, how):
            kind = StatesErrorNameType.StatesExceedToleratedFailureThreshold
            job.job_output = failures.runtime_error(env, _EXCEEDED, kind)


@lru_cache(256)
def _with_points(definition: str) -> str:
    return _WHOLE.sub(r"\1.0", definition)


def install(aws: Aws) -> None:
    """Counts and limits the failures of distributed Maps."""
    parse = AmazonStateLanguageParser.parse
    # Each execution has its definition parsed, which is there already; to look through its text takes longer.
    replaces(AmazonStateLanguageParser, "parse", digest="e6fd7e062fd0")(
        staticmethod(lambda definition: parse(_with_points(definition)))
    )

    @replaces(Preprocessor, "visitTolerated_failure_count_string_jsonata", digest="1dd403612eb9")
    def of_count(self: Any, ctx: Any) -> Any:
        return ToleratedFailureCountStringJSONata(string_jsonata=self.visitString_jsonata(ctx.string_jsonata()))

    make, run = MapRunRecord.__init__, DistributedIterationComponent._map_run

    @replaces(MapRunRecord, "__init__", digest="4b54b363d150")
    def init(self: Any, *arguments: Any, **named: Any) -> None:
        make(self, *arguments, **named)
        self.start_date = aws.clock.now()

    @replaces(MapRunRecord, "set_stop", digest="801c7c1b7cdd")
    def set_stop(self: Any, status: MapRunStatus) -> None:
        with _counting:
            still = self.item_counter.running.get()
            _count(self, "running", -still)
            _count(self, "aborted", still)
            unfinished = self.item_counter.aborted.get() + self.item_counter.pending.get()
            self.status = MapRunStatus.ABORTED if unfinished and status == MapRunStatus.SUCCEEDED else status
            self.stop_date = aws.clock.now()

    replaces(workers.DistributedItemProcessorWorker, "_eval_job", digest="efb10da48894")(_run_item)

    @replaces(DistributedIterationComponent, "_map_run", digest="c27562db6377")
    def map_run(self: Any, env: Any, eval_input: Any) -> None:
        number = len(env.stack[-1])
        for name in ("total", "pending"):
            _count(eval_input.map_run_record, name, number)
        try:
            run(self, env, eval_input)
        except workers.FailureEventException:
            for frame in list(env._frames):
                frame.set_stop(stop_date=aws.clock.now(), cause=None, error=None)
            raise
        env.stack.append([output for output in env.stack.pop() if output is not _Lost.OUTPUT])
