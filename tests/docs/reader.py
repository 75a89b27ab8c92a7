"""A reader who follows a page in a copy of the project, with the embedded AWS in a process of its own."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.docs.pages import ORCHESTRATOR, ChangedFile, Command, WrittenFile, differs, steps
from tests.testbed import ROOT, UNFINISHED
from tests.testbed.processes import begun

#: The folders and files that a checkout has for a reader.
_PROJECT = ("definitions", "lambdas", "orchestrator", "samples", "deploy.py", "tasks.yaml", "tasks.schema.json")

#: How the command is run in a copy, where there is no virtual environment.
COMMAND = [sys.executable, "-W", "ignore", "-c", "import sys; from orchestrator.cli.main import main; sys.exit(main())"]

#: What needs no AWS, and is said by the page before anything is started.
_ALONE = frozenset({"--project", "forecast", "init", "preview", "schema", "validate"})


class Reader:
    """Does what a page says, and stops where it does not come true."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
        self._running = ExitStack()

    def follow(self, page: Path) -> int:
        """Every step of the page; how many commands were typed. Raises AssertionError at the first that differs.

        What lies beside the page of an example is copied over the project first.
        """
        if "examples" in page.parts:
            shutil.copytree(page.parent, self.folder, ignore=UNFINISHED, dirs_exist_ok=True)
        typed = 0
        for step in steps(page):
            if isinstance(step, WrittenFile | ChangedFile):
                self._write(step)
            elif self._type(step):
                typed += 1
        return typed

    def end(self) -> None:
        """Ends what the page has started."""
        self._running.close()

    def _write(self, file: WrittenFile | ChangedFile) -> None:
        path = self.folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.onto(path.read_text(encoding="utf-8") if path.exists() else ""), encoding="utf-8")

    def _type(self, command: Command) -> bool:
        words = shlex.split(command.line, comments=True)
        if words[0] == "make":
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), command.line
            return False
        if words[0] == "export":
            # The page names the port that is taken by default; here it is any that is free.
            given = dict(word.split("=", 1) for word in words[1:])
            self.environment |= {name: value for name, value in given.items() if name != "AWS_ENDPOINT_URL"}
            return False
        if words[:2] == [ORCHESTRATOR, "local"]:
            self._start(words[2:], command)
            return True
        if words[0] == ORCHESTRATOR and words[1] not in _ALONE and "AWS_ENDPOINT_URL" not in self.environment:
            self._start([], None)
        ran = subprocess.run(
            self._program(words), cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in ran.stderr, f"{command.line}\n{ran.stderr}"
        # Progress goes to stderr where stdout is no terminal.
        said = ran.stdout or ran.stderr
        assert command.shown or ran.returncode == 0, f"{command.line}\n{said}"
        assert not command.shown or differs(command.shown, said) is None, (
            f"{command.line}\n{differs(command.shown, said)}"
        )
        return True

    def _program(self, words: list[str]) -> list[str]:
        if words[0] == ORCHESTRATOR:
            return [*COMMAND, *words[1:]]
        if words[0] == "aws":
            return [sys.executable, "-W", "ignore", "-m", "awscli", *words[1:]]
        assert words[0] in ("python", ".venv/bin/python"), f"no test knows how to run {words[0]!r}"
        return [sys.executable, *words[1:]]

    def _start(self, options: list[str], command: Command | None) -> None:
        """`orchestrator local`, on a port that is free; whatever ran before has ended."""
        self.end()
        process = self._running.enter_context(
            begun([*COMMAND, "local", "--port", "0", *options], cwd=self.folder, env=self.environment)
        )
        assert process.stdout is not None
        first = process.stdout.readline()
        endpoint = re.search(r"http://127\.0\.0\.1:\d+", first)
        assert endpoint is not None, first
        if command is not None:
            assert first.strip() == command.shown[0].replace("http://127.0.0.1:4566", endpoint[0]), first
        self.environment |= {
            "AWS_ENDPOINT_URL": endpoint[0],
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "embedded",
            "AWS_SECRET_ACCESS_KEY": "embedded",
            "ORCHESTRATOR_WITHOUT_DEPENDENCIES": "1",
        }

        def stop() -> None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)

        self._running.callback(stop)


@contextmanager
def reader(folder: Path) -> Iterator[Reader]:
    """One in a fresh copy of the project below ``folder``, with what Python has compiled of it."""
    for name in _PROJECT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=UNFINISHED)
        else:
            shutil.copy(source, folder / name)
    made = Reader(folder)
    try:
        yield made
    finally:
        made.end()
