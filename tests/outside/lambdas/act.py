"""A task's target that does what its params say, as any user's code might."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any


def handler(event: dict[str, Any], context: object) -> Any:
    """Params: ``file`` gets a line for each call, ``seconds`` is how long it works, ``fail`` is what it raises."""
    params = event["params"]
    if "file" in params:
        with Path(params["file"]).open("a", encoding="utf-8") as file:
            file.write(f"{event['taskId']} {event['slot']} {event['attempt']}\n")
    time.sleep(params.get("seconds", 0))
    if "fail" in params:
        raise RuntimeError(params["fail"])
    return {"slot": event["slot"]}
