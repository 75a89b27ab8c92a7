"""Lengths of time as people write them: ``90``, ``90s``, ``5m``, ``2h``, ``1d``."""

from __future__ import annotations

import re

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,9})\s*([smhd]?)")


def seconds(text: str | int) -> int:
    """Reads a duration like ``5m`` in seconds. Raises ValueError."""
    match = _DURATION.fullmatch(str(text).strip()) if not isinstance(text, bool) else None
    if match is None:
        raise ValueError(f"expected a length of time like 90s, 5m or 2h, found {text!r}")
    return int(match[1]) * _UNITS[match[2]]
