"""What runs in the place of a container: a process of this machine, or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator.local.aws import environment, threads
from orchestrator.local.aws.clock import Wake
from orchestrator.local.aws.lambda_ import logs
from orchestrator.local.aws.parts import Aws

#: What a job says of itself that nothing was run for.
NOTHING_RUN = "the embedded AWS runs no containers: this one has ended at once, and done nothing"

#: How long whoever is asked to end may take ("Container definition parameters": ``stopTimeout``).
_GRACE_SECONDS = 30

#: So many that have ended are remembered.
_REMEMBERED = 2000


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

    def start(
        self, aws: Aws, program: Program, arguments: Sequence[str], variables: Mapping[str, str], log: Log
    ) -> bool:
        """Starts the process; False if there is no such program. Its AWS is this one."""
        base = {**os.environ, **environment.variables(aws.endpoint)}
        try:
            self._process = subprocess.Popen(
                [*program.command, *arguments],
                cwd=program.folder,
                env=base | dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as fault:
            self.reason = f"CannotStartContainerError: {fault}"
            return False
        printed = self._process.stdout
        assert printed is not None

        def read() -> None:
            with printed:
                for line in printed:
                    logs.append(aws, log.group, log.stream, [line.decode(errors="replace").rstrip("\n")])

        threads.start(read)
        return True

    def wait(self) -> None:
        """Returns when the process has ended, and with it all that it has begun."""
        assert self._process is not None
        code = self._process.wait()
        self._signal(signal.SIGKILL)
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
        self._runs: OrderedDict[str, Container] = OrderedDict()

    def begin(
        self,
        job: str,
        name: str,
        *,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        log: Log,
        ended: Callable[[Container], None],
    ) -> Container:
        """Runs the program of ``name``, if there is one; ``ended`` is called at the end, before anybody is woken."""
        made = self._runs[job] = Container()
        for old in list(self._runs)[:-_REMEMBERED]:
            if self._runs[old].over.is_set():
                del self._runs[old]

        def end() -> None:
            ended(made)
            made.over.set()

        def attend() -> None:
            # Somebody works: time passes as it really does.
            with self._aws.clock.busy():
                made.wait()
                end()

        program = self.programs.get(name)
        if program is None:
            made.exit_code, made.reason = 0, NOTHING_RUN
            logs.append(self._aws, log.group, log.stream, [NOTHING_RUN])
            end()
        elif made.start(self._aws, program, arguments, variables, log):
            threads.start(attend)
        else:
            end()
        return made

    def of(self, job: str) -> Container:
        """The run of a job. Raises KeyError."""
        return self._runs[job]

    def forget(self) -> None:
        """Ends all of them, and forgets the programs."""
        runs, self._runs = self._runs, OrderedDict()
        self.programs.clear()
        for run in runs.values():
            run.stop("the embedded AWS ends", grace=0)
        for run in runs.values():
            run.over.wait(_GRACE_SECONDS)
