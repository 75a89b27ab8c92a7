"""`orchestrator local` as a process, and what reaches it from outside: its command, and AWS's own clients.

The command runs in this process, with the environment, folder, output and exit code that it has in one of its own: to
start Python costs four times as much as what it does. The pages of documentation start each command as a reader does.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, TypeVar

import boto3
import pytest
from botocore.config import Config

from orchestrator.cli.main import main
from tests.testbed import ROOT, UNFINISHED
from tests.testbed.processes import begun

_ORCHESTRATOR = [sys.executable, "-c", "import sys; from orchestrator.cli.main import main; sys.exit(main())"]

#: A container, and the program that stands for it.
_STACK = """
ecs:
  contained:
    {cluster: jobs, taskDefinition: sleep, container: main, launchType: EC2, local: [sleep],
     command: ["{% $states.input.params.seconds %}"]}
"""

Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a command has answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> list[dict[str, Any]]:
        """Of a command with ``--json``: an object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(kw_only=True)
class Running:
    """`orchestrator local` in a process of its own, which may be killed and begun again."""

    #: Where its tasks.yaml and lambdas are; a test may put files here.
    folder: Path
    #: In which any command finds it.
    environment: dict[str, str]
    #: What is typed behind `orchestrator local`.
    options: tuple[str, ...]
    process: subprocess.Popen[str] = field(init=False)
    #: What it has printed so far, and what of that as errors.
    lines: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _clients: dict[str, Any] = field(default_factory=dict)
    _up: ExitStack = field(default_factory=ExitStack)

    def begin(self) -> None:
        """Returns when it is up; where it was before, if it was."""
        endpoint = self.environment.get("AWS_ENDPOINT_URL", ":0")
        command = [*_ORCHESTRATOR, "local", "--port", endpoint.rpartition(":")[2], "--tasks", "tasks.yaml"]
        its = {name: value for name, value in self.environment.items() if not name.startswith("AWS_")}
        self.process = self._up.enter_context(begun([*command, *self.options], cwd=self.folder, env=its))
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        threading.Thread(target=_drain, args=(self.process.stderr, self.errors), daemon=True).start()
        self.environment |= _exports(self.process.stdout, self.lines, self.errors)
        threading.Thread(target=_drain, args=(self.process.stdout, self.lines), daemon=True).start()

    def kill(self) -> None:
        """Ends it without a word, in the midst of whatever it does."""
        self.process.kill()
        self._up.close()

    def end(self) -> None:
        """Ends it as a person does, so that it clears away what it has made."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=20)
        self._up.close()

    def orchestrator(self, *arguments: str) -> Said:
        """What `orchestrator …` says in the folder."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in self.environment.items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            code = main([*arguments])
        return Said(code=code, out=out.getvalue(), err=err.getvalue())

    def client(self, service: str) -> Any:
        """AWS's SDK for Python, unmodified, for what is too fast, too much or too often for a command line."""
        if service in self._clients:
            return self._clients[service]
        names = {"region_name": "AWS_DEFAULT_REGION", "endpoint_url": "AWS_ENDPOINT_URL"}
        names |= {"aws_access_key_id": "AWS_ACCESS_KEY_ID", "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY"}
        # Nothing may be hidden by trying again.
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=1000)
        given = {name: self.environment[its] for name, its in names.items()}
        return self._clients.setdefault(service, boto3.client(service, config=config, **given))

    @property
    def task_runner(self) -> str:
        """The ARN of TaskRunner."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName="orchestrator-dev")["Stacks"]
        return str({one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}["TaskRunnerArn"])

    def execute(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Starts TaskRunner with an input; the execution at its end."""
        client = self.client("stepfunctions")
        arn = client.start_execution(stateMachineArn=self.task_runner, input=json.dumps(given))["executionArn"]

        def ended() -> dict[str, Any] | None:
            found = client.describe_execution(executionArn=arn)
            return None if found["status"] == "RUNNING" else dict(found)

        return self.until(ended)

    def items(self, table: str) -> list[dict[str, Any]]:
        """All of a table, as DynamoDB has them."""
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=f"orchestrator-dev-{table}")
        return [item for page in pages for item in page["Items"]]

    def statuses(self, task: str) -> dict[str, str]:
        """Of a task's runs, by their slots, as the ledger has them now."""
        items = (item for item in self.items("TaskRuns") if item["taskId"]["S"] == task)
        return {item["slot"]["S"]: item["status"]["S"] for item in items}

    def rows(self) -> dict[tuple[str, str], str]:
        """The status of every run, by its task and slot, as `orchestrator runs` shows it."""
        said = self.orchestrator("runs", "--limit", "1000", "--json")
        assert said.code == 0, said.err
        return {(row["taskId"], row["slot"]): row["status"] for row in said.json}

    def runs(self, task: str) -> list[dict[str, Any]]:
        """The rows of a task, the newest first."""
        said = self.orchestrator("runs", task, "--json", "--limit", "1000")
        assert said.code == 0, said.err
        return said.json

    def tasks(self) -> dict[str, dict[str, Any]]:
        """Every task as `orchestrator tasks` shows it, by its id."""
        said = self.orchestrator("tasks", "--json")
        assert said.code == 0, said.err
        return {one["taskId"]: one for one in said.json}

    def until(self, look: Callable[[], Found | None], seconds: float = 180) -> Found:
        """What ``look`` finds, as soon as it finds something. Raises AssertionError after so many real seconds."""
        end = time.monotonic() + seconds
        while not (found := look()):
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.2)
        return found


@contextmanager
def running(tasks: str, *options: str) -> Iterator[Running]:
    """`orchestrator local --port 0 …` with ``tasks`` as its tasks.yaml, up; it does not outlive the block."""
    with tempfile.TemporaryDirectory(prefix="outside-") as name, ExitStack() as up:
        folder = Path(name)
        project(folder, tasks)
        # The folder's own ``lambdas`` are found before the repository's; of all else there is only one.
        environment = {**_clean(), "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join([name, str(ROOT)])}
        # What the process leaves behind is seen here.
        environment["TMPDIR"] = str(folder / "temporary")
        found = Running(folder=folder, environment=environment, options=options, _up=up)
        found.begin()
        yield found
        found.end()


def project(folder: Path, tasks: str) -> None:
    """A copy of the project, its handlers with those of this folder, and a tasks.yaml."""
    for name in ("definitions", "lambdas", "samples"):
        shutil.copytree(ROOT / name, folder / name, ignore=UNFINISHED)
    shutil.copy(ROOT / "deploy.py", folder)
    shutil.copytree(Path(__file__).parent / "lambdas", folder / "lambdas", ignore=UNFINISHED, dirs_exist_ok=True)
    (folder / "temporary").mkdir()
    (folder / "tasks.yaml").write_text(tasks, encoding="utf-8")
    (folder / "stack.yaml").write_text(_STACK, encoding="utf-8")


def _exports(output: IO[str], lines: list[str], errors: list[str]) -> dict[str, str]:
    """What the process tells its user to export; it comes once everything is deployed."""
    found: dict[str, str] = {}
    for line in output:
        lines.append(line.rstrip("\n"))
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").strip().partition("=")
            found[name] = value
        elif found and not line.strip():
            return found
    raise AssertionError(f"orchestrator local did not start: {errors}")


def _drain(output: IO[str], lines: list[str]) -> None:
    for line in output:
        lines.append(line.rstrip("\n"))


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
