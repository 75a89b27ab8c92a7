"""A target that says in which process it runs."""

from __future__ import annotations

import os
from typing import Any


def handler(event: dict[str, Any], context: object) -> Any:
    return {"process": os.getpid()}
