"""Independent linters: for definitions two programs of Node.js, each started once for many, for templates cfn-lint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.testbed import node

#: Of asl-validator, and of the service that AWS's own editors ask.
LINTERS = ("asl_validator.mjs", "language_service.mjs")


def complaints(linter: str, definitions: Mapping[str, str]) -> dict[str, list[str]]:
    """What one of :data:`LINTERS` says of definitions (JSON text), by their names."""
    found: dict[str, list[str]] = json.loads(node.run(linter, json.dumps(definitions)))
    assert found.keys() == definitions.keys()
    return found


# What cfn-lint loads takes a tenth of the time in which all tests are found: only who asks something of it loads it.


def linted(template: Mapping[str, Any]) -> list[str]:
    """What cfn-lint says of a CloudFormation template."""
    from cfnlint import api, core

    found = api.lint(json.dumps(template), regions=["us-east-1"], config=core.ManualArgs())
    return [f"{one.rule.id} {one.message} {one.path}" for one in found]


def schema(kind: str) -> dict[str, Any]:
    """The schema of a type of resource, with which cfn-lint comes."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    found: dict[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return found
