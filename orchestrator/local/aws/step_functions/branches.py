"""Parallel and Map states.

moto's branches and iterations know no time but the machine's; all iterations of a Map run at once, where AWS runs forty
of an inline one; and those of a Map that has failed go on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.inline_iteration_component import (
    InlineIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.job import JobPool
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branch_worker import BranchWorker
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branches_decl import BranchWorkerPool

from orchestrator.local.aws import threads
from orchestrator.local.aws.clock import FOREVER, Wake
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: "Map state": what an inline one runs at once, at most.
_INLINE_MAP_CONCURRENCY = 40


def install(aws: Aws) -> None:
    """Branches and iterations work, and whoever waits for them rests; those of a Map that failed stop."""

    def waking(make: Callable[..., None]) -> Callable[..., None]:
        def init(self: Any, *arguments: Any, **named: Any) -> None:
            make(self, *arguments, **named)
            self._termination_event = Wake()

        return init

    replaces(BranchWorkerPool, "__init__", digest="0d5f4fe34944")(waking(BranchWorkerPool.__init__))
    replaces(JobPool, "__init__", digest="c98073f00b46")(waking(JobPool.__init__))

    @replaces(BranchWorker, "start", digest="4fad4c70e4ab")
    def start_branch(self: Any) -> None:
        def routine() -> None:
            self._program.eval(self.env)
            self._branch_worker_comm.on_terminated(env=self.env)

        threads.start_busy(aws.clock, routine)

    @replaces(InlineIterationComponent, "_launch_worker", digest="5836af819d2c")
    def launch_worker(self: Any, env: Any, eval_input: Any, job_pool: Any) -> Any:
        worker = self._create_worker(env=env, eval_input=eval_input, job_pool=job_pool)
        threads.start_busy(aws.clock, worker.eval)
        return worker

    @replaces(BranchWorkerPool, "wait", digest="79d1f271c08f")
    def await_branches(self: Any) -> None:
        aws.clock.sleep_until(FOREVER, wake=self._termination_event, resting=True)

    @replaces(JobPool, "await_jobs", digest="ddba33bdaf02")
    def await_jobs(self: Any) -> None:
        if not self._is_terminated():
            await_branches(self)

    iterate = InlineIterationComponent._eval_body

    @replaces(InlineIterationComponent, "_eval_body", digest="add0aaad3eb2")
    def eval_body(self: Any, env: Any) -> None:
        eval_input = env.stack[-1]
        eval_input.max_concurrency = min(eval_input.max_concurrency or _INLINE_MAP_CONCURRENCY, _INLINE_MAP_CONCURRENCY)
        try:
            iterate(self, env)
        except Exception:
            for frame in list(env._frames):
                frame.set_stop(stop_date=aws.clock.now(), cause=None, error=None)
            raise
