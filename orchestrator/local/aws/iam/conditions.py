"""Whether the conditions of an IAM statement hold ("IAM JSON policy elements: Condition operators")."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Any

#: What is known of a request: by condition key, one value or several.
Context = Mapping[str, str | tuple[str, ...]]

Matches = Callable[[str, str], bool]

#: ``${aws:PrincipalAccount}``, also with a default: ``${aws:PrincipalTag/team, 'none'}``. ``${*}``, ``${?}`` and
#: ``${$}`` are these characters themselves ("IAM policy elements: Variables and tags").
_VARIABLE = re.compile(r"\$\{([^},]*)(?:,\s*'([^']*)')?\}")

_SETS = ("ForAllValues", "ForAnyValue")
_IF_EXISTS = "IfExists"
_NULL = "Null"


def like(value: str, pattern: str) -> bool:
    """Whether ``pattern`` matches: ``*`` stands for any characters, ``?`` for one."""
    return _expression(pattern).fullmatch(value) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\$\{[*?$]\}|[*?])", pattern)
    wild = {"*": ".*", "?": "."}
    text = "".join(wild.get(part) or re.escape(part[2] if re.fullmatch(r"\$\{.\}", part) else part) for part in parts)
    return re.compile(text, re.DOTALL)


def _arn_like(value: str, pattern: str) -> bool:
    """Each of the six parts of an ARN is compared alone, so that no ``*`` reaches over a colon."""
    parts, patterns = value.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(patterns) and all(map(like, parts, patterns))


def _numbers(compare: Callable[[float, float], bool]) -> Matches:
    return lambda value, expected: compare(float(value), float(expected))


def _moment(text: str) -> datetime:
    """ISO 8601, or seconds since 1970."""
    with suppress(ValueError):
        return datetime.fromtimestamp(float(text), UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _moments(compare: Callable[[datetime, datetime], bool]) -> Matches:
    return lambda value, expected: compare(_moment(value), _moment(expected))


_ORDERS: Mapping[str, Any] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}

#: What of a request, and what of the policy, match.
_MATCHES: Mapping[str, Matches] = {
    "StringEquals": operator.eq,
    "StringEqualsIgnoreCase": lambda value, expected: value.casefold() == expected.casefold(),
    "StringLike": like,
    **{f"Numeric{name}": _numbers(compare) for name, compare in _ORDERS.items()},
    **{f"Date{name}": _moments(compare) for name, compare in _ORDERS.items()},
    "Bool": lambda value, expected: value.lower() == expected.lower(),
    "BinaryEquals": operator.eq,
    "IpAddress": lambda value, expected: ip_address(value) in ip_network(expected, strict=False),
    # "ArnEquals and ArnLike behave identically."
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
}

_NEGATED: Mapping[str, str] = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}


def hold(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Whether all of them hold. Raises NotImplementedError for an operator that there is not."""
    # "Condition context key names are not case-sensitive."
    known = {key.lower(): value for key, value in context.items()}
    return all(
        _holds(name, [_text(one) for one in (expected if isinstance(expected, list) else [expected])], key, known)
        for name, tests in conditions.items()
        for key, expected in tests.items()
    )


def _holds(name: str, expected: list[str], key: str, context: Context) -> bool:
    of_all, _, plain = name.rpartition(":")
    plain, is_optional = plain.removesuffix(_IF_EXISTS), plain.endswith(_IF_EXISTS)
    given = context.get(key.lower())
    held = () if given is None else (given,) if isinstance(given, str) else given
    if name == _NULL:
        return any((not held) == (one.lower() == "true") for one in expected)
    is_negated = plain in _NEGATED
    matches = _MATCHES.get(_NEGATED.get(plain, plain))
    if matches is None or of_all not in ("", *_SETS):
        raise NotImplementedError(f"the embedded AWS knows no condition operator {name}")
    if not held:
        # "If the key is not present, ForAllValues is true and ForAnyValue is false"; of a single value a negation is
        # true, and anything …IfExists is.
        return of_all == "ForAllValues" or (not of_all and (is_optional or is_negated))
    wanted = [filled for one in expected if (filled := _filled(one, context)) is not None]
    each = [any(_match(matches, value, one) for one in wanted) != is_negated for value in held]
    return all(each) if of_all == "ForAllValues" or (is_negated and not of_all) else any(each)


def _match(matches: Matches, value: str, expected: str) -> bool:
    """What is no number, date or address matches none."""
    with suppress(ValueError):
        return matches(value, expected)
    return False


def _filled(text: str, context: Context) -> str | None:
    """A value of the policy with its variables filled; None where one is not known, which then matches nothing."""
    missing = False

    def fill(found: re.Match[str]) -> str:
        nonlocal missing
        name, default = found[1].strip(), found[2]
        if name in ("*", "?", "$"):
            return found[0]
        value = context.get(name.lower(), default)
        missing = missing or not isinstance(value, str)
        return value if isinstance(value, str) else ""

    filled = _VARIABLE.sub(fill, text)
    return None if missing else filled


def _text(value: Any) -> str:
    """YAML and JSON know true and 1, a policy texts."""
    return str(value).lower() if isinstance(value, bool) else str(value)
