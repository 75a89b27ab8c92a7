"""What handlers can do to the process that they run in: each gets the answer of AWS, and the next run its own."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sys
import textwrap
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.local import worker
from orchestrator.local.embedded import EmbeddedAws
from orchestrator.local.functions import RESPONSE_LIMIT_BYTES
from orchestrator.local.processes import Process

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not say how much memory a process has")

EXIT = "Runtime.ExitError"
KILLED = r"Error: Runtime exited with error: signal: killed$"


@dataclass(frozen=True, kw_only=True)
class Case:
    """The body of a handler, and what whoever invokes it is answered."""

    body: str
    #: The result, if there is one.
    result: Any = None
    #: Otherwise the name of the error, and what its message is like.
    error: str | None = None
    message: str = ""


CASES = {
    # --- who answers
    "forks, and the child returns first": Case(
        body="if os.fork() == 0: return 'child'\nos.wait()\nreturn 'parent'", result="parent"
    ),
    "forks, and the child returns later": Case(
        body="if os.fork() == 0:\n    time.sleep(0.1)\n    return 'child'\nreturn 'parent'", result="parent"
    ),
    "forks, and the child fails": Case(body="if os.fork() == 0: 1 / 0\nos.wait()\nreturn 'parent'", result="parent"),
    "forks, and the child exits": Case(body="if os.fork() == 0: sys.exit(1)\nos.wait()\nreturn 'p'", result="p"),
    "works with multiprocessing": Case(
        body="import multiprocessing\nwith multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    return pool.map(abs, [-1, -2])",
        result=[1, 2],
    ),
    "starts a program that lives on": Case(body="subprocess.Popen(['sleep', '60'])\nreturn 1", result=1),
    "starts a program that lives on and has all descriptors": Case(
        body="subprocess.Popen(['sleep', '60'], close_fds=False)\nreturn 1", result=1
    ),
    "leaves a thread that prints for ever": Case(
        body="def shout():\n    while True: print('y' * 65536)\n"
        "threading.Thread(target=shout, daemon=True).start()\nreturn 1",
        result=1,
    ),
    "writes to every descriptor": Case(
        body="for number in range(3, 20):\n    try: os.write(number, b'garbage' * 9)\n"
        "    except OSError: pass\nreturn 1",
        error=EXIT,
    ),
    # --- what is printed
    "prints long lines in threads": Case(
        body="def shout():\n    for _ in range(20): print('x' * 65536)\n"
        "threads = [threading.Thread(target=shout) for _ in range(4)]\n"
        "for thread in threads: thread.start()\nfor thread in threads: thread.join()\nreturn 1",
        result=1,
    ),
    "writes to the descriptors 1 and 2": Case(
        body="os.write(1, b'one\\n')\nos.write(2, b'two\\n')\nreturn 1", result=1
    ),
    "closes descriptor 1": Case(body="os.close(1)\nreturn 1", result=1),
    "closes standard output": Case(body="sys.stdout.close()\nreturn 1", result=1),
    "closes everything": Case(body="os.closerange(0, 99)\nreturn 1", error=EXIT),
    # --- how it ends
    "raises": Case(body="raise ValueError('no such colour')", error="ValueError", message="^no such colour$"),
    "exits": Case(body="sys.exit(4)", error=EXIT, message="Error: Runtime exited with error: exit status 4$"),
    "exits without a code": Case(
        body="sys.exit()", error=EXIT, message="Error: Runtime exited without providing a reason$"
    ),
    "ends its process": Case(body="os._exit(7)", error=EXIT, message="exit status 7$"),
    "is killed": Case(body="os.kill(os.getpid(), 9)", error=EXIT, message=KILLED),
    "crashes": Case(body="os.kill(os.getpid(), signal.SIGSEGV)", error=EXIT, message="signal: segmentation fault$"),
    "raises what is no Exception": Case(
        body="class Odd(BaseException): pass\nraise Odd", error=EXIT, message="exit status 1$"
    ),
    "raises what cannot say what it is": Case(
        body="class Odd(Exception):\n    def __str__(self): raise RuntimeError\nraise Odd",
        error=EXIT,
        message="exit status 1$",
    ),
    "calls itself for ever": Case(
        body="def again(): return again()\nagain()", error="RecursionError", message="maximum recursion depth exceeded"
    ),
    "takes too long": Case(
        body="time.sleep(60)", error="Sandbox.Timedout", message=r"Error: Task timed out after 1\.00 seconds$"
    ),
    "stops its process": Case(
        body="os.kill(os.getpid(), signal.SIGSTOP)\nreturn 1", error="Sandbox.Timedout", message="Task timed out"
    ),
    "does not come to its end": Case(
        body="import atexit\natexit.register(time.sleep, 30)\nsys.exit()", error="Sandbox.Timedout"
    ),
    # --- what it returns
    "returns nothing": Case(body="pass", result=None),
    "returns bytes": Case(body="""return b'{"raw": true}'""", result={"raw": True}),
    "returns bytes in an object": Case(body="return {'a': b'x'}", result={"a": "x"}),
    "returns a Decimal": Case(body="return decimal.Decimal('1.10')", result=1.1),
    "returns a named tuple": Case(
        body="return collections.namedtuple('Point', 'x y')(1, 2)", result={"x": 1, "y": 2}
    ),
    "returns a set": Case(
        body="return {1, 2}",
        error="Runtime.MarshalError",
        message="^Unable to marshal response: Object of type set is not JSON serializable$",
    ),
    "returns a moment": Case(body="return datetime.datetime.now()", error="Runtime.MarshalError"),
    "returns a circle": Case(
        body="a = []\na.append(a)\nreturn a", error="Runtime.MarshalError", message="Circular reference detected"
    ),
    "returns a tower": Case(
        body="a = []\nfor _ in range(100_000): a = [a]\nreturn a", error="Runtime.MarshalError"
    ),
    "returns no Unicode": Case(body="return '\\ud800'", error=EXIT),
    "returns as much as is allowed": Case(
        body=f"return 'x' * {RESPONSE_LIMIT_BYTES - 2}", result="x" * (RESPONSE_LIMIT_BYTES - 2)
    ),
    "returns more": Case(
        body=f"return 'x' * {RESPONSE_LIMIT_BYTES - 1}",
        error="Function.ResponseSizeTooLarge",
        message=r"^Response payload size exceeded maximum allowed payload size \(6291556 bytes\)\.$",
    ),
}  # fmt: skip

#: For Linux only.
OF_MEMORY = {
    "takes more memory than it has at once": Case(
        body="return len(bytearray(300_000_000))", error="Runtime.OutOfMemory", message=KILLED
    ),
    "takes more and more memory": Case(
        body="all = []\nwhile True:\n    all.append(bytearray(10_000_000))\n    time.sleep(0.01)",
        error="Runtime.OutOfMemory",
        message=KILLED,
    ),
}

HEAD = "import collections, datetime, decimal, os, signal, subprocess, sys, threading, time\n"


def source() -> str:
    """One module, so that every case finds the process that the case before has used."""
    cases = list((CASES | OF_MEMORY).items())
    handlers = [
        f"def case_{number}():\n{textwrap.indent(case.body, '    ')}\n" for number, (_, case) in enumerate(cases)
    ]
    names = {name: f"case_{number}" for number, (name, _) in enumerate(cases)}
    dispatch = (
        f"NAMES = {names!r}\n"
        "def handler(event, context):\n"
        "    return globals()[NAMES[event['case']]]() if 'case' in event else event\n"
    )
    return HEAD + "".join(handlers) + dispatch


class Deployed:
    """A function, invoked by a plain client."""

    def __init__(self, aws: EmbeddedAws, name: str, role: str, code: str) -> None:
        self.name, self.lambda_ = name, aws.client("lambda")
        bundle = io.BytesIO()
        with zipfile.ZipFile(bundle, "w") as archive:
            archive.writestr("handlers.py", code)
        self.lambda_.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role,
            Handler="handlers.handler",
            Code={"ZipFile": bundle.getvalue()},
            Timeout=1,
            MemorySize=128,
        )

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
