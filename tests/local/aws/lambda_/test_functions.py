"""moto runs functions in Docker: here they run in warm processes, and answer, fail and log as on AWS."""

from __future__ import annotations

import io
import json
import os
import threading
import zipfile
from typing import Any

import pytest
import wrapt

from orchestrator.local.aws.server import EmbeddedAws
from tests.testbed.sources import create, zipped

HANDLERS = """
import os, time
counter = 0
def count(event, context):
    global counter
    counter += 1
    return {"counter": counter, "pid": os.getpid(), "event": event}
def environment(event, context):
    return dict(os.environ)
def about(event, context):
    return {"name": context.function_name, "arn": context.invoked_function_arn, "request": context.aws_request_id,
            "memory": context.memory_limit_in_mb, "left": context.get_remaining_time_in_millis()}
def fail(event, context):
    raise ValueError("no such colour")
def sleep(event, context):
    print("sleeping")
    time.sleep(event["seconds"])
    return os.getpid()
def crash(event, context):
    os._exit(7)
def unserialisable(event, context):
    return {1, 2}
def large(event, context):
    return "x" * 6_300_000
def who(event, context):
    import boto3
    return boto3.client("sts").get_caller_identity()["Arn"]
def speak(event, context):
    print("good morning")
"""


@pytest.fixture
def function(aws: EmbeddedAws) -> Any:
    """``function("count")`` makes the function of that handler."""
    role = aws.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]

    def make(handler: str, source: str = HANDLERS, timeout: int = 5) -> str:
        create(
            aws.client("lambda"),
            handler,
            source,
            role,
            Handler=f"handlers.{handler}",
            Timeout=timeout,
            MemorySize=256,
            Environment={"Variables": {"COLOUR": "blue"}},
        )
        return handler

    return make


def invoke(aws: EmbeddedAws, name: str, event: Any = None, **options: Any) -> dict[str, Any]:
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event or {}), **options)
    payload = answer["Payload"].read()
    return {"error": answer.get("FunctionError"), "payload": json.loads(payload) if payload else None, **answer}


def test_a_process_stays_warm(aws: EmbeddedAws, function: Any) -> None:
    first = invoke(aws, function("count"), {"a": "ü"})["payload"]
    second = invoke(aws, "count")["payload"]
    assert first["event"] == {"a": "ü"}
    assert (first["counter"], second["counter"]) == (1, 2)
    assert first["pid"] == second["pid"] != os.getpid()


def test_a_handler_sees_its_own_environment_and_nothing_of_ours(
    aws: EmbeddedAws, function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_CALLER", "x")
    seen = invoke(aws, function("environment"))["payload"]
    assert seen["COLOUR"] == "blue"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "environment"
    assert seen["AWS_ENDPOINT_URL"] == aws.endpoint
    assert "SECRET_OF_THE_CALLER" not in seen


def test_a_handler_gets_a_real_context(aws: EmbeddedAws, function: Any) -> None:
    about = invoke(aws, function("about"))["payload"]
    assert about["name"] == "about"
    assert about["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:about"
    assert about["memory"] == "256"
    assert 4000 < about["left"] <= 5000


def test_an_exception_is_answered_in_the_shape_of_aws(aws: EmbeddedAws, function: Any) -> None:
    answer = invoke(aws, function("fail"))
    assert answer["error"] == "Unhandled"
    assert answer["payload"]["errorType"] == "ValueError"
    assert answer["payload"]["errorMessage"] == "no such colour"
    assert "in fail" in answer["payload"]["stackTrace"][0]


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        ("crash", "Runtime.ExitError"),
        ("unserialisable", "Runtime.MarshalError"),
        ("large", "Function.ResponseSizeTooLarge"),
        ("absent", "Runtime.HandlerNotFound"),
    ],
)
def test_an_answer_that_cannot_be_is_an_error(aws: EmbeddedAws, function: Any, handler: str, kind: str) -> None:
    answer = invoke(aws, function(handler))
    assert (answer["error"], answer["payload"]["errorType"]) == ("Unhandled", kind)


def test_a_module_that_cannot_be_imported_is_an_error(aws: EmbeddedAws, function: Any) -> None:
    answer = invoke(aws, function("count", source="import no_such_module"))
    assert answer["payload"]["errorType"] == "Runtime.ImportModuleError"


def test_a_function_is_ended_at_its_timeout_and_works_again_after(aws: EmbeddedAws, function: Any) -> None:
    name = function("sleep", timeout=1)
    answer = invoke(aws, name, {"seconds": 30})
    assert answer["payload"]["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in answer["payload"]["errorMessage"]
    assert invoke(aws, name, {"seconds": 0})["error"] is None


def test_concurrent_invocations_have_processes_of_their_own(aws: EmbeddedAws, function: Any) -> None:
    name = function("sleep")
    pids: list[int] = []
    threads = [
        threading.Thread(target=lambda: pids.append(invoke(aws, name, {"seconds": 0.3})["payload"])) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pids)) == 3


def test_new_code_is_what_runs(aws: EmbeddedAws, function: Any) -> None:
    name = function("count")
    invoke(aws, name)
    new = zipped("def count(event, context): return 'new'")
    aws.client("lambda").update_function_code(FunctionName=name, ZipFile=new)
    assert invoke(aws, name)["payload"] == "new"


def test_distributions_are_this_machines_own_and_not_the_wheels_in_the_bundle(aws: EmbeddedAws, function: Any) -> None:
    name = function("count")
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr(
            "handlers.py", "import wrapt, own\ndef count(event, context): return [wrapt.__file__, own.VALUE]"
        )
        archive.writestr("own.py", "VALUE = 7")
        archive.writestr("wrapt/__init__.py", "raise ImportError('made for another processor')")
        archive.writestr("wrapt-2.0.dist-info/RECORD", "wrapt/__init__.py,sha256=x,1\nwrapt-2.0.dist-info/RECORD,,\n")
    aws.client("lambda").update_function_code(FunctionName=name, ZipFile=bundle.getvalue())
    assert invoke(aws, name)["payload"] == [wrapt.__file__, 7]


def test_a_handler_acts_under_the_role_of_its_function(aws: EmbeddedAws, function: Any) -> None:
    answer = invoke(aws, function("who"))
    assert answer["error"] == "Unhandled"
    assert "assumed-role/r/" in answer["payload"]["errorMessage"]
    assert "is not authorized to perform: sts:GetCallerIdentity" in answer["payload"]["errorMessage"]


def let_log(aws: EmbeddedAws, group: str) -> None:
    actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": f"arn:aws:logs:us-east-1:123456789012:{group}:*"}
    document = {"Version": "2012-10-17", "Statement": statement}
    aws.client("iam").put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps(document))


def test_what_a_handler_prints_is_in_cloudwatch_logs(aws: EmbeddedAws, function: Any) -> None:
    let_log(aws, "log-group:/aws/lambda/speak")
    answer = invoke(aws, function("speak"), LogType="Tail")
    events = aws.client("logs").filter_log_events(logGroupName="/aws/lambda/speak")["events"]
    lines = [event["message"] for event in events]
    assert lines[1] == "good morning"
    assert [line.split()[0] for line in lines] == ["START", "good", "END", "REPORT"]
    assert "LogResult" in answer


def test_a_function_that_may_not_log_runs_and_is_silent(aws: EmbeddedAws, function: Any) -> None:
    let_log(aws, "log-group:/aws/lambda/other")
    assert invoke(aws, function("speak"))["error"] is None
    assert aws.client("logs").describe_log_groups()["logGroups"] == []


def test_an_asynchronous_invocation_is_accepted(aws: EmbeddedAws, function: Any) -> None:
    assert invoke(aws, function("count"), InvocationType="Event")["StatusCode"] == 202
