"""Facts about states that speak JSONPath: choices, intrinsic functions, and what leads data through a state."""

from __future__ import annotations

from typing import Any

from tests.local.aws.step_functions.facts.fact import ANY, Fact
from tests.local.aws.step_functions.facts.states import DONE, passing

_CHOICE = "Choice workflow state"
_EARLY, _LATE = "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"

#: Comparison, what it is about, what it compares with, whether it holds. Also asked of its Path form, where it has one.
_ORDERED: list[tuple[str, Any, Any, Any]] = [
    ("String", "A", "AB", "recorded TestStrings, 2023-06"),
    ("Numeric", 0, 1, "recorded TestNumerics, 2023-06"),
    ("Numeric", -0.5, 0.25, _CHOICE),
    ("Timestamp", _EARLY, _LATE, "recorded TestTimestamps, 2023-06"),
    ("Timestamp", "2026-01-01T01:00:00+01:00", "2025-12-31T19:00:00.001-05:00", "Amazon States Language: RFC 3339"),
]
#: Operator, its cases (what it is about, what it compares with, whether it holds), source.
CHOICES: list[tuple[str, list[tuple[Any, Any, bool]], str]] = [
    *(
        (f"{of}{comparison}", [(small, great, less), (great, small, more), (small, small, same)], source)
        for of, small, great, source in _ORDERED
        for comparison, less, more, same in [
            ("Equals", False, False, True),
            ("LessThan", True, False, False),
            ("GreaterThan", False, True, False),
            ("LessThanEquals", True, False, True),
            ("GreaterThanEquals", False, True, True),
        ]
    ),
    (
        "StringEquals",
        [(None, "a", False), (0, "0", False), (" ", "  ", False), ([], "a", False), ({}, "a", False)],
        "recorded TestStrings.test_string_equals, 2023-06",
    ),
    (
        "StringGreaterThan",
        [("", "", False), ("A", "A ", False), ("AB", "ABC", False)],
        "recorded TestStrings.test_string_greater_than, 2023-06",
    ),
    (
        "NumericEquals",
        [(0, 0.0, True), (None, 0, False), ("0", 0, False), (True, 1, False), ([], 0, False)],
        "recorded TestNumerics.test_numeric_equals, 2023-06",
    ),
    (
        "BooleanEquals",
        [(True, True, True), (False, False, True), (True, False, False), (None, False, False), (0, False, False)],
        "recorded TestBooleanEquals.test_boolean_equals, 2023-06",
    ),
    (
        "TimestampEquals",
        [(None, _EARLY, False), (0, _EARLY, False), ("", _EARLY, False), (True, _EARLY, False)],
        "recorded TestTimestamps.test_timestamp_equals, 2023-06",
    ),
]

#: Operators that have no Path form.
TESTS: list[tuple[str, list[tuple[Any, Any, bool]], str]] = [
    (
        "StringMatches",
        [
            ("foo23.log", "foo*.log", True),
            ("zebra.log", "*.log", True),
            ("foobar.zebra", "foo*.*", True),
            ("foo.txt", "*.log", False),
            ("a?c", "a?c", True),
            ("abc", "a?c", False),
            ("a[b]", "a[b]", True),
            ("FOO", "foo", False),
            ("a*", "a\\*", True),
            ("ab", "a\\*", False),
            (1, "*", False),
        ],
        _CHOICE,
    ),
    (
        "IsNull",
        [(None, True, True), (None, False, False), (0, True, False), ("", False, True)],
        "recorded TestIsOperators.test_is_null, 2023-06",
    ),
    (
        "IsPresent",
        [(None, True, True), (None, False, False), (0, True, True), ("", False, False)],
        "recorded TestIsOperators.test_is_present, 2023-06",
    ),
    (
        "IsNumeric",
        [(0, True, True), (1.5, True, True), ("1", True, False), (True, True, False), (None, False, True)],
        "recorded TestIsOperators.test_is_numeric, 2023-06",
    ),
    (
        "IsString",
        [("", True, True), (0, True, False), (None, True, False), ([""], False, True)],
        "recorded TestIsOperators.test_is_string, 2023-06",
    ),
    (
        "IsBoolean",
        [(True, True, True), (False, True, True), (0, True, False), (None, False, True)],
        "recorded TestIsOperators.test_is_boolean, 2023-06",
    ),
    (
        "IsTimestamp",
        [
            (_EARLY, True, True),
            ("2026-01-01T01:00:00.5+01:00", True, True),
            ("2026-01-01T01:00:00", True, False),
            ("2026-01-01", True, False),
            (0, True, False),
            (None, False, True),
        ],
        _CHOICE,
    ),
]

_FUNCTIONS = "Intrinsic functions for JSONPath states in Step Functions"
_GENERIC, _ARRAY = "recorded TestGeneric", "recorded TestArray"
_JSON, _MATH = "recorded TestJsonManipulation", "recorded TestMathOperations.test_math_add, 2023-09"
_SPLIT = "recorded TestStringOperations.test_string_split, 2024-12"
_HASH = "recorded TestHashCalculations.test_hash, 2023-02"
_BASE64 = "recorded TestEncodeDecode, 2023-02"

#: Function, its arguments, its value, source.
FUNCTIONS: list[tuple[str, list[Any], Any, str]] = [
    ("Format", ["a {} b {}", 1, None], "a 1 b null", f"{_GENERIC}.test_format_2, 2023-02"),
    ("Format", ["{}", 1.1], "1.1", f"{_GENERIC}.test_format_1, 2023-02"),
    ("Format", ["{}.", {"a": 1, "b": []}], "{a=1, b=[]}.", f"{_GENERIC}.test_format_2, 2023-02"),
    ("StringToJson", [""], None, f"{_JSON}.test_string_to_json, 2023-02"),
    ("StringToJson", [" "], None, f"{_JSON}.test_string_to_json, 2023-02"),
    ("StringToJson", ["null"], None, f"{_JSON}.test_string_to_json, 2023-02"),
    ("StringToJson", ["-0"], 0, f"{_JSON}.test_string_to_json, 2023-02"),
    ("StringToJson", ['{"a": [1, "b"]}'], {"a": [1, "b"]}, f"{_JSON}.test_string_to_json, 2023-02"),
    ("JsonToString", [{"a": 1, "b": [None]}], '{"a":1,"b":[null]}', f"{_JSON}.test_json_to_string, 2023-02"),
    ("JsonToString", ["a"], '"a"', f"{_JSON}.test_json_to_string, 2023-02"),
    ("JsonToString", [True], "true", f"{_JSON}.test_json_to_string, 2023-02"),
    (
        "JsonMerge",
        [{"a": {"x": 1}, "b": 2}, {"a": {"y": 1}, "c": 3}, False],
        {"a": {"y": 1}, "b": 2, "c": 3},
        f"{_JSON}.test_json_merge, 2023-02",
    ),
    ("Array", [], [], f"{_ARRAY}.test_array_0, 2023-02"),
    ("Array", [1, "a", {"b": None}], [1, "a", {"b": None}], f"{_ARRAY}.test_array_2, 2023-03"),
    ("ArrayPartition", [[1, 2, 3, 4, 5], 2], [[1, 2], [3, 4], [5]], f"{_ARRAY}.test_array_partition, 2023-02"),
    ("ArrayPartition", [[], 2], [], f"{_ARRAY}.test_array_partition, 2023-02"),
    ("ArrayContains", [[[1, 2], 2], [1, 2]], True, f"{_ARRAY}.test_array_contains, 2023-02"),
    ("ArrayContains", [[], None], False, f"{_ARRAY}.test_array_contains, 2023-02"),
    ("ArrayRange", [0, 10, 3], [0, 3, 6, 9], f"{_ARRAY}.test_array_range, 2023-02"),
    ("ArrayRange", [1, 9, 9], [1], f"{_ARRAY}.test_array_range, 2023-02"),
    ("ArrayRange", [5, 1, -2], [5, 3, 1], f"{_FUNCTIONS}: a third argument that is not zero"),
    ("ArrayRange", [1, 5, -2], [], f"not confirmed; {_FUNCTIONS}"),
    ("ArrayRange", [0.6, 3.4, 1], [1, 2, 3], f"{_FUNCTIONS}: rounded to the nearest integer"),
    ("ArrayGetItem", [[7, 8, 9], 1], 8, f"{_ARRAY}.test_array_get_item, 2023-02"),
    ("ArrayLength", [[7, 8, 9]], 3, f"{_ARRAY}.test_array_length, 2023-02"),
    ("ArrayUnique", [[3, 3, 4, 3]], [3, 4], _FUNCTIONS),
    ("Base64Encode", ["Data to encode"], "RGF0YSB0byBlbmNvZGU=", _BASE64),
    ("Base64Encode", [""], "", _BASE64),
    ("Base64Decode", ["RGF0YSB0byBlbmNvZGU="], "Data to encode", _BASE64),
    ("Base64Decode", [""], "", _BASE64),
    ("Hash", ["input data", "MD5"], "812f45842bc6d66ee14572ce20db8e86", _HASH),
    ("Hash", ["input data", "SHA-1"], "aaff4a450a104cd177d28d18d74485e8cae074b7", _HASH),
    (
        "Hash",
        ["input data", "SHA-256"],
        "b4a697a057313163aee33cd8d40c66e9f0f177e00cac2de32475ffff6169c3e3",
        _HASH,
    ),
    ("MathAdd", [-9, 3], -6, _MATH),
    ("MathAdd", [1.49, 1.5], 3, _MATH),
    ("MathAdd", [-1.5, 0], -1, _MATH),
    ("MathAdd", [-1.51, 0], -2, _MATH),
    ("MathAdd", [2.5, 0], 3, _MATH),
    ("StringSplit", ["1,2,3", ","], ["1", "2", "3"], _SPLIT),
    ("StringSplit", ["This.is+a,test=string", ".+,="], ["This", "is", "a", "test", "string"], _SPLIT),
    ("StringSplit", [",,,,", ","], [], _SPLIT),
    ("StringSplit", [", , ,", ","], [" ", " "], _SPLIT),
]

#: Function and arguments that fail in States.IntrinsicFailure. Their pages say what an argument must be, and that an
#: index of an array may not be negative is not confirmed.
FAILING: list[tuple[str, list[Any]]] = [
    ("StringToJson", ["{"]),
    ("ArrayPartition", [[1], 0]),
    ("ArrayPartition", [1, 1]),
    ("ArrayContains", ["a", "a"]),
    ("ArrayRange", [1, 9, 0]),
    ("ArrayRange", [1, 2000, 1]),
    ("ArrayGetItem", [[1], 1]),
    ("ArrayGetItem", [[1], -1]),
    ("MathRandom", [5, 5]),
    ("ArrayLength", ["abc"]),
    ("ArrayUnique", ["abc"]),
    ("Base64Encode", ["x" * 10_001]),
    ("Base64Decode", ["x" * 10_001]),
    ("Hash", ["a", "SHA-3"]),
    ("JsonMerge", [{}, {}, True]),
    ("JsonMerge", [[], {}, False]),
    ("MathRandom", ["a", 1]),
    ("MathAdd", ["a", 1]),
    ("StringSplit", [1, ","]),
]


def at_2(why: str) -> str:
    return f"An error occurred while executing the state 'A' (entered at the event id #2). {why}"


def path(name: str, source: str, states: dict[str, dict[str, Any]], given: Any, output: Any) -> Fact:
    return Fact(name=name, source=source, query_language="JSONPath", states=states, given=given, output=output)


def runtime(name: str, source: str, states: dict[str, dict[str, Any]], given: Any, why: str | None) -> Fact:
    """States.Runtime, which ends the execution."""
    return Fact(
        name=name,
        source=source,
        query_language="JSONPath",
        states=states,
        given=given,
        status="FAILED",
        error="States.Runtime",
        cause=ANY if why is None else at_2(why),
    )


def chosen(rule: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A choice that is answered with true or false."""
    return {
        "A": {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"},
        "Yes": passing(Result=True),
        "No": passing(Result=False),
    }


def waiting(**fields: Any) -> dict[str, dict[str, Any]]:
    return {"A": {"Type": "Wait", "End": True, **fields}}


def each(inner: dict[str, Any], **fields: Any) -> dict[str, dict[str, Any]]:
    """A map, over its input if nothing else is said."""
    return {"A": {"Type": "Map", "ItemProcessor": {"StartAt": "B", "States": {"B": inner}}, "End": True, **fields}}


def branches(*inner: dict[str, Any], **fields: Any) -> dict[str, dict[str, Any]]:
    machines = [{"StartAt": f"B{number}", "States": {f"B{number}": one}} for number, one in enumerate(inner)]
    return {"A": {"Type": "Parallel", "Branches": machines, "End": True, **fields}}


_FAIL = {"Type": "Fail", "Error": "OutOfPaper", "Cause": "none left"}
_TRUE, _FALSE = {"Variable": "$.t", "BooleanEquals": True}, {"Variable": "$.f", "BooleanEquals": True}
_TF = {"t": True, "f": False}
_DATA = "Processing input and output in Step Functions"
_MOMENT = "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: "
_ITEMS = {"ItemsPath": "$.items"}
_RETRY = "Handling errors in Step Functions workflows"
_WAIT = "Wait workflow state"

#: What a catcher says, and the input of what it leads to.
_CAUGHT: list[tuple[str, dict[str, Any], Any]] = [
    ("in the place of the input", {}, {"Error": "OutOfPaper", "Cause": "none left"}),
    (
        "where ResultPath says",
        {"ResultPath": "$.e"},
        {"a": 1, "e": {"Error": "OutOfPaper", "Cause": "none left"}},
    ),
    ("nowhere if ResultPath is null", {"ResultPath": None}, {"a": 1}),
]

FACTS = [
    path("And holds if all hold", _CHOICE, chosen({"And": [_TRUE, _TRUE]}), _TF, True),
    path("And does not hold if one does not", _CHOICE, chosen({"And": [_TRUE, _FALSE]}), _TF, False),
    path("Or holds if one holds", _CHOICE, chosen({"Or": [_FALSE, _TRUE]}), _TF, True),
    path("Or does not hold if none holds", _CHOICE, chosen({"Or": [_FALSE, _FALSE]}), _TF, False),
    path("Not turns a rule", _CHOICE, chosen({"Not": _FALSE}), _TF, True),
    path("rules nest", _CHOICE, chosen({"Or": [{"And": [_TRUE, {"Not": _TRUE}]}, _TRUE]}), _TF, True),
    path("what is not there is not present", _CHOICE, chosen({"Variable": "$.x", "IsPresent": False}), {}, True),
    runtime(
        "a choice without a default that chooses nothing fails",
        "measured on AWS: floci-io/floci#3167",
        {"A": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "B"}]}, "B": DONE},
        {"n": 2},
        "Failed to transition out of the state. The state does not point to a next state.",
    ),
    *(
        runtime(
            f"{operator} of what is not there fails",
            f"{_CHOICE}; the sentence as people report it: localstack#11980",
            chosen({"Variable": "$.x", operator: value}),
            {"there": 1},
            "Invalid path '$.x': The choice state's condition path references an invalid value.",
        )
        for operator, value in [
            ("StringEquals", "a"),
            ("NumericLessThan", 1),
            ("BooleanEquals", True),
            ("TimestampGreaterThan", _EARLY),
            ("StringMatches", "*"),
            ("IsNull", True),
            ("IsString", False),
            ("NumericEqualsPath", "$.there"),
        ]
    ),
    runtime(
        "what a comparison compares with must be there, too",
        f"{_CHOICE}; the sentence as people report it",
        chosen({"Variable": "$.there", "NumericEqualsPath": "$.x"}),
        {"there": 1},
        "Invalid path '$.x': The choice state's condition path references an invalid value.",
    ),
    path(
        "IsPresent guards what follows it",
        _CHOICE,
        chosen({"And": [{"Variable": "$.x", "IsPresent": True}, {"Variable": "$.x", "NumericEquals": 1}]}),
        {},
        False,
    ),
    path(
        "a text is neither less nor greater than a number",
        "Amazon States Language: a comparison of values of different types is false",
        chosen({"Or": [{"Variable": "$.a", f"StringLessThan{which}Path": "$.n"} for which in ("", "Equals")]}),
        {"a": "a", "n": 1},
        False,
    ),
    path(
        "an index past the end of an array is null in a payload template",
        "measured, floci-io/floci#3167",
        {"A": passing(Parameters={"a.$": "$.items[2]", "b.$": "$.items[1]", "c.$": "$.items"})},
        {"items": [1, 2]},
        {"a": None, "b": 2, "c": [1, 2]},
    ),
    path("InputPath takes a part of the input", _DATA, {"A": passing(InputPath="$.a")}, {"a": 1}, 1),
    path("an InputPath of null is an empty object", _DATA, {"A": passing(InputPath=None)}, {"a": 1}, {}),
    path("OutputPath takes a part of the output", _DATA, {"A": passing(OutputPath="$.a")}, {"a": [1]}, [1]),
    path("an OutputPath of null is an empty object", _DATA, {"A": passing(OutputPath=None)}, {"a": 1}, {}),
    path(
        "InputPath and OutputPath of null, with a result",
        "recorded test_state_pass_result_null_input_output_paths, 2024-02",
        {"A": passing(InputPath=None, OutputPath=None, Result={"n": 1})},
        {"n": 0},
        {},
    ),
    path("a ResultPath of null drops the result", _DATA, {"A": passing(Result=1, ResultPath=None)}, {"a": 0}, {"a": 0}),
    path(
        "ResultPath makes the objects on its way",
        _DATA,
        {"A": passing(Result=1, ResultPath="$.b.c")},
        {"a": 0},
        {"a": 0, "b": {"c": 1}},
    ),
    path("ResultPath replaces what is there", _DATA, {"A": passing(Result=1, ResultPath="$.a")}, {"a": 0}, {"a": 1}),
    path(
        "Parameters take from the input, the context and themselves",
        _DATA,
        {"A": passing(Parameters={"a.$": "$.a", "state.$": "$$.State.Name", "n": {"deep.$": "$.a[0]"}})},
        {"a": [1, 2]},
        {"a": [1, 2], "state": "A", "n": {"deep": 1}},
    ),
    path(
        "ResultSelector makes what ResultPath puts",
        _DATA,
        branches(passing(Result=1), passing(Result=2), ResultSelector={"second.$": "$[1]"}, ResultPath="$.r"),
        {"a": 0},
        {"a": 0, "r": {"second": 2}},
    ),
    runtime(
        "an InputPath to nowhere",
        "recorded test_invalid_jsonpath[INVALID_JSONPATH_IN_INPUTPATH], 2025-01",
        {"A": passing(InputPath="$.gone")},
        {"n": 0},
        "Invalid path '$.gone' : No results for path: $['gone']",
    ),
    runtime(
        "a parameter from nowhere",
        "recorded test_invalid_jsonpath[INVALID_JSONPATH_IN_STRING_EXPR_JSONPATH], 2025-01",
        {"A": passing(Parameters={"value.$": "$.gone"})},
        {},
        "The JSONPath '$.gone' specified for the field 'value.$' could not be found in the input '{}'",
    ),
    *(
        path(
            f"{where} of what is not there is an empty list",
            source,
            {"A": passing(Parameters={"i.$": where})},
            {},
            {"i": []},
        )
        for where in ("$[*]", "$.items[*]", "$.items[1:]", "$.a.items[:1]", "$.items[*].n")
        for source in ["recorded test_json_path_array_wildcard_or_slice_with_no_input, 2025-04"]
    ),
    path(
        "a filter gives a list",
        "recorded test_state_pass_regex_json_path_base, 2024-02",
        {"A": passing(Parameters={"u.$": "$.users[?(@.year == 1997)]"})},
        {"users": [{"year": 1997}, {"year": 1998}]},
        {"u": [{"year": 1997}]},
    ),
    path("a wait of 0 s", _WAIT, waiting(Seconds=0), {"a": 1}, {"a": 1}),
    path("a wait until a moment that has been", _WAIT, waiting(Timestamp="2016-12-05T21:29:29Z"), {"a": 1}, {"a": 1}),
    path(
        "SecondsPath",
        "recorded test_base_wait_seconds_path[0], 2024-03",
        waiting(SecondsPath="$.s"),
        {"s": 0},
        {"s": 0},
    ),
    path(
        "TimestampPath",
        "recorded test_wait_timestamp_path[SECONDS], 2024-12",
        waiting(TimestampPath="$.t"),
        {"t": _EARLY},
        {"t": _EARLY},
    ),
    runtime(
        "SecondsPath to a negative number",
        "recorded test_base_wait_seconds_path[-1], 2024-03",
        waiting(SecondsPath="$.s"),
        {"s": -1},
        "The SecondsPath parameter references a negative value: $.s == -1",
    ),
    *(
        runtime(
            f"SecondsPath to {seconds}",
            f"recorded test_base_wait_seconds_path[{seconds}], 2024-03",
            waiting(SecondsPath="$.s"),
            {"s": seconds},
            f"The SecondsPath parameter cannot be parsed as a long value: $.s == {seconds}",
        )
        for seconds in (1.5, -1.5)
    ),
    *(
        runtime(
            f"TimestampPath to {moment}",
            "recorded test_wait_timestamp_path, 2023-10",
            waiting(TimestampPath="$.t"),
            {"t": moment},
            f"{_MOMENT}$.t == {moment}",
        )
        for moment in ("2016-12-05 21:29:29Z", "2016-12-05T21:29:29", "2016-13-05T21:29:29Z", "05-12-2016T21:29:29Z")
    ),
    Fact(
        name="JSONata seconds",
        source="recorded test_wait_seconds_jsonata, 2024-11",
        states={"A": {"Type": "Wait", "Seconds": "{% $states.input.s %}", "End": True}},
        given={"s": 0},
        output={"s": 0},
    ),
    path(
        "a result is not read for paths",
        "recorded test_state_pass_result_jsonpaths, 2024-02",
        {"A": passing(Result={"a.$": "$.b", "c.$": "$$"})},
        {},
        {"a.$": "$.b", "c.$": "$$"},
    ),
    path(
        "Succeed gives its input through its paths",
        "Succeed workflow state",
        {"A": {**DONE, "InputPath": "$.a"}},
        {"a": 1},
        1,
    ),
    *(
        Fact(
            name=f"a Fail state takes its error and cause from {what}",
            source=source,
            query_language="JSONPath",
            states={"A": {"Type": "Fail", "ErrorPath": error, "CausePath": cause}},
            given={"e": "OutOfPaper", "c": "none left"},
            status="FAILED",
            error="OutOfPaper",
            cause=told,
        )
        for what, error, cause, told, source in [
            ("paths", "$.e", "$.c", "none left", "recorded test_state_fail_path, 2024-02"),
            (
                "intrinsic functions",
                "States.Format('{}', $.e)",
                "States.Format('{}: {}', $.e, $.c)",
                "OutOfPaper: none left",
                "recorded test_state_fail_intrinsic, 2024-02",
            ),
        ]
    ),
    *(
        runtime(
            f"a Fail state whose {field} leads nowhere",
            "recorded test_invalid_jsonpath, 2025-01",
            {"A": {"Type": "Fail", field: "$.gone"}},
            {},
            f"The JSONPath '$.gone' specified for the field '{field}' could not be found in the input '{{}}'",
        )
        for field in ("ErrorPath", "CausePath")
    ),
    path("a map of nothing", "recorded test_map_state_items_input_array[empty], 2024-11", each(passing()), [], []),
    path(
        "ItemSelector takes item and index from the context, and the rest from the input",
        "recorded test_map_state_item_selector, 2023-07",
        each(
            passing(),
            **_ITEMS,
            ItemSelector={"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "of.$": "$.of", "c": 1},
        ),
        {"items": ["a", "b"], "of": "x"},
        [{"v": "a", "i": 0, "of": "x", "c": 1}, {"v": "b", "i": 1, "of": "x", "c": 1}],
    ),
    path(
        "Parameters of a map are what ItemSelector is now called",
        "recorded test_map_state_config_inline_parameters, 2024-02",
        each(passing(), Parameters={"v.$": "$$.Map.Item.Value", "all.$": "$"}),
        ["a"],
        [{"v": "a", "all": ["a"]}],
    ),
    Fact(
        name="a failing iteration fails its map with its error",
        source="recorded test_map_state_retry, 2023-07",
        query_language="JSONPath",
        states=each(_FAIL, MaxConcurrency=1),
        given=[1],
        status="FAILED",
        error="OutOfPaper",
        cause="none left",
    ),
    path(
        "MaxConcurrencyPath",
        "recorded test_max_concurrency_path, 2024-06",
        each(passing(), **_ITEMS, MaxConcurrencyPath="$.m"),
        {"m": 1, "items": [1, 2]},
        [1, 2],
    ),
    *(
        runtime(
            f"MaxConcurrencyPath to {shown}",
            "recorded test_max_concurrency_path, 2024-06",
            each(passing(), **_ITEMS, MaxConcurrencyPath="$.m"),
            {"m": value, "items": [1]},
            f'The MaxConcurrencyPath field refers to value "{shown}" which is not a valid integer: $.m',
        )
        for value, shown in [({}, "{}"), ("a", "a")]
    ),
    *(
        runtime(
            f"{field} to {value}",
            f"recorded test_map_state_{test}_path, 2024-06",
            each(passing(), **_ITEMS, **{field: "$.t"}),
            {"t": value, "items": [1]},
            why,
        )
        for field, test, value, why in [
            (
                "ToleratedFailureCountPath",
                "tolerated_failure_count",
                "a",
                'The ToleratedFailureCountPath field refers to value "a" which is not a valid integer: $.t',
            ),
            (
                "ToleratedFailureCountPath",
                "tolerated_failure_count",
                -1,
                "ToleratedFailureCount cannot be negative.",
            ),
            (
                "ToleratedFailurePercentagePath",
                "tolerated_failure_percentage",
                "a",
                'The ToleratedFailurePercentagePath field refers to value "a" which is not a valid float: $.t',
            ),
            (
                "ToleratedFailurePercentagePath",
                "tolerated_failure_percentage",
                -1.1,
                "ToleratedFailurePercentage must be between 0 and 100.",
            ),
        ]
    ),
    path(
        "branches get the same input and answer in order",
        "recorded test_parallel_state_order, 2023-12",
        branches(*(passing(Parameters={"branch": number, "of.$": "$.of"}) for number in range(3))),
        {"of": "x"},
        [{"branch": 0, "of": "x"}, {"branch": 1, "of": "x"}, {"branch": 2, "of": "x"}],
    ),
    Fact(
        name="a failing branch fails its Parallel with its error",
        source="recorded test_parallel_state_fail, 2023-12",
        query_language="JSONPath",
        states=branches(passing(), _FAIL),
        status="FAILED",
        error="OutOfPaper",
        cause="none left",
    ),
    *(
        path(
            f"a catcher puts the error {name}",
            _RETRY,
            {**branches(_FAIL, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "B", **result}]), "B": DONE},
            {"a": 1},
            output,
        )
        for name, result, output in _CAUGHT
    ),
    Fact(
        name="a catcher assigns variables and has an output of its own",
        source="Passing data between states with variables",
        states={
            **branches(
                _FAIL,
                Catch=[
                    {
                        "ErrorEquals": ["OutOfPaper"],
                        "Next": "B",
                        "Assign": {"why": "{% $states.errorOutput.Cause %}"},
                        "Output": {"e": "{% $states.errorOutput.Error %}", "of": "{% $states.input.a %}"},
                    }
                ],
            ),
            "B": {"Type": "Succeed", "Output": {"in": "{% $states.input %}", "why": "{% $why %}"}},
        },
        given={"a": 1},
        output={"in": {"e": "OutOfPaper", "of": 1}, "why": "none left"},
    ),
    path(
        "the first catcher that takes an error is the one",
        _RETRY,
        {
            **branches(
                _FAIL,
                Catch=[
                    {"ErrorEquals": ["OutOfInk"], "Next": "B"},
                    {"ErrorEquals": ["Other", "OutOfPaper"], "Next": "C"},
                    {"ErrorEquals": ["States.ALL"], "Next": "B"},
                ],
            ),
            "B": passing(Result="B"),
            "C": passing(Result="C"),
        },
        {},
        "C",
    ),
]

#: Retrier, how often the state is tried, seconds that pass at least and at most.
RETRIERS: list[tuple[dict[str, Any], int, float, float]] = [
    ({"MaxAttempts": 0}, 1, 0, 0),
    ({}, 4, 1 + 2 + 4, 1 + 2 + 4),
    ({"MaxAttempts": 1}, 2, 1, 1),
    ({"IntervalSeconds": 30, "MaxAttempts": 2, "BackoffRate": 1}, 3, 60, 60),
    ({"IntervalSeconds": 30, "MaxAttempts": 2, "BackoffRate": 1.5}, 3, 75, 75),
    ({"IntervalSeconds": 30, "MaxAttempts": 3, "MaxDelaySeconds": 50}, 4, 130, 130),
    ({"IntervalSeconds": 20, "MaxAttempts": 2, "JitterStrategy": "NONE"}, 3, 60, 60),
    ({"IntervalSeconds": 20, "MaxAttempts": 2, "JitterStrategy": "FULL"}, 3, 0, 60),
]

#: What a retrier may say. Source: what ValidateStateMachineDefinition answered (badmintoncryer/cdk-preflight), and the
#: schema of AWS's own editor (aws/amazon-states-language-service); that the longest delay may be shorter than the first
#: interval is not confirmed.
TAKEN_RETRIERS: list[dict[str, Any]] = [
    {"MaxDelaySeconds": 31_622_400},
    {"IntervalSeconds": 0},
    {"IntervalSeconds": 30, "MaxDelaySeconds": 10},
    {"IntervalSeconds": 99_999_999, "MaxAttempts": 99_999_999},
]

#: What a retrier may not say. Source: the same.
REFUSED_RETRIERS: list[dict[str, Any]] = [
    {"MaxAttempts": -1},
    {"MaxAttempts": 100_000_000},
    {"IntervalSeconds": 100_000_000},
    {"BackoffRate": 0.5},
    {"MaxDelaySeconds": 0},
    {"MaxDelaySeconds": 31_622_401},
    {"JitterStrategy": "HALF"},
]
