"""The values that fields may have: their types, ranges and words, and what excludes each other.

AWS refuses any other when a machine is created; moto takes most of them, or fails in Python's words.

Sources: what ValidateStateMachineDefinition answered on 2026-09-05, field by field (badmintoncryer/cdk-preflight,
rules/stepfunctions) and on 2026-09-16 (floci-io/floci#3733); LocalStack's recording test_illegal_escapes. Sentences
about types other than Integer are formed by analogy with it: not confirmed.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonpath_ng.ext.parser import parse

JSONPATH, JSONATA = "JSONPath", "JSONata"

#: A message, and the place of what it is about.
Mistakes = Iterator[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Value:
    """The kind of value that a field holds."""

    #: As AWS names it: Integer, Double, String, Boolean, Array, Object.
    kind: str
    least: float | None = None
    most: float | None = None
    #: The words that are possible.
    words: tuple[str, ...] = ()
    #: It must have an element.
    filled: bool = False
    #: null is possible.
    null: bool = False


_WHOLE = Value(kind="Integer", least=0)
_SECONDS = Value(kind="Integer", least=1, most=99_999_999)
_TEXT, _OBJECT = Value(kind="String"), Value(kind="Object")
_SOME, _LIST = Value(kind="Array", filled=True), Value(kind="Array")

#: Of any state, and of the objects in one.
_FIELDS: Mapping[str, Value] = {
    "Comment": _TEXT,
    "QueryLanguage": Value(kind="String", words=(JSONPATH, JSONATA)),
    "Next": _TEXT,
    "Default": _TEXT,
    "End": Value(kind="Boolean"),
    "Resource": _TEXT,
    "Credentials": _OBJECT,
    "TimeoutSeconds": _SECONDS,
    "HeartbeatSeconds": _SECONDS,
    "Seconds": Value(kind="Integer", least=0, most=99_999_999),
    "Timestamp": _TEXT,
    "MaxConcurrency": _WHOLE,
    "ToleratedFailureCount": _WHOLE,
    "ToleratedFailurePercentage": Value(kind="Double", least=0.0, most=100.0),
    "Label": Value(kind="String", filled=True),
    "Error": _TEXT,
    "Cause": _TEXT,
    "Retry": _LIST,
    "Catch": _LIST,
    "Choices": _SOME,
    "Branches": _SOME,
    "Assign": _OBJECT,
    "ItemProcessor": _OBJECT,
    "Iterator": _OBJECT,
    "ItemReader": _OBJECT,
    "ResultWriter": _OBJECT,
    "ItemBatcher": _OBJECT,
    "ReaderConfig": _OBJECT,
    "ProcessorConfig": _OBJECT,
    "ResultSelector": _OBJECT,
    "ErrorEquals": _SOME,
    # 0 was measured to be taken.
    "IntervalSeconds": Value(kind="Integer", least=0, most=99_999_999),
    "MaxAttempts": Value(kind="Integer", least=0, most=99_999_999),
    "BackoffRate": Value(kind="Double", least=1.0),
    "MaxDelaySeconds": Value(kind="Integer", least=1, most=31_622_400),
    "JitterStrategy": Value(kind="String", words=("NONE", "FULL")),
    "MaxItems": Value(kind="Integer", least=0, most=100_000_000),
    "CSVHeaderLocation": Value(kind="String", words=("FIRST_ROW", "GIVEN")),
    "CSVHeaders": _SOME,
    "CSVDelimiter": Value(kind="String", words=("COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB")),
    "Mode": Value(kind="String", words=("INLINE", "DISTRIBUTED")),
    "ExecutionType": Value(kind="String", words=("STANDARD", "EXPRESS")),
    **{
        name: Value(kind="String", null=name in {"InputPath", "OutputPath", "ResultPath"})
        for name in ("InputPath", "OutputPath", "ResultPath", "ItemsPath")
    },
}

#: Where the language of a state puts an expression in the place of a value. Arrays and objects are templates there.
_NEVER_COMPUTED = frozenset(
    {"Comment", "QueryLanguage", "Next", "Default", "End", "Resource", "Retry", "Catch", "Choices", "Branches"}
    | {"ItemProcessor", "Iterator", "ItemReader", "ResultWriter", "ItemBatcher", "Label", "Mode", "ExecutionType"}
)

KINDS: Mapping[str, tuple[type, ...]] = {
    "Integer": (int,),
    "Double": (int, float),
    "String": (str,),
    "Boolean": (bool,),
    "Array": (list,),
    "Object": (dict,),
}

#: Which of them there may be one of.
_ONE_OF = (
    ("TimeoutSeconds", "TimeoutSecondsPath"),
    ("HeartbeatSeconds", "HeartbeatSecondsPath"),
    ("MaxConcurrency", "MaxConcurrencyPath"),
    ("ToleratedFailureCount", "ToleratedFailureCountPath"),
    ("ToleratedFailurePercentage", "ToleratedFailurePercentagePath"),
    ("MaxItems", "MaxItemsPath"),
    ("Error", "ErrorPath"),
    ("Cause", "CausePath"),
    ("ItemProcessor", "Iterator"),
)

_TIMES = ("SecondsPath", "Seconds", "TimestampPath", "Timestamp")

#: "Reference path": it leads to one place, without wildcards, filters and descents.
_REFERENCES = frozenset(
    {"ResultPath", "ItemsPath", "SecondsPath", "TimestampPath", "MaxItemsPath", "MaxConcurrencyPath"}
    | {"ToleratedFailureCountPath", "ToleratedFailurePercentagePath"}
)
_SEVERAL = re.compile(r"[*?@]|\.\.")

#: "Intrinsic functions for JSONPath states in Step Functions".
_FUNCTIONS = frozenset(
    {"Array", "ArrayPartition", "ArrayContains", "ArrayRange", "ArrayGetItem", "ArrayLength", "ArrayUnique"}
    | {"Base64Encode", "Base64Decode", "Hash", "JsonMerge", "StringToJson", "JsonToString", "MathRandom", "MathAdd"}
    | {"StringSplit", "UUID", "Format"}
)
_CALL = re.compile(r"States\.(\w+)\(.*\)\s*\Z", re.DOTALL)

#: The input, the context object or a variable.
_BEGINNING = re.compile(r"\$\$|\$[A-Za-z_]\w*|\$")

_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def is_expression(value: Any) -> bool:
    """Whether a value is a JSONata expression, or means to be."""
    return isinstance(value, str) and value.startswith("{%")


def mistakes(given: Mapping[str, Any], place: str, language: str) -> Mistakes:
    """Yields mistakes in the values of a state or of an object in it; ``language`` is its query language."""
    for name, value in given.items():
        where = f"{place}/{name}"
        if language == JSONATA and is_expression(value) and name not in _NEVER_COMPUTED:
            continue
        if known := _FIELDS.get(name):
            yield from _of_value(value, known, where)
        elif language == JSONPATH and name.endswith("Path"):
            yield from _of_value(value, _TEXT, where)
        if language == JSONPATH and name.endswith("Path") and isinstance(value, str):
            yield from _of_path(name, value, where)
    for names in _ONE_OF:
        yield from exclusive(given, names, place)


@functools.lru_cache(1024)
def is_path(text: str) -> bool:
    """Whether a text is a JSONPath, into the input, the context object or a variable."""
    begun = _BEGINNING.match(text)
    if begun is None:
        return False
    try:
        parse("$" + text[begun.end() :])
    except Exception:
        # jsonpath_ng has no one error of its own.
        return False
    return True


def _is_call(text: str) -> bool:
    """Whether a text begins as a call of an intrinsic function does."""
    called = _CALL.match(text)
    return called is not None and called[1] in _FUNCTIONS


def _of_value(value: Any, known: Value, where: str) -> Mistakes:
    kinds = KINDS[known.kind]
    if value is None and known.null:
        return
    whole = isinstance(value, float) and value.is_integer() and known.kind == "Integer"
    if not (isinstance(value, kinds) or whole) or (isinstance(value, bool) and known.kind != "Boolean"):
        yield f"Expected value of type {known.kind}", where
    elif known.least is not None and value < known.least:
        yield f"Minimum value is {known.least}", where
    elif known.most is not None and value > known.most:
        yield f"Maximum value is {known.most}", where
    elif known.words and value not in known.words:
        yield f"Value should be one of the following: [{', '.join(known.words)}]", where
    elif known.filled and not value:
        yield "Value cannot be empty", where


def _of_path(name: str, path: str, where: str) -> Mistakes:
    computed = name in {"ErrorPath", "CausePath"} and _is_call(path)
    if not computed and not is_path(path):
        yield "Value must be a valid JSONPath.", where
    elif name in _REFERENCES and _SEVERAL.search(path):
        yield "Value is not a Reference Path", where


def reference(path: Any, where: str) -> Mistakes:
    """Yields mistakes in a path that a Choice rule tests or compares with."""
    if not isinstance(path, str):
        yield "Expected value of type String", where
    elif not path.startswith("$"):
        yield "Value is not a Reference Path: Reference path didn't start with '$'", where
    elif not is_path(path):
        yield "Value is not a Reference Path", where


def exclusive(given: Mapping[str, Any], names: tuple[str, ...], place: str, *, needed: bool = False) -> Mistakes:
    """Yields a mistake for more than one of ``names``, or for none if one is needed."""
    listed = f"[{', '.join(names)}]"
    number = sum(name in given for name in names)
    if number > 1:
        yield f"There should only be one of the following fields: {listed}", place
    elif needed and number == 0:
        yield f"This object should have only one of the following fields: {listed}", place


def of_state(state: Mapping[str, Any], place: str, language: str) -> Mistakes:
    """Yields mistakes in the values of a state whose ``Type`` is known."""
    yield from mistakes(state, place, language)
    kind = state["Type"]
    if kind not in {"Choice", "Succeed", "Fail"}:
        ways = {name: state[name] for name in ("Next", "End") if state.get(name, False) is not False}
        yield from exclusive(ways, ("Next", "End"), place, needed=True)
    if kind == "Wait":
        yield from exclusive(state, _TIMES, place, needed=True)
    if kind == "Map":
        yield from exclusive(state, ("ItemProcessor", "Iterator"), place, needed=True)
    if language == JSONPATH:
        for name in ("Parameters", "ResultSelector", "ItemSelector", "Assign"):
            yield from _templates(state.get(name), f"{place}/{name}")


def _templates(given: Any, where: str) -> Mistakes:
    """Yields mistakes in a payload template: a field with ``.$`` holds a path or an intrinsic function."""
    if isinstance(given, Mapping):
        for name, inner in given.items():
            if name.endswith(".$") and not (isinstance(inner, str) and (is_path(inner) or _is_call(inner))):
                yield (
                    f"The value for the field '{name}' must be a valid JSONPath or a valid intrinsic function call",
                    where,
                )
            yield from _templates(inner, where)
    elif isinstance(given, list):
        for inner in given:
            yield from _templates(inner, where)


def variables(given: Any) -> Iterator[tuple[str, str, str]]:
    """Yields mistakes in the names that Assign gives: the code, the message and the name."""
    for name in given if isinstance(given, Mapping) else ():
        plain = name.removesuffix(".$")
        if plain == "states":
            yield "RESERVED_VARIABLE_NAME", "Cannot assign to reserved variable '$states'.", name
        elif not _VARIABLE.fullmatch(plain):
            why = "the variable name contains invalid characters."
            yield "INVALID_VARIABLE_NAME", f"Invalid variable name '{plain}': {why}", name
