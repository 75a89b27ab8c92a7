"""A state of a workflow runs alone."""

from __future__ import annotations

from orchestrator.asl.definition import Definition
from orchestrator.asl.integrations import INVOKE
from orchestrator.asl.states import Catch, Succeed, Task, jsonata
from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.testing import run_state


def definition() -> Definition:
    done = Succeed("Done", output=jsonata("{'said': $greeting}"))
    sorry = Succeed("Sorry")
    greet = Task(
        "Greet",
        resource=INVOKE,
        arguments={"FunctionName": "greeting", "Payload": jsonata("$states.input")},
        assign={"greeting": jsonata("$states.result.Payload.greeting")},
        timeout_seconds=60,
        catch=[Catch(error_equals=["NoSuchName"], next_step=sorry)],
        next_state=done,
    )
    return Definition(start=greet, comment="Greets.", timeout_seconds=600)


def test_a_state_gives_what_it_assigns_and_what_comes_next(aws: EmbeddedAws) -> None:
    outcome = run_state(aws, definition(), "Greet", {"name": "Ann"}, result={"Payload": {"greeting": "Hello, Ann!"}})
    assert (outcome.status, outcome.next_state) == ("SUCCEEDED", "Done")
    assert outcome.variables["greeting"] == "Hello, Ann!"


def test_a_state_has_the_variables_that_it_is_given(aws: EmbeddedAws) -> None:
    assert run_state(aws, definition(), "Done", variables={"greeting": "Hi"}).output == {"said": "Hi"}


def test_an_error_is_caught_or_is_not(aws: EmbeddedAws) -> None:
    caught = run_state(aws, definition(), "Greet", {}, fault=("NoSuchName", "nobody"))
    assert (caught.status, caught.next_state) == ("CAUGHT_ERROR", "Sorry")
    failed = run_state(aws, definition(), "Greet", {}, fault=("OutOfPaper", "tray 2"))
    assert (failed.status, failed.error, failed.cause) == ("FAILED", "OutOfPaper", "tray 2")
