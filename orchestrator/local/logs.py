"""What functions print, in CloudWatch Logs.

moto knows only what is sent to its API; Lambda's own lines are written straight into its store here, as of the time
that the embedded AWS lives in.
"""

from __future__ import annotations

import threading
import uuid
from typing import TYPE_CHECKING, Any

from moto.logs.models import logs_backends

from orchestrator.local import roles
from orchestrator.local.requests import Permission

if TYPE_CHECKING:
    from orchestrator.local.embedded import EmbeddedAws

_writing = threading.Lock()


class LogStream:
    """The stream of one process of a function, as Lambda names it."""

    def __init__(self, aws: EmbeddedAws, function: Any) -> None:
        self._aws = aws
        self._role = function.role
        self.group = f"/aws/lambda/{function.function_name}"
        self.name = f"{aws.clock.now():%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"

    def write(self, lines: list[str]) -> None:
        """Appends, and makes the group and the stream if they are not there. Where the role may not, lines are lost."""
        stream = f"arn:aws:logs:{self._aws.region}:{self._aws.account}:log-group:{self.group}:log-stream:{self.name}"
        actions = ("logs:CreateLogStream", "logs:PutLogEvents")
        if not all(roles.may(self._role, Permission(action=action, resource=stream)) for action in actions):
            return
        backend = logs_backends[self._aws.account][self._aws.region]
        milliseconds = int(self._aws.clock.now().timestamp() * 1000)
        with _writing:
            backend.ensure_log_group(self.group)
            group = backend.groups[self.group]
            if self.name not in group.streams:
                group.create_log_stream(self.name)
            events = [{"timestamp": milliseconds, "message": line} for line in lines]
            group.put_log_events(self.name, events)
