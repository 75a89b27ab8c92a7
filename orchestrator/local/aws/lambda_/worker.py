"""One execution environment of a Lambda function: a process that loads the handler once and then answers invocations.

Run as a program with the numbers of two descriptors. It uses nothing of the project: what it loads is the deployed
bundle, whose folder is the first place where it looks. What it makes of results and errors is what AWS's own runtime
client makes of them (``awslambdaric``, which cannot be installed everywhere: it is compiled, and for Linux only).

The first descriptor is the channel: requests come in, frames go out, and each frame has the id of the request that it
belongs to. It is this process's alone: what a handler forks or starts does not have it. Standard output and error are
a pipe, so that whatever a handler, its threads, its children or C code print is seen and disturbs nothing. Of the
second descriptor the other end is whoever started this; when that is gone, Linux ends this process and its children.
"""

from __future__ import annotations

import decimal
import fcntl
import gc
import importlib
import json
import logging
import math
import os
import signal
import socket
import struct
import sys
import sysconfig
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace, TracebackType
from typing import Any

import simplejson

_HEAD = struct.Struct("!II")

#: A frame that says it is longer is none of ours: the largest result is 6 MB.
_LONGEST = 1 << 28


class Garbled(Exception):
    """The channel brought what is no frame."""


def send(channel: socket.socket, about: dict[str, Any], payload: bytes = b"") -> None:
    """A frame: JSON that says what it is about, and bytes."""
    text = json.dumps(about).encode()
    channel.sendall(_HEAD.pack(len(text), len(payload)) + text + payload)


def receive(channel: socket.socket) -> tuple[dict[str, Any], bytes] | None:
    """The next frame, or None at the end of the connection. Raises :class:`Garbled`."""
    head = _exactly(channel, _HEAD.size)
    if head is None:
        return None
    text_length, payload_length = _HEAD.unpack(head)
    if max(text_length, payload_length) > _LONGEST:
        raise Garbled
    text, payload = _exactly(channel, text_length), _exactly(channel, payload_length)
    if text is None or payload is None:
        return None
    try:
        return dict(json.loads(text)), payload
    except (TypeError, ValueError) as fault:
        raise Garbled from fault


def _exactly(channel: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = channel.recv(count - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


class Fault(Exception):
    """A fault that the runtime finds, and not the handler."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        self.kind, self.message, self.trace = kind, message, trace
        super().__init__(message)


class Context:
    """The context object of a handler ("AWS Lambda context object in Python")."""

    def __init__(self, *, request_id: str, arn: str, timeout: float) -> None:
        self._deadline = time.monotonic() + timeout
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None)
        self.client_context = None
        self.tenant_id = None

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, message: object) -> None:
        sys.stdout.write(str(message))


class _Encoder(simplejson.JSONEncoder):
    """Encodes as runtimes since Python 3.12 do: a Decimal is a number, and text is not escaped to ASCII."""

    def __init__(self) -> None:
        super().__init__(use_decimal=False, ensure_ascii=False, allow_nan=True)

    def default(self, value: Any) -> Any:
        if isinstance(value, decimal.Decimal):
            return math.nan if value.is_nan() else simplejson.RawJSON(str(value))
        return super().default(value)


def marshal(result: Any) -> bytes | str:
    """A handler's result as Lambda answers it: bytes are not touched, all else is JSON. Raises :class:`Fault`."""
    if isinstance(result, bytes):
        return result
    try:
        return str(_Encoder().encode(result))
    except Exception as fault:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {fault}") from fault


def unmarshal(event: bytes) -> Any:
    """The event that a handler gets. Raises :class:`Fault`."""
    try:
        return simplejson.loads(event)
    except Exception as fault:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {fault}") from fault


def failure(kind: str, message: str, trace: list[str] | None = None, request_id: str = "") -> str:
    """An error in the shape that Lambda answers."""
    said = {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace or []}
    return str(_Encoder().encode(said))


def _of(fault: Fault, request_id: str = "") -> str:
    return failure(fault.kind, fault.message, fault.trace, request_id)


#: Folders of this machine, and where an execution environment has what is in them.
_PLACES = {
    os.environ.get("LAMBDA_TASK_ROOT", "/var/task"): "/var/task",
    sysconfig.get_path("purelib"): "/var/task",
    sysconfig.get_path("stdlib"): f"/var/lang/lib/python{sysconfig.get_python_version()}",
}


def on_lambda(path: str) -> str:
    """Returns the path that a file would have on AWS."""
    for here, there in _PLACES.items():
        if path.startswith(here + os.sep):
            return there + path[len(here) :]
    return path


def _trace(at: TracebackType | None) -> list[str]:
    """Without the frames of this module, and with the paths that they have on AWS."""
    frames = traceback.extract_tb(at)
    own = next((number for number, frame in enumerate(frames) if frame.filename != __file__), 0)
    there = [(on_lambda(frame.filename), frame.lineno or 0, frame.name, frame.line) for frame in frames[own:]]
    return traceback.format_list(there)


Handler = Callable[[Any, Context], Any]


def load(name: str) -> Handler:
    """The function that ``module.function`` names. Raises :class:`Fault`, and what the module raises."""
    try:
        module_name, function_name = name.rsplit(".", 1)
    except ValueError as fault:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{name}': {fault}") from fault
    if module_name.split(".")[0] in sys.builtin_module_names:
        said = f"Cannot use built-in module {module_name} as a handler module"
        raise Fault("Runtime.BuiltInModuleConflict", said)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as fault:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {fault}") from fault
    except SyntaxError as fault:
        trace = [f'  File "{on_lambda(fault.filename or "")}" Line {fault.lineno}\n    {fault.text}']
        raise Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {fault}", trace) from fault
    try:
        return getattr(module, function_name)  # type: ignore[no-any-return] # whatever the module has
    except AttributeError as fault:
        said = f"Handler '{function_name}' missing on module '{module_name}'"
        raise Fault("Runtime.HandlerNotFound", said) from fault


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """Answers what comes through the channel, in the process that was started for it and in no other."""

    channel: socket.socket
    handler: Handler
    process: int

    def serve(self) -> None:
        while frame := receive(self.channel):
            about, event = frame
            _Records.request_id = about["requestId"]
            os.environ["_X_AMZN_TRACE_ID"] = about["trace"]
            send(self.channel, {"requestId": about["requestId"], "state": "begun"})
            payload, failed = self._invoke(about, event)
            self._end_if_forked()
            # Text that is no Unicode ends the process, as it ends AWS's.
            payload = payload if isinstance(payload, bytes) else payload.encode()
            send(self.channel, {"requestId": about["requestId"], "state": "answered", "failed": failed}, payload)
            if not _can_print():
                # The next run is not to suffer for what this one has closed: it gets another process.
                os._exit(0)

    def _invoke(self, about: dict[str, Any], event: bytes) -> tuple[bytes | str, bool]:
        request_id = about["requestId"]
        context = Context(request_id=request_id, arn=about["arn"], timeout=about["timeout"])
        try:
            return marshal(self.handler(unmarshal(event), context)), False
        except Fault as fault:
            return _of(fault, request_id), True
        except Exception as fault:
            # What is no Exception, as SystemExit, ends the process.
            return failure(type(fault).__name__, str(fault), _trace(fault.__traceback__), request_id), True

    def _end_if_forked(self) -> None:
        """A child of the handler that came back from it has nobody to answer."""
        if os.getpid() != self.process:
            os._exit(0)


def _can_print() -> bool:
    """Whether standard output and standard error are still open, as files and as descriptors."""
    try:
        os.fstat(1)
        os.fstat(2)
    except OSError:
        return False
    return not any(getattr(stream, "closed", False) for stream in (sys.stdout, sys.stderr))


class _Records(logging.Handler):
    """Prints what goes through ``logging``, in the format of Lambda's own handler of the root logger."""

    request_id = ""

    def __init__(self) -> None:
        super().__init__()
        line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
        self.formatter = logging.Formatter(line, "%Y-%m-%dT%H:%M:%S")
        self.formatter.converter = time.gmtime

    def emit(self, record: logging.LogRecord) -> None:
        record.aws_request_id = self.request_id
        sys.stdout.write(self.format(record))


def _die_with(descriptor: int) -> None:
    """Ends this process and its children when nobody has the other end of the pipe any more (Linux)."""
    os.set_inheritable(descriptor, False)
    if set_signal := getattr(fcntl, "F_SETSIG", None):
        fcntl.fcntl(descriptor, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(descriptor, set_signal, signal.SIGKILL)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    os.register_at_fork(after_in_child=channel.close)
    _die_with(int(sys.argv[2]))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr] # both are files here
    logging.getLogger().addHandler(_Records())
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    process = os.getpid()
    fault: str | None = None
    # Nothing that loading makes is garbage, and to look for some took two fifths of the time.
    gc.disable()
    try:
        handler = load(os.environ["_HANDLER"])
    except Fault as raised:
        fault = _of(raised)
    except Exception as raised:
        fault = failure(type(raised).__name__, str(raised), _trace(raised.__traceback__))
    gc.freeze()
    gc.enable()
    if os.getpid() != process:
        os._exit(0)
    if fault is not None:
        send(channel, {"requestId": "", "state": "not loaded"}, fault.encode())
        sys.exit(1)
    send(channel, {"requestId": "", "state": "loaded"})
    Runtime(channel=channel, handler=handler, process=process).serve()


if __name__ == "__main__":
    main()
