"""What happens soon, and not at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def soon(find: Callable[[], Any]) -> Any:
    """Returns what is found within a minute."""
    end = time.monotonic() + 60
    while not (found := find()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return found
