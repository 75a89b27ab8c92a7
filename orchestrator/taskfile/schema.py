"""The JSON Schema of tasks.yaml, for editors that complete it."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.taskfile.models import FileModel
from orchestrator.tasks.task import TASK_ID_PATTERN


def schema() -> str:
    """The JSON Schema of the file, for editors that complete it."""
    whole = FileModel.model_json_schema(by_alias=True)
    whole["properties"]["tasks"]["propertyNames"] = {"pattern": f"^{TASK_ID_PATTERN}$"}
    for definition in whole["$defs"].values():
        _admit_shorthand(definition.get("properties", {}))
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **whole}, indent=2) + "\n"


def _admit_shorthand(properties: dict[str, Any]) -> None:
    """Adds the models' short forms to a schema: an expression alone, a number of attempts, a name alone."""
    if "routingKey" in properties:
        for name in ("owners", "tasks", "severities"):
            listed = {key: properties[name].pop(key) for key in ("items", "type")}
            properties[name]["anyOf"] = [listed["items"], listed]
    text, number, switch = {"type": "string"}, {"type": "integer", "minimum": 1}, {"type": "boolean"}
    if "schedules" in properties:
        properties["schedules"]["items"] = {"anyOf": [text, properties["schedules"]["items"]]}
        properties["schedule"]["anyOf"] = [text, *properties["schedule"]["anyOf"]]
    if "after" in properties:
        properties["after"]["items"] = {"anyOf": [text, properties["after"]["items"]]}
    for name in ("after", "on", "outcome"):
        if name in properties:
            keys = ("items", "maxItems", "minItems", "type")
            listed = {key: properties[name].pop(key) for key in keys if key in properties[name]}
            properties[name]["anyOf"] = [listed["items"], listed]
    if "filter" in properties:
        properties["webhook"]["anyOf"] = [text, *properties["webhook"]["anyOf"]]
    if "retry" in properties:
        reference = properties["retry"].pop("$ref")
        properties["retry"]["anyOf"] = [number, switch, {"$ref": reference}]
