"""Moments, and how they are written.

A moment is a ``datetime`` in UTC. As text it is ISO 8601 with ``Z``. What falls on a whole second, as the slot of a
schedule does, is written to the second (``2026-12-01T08:00:00Z``); when something happened is written to the
millisecond (``2026-12-01T08:00:12.345Z``), as Step Functions does. Texts of the two precisions do not sort by time,
because a point comes before a ``Z``: compare moments, or :func:`order`.

A slot is named by its moment, and where several may have the same, as events do, by an id behind it, too:
``2026-12-01T08:00:00Z#4f0c``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

#: The form of a moment, of either precision; it has to match from the first character to the last. TaskRunner matches
#: the same, so the digits are those of ASCII. A text of this form may still name no day of the calendar.
MOMENT_PATTERN = (
    r"(19[7-9][0-9]|[2-9][0-9][0-9][0-9])-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9][0-9][0-9])?Z"
)

#: What may tell slots of one moment apart. It goes into links and file names, so it holds neither ``/`` nor ``#``.
SLOT_ID_PATTERN = r"[A-Za-z0-9_.:=@+-]{1,128}"

#: The form of a slot.
SLOT_PATTERN = rf"{MOMENT_PATTERN}(#{SLOT_ID_PATTERN})?"

_MOMENT = re.compile(MOMENT_PATTERN)
_SLOT = re.compile(SLOT_PATTERN)


def to_second(moment: datetime) -> str:
    """``2026-12-01T08:00:00Z``; what is less than a second is cut off."""
    # Twice as fast as strftime, and a watchdog writes millions of them, most of them in UTC already.
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{in_utc.isoformat(timespec='seconds')[:19]}Z"


def to_millisecond(moment: datetime) -> str:
    """``2026-12-01T08:00:00.000Z``; what is less than a millisecond is cut off."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def slot_text(moment: datetime) -> str:
    """Writes a slot as the ledger does: to the second, or to the millisecond if it is not a whole second."""
    return to_millisecond(moment) if moment.microsecond else to_second(moment)


def read(text: object) -> datetime | None:
    """The moment that a text of ours names; None for anything else."""
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        # A day that the month does not have.
        return None


def of_slot(slot: str) -> datetime:
    """The moment of a slot. Raises ValueError for what is none."""
    return datetime.fromisoformat(slot.partition("#")[0]).astimezone(UTC)


def month_of(moment: datetime) -> datetime:
    """When the month of a moment began, by the moment's own clock."""
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_after(begin: datetime) -> datetime:
    """When the month ends that began then."""
    return month_of(begin + timedelta(days=32))


def window_end(moment: datetime, seconds: int) -> str:
    """The end of the window of so many seconds that a moment lies in: windows follow each other from 1970 on, and the
    moment at which one ends is the first of the next.
    """
    return to_second(datetime.fromtimestamp((int(moment.timestamp()) // seconds + 1) * seconds, UTC))


def is_slot(text: object) -> bool:
    """Whether a text is a slot: a moment, and perhaps an id behind it."""
    return isinstance(text, str) and _SLOT.fullmatch(text) is not None and read(text.partition("#")[0]) is not None


def order(text: str) -> str:
    """Returns the sort key of the text of a moment, of either precision, or of a slot: that of its moment."""
    return text.partition("Z")[0]
