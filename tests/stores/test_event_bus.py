"""Events reach the bus in order, and what it refuses stops what comes after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from orchestrator.stores.event_bus import MOST_BYTES, MOST_ENTRIES, Event, EventBus, requests


class Bus:
    """A bus that refuses an entry as often as it is told to; ``taken`` is what it has, in order."""

    def __init__(self, **refuses: int) -> None:
        self.taken: list[str] = []
        self.requests = 0
        self._refuses = refuses

    def describe_event_bus(self, **_: Any) -> None:
        pass

    def put_events(self, Entries: list[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.requests += 1
        return {"Entries": [self._answer(entry["Detail"]) for entry in Entries]}

    def _answer(self, detail: str) -> dict[str, str]:
        if self._refuses.get(detail, 0):
            self._refuses[detail] -= 1
            return {"ErrorCode": "ThrottlingException", "ErrorMessage": "too many"}
        self.taken.append(detail)
        return {"EventId": detail}


def events(*named: str) -> list[Event]:
    """``a1`` is of the group ``a``."""
    return [Event(entry={"Source": "s", "DetailType": "t", "Detail": name}, group=name[0]) for name in named]


def put(bus: Any, *named: str) -> tuple[int, str]:
    return EventBus(bus, "the-bus", sleep=lambda seconds: None).put(events(*named))


def test_of_a_group_a_request_has_one_event_at_most() -> None:
    """For it may be that the bus refuses the first of two and takes the second."""
    split = requests(events("a1", "b1", "a2", "c1", "b2", "b3"))
    assert [[event.entry["Detail"] for event in request] for request in split] == [
        ["a1", "b1"],
        ["a2", "c1", "b2"],
        ["b3"],
    ]


def test_a_request_has_as_many_events_and_bytes_as_it_may() -> None:
    many = [Event(entry={"Source": "s", "DetailType": "t", "Detail": "x"}, group=str(n)) for n in range(25)]
    assert [len(request) for request in requests(many)] == [MOST_ENTRIES, MOST_ENTRIES, 5]
    third = "✓" * (MOST_BYTES // 9)
    large = [Event(entry={"Source": "s", "DetailType": "t", "Detail": third}, group=str(n)) for n in range(4)]
    assert [len(request) for request in requests(large)] == [2, 2]


def test_what_is_throttled_for_a_moment_is_put_again_and_nothing_twice() -> None:
    bus = Bus(b1=2)
    assert put(bus, "a1", "b1", "c1", "b2") == (4, "")
    assert bus.taken == ["a1", "c1", "b1", "b2"]


def test_what_is_refused_for_longer_stops_all_that_comes_after_it() -> None:
    bus = Bus(b1=99)
    assert put(bus, "a1", "b1", "c1", "b2", "a2") == (1, "ThrottlingException: too many")
    assert "b2" not in bus.taken
    assert "a2" not in bus.taken


def test_nothing_to_put_is_no_request() -> None:
    bus = Bus()
    assert put(bus) == (0, "")
    assert bus.requests == 0


def _no_such_bus(**_: Any) -> None:
    raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no such bus"}}, "DescribeEventBus")


def _unreachable(**_: Any) -> None:
    raise EndpointConnectionError(endpoint_url="https://events.eu-central-1.amazonaws.com")


@pytest.mark.parametrize(
    ("call", "fault", "said"),
    [
        ("describe_event_bus", _no_such_bus, "no such bus"),
        ("put_events", _unreachable, "Could not connect"),
    ],
)
def test_a_bus_that_is_not_there_has_taken_nothing(call: str, fault: Callable[..., None], said: str) -> None:
    """PutEvents takes what is for a bus that does not exist, and nobody hears of it."""
    bus = Bus()
    setattr(bus, call, fault)
    taken, why = put(bus, "a1")
    assert (taken, bus.taken) == (0, [])
    assert said in why
