"""Publishes an alert for each incident, once.

A row of a run that failed, was missed or deserves attention is enough: whatever writes it, the follower sees it in the
stream. Beside it, the watchdog publishes the summaries of incidents, and CloudWatch its alarms.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from orchestrator.errors import InvalidRecord, InvalidRow
from orchestrator.handlers.invocation import client, stack, unreadable
from orchestrator.runs import alerts
from orchestrator.runs.alerts import OUTCOMES, Cause, Severity
from orchestrator.runs.destinations import News, about, attributes
from orchestrator.runs.mutes import Note, muting
from orchestrator.runs.run import UNSUCCESSFUL, Run, RunStatus
from orchestrator.runs.task_state import Pause, Record
from orchestrator.stack import sibling
from orchestrator.stores.incidents import Incidents
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.mutes import Mutes
from orchestrator.stores.registry import Registry
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import Alerting, Task

#: A failure that a task tolerates now and then is judged among so many of its runs.
_JUDGED = 50


def follow(run: Run, changed: Mapping[str, Any], context: LambdaContext) -> None:
    """One change of a row, as the stream has it. What only counted a duplicate is no news."""
    former = changed.get("OldImage", {})
    if _news(changed["NewImage"]) == _news(former):
        return
    topic = sibling(context.invoked_function_arn, "sns", stack().alerts_topic)
    tell(run, _told_by(former, run), topic, datetime.fromtimestamp(changed["ApproximateCreationDateTime"], UTC))


def tell(run: Run, told: Collection[Severity], topic: str, now: datetime) -> None:
    """Tells of a run, pauses its task if it has failed too often, or ends the incidents that it has recovered from.

    ``told`` is what people have heard of this run before, ``now`` when its row was written.
    """
    registry, ledger = Registry(client("dynamodb"), stack()), Ledger(client("dynamodb"), stack(), unreadable)
    record = _record(registry, run.task_id)
    task = record.task if record else None
    # Runs by hand for slots that are still to come are none of the last.
    latest = ledger.runs(run.task_id, limit=OUTCOMES, until=key(now))
    causes = [alerts.cause_of(run, severity, task) for severity in alerts.severities(run, run.attention)]
    several = task is not None and task.alerts.failures > 1
    known = ledger.outcomes(run.task_id, limit=_JUDGED, until=key(now)) if several else ()
    for cause in causes:
        if cause.severity not in told and not alerts.tolerated(task, cause.severity, run, known, now):
            _alert(cause, run, record, latest, topic, now)
    if run.status is RunStatus.SUCCEEDED and record is not None:
        _recover(run, record.task, set(record.incidents) - {cause.incident for cause in causes}, topic, now)
    if run.status in UNSUCCESSFUL and record is not None and _failed_too_often(record):
        why = f"{record.consecutive_failures} failures one after the other, the last of slot {run.slot}"
        registry.pause(run.task_id, Pause(who="pauseAfterFailures", why=why, since=key(now)), unless_paused=True)


def _told_by(former: dict[str, Any], run: Run) -> Collection[Severity]:
    """Returns what the same run's row has said before, so that a run which takes too long is told of once."""
    try:
        before = Run.from_item(former)
    except InvalidRow:
        return ()
    same = (before.execution_arn, before.version) == (run.execution_arn, run.version)
    return alerts.severities(before, before.attention) if same else ()


def _alert(cause: Cause, run: Run, record: Record | None, latest: tuple[Run, ...], topic: str, now: datetime) -> None:
    incidents = Incidents(client("dynamodb"), stack())
    task = record.task if record else None
    owner = task.owner if task else ""
    mutes = Mutes(client("dynamodb"), stack())
    mute = muting(mutes.all(), run.task_id, task, now)
    incident = incidents.hit(cause, run.task_id, now, owner=owner, muted=mute is not None)
    if mute is not None:
        mutes.note(mute, Note.of_alert(cause, run, owner))
        return
    quiet = (task.alerts if task else Alerting()).quiet_seconds
    told_before = alerts.told_before(now, quiet)
    if incidents.tell(incident, _row(run), not_since=told_before, now=now):
        news = News.STILL if incident.last_told else News.TOLD
        told = attributes(news, severities=[cause.severity], tasks=[run.task_id], owners=[owner], incident=incident.id)
        _publish(topic, cause.severity, alerts.text(stack(), run, incident, task, latest), told)
        incidents.told(incident, _row(run))


def _recover(run: Run, task: Task, incident_ids: set[str], topic: str, now: datetime) -> None:
    incidents, mutes = Incidents(client("dynamodb"), stack()), Mutes(client("dynamodb"), stack())
    for incident_id in sorted(incident_ids):
        recovery = incidents.recovered(run.task_id, incident_id, _row(run), now)
        if recovery is None:
            continue
        mute = muting(mutes.all(), run.task_id, task, now) if recovery.over is not None else None
        if recovery.over is not None and mute is not None:
            mutes.note(mute, Note.of_recovery(recovery.over, run, task.owner))
        elif recovery.over is not None:
            text, told = alerts.recovery(recovery.over, run), about(News.RECOVERED, recovery.over)
            _publish(topic, "recovered", text, told)
        incidents.left(run.task_id, recovery.over, incident_id)


def _row(run: Run) -> str:
    """Names the run on whose behalf people are told."""
    return f"{run.task_id}#{run.slot}#{run.version}"


def _failed_too_often(record: Record) -> bool:
    limit = record.task.pause_after_failures
    return bool(limit) and record.consecutive_failures >= limit and record.pause is None


def _publish(topic: str, what: str, text: str, told: dict[str, Any]) -> None:
    subject = alerts.subject(stack(), what)
    client("sns").publish(TopicArn=topic, Subject=subject, Message=text, MessageAttributes=told)


def _record(registry: Registry, task_id: str) -> Record | None:
    """None where there is none, or none that can be read: the alert is more important."""
    try:
        return registry.get(task_id)
    except InvalidRecord:
        return None


def _news(image: dict[str, Any]) -> list[Any]:
    return [image.get(name) for name in ("status", "executionArn", "startedAt", "attention")]
