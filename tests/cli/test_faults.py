"""What a person is told when a command fails, and what a script gets."""

from __future__ import annotations

import io
import sys

import click
import pytest
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from orchestrator.cli import faults
from orchestrator.errors import DeploymentFailed, InvalidTaskFile


def refused(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "PutItem")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (exceptions.NoCredentialsError(), "Unable to locate credentials; log in (`aws sso login`), or set AWS_PROFILE"),
        (exceptions.NoRegionError(), "You must specify a region; set AWS_REGION"),
        (exceptions.ProfileNotFound(profile="x"), "The config profile (x) could not be found; AWS_PROFILE names"),
        (exceptions.EndpointConnectionError(endpoint_url="http://x"), 'endpoint URL: "http://x"; is the network up?'),
        (exceptions.ReadTimeoutError(endpoint_url="http://x"), "is the network up?"),
        (refused("AccessDenied"), "AWS refused PutItem: AccessDenied: no (the credentials lack this permission)"),
        (refused("ExpiredToken"), "the credentials have expired: log in"),
        (refused("ThrottlingException"), "it was tried again with growing delays; wait a minute"),
        (refused("OptInRequired"), "this region is not enabled for the account"),
        (refused("UnrecognizedClientException"), "AWS does not know these credentials"),
        (refused("ResourceNotFoundException"), "is the stack deployed, in this region and under this name?"),
    ],
)
def test_a_fault_says_what_to_try(fault: BotoCoreError | ClientError, said: str) -> None:
    assert said in faults.explain(fault)


@pytest.mark.parametrize(
    ("host", "hint"),
    [
        (
            "cloudformation.us-eats-1",
            "us-eats-1 is no region that boto3 knows (did you mean us-east-1?); is the network",
        ),
        ("cloudformation.xx-nowhere-1", "xx-nowhere-1 is no region that boto3 knows; is the network up?"),
        ("cloudformation.eu-central-1", '"; is the network up?'),
        ("cloudformation.us-gov-west-1", '"; is the network up?'),
        ("my-bucket.s3", '"; is the network up?'),
    ],
)
def test_where_no_endpoint_answers_the_region_may_be_none(host: str, hint: str) -> None:
    assert hint in faults.explain(exceptions.EndpointConnectionError(endpoint_url=f"https://{host}.amazonaws.com/"))


def test_a_refusal_that_nothing_is_known_of_is_told_as_it_is() -> None:
    assert faults.explain(refused("Strange", "so it is")) == "AWS refused PutItem: Strange: so it is"
    assert faults.explain(refused("Strange", "")) == "AWS refused PutItem: Strange"


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (InvalidTaskFile(["tasks.yaml:1: x"]), 2, "tasks.yaml:1: x\n1 mistake; nothing was deployed\n"),
        (DeploymentFailed("s", "FAILED", "why"), 1, "stack s is in FAILED: why\n"),
        (refused("AccessDenied"), 3, "AWS refused PutItem"),
        (KeyboardInterrupt(), 130, "come back\n"),
        (FileNotFoundError(2, "No such file or directory", "x.yaml"), 2, "x.yaml: No such file or directory\n"),
        (FileNotFoundError(2, "No such file or directory"), 2, "the working directory is not there any more"),
        (OSError(28, "No space left on device"), 2, "No space left on device; make room"),
        (click.UsageError("wrong"), 2, "Error: wrong\n"),
        (ValueError("Invalid endpoint: localhost:4566"), 2, "AWS_ENDPOINT_URL is to be like http://127.0.0.1:4566"),
    ],
)
def test_a_command_that_fails_says_so_in_a_sentence(
    fault: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def command() -> None:
        raise fault

    assert faults.run(command, [], interrupted=lambda: "come back", bad_input=lambda: faults.BAD_INPUT) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (InvalidTaskFile(["x"]), 64),
        (click.UsageError("wrong"), 64),
        (FileNotFoundError(2, "no", "x"), 64),
        (refused("?"), 3),
    ],
)
def test_a_command_may_give_bad_input_a_code_of_its_own(fault: BaseException, code: int) -> None:
    @click.command()
    def command() -> None:
        raise fault

    assert faults.run(command, [], interrupted=str, bad_input=lambda: 64) == code


def test_a_command_that_does_what_it_should_is_zero() -> None:
    command = click.Command("command", callback=lambda: None)
    assert faults.run(command, [], interrupted=str, bad_input=int) == 0


def test_a_terminal_that_lacks_a_character_is_shown_another(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="latin-1"))
    command = click.Command("command", callback=lambda: click.echo("▇ 5 ms"))
    assert faults.run(command, [], interrupted=str, bad_input=int) == 0
    sys.stdout.flush()
    assert written.getvalue() == b"? 5 ms\n"
