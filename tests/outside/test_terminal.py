"""What a person sees in a terminal: a run that is waited for, what `orchestrator local` prints of it, a debugger."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from tests.outside.running import Running

COMMAND = [sys.executable, "-c", "import sys; from orchestrator.cli.main import main; sys.exit(main())"]


class Terminal:
    """A command that somebody has typed, and looks at; when they look away, it is over."""

    def __init__(self, up: Running, *arguments: str) -> None:
        self._screen, its = pty.openpty()
        environment = {**os.environ, **up.environment, "TERM": "xterm", "COLUMNS": "80"}
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=up.folder,
            env=environment,
            stdin=its,
            stdout=its,
            stderr=its,
            start_new_session=True,
        )
        os.close(its)
        self.seen = ""

    def until(self, look: Callable[[str], bool], seconds: float = 60) -> str:
        """What has been shown when ``look`` is content with it."""
        end = time.monotonic() + seconds
        while not look(self.seen):
            assert time.monotonic() < end, self.seen
            try:
                self.seen += os.read(self._screen, 65536).decode(errors="replace")
            except OSError:
                # The command has ended.
                break
        assert look(self.seen), self.seen
        return self.seen

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(30)
        os.close(self._screen)

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    def end(self) -> int:
        """The exit code."""
        while self.process.poll() is None:
            try:
                self.seen += os.read(self._screen, 65536).decode(errors="replace")
            except OSError:
                break
        return self.process.wait(30)


def plain(screen: str) -> str:
    """Without colours and the movements of the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen)


def test_a_run_that_is_waited_for_shows_where_it_is_and_goes_on_after_ctrl_c(real: Running) -> None:
    with Terminal(real, "--local", "start", "slow", "--wait") as typed:
        typed.until(lambda seen: "slow: InvokeLambda, " in plain(seen))
        # To whoever is in the foreground, as a terminal does it.
        os.killpg(typed.process.pid, signal.SIGINT)
        assert typed.end() == 130
    said = re.search(r"The run goes on\. Look at it: +orchestrator show slow (\S+)", plain(typed.seen))
    assert said, typed.seen
    assert f"orchestrator stop slow {said[1]}" in plain(typed.seen)
    (row,) = real.until(lambda: [one for one in real.runs("slow") if one["status"] == "SUCCEEDED"] or None)
    assert row["slot"] == said[1]
    # And what serves it has printed what became of it.
    told = re.compile(rf"slow +{re.escape(said[1])} +SUCCEEDED +\d+\.\d s")
    real.until(lambda: any(map(told.search, real.lines)))


def test_a_handler_stops_in_the_debugger_where_it_raises(real: Running) -> None:
    with Terminal(real, "invoke", "greeting", "--param", "name=Eve", "--pdb") as typed:
        typed.until(asked)
        typed.type("p name + '?'\n")
        typed.until(lambda seen: "'Eve?'" in seen)
        typed.type("q\n")
        assert typed.end() == 1
    assert "KeyError: 'naem'" in plain(typed.seen)


def test_a_handler_stops_where_it_says_breakpoint(real: Running) -> None:
    with Terminal(real, "invoke", "greeting", "--param", "name=stop") as typed:
        typed.until(asked)
        typed.type("p event['taskId'] + '?'\n")
        typed.until(lambda seen: "'greeting?'" in seen)
        typed.type("c\n")
        assert typed.end() == 0
    assert "Hello!" in plain(typed.seen)


def asked(seen: str) -> bool:
    return plain(seen).rstrip().endswith("(Pdb)")
