"""Who is in each pool, and who waits: items of the table Limits.

A pool is one item, which is changed only as it was read; whoever waits is an item of its own behind it, in the order in
which they are next (:func:`orchestrator.runs.pools.place`), so that no write grows with their number. Whoever comes
waits first and looks then whether there is a place; whoever leaves gives its place back first and looks then who waits.
So nobody waits while a place is free.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from orchestrator.dynamodb import Fields, to_item, update
from orchestrator.errors import InvalidRow, PoolContended
from orchestrator.runs.pools import Admission, Holder, Pool, Waiter, admit, kept, place
from orchestrator.stack import Stack
from orchestrator.stores.ledger import Ledger
from orchestrator.tasks.limits import Limit

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_STATE, _WAITS, _BEHIND = "state", "w#", "w~"

#: How often a pool is changed that somebody else changes at the same moment.
_ATTEMPTS = 30

#: A transaction holds a hundred items ("TransactWriteItems").
_MOST_AT_ONCE = 90

#: No slot waits so long: what somebody has left behind goes.
_LIFETIME_SECONDS = 30 * 86_400

#: Waiters that are read at a time.
_PAGE = 25


#: What the items of waiters are called: by task, slot and version.
_Names = dict[tuple[str, str, str], str]


@dataclass(frozen=True, kw_only=True)
class _State:
    pool: Pool
    #: How often it was changed.
    version: int


class Pools:
    """Reads and writes through ``client``, boto3's low-level client of DynamoDB."""

    def __init__(self, client: DynamoDBClient, stack: Stack, sleep: Callable[[float], object] = time.sleep) -> None:
        self._client = client
        self._table = stack.limits_table
        self._ledger = Ledger(client, stack)
        self._sleep = sleep

    def get(self, limit: Limit) -> Pool:
        """Who is in it."""
        return self._state(limit).pool

    def enter(self, limit: Limit, waiter: Waiter, now: datetime) -> tuple[Holder, ...]:
        """Lets in who is next, now that ``waiter`` is there, too: all that were let in, of which it may be one.

        Where it is in the pool already, it gives all who are: whoever has let them in may have died before it could
        start them. Raises :class:`PoolContended`.
        """
        inside = self._living(self._state(limit).pool, now).holders
        if any(one.is_of(waiter.task_id, waiter.slot, waiter.version) for one in inside):
            return inside
        expiry = int(waiter.since) + _LIFETIME_SECONDS
        item = {**_waiter_value(waiter), "kind": _kind(limit), "name": _name(waiter), "ttl": expiry}
        self._client.put_item(TableName=self._table, Item=to_item(item))
        return self._change(limit, now, lambda pool: pool.without(waiter.task_id, waiter.slot))

    def leave(
        self,
        limit: Limit,
        task_id: str,
        slot: str,
        now: datetime,
        *,
        version: str | None = None,
        but: str | None = None,
    ) -> tuple[Holder, ...]:
        """Gives back the place of a slot whose run has ended, or that of one ``version`` of its row, or of any ``but``
        one, and lets in who is next. Where it has none, it gives all who are in the pool, as :meth:`enter` does.

        Raises :class:`PoolContended`.
        """
        inside = self._state(limit).pool
        if not inside.has(task_id, slot):
            return inside.holders
        return self._change(limit, now, lambda pool: pool.without(task_id, slot, version, but=but))

    def before(self, limit: Limit, waiter: Waiter) -> tuple[Waiter, ...]:
        """Those that are next before a waiter."""
        return tuple(self._waiting(limit, until=_name(waiter)))

    def _change(self, limit: Limit, now: datetime, change: Callable[[Pool], Pool]) -> tuple[Holder, ...]:
        admitted: list[Holder] = []
        for attempt in range(_ATTEMPTS):
            before = self._state(limit)
            names: _Names = {}
            waiting = self._noted(limit, names)
            pool = self._living(change(before.pool), now)
            admission = admit(limit, pool, waiting, now.timestamp(), most=_MOST_AT_ONCE)
            if admission.pool == before.pool:
                return tuple(admitted)
            if self._write(limit, before, admission, names):
                admitted += admission.admitted
                if len(admission.admitted) < _MOST_AT_ONCE:
                    return tuple(admitted)
            else:
                self._sleep(random.uniform(0, 0.02 * min(attempt + 1, 10)))
        raise PoolContended(limit.name)

    def _living(self, pool: Pool, now: datetime) -> Pool:
        """The pool without those who are in nobody's way: the row of each whose lease has expired is asked."""
        moment = now.timestamp()
        holders = (one if one.until > moment else self._kept(one, moment) for one in pool.holders)
        return replace(pool, holders=tuple(one for one in holders if one is not None))

    def _kept(self, holder: Holder, now: float) -> Holder | None:
        run = None
        with suppress(InvalidRow):
            run = self._ledger.get(holder.task_id, holder.slot)
        return kept(holder, run, now)

    def _write(self, limit: Limit, before: _State, admission: Admission, names: _Names) -> bool:
        """Returns False, and writes nothing, if somebody has changed the pool, or let in one of them, meanwhile."""
        values = {
            "holders": [_holder_value(one) for one in admission.pool.holders],
            "begins": [int(begin * 1000) for begin in admission.pool.begins],
            "version": before.version + 1,
        }
        same = "#version = :before" if before.version else "attribute_not_exists(#version)"
        request = update(values, values={"before": before.version} if before.version else None, condition=same)
        state: Any = {"Update": {"TableName": self._table, "Key": _key(limit, _STATE), **request}}
        gone: list[Any] = [
            {
                "Delete": {
                    "TableName": self._table,
                    "Key": _key(limit, names[one.task_id, one.slot, one.version]),
                    "ConditionExpression": "attribute_exists(taskId)",
                }
            }
            for one in admission.admitted
        ]
        try:
            self._client.transact_write_items(TransactItems=[state, *gone])
        except self._client.exceptions.TransactionCanceledException:
            return False
        return True

    def _state(self, limit: Limit) -> _State:
        answer = self._client.get_item(TableName=self._table, Key=_key(limit, _STATE), ConsistentRead=True)
        fields = Fields(answer.get("Item", {}))
        holders = fields.maps("holders") if "holders" in fields else ()
        begins = answer.get("Item", {}).get("begins", {}).get("L", ())
        return _State(
            pool=Pool(holders=tuple(map(_holder, holders)), begins=tuple(int(one["N"]) / 1000 for one in begins)),
            version=fields.find("version", int) or 0,
        )

    def _noted(self, limit: Limit, names: _Names) -> Iterator[Waiter]:
        """Those who wait, in order; ``names`` gets what the item of each is called."""
        for waiter in self._waiting(limit, until=_BEHIND):
            names[waiter.task_id, waiter.slot, waiter.version] = _name(waiter)
            yield waiter

    def _waiting(self, limit: Limit, *, until: str) -> Iterator[Waiter]:
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#kind = :kind AND #name BETWEEN :first AND :last",
            ExpressionAttributeNames={"#kind": "kind", "#name": "name"},
            ExpressionAttributeValues=to_item({":kind": _kind(limit), ":first": _WAITS, ":last": until}),
            ConsistentRead=True,
            PaginationConfig={"PageSize": _PAGE},
        )
        for page in pages:
            for item in page["Items"]:
                if item["name"]["S"] != until:
                    yield _waiter(Fields(item))


def _kind(limit: Limit) -> str:
    return f"pool:{limit.name}"


def _name(waiter: Waiter) -> str:
    """What its item is called: rows of one slot that follow each other are several waiters."""
    return f"{_WAITS}{place(waiter)}#{waiter.version}"


def _key(limit: Limit, name: str) -> dict[str, Any]:
    return to_item({"kind": _kind(limit), "name": name})


def _holder_value(holder: Holder) -> dict[str, Any]:
    return {
        "taskId": holder.task_id,
        "slot": holder.slot,
        "version": holder.version,
        "begins": int(holder.begins * 1000),
        "until": int(holder.until * 1000),
    }


def _holder(fields: Fields) -> Holder:
    return Holder(
        task_id=fields.get("taskId", str),
        slot=fields.get("slot", str),
        version=fields.get("version", str),
        begins=fields.get("begins", int) / 1000,
        until=fields.get("until", int) / 1000,
    )


def _waiter_value(waiter: Waiter) -> dict[str, Any]:
    return {
        "taskId": waiter.task_id,
        "slot": waiter.slot,
        "version": waiter.version,
        "priority": waiter.priority,
        "since": int(waiter.since * 1000),
        "leaseSeconds": waiter.lease_seconds,
        "atOnce": waiter.at_once,
    }


def _waiter(fields: Fields) -> Waiter:
    return Waiter(
        task_id=fields.get("taskId", str),
        slot=fields.get("slot", str),
        version=fields.get("version", str),
        priority=fields.get("priority", int),
        since=fields.get("since", int) / 1000,
        lease_seconds=fields.get("leaseSeconds", int),
        at_once=fields.find("atOnce", int),
    )
