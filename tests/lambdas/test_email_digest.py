"""The digest: what the ledger holds of a period, in one mail, sent once."""

from __future__ import annotations

import io
import time
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.email_digest import handler
from lambdas.email_digest.digest import LONGEST_LIST, Digest, summarise
from lambdas.email_digest.rendering import subject, to_html, to_text
from orchestrator import stack as settings
from orchestrator.errors import InvalidParameters, NotConfigured
from orchestrator.handlers.invocation import client, logger
from orchestrator.instants import slot_text
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.run import TERMINAL, Run, RunStatus
from orchestrator.stack import Stack
from orchestrator.tasks.task import LONGEST_RUN_SECONDS
from orchestrator.testing.invocation import invoke

SLOT = "2026-12-01T08:00:00Z"
RECIPIENTS = ["ops@example.com", "boss@example.com"]
PERIOD: dict[str, Any] = {"since": "2026-11-30T08:00:00Z", "until": SLOT}


@pytest.fixture
def outbox(aws: EmbeddedAws, dynamodb: Any) -> Any:
    """What SES has sent; each has ``destinations``, ``subject`` and ``body``."""
    client("ses").verify_email_identity(EmailAddress="tasks@example.com")
    return aws.backend("ses").sent_messages


def put_run(dynamodb: Any, task: str, slot: str, status: str = "SUCCEEDED", **attributes: Any) -> None:
    values = {"taskId": task, "slot": slot, "status": status} | attributes
    item = {
        name: {"N": str(value)} if isinstance(value, int | float) else {"S": value} for name, value in values.items()
    }
    dynamodb.put_item(TableName=Stack().runs_table, Item=item)


def digest(slot: str = SLOT, **params: Any) -> dict[str, Any]:
    return invoke(handler, task="digest", slot=slot, **{"recipients": RECIPIENTS} | params)


def test_the_period_is_summed_up_by_status(outbox: Any, dynamodb: Any) -> None:
    put_run(dynamodb, "report", "2026-12-01T00:00:00Z", durationSeconds=12.5, attempts=1)
    put_run(dynamodb, "report", "2026-11-30T12:00:00Z", "FAILED", durationSeconds=3, attempts=3, error="NoSuchColour")
    put_run(dynamodb, "billing", "2026-12-01T01:00:00Z", "SKIPPED", reason="overlap")
    put_run(dynamodb, "billing", "2026-12-01T02:00:00Z", "MISSED")
    put_run(dynamodb, "digest", SLOT, "RUNNING")
    result = digest()
    counts = {"FAILED": 1, "MISSED": 1, "SKIPPED": 1, "SUCCEEDED": 1}
    assert result == {"total": 4, "counts": counts, "recipients": 2}
    (mail,) = outbox
    assert mail.destinations["ToAddresses"] == RECIPIENTS
    assert mail.source == "tasks@example.com"
    assert mail.subject == "Scheduled tasks: 4 runs, 2 failed"


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_a_run_counts_however_it_ended(outbox: Any, dynamodb: Any, status: RunStatus) -> None:
    put_run(dynamodb, "report", "2026-12-01T00:00:00Z", status)
    assert digest()["counts"] == {status: 1}


def test_a_mail_is_remembered_for_as_long_as_a_run_can_last(outbox: Any, dynamodb: Any) -> None:
    sent = time.time()
    digest()
    (record,) = dynamodb.scan(TableName=Stack().table("Idempotency"))["Items"]
    assert int(record["expiration"]["N"]) >= int(sent) + LONGEST_RUN_SECONDS


def test_the_period_ends_with_the_slot_and_begins_after_the_one_before(outbox: Any, dynamodb: Any) -> None:
    slots = ["2026-11-30T07:59:59Z", "2026-11-30T08:00:00Z", "2026-11-30T08:00:01Z", SLOT, "2026-12-01T08:00:01Z"]
    for slot in slots:
        put_run(dynamodb, "report", slot)
    assert digest()["total"] == 2
    assert digest(slot="2026-12-01T09:00:00Z", hours=1)["total"] == 1


def test_two_digests_in_a_row_share_no_run_and_lose_none(outbox: Any, dynamodb: Any) -> None:
    slots = ["2026-12-01T07:59:59.999Z", "2026-12-01T08:00:00Z", "2026-12-01T08:00:00.001Z", "2026-12-01T08:00:01Z"]
    for slot in slots:
        put_run(dynamodb, "report", slot)
    totals = [digest(slot=slot, hours=1)["total"] for slot in (SLOT, "2026-12-01T09:00:00Z")]
    assert sum(totals) == len(slots)


def test_a_digest_may_be_of_some_tasks_only(outbox: Any, dynamodb: Any) -> None:
    for task in ("a", "b", "c"):
        put_run(dynamodb, task, "2026-12-01T00:00:00Z")
    assert digest(taskIds=["a", "c", "z"])["total"] == 2


def test_a_period_without_runs_is_a_mail_too(outbox: Any) -> None:
    assert digest() == {"total": 0, "counts": {}, "recipients": 2}
    assert outbox[0].subject == "Scheduled tasks: 0 runs"


def test_the_next_attempt_of_a_run_sends_no_second_mail(outbox: Any, dynamodb: Any) -> None:
    put_run(dynamodb, "report", "2026-12-01T00:00:00Z")
    first = digest()
    put_run(dynamodb, "report", "2026-12-01T01:00:00Z")
    assert digest(attempt=2) == first
    assert len(outbox) == 1
    digest(slot="2026-12-02T08:00:00Z")
    assert len(outbox) == 2


def test_an_attempt_that_could_not_send_leaves_it_to_the_next(aws: EmbeddedAws, dynamodb: Any) -> None:
    with pytest.raises(ClientError, match="MessageRejected"):
        digest()
    client("ses").verify_email_identity(EmailAddress="tasks@example.com")
    digest(attempt=2)
    assert len(aws.backend("ses").sent_messages) == 1


def test_addresses_are_neither_logged_nor_kept(outbox: Any, dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", log)
    result = digest()
    kept = dynamodb.scan(TableName=Stack().table("Idempotency"))["Items"]
    assert "Sent the digest of 0 runs" in log.getvalue()
    assert len(kept) == 1
    assert "@" not in log.getvalue() + str(result) + str(kept)


@pytest.mark.parametrize(
    "params",
    [
        {"recipients": []},
        {"recipients": ["nobody"]},
        {"recipients": ["a@example.com, b@example.com"]},
        {"recipients": ["a@example.com\nBcc: b@example.com"]},
        {"recipients": ["a@example.com\n"]},
        {"recipients": [f"a{n}@example.com" for n in range(51)]},
        {"hours": 0},
        {"taskIds": []},
    ],
)
def test_wrong_params_are_refused_without_quoting_an_address(params: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameters, match=rf"params\.{next(iter(params))}") as fault:
        digest(**params)
    assert "example.com" not in str(fault.value)


def test_a_stack_without_a_sender_says_what_to_set(environment: pytest.MonkeyPatch) -> None:
    environment.setenv(settings.MAIL_FROM, "")
    with pytest.raises(
        NotConfigured, match="MAIL_FROM is not set; deploy with a value for the stack's parameter MailFrom"
    ):
        digest()


def run(number: int = 0, status: RunStatus = RunStatus.SUCCEEDED, **fields: Any) -> Run:
    return Run(
        **{"task_id": f"task-{number:03}", "slot": f"2026-12-01T00:00:{number % 60:02}Z", "status": status} | fields
    )


def test_lists_hold_the_newest_failures_and_the_slowest_runs() -> None:
    runs = [run(number, RunStatus.FAILED, duration_seconds=float(number % 7)) for number in range(50)]
    found = summarise(runs, **PERIOD)
    assert [one.task_id for one in found.unsuccessful] == [f"task-{n:03}" for n in range(49, 49 - LONGEST_LIST, -1)]
    assert [one.duration_seconds for one in found.slowest] == [6.0] * 5
    assert (found.total, found.failures) == (50, 50)
    assert "Failed (the latest 20 of 50)" in to_text(found)


@pytest.mark.parametrize("render", [to_text, to_html])
def test_a_mail_says_what_ran_failed_was_skipped_and_was_slow(render: Any) -> None:
    runs = [
        run(1, duration_seconds=1234.56, attempts=2),
        run(2, RunStatus.TIMED_OUT, error="States.Timeout"),
        run(3, RunStatus.SKIPPED, reason="paused"),
    ]
    text = render(summarise(runs, **PERIOD))
    for said in (
        "3 runs after 2026-11-30T08:00:00Z, until 2026-12-01T08:00:00Z.",
        "1,234.6",
        "States.Timeout",
        "paused",
    ):
        assert said in text
    assert [text.count(f"task-00{number}") for number in (1, 2, 3)] == [1, 1, 1]


def test_what_the_ledger_holds_is_data_in_a_mail() -> None:
    nasty = run(1, RunStatus.FAILED, error='<script>alert("1")</script>\r\n' + "x" * 500)
    found = summarise([nasty], **PERIOD)
    assert "<script>" not in to_html(found)
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;" in to_html(found)
    assert "\r" not in to_text(found)
    assert "x" * 121 not in to_text(found)


def test_a_subject_says_how_bad_it_is() -> None:
    assert subject(Digest(**PERIOD, counts={"SUCCEEDED": 1})) == "Scheduled tasks: 1 run"
    assert (
        subject(Digest(**PERIOD, counts={"SUCCEEDED": 1200, "ABORTED": 2})) == "Scheduled tasks: 1,202 runs, 2 failed"
    )


@pytest.mark.parametrize("slot", ["2026-12-01T08:00:00Z", "2026-12-01T08:00:12.345Z", "2026-12-01T08:00:12.300Z"])
def test_slots_are_written_as_the_ledger_writes_them(slot: str) -> None:
    assert slot_text(datetime.fromisoformat(slot)) == slot
