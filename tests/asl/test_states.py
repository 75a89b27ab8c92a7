"""The SDK seam: the states have JSONata's fields, and importing them disturbs nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from orchestrator.asl.states import (
    Catch,
    Choice,
    Fail,
    Graph,
    Jsonata,
    Map,
    Pass,
    Retry,
    Succeed,
    Task,
    Wait,
    When,
    composed,
    jsonata,
    linked,
    literal,
    to,
)
from orchestrator.local.aws.step_functions.jsonata import evaluate


def import_in_a_new_interpreter(modules: str, report: str) -> object:
    """What ``report`` evaluates to after ``modules`` were imported, with warnings as errors."""
    program = (
        "import json, logging, sys, time; logging.getLogger().setLevel(25); began = time.perf_counter();"
        f"import {modules}; took = time.perf_counter() - began; print(json.dumps({report}))"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


HEAVY = "sorted({name.split('.')[0] for name in sys.modules} & {'pandas', 'numpy', 'sagemaker', 'pkg_resources'})"


def test_importing_the_definitions_loads_nothing_of_sagemaker() -> None:
    assert import_in_a_new_interpreter("definitions", HEAVY) == []


def test_importing_the_definitions_leaves_the_root_logger_alone() -> None:
    assert import_in_a_new_interpreter("definitions", "logging.getLogger().level") == 25


def test_what_lambdas_import_loads_nothing_of_the_sdk_or_the_embedded_aws() -> None:
    rooms = ("handlers.event", "stores.ledger", "stores.registry", "schedules")
    modules = ", ".join(["lambdas", *(f"orchestrator.{room}" for room in rooms)])
    report = "sorted({name.split('.')[0] for name in sys.modules} & {'stepfunctions', 'sagemaker', 'pandas', 'moto'})"
    assert import_in_a_new_interpreter(modules, report) == []


def test_a_task_has_the_fields_of_jsonata_mode() -> None:
    task = Task(
        "Call",
        resource="arn:aws:states:::lambda:invoke",
        arguments={"FunctionName": "f"},
        assign={"answer": jsonata("$states.result")},
        output={},
        timeout_seconds=jsonata("$limit"),
    )
    assert task.to_dict() == {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "f"},
        "Assign": {"answer": "{% $states.result %}"},
        "Output": {},
        "TimeoutSeconds": "{% $limit %}",
        "End": True,
    }


def test_a_retrier_has_jitter_and_a_cap() -> None:
    retry = Retry(error_equals=["States.ALL"], max_delay_seconds=20, jitter_strategy="FULL")
    assert retry.to_dict() == {"ErrorEquals": ["States.ALL"], "MaxDelaySeconds": 20, "JitterStrategy": "FULL"}


def test_a_catcher_assigns() -> None:
    catch = Catch(error_equals=["States.ALL"], assign={"why": jsonata("$states.errorOutput")}, next_step=Fail("Failed"))
    assert catch.to_dict() == {
        "ErrorEquals": ["States.ALL"],
        "Assign": {"why": "{% $states.errorOutput %}"},
        "Next": "Failed",
    }


def test_a_choice_decides_by_expressions() -> None:
    one, other = Pass("One"), Pass("Other")
    choice = Choice("Which", choices=[(When("$n = 1", assign={"n": 2}), one)], default=other)
    assert choice.to_dict() == {
        "Type": "Choice",
        "Choices": [{"Condition": "{% $n = 1 %}", "Assign": {"n": 2}, "Next": "One"}],
        "Default": "Other",
    }


def test_a_map_has_an_item_processor_and_no_iterator() -> None:
    each = Map("Each", items=jsonata("$all"), max_concurrency=10)
    each.attach_iterator(Pass("One"))
    assert each.to_dict() == {
        "Type": "Map",
        "Items": "{% $all %}",
        "MaxConcurrency": 10,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "One",
            "States": {"One": {"Type": "Pass", "End": True}},
        },
        "End": True,
    }


def test_a_wait_takes_an_expression() -> None:
    assert Wait("Pause", seconds=jsonata("$delay")).to_dict()["Seconds"] == "{% $delay %}"


def test_a_graph_has_a_query_language_and_a_timeout() -> None:
    graph = Graph(Pass("Only"), query_language="JSONata", timeout_seconds=60).to_dict()
    assert (graph["QueryLanguage"], graph["TimeoutSeconds"]) == ("JSONata", 60)


@pytest.mark.parametrize("field", ["parameters", "result_path", "input_path", "output_path", "timeout_seconds_path"])
def test_a_jsonpath_field_fails_where_it_is_written(field: str) -> None:
    with pytest.raises(TypeError, match=field):
        Task("Call", resource="arn:aws:states:::lambda:invoke", **{field: "$"})


def test_an_expression_is_told_from_text_that_looks_like_one() -> None:
    assert isinstance(jsonata("1 + 1"), Jsonata)
    assert jsonata("\n  1\n  + 1\n") == "{% 1 + 1 %}"


def test_data_in_an_expression_is_a_literal() -> None:
    assert literal('it\'s "$x"') == '"it\'s \\"$x\\""'


def test_states_that_name_each_other_are_linked_in_any_order() -> None:
    states = linked(
        [
            Choice("Again", choices=[(When("$again"), to("Rest"))], default=to("Done")),
            Wait("Rest", seconds=1, next_state=to("Again")),
            Task(
                "Try",
                resource="arn:x",
                timeout_seconds=1,
                catch=[Catch(error_equals=["States.ALL"], next_step=to("Again"))],
                next_state=to("Done"),
            ),
            Succeed("Done"),
        ]
    )
    found = Graph(states["Try"]).to_dict()["States"]
    assert (found["Try"]["Next"], found["Try"]["Catch"][0]["Next"]) == ("Done", "Again")
    assert (found["Again"]["Choices"][0]["Next"], found["Again"]["Default"]) == ("Rest", "Done")
    assert found["Rest"]["Next"] == "Again"


def test_a_transition_to_a_state_that_is_not_there_is_refused() -> None:
    with pytest.raises(KeyError, match="Nowhere"):
        linked([Wait("Rest", seconds=1, next_state=to("Nowhere"))])


def test_a_value_with_expressions_is_one_expression_that_leaves_out_what_is_undefined() -> None:
    value = {"a": {"S": jsonata("$a")}, "b": jsonata("$b != null ? {'N': $string($b)}"), "c": ["x", jsonata("1 + 1")]}
    now = datetime(2026, 12, 1, tzinfo=UTC)
    assert evaluate(composed(value), {"a": 'it says "x"', "b": None}, now) == {"a": {"S": 'it says "x"'}, "c": ["x", 2]}
    assert evaluate(composed(value), {"a": "x", "b": 2}, now)["b"] == {"N": "2"}
