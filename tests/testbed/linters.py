"""Independent linters of definitions: programs of Node.js, each of which is started once for many definitions."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.testbed import node

#: Of asl-validator, and of the service that AWS's own editors ask.
LINTERS = ("asl_validator.mjs", "language_service.mjs")


def complaints(linter: str, definitions: Mapping[str, str]) -> dict[str, list[str]]:
    """What one of :data:`LINTERS` says of definitions (JSON text), by their names."""
    found: dict[str, list[str]] = json.loads(node.run(linter, json.dumps(definitions)))
    assert found.keys() == definitions.keys()
    return found
