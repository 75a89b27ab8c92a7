"""The console as a browser meets it: a real server before a deployed stack."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest

from deploy import PROJECT
from orchestrator import deployment
from orchestrator.cli.console import serving
from orchestrator.cli.main import main
from orchestrator.console.grid import Filter
from orchestrator.console.health import silent_since
from orchestrator.console.pages import Pages
from orchestrator.console.project import Project
from orchestrator.console.reading import Reading
from orchestrator.console.server import served
from orchestrator.errors import PortInUse
from orchestrator.instants import to_second
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.alerts import Cause, Severity
from orchestrator.runs.dead_letter import DeadLetter
from orchestrator.runs.pauses import added
from orchestrator.runs.run import RunStatus
from orchestrator.runs.task_state import Pause, Record
from orchestrator.stores.dead_letters import DeadLetters
from orchestrator.stores.deployments import Change, Deployments
from orchestrator.stores.incidents import Incidents
from orchestrator.stores.ledger import Ledger
from orchestrator.stores.registry import Registry
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule
from orchestrator.tasks.upstream import Upstream
from tests.console.conftest import HOSTILE, SLOT, Browser
from tests.testbed.deployed import STACK

PutRow = Callable[..., None]

PAGES = ("/", "/?span=week", "/timeline", "/failures", "/ledger", "/deployments", "/local", "/tasks/good")


def now() -> datetime:
    return datetime.now(UTC)


def register(registry: Registry, task_id: str, **fields: object) -> str:
    registry.register(Task(id=task_id, target=Target(kind=TargetKind.LAMBDA, name="work"), **fields))  # type: ignore[arg-type] # any field
    return task_id


def executed(embedded_aws: EmbeddedAws, ledger: Ledger, task_id: str, slot: str) -> RunStatus:
    """What has become of a run whose execution is over."""
    run = ledger.get(task_id, slot)
    assert run is not None
    assert run.execution_arn is not None
    assert embedded_aws.execution(run.execution_arn).over.wait(30)
    run = ledger.get(task_id, slot)
    assert run is not None
    return run.status


def over(embedded_aws: EmbeddedAws, task_id: str) -> None:
    """Waits until every execution of a task has ended."""
    stepfunctions = embedded_aws.client("stepfunctions")
    machines = stepfunctions.list_state_machines()["stateMachines"]
    arn = next(one["stateMachineArn"] for one in machines if one["name"] == STACK.task_runner)
    for one in stepfunctions.list_executions(stateMachineArn=arn)["executions"]:
        if one["name"].startswith(task_id):
            assert embedded_aws.execution(one["executionArn"]).over.wait(30)


@pytest.mark.parametrize(
    "path", [*PAGES, f"/tasks/good/slots/{SLOT}", "/cell?task=good&since=2026-11-02T08:00Z&seconds=900"]
)
def test_a_page_scans_no_ledger_and_reads_nothing_twice(browser: Browser, put_row: PutRow, path: str) -> None:
    put_row("good", SLOT, "SUCCEEDED", result="x" * 20_000)
    scanned: list[str] = []
    client = browser.connection.client("dynamodb")
    name = "provide-client-params.dynamodb.Scan"
    client.meta.events.register(name, lambda params, **_: scanned.append(params["TableName"]), unique_id=path)
    try:
        answer = browser.get(path)
    finally:
        client.meta.events.unregister(name, unique_id=path)
    assert answer.status == 200
    assert set(scanned) <= {STACK.tasks_table, STACK.incidents_table, STACK.failed_tasks_table}
    assert browser.calls.count("Query") <= 27, "for each status one of the newest day, one of what is older"
    again = browser.get(path)
    assert "Query" not in browser.calls or "good" in path, "the same page again costs no query of all tasks"
    units = float(again.headers["X-Read-Units"])
    # A page of one task reads its rows, of which one has 20 KB; one of all tasks, incidents and letters alone.
    assert units <= (12 if "good" in path else 2), units
    assert units > 0 or path in ("/ledger", "/local", "/timeline")


@pytest.mark.parametrize("path", [*PAGES, "/static/console.css", "/nothing"])
def test_a_browser_is_told_to_load_nothing_from_elsewhere(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert re.findall(r'(?:src|href)="(?:https?:)?//[^"]*', answer.text) == []


def test_the_overview_shows_tasks_by_owner_and_what_became_of_their_slots(
    browser: Browser, registry: Registry, put_row: PutRow
) -> None:
    register(registry, "seen", owner="finance", tags=("month-end",))
    put_row("seen", to_second(now() - timedelta(hours=1)), "SUCCEEDED")
    put_row("seen", to_second(now() - timedelta(hours=3)), "FAILED", error="Boom")
    browser.connection.registry.get("seen")
    fresh(browser)
    text = browser.get("/").text
    assert 'aria-label="finance"' in text
    assert 'aria-label="seen: 1 failed, 1 succeeded"' in text
    assert 'aria-label="good: ' in text
    assert 'aria-label="Tasks of nobody"' in text
    assert 'aria-label="month-end"' in browser.get("/?by=tag").text
    assert 'aria-label="failed"' in browser.get("/?by=status").text


def fresh(browser: Browser) -> None:
    """Makes the console forget what it has read; an action does so."""
    assert browser.act("pause", task="good", reason="x", confirmed="yes").status == 200
    assert browser.act("resume", task="good", confirmed="yes").status == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [("owner=finance", True), ("tag=month-end", True), ("status=failed", True), ("text=SEE", True), ("text=x", False)],
)
def test_the_overview_is_filtered(
    browser: Browser, registry: Registry, put_row: PutRow, query: str, found: bool
) -> None:
    register(registry, "seen", owner="finance", tags=("month-end",))
    put_row("seen", to_second(now() - timedelta(hours=3)), "FAILED", error="Boom")
    fresh(browser)
    text = browser.get(f"/?{query}").text
    assert ('data-task="seen"' in text) is found
    assert 'data-task="good"' not in text


def test_a_cell_tells_its_slots_and_those_to_come(browser: Browser, registry: Registry, put_row: PutRow) -> None:
    register(registry, "in-cell")
    put_row("in-cell", "2026-11-02T08:05:00Z", "SKIPPED", reason="paused")
    text = browser.get("/cell?task=in-cell&since=2026-11-02T08:00:00Z&seconds=900").text
    assert "/tasks/in-cell/slots/2026-11-02T08:05:00Z" in text
    assert "skipped: paused" in text
    assert "No slot." in browser.get("/cell?task=in-cell&since=2026-11-02T09:00:00Z&seconds=900").text
    tomorrow = to_second(now() + timedelta(days=1))
    assert " due</li>" in browser.get(f"/cell?task=good&since={tomorrow}&seconds=86400").text


def test_a_task_shows_what_is_declared_what_comes_and_how_its_runs_went(
    browser: Browser, registry: Registry, put_row: PutRow
) -> None:
    for number, status in enumerate(("SUCCEEDED", "FAILED", "FAILED")):
        slot = f"2026-11-0{number + 1}T08:00:00Z"
        error = {"error": "Boom", "cause": "no disk"} if status == "FAILED" else {}
        put_row("good", slot, status, endedAt=slot, **error)
    text = browser.get("/tasks/good").text
    for said in ("lambda/work", "cron(0 8 * * ? *) Europe/Berlin", "data-platform", "2 × <code>Boom: no disk</code>"):
        assert said in text, said
    assert text.count('<tr><td><time datetime="') == 10, "slots to come"
    assert text.count('<tr><td><a href="/tasks/good/slots/2026-11-0') == 3


def test_a_task_shows_what_its_file_would_change_its_limits_and_what_it_costs(
    browser: Browser, registry: Registry, put_row: PutRow
) -> None:
    hourly = TaskSchedule(expression="cron(0 * * * ? *)")
    register(
        registry, "pending", schedules=(hourly,), min_duration_seconds=5, max_duration_seconds=60, timeout_seconds=900
    )
    put_row("pending", SLOT, "SUCCEEDED", endedAt=SLOT, durationSeconds=20)
    here = browser.connection.registry.get("pending")
    assert here is not None
    other = replace(here.task, owner="shop", schedules=(TaskSchedule(expression="cron(30 * * * ? *)"),))
    billed = deployment.billed(PROJECT.application(STACK))
    project = Project(tasks=lambda: {"pending": other}, billed=lambda: billed)
    text = Pages(reading=Reading(browser.connection), project=project).task("pending")
    assert '<th scope="row">owner</th><td><code></code></td><td><code>shop</code></td>' in text
    assert "<code>cron(30 * * * ? *) UTC</code>" in text
    assert re.search(r"Next slots: .*instead of", text)
    for line in ("at least: 5 s", "at most: 1 min 0 s", "timeout: 15 min 0 s, far above", "median: 20 s"):
        assert f"</svg> {line}</li>" in text, line
    assert re.search(r"About \$\d\.\d\d a month: 720 runs of 20 s, as the last took\.", text)


def test_a_task_shows_who_waits_for_whom_and_a_slot_that_waits_is_seen(
    browser: Browser, registry: Registry, put_row: PutRow
) -> None:
    hourly = (TaskSchedule(expression="cron(0 * * * ? *)"),)
    register(registry, "extract", schedules=hourly, downstream=("load",))
    register(registry, "load", schedules=hourly, after=(Upstream(task_id="extract"),))
    since = to_second(now() - timedelta(minutes=20))
    put_row("load", since, "WAITING", hold={"kind": "upstream", "since": since, "why": "waits for extract"})
    fresh(browser)
    text = browser.get("/tasks/load").text
    assert re.search(r'It waits for</h3>\n<ul><li>.*"/tasks/extract".*for its next slot <time', text)
    assert re.search(r'Waits for it</h3>\n<ul><li>.*"/tasks/load"', browser.get("/tasks/extract").text)
    assert "upstream: waits for extract</td>" in browser.get("/timeline?hours=1").text
    assert f"waits for extract, since {since}" in browser.get(f"/tasks/load/slots/{since}").text


def test_a_run_shows_its_path_as_a_graph_with_input_output_and_log(browser: Browser) -> None:
    assert main(["start", "bad", "--slot", SLOT, "--wait"]) == 1
    text = browser.get(f"/tasks/bad/slots/{SLOT}").text
    assert "InvalidParameters: work was given wrong params" in unescape(text)
    for step in ("Look up", "Claim the slot", "Wait for its turn", "Run", "Try again", "Record"):
        assert f"<title>{step} (Step)</title>" in text, step
    for state in ("LookupTask", "ClaimSlot", "InvokeLambda", "RecordFailure"):
        assert f"<title>{state} (" in text, state
    assert re.search(r"Every state: \d taken of \d\d", text)
    assert '<h3 id="attempt-1">Attempt 1' in text
    assert 'class="node visited failed"' in text
    assert text.count('class="edge taken"') >= 3
    assert '"refuse": true' in unescape(text)
    assert "Traceback (most recent call last):" in text
    assert "REPORT RequestId" in text
    assert "console.aws.amazon.com" not in text, "this is not AWS"


def test_a_nested_execution_is_opened_in_its_place(browser: Browser, registry: Registry) -> None:
    nested = Target(kind=TargetKind.WORKFLOW, name="nested")
    registry.register(Task(id="with-nested", target=nested))
    assert main(["start", "with-nested", "--slot", SLOT, "--wait"]) == 0
    text = browser.get(f"/tasks/with-nested/slots/{SLOT}").text
    run, nested_one, record = (text.index(said) for said in ("<strong>Run</strong>", "Answer (Pass)", "<strong>Record"))
    assert run < nested_one < record
    assert 'aria-label="Execution orchestrator-dev-workflow-nested"' in text


def test_the_path_of_an_express_run_is_drawn_from_its_log(
    browser: Browser, registry: Registry, ledger: Ledger, embedded_aws: EmbeddedAws
) -> None:
    register(registry, "short", express=True, timeout_seconds=60)
    client = embedded_aws.client("stepfunctions")
    (machine,) = (
        one["stateMachineArn"]
        for one in client.list_state_machines()["stateMachines"]
        if one["name"] == STACK.express_runner
    )
    client.start_execution(
        stateMachineArn=machine, input=json.dumps({"taskId": "short", "scheduledTime": SLOT, "trigger": "schedule"})
    )
    until = time.monotonic() + 60
    while (run := ledger.get("short", SLOT)) is None or run.status is not RunStatus.SUCCEEDED:
        assert time.monotonic() < until
        time.sleep(0.05)
    text = browser.get(f"/tasks/short/slots/{SLOT}").text
    for drawn in ("<title>Run (Step)</title>", "<title>InvokeLambda (", "Every state: 4 taken of"):
        assert drawn in text, drawn
    assert "No data of it are kept." in text
    assert f"REPORT RequestId: {run.request_ids[0]}" in text


def test_a_run_whose_history_is_gone_says_so(browser: Browser, put_row: PutRow) -> None:
    gone = f"arn:aws:states:us-east-1:123456789012:execution:{STACK.task_runner}:gone"
    put_row("good", "2026-10-01T08:00:00Z", "SUCCEEDED", executionArn=gone)
    assert "no history of it: it keeps" in browser.get("/tasks/good/slots/2026-10-01T08:00:00Z").text


def test_the_log_of_a_run_is_found_by_the_ids_in_its_row_when_its_history_is_gone(
    browser: Browser, ledger: Ledger, embedded_aws: EmbeddedAws
) -> None:
    slot = "2026-11-04T08:00:00Z"
    assert main(["start", "bad", "--slot", slot, "--wait"]) == 1
    run = ledger.get("bad", slot)
    assert run is not None
    assert run.execution_arn is not None
    forgotten = {":arn": {"S": f"{run.execution_arn}-gone"}}
    embedded_aws.client("dynamodb").update_item(
        TableName=STACK.runs_table,
        Key={"taskId": {"S": "bad"}, "slot": {"S": slot}},
        UpdateExpression="SET executionArn = :arn",
        ExpressionAttributeValues=forgotten,
    )
    text = browser.get(f"/tasks/bad/slots/{slot}").text
    assert "no history of it: it keeps" in text
    assert text.count("REPORT RequestId") == 1, "not those of other runs"
    assert f"REPORT RequestId: {run.request_ids[0]}" in text


def test_the_timeline_shows_what_ran_side_by_side_and_how_busy_hours_are(
    browser: Browser, registry: Registry, put_row: PutRow
) -> None:
    register(registry, "side-by-side")
    for minutes in (30, 25):
        begin = now() - timedelta(minutes=minutes)
        put_row("side-by-side", to_second(begin), "SUCCEEDED", endedAt=to_second(begin + timedelta(minutes=10)))
    fresh(browser)
    text = browser.get("/timeline?hours=1").text
    assert 'aria-label="2 runs, at most 2 at once"' in text
    assert "The next 24 hours" in text


def test_failures_show_incidents_missed_slots_and_what_never_started(
    browser: Browser, registry: Registry, put_row: PutRow, embedded_aws: EmbeddedAws
) -> None:
    client = embedded_aws.client("dynamodb")
    register(registry, "broken")
    missed = to_second(now() - timedelta(hours=5))
    put_row("broken", missed, "MISSED")
    put_row("broken", to_second(now() - timedelta(hours=4)), "MISSED")
    cause = Cause(severity=Severity.FAILED, title="Boom of lambda/work")
    Incidents(client, STACK).hit(cause, "broken", now() - timedelta(hours=6))
    letter = DeadLetter(message_id="m-1", task_id="broken", slot=SLOT, error_code="Denied", error_message="may not")
    DeadLetters(client, STACK).put(letter, failed_at=now())
    fresh(browser)
    text = browser.get("/failures").text
    for said in (
        "Boom of lambda/work",
        f"/tasks/broken/slots/{missed}",
        "Denied: may not",
        ">Replay<",
        "Run it now",
        "Run the 2 of broken again",
    ):
        assert said in text, said
    assert "1 open incident" in browser.get("/").text


def test_the_ledger_shows_the_proof_of_each_day(browser: Browser) -> None:
    assert browser.get("/ledger").text.count('<tr><th scope="row">') == 8


def test_deployments_show_what_is_live_and_what_the_last_one_has_lost(
    browser: Browser, embedded_aws: EmbeddedAws
) -> None:
    text = browser.get("/deployments").text
    assert f"<td>{STACK.task_runner}</td><td>1</td><td>100 %</td>" in text
    assert "2 tasks.</p>" in text
    assert "The project's folder is not at hand" in unescape(text)
    lost = Change(task_id="good", action="change", fields=("schedules",), lost=(SLOT,), doubled=())
    Deployments(embedded_aws.client("dynamodb"), STACK).record(SLOT, "anna on earth", [lost])
    text = browser.get("/deployments").text
    assert "by anna on earth: 1 task." in text
    assert f'lost</strong> <time datetime="{SLOT}"' in text


def test_what_the_embedded_aws_has_sent_and_keeps_is_shown(browser: Browser, embedded_aws: EmbeddedAws) -> None:
    embedded_aws.client("s3").put_object(Bucket=bucket(embedded_aws), Key="report/<b>.csv", Body=b"abc")
    ses = embedded_aws.client("ses")
    ses.verify_email_identity(EmailAddress="me@example.com")
    ses.send_raw_email(RawMessage={"Data": f"From: me@example.com\nTo: you@example.com\nSubject: Hi\n\n{HOSTILE}"})
    text = browser.get("/local").text
    assert "time passes as it really does" in text
    assert "to you@example.com, from me@example.com" in text
    assert "report/&lt;b&gt;.csv" in text
    assert "<script>alert" not in text
    assert 'href="/local"' in browser.get("/failures").text


def bucket(embedded_aws: EmbeddedAws) -> str:
    names = [one["Name"] for one in embedded_aws.client("s3").list_buckets()["Buckets"]]
    return next(name for name in names if name.startswith(f"{STACK.name}-data-"))


def test_a_page_that_has_not_changed_is_not_sent_again(browser: Browser) -> None:
    first = browser.get("/ledger")
    again = browser.get("/ledger", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.text) == (304, "")
    assert browser.get("/ledger", **{"If-None-Match": '"other"'}).status == 200


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/nothing", 404, "There is no such page"),
        ("/tasks/nothing", 404, "there is no task 'nothing'"),
        ("/tasks/good/slots/never", 404, "good has no run of never"),
        ("/backfills/never", 404, "there is no backfill 'never'"),
        ("/cell?task=nothing&since=2026-11-02T08:00:00Z&seconds=900", 404, "there is no task"),
        ("/cell?task=good&seconds=900", 400, "names no moment"),
        ("/cell?task=good&since=2026-11-02T08:00:00Z&seconds=-1", 400, "a number from 1"),
        ("/?span=year", 400, "day, week, month"),
        ("/?by=colour", 400, "owner, tag, status"),
        ("/timeline?hours=99", 400, "a number from 1 to 48"),
        ("/timeline?until=soon", 400, "Expected a moment"),
        ("/timeline?until=0001-01-01T00:00%2B14:00", 400, "Expected a moment"),
        ("/static/../application.py", 404, ""),
    ],
)
def test_what_is_not_there_is_said_on_a_page(browser: Browser, path: str, status: int, said: str) -> None:
    answer = browser.get(path)
    assert answer.status == status
    assert said in unescape(answer.text)


def test_hostile_content_is_text(browser: Browser, registry: Registry, put_row: PutRow) -> None:
    register(registry, "hostile", description=HOSTILE, owner=HOSTILE, runbook=HOSTILE, tags=(HOSTILE,))
    slot = to_second(now() - timedelta(hours=1))
    large = HOSTILE * 40_000
    put_row(
        "hostile",
        slot,
        "FAILED",
        error=HOSTILE,
        cause=HOSTILE,
        result=large[:200_000],
        reason=HOSTILE,
        startedBy=HOSTILE,
    )
    fresh(browser)
    for path in ("/", "/failures", "/tasks/hostile", f"/tasks/hostile/slots/{slot}", f"/?text={'%3Cscript%3E'}"):
        answer = browser.get(path)
        assert answer.status == 200, path
        assert "<script>alert" not in answer.text
        assert "\x1b" not in answer.text
        assert "\u202e" not in answer.text
        assert len(answer.text) < 1_500_000
    assert "&lt;script&gt;alert(1)" in browser.get("/tasks/hostile").text


@pytest.mark.parametrize("host", ["evil.example", "169.254.169.254", "127.0.0.1.evil.example"])
def test_another_host_is_refused(browser: Browser, host: str) -> None:
    answer = browser.get("/", Host=host)
    assert answer.status == 403
    assert "data-task" not in answer.text
    assert browser.calls == []


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_a_foreign_page_cannot_act(browser: Browser, registry: Registry, headers: dict[str, str]) -> None:
    form = {"token": browser.token, "task": "good", "reason": "x", "confirmed": "yes"}
    assert browser.post("/actions/pause", form, **headers).status == 403
    record = registry.get("good")
    assert record is not None
    assert record.pause is None


def test_a_form_without_the_token_or_with_too_much_does_nothing(browser: Browser, registry: Registry) -> None:
    form = {"task": "good", "reason": "x", "confirmed": "yes"}
    assert browser.post("/actions/pause", form).status == 403
    assert browser.post("/actions/pause", {**form, "token": "guessed"}).status == 403
    assert browser.act("pause", task="good", reason="x" * 30_000, confirmed="yes").status == 400
    assert browser.act("pause", task="good", confirmed="yes").status == 409
    assert browser.act("destroy", task="good", confirmed="yes").status == 409
    assert browser.get("/actions/pause").status in (404, 405)
    record = registry.get("good")
    assert record is not None
    assert record.pause is None


def test_an_action_says_first_what_it_would_do_and_which_command_does_the_same(
    browser: Browser, registry: Registry
) -> None:
    asked = browser.act("pause", task="good", reason="it's broken")
    assert asked.status == 200
    assert "Skips the slots of good" in asked.text
    assert """orchestrator pause good --reason 'it'"'"'s broken'""" in unescape(asked.text)
    record = registry.get("good")
    assert record is not None
    assert record.pause is None


def test_a_task_is_paused_and_resumed_and_everybody_sees_by_whom(browser: Browser, registry: Registry) -> None:
    register(registry, "paused")
    assert browser.act("pause", task="paused", reason="a leak", confirmed="yes").status == 200
    record = registry.get("paused")
    assert record is not None
    assert record.pause is not None
    assert record.pause.why == "a leak"
    assert f"by {record.pause.who} since" in browser.get("/tasks/paused").text
    assert 'data-task="paused"' in browser.get("/?status=paused").text
    assert "is paused" in unescape(browser.act("start", task="paused").text)
    assert browser.act("resume", task="paused", confirmed="yes").status == 200
    assert browser.act("resume", task="paused", confirmed="yes").status == 409
    assert re.search(r"Paused before,.*: a leak; resumed by \S+ in the console\.", browser.get("/tasks/paused").text)
    assert 'data-task="paused"' not in browser.get("/?status=paused").text


def test_a_slot_that_waits_for_an_approval_is_approved_once(
    browser: Browser, registry: Registry, ledger: Ledger, embedded_aws: EmbeddedAws
) -> None:
    register(registry, "asks", approval_seconds=3600, schedules=(TaskSchedule(expression="rate(1 hour)"),))
    slot = to_second(now().replace(minute=0, second=0))
    client = embedded_aws.client("stepfunctions")
    machine = browser.connection.runner.state_machine_arn
    asked = {"taskId": "asks", "scheduledTime": slot, "trigger": "schedule"}
    arn = client.start_execution(stateMachineArn=machine, input=json.dumps(asked))["executionArn"]
    assert embedded_aws.execution(arn).over.wait(30)
    run = ledger.get("asks", slot)
    assert run is not None
    assert run.status is RunStatus.WAITING
    assert ">Approve<" in browser.get(f"/tasks/asks/slots/{slot}").text
    form = {"task": "asks", "slot": slot, "reason": "it is fine"}
    assert f"orchestrator approve asks {slot} --reason 'it is fine'" in unescape(browser.act("approve", **form).text)
    assert browser.act("approve", **form, confirmed="yes").status == 200
    until = time.monotonic() + 60
    while (run := ledger.get("asks", slot)) is None or run.status is not RunStatus.SUCCEEDED:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert browser.act("refuse", **form).status == 409


def test_a_pause_of_many_tasks_is_named_as_such(browser: Browser, registry: Registry) -> None:
    register(registry, "of-many", tags=("etl",))
    made = Pause(who="user/anna", why="a move", since=SLOT, switch="tag:etl")
    registry.change_pause("of-many", lambda before: added(before, made, now()))
    text = browser.get("/tasks/of-many").text
    assert "Paused</strong>, as all tasks with the tag etl, by user/anna" in text
    assert "orchestrator resume --tag etl" in text
    assert ">Resume<" not in text


def test_a_task_is_started_and_a_slot_runs_again(
    browser: Browser, registry: Registry, ledger: Ledger, embedded_aws: EmbeddedAws, put_row: PutRow
) -> None:
    register(registry, "by-hand")
    assert "Started by-hand" in browser.act("start", task="by-hand", confirmed="yes").text
    # While it holds the task, a rerun would be skipped.
    over(embedded_aws, "by-hand")
    put_row("by-hand", SLOT, "FAILED")
    assert "orchestrator rerun by-hand" in browser.act("rerun", task="by-hand", slot=SLOT).text
    done = browser.act("rerun", task="by-hand", slot=SLOT, confirmed="yes")
    assert f"by-hand for {SLOT}" in done.text
    over(embedded_aws, "by-hand")
    assert executed(embedded_aws, ledger, "by-hand", SLOT) is RunStatus.SUCCEEDED
    text = browser.get(f"/tasks/by-hand/slots/{SLOT}").text
    assert "Earlier runs of this slot" in text
    assert re.search(r"<dt>Started by</dt><dd>\S+ in the console</dd>", text), "who it was stands in the task's history"


def test_what_does_not_run_is_not_stopped(browser: Browser, put_row: PutRow) -> None:
    put_row("good", "2026-09-01T08:00:00Z", "SUCCEEDED")
    answer = browser.act("stop", task="good", slot="2026-09-01T08:00:00Z", confirmed="yes")
    assert answer.status == 409
    assert "there is nothing to stop" in answer.text


def test_what_never_started_is_replayed_once(
    browser: Browser, registry: Registry, embedded_aws: EmbeddedAws, ledger: Ledger
) -> None:
    register(registry, "lost")
    letters = DeadLetters(embedded_aws.client("dynamodb"), STACK)
    letter = DeadLetter(message_id="m-2", task_id="lost", slot=SLOT, error_code="Denied", error_message="may not")
    letters.put(letter, failed_at=now())
    assert "orchestrator failed replay m-2" in browser.act("replay", id="m-2").text
    done = browser.act("replay", id="m-2", confirmed="yes").text
    arn = re.search(r"started (arn:[^\s.<]+)", done)
    assert arn is not None
    assert embedded_aws.execution(arn[1]).over.wait(30)
    assert executed(embedded_aws, ledger, "lost", SLOT) is RunStatus.SUCCEEDED
    assert "has succeeded meanwhile" in browser.act("replay", id="m-2", confirmed="yes").text


def test_a_backfill_is_shown_first_then_run_stopped_and_gone_on_with(
    browser: Browser, registry: Registry, ledger: Ledger, embedded_aws: EmbeddedAws, put_row: PutRow
) -> None:
    daily = TaskSchedule(expression="cron(0 8 * * ? *)")
    task = register(registry, "to-backfill", schedules=(daily,), params={"seconds": 30})
    put_row(task, "2026-11-03T08:00:00Z", "FAILED")
    put_row(task, "2026-11-04T08:00:00Z", "SUCCEEDED")
    form = {"task": task, "from": "2026-11-02", "to": "2026-11-05", "reprocess": "failed", "max-active": "1"}
    shown = unescape(browser.act("backfill", **form).text)
    for said in (
        "Runs 3 of 4 slots of to-backfill, at most 1 at once",
        "2026-11-02T08:00:00Z: run<",
        "2026-11-03T08:00:00Z: run again (failed)",
        "2026-11-04T08:00:00Z: keep (succeeded)",
        "orchestrator backfill to-backfill --from 2026-11-02 --to 2026-11-05 --reprocess failed<",
    ):
        assert said in shown, said
    assert ledger.get(task, "2026-11-02T08:00:00Z") is None, "it was only shown"

    done = browser.act("backfill", **form, confirmed="yes").text
    name = re.search(r"Started the backfill (\S+) of 3 slots", done)
    assert name is not None
    address = f"/backfills/{name[1]}"
    until = time.monotonic() + 60
    while "1 go on, 2 are left" not in (page := browser.get(address).text):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert re.search(r"started .* by \S+ in the console", page)
    assert "Stop this backfill" in page
    assert browser.act("continue-backfill", backfill=name[1]).status == 409
    assert "aws stepfunctions stop-execution" in browser.act("stop-backfill", backfill=name[1]).text
    assert browser.act("stop-backfill", backfill=name[1], confirmed="yes").status == 200
    over(embedded_aws, task)
    assert browser.act("stop-backfill", backfill=name[1]).status == 409
    assert f'{address}"' in browser.get("/ledger").text

    register(registry, task, schedules=(daily,))
    run = ledger.get(task, "2026-11-02T08:00:00Z")
    assert run is not None
    assert run.started_by is not None
    assert run.started_by.startswith(f"backfill {name[1]} of ")
    left = unescape(browser.act("continue-backfill", backfill=name[1]).text)
    assert re.search(r"Runs the [23] of 3 slots", left)
    assert "--reprocess failed --before" in left
    assert browser.act("continue-backfill", backfill=name[1], confirmed="yes").status == 200
    while (last := ledger.get(task, "2026-11-05T08:00:00Z")) is None or last.status is not RunStatus.SUCCEEDED:
        assert time.monotonic() < until
        time.sleep(0.05)
    over(embedded_aws, task)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"task": "nothing", "from": "2026-11-02"}, "there is no task"),
        ({"task": "good", "from": "then"}, "which slots?"),
        ({"task": "good", "from": "2026-11-02", "max-active": "99"}, "a number from 1 to 40"),
        ({"task": "good", "from": "2026-11-02", "reprocess": "none of it"}, "which slots?"),
        ({"task": "good", "from": "2026-11-02", "to": "2099-01-01"}, "is still to come"),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused(browser: Browser, form: dict[str, str], said: str) -> None:
    answer = browser.act("backfill", **form)
    assert answer.status in (404, 409)
    assert said in unescape(answer.text)


def test_a_permission_that_lacks_is_named(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.exceptions import ClientError

    said = "User: arn:aws:iam::1:user/me is not authorized to perform: dynamodb:GetItem on resource: x"
    refusal = ClientError({"Error": {"Code": "AccessDeniedException", "Message": said}}, "GetItem")

    def refused(model: object, **_: object) -> None:
        raise refusal

    events = browser.connection.client("dynamodb").meta.events
    events.register("before-call.dynamodb.GetItem", refused, unique_id="refused")
    try:
        answer = browser.get("/tasks/good")
    finally:
        events.unregister("before-call.dynamodb.GetItem", unique_id="refused")
    assert answer.status == 502
    assert "perform: dynamodb:GetItem" in answer.text
    assert "the credentials lack this permission" in answer.text


def test_a_copy_holds_every_page_and_needs_nothing_else(stack: None, put_row: PutRow, tmp_path: Path) -> None:
    put_row("good", "2026-11-05T08:00:00Z", "FAILED", error=HOSTILE)
    assert main(["--project", str(tmp_path), "console", "--export", str(tmp_path / "copy")]) == 0
    files = {path.name: path for path in (tmp_path / "copy").iterdir()}
    assert {"index.html", "timeline.html", "failures.html", "ledger.html", "task-good.html", "console.css"} <= set(
        files
    )
    assert "run-good-2026-11-05T08_00_00Z.html" in files
    for path in files.values():
        if path.suffix != ".html":
            continue
        text = path.read_text(encoding="utf-8")
        targets = re.findall(r'(?:src|href|action)="([^"#]+)', text)
        assert [one for one in targets if one not in files and one != "data:,"] == [], path.name
        assert "<script>alert" not in text
        assert 'method="post"' not in text
        assert "A copy, made" in text


def test_a_port_that_is_taken_is_said_and_nobody_waits_for_a_server_that_nobody_asked(tmp_path: Path) -> None:
    made: list[object] = []
    before = threading.active_count()
    with served(lambda: made.append(1), 0) as address:
        port = int(address.rstrip("/").rpartition(":")[2])
        with pytest.raises(PortInUse), served(lambda: None, port):
            pass
    assert made == []
    assert threading.active_count() == before


def test_the_command_reads_the_registry_before_anybody_asks_for_a_page(browser: Browser) -> None:
    browser.calls.clear()
    with serving(browser.connection, 0, ahead=True):
        for thread in threading.enumerate():
            if thread.name == "registry":
                thread.join(30)
    assert "Scan" in browser.calls


def test_the_overview_says_whether_the_stack_is_well_and_what_it_costs(
    browser: Browser, registry: Registry, embedded_aws: EmbeddedAws
) -> None:
    sqs = embedded_aws.client("sqs")
    queue = sqs.get_queue_url(QueueName=STACK.handler_failures)["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="nobody could handle this")
    schedules = embedded_aws.client("scheduler")
    (first, *_) = schedules.list_schedules(GroupName=STACK.schedule_group)["Schedules"]
    asked = schedules.get_schedule(GroupName=STACK.schedule_group, Name=first["Name"])
    names = ("GroupName", "Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    schedules.update_schedule(State="DISABLED", **{name: asked[name] for name in names})  # type: ignore[literal-required] # some of its fields
    billed = deployment.billed(PROJECT.application(STACK))
    project = Project(tasks=dict, billed=lambda: billed, fixed=lambda: Decimal("12.5"))
    pages = Pages(reading=Reading(browser.connection), project=project)
    text = pages.overview("day", Filter())
    assert "<dd>1 waits, 0 in work, <strong" in text
    assert f"disabled</strong>: {first['Name']}</dd>" in text
    assert "$12.50 for the stack itself" in text
    assert re.search(r"tasks.yaml differs</dt><dd><a[^>]*>\d+ to remove</a>", text)
    until = time.monotonic() + 60
    while not re.search(r"about \$\d+\.\d\d for the tasks", pages.overview("day", Filter())):
        assert time.monotonic() < until
        time.sleep(0.05)
    sqs.purge_queue(QueueUrl=queue)
    schedules.update_schedule(State="ENABLED", **{name: asked[name] for name in names})  # type: ignore[literal-required] # as above
    text = Pages(reading=Reading(browser.connection)).overview("day", Filter())
    assert "The stack is well" in text
    assert "A month costs" not in text


def test_a_watchdog_that_has_missed_several_rounds_is_silent() -> None:
    at = datetime(2026, 12, 1, 12, tzinfo=UTC)
    task = Task(
        id="watchdog",
        target=Target(kind=TargetKind.LAMBDA, name="watchdog"),
        schedules=(TaskSchedule(expression="rate(5 minutes)"),),
    )
    assert silent_since(Record(task=task), at) is None
    assert silent_since(Record(task=task, last_slot="2026-12-01T11:50:00Z"), at) is None
    last = datetime(2026, 12, 1, 11, 30, tzinfo=UTC)
    assert silent_since(Record(task=task, last_slot="2026-12-01T11:30:00Z"), at) == last
