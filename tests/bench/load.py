"""A load that nobody tuned for: `make bench`, or `python -m tests.bench.load [RUNS]` with other than 20,000 runs.

So many runs, four at a time, and then a thousand starts at once of which ten are of the same slot. The server is a
process of its own, asked over HTTP; the handler writes its slot into a file, so that effects are counted by nobody who
takes part. A run's time is from its start until its row is final, as a client sees it.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

import definitions
from orchestrator import deployment
from orchestrator.deployment import Application
from orchestrator.deployment.discovery import discover
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from orchestrator.tasks.slots import key

STACK = Stack(name="load")
RUNS = 20_000
#: Runs after which all is warm.
FIRST = 1_000
AT_ONCE = 1_000
DUPLICATES = 10
#: Runs of the long load at a time.
SIDE_BY_SIDE = 4

HANDLER = """
def handler(event, context):
    with open(event["params"]["file"], "a") as file:
        file.write(event["slot"] + "\\n")
"""

TASKS = "tasks:\n  t: {{run: lambda/work, overlap: allow_all, grace: 3650d, params: {{file: {effects}}}}}\n"


def serve(folder: Path) -> None:
    """Until nobody listens any more."""
    lambdas = folder / "lambdas"
    lambdas.mkdir()
    (lambdas / "__init__.py").write_text("")
    (lambdas / "work.py").write_text(HANDLER)
    (folder / "tasks.yaml").write_text(TASKS.format(effects=folder / "effects"))
    machines = {"TaskRunner": definitions.ALL["TaskRunner"](STACK)}
    application = Application(stack=STACK, definitions=machines, functions=discover(lambdas, {}), lambdas=lambdas)
    tasks = application.load_tasks(folder / "tasks.yaml", datetime.now(UTC).date())
    with EmbeddedAws() as aws:
        applied = deployment.apply(
            aws.client, application, tasks, deployer=deployment.Deployer(sleep=lambda seconds: None)
        )
        sys.stdout.write(json.dumps({"endpoint": aws.endpoint, "runner": applied.outputs["TaskRunnerArn"]}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


class Load:
    """Starts runs of the one task, each of a slot of its own."""

    def __init__(self, endpoint: str, runner: str, server: int) -> None:
        self._runner, self._server = runner, server
        config = Config(max_pool_connections=AT_ONCE, retries={"total_max_attempts": 10})
        session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
        self.states: Any = session.client("stepfunctions", endpoint_url=endpoint, config=config)
        self.dynamodb: Any = session.client("dynamodb", endpoint_url=endpoint, config=config)

    def start(self, number: int) -> str:
        slot = key(datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=number))
        given = json.dumps({"taskId": "t", "scheduledTime": slot})
        return str(self.states.start_execution(stateMachineArn=self._runner, input=given)["executionArn"])

    def end(self, execution: str) -> str:
        while (status := self.states.describe_execution(executionArn=execution)["status"]) == "RUNNING":
            time.sleep(0.02)
        return str(status)

    def run(self, number: int) -> float:
        """Seconds."""
        began = time.monotonic()
        assert self.end(self.start(number)) == "SUCCEEDED"
        return time.monotonic() - began

    @property
    def megabytes(self) -> float:
        """Of the server that are in memory."""
        status = Path(f"/proc/{self._server}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def rows(self) -> Counter[str]:
        """By status."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=STACK.runs_table)
        return Counter(row["status"]["S"] for page in pages for row in page["Items"])


def in_a_row(load: Load, runs: int, say: Callable[[str], object]) -> None:
    """Says what is so after the first thousand, and after each tenth."""
    marks = sorted({0, min(FIRST, runs), *(runs * tenth // 10 for tenth in range(1, 11))})
    for first, last in pairwise(marks):
        began = time.monotonic()
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            times = sorted(pool.map(load.run, range(first, last)))
        milliseconds = [1000 * one for one in (statistics.median(times), times[int(len(times) * 0.99)])]
        say(
            f"  {last:7,} runs   {(last - first) / (time.monotonic() - began):5.1f} runs/s"
            f"   p50 {milliseconds[0]:4.0f} ms   p99 {milliseconds[1]:5.0f} ms   {load.megabytes:4.0f} MB"
        )


def at_once(load: Load, first: int, say: Callable[[str], object]) -> None:
    began = time.monotonic()
    numbers = [first + number // DUPLICATES for number in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        started = list(pool.map(load.start, numbers))
    ends = Counter(map(load.end, started))
    say(f"  {AT_ONCE:,} starts at once, {dict(ends)}, in {time.monotonic() - began:.0f} s   {load.megabytes:4.0f} MB")


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]))
        return
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS

    def say(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.load", "serve", folder]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            load = Load(**json.loads(server.stdout.readline()), server=server.pid)
            say(f"{runs:,} runs in a row, {SIDE_BY_SIDE} at a time; {load.megabytes:.0f} MB before the first")
            in_a_row(load, runs, say)
            at_once(load, runs, say)
            effects = Counter((Path(folder) / "effects").read_text().split())
            rows = load.rows()
            slots = runs + AT_ONCE // DUPLICATES
            kept = effects.total() == len(effects) == rows["SUCCEEDED"] == rows.total() == slots
            say(
                f"  {slots:,} slots, {effects.total():,} effects of {len(effects):,} of them, rows {dict(rows)}:"
                f" {'as promised' if kept else 'WRONG'}"
            )
            server.stdin.close()


if __name__ == "__main__":
    main()
