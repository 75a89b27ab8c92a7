"""Calls of AWS that fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from orchestrator.local.aws.refusals import refusing
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.testing.calls import Call, Make, intercepted


class Fault(StrEnum):
    """The failure of a call."""

    #: AWS is asked too much, and does nothing.
    THROTTLED = "throttled"
    #: AWS has a fault of its own, and does nothing.
    BROKEN = "broken"
    #: The credentials may not do this.
    DENIED = "denied"
    #: It is done, and the answer is lost. Of calls of this process only.
    LOST = "lost"


_CODES = {
    Fault.THROTTLED: ("ThrottlingException", 400),
    Fault.BROKEN: ("InternalServerError", 500),
    Fault.DENIED: ("AccessDeniedException", 403),
}


@dataclass(kw_only=True)
class Struck:
    """The faults that have struck, and those that have not."""

    action: str
    fault: Fault
    times: float
    #: So many calls have failed.
    count: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def strikes(self, action: str) -> bool:
        with self._guard:
            if action.lower() != self.action.lower() or self.count >= self.times:
                return False
            self.count += 1
            return True


@contextmanager
def faults(
    aws: EmbeddedAws, action: str, fault: Fault | str = Fault.THROTTLED, *, times: float = float("inf")
) -> Iterator[Struck]:
    """The first ``times`` calls of ``action``, like ``dynamodb:PutItem``, fail while the block runs.

    Calls of this process fail as its client would see it, without the client's own retries. Calls of deployed functions
    and state machines are refused by the embedded AWS, those of S3 excepted. What is given says how many have failed::

        with faults(aws, "s3:PutObject", Fault.LOST, times=1) as struck:
            handler(event(), Context())
        assert struck.count == 1
    """
    struck = Struck(action=action, fault=Fault(fault), times=times)

    def around(call: Call, make: Make) -> Any:
        if not struck.strikes(call.action):
            return make()
        if struck.fault is Fault.LOST:
            make()
            raise ReadTimeoutError(endpoint_url=aws.endpoint)
        code, status = _CODES[struck.fault]
        answer: Any = {
            "Error": {"Code": code, "Message": f"{call.action} is {struck.fault} by a test"},
            "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}, "RequestId": "", "RetryAttempts": 0},
        }
        raise ClientError(answer, call.operation)

    def refusal(asked: str) -> tuple[str, int] | None:
        return _CODES[struck.fault] if struck.fault is not Fault.LOST and struck.strikes(asked) else None

    with intercepted(aws, around), refusing(refusal):
        yield struck
