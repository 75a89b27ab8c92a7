"""What nobody can ask AWS for and a developer wants to see: mails that were sent, messages of topics, the clock.

moto keeps mails and messages and has no request that lists them. They are read at ``/_embedded`` of the embedded AWS,
which no AWS service has.
"""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from moto.ses.models import RawMessage

from orchestrator.local.aws.connections import Application
from orchestrator.local.aws.environment import LOOKING_PATH
from orchestrator.local.aws.parts import Aws

#: So many mails, and so many messages, the newest.
_MOST = 50

_JSON = [("Content-Type", "application/json")]


def looked_at(application: Application, aws: Callable[[], Aws]) -> Application:
    """The same application, which answers at :data:`~environment.LOOKING_PATH`, too."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != LOOKING_PATH:
            return application(environ, start_response)
        body = json.dumps(seen(aws()), ensure_ascii=False).encode()
        start_response("200 OK", [*_JSON, ("Content-Length", str(len(body)))])
        return [body]

    return serve


def seen(aws: Aws) -> dict[str, Any]:
    """All of it, as plain values; the newest is the first."""
    mails = list(map(_mail, aws.backend("ses").sent_messages[: -_MOST - 1 : -1]))
    topics = aws.backend("sns").topics.values()
    published = [one for topic in topics for one in _published(topic)]
    return {
        "clock": {"now": aws.clock.now().isoformat(timespec="milliseconds"), "speed": aws.clock.speed},
        "mails": mails,
        "published": published,
    }


def _mail(sent: Any) -> dict[str, Any]:
    if not isinstance(sent, RawMessage):
        to = [one for some in sent.destinations.values() for one in some]
        return {"from": sent.source, "to": to, "subject": sent.subject, "text": sent.body}
    read = email.message_from_string(sent.raw_data, policy=email.policy.default)
    body = read.get_body(("plain", "html"))
    text = ""
    # A mail may say that it is written in an encoding that nobody knows.
    with suppress(LookupError, UnicodeError):
        text = str(body.get_content()) if body else ""
    return {"from": sent.source, "to": list(sent.destinations), "subject": str(read["Subject"] or ""), "text": text}


def _published(topic: Any) -> Iterator[dict[str, Any]]:
    for _, message, subject, *_rest in topic.sent_notifications[: -_MOST - 1 : -1]:
        yield {"topic": topic.name, "subject": subject or "", "message": message}
