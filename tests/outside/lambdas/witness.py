"""A target that logs what it was called with, whatever that is, and takes a moment."""

from __future__ import annotations

import json
import time
from typing import Any


def handler(event: Any, context: object) -> Any:
    print(f"called with {json.dumps(event)}")  # noqa: T201
    time.sleep(0.05)
