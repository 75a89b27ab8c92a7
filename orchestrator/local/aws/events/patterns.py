"""Event patterns: which are refused, and which events they match.

moto takes operators that do not exist, looks into no list of objects, takes ``true`` for ``1`` and offers no
TestEventPattern. Sources: "Comparison operators for use in event patterns in Amazon EventBridge"; the reasons of a
refusal are those that AWS gave in LocalStack's recordings (tests/aws/services/events/test_events_patterns).
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from operator import eq, ge, gt, le, lt
from typing import Any

from moto.core.responses import ActionResult
from moto.events.exceptions import InvalidEventPatternException, ValidationException
from moto.events.models import EventPattern, EventPatternParser
from moto.events.responses import EventsHandler

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

_COMPARES: Mapping[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, "=": eq, ">=": ge, ">": gt}

#: How many wildcards a value may have: AWS refuses six as too complex; its own measure is not published.
_MOST_WILDCARDS = 5

#: What TestEventPattern demands of an event.
_MANDATORY = ("id", "account", "source", "time", "region", "detail-type")

_SINGLE = "Value of anything-but must be an array or single string/number value."


class Refused(Exception):
    """A pattern that AWS refuses; the reason in its words."""


def check(pattern: Any) -> None:
    """Raises :class:`Refused`."""
    if not isinstance(pattern, dict):
        raise Refused("Filter is not an object")
    if not pattern:
        raise Refused("Empty objects are not allowed")
    for name, value in pattern.items():
        if name == "$or" and isinstance(value, list):
            if len(value) < 2:
                raise Refused("There must have at least 2 Objects in $or relationship")
            for one in value:
                check(one)
        elif isinstance(value, dict):
            check(value)
        elif isinstance(value, list):
            if not value:
                raise Refused("Empty arrays are not allowed")
            for one in value:
                _check_match(one)
        else:
            raise Refused(f'"{name}" must be an object or an array')


def _check_match(match: Any) -> None:
    if isinstance(match, list):
        raise Refused("Match value must be String, number, true, false, or null")
    if not isinstance(match, dict):
        return
    if not match:
        raise Refused("Empty objects are not allowed")
    if len(match) > 1:
        raise Refused("Only one key allowed in match expression")
    ((kind, wanted),) = match.items()
    if kind not in _CHECKS:
        raise Refused(f"Unrecognized match type {kind}")
    _CHECKS[kind](wanted)


def _check_exists(wanted: Any) -> None:
    if not isinstance(wanted, bool):
        raise Refused("exists match pattern must be either true or false.")


def _check_affix(kind: str) -> Callable[[Any], None]:
    def check_affix(wanted: Any) -> None:
        text = wanted.get("equals-ignore-case") if isinstance(wanted, dict) else wanted
        if not isinstance(text, str):
            raise Refused(f"{kind} match pattern must be a string")

    return check_affix


def _check_ignore_case(wanted: Any) -> None:
    if not isinstance(wanted, str):
        raise Refused("equals-ignore-case match pattern must be a string")


def _check_wildcard(wanted: Any) -> None:
    if not isinstance(wanted, str):
        raise Refused("wildcard match pattern must be a string")
    plain = re.sub(r"\\[*\\]", "xx", wanted)
    if (at := plain.find("**")) >= 0:
        raise Refused(f"Consecutive wildcard characters at pos {at + 1}")
    if (at := plain.find("\\")) >= 0:
        raise Refused(f"Invalid escape character at pos {at}")
    if plain.count("*") > _MOST_WILDCARDS:
        raise Refused(
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after"
            " a wildcard character"
        )


def _check_cidr(wanted: Any) -> None:
    if not isinstance(wanted, str):
        raise Refused("prefix match pattern must be a string")
    parts = wanted.split("/")
    if len(parts) != 2:
        raise Refused("Malformed CIDR, one '/' required")
    if not parts[1].isdigit():
        raise Refused("Malformed CIDR, mask bits must be an integer")
    try:
        ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        raise Refused(f"Nonstandard IP address: {parts[0]}") from None


def _check_numeric(wanted: Any) -> None:
    if not isinstance(wanted, list):
        raise Refused("Value of numeric must be an array.")
    if not wanted or wanted[0] not in _COMPARES:
        raise Refused(f"Unrecognized numeric range operator: {wanted[0] if wanted else ''}")
    _check_bound(wanted, 0)
    if len(wanted) > 2:
        if wanted[0] in {"=", "<", "<="}:
            raise Refused("Too many elements in numeric expression")
        if wanted[2] not in {"<", "<="}:
            raise Refused(f"Bad numeric range operator: {wanted[2]}")
        _check_bound(wanted, 2)
    if len(wanted) > 4:
        raise Refused("Too many terms in numeric range expression")


def _check_bound(wanted: list[Any], at: int) -> None:
    if len(wanted) == at + 1 or not _is_number(wanted[at + 1]):
        raise Refused(f"Value of {'equals' if wanted[at] == '=' else wanted[at]} must be numeric")


def _check_anything_but(wanted: Any) -> None:
    if isinstance(wanted, list):
        if not all(isinstance(one, str) or _is_number(one) for one in wanted):
            raise Refused("Inside anything but list, start|null|boolean is not supported.")
    elif isinstance(wanted, dict) and len(wanted) == 1:
        ((kind, inner),) = wanted.items()
        if isinstance(inner, dict):
            raise Refused(_SINGLE)
        for one in _listed(inner):
            _check_not(kind, one)
    elif not (isinstance(wanted, str) or _is_number(wanted)):
        raise Refused(_SINGLE)


def _check_not(kind: str, wanted: Any) -> None:
    if kind in {"prefix", "suffix"}:
        if not isinstance(wanted, str):
            raise Refused("prefix/suffix match pattern must be a string")
        if not wanted:
            raise Refused("Null prefix/suffix not allowed")
    elif kind == "equals-ignore-case":
        if not isinstance(wanted, str):
            raise Refused("Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.")
    elif kind == "wildcard":
        _check_wildcard(wanted)
    else:
        raise Refused(f"Unsupported anything-but pattern: {kind}")


_CHECKS: Mapping[str, Callable[[Any], None]] = {
    "anything-but": _check_anything_but,
    "cidr": _check_cidr,
    "equals-ignore-case": _check_ignore_case,
    "exists": _check_exists,
    "numeric": _check_numeric,
    "prefix": _check_affix("prefix"),
    "suffix": _check_affix("suffix"),
    "wildcard": _check_wildcard,
}


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Whether an event has what a pattern asks for. Names with dots are the same as objects in objects."""
    return not _differs(pattern, event) and _matches(pattern, _leaves(event), "")


def _differs(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether a plain text is another than those that are asked for, which is seen without a look at the whole event.

    Where names have dots, a path may have several values: then it does not say so.
    """
    if any("." in name for name in event):
        return False
    for name, wanted in pattern.items():
        value = event.get(name)
        if isinstance(wanted, dict):
            if isinstance(value, dict) and _differs(wanted, value):
                return True
        elif isinstance(value, str) and all(isinstance(one, str) for one in wanted) and value not in wanted:
            return True
    return False


def _matches(pattern: Mapping[str, Any], leaves: Mapping[str, list[Any]], path: str) -> bool:
    for name, wanted in pattern.items():
        place = f"{path}.{name}" if path else name
        if name == "$or" and isinstance(wanted, list):
            holds = any(_matches(one, leaves, path) for one in wanted)
        elif isinstance(wanted, dict):
            holds = _matches(wanted, leaves, place)
        else:
            holds = any(_holds(one, leaves.get(place, [])) for one in wanted)
        if not holds:
            return False
    return True


def _leaves(event: Any) -> dict[str, list[Any]]:
    """The plain values of an event by their path; what is in lists is under the list's path."""
    leaves: dict[str, list[Any]] = {}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, f"{path}.{name}" if path else name)
        elif isinstance(value, list):
            for inner in value:
                walk(inner, path)
        else:
            leaves.setdefault(path, []).append(value)

    walk(event, "")
    return leaves


def _holds(match: Any, values: list[Any]) -> bool:
    if not isinstance(match, dict):
        return any(_same(match, value) for value in values)
    ((kind, wanted),) = match.items()
    if kind == "exists":
        return bool(values) is wanted
    return any(_is(kind, wanted, value) for value in values)


def _is(kind: str, wanted: Any, value: Any) -> bool:
    if kind == "anything-but":
        if isinstance(wanted, dict):
            ((inner, ones),) = wanted.items()
            return not any(_is(inner, one, value) for one in _listed(ones))
        return not any(_same(one, value) for one in _listed(wanted))
    if kind == "numeric":
        pairs = zip(wanted[::2], wanted[1::2], strict=True)
        return _is_number(value) and all(_COMPARES[sign](value, bound) for sign, bound in pairs)
    if not isinstance(value, str):
        return False
    if kind in {"prefix", "suffix"}:
        if isinstance(wanted, dict):
            wanted, value = wanted["equals-ignore-case"].lower(), value.lower()
        return bool(value.startswith(wanted) if kind == "prefix" else value.endswith(wanted))
    if kind == "equals-ignore-case":
        return bool(value.lower() == wanted.lower())
    if kind == "wildcard":
        return _wildcard(wanted).fullmatch(value) is not None
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


@lru_cache(maxsize=256)
def _wildcard(wanted: str) -> re.Pattern[str]:
    parts: Iterator[str] = (
        ".*" if part == "*" else re.escape(part[1] if len(part) > 1 else part)
        for part in re.findall(r"\\[*\\]|.", wanted, re.DOTALL)
    )
    return re.compile("".join(parts), re.DOTALL)


def _same(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(value, bool):
        return wanted is value
    return bool(wanted == value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def parsed(text: str | None) -> dict[str, Any]:
    """A pattern's JSON. Raises moto's exception, in AWS's words, for one that is refused."""
    if not text:
        return {}
    try:
        pattern = json.loads(text)
        check(pattern)
    except Refused as fault:
        raise InvalidEventPatternException(reason=str(fault)) from None
    except ValueError:
        raise InvalidEventPatternException(reason="Invalid JSON") from None
    return dict(pattern)


def install(aws: Aws) -> None:
    """Checks patterns when a rule is made, matches events with them, and answers TestEventPattern."""

    @replaces(EventPatternParser, "parse", digest="abb9550baff7")
    def parse(self: Any) -> dict[str, Any]:
        return parsed(self.pattern)

    @replaces(EventPattern, "matches_event", digest="20f84688ed0a")
    def matches_event(self: Any, event: Any) -> bool:
        pattern = self.get_pattern()
        return not pattern or matches(pattern, event)

    @replaces(EventsHandler, "test_event_pattern", digest="cad074720797")
    def test_event_pattern(self: Any) -> Any:
        try:
            event = json.loads(self._get_param("Event"))
        except ValueError:
            event = None
        if not isinstance(event, dict) or any(name not in event for name in _MANDATORY):
            raise ValidationException("Parameter Event is not valid.")
        return ActionResult({"Result": matches(parsed(self._get_param("EventPattern")), event)})
