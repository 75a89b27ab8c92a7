"""Values that are kept elsewhere, and for how long they are known here."""

from __future__ import annotations

import pytest

from orchestrator.local.aws.server import EmbeddedAws
from orchestrator.runs.destinations import Secret
from orchestrator.stack import Stack
from orchestrator.stores.secrets import Remembered, plain

STACK = Stack(name="shop-dev")


def test_a_value_that_was_changed_counts_soon() -> None:
    values, time, asked = {"ssm:a": "old", "ssm:b": "other"}, [0.0], list[str]()

    def read(named: str) -> str:
        asked.append(named)
        return values[named]

    secrets = Remembered(read, seconds=60, clock=lambda: time[0])
    assert (secrets.get("ssm:a"), secrets.get("ssm:b")) == ("old", "other")
    values["ssm:a"] = "new"
    time[0] = 60
    assert secrets.get("ssm:a") == "old"
    time[0] = 61
    assert secrets.get("ssm:a") == "new"
    assert asked == ["ssm:a", "ssm:b", "ssm:a"]
    # What cannot be read is not remembered.
    with pytest.raises(KeyError):
        secrets.get("ssm:c")
    values["ssm:c"] = "there"
    assert secrets.get("ssm:c") == "there"


def test_a_reference_stands_for_a_parameter_or_a_secret_of_the_stack(aws: EmbeddedAws) -> None:
    aws.client("ssm").put_parameter(Name="/shop-dev/secrets/a", Value="one\n", Type="SecureString")
    aws.client("secretsmanager").create_secret(Name="shop-dev/a", SecretString=" two")
    assert plain(aws.client, STACK, Secret(store="ssm", name="a")) == "one"
    assert plain(aws.client, STACK, Secret(store="secret", name="a")) == "two"
