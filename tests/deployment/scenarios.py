"""What the roles are there for. A scenario asserts what must come of it, and fails where a role lacks a permission."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from orchestrator.local import samples
from orchestrator.runs.alerts import Cause, Severity
from orchestrator.runs.destinations import Destination, Format, Kind
from orchestrator.runs.mutes import Mute
from orchestrator.runs.pools import Waiter
from orchestrator.runs.run import TERMINAL, Run, RunStatus, Trigger
from orchestrator.runs.task_state import Checkpoint
from orchestrator.stack import UNREADABLE_METRIC
from orchestrator.stores.dead_letters import DeadLetters
from orchestrator.stores.event_rules import EventRule
from orchestrator.stores.incidents import Incidents
from orchestrator.stores.mutes import Mutes
from orchestrator.stores.pools import Pools
from orchestrator.stores.subscriptions import Destinations, Recorded
from orchestrator.tasks.event_start import EventStart
from orchestrator.tasks.limits import Limit
from orchestrator.tasks.rates import Rates
from orchestrator.tasks.retries import RetryPolicy
from orchestrator.tasks.rule_names import rule_name
from orchestrator.tasks.schedule_names import schedule_name
from orchestrator.tasks.scope import Scope, ScopeKind
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import CatchUp, OverlapPolicy, TaskSchedule
from orchestrator.tasks.upstream import Upstream
from tests.testbed import ROOT, listener, queues
from tests.testbed.everything import PERIOD, SLOT, World
from tests.testbed.task_runner import STACK

Scenario = Callable[[World], None]

ONCE = RetryPolicy(max_attempts=1)
HOURLY = TaskSchedule(expression="cron(0 * * * ? *)")
#: Of slots that nobody has run; the sample tasks' are later.
PAST = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
NINE = "2026-11-20T09:00:00Z"


def ended(run: Run | None, status: RunStatus) -> Run:
    assert run is not None, "there is no row"
    assert run.status is status, f"{run.status} {run.error}: {run.cause}"
    return run


# --- TaskRunner, Backfill


def a_task_runs_and_is_counted(world: World) -> None:
    run = world.succeeds("lambda/work")
    assert world.aws.event_sources.settled(30)
    metric: Any = {"Name": "TaskType", "Value": run.task_id}
    metrics = world.aws.client("cloudwatch").list_metrics(Namespace="ScheduledTasks", Dimensions=[metric])["Metrics"]
    assert {one["MetricName"] for one in metrics} >= {"TaskDuration", "TaskExecution"}


def a_second_delivery_does_nothing(world: World) -> None:
    run = world.succeeds("lambda/work")
    again = world.slot({"taskId": run.task_id, "scheduledTime": run.slot})
    assert ended(again, RunStatus.SUCCEEDED).duplicates == 1


def a_workflow_is_waited_for(world: World) -> None:
    assert "42" in (world.succeeds("workflow/nested").result or "")


def a_workflow_that_takes_too_long_is_stopped(world: World) -> None:
    task_id = world.register(world.new("slow"), "workflow/nested", timeout_seconds=10, retry=ONCE)
    ended(world.slot({"taskId": task_id, "scheduledTime": SLOT, "params": {"pause": 30}}), RunStatus.TIMED_OUT)
    assert world.statuses(f"{STACK.workflow_prefix}nested")[0] == "ABORTED"


def a_run_takes_the_place_of_another(world: World) -> None:
    task_id = world.register(world.new("cancels"), params={"seconds": 0.5}, overlap=OverlapPolicy.CANCEL_OTHER)
    first = world.start({"taskId": task_id, "scheduledTime": SLOT})
    world.until(lambda: world.ledger.get(task_id, SLOT) is not None)
    ended(world.slot({"taskId": task_id, "scheduledTime": "2026-12-01T01:00:00Z"}), RunStatus.SUCCEEDED)
    assert world.over(first) == "ABORTED"
    ended(world.ledger.get(task_id, SLOT), RunStatus.ABORTED)


def a_backfill_runs_its_slots_page_by_page(world: World) -> None:
    task_id = world.register(world.new("backfilled"))
    slots = [{"slot": f"2026-11-{day:02}T08:00:00Z"} for day in (1, 2, 3)]
    assert world.over(world.execute(STACK.backfill, {"taskId": task_id, "slots": slots})) == "SUCCEEDED"
    assert [run.status for run in world.ledger.runs(task_id, limit=9)] == [RunStatus.SUCCEEDED] * 3


def a_backfill_that_is_stopped_stops_what_it_has_started(world: World) -> None:
    task_id = world.register(world.new("stopped"), params={"seconds": 0.5})
    slots = [{"slot": f"2026-11-{day:02}T08:00:00Z"} for day in (1, 2, 3)]
    arn = world.execute(STACK.backfill, {"taskId": task_id, "slots": slots})
    world.until(lambda: bool(world.ledger.runs(task_id, limit=1)))
    world.stop(arn)
    (run,) = world.ledger.runs(task_id, limit=9)
    assert run.execution_arn is not None
    assert world.over(run.execution_arn) == "ABORTED"
    assert world.statuses(STACK.backfill)[:2] == ["ABORTED"] * 2


def a_short_task_runs_in_an_express_execution(world: World) -> None:
    """Whatever the twin does: a run, one that is refused, one that cannot be looked into, and one handed over."""
    short: dict[str, Any] = {"timeout_seconds": 60, "retry": ONCE, "express": True}
    task_id = world.register(world.new("short"), **short)
    ended(run_by(world, task_id, lambda request: None, express=True), RunStatus.SUCCEEDED)
    again = world.new("short-held")
    world.register(again, params={"seconds": 0.5}, **short)
    for slot in (SLOT, SLOT, "2026-12-01T01:00:00Z"):
        world.execute(STACK.express_runner, {"taskId": again, "scheduledTime": slot, "trigger": "schedule"})
    world.until(lambda: (run := world.ledger.get(again, SLOT)) is not None and run.status is RunStatus.SUCCEEDED)
    world.until(lambda: (run := world.ledger.get(again, "2026-12-01T01:00:00Z")) is not None and run.status in TERMINAL)
    other = world.register(world.new("other"), "workflow/nested", **short)
    world.execute(STACK.express_runner, {"taskId": other, "scheduledTime": SLOT, "trigger": "schedule"})
    world.until(lambda: (run := world.ledger.get(other, SLOT)) is not None and run.status is RunStatus.SUCCEEDED)


# --- Scheduler, failure handler


def a_schedule_starts_its_task(world: World) -> None:
    ended(run_by(world, world.register(world.new("due")), lambda request: None), RunStatus.SUCCEEDED)


def a_slot_that_cannot_be_started_is_recorded(world: World) -> None:
    def break_name(request: dict[str, Any]) -> None:
        request["Input"] = request["Input"].replace('"Name":"', '"Name":"no name ')

    run = run_by(world, world.register(world.new("undelivered")), break_name)
    assert (run.status, run.error) == (RunStatus.FAILED, "InvalidName")
    failed = {one.task_id for one in DeadLetters(world.aws.client("dynamodb"), STACK).all()}
    assert run.task_id in failed


def a_slot_that_waits_is_looked_at_again(world: World) -> None:
    task_id = world.register(world.new("patient"), params={"notYet": 60})
    first = world.slot({"taskId": task_id, "scheduledTime": SLOT})
    assert ended(first, RunStatus.WAITING).hold
    world.register(task_id)
    world.until(lambda: ended_as(world, task_id) is RunStatus.SUCCEEDED)


def ended_as(world: World, task_id: str) -> RunStatus | None:
    """How the slot stands."""
    run = world.ledger.get(task_id, SLOT)
    return run.status if run else None


def an_event_starts_its_task(world: World) -> None:
    for express in (False, True):
        task_id = world.register(world.new("heard"))
        start = EventStart(pattern={"source": [task_id]}, slot="{$.detail.date}")
        heard(world, task_id, EventRule(task_id=task_id, start=start, express=express))
        world.until(lambda: (run := world.ledger.get(task_id, SLOT)) is not None and run.status is RunStatus.SUCCEEDED)  # noqa: B023 # called here


def an_event_that_cannot_be_delivered_is_recorded(world: World) -> None:
    task_id = world.register(world.new("unheard"))
    start = EventStart(pattern={"source": [task_id]}, slot="{$.detail}")
    heard(world, task_id, EventRule(task_id=task_id, start=start))
    world.until(lambda: bool(world.ledger.runs(task_id, limit=1)))
    (run,) = world.ledger.runs(task_id, limit=1)
    assert (run.status, run.error, run.trigger) == (RunStatus.FAILED, "INVALID_JSON", Trigger.EVENT)
    (letter,) = [one for one in DeadLetters(world.aws.client("dynamodb"), STACK).all() if one.task_id == task_id]
    assert json.loads(letter.payload)["detail"] == {"date": SLOT}


def heard(world: World, source: str, rule: EventRule) -> None:
    """Puts an event that the rule hears."""
    name = rule_name(STACK, rule.task_id, rule.start, express=rule.express)
    world.rules.put(name, rule, is_new=True)
    detail = json.dumps({"date": SLOT})
    world.aws.client("events").put_events(Entries=[{"Source": source, "DetailType": "Day closed", "Detail": detail}])
    world.rules.delete(name, "")


def run_by(world: World, task_id: str, change: Callable[[dict[str, Any]], None], *, express: bool = False) -> Run:
    """The row of a slot that Scheduler delivers, its target changed."""
    due = (world.aws.clock.now() + timedelta(hours=1)).replace(microsecond=0, tzinfo=None)
    schedule = TaskSchedule(expression=f"at({due.isoformat()})", express=express)
    request = world.schedules.request(schedule_name(task_id, schedule), task_id, schedule)
    change(request["Target"])
    world.aws.client("scheduler").create_schedule(**request)
    found: list[Run] = []

    def over() -> bool:
        found[:] = world.ledger.runs(task_id, limit=1)
        return bool(found) and found[0].status is not RunStatus.RUNNING

    world.until(over)
    return found[0]


def stopped(world: World, name: str) -> str:
    """A task whose execution somebody has stopped while its target was at work."""
    task_id = world.register(world.new(name), params={"seconds": 0.3})
    arn = world.start({"taskId": task_id, "scheduledTime": SLOT})
    world.until(lambda: world.ledger.get(task_id, SLOT) is not None)
    world.stop(arn)
    assert world.over(arn) == "ABORTED"
    return task_id


def an_execution_that_died_is_recorded(world: World) -> None:
    task_id = stopped(world, "dies")
    world.until(lambda: (run := world.ledger.get(task_id, SLOT)) is not None and run.status is RunStatus.ABORTED)


# --- follower


def a_failure_is_told_and_so_is_its_end(world: World) -> None:
    forget(world)
    task_id = world.register(world.new("fails"), params={"refuse": True}, retry=ONCE, pause_after_failures=9)
    ended(world.slot({"taskId": task_id, "scheduledTime": SLOT}), RunStatus.FAILED)
    assert any(f"task:      {task_id}\n" in text for text in told(world))
    well = {"taskId": task_id, "scheduledTime": "2026-12-01T01:00:00Z", "params": {"refuse": False}}
    ended(world.slot(well), RunStatus.SUCCEEDED)
    assert any(f"recovered: {task_id}, slot" in text for text in told(world))
    assert list(Incidents(world.aws.client("dynamodb"), STACK).open()) == []


def a_slot_waits_for_another_and_is_woken(world: World) -> None:
    one_waits_for_another(world, heard=True)
    one_waits_for_another(world, heard=False)


def one_waits_for_another(world: World, *, heard: bool) -> None:
    """It is woken when that one ends; or else, where nobody hears of it, by the watchdog."""
    first, second = world.new("extract"), world.new("load")
    world.register(first, schedules=(HOURLY,), downstream=(second,) if heard else ())
    # And then for a place, of which there is one.
    limit: dict[str, Any] = {"at_once": 1, "overlap": OverlapPolicy.ALLOW_ALL}
    world.register(second, schedules=(HOURLY,), after=(Upstream(task_id=first),), **limit)
    held = world.slot({"taskId": second, "scheduledTime": SLOT})
    assert held is not None
    assert held.hold is not None
    world.until(lambda: bool((run := world.ledger.get(second, SLOT)) and run.hold and run.hold.why))
    ended(world.slot({"taskId": first, "scheduledTime": SLOT}), RunStatus.SUCCEEDED)
    if not heard:
        a_round(world, world.aws.clock.now())
    world.until(lambda: (run := world.ledger.get(second, SLOT)) is not None and run.status is RunStatus.SUCCEEDED)


def a_run_waits_for_a_place_and_is_let_in(world: World) -> None:
    """When the one before it ends; or else, where nobody has heard of that, by the watchdog."""
    dynamodb, now = world.aws.client("dynamodb"), world.aws.clock.now()
    limit = Limit(name=world.new("pool"), at_once=1)
    task_id = world.register(world.new("pooled"), pool=limit, overlap=OverlapPolicy.ALLOW_ALL)
    for slot in (SLOT, NINE):
        world.start({"taskId": task_id, "scheduledTime": slot})
    for slot in (SLOT, NINE):
        world.until(lambda: (run := world.ledger.get(task_id, slot)) is not None and run.status is RunStatus.SUCCEEDED)  # noqa: B023 # called here
    pools = Pools(dynamodb, STACK)
    world.until(lambda: not pools.get(limit).holders)
    ghost = Waiter(task_id="ghost", slot=SLOT, version="x", since=now.timestamp(), lease_seconds=10**9)
    assert pools.enter(limit, ghost, now)
    late = "2026-11-20T10:00:00Z"
    world.slot({"taskId": task_id, "scheduledTime": late})
    world.until(lambda: bool((run := world.ledger.get(task_id, late)) and run.hold and run.hold.why))
    a_round(world, world.aws.clock.now())
    world.until(lambda: (run := world.ledger.get(task_id, late)) is not None and run.status is RunStatus.SUCCEEDED)


def a_change_that_cannot_be_told_is_kept(world: World) -> None:
    """Its incident is not one that anybody could count."""
    dynamodb, task_id = world.aws.client("dynamodb"), world.new("broken")
    cause = Cause(severity=Severity.FAILED, title=f"{task_id} of delivery to TaskRunner")
    incident, row = {"incident": {"S": cause.incident}}, {"taskId": {"S": task_id}, "slot": {"S": SLOT}}
    dynamodb.put_item(TableName=STACK.incidents_table, Item=incident | {"count": {"S": "some"}})
    broken: Any = {"status": {"S": RunStatus.FAILED}, "error": {"S": task_id}}
    dynamodb.put_item(TableName=STACK.runs_table, Item=row | broken)
    before = kept(world)
    try:
        world.until(lambda: kept(world) > before)
    finally:
        dynamodb.delete_item(TableName=STACK.runs_table, Key=row)
        dynamodb.delete_item(TableName=STACK.incidents_table, Key=incident)


def a_change_that_cannot_be_counted_is_kept(world: World) -> None:
    """The reporter itself does not run."""
    functions, name = world.aws.client("lambda"), STACK.function("reporter", is_task=False)
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    before = kept(world)
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": {}})
    try:
        world.succeeds("lambda/work")
        world.until(lambda: kept(world) > before)
    finally:
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def a_change_that_cannot_be_read_is_counted(world: World) -> None:
    dynamodb = world.aws.client("dynamodb")
    row: Any = {"taskId": {"S": world.new("odd")}, "slot": {"S": SLOT}}
    odd: Any = {"status": {"S": RunStatus.FAILED}, "trigger": {"S": "nobody knows"}}
    dynamodb.put_item(TableName=STACK.runs_table, Item=row | odd)
    cloudwatch = world.aws.client("cloudwatch")
    try:
        world.until(lambda: bool(cloudwatch.list_metrics(MetricName=UNREADABLE_METRIC)["Metrics"]))
    finally:
        dynamodb.delete_item(TableName=STACK.runs_table, Key=row)


def forget(world: World) -> None:
    """Nobody has been told anything, and nothing is wrong."""
    told(world)
    for incident in Incidents(world.aws.client("dynamodb"), STACK).open():
        world.aws.client("dynamodb").delete_item(TableName=STACK.incidents_table, Key={"incident": {"S": incident.id}})


def kept(world: World) -> int:
    """How many messages nobody's handler empties."""
    queues = world.aws.client("sqs")
    url = queues.get_queue_url(QueueName=STACK.handler_failures)["QueueUrl"]
    attributes = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(attributes["Attributes"]["ApproximateNumberOfMessages"])


def told(world: World) -> list[str]:
    """What people have been told since they were last asked."""
    return queues.told(world.aws.client("sqs"), world.queue)


# --- courier


def an_alert_is_taken_to_webhooks_and_topics_and_kept_where_one_refuses_it(world: World) -> None:
    ssm, secrets = world.aws.client("ssm"), world.aws.client("secretsmanager")
    record, name, key_id = Destinations(ssm, STACK), world.new("hook"), f"alias/{STACK.name}"
    with listener.listening() as server:
        url: Any = {"Name": STACK.secret_parameter(name), "Value": f"{server.url}/slack", "Type": "SecureString"}
        ssm.put_parameter(**url, KeyId=key_id)
        secrets.create_secret(Name=STACK.secret(name), SecretString="R" * 32, KmsKeyId=key_id)
        hooks = [
            Destination(kind=Kind.WEBHOOK, address=f"ssm:{name}", format=Format.SLACK),
            Destination(
                kind=Kind.WEBHOOK,
                address=f"{server.url}/pagerduty",
                format=Format.PAGERDUTY,
                routing_key=f"secret:{name}",
            ),
        ]
        for hook in hooks:
            record.put(Recorded(destination=hook))
        server.answers["/slack"].append(404)
        before = kept(world)
        try:
            topic = world.applied.outputs["AlertsTopicArn"]
            heard = queues.listening(world.aws, world.others_topic, name)
            world.aws.client("sns").publish(TopicArn=topic, Message=name)
            world.until(lambda: name in queues.told(world.aws.client("sqs"), heard))
            world.until(lambda: len(server.heard["/slack"]) == 1 == len(server.heard["/pagerduty"]))
            world.until(lambda: kept(world) > before)
        finally:
            for hook in hooks:
                record.remove(hook.key)
    assert server.heard["/pagerduty"][0]["routing_key"] == "R" * 32


# --- watchdog


def a_round(world: World, now: datetime) -> dict[str, Any]:
    return world.invoke("watchdog", {**event("watchdog", key(now)), "scheduledTime": key(now)})


def a_slot_that_nobody_delivered_is_missed(world: World) -> None:
    with watched(world, "missed") as task_id:
        for minutes in (35, 40):
            a_round(world, PAST + timedelta(minutes=minutes))
        ended(world.ledger.get(task_id, NINE), RunStatus.MISSED)


def a_slot_that_nobody_delivered_is_caught_up(world: World) -> None:
    with watched(world, "late", catch_up=CatchUp.LATEST) as task_id:
        for minutes in (35, 40):
            a_round(world, PAST + timedelta(minutes=minutes))
        world.until(lambda: (run := world.ledger.get(task_id, NINE)) is not None and run.status is RunStatus.SUCCEEDED)


@contextmanager
def watched(world: World, name: str, **fields: Any) -> Iterator[str]:
    """A task whose slots nobody delivers."""
    task_id = world.register(world.new(name), schedules=(HOURLY,), **{"grace_seconds": 300} | fields)
    record = world.registry.get(task_id)
    assert record is not None
    world.registry.register(record.task, Checkpoint(checked_until=key(PAST), next_run=NINE), anew=True)
    try:
        yield task_id
    finally:
        world.registry.remove(task_id)


def a_run_whose_end_nobody_heard_of_is_closed(world: World) -> None:
    world.aws.client("events").disable_rule(Name=STACK.execution_failures)
    try:
        an_execution_dies(world)
    finally:
        world.aws.client("events").enable_rule(Name=STACK.execution_failures)


def a_budget_that_a_month_has_passed_is_told_until_the_next(world: World) -> None:
    dollar = Rates(**{field.name: Decimal(1) for field in fields(Rates)})
    task_id = world.succeeds("lambda/work", slot="2026-09-10T08:00:00Z", budget=Decimal(1), rates=dollar).task_id
    a_round(world, datetime(2026, 9, 11, tzinfo=UTC))
    assert any(f"{task_id}: more was spent than the budget allows." in text for text in told(world))
    world.registry.remove(task_id)
    a_round(world, datetime(2026, 10, 3, tzinfo=UTC))
    incidents = Incidents(world.aws.client("dynamodb"), STACK).open()
    assert Severity.OVER_BUDGET not in {one.severity for one in incidents}


def an_execution_dies(world: World) -> None:
    task_id = stopped(world, "unheard")
    assert a_round(world, world.aws.clock.now() + timedelta(minutes=6))["closed"] == 1
    ended(world.ledger.get(task_id, SLOT), RunStatus.ABORTED)


def an_incident_that_goes_on_is_summed_up_and_the_heart_beats(world: World) -> None:
    forget(world)
    incidents, now = Incidents(world.aws.client("dynamodb"), STACK), world.aws.clock.now()
    cause = Cause(severity=Severity.FAILED, title=f"{world.new('Error')} of lambda/work")
    incidents.tell(incidents.hit(cause, "one", now), "one", not_since="0", now=now)
    incidents.hit(cause, "another", now)
    assert a_round(world, now + timedelta(hours=1))["told"] == 1
    assert any(cause.title in text for text in told(world))
    beats = world.aws.client("cloudwatch").list_metrics(MetricName="WatchdogHeartbeat")["Metrics"]
    assert [beat["Dimensions"] for beat in beats] == [[{"Name": "Stack", "Value": STACK.name}]]


def what_a_mute_has_kept_quiet_is_told_at_its_end(world: World) -> None:
    forget(world)
    mutes, now = Mutes(world.aws.client("dynamodb"), STACK), world.aws.clock.now()
    task_id = world.register(world.new("muted"), params={"refuse": True}, retry=ONCE)
    scope = Scope(kind=ScopeKind.TASK, name=task_id)
    mute = Mute(scope=scope, who="ann", why="x", since=key(now), until="2199-01-01T00:00:00Z")
    mutes.begin(mute)
    ended(world.slot({"taskId": task_id, "scheduledTime": SLOT}), RunStatus.FAILED)
    world.until(lambda: bool(mutes.all()[0].notes))
    mutes.cut_short(mute, key(now))
    assert a_round(world, now + timedelta(hours=1))["told"] == 1
    assert any(f"A mute is over: {task_id}." in text for text in told(world))
    assert mutes.all() == []


def a_record_that_cannot_be_read_is_counted_by_a_round(world: World) -> None:
    task_id = world.new("odd")
    odd: Any = {"taskId": {"S": task_id}, "shard": {"N": "0"}, "nextRun": {"S": NINE}, "checkedUntil": {"S": NINE}}
    world.aws.client("dynamodb").put_item(TableName=STACK.tasks_table, Item=odd)
    try:
        assert a_round(world, world.aws.clock.now())["unreadable"] == 1
    finally:
        world.registry.remove(task_id)


# --- tasks


def event(task_id: str, slot: str, **params: Any) -> dict[str, Any]:
    """What TaskRunner gives to a function."""
    return {"taskId": task_id, "slot": slot, "runKey": f"{task_id}#{slot}", "attempt": 1, "params": params}


def a_report_is_written(world: World) -> None:
    report = world.succeeds("lambda/report-generator", params={"day": "previous"}).result
    assert "reports/" in (report or "")


def a_report_of_a_day_without_orders_is_written(world: World) -> None:
    task_id = world.register(world.new("no-orders"), "lambda/report-generator", retry=ONCE, params={"day": "same"})
    ended(world.slot({"taskId": task_id, "scheduledTime": "2020-01-01T00:00:00Z"}), RunStatus.SUCCEEDED)


def what_is_stale_is_removed(world: World) -> None:
    samples.seed(world.aws, STACK, world.bucket, datetime(2026, 12, 1, tzinfo=UTC), ROOT / "samples")
    both = {"prefix": "tmp/", "table": "Sessions", "timestampAttribute": "createdAt", "retentionDays": 30}
    found = json.loads(world.succeeds("lambda/data-cleanup", params=both).result or "{}")
    assert found["objects"]["deleted"] > 0 < found["items"]["deleted"]


def a_page_is_fetched_and_logged(world: World) -> None:
    logs, group = world.aws.client("logs"), f"/aws/lambda/{STACK.function_prefix}cache-warmer"
    before = len(logs.filter_log_events(logGroupName=group)["events"])
    page = samples.site_url(world.aws, world.bucket) + "index.html"
    world.succeeds("lambda/cache-warmer", params={"urls": [page]})
    assert len(logs.filter_log_events(logGroupName=group)["events"]) > before


def a_digest_is_sent_once(world: World) -> None:
    mails = world.aws.backend("ses").sent_messages
    before, given = len(mails), event(world.new("digest"), SLOT, recipients=["operations@example.com"])
    first = world.invoke("email-digest", given)
    assert world.invoke("email-digest", given) == first
    assert len(mails) == before + 1


def a_digest_that_was_refused_is_sent_by_the_next_attempt(world: World) -> None:
    params = {"recipients": ["operations@example.com"]}
    task_id = world.register(world.new("refused"), "lambda/email-digest", params=params, retry=ONCE)
    world.aws.client("ses").delete_identity(Identity=samples.MAIL_FROM)
    try:
        ended(world.slot({"taskId": task_id, "scheduledTime": SLOT}), RunStatus.FAILED)
    finally:
        world.aws.client("ses").verify_email_identity(EmailAddress=samples.MAIL_FROM)
    assert world.invoke("email-digest", event(task_id, SLOT, **params))["recipients"] == 1


# --- billing


@contextmanager
def customers(world: World, count: int, **fields: str) -> Iterator[list[str]]:
    """So many customers who used nothing but have a flat fee to pay."""
    ids, table = [world.new("c") for _ in range(count)], STACK.table("Customers")
    for one in ids:
        record = {"customerId": one, "name": one, "email": f"{one}@example.com", "planId": "starter"} | fields
        item = {name: {"S": text} for name, text in record.items()}
        world.aws.client("dynamodb").put_item(TableName=table, Item=item)
    try:
        yield ids
    finally:
        for one in ids:
            world.aws.client("dynamodb").delete_item(TableName=table, Key={"customerId": {"S": one}})


def bill(world: World) -> str:
    """Starts a billing run; its ARN."""
    given = {"slot": SLOT, "timezone": "UTC", "taskId": "monthly-billing", "params": {}}
    return world.execute(f"{STACK.workflow_prefix}billing", given)


def billed(world: World, arn: str) -> Mapping[str, Any]:
    """What a billing run puts out."""
    assert world.over(arn) == "SUCCEEDED"
    output: dict[str, Any] = json.loads(
        world.aws.client("stepfunctions").describe_execution(executionArn=arn)["output"]
    )
    return output


def customers_are_billed_and_who_cannot_be_is_told(world: World) -> None:
    told(world)
    with (
        customers(world, 1) as new,
        customers(world, 1, email="none") as unmailed,
        customers(world, 1, planId="withdrawn") as held,
    ):
        output = billed(world, bill(world))
    bad = {*unmailed, *held}
    assert bad <= set(output["customers"])
    assert not set(new) & set(output["customers"])
    assert any("has billed some customers and not others" in text for text in told(world))
    assert not bad & set(billed(world, bill(world))["customers"])


def many_customers_are_billed_page_by_page(world: World) -> None:
    with a_customer_a_page(world), customers(world, 1) as new, customers(world, 1, email="none") as bad:
        output = billed(world, bill(world))
    assert set(bad) <= set(output["customers"])
    assert not set(new) & set(output["customers"])


def a_billing_run_that_is_stopped_stops_its_pages(world: World) -> None:
    pages, role = f"{STACK.workflow_prefix}billing-page", world.role_arn("BillingPageWorkflowRole")
    stopped = world.statuses(pages).count("ABORTED")
    with a_customer_a_page(world), customers(world, 2):
        arn = bill(world)
        with world.just_before("lambda", "Invoke", lambda: world.stop(arn), role=role):
            assert world.over(arn) == "ABORTED"
            world.until(lambda: world.statuses(pages).count("ABORTED") > stopped)
        world.until(lambda: "RUNNING" not in world.statuses(pages))


@contextmanager
def a_customer_a_page(world: World) -> Iterator[None]:
    client, name = world.aws.client("lambda"), f"{STACK.function_prefix}billing-calculate-charges"
    environment: Any = client.get_function_configuration(FunctionName=name)["Environment"]
    small: Any = {"Variables": environment["Variables"] | {"BILLING_PAGE_SIZE": "1"}}
    client.update_function_configuration(FunctionName=name, Environment=small)
    try:
        yield
    finally:
        client.update_function_configuration(FunctionName=name, Environment=environment)


def a_mail_in_doubt_is_looked_up(world: World) -> None:
    with customers(world, 1) as (one,):
        work = str(billed(world, bill(world))["report"]).removesuffix("problems.jsonl")
        world.aws.client("dynamodb").update_item(
            TableName=STACK.table("Invoices"),
            Key={"period": {"S": PERIOD}, "customerId": {"S": one}},
            UpdateExpression="SET mail = :sending, claimedAt = :once",
            ExpressionAttributeValues={":sending": {"S": "SENDING"}, ":once": {"N": "1"}},
        )
        step = {"period": PERIOD, "work": work, "customerId": one, "now": key(world.aws.clock.now())}
        assert world.invoke("billing-send-invoice-email", step) == {"mailed": False}


#: What lets every statement of every role be used.
ALL: tuple[Scenario, ...] = (
    a_task_runs_and_is_counted,
    a_second_delivery_does_nothing,
    a_workflow_is_waited_for,
    a_workflow_that_takes_too_long_is_stopped,
    a_run_takes_the_place_of_another,
    a_backfill_runs_its_slots_page_by_page,
    a_backfill_that_is_stopped_stops_what_it_has_started,
    a_short_task_runs_in_an_express_execution,
    a_schedule_starts_its_task,
    a_slot_that_cannot_be_started_is_recorded,
    a_slot_that_waits_is_looked_at_again,
    an_event_starts_its_task,
    an_event_that_cannot_be_delivered_is_recorded,
    an_execution_that_died_is_recorded,
    a_failure_is_told_and_so_is_its_end,
    a_slot_waits_for_another_and_is_woken,
    a_run_waits_for_a_place_and_is_let_in,
    what_a_mute_has_kept_quiet_is_told_at_its_end,
    a_record_that_cannot_be_read_is_counted_by_a_round,
    a_change_that_cannot_be_told_is_kept,
    a_change_that_cannot_be_counted_is_kept,
    an_alert_is_taken_to_webhooks_and_topics_and_kept_where_one_refuses_it,
    a_change_that_cannot_be_read_is_counted,
    a_slot_that_nobody_delivered_is_missed,
    a_slot_that_nobody_delivered_is_caught_up,
    a_run_whose_end_nobody_heard_of_is_closed,
    a_budget_that_a_month_has_passed_is_told_until_the_next,
    an_incident_that_goes_on_is_summed_up_and_the_heart_beats,
    a_report_is_written,
    a_report_of_a_day_without_orders_is_written,
    what_is_stale_is_removed,
    a_page_is_fetched_and_logged,
    a_digest_is_sent_once,
    a_digest_that_was_refused_is_sent_by_the_next_attempt,
    customers_are_billed_and_who_cannot_be_is_told,
    many_customers_are_billed_page_by_page,
    a_billing_run_that_is_stopped_stops_its_pages,
    a_mail_in_doubt_is_looked_up,
)
