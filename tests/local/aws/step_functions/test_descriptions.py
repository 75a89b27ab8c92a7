"""moto gives an output that is a text or null as no JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.aws.conftest import Machines


@pytest.mark.parametrize("output", ["text", "", '"quoted"', None, 1, 0, False, [], {"a": None}])
def test_an_output_is_json_whatever_it_is(machines: Machines, output: Any) -> None:
    arn = machines.start(machines.make({"End": {"Type": "Succeed"}}), output)
    assert machines.end(arn).output == output
    described = machines.states.describe_execution(executionArn=arn)
    assert described["output"] == json.dumps(output, separators=(",", ":"))


def test_a_failed_execution_has_no_output(machines: Machines) -> None:
    arn = machines.start(machines.make({"End": {"Type": "Fail", "Error": "OutOfPaper", "Cause": "none"}}))
    machines.end(arn)
    assert "output" not in machines.states.describe_execution(executionArn=arn)
