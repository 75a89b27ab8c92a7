"""How many are short."""

from __future__ import annotations

from typing import Any


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    return {"short": max(0, event["params"]["wanted"] - event["params"]["there"])}
