"""A reader who follows a page in a copy of the project, with the embedded AWS in a process of its own."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.docs.pages import ORCHESTRATOR, ChangedFile, Command, WrittenFile, differs, steps
from tests.testbed import ROOT, UNFINISHED
from tests.testbed.processes import begun
from tests.testbed.typed import Shell

#: The folders and files that a checkout has for a reader.
_PROJECT = ("definitions", "lambdas", "orchestrator", "samples", "deploy.py", "tasks.yaml", "tasks.schema.json")

#: How what goes on is run in a copy, where there is no virtual environment.
_COMMAND = [
    sys.executable,
    "-W",
    "ignore",
    "-c",
    "import sys; from orchestrator.cli.main import main; sys.exit(main())",
]

#: What needs no AWS, and is said by the page before anything is started.
_ALONE = frozenset({"--project", "forecast", "init", "preview", "schema", "validate"})


#: What is deployed as soon as it is saved, while `orchestrator local` is up.
_DEPLOYED = re.compile(r"tasks\.yaml|stack\.yaml|lambdas/.*|definitions/.*")


class Reader:
    """Does what a page says, and stops where it does not come true."""

    def __init__(self, folder: Path, shell: Shell) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
        self._shell = shell
        self._running = ExitStack()
        self._process: subprocess.Popen[str] | None = None
        self._said: list[str] = []
        self._saved: set[str] = set()

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
        """Ends what a page has started."""
        self._process = None
        self._running.close()

    def _write(self, file: WrittenFile | ChangedFile) -> None:
        path = self.folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._process and _DEPLOYED.fullmatch(file.path.as_posix()):
            self._saved.add(file.path.as_posix())
        path.write_text(file.onto(path.read_text(encoding="utf-8") if path.exists() else ""), encoding="utf-8")

    def _until_deployed(self) -> None:
        """Returns when all that was saved is deployed, as a person waits before the next command."""
        end = time.monotonic() + 60
        while self._saved:
            assert time.monotonic() < end, f"{self._saved} are not deployed: {self._said}"
            time.sleep(0.05)
            for line in self._said:
                names, deployed, _ = line.partition(": deployed (")
                self._saved -= {*names.split(", ")} if deployed else set()
        self._said.clear()

    def _type(self, command: Command) -> bool:
        self._until_deployed()
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
        ran = self._shell.run(_program(words), self.folder, self.environment)
        assert "Traceback" not in ran.stderr, f"{command.line}\n{ran.stderr}"
        # Progress goes to stderr where stdout is no terminal.
        said = ran.stdout or ran.stderr
        assert command.shown or ran.returncode == 0, f"{command.line}\n{said}"
        assert not command.shown or differs(command.shown, said) is None, (
            f"{command.line}\n{differs(command.shown, said)}"
        )
        return True

    def _start(self, options: list[str], command: Command | None) -> None:
        """`orchestrator local`, on a port that is free; whatever ran before has ended."""
        self.end()
        process = self._running.enter_context(
            begun([*_COMMAND, "local", "--port", "0", *options], cwd=self.folder, env=self.environment)
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

        listening = threading.Thread(target=self._listen, args=(process,))
        listening.start()

        def stop() -> None:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
            listening.join()

        self._running.callback(stop)
        self._process = process

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self._said.extend(process.stdout)


def _program(words: list[str]) -> list[str]:
    """What is typed, whatever the page calls it."""
    if words[0] == ORCHESTRATOR:
        return ["orchestrator", *words[1:]]
    assert words[0] in ("aws", "python", ".venv/bin/python"), f"no test knows how to run {words[0]!r}"
    return [Path(words[0]).name, *words[1:]]


@contextmanager
def reader(folder: Path, shell: Shell) -> Iterator[Reader]:
    """One in a fresh copy of the project below ``folder``, with what Python has compiled of it."""
    for name in _PROJECT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=UNFINISHED)
        else:
            shutil.copy(source, folder / name)
    made = Reader(folder, shell)
    try:
        yield made
    finally:
        made.end()
