"""What functions print, in CloudWatch Logs.

moto knows only what is sent to its API; Lambda's own lines are written straight into its store here, as of the time
that the embedded AWS lives in.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Sequence
from typing import Any

from moto.logs.models import logs_backends

from orchestrator.local.aws import embedded_metrics
from orchestrator.local.aws.iam import roles
from orchestrator.local.aws.iam.requests import Permission
from orchestrator.local.aws.parts import Aws

_writing = threading.Lock()

#: "LogType" of Invoke, in Lambda's API reference: so much of the end of a log is in the answer.
_TAIL_BYTES = 4096

#: What a function prints is written when it has ended, or, if it takes longer, so often; or when it is so much.
_WRITE_SECONDS = 1.0
_WRITE_BYTES = 262_144


def append(aws: Aws, group: str, stream: str, lines: Sequence[str]) -> None:
    """Adds events to a stream, and makes it and its group if they are not there."""
    backend = logs_backends[aws.account][aws.region]
    milliseconds = int(aws.clock.now().timestamp() * 1000)
    with _writing:
        backend.ensure_log_group(group)
        found = backend.groups[group]
        if stream not in found.streams:
            found.create_log_stream(stream)
        found.put_log_events(stream, [{"timestamp": milliseconds, "message": line} for line in lines])


class LogStream:
    """The stream of one process of a function, as Lambda names it."""

    def __init__(self, aws: Aws, function: Any) -> None:
        self._aws = aws
        self._role = function.role
        self.group = f"/aws/lambda/{function.function_name}"
        self.name = f"{aws.clock.now():%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
        self._lines: list[str] = []
        self._rest = b""
        self._bytes = 0
        self._written_at = time.monotonic()
        self._tail = ""

    def print(self, text: bytes) -> None:
        """Logs what a process has printed: each line is an event."""
        *lines, self._rest = (self._rest + text).split(b"\n")
        for line in lines:
            self.say(line.decode(errors="replace"))
        # A line that does not end is cut.
        if len(self._rest) > _WRITE_BYTES:
            self._end_line()
        if self._bytes > _WRITE_BYTES or time.monotonic() - self._written_at > _WRITE_SECONDS:
            self.write()

    def say(self, line: str) -> None:
        """One event, of one line or more."""
        self._lines.append(line)
        self._bytes += len(line)
        self._tail = f"{self._tail}{line}\n"[-_TAIL_BYTES:]

    def report(self, *lines: str) -> str:
        """The last events of an invocation, after what was printed without the end of a line; the end of its log."""
        self._end_line()
        for line in lines:
            self.say(line)
        tail, self._tail = self._tail, ""
        self.write()
        return tail

    def write(self) -> None:
        """Appends, and makes the group and the stream if they are not there. Where the role may not, lines are lost."""
        lines, self._lines, self._bytes = self._lines, [], 0
        self._written_at = time.monotonic()
        stream = f"arn:aws:logs:{self._aws.region}:{self._aws.account}:log-group:{self.group}:log-stream:{self.name}"
        actions = ("logs:CreateLogStream", "logs:PutLogEvents")
        if not lines or not all(roles.may(self._role, Permission(action=one, resource=stream)) for one in actions):
            return
        append(self._aws, self.group, self.name, lines)
        embedded_metrics.publish(self._aws, lines)

    def _end_line(self) -> None:
        if self._rest:
            self.say(self._rest.decode(errors="replace"))
            self._rest = b""
