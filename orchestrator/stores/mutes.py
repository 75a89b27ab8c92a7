"""The mutes whose end has not been told: items of the table Limits."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.dynamodb import Fields, to_item, update
from orchestrator.runs.mutes import MOST_NOTES, Mute, Note
from orchestrator.stack import Stack
from orchestrator.tasks.scope import Scope

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

_KIND = "mute"


class Mutes:
    """Reads and writes through ``client``, boto3's low-level client of DynamoDB."""

    def __init__(self, client: DynamoDBClient, stack: Stack) -> None:
        self._client = client
        self._table = stack.limits_table

    def begin(self, mute: Mute) -> None:
        """Keeps a mute. One of the same scope that is on is made longer or shorter: it keeps what it has not told."""
        sets = {"who": mute.who, "why": mute.why, "until": mute.until}
        self._update(mute.scope, update(sets, defaults={"since": mute.since}))

    def all(self) -> list[Mute]:
        """Every mute, those that are over and not told yet among them, by name."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#kind = :kind",
            ExpressionAttributeNames={"#kind": "kind"},
            ExpressionAttributeValues=to_item({":kind": _KIND}),
        )
        return [_mute(item) for page in pages for item in page["Items"]]

    def note(self, mute: Mute, note: Note) -> None:
        """Remembers what was not told because of a mute; the same line once, however often it comes."""
        adds = {
            "notes": {note.line},
            "tasks": {note.task_id},
            "owners": {note.owner} if note.owner else None,
            "severities": {note.severity},
        }
        known, same = {"since": mute.since}, "#since = :since"
        room = f"{same} AND (attribute_not_exists(#notes) OR size(#notes) < :most)"
        request = update({}, adds=adds, values={**known, "most": MOST_NOTES}, condition=room)
        if not self._update(mute.scope, request):
            self._update(mute.scope, update({"more": True}, values=known, condition=same))

    def end(self, mute: Mute) -> None:
        """Forgets a mute whose end was told, unless it was made longer, or another began, in the meantime."""
        with suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._client.delete_item(
                TableName=self._table,
                Key=_key(mute.scope),
                ConditionExpression="#since = :since AND #until = :until",
                ExpressionAttributeNames={"#since": "since", "#until": "until"},
                ExpressionAttributeValues=to_item({":since": mute.since, ":until": mute.until}),
            )

    def cut_short(self, mute: Mute, until: str) -> Mute:
        """Ends a mute at another moment: its end is told as that of any."""
        self._update(mute.scope, update({"until": until}))
        return replace(mute, until=until)

    def _update(self, scope: Scope, request: Mapping[str, Any]) -> bool:
        try:
            self._client.update_item(TableName=self._table, Key=_key(scope), **request)
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True


def _key(scope: Scope) -> dict[str, Any]:
    return to_item({"kind": _KIND, "name": scope.key})


def _mute(item: Mapping[str, Any]) -> Mute:
    fields = Fields(item)
    texts = {name: fields.find(name, str) or "" for name in ("who", "why", "since", "until")}
    return Mute(
        scope=Scope.from_key(fields.get("name", str)),
        notes=fields.text_set("notes"),
        tasks=fields.text_set("tasks"),
        owners=fields.text_set("owners"),
        severities=fields.text_set("severities"),
        more=fields.find("more", bool) or False,
        **texts,
    )
