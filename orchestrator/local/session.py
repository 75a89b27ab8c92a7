"""The embedded AWS, started, deployed into with the code that deploys to AWS, and filled with samples."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from orchestrator import deployment
from orchestrator.deployment import Application, Applied
from orchestrator.deployment.locking import KEY as LOCK_KEY
from orchestrator.errors import InvalidRow
from orchestrator.local import samples, stand_ins
from orchestrator.local.address import announced
from orchestrator.local.aws import environment, heap
from orchestrator.local.aws.clock import Clock, RealClock, VirtualClock
from orchestrator.local.aws.dynamodb import streams
from orchestrator.local.aws.kept.folder import ITEM, Kept
from orchestrator.local.aws.scheduler.delivery import Delivery
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.local.reloading import Source, reloaded
from orchestrator.runs.explanation import short, why
from orchestrator.runs.run import TERMINAL, Run
from orchestrator.stack import Stack
from orchestrator.tasks.schedule_names import task_of
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class Session:
    """A running embedded AWS with the stack on it."""

    aws: EmbeddedAws
    stack: Stack
    tasks: tuple[Task, ...]
    applied: Applied


@contextmanager
def started(
    application: Application,
    file: Path,
    *,
    port: int,
    clock: Clock,
    say: Callable[[str], object],
    keep: Kept | None = None,
) -> Iterator[Session]:
    """The embedded AWS with everything deployed; time stands (or passes as it really does) until then.

    ``keep`` is what it begins with, and where it keeps what is to outlive it.

    Raises InvalidTaskFile, before anything is started, and PortInUse.
    """
    application = application.on_its_own()
    stack = application.stack
    declared = application.load(file, clock.now().date())
    if keep:
        # Whoever deployed when the process was killed does so no longer.
        keep.remove(ITEM, stack.table("Idempotency"), json.dumps(LOCK_KEY))
    embedded = EmbeddedAws(port=port, clock=clock, keep=keep)
    with _tidy_end(), clock.busy(), embedded as aws, environment.applied(aws.environment):
        stand_ins.make(aws, application.jobs, application.lambdas.parent)
        bucket = f"{stack.name}-data-{aws.account}-{aws.region}"
        applied = deployment.apply(
            aws.client,
            application,
            declared.tasks,
            destinations=declared.destinations,
            settings=deployment.StackSettings(mail_from=samples.MAIL_FROM, site_url=samples.site_url(aws, bucket)),
            deployer=deployment.Deployer(now=clock.now, sleep=lambda seconds: None, progress=say),
        )
        if keep is None or keep.is_new:
            samples.seed(aws, stack, bucket, clock.now(), application.lambdas.parent / "samples")
        else:
            samples.verify_sender(aws)
        heap.trim()
        yield Session(aws=aws, stack=stack, tasks=declared.tasks, applied=applied)


@contextmanager
def _tidy_end() -> Iterator[None]:
    """Ends the process as Ctrl-C does whatever ends it, a closed terminal too: no process and no folder is left."""

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


def clock_of(speed: float | None, begin: datetime | None) -> Clock:
    """The machine's own time, or a virtual one if anything is said about it."""
    if speed is None and begin is None:
        return RealClock()
    return VirtualClock(begin or datetime.now(UTC), speed=speed or 1)


def serve(
    source: Source,
    *,
    port: int,
    clock: Clock,
    say: Callable[[str], object],
    console: Callable[[Stack], AbstractContextManager[str]],
    keep: Kept | None = None,
) -> None:
    """Serves until it is interrupted, and deploys each file that is saved; ``console`` shows a stack meanwhile, and
    gives the address of its pages.
    """
    files = source.look()
    application = source.project.application(source.stack)
    with (
        started(application, source.tasks, port=port, clock=clock, say=lambda line: None, keep=keep) as session,
        announced(source.project.root, session.aws.endpoint, session.stack.name),
        console(session.stack) as pages,
        _told(session, say),
        reloaded(source, session.aws, say, files),
    ):
        say(_welcome(session, pages))
        for_ever = threading.Event()
        while True:
            clock.sleep(3600, wake=for_ever, resting=True)


@contextmanager
def _told(session: Session, say: Callable[[str], object]) -> Iterator[None]:
    """Says what becomes of each run, and which slots could not be started."""

    def undelivered(delivery: Delivery) -> None:
        if delivery.error:
            say(f"{task_of(delivery.schedule)}  {key(delivery.slot)}  not started: {delivery.error}")

    def changed(stream: str, record: Mapping[str, Any]) -> None:
        images = record["dynamodb"]
        of_ledger = f":table/{session.stack.runs_table}/" in stream and "NewImage" in images
        if of_ledger and (line := _outcome(images.get("OldImage"), images["NewImage"])):
            say(f"{session.aws.clock.now():%H:%M:%S}  {line}")

    session.aws.scheduler.listeners.append(undelivered)
    silent = streams.on_change(changed)
    try:
        yield
    finally:
        silent()


def _outcome(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> str | None:
    """Returns the line for a change of a row that ends its run; None for other changes."""
    try:
        run, before = Run.from_item(new), Run.from_item(old) if old else None
    except InvalidRow as fault:
        return str(fault)
    if run.status not in TERMINAL or (before and (before.status, before.version) == (run.status, run.version)):
        return None
    took = "" if run.duration_seconds is None else f"{run.duration_seconds:.1f} s"
    return "  ".join(filter(None, (run.task_id, run.slot, run.status, took, short(why(run)))))


def _welcome(session: Session, pages: str) -> str:
    """Says where the embedded AWS listens, with commands to copy."""
    exports = "\n".join(f"export {name}={value}" for name, value in session.aws.environment.items())
    runner = session.applied.outputs["TaskRunnerArn"]
    first = session.tasks[0].id if session.tasks else "TASK"
    stack = session.stack
    return f"""\
{stack.name} is up on {session.aws.endpoint}, with {len(session.tasks)} tasks. Ctrl-C ends it.
Every task, slot and run: {pages}

In another terminal:

orchestrator --local tasks
orchestrator --local start {first} --wait
orchestrator --local runs

AWS's own tools find it, too:

{exports}

aws stepfunctions start-execution --state-machine-arn {runner} --input '{{"taskId":"{first}"}}'
aws stepfunctions list-executions --state-machine-arn {runner}
aws scheduler list-schedules --group-name {stack.schedule_group}
aws dynamodb scan --table-name {stack.runs_table}
"""
