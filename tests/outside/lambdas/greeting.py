"""A handler as it is while somebody writes it: it stops in the debugger, or has a mistake."""

from __future__ import annotations

from typing import Any


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Params: ``name`` is "stop" for the debugger, and "Eve" for the mistake."""
    name = event["params"]["name"]
    if name == "stop":
        breakpoint()
    return {"said": f"Hello, {event['params']['naem']}!" if name == "Eve" else "Hello!"}
