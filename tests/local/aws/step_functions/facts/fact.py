"""One fact about AWS, and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

#: In the place of a value: whatever it is, as long as it is there.
ANY: Any = mock.ANY


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A machine, its input, and what AWS says of its execution."""

    name: str
    #: Where AWS says so.
    source: str
    #: The first is where it starts.
    states: Mapping[str, Mapping[str, Any]]
    given: Any = field(default_factory=dict)
    query_language: str = "JSONata"
    #: Further fields of the machine.
    top: Mapping[str, Any] = field(default_factory=dict)
    status: str = "SUCCEEDED"
    #: Only compared if the execution succeeds.
    output: Any = field(default_factory=lambda: ANY)
    error: str | None = None
    cause: Any = None
    #: Types of events, in order; None where they do not matter.
    events: tuple[str, ...] | None = None
    #: (number of the event, number of the event before) of some events.
    previous: tuple[tuple[int, int], ...] = ()
    #: Details of some events, by the number of the event; those that are not named may be anything.
    details: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
