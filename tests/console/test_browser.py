"""The console in a real browser: what it shows, how it is used without a mouse, and whether everybody can read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.cli.main import main
from orchestrator.instants import to_second
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.alerts import Cause, Severity
from orchestrator.stores.incidents import Incidents
from orchestrator.stores.registry import Registry
from orchestrator.tasks.task import Target, TargetKind, Task, TaskSchedule
from tests.console.conftest import HOSTILE, SLOT, Browser
from tests.testbed import ROOT, node
from tests.testbed.deployed import STACK

#: The task that the browser looks for.
TASK = "invoice-run"

#: By owner, tasks that a small company has.
TASKS = {
    "finance": ("exchange-rates", TASK, "ledger-close", "payment-reminders"),
    "data-platform": ("daily-sales-report", "partition-tables", "refresh-dashboards", "stale-data-cleanup"),
    "shop": ("cache-warm-up", "newsletter", "page-check", "price-import", "stock-taking"),
}

PICTURES = ROOT / "docs" / "pictures"


@pytest.fixture(scope="module")
def seen(browser: Browser, embedded_aws: EmbeddedAws, request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the browser saw; it is started once."""
    client = embedded_aws.client("dynamodb")
    registry = Registry(client, STACK)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    failed = _fill(registry, lambda item: client.put_item(TableName=STACK.runs_table, Item=item), now)
    cause = Cause(severity=Severity.FAILED, title="Boom of lambda/work")
    Incidents(client, STACK).hit(cause, TASK, now - timedelta(hours=2), owner="finance")
    assert main(["start", "bad", "--slot", SLOT, "--wait"]) == 1
    run = f"/tasks/bad/slots/{SLOT}"
    shots: dict[str, str] = {}
    if request.config.getoption("--refresh-golden"):
        PICTURES.mkdir(exist_ok=True)
        pictures = {"light /": "overview", f"light {run}": "run", f"dark /tasks/{TASK}": "task"}
        shots = {page: str(PICTURES / f"{name}.png") for page, name in pictures.items()}
    pages = [
        "/",
        "/timeline?hours=12",
        "/failures",
        "/ledger",
        "/deployments",
        "/local",
        f"/tasks/{TASK}",
        run,
        "/nothing",
    ]
    job = {
        "address": browser.address,
        "pages": pages,
        "task": TASK,
        "slot": failed,
        "shots": shots,
        "cut": str(browser.cut),
    }
    found: dict[str, Any] = json.loads(node.run("browse.mjs", json.dumps(job), seconds=150))
    return {**found, "failed": failed}


def _fill(registry: Registry, put: Callable[[dict[str, Any]], object], now: datetime) -> str:
    """A day of runs, by the hour; the slot that failed."""
    work = Target(kind=TargetKind.LAMBDA, name="work")
    failed = to_second(now - timedelta(minutes=90))
    for owner, names in TASKS.items():
        for number, name in enumerate(names):
            hourly = TaskSchedule(expression=f"cron({number * 7} */{number + 1} * * ? *)", timezone="Europe/Berlin")
            tags = ("month-end",) if owner == "finance" else ()
            registry.register(Task(id=name, target=work, owner=owner, tags=tags, schedules=(hourly,)))
            for hour in range(0 if name != TASK else 3, 22, number + 1):
                begin = now - timedelta(hours=hour, minutes=number * 7)
                status = (
                    "SKIPPED" if (hour, number) == (9, 2) else "MISSED" if (hour, number) == (6, 1) else "SUCCEEDED"
                )
                put(_row(name, to_second(begin), status, took=20 + (hour * 37 + number * 11) % 60))
    put(_row(TASK, failed, "FAILED", took=12, error="Boom", cause=HOSTILE))
    return failed


def _row(task_id: str, slot: str, status: str, *, took: int, **texts: str) -> dict[str, Any]:
    ended = to_second(datetime.fromisoformat(slot) + timedelta(seconds=took))
    row = {"taskId": task_id, "slot": slot, "status": status, **texts}
    if status not in ("SKIPPED", "MISSED"):
        row |= {"startedAt": slot, "endedAt": ended}
    return {name: {"S": text} for name, text in row.items()} | {"durationSeconds": {"N": str(took)}}


def test_every_page_is_accessible_in_light_and_dark(seen: dict[str, Any]) -> None:
    assert seen["violations"] == []


def test_no_page_fails_or_asks_another_machine_for_anything(seen: dict[str, Any]) -> None:
    assert seen["outside"] == []
    # That a page which is not there is answered so, a browser reports, too.
    assert [one for one in seen["problems"] if "/nothing" not in one] == []


def test_a_narrow_screen_shows_every_page_without_scrolling_sideways(seen: dict[str, Any]) -> None:
    assert seen["overflow"] == []


def test_a_row_of_the_grid_is_a_few_elements_and_those_off_screen_are_not_drawn(seen: dict[str, Any]) -> None:
    assert seen["elements"] < 12
    assert seen["skipped"] == "auto"


def test_the_form_filters(seen: dict[str, Any]) -> None:
    assert seen["filtered"] == [TASK]


def test_the_grid_is_used_without_a_mouse_and_says_what_it_shows(seen: dict[str, Any]) -> None:
    assert "failed" in seen["said"]
    assert seen["opened"] == f"/tasks/{TASK}/slots/{seen['failed']}"


def test_times_are_those_of_the_task_s_zone_if_somebody_wants(seen: dict[str, Any]) -> None:
    assert seen["times"]
    assert all(one.endswith(("GMT+1", "GMT+2")) for one in seen["times"])


def test_a_page_says_since_when_it_is_stale_and_comes_back_by_itself(seen: dict[str, Any]) -> None:
    assert "This page is as of" in seen["stale"]
    assert "it cannot be renewed: AWS does not answer: Could not connect to the endpoint URL" in seen["stale"]
    assert seen["opened_stale"] == "AWS does not answer"
    assert seen["recovered"] == ["Failures", "all the time"], "neither page was loaded again"
    assert seen["still_stale"] is False


def test_an_action_is_confirmed_and_everybody_who_looks_sees_what_it_did(seen: dict[str, Any]) -> None:
    assert f"orchestrator pause {TASK} --reason 'a leak in the cellar'" in seen["asked"]
    assert f"Paused {TASK}" in seen["done"]
    assert seen["live"] == "all the time", "the other page was not loaded again"
    assert seen["announced"] == "The page has changed."
