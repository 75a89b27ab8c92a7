"""What the embedded AWS answers where it has no answer: an error in AWS's own shape that says so.

moto raises in the midst of a request that nobody has thought of, and the web server makes an HTML page of it, with a
500 that each SDK asks for again. A refusal is 501, which no SDK repeats ("Retry behavior", AWS SDKs and Tools Reference
Guide); only a table that changed while it was read is worth another attempt.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from botocore.exceptions import BotoCoreError
from botocore.model import OperationNotFoundError
from moto.core.utils import get_service_model

from orchestrator.errors import StateUnusable

_log = logging.getLogger(__name__)

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

_TARGET = "HTTP_X_AMZ_TARGET"

#: Of a signature's service, where botocore calls it something else.
_SERVICES = {"states": "stepfunctions", "monitoring": "cloudwatch"}

#: How the web server's own pages begin: of a path that it does not know.
_PAGE = b"<!doctype html>"

_AGAIN = "changed size during iteration"


class Invalid(Exception):
    """A request without something that it must have."""

    def __init__(self, names: Sequence[str]) -> None:
        each = [
            f"Value null at '{name[0].lower()}{name[1:]}' failed to satisfy constraint: Member must not be null"
            for name in names
        ]
        count = "1 validation error" if len(each) == 1 else f"{len(each)} validation errors"
        super().__init__(f"{count} detected: {'; '.join(each)}")


def guarded(application: Application) -> Application:
    """The same application, which answers where it would have raised."""

    def serve(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        begun: list[tuple[str, list[tuple[str, str]]]] = []
        asked = b""
        if _TARGET in environ:
            # Kept, since whoever answers reads it up.
            asked = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(asked)

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            begun.append((status, headers))

        try:
            parts = application(environ, start)
            try:
                body = b"".join(parts)
            finally:
                # Flask's answers are to be closed.
                if hasattr(parts, "close"):
                    parts.close()
        except Exception as fault:
            missing = _missing(environ, asked)
            return _answer(environ, start_response, Invalid(missing) if missing else fault)
        if body.startswith(_PAGE):
            return _answer(environ, start_response, NotImplementedError("moto knows no such path"))
        start_response(*begun[-1])
        return [body]

    return serve


def _answer(environ: Mapping[str, Any], start_response: StartResponse, fault: Exception) -> Iterable[bytes]:
    if isinstance(fault, Invalid):
        status, code, said = "400 Bad Request", "ValidationException", str(fault)
    elif _AGAIN in str(fault):
        status, code, said = "503 Service Unavailable", "ServiceUnavailable", "Try again."
    elif isinstance(fault, StateUnusable):
        status, code, said = "500 Internal Server Error", "InternalFailure", str(fault)
    else:
        status, code = "501 Not Implemented", "NotImplemented"
        why = str(fault) if isinstance(fault, NotImplementedError) else f"{type(fault).__name__}: {fault}"
        said = f"The embedded AWS does not offer {_asked(environ)} ({why})"
        _log.debug("%s", said, exc_info=fault)
    kind, body = _body(environ, code, said)
    headers = [("Content-Type", kind), ("x-amzn-ErrorType", code), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]


def _missing(environ: Mapping[str, Any], asked: bytes) -> list[str]:
    """The members that AWS's model of an operation demands and a request in JSON has not."""
    scope = environ.get("HTTP_AUTHORIZATION", "").split("/")
    if _TARGET not in environ or len(scope) < 4:
        return []
    service = "dynamodbstreams" if "Streams" in environ[_TARGET] else _SERVICES.get(scope[3], scope[3])
    try:
        shape = get_service_model(service).operation_model(environ[_TARGET].split(".")[-1]).input_shape
        given = json.loads(asked or b"{}")
    except (BotoCoreError, OperationNotFoundError, ValueError):
        return []
    if shape is None or not isinstance(given, dict):
        return []
    return [name for name in shape.required_members if given.get(name) is None]


def _asked(environ: Mapping[str, Any]) -> str:
    """Names a request: the target of a JSON protocol, the action of a query, or a path."""
    if target := environ.get(_TARGET):
        return str(target).replace(".", " ")
    if action := parse_qs(environ.get("QUERY_STRING", "")).get("Action"):
        return str(action[0])
    return f"{environ.get('REQUEST_METHOD')} {environ.get('PATH_INFO')} with these parameters"


def _body(environ: Mapping[str, Any], code: str, said: str) -> tuple[str, bytes]:
    form = "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", "")
    if _TARGET in environ or not (form or "/s3/" in environ.get("HTTP_AUTHORIZATION", "")):
        return "application/x-amz-json-1.0", json.dumps({"__type": code, "message": said, "Message": said}).encode()
    error = f"<Code>{code}</Code><Message>{escape(said)}</Message>"
    query = f"<ErrorResponse><Error><Type>Receiver</Type>{error}</Error></ErrorResponse>"
    return "text/xml", (query if form else f"<Error>{error}</Error>").encode()
