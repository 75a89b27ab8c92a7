"""What functions have logged: CloudWatch Logs, invocation by invocation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient

#: The lines with which Lambda begins and ends what an invocation logs ("Log formats", of text).
_BEGINS = re.compile(r"START RequestId: (\S+)")
_ENDS = re.compile(r"REPORT RequestId: (\S+)")
_BETWEEN = re.compile(r"END RequestId: \S+\s*")


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """An event of a function's log: one line, or several, as a stack trace is."""

    #: Of the event, in its log group.
    id: str
    function: str
    request_id: str
    #: Milliseconds since 1970.
    at: int
    text: str
    #: Whether it is the last of its invocation.
    is_report: bool = False


class FunctionLogs:
    """Reads log groups through ``client``, boto3's client of CloudWatch Logs."""

    def __init__(self, client: CloudWatchLogsClient) -> None:
        self._client = client

    def lines(self, function: str, since: datetime, until: datetime | None) -> Iterator[LogLine]:
        """Yields what a function has logged in that time, in order; nothing if it has never run.

        ``function`` is a name or an ARN. What was begun before ``since`` is left out.
        """
        name = function.split(":")[6] if function.startswith("arn:") else function.partition(":")[0]
        request: dict[str, Any] = {"logGroupName": f"/aws/lambda/{name}", "startTime": _milliseconds(since)}
        request |= {"endTime": _milliseconds(until)} if until else {}
        pages = self._client.get_paginator("filter_log_events").paginate(**request)
        try:
            events = [event for page in pages for event in page["events"]]
        except self._client.exceptions.ResourceNotFoundException:
            return
        yield from _told_apart(name, events)


def _told_apart(function: str, events: Iterable[Mapping[str, Any]]) -> Iterator[LogLine]:
    """Lines with the invocation that they belong to: a stream has one after the other."""
    current: dict[str, str] = {}
    for event in events:
        text, stream = event["message"].rstrip("\n"), event["logStreamName"]
        if begins := _BEGINS.match(text):
            current[stream] = begins[1]
            continue
        if stream not in current or _BETWEEN.fullmatch(text):
            continue
        ends = _ENDS.match(text)
        yield LogLine(
            id=event["eventId"],
            function=function,
            request_id=current[stream],
            at=event["timestamp"],
            text=text.replace("\t", "  ").strip() if ends else text,
            is_report=bool(ends),
        )
        if ends:
            del current[stream]


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
