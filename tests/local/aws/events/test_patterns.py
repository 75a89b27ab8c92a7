"""Facts about event patterns: pattern, event, AWS's answer.

Source, where a row names none: "Comparison operators for use in event patterns in Amazon EventBridge", confirmed by the
answers of TestEventPattern that LocalStack recorded on 2025-10-15 (tests/aws/services/events/test_events_patterns).
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from orchestrator.local.aws.events.patterns import Refused, check, matches
from orchestrator.local.aws.server import EmbeddedAws


def of(match: Any) -> dict[str, Any]:
    """A pattern for one field."""
    return {"detail": {"field": [match]}}


def having(value: Any) -> dict[str, Any]:
    return {"detail": {"field": value}}


NOTHING: dict[str, Any] = {"detail": {}}

MATCHES: Any = [
    ("the same text", of("a"), having("a"), True),
    ("case matters", of("a"), having("A"), False),
    ("a number is a number, however it is written", of(300), having(300.0), True),
    ("a text is no number", of(300), having("300"), False),
    ("true is not one", of(1), having(True), False),
    ("false is false", of(False), having(False), True),
    ("null is null", of(None), having(None), True),
    ("null is not its name", of(None), having("null"), False),
    ("null is not an empty list", of(None), having([]), False),
    ("one of a list of the event", of("b"), having(["a", "b"]), True),
    ("what is in objects of a list", {"detail": {"l": {"id": [2]}}}, {"detail": {"l": [{"id": 1}, {"id": 2}]}}, True),
    ("dots in a pattern's name", {"detail": {"a.b": ["x"]}}, {"detail": {"a": {"b": "x"}}}, True),
    ("dots in an event's name", {"detail": {"a": {"b": ["x"]}}}, {"detail": {"a.b": "x"}}, True),
    ("what JSON in a text says is not seen", {"detail": {"field": ["a"]}}, {"detail": '{"field": "a"}'}, False),
    ("prefix", of({"prefix": "ab"}), having("abc"), True),
    ("an empty prefix", of({"prefix": ""}), having("abc"), True),
    ("prefix, whatever the case", of({"prefix": {"equals-ignore-case": "AB"}}), having("abc"), True),
    ("suffix", of({"suffix": ".png"}), having("a.png"), True),
    ("suffix and case", of({"suffix": ".PNG"}), having("a.png"), False),
    ("suffix, whatever the case", of({"suffix": {"equals-ignore-case": ".PNG"}}), having("a.png"), True),
    ("whatever the case", of({"equals-ignore-case": "ABC"}), having("abc"), True),
    ("wildcard", of({"wildcard": "/a/*/z"}), having("/a/b/c/z"), True),
    ("wildcard, and more at the end", of({"wildcard": "/a/*/z"}), having("/a/b/c/zz"), False),
    ("an escaped star", of({"wildcard": "a\\*"}), having("a*"), True),
    ("an escaped star is no wildcard", of({"wildcard": "a\\*"}), having("ab"), False),
    ("a range", of({"numeric": [">", 0, "<=", 5]}), having(5), True),
    ("out of a range", of({"numeric": [">", 0, "<=", 5]}), having(0), False),
    ("a text is in no range", of({"numeric": [">", 0]}), having("3"), False),
    ("a network", of({"cidr": "10.0.0.0/24"}), having("10.0.0.255"), True),
    ("no address is in no network", of({"cidr": "10.0.0.0/24"}), having("10.0.0.256"), False),
    ("a network of IPv6", of({"cidr": "2001:db8::/32"}), having("2001:0db8::1"), True),
    ("there", of({"exists": True}), having("a"), True),
    ("an empty list is not there", of({"exists": True}), having([]), False),
    ("an object is not there: only leaves are", of({"exists": True}), having({"deep": 1}), False),
    ("not there", of({"exists": False}), NOTHING, True),
    ("anything but", of({"anything-but": "a"}), having("b"), True),
    ("anything but it", of({"anything-but": "a"}), having("a"), False),
    ("anything but is something", of({"anything-but": "a"}), NOTHING, False),
    ("anything but a text may be null", of({"anything-but": "a"}), having(None), True),
    ("anything but some", of({"anything-but": [1, 2]}), having(2), False),
    ("anything but a prefix", of({"anything-but": {"prefix": ["a", "b"]}}), having("bc"), False),
    ("anything but a prefix may be a number", of({"anything-but": {"prefix": "a"}}), having(12), True),
    ("anything but whatever the case", of({"anything-but": {"equals-ignore-case": ["A", "B"]}}), having("b"), False),
    ("anything but a wildcard", of({"anything-but": {"wildcard": "*/x/*"}}), having("a/x/b"), False),
    ("one of several", {"detail": {"field": ["a", {"prefix": "b"}]}}, having("bc"), True),
    ("or", {"detail": {"$or": [{"a": [1]}, {"b": [2]}]}}, {"detail": {"a": 0, "b": 2}}, True),
    ("neither", {"detail": {"$or": [{"a": [1]}, {"b": [2]}]}}, {"detail": {"a": 0, "b": 0}}, False),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "event", "answer"), [row[1:] for row in MATCHES], ids=[row[0] for row in MATCHES])
def test_which_events_match(pattern: Any, event: Any, answer: bool) -> None:
    check(pattern)
    assert matches(pattern, event) is answer


_BUT = "Value of anything-but must be an array or single string/number value."

REFUSED: Any = [
    ({"field": "a"}, '"field" must be an object or an array'),
    ({"field": []}, "Empty arrays are not allowed"),
    (["a"], "Filter is not an object"),
    (of({"EXISTS": True}), "Unrecognized match type EXISTS"),
    (of({"prefix": 1}), "prefix match pattern must be a string"),
    (of({"prefix": ["a"]}), "prefix match pattern must be a string"),
    (of({"suffix": 1}), "suffix match pattern must be a string"),
    (of({"equals-ignore-case": ["a"]}), "equals-ignore-case match pattern must be a string"),
    (of({"wildcard": 1}), "wildcard match pattern must be a string"),
    (of({"wildcard": "abc**"}), "Consecutive wildcard characters at pos 4"),
    (of({"wildcard": "*:*:*:*:*:bus/*"}), "Rule is too complex - try using fewer wildcard characters or fewer"
     " repeating character sequences after a wildcard character"),
    (of({"numeric": 1}), "Value of numeric must be an array."),
    (of({"numeric": [">", 0, "<"]}), "Value of < must be numeric"),
    (of({"numeric": [">", 0, ">", 0]}), "Bad numeric range operator: >"),
    (of({"cidr": "network"}), "Malformed CIDR, one '/' required"),
    (of({"cidr": "10.0.0.0/a"}), "Malformed CIDR, mask bits must be an integer"),
    (of({"cidr": "a.b/8"}), "Nonstandard IP address: a.b"),
    (of({"cidr": ["10.0.0.0/8"]}), "prefix match pattern must be a string"),
    (of({"anything-but": None}), _BUT),
    (of({"anything-but": {"prefix": {"equals-ignore-case": "a"}}}), _BUT),
    (of({"anything-but": ["a", None]}), "Inside anything but list, start|null|boolean is not supported."),
    (of({"anything-but": {"prefix": 1}}), "prefix/suffix match pattern must be a string"),
    (of({"anything-but": {"suffix": ""}}), "Null prefix/suffix not allowed"),
    (of({"anything-but": {"equals-ignore-case": 1}}),
     "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."),
    (of({"anything-but": {"wildcard": 1}}), "wildcard match pattern must be a string"),
    # Not confirmed: aws/event-ruler, whose sentences the recorded ones are.
    (of({"exists": "yes"}), "exists match pattern must be either true or false."),
    (of({"numeric": ["!", 1]}), "Unrecognized numeric range operator: !"),
    (of({"prefix": "a", "suffix": "b"}), "Only one key allowed in match expression"),
    ({"$or": [{"a": [1]}]}, "There must have at least 2 Objects in $or relationship"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "said"), REFUSED, ids=[str(row[0])[:60] for row in REFUSED])
def test_which_patterns_are_refused(pattern: Any, said: str) -> None:
    with pytest.raises(Refused) as refused:
        check(pattern)
    assert str(refused.value) == said


EVENT = {"id": "1", "account": "1", "source": "shop", "time": "2026-12-01T08:00:00Z", "region": "r", "detail-type": "t"}


@pytest.mark.parametrize(("source", "answer"), [("shop", True), ("bank", False)])
def test_a_pattern_can_be_tried(aws: EmbeddedAws, source: str, answer: bool) -> None:
    pattern = json.dumps({"source": [source]})
    assert aws.client("events").test_event_pattern(Event=json.dumps(EVENT), EventPattern=pattern)["Result"] is answer


@pytest.mark.parametrize(
    ("event", "pattern", "code", "said"),
    [
        ('{"test": 1}', '{"source": ["a"]}', "ValidationException", "Parameter Event is not valid."),
        ("text", '{"source": ["a"]}', "ValidationException", "Parameter Event is not valid."),
        (
            json.dumps(EVENT),
            '{"source": "a"}',
            "InvalidEventPatternException",
            'Event pattern is not valid. Reason: "source" must be an object or an array',
        ),
        (json.dumps(EVENT), "{", "InvalidEventPatternException", "Event pattern is not valid. Reason: Invalid JSON"),
    ],
)
def test_what_cannot_be_tried(aws: EmbeddedAws, event: str, pattern: str, code: str, said: str) -> None:
    with pytest.raises(ClientError) as refused:
        aws.client("events").test_event_pattern(Event=event, EventPattern=pattern)
    assert (refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]) == (code, said)


def test_a_rule_with_a_wrong_pattern_is_refused(aws: EmbeddedAws) -> None:
    with pytest.raises(ClientError, match="Unrecognized match type NUMERIC"):
        aws.client("events").put_rule(Name="r", EventPattern=json.dumps(of({"NUMERIC": ["=", 5]})))
