"""Requests that the embedded AWS refuses because somebody wants to see what follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, BaseResponse

from orchestrator.local.aws.iam import requests


class Refused(ServiceException):
    """A service's answer. moto tells an exception of its own by its module."""


@contextmanager
def refusing(refusal: Callable[[str], tuple[str, int] | None]) -> Iterator[None]:
    """Asks ``refusal`` of every action, like ``dynamodb:PutItem``, that is asked for: a code and a status, or None.

    What S3 is asked for is not among them.
    """
    original = BaseResponse._dispatch

    def dispatch(request: Any, *given: Any) -> Any:
        request.setup_class(*given)
        refused = next(filter(None, (refusal(one.action) for one in requests.permissions(request))), None)
        if refused is None:
            return request.call_action()
        code, status = refused
        _, headers, body = request.serialized(ActionResult(Refused(code, "a test refuses it")))
        return status, {**headers, "status": str(status)}, body

    BaseResponse._dispatch = dispatch
    try:
        yield
    finally:
        BaseResponse._dispatch = original
