"""The table of incidents that are not over. The registry's record of a task names those that have hit it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from orchestrator.dynamodb import Fields, to_item, update
from orchestrator.runs.alerts import Cause, Incident, Severity
from orchestrator.stack import Stack
from orchestrator.tasks.slots import key

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

#: An incident of a task that never runs again is forgotten so long after its last row.
LIFETIME_SECONDS = 30 * 86_400

#: An incident names no more: an item of DynamoDB holds 400 KB.
TASKS_LIMIT = 2000


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """An incident after one of its tasks has recovered."""

    #: The incident, if that was the last task of it.
    over: Incident | None


class Incidents:
    """Reads and writes through ``client``, boto3's low-level client of DynamoDB."""

    def __init__(self, client: DynamoDBClient, stack: Stack) -> None:
        self._client = client
        self._table = stack.incidents_table
        self._tasks = stack.tasks_table

    def hit(self, cause: Cause, task_id: str, now: datetime, *, owner: str = "", muted: bool = False) -> Incident:
        """Adds a row to an incident, or begins it. ``owner`` is the task's; of a ``muted`` one nobody is
        to be told later. Returns the incident as it is then.
        """
        task = {task_id}
        request = update(
            {
                "severity": cause.severity,
                "title": cause.title,
                "ttl": int(now.timestamp()) + LIFETIME_SECONDS,
            },
            defaults={"since": key(now)},
            adds={
                "count": 1,
                "tasks": task,
                "untold": None if muted else task,
                "affected": task,
                "owners": {owner} if owner else None,
            },
            removes=["ending"],
            values={"limit": TASKS_LIMIT, "task": task_id},
            # People have been told of this task already.
            condition="(attribute_not_exists(#affected) OR size(#affected) < :limit)"
            " AND (attribute_not_exists(#tasks) OR NOT contains(#tasks, :task))",
        )
        answer = self._try(cause.incident, request) or self._update(cause.incident, update({}, adds={"count": 1}))
        self._mark(task_id, update({}, adds={"incidents": {cause.incident}}))
        return _incident(answer)

    def begin(self, cause: Cause, now: datetime, *, owner: str, tasks: Iterable[str]) -> Incident:
        """Begins an incident of no run, or goes on with it: no task recovers from it, and :meth:`end` ends it."""
        request = update(
            {"severity": cause.severity, "title": cause.title, "ttl": int(now.timestamp()) + 2 * LIFETIME_SECONDS},
            defaults={"since": key(now), "count": 1},
            adds={"affected": set(islice(tasks, TASKS_LIMIT)), "owners": {owner} if owner else None},
        )
        return _incident(self._update(cause.incident, request))

    def end(self, incident: Incident) -> None:
        """Deletes an incident of which no task has still to recover."""
        with suppress(self._client.exceptions.ConditionalCheckFailedException):
            # Unless it has begun again meanwhile.
            self._client.delete_item(
                TableName=self._table,
                Key=_key(incident.id),
                ConditionExpression="attribute_not_exists(tasks)",
            )

    def tell(self, incident: Incident, on_behalf: str, *, not_since: str, now: datetime) -> bool:
        """Claims the telling of an incident. Returns False if it was told later than ``not_since``.

        ``on_behalf`` identifies the claim: until :meth:`told`, a caller that died can claim it again by the same value,
        so that no incident stays untold.
        """
        request = update(
            {"lastTold": key(now), "telling": on_behalf},
            removes=["untold"],
            values={"since": not_since or "0"},
            condition="attribute_not_exists(#lastTold) OR #lastTold <= :since OR #telling = :telling",
        )
        return self._try(incident.id, request) is not None

    def told(self, incident: Incident, on_behalf: str) -> None:
        """Records that the incident was told, so that a row that is delivered again tells nothing."""
        values = {"telling": on_behalf}
        self._try(incident.id, update({}, removes=["telling"], values=values, condition="#telling = :telling"))

    def recovered(self, task_id: str, incident_id: str, on_behalf: str, by: datetime) -> Recovery | None:
        """Takes a task that succeeded out of an incident; ``by`` is when the row of its success was written.

        Returns None if the incident began later than that, since the row may be an old one that is delivered again.
        The caller tells people if the incident is over, then calls :meth:`left`; until then this can be repeated.
        """
        without = update(
            {},
            deletes={"tasks": {task_id}},
            values={"by": key(by)},
            condition="attribute_exists(#incident) AND (attribute_not_exists(#since) OR #since <= :by)",
        )
        over = update(
            {"ending": on_behalf},
            # Whoever hits it while people are told that it is over has to tell them again.
            removes=["lastTold", "telling"],
            condition="attribute_not_exists(#tasks) AND (attribute_not_exists(#ending) OR #ending = :ending)",
        )
        after = self._try(incident_id, without)
        if after is None and self._exists(incident_id):
            return None
        ended = self._try(incident_id, over) if after is not None and "tasks" not in after else None
        return Recovery(over=_incident(ended) if ended else None)

    def left(self, task_id: str, incident: Incident | None, incident_id: str) -> None:
        """Deletes ``incident``, if it is over, and takes its id off the task's record."""
        if incident is not None:
            self.end(incident)
        self._mark(task_id, update({}, deletes={"incidents": {incident_id}}))

    def open(self) -> Iterator[Incident]:
        """Yields every open incident; the table holds nothing else."""
        for page in self._client.get_paginator("scan").paginate(TableName=self._table):
            yield from map(_incident, page["Items"])

    def _update(self, incident_id: str, request: Mapping[str, Any]) -> dict[str, Any]:
        key_of_it = _key(incident_id)
        answer = self._client.update_item(TableName=self._table, Key=key_of_it, ReturnValues="ALL_NEW", **request)
        return {**key_of_it, **answer["Attributes"]}

    def _try(self, incident_id: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """The item afterwards; None where the condition does not hold."""
        try:
            return self._update(incident_id, request)
        except self._client.exceptions.ConditionalCheckFailedException:
            return None

    def _exists(self, incident_id: str) -> bool:
        """Asked by a write that changes nothing: whoever only ends incidents may not read them."""
        nothing = {"UpdateExpression": "REMOVE untouched", "ConditionExpression": "attribute_exists(incident)"}
        return self._try(incident_id, nothing) is not None

    def _mark(self, task_id: str, request: Mapping[str, Any]) -> None:
        """Marks the task's record, if there is one."""
        condition = {"ConditionExpression": "attribute_exists(taskId)"}
        with suppress(self._client.exceptions.ConditionalCheckFailedException):
            self._client.update_item(
                TableName=self._tasks, Key=to_item({"taskId": task_id}), **{**dict(request), **condition}
            )


def _key(incident_id: str) -> dict[str, Any]:
    return to_item({"incident": incident_id})


def _incident(item: Mapping[str, Any]) -> Incident:
    fields = Fields(item)
    severity = fields.find("severity", str)
    return Incident(
        id=fields.get("incident", str),
        # Whatever somebody has made of it, it is an incident.
        severity=Severity(severity) if severity in list(Severity) else Severity.FAILED,
        title=fields.find("title", str) or "",
        since=fields.find("since", str) or "",
        count=1 if (count := fields.find("count", int)) is None else count,
        tasks=fields.text_set("tasks"),
        untold=fields.text_set("untold"),
        last_told=fields.find("lastTold", str),
        affected=fields.text_set("affected"),
        owners=fields.text_set("owners"),
    )
