"""What a target of a rule gets of an event: all of it, a part, another text, or a template filled in.

Sources: "Amazon EventBridge input transformation", "Targets" in its API reference, and LocalStack's recordings
(tests/aws/services/events/test_events_inputs): between quotes a value is text without quotes, elsewhere it is JSON, and
what is not in the event is the empty text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_PLACEHOLDER = re.compile(r"<([\w.\-]+)>")
_STEP = re.compile(r"\.([\w\-]+)|\[(\d+|\*)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")
_MISSING = object()

#: In every template ("Predefined variables").
PREDEFINED = (
    "aws.events.event", "aws.events.event.ingestion-time", "aws.events.event.json", "aws.events.rule-arn",
    "aws.events.rule-name",
)  # fmt: skip


class NoJson(Exception):
    """A template that is not JSON once it is filled in."""


def text_of(event: Mapping[str, Any], target: Mapping[str, Any], rule_arn: str) -> str:
    """Returns the text that is delivered. Raises :class:`NoJson`."""
    if "Input" in target:
        return str(target["Input"])
    whole = {name: value for name, value in event.items() if name != "ingestion-time"}
    if "InputPath" in target:
        part = at(whole, target["InputPath"])
        return _json(None if part is _MISSING else part)
    if transformer := target.get("InputTransformer"):
        values: dict[str, Any] = {
            name: at(whole, path) for name, path in (transformer.get("InputPathsMap") or {}).items()
        }
        ingested = whole["time"]
        values |= {
            "aws.events.event": _without_detail(whole),
            "aws.events.event.ingestion-time": ingested,
            "aws.events.event.json": whole,
            "aws.events.rule-arn": rule_arn,
            "aws.events.rule-name": rule_arn.rsplit("/", 1)[-1],
        }
        return filled(transformer["InputTemplate"], values)
    return _json(whole)


def filled(template: str, values: Mapping[str, Any]) -> str:
    """A template with its placeholders replaced."""
    is_text = template.lstrip().startswith('"')
    text = "".join(_pieces(template, values, is_text=is_text))
    if not is_text:
        try:
            json.loads(text)
        except ValueError:
            raise NoJson(f"the template is not JSON when it is filled in: {text}") from None
    return text


def unknown(transformer: Mapping[str, Any]) -> str | None:
    """A placeholder of a template that no path of the transformer defines."""
    known = {*(transformer.get("InputPathsMap") or {}), *PREDEFINED}
    return next((name for name in _PLACEHOLDER.findall(transformer["InputTemplate"]) if name not in known), None)


def at(value: Any, path: str) -> Any:
    """Returns the value at a path like ``$.detail.lines[0].id``; a mark if there is none."""
    place = 1
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None:
            return _MISSING
        name, index = step[1] or step[3] or step[4], step[2]
        if index and isinstance(value, list) and index.isdigit() and int(index) < len(value):
            value = value[int(index)]
        elif name and isinstance(value, dict) and name in value:
            value = value[name]
        elif index != "*":
            return _MISSING
        place = step.end()
    return value


def _pieces(template: str, values: Mapping[str, Any], *, is_text: bool) -> Iterator[str]:
    quoted, start = False, 0
    for placeholder in _PLACEHOLDER.finditer(template):
        between = template[start : placeholder.start()]
        quoted ^= len(re.findall(r'(?<!\\)"', between)) % 2 == 1
        yield between
        value = values.get(placeholder[1], _MISSING)
        value = "" if value is _MISSING else value
        if not quoted:
            yield _json(value)
        elif isinstance(value, str):
            yield _json(value)[1:-1]
        else:
            yield _json(value).replace('"', "") if is_text else _json(value)
        start = placeholder.end()
    yield template[start:]


def _without_detail(event: Mapping[str, Any]) -> dict[str, Any]:
    """``aws.events.event``: "the original event payload without the detail field" (names as recorded)."""
    kept = {name: value for name, value in event.items() if name not in {"detail", "detail-type"}}
    return {**kept, "detailType": event["detail-type"]}


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
