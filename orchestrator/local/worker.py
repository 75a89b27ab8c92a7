"""One execution environment of a Lambda function: a process that loads the handler once and then answers invocations.

Run as a program with the number of a socket. It uses nothing of the project: what it loads is the deployed bundle,
whose folder is the first place where it looks. The memory setting is reported to the handler and not enforced: a limit
on address space would count what the interpreter only reserves.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import socket
import struct
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any


def send(channel: socket.socket, message: dict[str, Any]) -> None:
    """A message, as its length and its JSON."""
    text = json.dumps(message).encode()
    channel.sendall(struct.pack("!I", len(text)) + text)


def receive(channel: socket.socket) -> dict[str, Any] | None:
    """The next message, or None at the end of the connection."""
    head = _exactly(channel, 4)
    if head is None:
        return None
    text = _exactly(channel, struct.unpack("!I", head)[0])
    return None if text is None else dict(json.loads(text))


def _exactly(channel: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = channel.recv(count - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


class Log(io.TextIOBase):
    """Standard output and error of the handler: every write goes to the embedded CloudWatch Logs at once."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        send(self._channel, {"log": text})
        return len(text)


class Context:
    """What Lambda gives a handler beside the event ("AWS Lambda context object in Python")."""

    def __init__(self, *, request_id: str, arn: str, timeout: float) -> None:
        self._deadline = time.monotonic() + timeout
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def failure(kind: str, message: str, trace: list[str] | None = None) -> dict[str, Any]:
    """An error in the shape that Lambda answers."""
    return {"errorMessage": message, "errorType": kind, "stackTrace": trace or []}


def load(handler: str) -> Callable[[Any, Context], Any] | dict[str, Any]:
    """The function that ``module.function`` names, or the error that Lambda reports."""
    module_name, _, function_name = handler.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as fault:
        return failure("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {fault}")
    except Exception as fault:
        return failure(type(fault).__name__, str(fault), traceback.format_tb(fault.__traceback__))
    found = getattr(module, function_name, None)
    if found is None:
        return failure("Runtime.HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'")
    return found  # type: ignore[no-any-return]


def invoke(handler: Callable[[Any, Context], Any], message: dict[str, Any]) -> dict[str, Any]:
    """The answer to one invocation: ``payload`` is JSON text, ``failed`` says whether it is an error."""
    context = Context(request_id=message["requestId"], arn=message["arn"], timeout=message["timeout"])
    try:
        result = handler(json.loads(message["event"]), context)
    except Exception as fault:
        trace = traceback.format_tb(fault.__traceback__)[1:]
        return {"payload": json.dumps(failure(type(fault).__name__, str(fault), trace)), "failed": True}
    try:
        return {"payload": json.dumps(result), "failed": False}
    except (TypeError, ValueError) as fault:
        unable = failure("Runtime.MarshalError", f"Unable to marshal response: {fault}")
        return {"payload": json.dumps(unable), "failed": True}


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    sys.stdout = sys.stderr = Log(channel)
    handler = load(os.environ["_HANDLER"])
    while message := receive(channel):
        os.environ["_X_AMZN_TRACE_ID"] = message["trace"]
        if isinstance(handler, dict):
            send(channel, {"payload": json.dumps(handler), "failed": True})
        else:
            send(channel, invoke(handler, message))


if __name__ == "__main__":
    main()
