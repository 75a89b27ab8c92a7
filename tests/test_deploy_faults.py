"""What goes wrong on AWS while a person deploys: the command says where, what, and what to try, and by its exit code
that it was AWS; and the next one finishes the job.

Each command meets the fault over HTTP. One of them is a process of its own here, which a person interrupts, and so are
those that the proof adds; the others run in this process, where nobody waits before a call is tried again.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import definitions
import deploy
from orchestrator.cli import deploying
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from orchestrator.stores.registry import Registry
from tests.testbed.processes import begun
from tests.testbed.proxy import Answer, Call, ConnectionLost, FaultyAws, faulty, query_result

ROOT = Path(deploy.__file__).parent
STACK = Stack()

# A queue has nobody who would have to confirm first.
ALERTS = "alerts: {to: [{sqs: 'arn:aws:sqs:us-east-1:123456789012:pager'}]}\n"
TASKS = f"{ALERTS}tasks:\n" + "".join(
    f"  task-{number}: {{run: lambda/report-generator, schedule: 'cron({number} 2 * * ? *)'}}\n" for number in range(12)
)

Ran = subprocess.CompletedProcess[str]
Deploy = Callable[..., Ran]


@pytest.fixture
def faults(aws: EmbeddedAws) -> Iterator[FaultyAws]:
    with faulty(aws.endpoint) as proxy:
        yield proxy


def environment(aws: EmbeddedAws, endpoint: str, tmp_path: Path) -> dict[str, str]:
    """Of a person who has credentials, and nothing else of AWS on this machine."""
    nowhere = {"AWS_CONFIG_FILE": str(tmp_path / "no"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no")}
    return {**os.environ, **aws.environment, **nowhere, "AWS_ENDPOINT_URL": endpoint}


@pytest.fixture
def run(
    aws: EmbeddedAws,
    faults: FaultyAws,
    tasks: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Deploy:
    """`deploy.py ARGUMENTS` with the faults in the way; environment variables that are None are not there."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)

    def run(*arguments: str, **variables: str | None) -> Ran:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (environment(aws, faults.endpoint, tmp_path) | variables).items():
                if value is None:
                    patch.delenv(name, raising=False)
                else:
                    patch.setenv(name, value)
            code = deploy.main([*arguments, "--tasks", str(tasks)])
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out, said.err)

    return run


@pytest.fixture
def run_process(aws: EmbeddedAws, faults: FaultyAws, tasks: Path, tmp_path: Path) -> Deploy:
    """The same as a process of its own."""

    def run(*arguments: str) -> Ran:
        return subprocess.run(
            [sys.executable, ROOT / "deploy.py", *arguments, "--tasks", str(tasks)],
            env=environment(aws, faults.endpoint, tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def refusing(operation: str, status: int, code: str, message: str) -> Callable[[Call], Answer | None]:
    return lambda call: call.refused(status, code, message) if call.operation == operation else None


def test_without_credentials(run: Deploy, faults: FaultyAws) -> None:
    ran = run("apply", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, AWS_EC2_METADATA_DISABLED="true")
    assert (ran.returncode, ran.stdout) == (3, "")
    assert ran.stderr.startswith("Unable to locate credentials; log in (`aws sso login`), or set AWS_PROFILE")
    assert faults.calls.total() == 0


def test_with_a_token_that_has_expired(run: Deploy, faults: FaultyAws) -> None:
    said = "The security token included in the request is expired"
    faults.fault = lambda call: call.refused(403, "ExpiredToken", said)
    ran = run("apply")
    assert ran.returncode == 3
    assert ran.stderr.startswith(
        f"AWS refused DescribeStacks: ExpiredToken: {said} (the credentials have expired: log in (`aws sso login`)"
    )


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ("us east 1", "AWS_REGION is to be the name of a region, like us-east-1"),
        ("us-eats-1", "us-eats-1 is no region that boto3 knows (did you mean us-east-1?)"),
    ],
)
def test_in_a_region_that_does_not_exist(
    tasks: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], region: str, said: str
) -> None:
    def resolve(host: str, *_: object, **__: object) -> Any:
        raise OSError(f"no such host: {host}")

    # The name service says so; no test may ask a real one.
    monkeypatch.setattr("socket.getaddrinfo", resolve)
    monkeypatch.setattr(deploying, "ATTEMPTS", 1)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, region)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    assert deploy.main(["plan", "--tasks", str(tasks), "--without-dependencies"]) == 3
    assert said in capsys.readouterr().err


def test_in_a_region_that_the_account_has_not_enabled(run: Deploy, faults: FaultyAws) -> None:
    said = "The security token included in the request is invalid"
    faults.fault = lambda call: call.refused(403, "InvalidClientTokenId", said)
    ran = run("plan", AWS_REGION="ap-east-2", AWS_DEFAULT_REGION="ap-east-2")
    assert ran.returncode == 3
    assert "AWS does not know these credentials, or not in this region" in ran.stderr


def test_without_a_permission(run: Deploy, faults: FaultyAws) -> None:
    lacking = (
        "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: scheduler:CreateSchedule on resource:"
        " arn:aws:scheduler:us-east-1:123456789012:schedule/orchestrator-dev/task-0-1 because no identity-based policy"
        " allows the scheduler:CreateSchedule action"
    )
    faults.fault = refusing("CreateSchedule", 403, "AccessDeniedException", lacking)
    ran = run("apply")
    assert ran.returncode == 3
    assert ran.stderr == (
        f"AWS refused CreateSchedule: AccessDeniedException: {lacking} (the credentials lack this permission)\n"
    )


def test_a_stack_whose_creation_failed_and_cannot_be_undone(run: Deploy, faults: FaultyAws, aws: EmbeddedAws) -> None:
    aws.client("cloudformation").create_stack(StackName=STACK.name, TemplateBody='{"Resources": {}}')
    (stack,) = aws.backend("cloudformation").stacks.values()
    stack.status = "ROLLBACK_FAILED"
    for command in ("plan", "apply"):
        ran = run(command)
        assert ran.returncode == 1
        assert ran.stderr == (
            "stack orchestrator-dev is in ROLLBACK_FAILED: its creation failed, and something that it made could not be"
            " deleted; delete the stack (`orchestrator destroy`), then deploy again\n"
        )
    assert set(faults.calls) == {"DescribeStacks"}


def test_a_name_that_is_taken(run: Deploy, faults: FaultyAws) -> None:
    reason = "Resource of type 'AWS::DynamoDB::Table' with identifier 'orchestrator-dev-TaskRuns' already exists."
    executed = threading.Event()

    def taken(call: Call) -> Answer | None:
        if call.operation == "ExecuteChangeSet" and call.number == 2:
            executed.set()
            return query_result(call.operation, "")
        if not executed.is_set():
            return None
        if call.operation == "DescribeStacks":
            stack = f"""<StackId>1</StackId><StackName>{STACK.name}</StackName>
                <CreationTime>2026-12-01T00:00:00Z</CreationTime><StackStatus>UPDATE_ROLLBACK_COMPLETE</StackStatus>"""
            return query_result(call.operation, f"<Stacks><member>{stack}</member></Stacks>")
        event = f"""<EventId>failed</EventId><StackId>1</StackId><StackName>{STACK.name}</StackName>
            <LogicalResourceId>TaskRuns</LogicalResourceId><ResourceType>AWS::DynamoDB::Table</ResourceType>
            <ResourceStatus>CREATE_FAILED</ResourceStatus><ResourceStatusReason>{reason}</ResourceStatusReason>
            <Timestamp>2026-12-01T00:00:00Z</Timestamp>"""
        return query_result(call.operation, f"<StackEvents><member>{event}</member></StackEvents>")

    faults.fault = taken
    ran = run("apply")
    assert ran.returncode == 1
    assert ran.stderr == (
        "stack orchestrator-dev is in UPDATE_ROLLBACK_COMPLETE: CREATE_FAILED TaskRuns (AWS::DynamoDB::Table):"
        f" {reason}; delete what has this name, or deploy another environment with --env\n"
    )


@pytest.mark.proof
def test_throttled_once_in_a_while_it_ends_well(run: Deploy, faults: FaultyAws) -> None:
    often = {"DescribeStacks", "UpdateItem", "CreateSchedule", "Scan"}

    def throttle(call: Call) -> Answer | None:
        if call.operation in often and call.number % 3 == 1:
            return call.refused(400, "ThrottlingException", "Rate exceeded")
        return None

    faults.fault = throttle
    ran = run("apply")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert faults.calls["CreateSchedule"] > TASKS.count("cron")
    assert ran.stdout.endswith("Deployed orchestrator-dev.\n")


def test_throttled_on_every_call_it_gives_up_and_says_so(run: Deploy, faults: FaultyAws) -> None:
    faults.fault = lambda call: call.refused(400, "Throttling", "Rate exceeded")
    ran = run("apply")
    assert ran.returncode == 3
    assert ran.stderr == (
        "AWS refused DescribeStacks: Throttling: Rate exceeded (it was tried again with growing delays; wait a minute,"
        " then repeat the command, which goes on from here)\n"
    )
    assert faults.calls == {"DescribeStacks": deploying.ATTEMPTS}


@pytest.mark.proof
def test_a_network_that_is_lost_in_the_middle(run_process: Deploy, faults: FaultyAws, aws: EmbeddedAws) -> None:
    def lose(call: Call) -> None:
        if faults.calls["CreateSchedule"] > 3:
            raise ConnectionLost

    faults.fault = lose
    ran = run_process("apply")
    assert ran.returncode == 3
    assert "is the network up?" in ran.stderr
    assert "Traceback" not in ran.stderr
    # Nobody could be told that the lock is free.
    faults.fault = lambda call: None
    assert "is being deployed by" in run_process("apply").stderr
    expired = {"id": {"S": "deployment"}, "holder": {"S": "the first"}, "expiration": {"N": "1"}}
    aws.client("dynamodb").put_item(TableName=STACK.table("Idempotency"), Item=expired)
    assert_that_the_next_one_finishes_the_job(run_process, faults)


def test_interrupted_by_a_person(run: Deploy, faults: FaultyAws, aws: EmbeddedAws, tasks: Path, tmp_path: Path) -> None:
    writing = threading.Event()

    def note(call: Call) -> None:
        if call.operation == "CreateSchedule":
            writing.set()

    faults.fault = note
    command = [sys.executable, str(ROOT / "deploy.py"), "apply", "--tasks", str(tasks)]
    with begun(command, env=environment(aws, faults.endpoint, tmp_path)) as process:
        assert writing.wait(60)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "\ninterrupted; the same command finishes what was begun\n")
    assert_that_the_next_one_finishes_the_job(run, faults)


@pytest.mark.proof
def test_two_at_once(run_process: Deploy, faults: FaultyAws, aws: EmbeddedAws, tasks: Path) -> None:
    writing, refused = threading.Event(), threading.Event()

    def wait(call: Call) -> None:
        if call.operation == "CreateSchedule":
            writing.set()
            assert refused.wait(60)

    faults.fault = wait
    results: list[Ran] = []
    first = threading.Thread(target=lambda: results.append(run_process("apply")))
    first.start()
    try:
        assert writing.wait(60)
        tasks.write_text(TASKS.replace("task-5", "another"))
        second = run_process("apply")
    finally:
        refused.set()
        first.join()
    assert (second.returncode, second.stdout) == (1, "")
    assert re.fullmatch(
        r"stack orchestrator-dev is being deployed by \S+ on \S+ \(\w{8}\); wait for its end, or, if it died, until"
        r" \d\d:\d\d \(UTC\), then deploy again\n",
        second.stderr,
    )
    assert (results[0].returncode, results[0].stderr) == (0, "")
    assert "task-5" in Registry(aws.client("dynamodb"), STACK).declared()


def test_a_definition_that_is_too_large(run: Deploy, faults: FaultyAws, monkeypatch: pytest.MonkeyPatch) -> None:
    large = replace(definitions.ALL["Backfill"](STACK), comment="x" * 1_048_577)
    monkeypatch.setitem(definitions.ALL, "Large", lambda stack: large)
    ran = run("apply")
    assert ran.returncode == 1
    assert ran.stderr.startswith("the definition “Large” would not run as written:\nit has 1,0")
    assert ran.stderr.endswith("bytes, at most 1,048,576 are allowed; split it\n")
    assert faults.calls.total() == 0


def assert_that_the_next_one_finishes_the_job(run: Deploy, faults: FaultyAws) -> None:
    faults.fault = lambda call: None
    ran = run("apply")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("Deployed orchestrator-dev.\n")
    ran = run("plan")
    assert (ran.returncode, ran.stdout) == (0, "orchestrator-dev is up to date.\n")
