"""A task's target that does as its params say."""

from __future__ import annotations

import time
from typing import Any

from orchestrator.errors import InvalidParameters, NotYet


def handler(event: dict[str, Any], context: object) -> Any:
    params = event["params"]
    time.sleep(params.get("seconds", 0))
    if event["attempt"] < params.get("silentUntil", 1):
        # Here, because whoever begins with this begins later.
        from orchestrator.handlers.heartbeats import watched

        with watched(event["heartbeatSeconds"]):
            time.sleep(60)
    if "notYet" in params:
        raise NotYet(params["notYet"], "the file is not there")
    if name := params.get("raises"):
        raise type(name, (Exception,), {})("as it was told to")
    if event["attempt"] < params.get("succeedsAt", 1):
        raise ValueError(f"attempt {event['attempt']} of {event['runKey']} failed\nas it was told to")
    if params.get("refuse") or params.get("failsAt") == event["slot"]:
        raise InvalidParameters("work", ["refuse: expected false, found true"])
    return {"event": event, "filler": "x" * params.get("bytes", 0)}
