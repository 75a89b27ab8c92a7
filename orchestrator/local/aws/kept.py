"""What outlives the process: records, objects and schedules, in a folder.

A change is in the folder before whoever made it hears that it was made, so nothing that was acknowledged is lost when
the process is killed. It is an SQLite database with a write-ahead log. What was kept of a table, a bucket or a schedule
group is in it again as soon as one of that name is created: the stack is deployed anew, and finds its data. Executions,
logs, mails and messages in queues are not kept.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.cloudformation import parsing
from moto.core.exceptions import ServiceException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.responses import DynamoHandler
from moto.s3.models import FakeKey, S3Backend, get_canned_acl
from moto.scheduler.models import EventBridgeSchedulerBackend

from orchestrator.errors import StateInUse
from orchestrator.local.aws.dynamodb.partitions import held
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

_FILE = "state.sqlite"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS kept (
    kind TEXT, place TEXT, name TEXT, value BLOB, PRIMARY KEY (kind, place, name)
) WITHOUT ROWID
"""

#: What the kinds are of, and what their places are.
ITEM, OBJECT, SCHEDULE, CLOCK = "item", "object", "schedule", "clock"

#: Of moto's object of a schedule, the parameters of CreateSchedule.
_SCHEDULE = (
    "name",
    "group_name",
    "description",
    "schedule_expression",
    "schedule_expression_timezone",
    "flexible_time_window",
    "target",
    "state",
    "kms_key_arn",
    "start_date",
    "end_date",
    "action_after_completion",
)

#: DynamoDB's operations that change records.
_WRITES = {
    "put_item": "6d9c958ebd70",
    "delete_item": "374c0dbf92d1",
    "update_item": "e5ef13d54f52",
    "batch_write_item": "c5c6a0ddb152",
    "transact_write_items": "5af0d4e3b718",
}


class Kept:
    """The folder, which one process uses at a time. Raises :class:`~orchestrator.errors.StateInUse`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._database: sqlite3.Connection | None = None
        database = sqlite3.connect(folder / _FILE, check_same_thread=False, isolation_level=None, timeout=0)
        try:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("PRAGMA journal_mode = WAL")
            # A killed process loses nothing by this; a machine without power may lose its last moments.
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute(_SCHEMA)
        except sqlite3.OperationalError as fault:
            database.close()
            raise StateInUse(str(folder)) from fault
        self._database = database
        #: Whether nothing has ever been kept here.
        self.is_new = database.execute("SELECT 1 FROM kept LIMIT 1").fetchone() is None

    @property
    def lock(self) -> threading.RLock:
        """Held while something is read from AWS and kept, so that the newest is kept last."""
        return self._lock

    def put(self, kind: str, place: str, name: str, value: Any) -> None:
        """Keeps a value of JSON or bytes; the newest of a name."""
        self._do("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", kind, place, name, _written(value))

    def remove(self, kind: str, place: str, name: str | None = None) -> None:
        """Keeps it no longer; without a name, all of the place."""
        if name is None:
            self._do("DELETE FROM kept WHERE kind = ? AND place = ?", kind, place)
        else:
            self._do("DELETE FROM kept WHERE kind = ? AND place = ? AND name = ?", kind, place, name)

    def of(self, kind: str, place: str) -> list[tuple[str, Any]]:
        """Yields each name, and what is kept under it."""
        with self._lock:
            if self._database is None:
                return []
            rows = self._database.execute("SELECT name, value FROM kept WHERE kind = ? AND place = ?", (kind, place))
            return [(name, _read(value)) for name, value in rows.fetchall()]

    @property
    def time(self) -> datetime | None:
        """Returns the time at which something was last kept."""
        return next((datetime.fromisoformat(value) for _, value in self.of(CLOCK, "")), None)

    def close(self) -> None:
        """Keeps nothing any more."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _do(self, statement: str, *values: Any) -> None:
        with self._lock:
            if self._database is not None:
                self._database.execute(statement, values)


def _written(value: Any) -> str:
    return json.dumps(value, default=lambda one: {"bytes of base64": base64.b64encode(one).decode()})


def _read(text: str) -> Any:
    def restored(value: dict[str, Any]) -> Any:
        return base64.b64decode(value["bytes of base64"]) if value.keys() == {"bytes of base64"} else value

    return json.loads(text, object_hook=restored)


def _touched(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The tables and keys, or whole items, that a request of DynamoDB writes."""
    if "TransactItems" in body:
        for one in body["TransactItems"]:
            yield from (_of(action) for name, action in one.items() if name != "ConditionCheck")
    elif "RequestItems" in body:
        for table, requests in body["RequestItems"].items():
            for one in requests:
                yield from ((table, action.get("Item") or action["Key"]) for action in one.values())
    else:
        yield _of(body)


def _of(action: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    return action["TableName"], action.get("Item") or action["Key"]


def _records(aws: Aws) -> None:
    def keep(kept: Kept, body: Mapping[str, Any]) -> None:
        tables = aws.backend("dynamodb").tables
        for name, key in _touched(body):
            table = tables[name.rpartition("/")[2]]
            place = json.dumps({one: key[one] for one in table.table_key_attrs}, sort_keys=True)
            with kept.lock:
                item = held(table, key)
                if item is None:
                    kept.remove(ITEM, table.name, place)
                else:
                    kept.put(ITEM, table.name, place, item.to_json()["Attributes"])
        kept.put(CLOCK, "", "", aws.clock.now().isoformat())

    def keeping(write: Any) -> Any:
        def written(self: Any) -> Any:
            answer = write(self)
            if kept := aws.kept:
                keep(kept, self.body)
            return answer

        return written

    for name, digest in _WRITES.items():
        replaces(DynamoHandler, name, digest=digest)(keeping(getattr(DynamoHandler, name)))

    create, delete = DynamoDBBackend.create_table, DynamoDBBackend.delete_table

    @replaces(DynamoDBBackend, "create_table", digest="138d3f415df3")
    def create_table(self: Any, *arguments: Any, **named: Any) -> Any:
        table = create(self, *arguments, **named)
        # What is there again has not changed: nobody who follows the table hears of it.
        shard, table.stream_shard = table.stream_shard, None
        for _, item in aws.kept.of(ITEM, table.name) if aws.kept else ():
            table.put_item(item)
        table.stream_shard = shard
        return table

    @replaces(DynamoDBBackend, "delete_table", digest="d15d396a25aa")
    def delete_table(self: Any, name: str) -> Any:
        table = delete(self, name)
        if aws.kept:
            aws.kept.remove(ITEM, table.name)
        return table


def _objects(aws: Aws) -> None:
    put, delete, create = S3Backend.put_object, S3Backend.delete_object, S3Backend.create_bucket
    set_metadata, set_acl = FakeKey.set_metadata, FakeKey.set_acl

    def keep(key: Any) -> None:
        kept = aws.kept
        if kept and key.bucket_name:
            about = {
                "metadata": dict(key._metadata),
                "public": bool(key.acl and key.acl.public_read),
                "modified": key.last_modified.isoformat(),
            }
            with kept.lock:
                kept.put(OBJECT, key.bucket_name, key.name, {"value": key.value, **about})

    @replaces(S3Backend, "put_object", digest="4e8e65d66e72")
    def put_object(self: Any, bucket_name: str, key_name: str, *arguments: Any, **named: Any) -> Any:
        key = put(self, bucket_name, key_name, *arguments, **named)
        keep(key)
        return key

    @replaces(S3Backend, "delete_object", digest="0413be3b4cfd")
    def delete_object(self: Any, bucket_name: str, key_name: str, *arguments: Any, **named: Any) -> Any:
        answer = delete(self, bucket_name, key_name, *arguments, **named)
        if aws.kept and self.get_bucket(bucket_name).keys.get(key_name) is None:
            aws.kept.remove(OBJECT, bucket_name, key_name)
        return answer

    @replaces(FakeKey, "set_metadata", digest="93fb04aba3d4")
    def change_metadata(self: Any, *arguments: Any, **named: Any) -> None:
        set_metadata(self, *arguments, **named)
        keep(self)

    @replaces(FakeKey, "set_acl", digest="2ca28cd7e26a")
    def change_acl(self: Any, acl: Any) -> None:
        set_acl(self, acl)
        keep(self)

    @replaces(S3Backend, "create_bucket", digest="12dfa6c49c12")
    def create_bucket(self: Any, bucket_name: str, *arguments: Any, **named: Any) -> Any:
        bucket = create(self, bucket_name, *arguments, **named)
        for name, was in aws.kept.of(OBJECT, bucket_name) if aws.kept else ():
            key = put(self, bucket_name, name, was["value"], disable_notification=True)
            set_metadata(key, was["metadata"])
            set_acl(key, get_canned_acl("public-read" if was["public"] else "private"))
            key.last_modified = datetime.fromisoformat(was["modified"])
        return bucket


def _schedules(aws: Aws) -> None:
    backend = EventBridgeSchedulerBackend
    create, update, delete = backend.create_schedule, backend.update_schedule, backend.delete_schedule
    create_group, delete_group = backend.create_schedule_group, backend.delete_schedule_group

    def keep(schedule: Any) -> None:
        if aws.kept:
            values = {name: getattr(schedule, name) for name in _SCHEDULE}
            aws.kept.put(SCHEDULE, schedule.group_name, schedule.name, values)

    def restore(self: Any, schedules: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        for _, was in schedules:
            # One whose time has passed meanwhile is not accepted any more.
            with suppress(ServiceException):
                create(self, **was)

    @replaces(backend, "create_schedule", digest="86143c060987")
    def create_schedule(self: Any, **request: Any) -> Any:
        schedule = create(self, **request)
        keep(schedule)
        return schedule

    @replaces(backend, "update_schedule", digest="de45530d88a6")
    def update_schedule(self: Any, **request: Any) -> Any:
        schedule = update(self, **request)
        keep(schedule)
        return schedule

    @replaces(backend, "delete_schedule", digest="fbafd94c06cc")
    def delete_schedule(self: Any, group_name: str | None, name: str) -> None:
        delete(self, group_name, name)
        if aws.kept:
            aws.kept.remove(SCHEDULE, group_name or "default", name)

    @replaces(backend, "create_schedule_group", digest="d2cc1550eb62")
    def create_schedule_group(self: Any, name: str, tags: Any) -> Any:
        group = create_group(self, name, tags)
        restore(self, aws.kept.of(SCHEDULE, name) if aws.kept else ())
        return group

    @replaces(backend, "delete_schedule_group", digest="b942f78e949a")
    def delete_schedule_group(self: Any, name: str | None) -> None:
        delete_group(self, name)
        if aws.kept:
            aws.kept.remove(SCHEDULE, name or "default")


def _names(aws: Aws) -> None:
    generate = parsing.generate_resource_name

    @replaces(parsing, "generate_resource_name", digest="6bd0a60e0814")
    def generate_resource_name(resource_type: str, stack_name: str, logical_id: str) -> Any:
        name = generate(resource_type, stack_name, logical_id)
        if aws.kept is None or resource_type != "AWS::IAM::Role":
            return name
        # A schedule that is kept names its role, which has to be called the same when the stack is made again.
        suffix = hashlib.sha256(f"{stack_name} {logical_id}".encode()).hexdigest()[:12].upper()
        return f"{name.rpartition('-')[0]}-{suffix}"


def install(aws: Aws) -> None:
    """Keeps what changes, where there is a folder to keep it in."""
    _names(aws)
    _records(aws)
    _objects(aws)
    _schedules(aws)
