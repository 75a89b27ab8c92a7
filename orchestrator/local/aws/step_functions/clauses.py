"""What stands in a state: the rules of a Choice, retriers and catchers, and how a Map reads and runs its items.

AWS refuses what has another shape when a machine is created. Sources: those of :mod:`values`, and "Map state" and
"ItemReader (Map)" of the Developer Guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.local.aws.step_functions import values
from orchestrator.local.aws.step_functions.values import JSONATA, JSONPATH, Mistakes

_ORDERED = ("String", "Numeric", "Timestamp")
_ORDERS = ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals")

#: Comparisons of states that speak JSONPath: the kind of value that each compares with.
COMPARISONS: Mapping[str, str] = {
    **{f"{of}{order}": "Double" if of == "Numeric" else "String" for of in _ORDERED for order in _ORDERS},
    **{f"{of}{order}Path": "Path" for of in _ORDERED for order in _ORDERS},
    "BooleanEquals": "Boolean",
    "BooleanEqualsPath": "Path",
    "StringMatches": "String",
    **{f"Is{what}": "Boolean" for what in ("Null", "Present", "Numeric", "String", "Boolean", "Timestamp")},
}

_KINDS_OF_RULE = ("And", "Or", "Not", "Variable", "Condition")

_RETRIER = frozenset(
    {"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment"}
)
_CATCHER = frozenset({"ErrorEquals", "Next", "ResultPath", "Assign", "Output", "Comment"})

_READERS = ("arn:aws:states:::s3:getObject", "arn:aws:states:::s3:listObjectsV2")
_INPUT_TYPES = ("MANIFEST", "JSON", "CSV", "JSONL", "PARQUET")
_READER_CONFIG = frozenset(
    {"InputType", "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter", "MaxItems", "MaxItemsPath", "ItemsPointer"}
    | {"Transformation", "ManifestType"}
)

#: Fields of a Map that only a distributed one may have.
_DISTRIBUTED_ONLY = ("ItemReader", "ItemBatcher", "ResultWriter")


def mistakes(state: Mapping[str, Any], place: str, language: str) -> Mistakes:
    """Yields mistakes in the parts of a state; ``language`` is its query language."""
    for field, allowed in (("Retry", _RETRIER), ("Catch", _CATCHER)):
        yield from _handlers(state.get(field), f"{place}/{field}", allowed, language)
    if state["Type"] == "Choice":
        for index, rule in enumerate(state["Choices"] if isinstance(state.get("Choices"), list) else ()):
            yield from _rule(rule, f"{place}/Choices[{index}]", language, outermost=True)
    if state["Type"] == "Map":
        yield from _map(state, place, language)


def _objects(given: Any) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, one in enumerate(given if isinstance(given, list) else ()):
        if isinstance(one, Mapping):
            yield index, one


def _unless_objects(given: Any, place: str) -> Mistakes:
    for index, one in enumerate(given if isinstance(given, list) else ()):
        if not isinstance(one, Mapping):
            yield "Expected value of type Object", f"{place}[{index}]"


def _handlers(given: Any, place: str, allowed: frozenset[str], language: str) -> Mistakes:
    yield from _unless_objects(given, place)
    for index, handler in _objects(given):
        where = f"{place}[{index}]"
        needed = ("ErrorEquals", "Next") if "Next" in allowed else ("ErrorEquals",)
        if missing := [name for name in needed if name not in handler]:
            yield f"These fields are required: [{', '.join(missing)}]", where
        for name in handler:
            if name not in allowed:
                yield f"Field '{name}' is not supported", where
        yield from values.mistakes(handler, where, language)
        errors = handler.get("ErrorEquals")
        if isinstance(errors, list):
            for number, error in enumerate(errors):
                if not isinstance(error, str):
                    yield "Expected value of type String", f"{where}/ErrorEquals[{number}]"
            if "States.ALL" in errors and (len(errors) > 1 or index < len(given) - 1):
                yield "States.ALL must appear alone and at end of list", f"{where}/ErrorEquals"


def _rule(rule: Any, place: str, language: str, *, outermost: bool) -> Mistakes:
    if not isinstance(rule, Mapping):
        yield "Expected value of type Object", place
        return
    if outermost and "Next" not in rule:
        yield "These fields are required: [Next]", place
    if not outermost and "Next" in rule:
        yield "Field 'Next' is not supported", place
    yield from values.mistakes(
        {name: rule[name] for name in ("Next", "Comment", "Assign") if name in rule}, place, language
    )
    kinds = [name for name in _KINDS_OF_RULE if name in rule]
    if len(kinds) != 1:
        listed = f"[{', '.join(_KINDS_OF_RULE)}]"
        yield f"The object must have only one of the following fields, {listed}", place
        return
    (kind,) = kinds
    speaks = JSONATA if kind == "Condition" else JSONPATH
    if speaks != language:
        only = f"but field '{kind}' is only supported for the '{speaks}' QueryLanguage"
        yield f"The QueryLanguage is set to '{language}', {only}", place
    elif kind in ("And", "Or"):
        if not isinstance(rule[kind], list):
            yield "Expected value of type Array", f"{place}/{kind}"
        elif not rule[kind]:
            yield "Value cannot be empty", f"{place}/{kind}"
        for index, inner in enumerate(rule[kind] if isinstance(rule[kind], list) else ()):
            yield from _rule(inner, f"{place}/{kind}[{index}]", language, outermost=False)
    elif kind == "Not":
        yield from _rule(rule["Not"], f"{place}/Not", language, outermost=False)
    elif kind == "Variable":
        yield from _comparison(rule, place)
    elif not isinstance(rule["Condition"], bool) and not values.is_expression(rule["Condition"]):
        yield "Expected value of type Boolean", f"{place}/Condition"


def _comparison(rule: Mapping[str, Any], place: str) -> Mistakes:
    yield from values.reference(rule["Variable"], f"{place}/Variable")
    comparisons = tuple(name for name in rule if name in COMPARISONS)
    if not comparisons:
        yield from values.exclusive({}, tuple(COMPARISONS), place, needed=True)
    yield from values.exclusive(rule, comparisons, place)
    for name in rule:
        if name not in COMPARISONS and name not in {"Variable", "Next", "Comment", "Assign", "Output"}:
            yield f"Field '{name}' is not supported", place
    for name in comparisons:
        kind, value = COMPARISONS[name], rule[name]
        if kind == "Path":
            yield from values.reference(value, f"{place}/{name}")
        elif not isinstance(value, values.KINDS[kind]) or (kind != "Boolean" and isinstance(value, bool)):
            yield f"Expected value of type {kind}", f"{place}/{name}"


def _map(state: Mapping[str, Any], place: str, language: str) -> Mistakes:
    distributed = False
    for name in ("ItemProcessor", "Iterator"):
        processor = state.get(name)
        config = processor.get("ProcessorConfig") if isinstance(processor, Mapping) else None
        if not isinstance(config, Mapping):
            continue
        where = f"{place}/{name}/ProcessorConfig"
        yield from values.mistakes(config, where, language)
        distributed = config.get("Mode") == "DISTRIBUTED"
        if distributed and "ExecutionType" not in config:
            yield "These fields are required: [ExecutionType]", where
        if not distributed and "ExecutionType" in config:
            yield "Field 'ExecutionType' is not supported", where
    if not distributed and (given := [name for name in _DISTRIBUTED_ONLY if name in state]):
        # Not confirmed: AWS's sentence for it is not known.
        yield f"Field '{given[0]}' is only supported where the 'Mode' of the Map is 'DISTRIBUTED'", place
    if isinstance(state.get("ItemReader"), Mapping):
        yield from _reader(state["ItemReader"], f"{place}/ItemReader", language)


def _reader(reader: Mapping[str, Any], place: str, language: str) -> Mistakes:
    asked = "Arguments" if language == JSONATA else "Parameters"
    if missing := [name for name in ("Resource",) if name not in reader]:
        yield f"These fields are required: [{', '.join(missing)}]", place
    elif reader["Resource"] not in _READERS:
        examples = "[arn:<partition>:states:::s3:getObject, arn:<partition>:states:::s3:listObjectsV2]"
        yield (
            f"The field 'Resource' does not match any of the allowed values. Examples: {examples}",
            f"{place}/Resource",
        )
    for name in reader:
        if name not in {"Resource", "ReaderConfig", asked}:
            yield f"Field '{name}' is not supported", place
    config = reader.get("ReaderConfig")
    if not isinstance(config, Mapping):
        if config is not None:
            yield "Expected value of type Object", f"{place}/ReaderConfig"
        return
    where, kind = f"{place}/ReaderConfig", config.get("InputType")
    yield from values.mistakes(config, where, language)
    for name in config:
        if name not in _READER_CONFIG or (name.startswith("CSV") and kind not in {"CSV", "MANIFEST", None}):
            yield f"Field '{name}' is not supported", where
    if kind is not None and kind not in _INPUT_TYPES:
        yield (
            f"The field 'InputType' should have one of these values: [{', '.join(_INPUT_TYPES)}]",
            f"{where}/InputType",
        )
    if kind == "CSV" and "CSVHeaderLocation" not in config:
        yield "The field 'CSVHeaderLocation' is required", where
    if config.get("CSVHeaderLocation") == "GIVEN" and "CSVHeaders" not in config:
        yield "These fields are required: [CSVHeaders]", where
