"""What Step Functions refuses in a JSONata expression when a state machine is created.

It parses every expression of a definition. An expression has no context: the input is ``$states.input``, a variable is
``$name``, and a path that begins with a bare name would read what is not there.

Sources: what ValidateStateMachineDefinition and CreateStateMachine answered, measured for the expressions of
JSONata's own test suite (floci-io/floci#2670, #2699, #2745 and #2786, 2026-08); "Transforming data with JSONata in Step
Functions" (developer guide). Not confirmed: ``$states.result`` where a state has none. ``$$`` within a predicate was
not measured and is not refused.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from threading import Lock
from typing import Any

#: Why an expression is refused: it is no JSONata, or it asks for what Step Functions has not.
INVALID, UNSUPPORTED = "INVALID_JSONATA_EXPRESSION", "UNSUPPORTED_JSONATA_EXPRESSION"

#: What ``$states`` has in some fields and not in others, beside the input and the context object.
RESULT, ERROR_OUTPUT = "result", "errorOutput"
_LIMITED = frozenset({RESULT, ERROR_OUTPUT})

#: States that have a result. Pass is one of them so that nothing is refused that AWS may take.
_WITH_RESULT = frozenset({"Task", "Parallel", "Map", "Pass"})

#: Fields of a state whose texts Step Functions takes as they stand, and those that hold machines of their own.
_PLAIN = frozenset(
    {"Type", "Comment", "QueryLanguage", "Next", "Default", "End", "Resource", "Label", "Retry"}
    | {"Branches", "ItemProcessor", "Iterator", "ErrorEquals", "CSVHeaders", "CSVHeaderLocation", "InputType"}
)

#: Fields whose keys are the user's own: a ``Comment`` in one of them is data.
_DATA = frozenset({"Arguments", "Output", "Assign", "ItemSelector", "BatchInput"})

#: Operators of JSONata 2.1: Step Functions has 2.0.6, as the developer guide says. Not seen to be refused.
_LATER = ("??", "?:")

#: Held while :func:`_parser` reads: it has one place for the text.
_parsing = Lock()

#: What is said of an expression that ends too soon.
_UNFINISHED = "Unexpected end of expression"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why AWS refuses an expression, in its words."""

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class Placed:
    """An expression of a state, without its delimiters."""

    expression: str
    #: Below the state, as AWS writes places: ``/Output/items[0]``.
    place: str
    #: What it may ask of ``$states`` beside what is always there.
    offered: frozenset[str]


def expressions(state: Mapping[str, Any]) -> Iterator[Placed]:
    """Every expression of a state in JSONata mode, but for those of the states within it."""
    kind = state.get("Type")
    for field, value in state.items():
        has_result = kind in _WITH_RESULT and field in ("Output", "Assign")
        if field == "Catch":
            yield from _of_rules(field, value, frozenset({ERROR_OUTPUT}))
        elif field == "Choices":
            yield from _of_rules(field, value, frozenset())
        elif field not in _PLAIN:
            yield from _within(value, f"/{field}", frozenset({RESULT} if has_result else ()), data=field in _DATA)


def _of_rules(field: str, rules: Any, offered: frozenset[str]) -> Iterator[Placed]:
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        for name, value in rule.items() if isinstance(rule, Mapping) else ():
            if name not in _PLAIN:
                yield from _within(value, f"/{field}[{index}]/{name}", offered, data=name in _DATA)


def _within(value: Any, place: str, offered: frozenset[str], *, data: bool) -> Iterator[Placed]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if data or name not in _PLAIN:
                yield from _within(inner, f"{place}/{name}", offered, data=data or name in _DATA)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _within(inner, f"{place}[{index}]", offered, data=data)
    elif isinstance(value, str) and value.startswith("{%") and value.endswith("%}") and len(value) > len("{%}"):
        yield Placed(expression=value[2:-2].strip(), place=place, offered=offered)


def refusals(expression: str, offered: frozenset[str] = _LIMITED) -> list[Refusal]:
    """Every reason for which AWS refuses an expression (without its delimiters); none if it takes it.

    Raises ModuleNotFoundError where the embedded AWS is not installed: its parser comes with it.
    """
    unread, references = _read(expression)
    if unread is not None:
        return [Refusal(code=INVALID, message=unread)]
    return [
        Refusal(code=UNSUPPORTED, message=message) for name in references if (message := _unsupported(name, offered))
    ]


def _unsupported(reference: str, offered: frozenset[str]) -> str | None:
    if reference == "$$":
        return "Reference to '$$' is not supported."
    if reference.startswith("$states."):
        return None if reference.removeprefix("$states.") in offered else f"Field '{reference}' does not exist."
    return f"Reference to '{reference}' at the top level is not supported."


@lru_cache(4096)
def _read(expression: str) -> tuple[str | None, tuple[str, ...]]:
    """Why an expression cannot be parsed, and else to what it refers, each once and in order."""
    from jsonata.jexception import JException

    try:
        return None, tuple(dict.fromkeys(_references(_parsed(expression))))
    except JException as fault:
        return _said(fault), ()
    except RecursionError:
        return "The expression is nested too deeply", ()
    except IndexError:
        # AWS speaks in the words of the parser for JavaScript; the one for Python has none here.
        return ("Comment has no closing tag" if "/*" in expression else _UNFINISHED), ()


def _parsed(expression: str) -> Any:
    """The tree of an expression. Raises the library's JException, RecursionError and IndexError."""
    with _parsing:
        parser = _parser()
        # The rest is set by each text anew.
        parser.errors, parser.ancestry = [], []
        parser.ancestor_label = parser.ancestor_index = 0
        return parser.parse(expression)


@cache
def _parser() -> Any:
    """The library's parser, without the operators that AWS has not; it takes longer to make than to use."""
    from jsonata.parser import Parser

    parser = Parser()
    known = {name: symbol for name, symbol in parser.symbol_table.items() if name not in _LATER}
    parser.symbol_table = defaultdict(lambda: None, known)
    return parser


def _said(fault: Any) -> str:
    """The parser's message with what it names in quotes, as the reference JSONata has it, and AWS."""
    code, first = str(fault.error), fault.current
    if code == "S0301" and first is not None:
        # jsonata-python's code for an escape that there is not.
        code = "S0103"
    if code == "S0204" and first in _LATER:
        # Without the operator its second character stands where a value belongs.
        code, first = "S0211", first[1]
    named = iter((first, fault.expected))
    template = str(fault.error_codes.get(code, fault))
    return re.sub(r"\{\{\w+\}\}", lambda _: json.dumps(next(named, None), ensure_ascii=False, default=str), template)


def _references(node: Any) -> Iterator[str]:
    """Yields what a tree reads of the context object, and of the parts of ``$states`` that some fields lack.

    Only the first step of a path is read in the context. Each later one, a predicate, an order and a group are read in
    what comes before them; the body of a function is read where the function is written.
    """
    match node.type if node is not None else None:
        case "path":
            first, *later = node.steps
            yield from _references(first)
            if first.type == "variable" and first.value == "states" and later and later[0].type == "name":
                yield from (f"$states.{name}" for name in _LIMITED & {later[0].value})
        case "name":
            yield str(node.value)
        case "variable" if node.value in ("", "$"):
            yield f"${node.value}"
        case "unary" if node.value == "{":
            for name, value in node.lhs_object or ():
                yield from _references(name)
                yield from _references(value)
        case _:
            for inner in _parts(node):
                yield from _references(inner)


#: The parts of a node that are read where it is read, by its type.
_PARTS: Mapping[str, tuple[str, ...]] = {
    "unary": ("expressions", "expression"),
    "binary": ("lhs", "rhs"),
    "apply": ("lhs", "rhs"),
    "function": ("procedure", "arguments"),
    "partial": ("procedure", "arguments"),
    "lambda": ("body",),
    "condition": ("condition", "then", "_else"),
    "block": ("expressions",),
    "bind": ("rhs",),
}


def _parts(node: Any) -> Iterator[Any]:
    for name in _PARTS.get(node.type, ()) if node is not None else ():
        part = getattr(node, name)
        yield from part if isinstance(part, list) else (part,)
