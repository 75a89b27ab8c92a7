"""The embedded AWS, started, deployed into with the code that deploys to AWS, and filled with samples."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from orchestrator import deployment
from orchestrator.deployment import Application, Applied
from orchestrator.local import samples
from orchestrator.local.aws.clock import Clock, RealClock, VirtualClock
from orchestrator.local.aws.scheduler.delivery import Delivery
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from orchestrator.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class Session:
    """What runs."""

    aws: EmbeddedAws
    stack: Stack
    tasks: tuple[Task, ...]
    applied: Applied


@contextmanager
def started(
    application: Application, file: Path, *, port: int, clock: Clock, say: Callable[[str], object]
) -> Iterator[Session]:
    """The embedded AWS with everything deployed; time stands (or passes as it really does) until then.

    Raises InvalidTaskFile, before anything is started, and PortInUse.
    """
    stack = application.stack
    declared = application.load(file, clock.now().date())
    with _tidy_end(), clock.busy(), EmbeddedAws(port=port, clock=clock) as aws, _environment(aws.environment):
        bucket = f"{stack.name}-data-{aws.account}-{aws.region}"
        applied = deployment.apply(
            aws.client,
            application,
            declared.tasks,
            destinations=declared.destinations,
            settings=deployment.StackSettings(mail_from=samples.MAIL_FROM, site_url=samples.site_url(aws, bucket)),
            deployer=deployment.Deployer(now=clock.now, sleep=lambda seconds: None, progress=say),
        )
        samples.seed(aws, stack, bucket, clock.now(), application.lambdas.parent / "samples")
        yield Session(aws=aws, stack=stack, tasks=declared.tasks, applied=applied)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets environment variables for AWS clients that this process makes, and puts everything back afterwards."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _tidy_end() -> Iterator[None]:
    """What ends the process, a closed terminal too, ends it as Ctrl-C does: no process and no folder is left."""

    def leave(number: int, frame: FrameType | None) -> None:
        for one in before:
            signal.signal(one, signal.SIG_IGN)
        raise SystemExit(128 + number)

    ending = (signal.SIGHUP, signal.SIGTERM)
    # Only the main thread hears signals, and under nohup nobody hangs up.
    hears = threading.current_thread() is threading.main_thread()
    heard = [one for one in ending if hears and signal.getsignal(one) is not signal.SIG_IGN]
    before = {one: signal.signal(one, leave) for one in heard}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def serve(
    application: Application,
    file: Path,
    *,
    port: int,
    speed: float | None,
    begin: datetime | None,
    say: Callable[[str], object],
) -> None:
    """Serves until it is interrupted."""
    virtual = speed is not None or begin is not None
    clock: Clock = VirtualClock(begin or datetime.now(UTC), speed=speed or 1) if virtual else RealClock()
    with started(application, file, port=port, clock=clock, say=lambda line: None) as session:
        say(_welcome(session))

        def tell(delivery: Delivery) -> None:
            say(f"{delivery.slot:%Y-%m-%d %H:%M}  {delivery.schedule}  {delivery.error or 'started'}")

        session.aws.scheduler.listeners.append(tell)
        for_ever = threading.Event()
        while True:
            clock.sleep(3600, wake=for_ever, resting=True)


def _welcome(session: Session) -> str:
    """Where it is, and commands to copy."""
    exports = "\n".join(f"export {name}={value}" for name, value in session.aws.environment.items())
    runner = session.applied.outputs["TaskRunnerArn"]
    first = session.tasks[0].id if session.tasks else "TASK"
    stack = session.stack
    return f"""\
{stack.name} is up on {session.aws.endpoint}, with {len(session.tasks)} tasks. Ctrl-C ends it.

In another terminal:

{exports}

.venv/bin/orchestrator tasks
.venv/bin/orchestrator start {first} --wait
.venv/bin/orchestrator runs
aws stepfunctions start-execution --state-machine-arn {runner} --input '{{"taskId":"{first}"}}'
aws stepfunctions list-executions --state-machine-arn {runner}
aws scheduler list-schedules --group-name {stack.schedule_group}
aws dynamodb scan --table-name {stack.runs_table}
"""
