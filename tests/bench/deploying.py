"""What deploying 10,000 tasks costs: calls, seconds, CPU and memory, with the embedded AWS in a process of its own.

``python -m tests.bench.deploying [TASKS]``
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from deploy import PROJECT
from orchestrator import deployment
from orchestrator.deployment import Application
from orchestrator.deployment.bundles import Bundle
from orchestrator.deployment.quotas import REGISTRY_WRITES, SCHEDULE_WRITES
from orchestrator.local.aws import environment
from orchestrator.stack import Stack

STACK = Stack(name="bench")


def write_tasks(file: Path, count: int, *, timeout: str = "5m") -> None:
    """``timeout`` is that of the first task."""
    lines = ["tasks:"]
    for number in range(count):
        lines += [
            f"  task-{number:05}:",
            "    run: lambda/report-generator",
            f"    schedule: cron({number % 60} {number // 60 % 24} 1 1 ? *)",
            "    params: {number: " + str(number) + "}",
            f"    timeout: {timeout if number == 0 else '5m'}",
        ]
    file.write_text("\n".join(lines) + "\n")


@dataclass(frozen=True, kw_only=True)
class Frozen(Application):
    """Its functions as they are at the beginning: a source that is saved meanwhile does not make the plan differ."""

    code: dict[str, Bundle]

    @classmethod
    def from_sources(cls, stack: Stack) -> Frozen:
        found = PROJECT.application(stack)
        same = {field.name: getattr(found, field.name) for field in fields(found)}
        return cls(**same, code=found.bundles())

    def bundles(self) -> dict[str, Bundle]:
        return self.code


class Counted:
    """Clients whose calls are counted."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._session = boto3.Session()
        self._clients: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = client = self._session.client(service)
            client.meta.events.register("before-call", lambda model, **_: self.calls.update([model.name]))
        return self._clients[service]


class Measured:
    """A row of the table for each thing that is done."""

    def __init__(self, server: subprocess.Popen[str], clients: Counted) -> None:
        self._server = server
        self._clients = clients
        sys.stdout.write(f"  {'':24}{'seconds':>8}{'ours':>7}{'AWS':>7}{'calls':>8}{'peak':>8}\n")

    def __call__(self, name: str, work: Callable[[], object]) -> Any:
        calls = self._clients.calls
        calls.clear()
        began, ours, theirs = time.monotonic(), time.process_time(), self._cpu_of_server()
        result = work()
        seconds, ours, theirs = time.monotonic() - began, time.process_time() - ours, self._cpu_of_server() - theirs
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        most = ", ".join(f"{call} {count:,}" for call, count in calls.most_common(4))
        sys.stdout.write(
            f"  {name:24}{seconds:8.1f}{ours:7.1f}{theirs:7.1f}{sum(calls.values()):8,}{peak:5.0f} MB   {most}\n"
        )
        sys.stdout.flush()
        return result

    def _cpu_of_server(self) -> float:
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write("cpu\n")
        self._server.stdin.flush()
        return float(self._server.stdout.readline())


def serve() -> None:
    """The embedded AWS until the end of the input, whose every line asks for the seconds of CPU that it has taken."""
    from orchestrator.local.aws.server import EmbeddedAws

    with EmbeddedAws() as aws:
        sys.stdout.write(aws.endpoint + "\n")
        sys.stdout.flush()
        for _ in sys.stdin:
            sys.stdout.write(f"{time.process_time()}\n")
            sys.stdout.flush()


def _by_rates(count: int) -> float:
    """Seconds that a first apply takes where nothing holds it up but the rates of AWS's APIs, side by side."""
    return max(0.0, *(count / rate - 1 for rate in (REGISTRY_WRITES, SCHEDULE_WRITES)))


def main(count: int) -> None:
    command = [sys.executable, "-m", "tests.bench.deploying", "serve"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server,
    ):
        assert server.stdout
        os.environ |= environment.variables(server.stdout.readline().strip())
        application, file, clients = Frozen.from_sources(STACK), Path(folder, "tasks.yaml"), Counted()
        now = datetime.now(UTC)
        write_tasks(file, count)
        sys.stdout.write(f"{count:,} tasks, deployed to the embedded AWS (seconds of CPU: ours, and its)\n")
        measured = Measured(server, clients)
        tasks = measured("read tasks.yaml", lambda: application.load_tasks(file, now.date()))
        measured("first plan", lambda: deployment.plan(clients, application, tasks, now=now))
        measured("first apply", lambda: deployment.apply(clients, application, tasks))
        sys.stdout.write(f"  {'the rates of AWS alone':24}{_by_rates(count):8.1f}\n")
        made = measured("plan, nothing to do", lambda: deployment.plan(clients, application, tasks, now=now))
        assert made.is_empty, list(deployment.plan_lines(made))[:5]
        measured("apply, nothing to do", lambda: deployment.apply(clients, application, tasks))
        write_tasks(file, count, timeout="6m")
        tasks = application.load_tasks(file, now.date())
        measured("apply, a task changed", lambda: deployment.apply(clients, application, tasks))
        assert server.stdin
        server.stdin.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
