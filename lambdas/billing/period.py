"""A billing period: a month in a time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True)
class Period:
    """A month on the clock of a zone; it prints as ``2026-11``."""

    year: int
    month: int
    timezone: str = "UTC"

    @classmethod
    def before(cls, slot: datetime, timezone: str) -> Period:
        """The month before the one that the slot is in, on the clock of the zone."""
        local = slot.astimezone(ZoneInfo(timezone))
        year, month = (local.year - 1, 12) if local.month == 1 else (local.year, local.month - 1)
        return cls(year=year, month=month, timezone=timezone)

    @classmethod
    def read(cls, text: str, timezone: str) -> Period:
        """The period that prints as ``text``. Raises ValueError."""
        first = datetime.strptime(text, "%Y-%m")
        return cls(year=first.year, month=first.month, timezone=timezone)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    def __contains__(self, moment: datetime) -> bool:
        return self.begin <= moment < self.end

    @property
    def begin(self) -> datetime:
        """Its first moment, in UTC."""
        return self._midnight(self.year, self.month)

    @property
    def end(self) -> datetime:
        """The first moment after it, in UTC."""
        return self._midnight(self.year + self.month // 12, self.month % 12 + 1)

    def _midnight(self, year: int, month: int) -> datetime:
        return datetime(year, month, 1, tzinfo=ZoneInfo(self.timezone)).astimezone(UTC)
