"""How busy each hour of the day is: yesterday's runs beside the slots of the next day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

_HOURS, _LEVELS = 24, 3


@dataclass(frozen=True, kw_only=True)
class Hours:
    """A day: of each hour, in UTC, the count and how dark it is drawn, from 0 to 3."""

    name: str
    counts: tuple[tuple[int, int], ...]


def heat(days: Mapping[str, Iterable[datetime]]) -> tuple[Hours, ...]:
    """Counts starts by hour of each named day. The busiest hour of all days is the darkest."""
    counted = {name: Counter(moment.hour for moment in moments) for name, moments in days.items()}
    most = max((count for hours in counted.values() for count in hours.values()), default=0)
    return tuple(
        Hours(name=name, counts=tuple((hours[hour], _level(hours[hour], most)) for hour in range(_HOURS)))
        for name, hours in counted.items()
    )


def _level(count: int, most: int) -> int:
    return -(-count * _LEVELS // most) if most else 0
