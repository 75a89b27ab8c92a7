"""How many read units of DynamoDB a page has cost, as DynamoDB itself counts them ("ReturnConsumedCapacity")."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_READS = ("Query", "Scan", "GetItem")


class Count:
    """Of one page."""

    def __init__(self) -> None:
        self.units = 0.0


class ReadUnits:
    """Counts what calls through ``client``, boto3's of DynamoDB, have read, by the thread that has asked."""

    def __init__(self, client: Any) -> None:
        self._counting = threading.local()
        for operation in _READS:
            client.meta.events.register(f"provide-client-params.dynamodb.{operation}", _ask_for_them)
            client.meta.events.register(f"after-call.dynamodb.{operation}", self._count)

    @contextmanager
    def counted(self) -> Iterator[Count]:
        """Counts what this thread reads meanwhile."""
        count = self._counting.count = Count()
        try:
            yield count
        finally:
            self._counting.count = None

    def _count(self, parsed: Any, **_: Any) -> None:
        count = getattr(self._counting, "count", None)
        if count is not None:
            count.units += parsed.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0)


def _ask_for_them(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    return {"ReturnConsumedCapacity": "TOTAL", **params}
