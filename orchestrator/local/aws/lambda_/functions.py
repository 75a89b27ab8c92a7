"""Lambda functions, run for real.

moto starts a Docker container for each invocation. Here the deployed bundle, but for the wheels in it, runs in a warm
process of this machine's Python, with the function's environment, role, timeout, memory and handler, a real context
object, and AWS's shape of errors; what it prints goes to CloudWatch Logs.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import math
import os
import signal
import threading
import time
import uuid
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from moto.awslambda.models import LambdaFunction
from moto.core import responses

from orchestrator.local.aws import threads
from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.lambda_.folder import Folder
from orchestrator.local.aws.lambda_.logs import LogStream
from orchestrator.local.aws.lambda_.processes import (
    INIT_SECONDS,
    Ended,
    Gone,
    OutOfMemory,
    Process,
    Request,
    Response,
    TookTooLong,
)
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: "Lambda quotas": the largest answer to a synchronous invocation.
RESPONSE_LIMIT_BYTES = 6_291_556

#: What a function's process gets of the environment of this one.
_INHERITED = ("LANG", "LC_ALL", "PATH", "SYSTEMROOT", "TMPDIR")

#: Processes that start at a time. To start one is work for a processor; whoever waits for it may get one that has
#: become idle meanwhile. How many run is not limited.
_STARTING = max(2, os.cpu_count() or 2)

#: The header of an answer that says what AWS calls the request.
_REQUEST_ID = "x-amzn-requestid"

#: An idle process is ended after so long.
_IDLE_SECONDS = 300.0


class Stopped(OSError):
    """The embedded AWS has stopped, and starts no process any more."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer of one invocation. ``log`` is the end of what it has logged."""

    #: What its log calls the invocation.
    request_id: str
    payload: bytes
    failed: bool
    log: str


class Environment:
    """An execution environment: a process, and the log stream of what it prints."""

    def __init__(self, key: tuple[str, ...], process: Process, log: LogStream) -> None:
        self.key, self.process, self.log = key, process, log
        process.printed = log.print
        #: What became of the loading of the handler, if not what should.
        self.refusal: Response | Exception | None = None
        self.is_new = True
        self.idle_since = 0.0

    def load(self, seconds: float) -> None:
        try:
            self.refusal = self.process.load(seconds)
        except (TookTooLong, Ended) as fault:
            self.refusal = fault

    def ask(self, request: Request) -> Response:
        """Asks as :meth:`Process.ask` does. Raises :class:`Ended` in place of :class:`Gone` if the process is new."""
        self.log.say(f"START RequestId: {request.id} Version: $LATEST")
        if isinstance(self.refusal, Exception):
            raise self.refusal
        if self.refusal:
            return self.refusal
        try:
            return self.process.ask(request)
        except Gone as fault:
            if self.is_new:
                raise Ended(self.process.end()) from fault
            raise


class Functions:
    """The environments of all functions. Idle ones are used again; a function that has changed gets new ones."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, ...], list[Environment]] = {}
        self._alive: set[Environment] = set()
        self._roots: dict[str, Path] = {}
        self._folder: Folder | None = None
        self._starting = 0
        #: Of each function, who waits for a process.
        self._waiting: dict[tuple[str, ...], threading.Condition] = {}
        #: How often everything has been ended: what was begun before belongs to nobody.
        self._era = 0
        self._is_over = False

    def invoke(self, function: Any, event: str) -> Answer:
        """Runs the handler of moto's ``function`` on an event (JSON text)."""
        request = Request(
            id=str(uuid.uuid4()),
            arn=function.function_arn,
            event=event.encode(),
            timeout=float(function.timeout),
            trace=f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=0",
            memory_mb=function.memory_size,
        )
        with self._aws.clock.busy():
            while True:
                era = self._era
                environment = self._take(function)
                try:
                    return self._answer(environment, request, era)
                except Gone:
                    self._discard(environment)

    def end(self, *, for_good: bool = False) -> None:
        """Ends every process, whatever it does, and removes what was unpacked; ``for_good``, none starts any more."""
        with self._lock:
            self._era += 1
            self._is_over = for_good
            idle = {environment for several in self._idle.values() for environment in several}
            for environment in self._alive - idle:
                environment.process.kill()
            for environment in idle:
                environment.process.end()
            self._alive.clear()
            self._idle.clear()
            self._roots.clear()
            if self._folder:
                self._folder.remove()
                self._folder = None

    def _answer(self, environment: Environment, request: Request, era: int) -> Answer:
        """Raises :class:`Gone` where the handler has seen nothing of the request."""
        status = ""
        try:
            response = environment.ask(request)
            if environment.refusal:
                status = "\tStatus: error\tError Type: Runtime.ExitError"
        except (TookTooLong, OutOfMemory, Ended) as fault:
            response, status = _death(fault, request)
        if len(response.payload) > RESPONSE_LIMIT_BYTES:
            said = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes)."
            too_large = {"errorMessage": said, "errorType": "Function.ResponseSizeTooLarge"}
            response = Response(payload=json.dumps(too_large).encode(), failed=True)
        report = _report(environment, request, response, status)
        if status:
            self._discard(environment)
        else:
            self._give_back(environment, era)
        # Whoever has ended everything wants no lines of before.
        log = environment.log.report(*report) if era == self._era else ""
        return Answer(request_id=request.id, payload=response.payload, failed=response.failed, log=log)

    def _take(self, function: Any) -> Environment:
        """An idle environment of the function, or a new one."""
        settings = json.dumps(function.environment_vars, sort_keys=True)
        memory = str(function.memory_size)
        key = (function.function_arn, function.code_sha_256, function.handler, function.role, memory, settings)
        with self._lock:
            given_back = self._waiting.setdefault(key, threading.Condition(self._lock))
            while True:
                while idle := self._idle.get(key):
                    environment = idle.pop()
                    if environment.process.is_idle:
                        return environment
                    self._alive.discard(environment)
                    environment.process.end()
                if self._starting < _STARTING:
                    break
                given_back.wait()
            self._starting += 1
        try:
            return self._start(function, key)
        finally:
            with self._lock:
                self._starting -= 1
                for one in self._waiting.values():
                    one.notify()

    def _start(self, function: Any, key: tuple[str, ...]) -> Environment:
        log = LogStream(self._aws, function)
        with self._lock:
            if self._is_over:
                raise Stopped
            root = self._unpack(function)
            # In one step with who is alive: what is ended meanwhile is ended altogether.
            environment = Environment(key, Process(root, self._environment(function, root, log)), log)
            self._alive.add(environment)
        environment.load(INIT_SECONDS + function.timeout)
        return environment

    def _give_back(self, environment: Environment, era: int) -> None:
        now = time.monotonic()
        with self._lock:
            if era != self._era:
                environment.process.end()
                return
            environment.is_new, environment.idle_since = False, now
            self._idle.setdefault(environment.key, []).append(environment)
            self._waiting[environment.key].notify()
            for several in self._idle.values():
                # The last that was given back is the first to be taken.
                while several and now - several[0].idle_since > _IDLE_SECONDS:
                    long_idle = several.pop(0)
                    self._alive.discard(long_idle)
                    long_idle.process.end()

    def _discard(self, environment: Environment) -> None:
        environment.process.end()
        with self._lock:
            self._alive.discard(environment)

    def _unpack(self, function: Any) -> Path:
        if function.code_sha_256 not in self._roots:
            self._folder = self._folder or Folder()
            root = self._folder.path / uuid.uuid4().hex
            with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as bundle:
                bundle.extractall(root, sorted(set(bundle.namelist()) - _from_wheels(bundle)))
            self._roots[function.code_sha_256] = root
        return self._roots[function.code_sha_256]

    def _environment(self, function: Any, root: Path, log: LogStream) -> dict[str, str]:
        """Returns the variables of "Defined runtime environment variables", the function's own, and AWS's address."""
        credentials = roles.credentials_for(function.role)
        return {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            "_HANDLER": function.handler,
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            "AWS_SESSION_TOKEN": credentials.token,
            "AWS_DEFAULT_REGION": self._aws.region,
            "AWS_REGION": self._aws.region,
            "AWS_ENDPOINT_URL": self._aws.endpoint,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
            "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_LOG_GROUP_NAME": log.group,
            "AWS_LAMBDA_LOG_STREAM_NAME": log.name,
            "LAMBDA_TASK_ROOT": str(root),
            # No X-Ray daemon listens here.
            "POWERTOOLS_TRACE_DISABLED": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TZ": ":UTC",
            **function.environment_vars,
        }


def _death(fault: Exception, request: Request) -> tuple[Response, str]:
    """Returns Lambda's answer for an environment that gave none, and the log's last line about it."""
    if isinstance(fault, TookTooLong):
        kind, said, status = "Sandbox.Timedout", f"Task timed out after {request.timeout:.2f} seconds", "timeout"
    elif isinstance(fault, OutOfMemory):
        kind, said, status = "Runtime.OutOfMemory", "Runtime exited with error: signal: killed", "error"
    else:
        kind, said, status = "Runtime.ExitError", _exit(fault.code if isinstance(fault, Ended) else None), "error"
    answer = {"errorType": kind, "errorMessage": f"RequestId: {request.id} Error: {said}"}
    suffix = f"\tError Type: {kind}" if status == "error" else ""
    return Response(payload=json.dumps(answer).encode(), failed=True), f"\tStatus: {status}{suffix}"


def _exit(code: int | None) -> str:
    """Describes an exit code in the words of Lambda, which are Go's."""
    if not code:
        return "Runtime exited without providing a reason"
    if code > 0:
        return f"Runtime exited with error: exit status {code}"
    return f"Runtime exited with error: signal: {(signal.strsignal(-code) or str(-code)).lower()}"


def _report(environment: Environment, request: Request, response: Response, status: str) -> list[str]:
    """The last events of an invocation, in Lambda's words."""
    took = (time.monotonic() - environment.process.began) * 1000
    peak = environment.process.peak_mb
    used = "" if peak is None else f"\tMax Memory Used: {min(peak, request.memory_mb)} MB"
    return [
        *([_error(response.payload)] if response.failed else []),
        f"END RequestId: {request.id}",
        f"REPORT RequestId: {request.id}\tDuration: {took:.2f} ms\tBilled Duration: {math.ceil(took)} ms"
        f"\tMemory Size: {request.memory_mb} MB{used}{status}",
    ]


def _error(payload: bytes) -> str:
    """Returns an error as the runtime logs it: one event."""
    said = json.loads(payload)
    lines = [f"[ERROR] {said['errorType']}: {said['errorMessage']}"]
    if trace := said.get("stackTrace"):
        lines += ["Traceback (most recent call last):", *"".join(trace).splitlines()]
    return "\n".join(lines)


def _from_wheels(bundle: zipfile.ZipFile) -> set[str]:
    """Files of wheels, which are for Lambda's Linux: this machine's Python has the same distributions, made for it."""
    records = [bundle.read(name).decode() for name in bundle.namelist() if name.endswith(".dist-info/RECORD")]
    return {row[0] for record in records for row in csv.reader(record.splitlines()) if row}


class _Payload(bytes):
    """moto takes what Python needs for an answer for its size, and six million bytes for the limit."""

    def __sizeof__(self) -> int:
        return 0


def install(aws: Aws) -> None:
    """Invokes functions in processes."""

    def later(function: Any, event: str) -> None:
        # Its code may be gone by then.
        with suppress(OSError):
            aws.functions.invoke(function, event)

    make = responses.gen_amzn_requestid_long

    @replaces(responses, "gen_amzn_requestid_long", digest="77761647bb0c")
    def request_id(headers: Any = None) -> str:
        """An invocation is called the same in Lambda's answer and in the function's log."""
        return str((headers or {}).get(_REQUEST_ID) or make(headers))

    @replaces(LambdaFunction, "invoke", digest="06cfc9afee51")
    def invoke(self: Any, body: str | bytes, request_headers: Any, response_headers: Any) -> bytes:
        event = (body.decode() if isinstance(body, bytes) else body) or "{}"
        kind = request_headers.get("x-amz-invocation-type", "RequestResponse")
        if kind == "DryRun":
            return b""
        if kind == "Event":
            threads.start_busy(aws.clock, partial(later, self, event))
            return b""
        answer = aws.functions.invoke(self, event)
        if answer.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        response_headers[_REQUEST_ID] = answer.request_id
        response_headers["x-amz-log-result"] = base64.b64encode(answer.log.encode()[-4096:]).decode()
        return _Payload(answer.payload)
