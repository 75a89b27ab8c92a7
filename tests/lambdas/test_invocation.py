"""What all handlers share, and how they are found."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas import functions as declared
from orchestrator import system
from orchestrator.deployment.discovery import discover
from orchestrator.errors import InvalidParameters, NotConfigured
from orchestrator.handlers.event import Params, TaskEvent
from orchestrator.handlers.invocation import client, logger, metrics, setting, task_handler
from orchestrator.testing.invocation import Context, invoke

#: Of the functions that every stack has, and of those that come with this repository.
SETTINGS = {**{one.module: one for one in system.FUNCTIONS}, **declared.SETTINGS}


class PaintParams(Params):
    colour: str


@task_handler("lambda/paint", PaintParams)
def paint(event: TaskEvent[PaintParams], context: LambdaContext) -> dict[str, Any]:
    """Paints."""
    metrics.add_metric("Walls", MetricUnit.Count, 4)
    logger.info("Painted", action="painted")
    if event.params.colour == "none":
        raise ValueError("no paint left")
    return {"colour": event.params.colour, "request": context.aws_request_id}


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    return stream


def test_a_handler_gets_a_typed_event_and_the_context() -> None:
    assert invoke(paint, colour="blue") == {"colour": "blue", "request": Context.aws_request_id}


def test_a_handler_keeps_its_name_and_its_docstring() -> None:
    assert (paint.__name__, paint.__doc__) == ("paint", "Paints.")


def test_wrong_params_are_refused_before_the_handler_begins(log: io.StringIO) -> None:
    with pytest.raises(InvalidParameters, match=r"lambda/paint was given wrong params: params\.colour: Field required"):
        invoke(paint)
    assert log.getvalue() == ""


def test_a_log_line_says_whose_it_is_and_no_params(log: io.StringIO) -> None:
    invoke(paint, task="walls", colour="confidential", attempt=2)
    line = json.loads(log.getvalue())
    assert {name: line[name] for name in ("message", "action", "task_id", "run_key", "attempt")} == {
        "message": "Painted",
        "action": "painted",
        "task_id": "walls",
        "run_key": "walls#2026-12-01T00:00:00Z",
        "attempt": 2,
    }
    assert line["function_request_id"] == Context.aws_request_id
    assert "confidential" not in log.getvalue()


def test_metrics_are_published_whether_the_run_succeeds_or_fails(capsys: pytest.CaptureFixture[str]) -> None:
    for colour in ("blue", "none"):
        if colour == "none":
            with pytest.raises(ValueError, match="no paint left"):
                invoke(paint, colour=colour)
        else:
            invoke(paint, colour=colour)
        published = json.loads(capsys.readouterr().out)
        assert published["Walls"] == [4.0]
        assert published["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "ScheduledTasks"


def test_a_service_has_one_client(environment: object) -> None:
    assert client("s3") is client("s3")


def test_a_setting_that_is_empty_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLOUR", "blue")
    assert setting("COLOUR", "Colour") == "blue"
    monkeypatch.setenv("COLOUR", "")
    with pytest.raises(NotConfigured):
        setting("COLOUR", "Colour")


def test_tasks_and_the_steps_of_billing_are_found_with_their_settings() -> None:
    functions = discover(Path(declared.__file__).parent, SETTINGS)
    assert [function.name for function in functions] == [
        "billing-calculate-charges",
        "billing-create-invoice",
        "billing-fetch-usage-data",
        "billing-send-invoice-email",
        "billing-update-billing-records",
        "cache-warmer",
        "courier",
        "data-cleanup",
        "email-digest",
        "failure-handler",
        "follower",
        "receiver",
        "report-generator",
        "reporter",
        "watchdog",
    ]
    assert functions == tuple(SETTINGS[function.module] for function in functions)


def test_finding_the_functions_loads_no_sdk() -> None:
    loaded = "{'boto3', 'aws_lambda_powertools', 'pydantic'} & set(sys.modules)"
    program = f"import lambdas.functions, sys; print(sorted({loaded}))"
    run = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_handlers_load_nothing_that_a_bundle_lacks() -> None:
    modules = ", ".join(f"lambdas.{module}" for module in SETTINGS)
    absent = "{'stepfunctions', 'sagemaker', 'pandas', 'moto', 'click', 'rich', 'yaml', 'definitions'}"
    program = f"import {modules}, sys; print(sorted({absent} & {{name.split('.')[0] for name in sys.modules}}))"
    run = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
