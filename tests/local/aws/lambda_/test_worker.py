"""What handlers can do to the process that they run in: each gets the answer of AWS, and the next run its own."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.local.aws.lambda_ import starting, worker
from orchestrator.local.aws.lambda_.processes import Process
from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.conduct import CASES, EXIT, OF_MEMORY, Case, source
from tests.testbed.sources import create

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not say how much memory a process has")


class Deployed:
    """A function, invoked by a plain client."""

    def __init__(self, aws: EmbeddedAws, name: str, role: str, code: str) -> None:
        self.name, self.lambda_ = name, aws.client("lambda")
        create(self.lambda_, name, code, role, Timeout=1, MemorySize=128)

    def __call__(self, **event: Any) -> tuple[Any, str | None, str]:
        """The result, or the error's name and message."""
        answer = self.lambda_.invoke(FunctionName=self.name, Payload=json.dumps(event))
        payload = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            return None, payload["errorType"], payload["errorMessage"]
        return payload, None, ""


@pytest.fixture(scope="module")
def role(embedded_aws: EmbeddedAws) -> Iterator[str]:
    iam = embedded_aws.client("iam")
    yield iam.create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    embedded_aws.reset()


@pytest.fixture(scope="module")
def function(embedded_aws: EmbeddedAws, role: str) -> Deployed:
    return Deployed(embedded_aws, "f", role, source())


def check(function: Deployed, name: str, case: Case) -> None:
    result, error, message = function(case=name)
    assert (result, error) == (case.result, case.error), message
    assert re.search(case.message, message)
    for number in range(2):
        assert function(own=f"{name} {number}") == ({"own": f"{name} {number}"}, None, "")


@pytest.mark.parametrize("name", CASES)
def test_a_handler_is_answered_as_on_aws_and_the_next_run_has_its_own_answer(function: Deployed, name: str) -> None:
    check(function, name, CASES[name])


@linux
@pytest.mark.parametrize("name", OF_MEMORY)
def test_a_handler_has_no_more_memory_than_its_function(function: Deployed, name: str) -> None:
    check(function, name, OF_MEMORY[name])


@pytest.mark.proof
def test_a_handler_whose_process_was_not_forked_is_answered_the_same(
    embedded_aws: EmbeddedAws, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "_CAN_FORK", False)
    function = Deployed(embedded_aws, "plain", role, source())
    for name, case in CASES.items():
        check(function, name, case)


@pytest.mark.proof
def test_whatever_ran_before_a_run_has_its_own_answer(function: Deployed) -> None:
    names = [name for name, case in CASES.items() if case.error != "Sandbox.Timedout"]

    def one(number: int) -> None:
        check(function, names[number % len(names)], CASES[names[number % len(names)]])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(10 * len(names))))


def test_an_idle_process_that_was_killed_fails_no_run(embedded_aws: EmbeddedAws, function: Deployed) -> None:
    function(own="warm")
    for environment in list(embedded_aws.functions._alive):
        os.kill(environment.process._process.pid, signal.SIGKILL)
    assert function(own="next") == ({"own": "next"}, None, "")


def test_a_process_that_dies_as_it_is_asked_fails_no_run(
    embedded_aws: EmbeddedAws, function: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    function(own="warm")
    killed: list[int] = []
    ask = Process.ask

    def ask_the_dead(self: Process, *arguments: Any) -> Any:
        if not killed:
            killed.append(self._process.pid)
            os.kill(self._process.pid, signal.SIGKILL)
        return ask(self, *arguments)

    monkeypatch.setattr(Process, "ask", ask_the_dead)
    assert function(own="next") == ({"own": "next"}, None, "")
    assert killed


def test_a_thread_and_a_program_that_a_handler_leaves_stand_still_between_two_runs(
    embedded_aws: EmbeddedAws, role: str, tmp_path: Path
) -> None:
    code = """
        import subprocess, threading, time
        def tick(path):
            while True:
                with open(path, "a") as file: file.write("x")
                time.sleep(0.01)
        def handler(event, context):
            threading.Thread(target=tick, args=(event["thread"],), daemon=True).start()
            subprocess.Popen(["sh", "-c", 'while sleep 0.01; do printf x >> "$0"; done', event["program"]])
            time.sleep(0.2)
        """
    files = {name: tmp_path / name for name in ("thread", "program")}
    ticking = Deployed(embedded_aws, "ticking", role, textwrap.dedent(code))
    ticking(**{name: str(file) for name, file in files.items()})
    before = {name: file.stat().st_size for name, file in files.items()}
    time.sleep(0.2)
    assert min(before.values()) > 0
    assert {name: file.stat().st_size for name, file in files.items()} == before


def test_what_handlers_print_by_whatever_way_is_logged(embedded_aws: EmbeddedAws, role: str) -> None:
    code = """
        import logging, os, subprocess, sys
        print("at the import")
        def handler(event, context):
            print("printed")
            print("to standard error", file=sys.stderr)
            os.write(1, b"to the descriptor\\n")
            subprocess.run(["echo", "by a program"])
            logging.getLogger().warning("logged")
            print("without an end", end="")
            raise ValueError("no such colour")
        """
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}}
    embedded_aws.client("iam").put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps(document))
    Deployed(embedded_aws, "speaking", role, textwrap.dedent(code))()
    events = embedded_aws.client("logs").filter_log_events(logGroupName="/aws/lambda/speaking")["events"]
    lines = [event["message"] for event in events]
    assert lines[0] == "at the import"
    assert lines[1].startswith("START RequestId: ")
    assert lines[2:6] == ["printed", "to standard error", "to the descriptor", "by a program"]
    assert re.fullmatch(r"\[WARNING\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t[0-9a-f-]{36}\tlogged", lines[6])
    assert lines[7] == "without an end"
    assert lines[8].splitlines()[:3] == [
        "[ERROR] ValueError: no such colour",
        "Traceback (most recent call last):",
        '  File "/var/task/handlers.py", line 11, in handler',
    ]
    assert re.fullmatch(r"END RequestId: [0-9a-f-]{36}", lines[9])
    assert re.fullmatch(r"REPORT RequestId: .*\tMemory Size: 128 MB\tMax Memory Used: \d+ MB", lines[10])


def test_an_error_says_whose_request_it_was_and_where_on_lambda(embedded_aws: EmbeddedAws, role: str) -> None:
    code = "import json\ndef handler(event, context):\n    json.loads('{')\n"
    answer = Deployed(embedded_aws, "wrong", role, code).lambda_.invoke(FunctionName="wrong")
    said = json.loads(answer["Payload"].read())
    assert re.fullmatch("[0-9a-f-]{36}", said["requestId"])
    assert said["stackTrace"][0] == "  File \"/var/task/handlers.py\", line 3, in handler\n    json.loads('{')\n"
    assert re.match(
        r'  File "/var/lang/lib/python3\.\d+/json/__init__\.py", line \d+, in loads\n', said["stackTrace"][1]
    )


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("import no_such_module", "Runtime.ImportModuleError", "Unable to import module 'handlers': No module named"),
        ("def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'handlers': "),
        ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'handlers'"),
        ("1 / 0", "ZeroDivisionError", "division by zero"),
        ("import sys; sys.exit(3)", EXIT, "exit status 3"),
        ("import os\nif os.fork() == 0: raise ValueError\nos.wait()\ndef handler(*_): return 1", None, ""),
    ],
)
def test_a_module_that_cannot_be_loaded_is_an_error_each_time(
    embedded_aws: EmbeddedAws, role: str, request: pytest.FixtureRequest, code: str, error: str | None, message: str
) -> None:
    function = Deployed(embedded_aws, f"load-{abs(hash(code))}", role, code)
    for _ in range(2):
        _, name, said = function()
        assert name == error
        assert message in said


def test_few_processes_start_at_a_time_and_whoever_waits_takes_what_is_idle(
    embedded_aws: EmbeddedAws, role: str
) -> None:
    code = "import os, time\ntime.sleep(0.1)\ndef handler(event, context): return os.getpid()\n"
    function = Deployed(embedded_aws, "busy", role, code)
    with ThreadPoolExecutor(40) as pool:
        found = list(pool.map(lambda _: function()[0], range(40)))
    assert None not in found
    assert len(set(found)) < 20


def test_waiting_for_whoever_waits_too_ends(embedded_aws: EmbeddedAws, role: str) -> None:
    """However many run at once: nobody waits for a process that nobody gives back."""
    code = "import time\ndef handler(event, context):\n    time.sleep(0.5)\n    return 1\n"
    function = Deployed(embedded_aws, "slow", role, code)
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(function()[0])) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == [1] * 12


# --- beside AWS's own runtime client


class Point(NamedTuple):
    x: int
    y: Any


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary(max_size=5)
    | st.decimals()
    | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.sets(st.integers(), max_size=2)
        | st.builds(Point, x=st.integers(), y=inner)
        | st.dictionaries(st.text() | st.integers() | st.binary() | st.booleans() | st.none(), inner, max_size=3)
    ),
    max_leaves=6,
)


def made(make: Callable[..., Any], given: Any, refusal: type[Exception]) -> Any:
    """What a runtime makes of it, or the name and the message of the error that it reports."""
    try:
        return make(given)
    except refusal as fault:
        said: Any = vars(fault)
        return (said["kind"], said["message"]) if "kind" in said else (said["exception_type"], said["msg"])


@linux
@given(value=VALUES)
def test_results_are_serialized_as_by_the_runtime_client_of_aws(value: Any) -> None:
    runtime = pytest.importorskip("awslambdaric.lambda_runtime_marshaller")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_EXECUTION_ENV", "AWS_Lambda_python3.13")
        theirs = runtime.LambdaMarshaller()
    expected = made(lambda value: theirs.marshal_response(value)[0], value, runtime.FaultException)
    assert made(worker.marshal, value, worker.Fault) == expected


@linux
@pytest.mark.parametrize("handler", ["json.dumps", "nodot", "sys.exit", "no_such.handler", "json.no_such", "a/b.c"])
def test_handlers_are_found_as_by_the_runtime_client_of_aws(handler: str) -> None:
    runtime = pytest.importorskip("awslambdaric.bootstrap")
    assert made(worker.load, handler, worker.Fault) == made(runtime._get_handler, handler, runtime.FaultException)


def test_a_decimal_keeps_its_digits() -> None:
    assert worker.marshal({"price": Decimal("1.10"), "none": Decimal("NaN")}) == '{"price": 1.10, "none": NaN}'
