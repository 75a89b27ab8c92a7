"""How fast TaskRunner runs on the embedded AWS, against moto as it comes: `make bench`.

Both run the same definition with the same forty tasks, started at once, in turn and in processes of their own. moto as
it comes has only JSONata plugged in, without which it runs nothing, and answers for Lambda itself, where the embedded
AWS runs a handler in a process.
"""

from __future__ import annotations

import io
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3

import definitions
from orchestrator.stack import Stack
from orchestrator.tasks.records import item_of
from orchestrator.tasks.task import Target, TargetKind, Task

RUNS = 40
ROUNDS = 3
#: Rows that the ledger of the third contestant holds already.
HISTORY = 100_000
STACK = Stack(name="bench")

Clients = Callable[[str], Any]


def set_up(clients: Clients) -> str:
    """The tables, the function and the state machine; the ARN of the last."""
    dynamodb, iam = clients("dynamodb"), clients("iam")
    for table, names in {STACK.tasks_table: ["taskId"], STACK.runs_table: ["taskId", "slot"]}.items():
        dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            KeySchema=[
                {"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ["HASH", "RANGE"], strict=False)
            ],
        )
    role = iam.create_role(RoleName="bench", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="bench", PolicyName="all", PolicyDocument=json.dumps(everything))
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("work.py", "def handler(event, context): return 1")
    clients("lambda").create_function(
        FunctionName=f"{STACK.function_prefix}work",
        Runtime="python3.13",
        Role=role,
        Handler="work.handler",
        Code={"ZipFile": bundle.getvalue()},
    )
    return str(
        clients("stepfunctions").create_state_machine(
            name=STACK.task_runner, definition=definitions.ALL["TaskRunner"](STACK).to_json(), roleArn=role
        )["stateMachineArn"]
    )


def fill(rows: int) -> None:
    """Puts rows into the ledger, past the API: over HTTP it would take minutes."""
    from moto.dynamodb.models import dynamodb_backends

    backend = dynamodb_backends["123456789012"]["us-east-1"]
    for number in range(rows):
        row = {"taskId": {"S": f"old-{number % 100}"}, "slot": {"S": f"{number:09}"}, "status": {"S": "SUCCEEDED"}}
        backend.put_item(STACK.runs_table, row)


def measure(clients: Clients, history: int = 0) -> dict[str, float]:
    """Runs per second, how many succeeded, and the process's largest size in MB."""
    machine = set_up(clients)
    fill(history)
    dynamodb, states = clients("dynamodb"), clients("stepfunctions")

    def batch(label: str, count: int) -> tuple[float, int]:
        for number in range(count):
            task = Task(id=f"{label}-{number}", target=Target(kind=TargetKind.LAMBDA, name="work"))
            dynamodb.put_item(TableName=STACK.tasks_table, Item=item_of(task))
        began = time.monotonic()
        waiting = [
            states.start_execution(
                stateMachineArn=machine, name=f"{label}-{number}", input=json.dumps({"taskId": f"{label}-{number}"})
            )["executionArn"]
            for number in range(count)
        ]
        ended: dict[str, str] = {}
        while waiting and time.monotonic() - began < 120:
            ended |= {arn: states.describe_execution(executionArn=arn)["status"] for arn in waiting}
            waiting = [arn for arn in waiting if ended[arn] == "RUNNING"]
            time.sleep(0.01)
        return time.monotonic() - began, list(ended.values()).count("SUCCEEDED")

    batch("warm", 2)
    seconds, succeeded = batch("run", RUNS)
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"runs_per_second": RUNS / seconds, "succeeded": succeeded, "peak_mb": size}


@contextmanager
def embedded() -> Iterator[Clients]:
    from orchestrator.local.aws.server import EmbeddedAws

    with EmbeddedAws() as aws:
        yield aws.client


@contextmanager
def moto_as_it_comes() -> Iterator[Clients]:
    import logging

    import moto.stepfunctions.parser.asl.jsonata.jsonata as bridge
    from jsonata import Jsonata
    from moto import mock_aws
    from moto.awslambda.models import LambdaFunction

    logging.disable(logging.CRITICAL)
    bridge._eval_jsonata = lambda expression: Jsonata(expression).evaluate(None)
    LambdaFunction._invoke_lambda = lambda self, event=None: ("1", False, "")
    os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield boto3.client


CONTESTANTS = {
    "embedded AWS": (embedded, 0),
    "moto as it comes": (moto_as_it_comes, 0),
    "embedded, 100,000 rows": (embedded, HISTORY),
}


def main() -> None:
    if len(sys.argv) > 1:
        contestant, history = CONTESTANTS[sys.argv[1]]
        with contestant() as clients:
            sys.stdout.write(json.dumps(measure(clients, history)))
        return
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
    for _ in range(ROUNDS):
        for name, measured in found.items():
            run = subprocess.run(
                [sys.executable, "-m", "tests.bench.runs", name], capture_output=True, text=True, check=True
            )
            measured.append(json.loads(run.stdout))
    sys.stdout.write(f"TaskRunner, {RUNS} runs at once, median of {ROUNDS}\n")
    speeds = {}
    for name, measured in found.items():
        medians = {key: statistics.median(one[key] for one in measured) for key in measured[0]}
        speeds[name] = medians["runs_per_second"]
        sys.stdout.write(
            f"  {name:24}{medians['runs_per_second']:6.1f} runs/s   {medians['succeeded']:.0f} of {RUNS} succeeded"
            f"   peak {medians['peak_mb']:.0f} MB\n"
        )
    plain, moto, full = speeds.values()
    sys.stdout.write(f"  {plain / moto:.1f} times as fast as moto; {full / plain:.2f} of that with a long history\n")


if __name__ == "__main__":
    main()
