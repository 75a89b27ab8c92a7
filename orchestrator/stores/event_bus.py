"""A bus of EventBridge, and the events that are put on it, in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient

#: Of one request ("PutEvents").
MOST_ENTRIES = 10
MOST_BYTES = 256 * 1024

#: Seconds before an entry that was refused is put again; what is refused after that is left to the caller.
_DELAYS = (0.1, 0.4)


@dataclass(frozen=True, kw_only=True)
class Event:
    """An entry of PutEvents."""

    entry: Mapping[str, Any]
    #: What must be put in order, such as the events of one task, says the same here.
    group: str


class EventBus:
    """Puts events on a bus, by its name or its ARN, through ``client``, boto3's client of EventBridge."""

    def __init__(self, client: EventBridgeClient, bus: str, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self._client = client
        self._bus = bus
        self._sleep = sleep

    def put(self, events: Sequence[Event]) -> tuple[int, str]:
        """Puts events one after the other, as far as the bus takes them: how many it has taken, and why no more.

        All before that number are on the bus, and of a group nothing is on it that comes later.
        """
        done = 0
        try:
            if events:
                self._look()
            for request in requests(events):
                refused = self._request(request)
                if refused:
                    first = min(refused)
                    return done + first, refused[first]
                done += len(request)
        except (BotoCoreError, ClientError) as fault:
            return done, str(fault)
        return done, ""

    def _look(self) -> None:
        """Raises ClientError if there is no such bus: PutEvents takes events for a bus that does not exist, and loses
        them. A bus of another account describes itself to nobody else.
        """
        if not self._bus.startswith("arn:"):
            self._client.describe_event_bus(Name=self._bus)

    def _request(self, events: Sequence[Event]) -> dict[int, str]:
        """The places of those that are refused again and again, with the reason of each."""
        pending = dict(enumerate(events))
        refused: dict[int, str] = {}
        for delay in (*_DELAYS, None):
            entries: Any = [event.entry for event in pending.values()]
            answers = self._client.put_events(Entries=entries)["Entries"]
            refused = {
                place: f"{answer['ErrorCode']}: {answer.get('ErrorMessage', '')}"
                for place, answer in zip(pending, answers, strict=True)
                if "ErrorCode" in answer
            }
            if not refused or delay is None:
                break
            self._sleep(delay)
            pending = {place: pending[place] for place in refused}
        return refused


def requests(events: Sequence[Event]) -> Iterator[list[Event]]:
    """The events in order, as many in a request as it may have, but of each group one at most: the bus may take the
    second of a request and refuse the first.
    """
    request: list[Event] = []
    for event in events:
        is_full = len(request) == MOST_ENTRIES or sum(map(size, [*request, event])) >= MOST_BYTES
        if request and (is_full or any(one.group == event.group for one in request)):
            yield request
            request = []
        request.append(event)
    if request:
        yield request


def size(event: Event) -> int:
    """In bytes: 14 for a time, and all texts in UTF-8 ("Calculating PutEvents event entry size")."""
    entry = event.entry
    texts = [entry["Source"], entry["DetailType"], entry["Detail"], *entry.get("Resources", ())]
    return (14 if "Time" in entry else 0) + sum(len(text.encode()) for text in texts)
