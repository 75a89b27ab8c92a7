"""What is saved in a project is deployed into its embedded AWS at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator import deployment
from orchestrator.deployment import Project
from orchestrator.deployment.workflows import forget
from orchestrator.errors import OrchestratorError
from orchestrator.local import stand_ins
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from orchestrator.taskfile.folder import STACK

#: Seconds between two looks at the files. A look at a hundred of them takes a millisecond.
POLL_SECONDS = 0.2

_FOLDERS = ("lambdas", "definitions")

#: Lines of a plan that tell what a person has changed; the schedules and versions that follow from it, they do not.
_TOLD = tuple(f"{sign} {what} " for sign in "+-~" for what in ("task", "definition", "alerts", "AWS::Lambda::Function"))

#: When a file was last written, in nanoseconds, and its size.
Seen = Mapping[Path, tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Source:
    """The files that a stack is deployed from."""

    project: Project
    stack: Stack
    #: The file of tasks.
    tasks: Path

    def look(self) -> Seen:
        """Looks at every file that a deployment may depend on."""
        found = {}
        folders = [self.project.root / name for name in _FOLDERS]
        for path in (
            self.tasks,
            self.project.root / STACK,
            *(path for folder in folders for path in folder.rglob("*")),
        ):
            if path.suffix == ".pyc" or path.name.startswith((".", "#")) or path.name.endswith("~"):
                # What Python and editors write beside the sources.
                continue
            try:
                about = path.stat()
            except OSError:
                continue
            if path.is_file():
                found[path] = (about.st_mtime_ns, about.st_size)
        return found


def differing(before: Seen, now: Seen) -> list[Path]:
    """Files that are new, gone or written anew."""
    return sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))


@contextmanager
def reloaded(source: Source, aws: EmbeddedAws, say: Callable[[str], object], deployed: Seen) -> Iterator[None]:
    """Deploys what changes, for as long as this lasts; ``deployed`` are the files before they were read for what is up,
    so that what was saved meanwhile is deployed, too.

    A mistake is said, and what was deployed last goes on. A run that goes on ends with the code that it began with.
    """
    over = threading.Event()
    watching = threading.Thread(target=_watch, args=(source, aws, say, over, deployed), daemon=True, name="reload")
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join(timeout=10)


def _watch(source: Source, aws: EmbeddedAws, say: Callable[[str], object], over: threading.Event, before: Seen) -> None:
    while not over.wait(POLL_SECONDS):
        now = source.look()
        if changed := differing(before, now):
            # An editor may write a file in several steps.
            while not over.wait(POLL_SECONDS / 4) and (later := source.look()) != now:
                changed, now = differing(before, later), later
            before = now
            say(_deploy(source, aws, changed))


def _deploy(source: Source, aws: EmbeddedAws, changed: list[Path]) -> str:
    """Deploys what has changed. Returns the result, in a line or more."""
    began, root = time.monotonic(), source.project.root
    names = ", ".join(path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path) for path in changed)
    try:
        with aws.clock.busy():
            forget(source.project.root)
            application = source.project.application(source.stack)
            stand_ins.make(aws, application.jobs, root)
            declared = application.load(source.tasks, aws.clock.now().date())
            applied = deployment.apply(
                aws.client,
                application,
                declared.tasks,
                destinations=declared.destinations,
                deployer=deployment.Deployer(now=aws.clock.now, sleep=lambda seconds: None),
            )
    except OrchestratorError as fault:
        return f"{fault}\n{names}: not deployed; what was deployed last goes on"
    except Exception as fault:
        # Whatever a project's code does, the stack that is up stays up.
        return f"{type(fault).__name__}: {fault}\n{names}: not deployed; what was deployed last goes on"
    if not applied.changed:
        return f"{names}: nothing to deploy"
    # Of code that changes, the plan has a parameter that names it: the files say as much.
    lines = (line for line in deployment.plan_lines(applied.plan) if line.startswith(_TOLD))
    return "\n  ".join([f"{names}: deployed ({time.monotonic() - began:.2f} s)", *lines])
