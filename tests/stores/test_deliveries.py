"""When a delivery came first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.stack import Stack
from orchestrator.stores.deliveries import Deliveries
from tests.testbed.tables import create_tables

NOW = datetime(2026, 12, 1, 8, 0, 0, 900_000, tzinfo=UTC)
SECOND = NOW.replace(microsecond=0)


def test_a_delivery_that_comes_again_has_come_when_it_came_first(aws: EmbeddedAws) -> None:
    client = create_tables(aws, Stack())
    deliveries = Deliveries(client, Stack())
    assert deliveries.first("orders", "a1", NOW) == SECOND
    later = NOW + timedelta(hours=1)
    assert deliveries.first("orders", "a1", later) == SECOND
    # Another id, and another webhook's.
    for webhook, id_ in (("orders", "a2"), ("orders/git", "a1")):
        assert deliveries.first(webhook, id_, later) == later.replace(microsecond=0)
    kept = {item["id"]["S"]: item for item in client.scan(TableName=Stack().table("Idempotency"))["Items"]}
    assert len(kept) == 3
    # The table forgets it a week after it came first.
    expires = datetime.fromtimestamp(int(kept["webhook orders a1"]["expiration"]["N"]), UTC)
    assert expires == SECOND + timedelta(days=7)
