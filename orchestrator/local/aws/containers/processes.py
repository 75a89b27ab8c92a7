"""What runs in the place of a container: a process of this machine, or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import uuid
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestrator.local.aws import environment, offspring, threads
from orchestrator.local.aws.clock import Wake
from orchestrator.local.aws.lambda_ import logs
from orchestrator.local.aws.parts import Aws

#: What a job says of itself that nothing was run for.
NOTHING_RUN = "the embedded AWS runs no containers: this one has ended at once, and done nothing"

#: The variable by which what a container has begun is found.
_OF = "ORCHESTRATOR_CONTAINER"

#: How long whoever is asked to end may take ("Container definition parameters": ``stopTimeout``).
_GRACE_SECONDS = 30

#: How long the end of a log is waited for.
_READING_SECONDS = 5

#: So many runs are remembered.
REMEMBERED = 2000


@dataclass(frozen=True, kw_only=True)
class Program:
    """A command that stands for an image; arguments of a run follow it."""

    command: tuple[str, ...]
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Log:
    """Where what a container prints goes."""

    group: str
    stream: str


def written_status(first: str) -> property:
    """Returns a job's status for moto's object of it: what was written last, and ``first`` until then.

    moto's own goes by how often somebody has looked.
    """
    return property(lambda self: vars(self).get("_is", first), lambda self, value: setattr(self, "_is", value))


class Record(Protocol):
    """What a service keeps of a job."""

    def ended(self, container: Container) -> None:
        """Writes its end."""

    def forget(self) -> None:
        """Removes it."""


class Container:
    """One run."""

    def __init__(self) -> None:
        #: Set when it has ended, and whoever keeps record of it has written so.
        self.over = Wake()
        #: What it ended with; None until then, or if it could not be started.
        self.exit_code: int | None = None
        #: Why it did not begin, or that nothing was run.
        self.reason = ""
        #: Who ended it, if not itself.
        self.stopped = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._name = uuid.uuid4().hex
        #: Set when all that it has printed is in its log.
        self._read = threading.Event()

    def start(
        self, aws: Aws, program: Program, arguments: Sequence[str], variables: Mapping[str, str], log: Log
    ) -> bool:
        """Starts the process; False if there is no such program. Its AWS is this one."""
        # Nothing of an account of its user.
        plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        base = {**plain, **environment.variables(aws.endpoint)}
        try:
            self._process = subprocess.Popen(
                [*program.command, *arguments],
                cwd=program.folder,
                env=base | dict(variables) | {_OF: self._name},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as fault:
            self.reason = f"CannotStartContainerError: {fault}"
            return False
        if self.stopped:
            # Whoever stopped it while it was begun found no process yet.
            self._signal(signal.SIGTERM)
        printed = self._process.stdout
        assert printed is not None

        def read() -> None:
            with printed:
                for line in printed:
                    logs.append(aws, log.group, log.stream, [line.decode(errors="replace").rstrip("\n")])
            self._read.set()

        threads.start(read)
        return True

    def wait(self) -> None:
        """Returns when the process has ended, and with it all that it has begun, and its log is whole."""
        assert self._process is not None
        code = self._process.wait()
        self._signal(signal.SIGKILL)
        # As a container ends with all its processes, so does what has left the session.
        offspring.kill(_OF, self._name)
        self._read.wait(_READING_SECONDS)
        # As a shell counts what was ended by a signal.
        self.exit_code = 128 - code if code < 0 else code

    def stop(self, why: str, *, grace: float = _GRACE_SECONDS) -> None:
        """Asks the process to end, and ends it if it takes too long."""
        if self.over.is_set() or self.stopped:
            return
        self.stopped = why
        self._signal(signal.SIGTERM if grace else signal.SIGKILL)
        if grace:
            killing = threading.Timer(grace, self._signal, [signal.SIGKILL])
            killing.daemon = True
            killing.start()
            self.over.then(killing.cancel)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)


class Containers:
    """All of them, by the ids of their jobs, and the programs that stand for images."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        #: By the kind and the name of what is run: ``ecs/rebuild-index`` is a family of task definitions.
        self.programs: dict[str, Program] = {}
        self._runs: OrderedDict[str, tuple[Container, Record]] = OrderedDict()

    def begin(
        self,
        job: str,
        name: str,
        *,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        log: Log,
        record: Record,
    ) -> Container:
        """Runs the program of ``name``, if there is one; at the end it is recorded before anybody is woken."""
        made = Container()
        self._runs[job] = (made, record)
        self._trim()

        def end() -> None:
            record.ended(made)
            made.over.set()

        def attend() -> None:
            made.wait()
            end()

        program = self.programs.get(name)
        if program is None:
            made.exit_code, made.reason = 0, NOTHING_RUN
            logs.append(self._aws, log.group, log.stream, [NOTHING_RUN])
            end()
        elif made.start(self._aws, program, arguments, variables, log):
            threads.start_busy(self._aws.clock, attend)
        else:
            end()
        return made

    def of(self, job: str) -> Container:
        """The run of a job. Raises KeyError."""
        return self._runs[job][0]

    def forget(self) -> None:
        """Ends all of them, and forgets the programs."""
        runs, self._runs = self._runs, OrderedDict()
        self.programs.clear()
        for run, _ in runs.values():
            run.stop("the embedded AWS ends", grace=0)
        for run, _ in runs.values():
            run.over.wait(_GRACE_SECONDS)

    def _trim(self) -> None:
        """Forgets the oldest that has ended, and whoever keeps record of it does so, too."""
        if len(self._runs) > REMEMBERED:
            oldest, (run, record) = next(iter(self._runs.items()))
            if run.over.is_set():
                del self._runs[oldest]
                record.forget()
            else:
                # It is looked at again when others have come.
                self._runs.move_to_end(oldest)
