"""A target that forks, and lets both halves return, as a library that copies its process may."""

from __future__ import annotations

import os
from typing import Any


def handler(event: dict[str, Any], context: object) -> Any:
    child = os.fork() == 0
    return {"slot": event["slot"], "child": child}
