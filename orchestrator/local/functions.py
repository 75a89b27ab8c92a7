"""Lambda functions, run for real.

moto starts a Docker container for each invocation. Here the deployed bundle, but for the wheels in it, runs in a warm
process of this machine's Python, with the function's environment, role, timeout and handler, a real context object, and
AWS's shape of errors; what it prints goes to CloudWatch Logs.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.awslambda.models import LambdaFunction

from orchestrator.local import roles, worker
from orchestrator.local.logs import LogStream
from orchestrator.local.replacements import replaces

if TYPE_CHECKING:
    from orchestrator.local.embedded import EmbeddedAws

#: "Lambda quotas": the largest answer to a synchronous invocation.
RESPONSE_LIMIT_BYTES = 6_291_556

#: What a function's process gets of the environment of this one.
_INHERITED = ("LANG", "LC_ALL", "PATH", "SYSTEMROOT", "TMPDIR")


class Crashed(Exception):
    """The process ended without an answer."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Of one invocation."""

    payload: str
    failed: bool
    log: str


class Process:
    """A warm process with a handler in it."""

    def __init__(self, root: Path, environment: dict[str, str], log: LogStream) -> None:
        self.log = log
        self._channel, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-W", "ignore", worker.__file__, str(theirs.fileno())],
                    cwd=root,
                    env=environment,
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    # What the handler prints goes through the channel; what its libraries' C code prints is lost.
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            except OSError:
                self._channel.close()
                raise

    def call(self, message: dict[str, Any], printed: list[str]) -> tuple[str, bool]:
        """The answer: (JSON text, whether it is an error). Raises TimeoutError or :class:`Crashed`."""
        deadline = time.monotonic() + message["timeout"]
        try:
            worker.send(self._channel, message)
            while True:
                self._channel.settimeout(max(0.001, deadline - time.monotonic()))
                answer = worker.receive(self._channel)
                if answer is None:
                    raise Crashed
                if "log" not in answer:
                    return answer["payload"], answer["failed"]
                printed.append(answer["log"])
        except (BrokenPipeError, ConnectionResetError) as fault:
            raise Crashed from fault

    def end(self) -> int:
        self._process.kill()
        self._channel.close()
        return self._process.wait()


class Functions:
    """The processes of all functions. Idle ones are used again; a function that has changed gets new ones."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._aws = aws
        self._idle: dict[tuple[str, ...], list[Process]] = {}
        self._roots: dict[str, Path] = {}
        self._lock = threading.Lock()
        self._folder: Path | None = None

    def invoke(self, function: Any, event: str) -> Answer:
        """Runs the handler of moto's ``function`` on an event (JSON text)."""
        request_id = str(uuid.uuid4())
        message = {
            "event": event,
            "requestId": request_id,
            "arn": function.function_arn,
            "timeout": float(function.timeout),
            "trace": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=0",
        }
        with self._aws.clock.busy():
            key, process = self._take(function)
            printed: list[str] = []
            began = time.monotonic()
            try:
                payload, failed = process.call(message, printed)
            except (TimeoutError, Crashed) as fault:
                code = process.end()
                payload, failed = json.dumps(self._death(fault, request_id, message["timeout"], code)), True
            else:
                with self._lock:
                    self._idle.setdefault(key, []).append(process)
            log = self._report(process, request_id, printed, began, function, payload if failed else "")
        if len(payload.encode()) > RESPONSE_LIMIT_BYTES:
            said = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes)."
            too_large = {"errorMessage": said, "errorType": "Function.ResponseSizeTooLarge"}
            payload, failed = json.dumps(too_large), True
        return Answer(payload=payload, failed=failed, log=log)

    def end(self) -> None:
        """Ends every process and removes what was unpacked."""
        with self._lock:
            for processes in self._idle.values():
                for process in processes:
                    process.end()
            self._idle.clear()
            self._roots.clear()
            if self._folder:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def _take(self, function: Any) -> tuple[tuple[str, ...], Process]:
        settings = json.dumps(function.environment_vars, sort_keys=True)
        key = (function.function_arn, function.code_sha_256, function.handler, function.role, settings)
        with self._lock:
            if idle := self._idle.get(key):
                return key, idle.pop()
            root = self._unpack(function)
        log = LogStream(self._aws, function)
        return key, Process(root, self._environment(function, root, log), log)

    def _unpack(self, function: Any) -> Path:
        if function.code_sha_256 not in self._roots:
            self._folder = self._folder or Path(tempfile.mkdtemp(prefix="embedded-aws-"))
            root = self._folder / uuid.uuid4().hex
            with zipfile.ZipFile(io.BytesIO(function.code_bytes)) as bundle:
                bundle.extractall(root, sorted(set(bundle.namelist()) - _from_wheels(bundle)))
            self._roots[function.code_sha_256] = root
        return self._roots[function.code_sha_256]

    def _environment(self, function: Any, root: Path, log: LogStream) -> dict[str, str]:
        """What "Defined runtime environment variables" lists, the function's own, and where AWS is."""
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

    @staticmethod
    def _death(fault: Exception, request_id: str, timeout: float, code: int) -> dict[str, Any]:
        if isinstance(fault, TimeoutError):
            said = f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds"
            return {"errorType": "Sandbox.Timedout", "errorMessage": said}
        said = f"RequestId: {request_id} Error: Runtime exited with error: exit status {code}"
        return {"errorType": "Runtime.ExitError", "errorMessage": said}

    def _report(
        self, process: Process, request_id: str, printed: list[str], began: float, function: Any, error: str
    ) -> str:
        milliseconds = (time.monotonic() - began) * 1000
        lines = [
            f"START RequestId: {request_id} Version: $LATEST",
            *"".join(printed).splitlines(),
            *([f"[ERROR] {error}"] if error else []),
            f"END RequestId: {request_id}",
            f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\tMemory Size: {function.memory_size} MB",
        ]
        process.log.write(lines)
        return "\n".join(lines)


def _from_wheels(bundle: zipfile.ZipFile) -> set[str]:
    """Files of wheels, which are for Lambda's Linux: this machine's Python has the same distributions, made for it."""
    records = [bundle.read(name).decode() for name in bundle.namelist() if name.endswith(".dist-info/RECORD")]
    return {row[0] for record in records for row in csv.reader(record.splitlines()) if row}


def install(aws: EmbeddedAws) -> None:
    """Invokes functions in processes."""

    def later(function: Any, event: str) -> None:
        # Its code may be gone by then.
        with suppress(OSError):
            aws.functions.invoke(function, event)

    @replaces(LambdaFunction, "invoke", digest="06cfc9afee51")
    def invoke(self: Any, body: str | bytes, request_headers: Any, response_headers: Any) -> bytes:
        event = (body.decode() if isinstance(body, bytes) else body) or "{}"
        kind = request_headers.get("x-amz-invocation-type", "RequestResponse")
        if kind == "DryRun":
            return b""
        if kind == "Event":
            threading.Thread(target=later, args=(self, event), daemon=True).start()
            return b""
        answer = aws.functions.invoke(self, event)
        if answer.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        response_headers["x-amz-log-result"] = base64.b64encode(answer.log.encode()[-4096:]).decode()
        return answer.payload.encode()
