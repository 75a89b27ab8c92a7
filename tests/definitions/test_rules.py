"""Rules that TaskRunner has in JSONata and the rest of the project in Python: both give the same for any input."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from definitions.system.task_runner import running, variables
from definitions.system.task_runner.record import paused
from orchestrator import instants
from orchestrator.asl import vocabulary
from orchestrator.dynamodb import to_item
from orchestrator.local.aws.step_functions import jsonata
from orchestrator.runs.execution_end import Asked
from orchestrator.runs.run import CAUSE_LIMIT, Trigger, one_line
from orchestrator.runs.task_state import Pause
from orchestrator.tasks.slots import key
from tests.definitions.expressions import filled

NOW = datetime(2026, 11, 23, 9, 0, 30, 250_000, tzinfo=UTC)
STARTED_AT = "2026-11-23T09:00:00.123Z"


def evaluate(expression: str, **bindings: Any) -> Any:
    return jsonata.evaluate(expression, bindings, NOW)


#: Texts near those that are meant: of other scripts, too long, with something before or after.
_near = st.sampled_from(
    [
        "2026-12-01T08:00:00Z", "2026-12-01T08:00:00.123Z", "2028-02-29T00:00:00Z", "2027-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-12-01T24:00:00Z", "2026-12-01T08:00:60Z", "٢٠٢٧-05-02T00:00:00Z", "2026-12-01T08:00:00Z\n",
        "\n2026-12-01T08:00:00Z", "2026-12-01T08:00:00.12Z", "2026-12-01T08:00:00+00:00", "1969-12-31T23:59:59Z",
        "2026-12-01T08:00:00Z#4f0c", "2026-12-01T08:00:00.123Z#a", "2026-12-01T08:00:00Z#", "2026-12-01T08:00:00Z#a/b",
        "2026-12-01T08:00:00Z#a\n", "2026-02-30T08:00:00Z#a", "2026-12-01#a", "2026-12-01", "2026-02-30", "2026-12-0x",
        "2026-12-01T08:00:00Z#" + "x" * 129,
        "0000-01-01T00:00:00Z", "report", "report\n", "a:b", "", "x" * 48, "x" * 49, "räport", "_invalid",
        *Trigger, "magic", "schedule\n",
    ]
)  # fmt: skip
_moments = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))
_texts = st.one_of(
    _near,
    _moments.map(instants.to_second),
    _moments.map(instants.to_millisecond),
    _moments.map(lambda moment: moment.date().isoformat()),
    st.from_regex(instants.SLOT_PATTERN, fullmatch=True),
    st.from_regex(instants.MOMENT_PATTERN, fullmatch=True),
    st.text(max_size=20),
)
_values = st.one_of(_texts, st.none(), st.booleans(), st.integers(-5, 5), st.lists(_near, max_size=2), st.just({}))
_inputs = st.one_of(
    st.fixed_dictionaries(
        {"taskId": st.one_of(st.just("report"), _values)},
        optional={
            "scheduledTime": _texts | _values,
            "trigger": st.sampled_from(Trigger) | _values,
            "replaces": _values,
            "within": st.sampled_from([1, 60, 300, 86_400, 86_401, 0, 1.5]) | _values,
            "params": st.just({"a": 1}) | _values,
            "released": st.booleans() | _values,
            "held": st.fixed_dictionaries({}, optional={"startDelay": st.integers(-5, 5) | _values}) | _values,
        },
    ),
    st.lists(st.just({"taskId": "report"}), max_size=2),
    _values,
)


@given(_texts | _values)
def test_what_a_moment_is(value: Any) -> None:
    assert evaluate(variables.is_moment("$value"), value=value) == (instants.read(value) is not None)


@given(_texts | _values)
def test_what_a_slot_is(value: Any) -> None:
    assert evaluate(variables.is_slot("$value"), value=value) == instants.is_slot(value)


@given(_inputs)
@example({"taskId": "report", "scheduledTime": "2026-12-01", "trigger": "event"})
@example({"taskId": "report", "scheduledTime": "", "trigger": "event"})
@example({"taskId": "report", "scheduledTime": "2026-12-01T08:04:59Z#4f0c", "trigger": "event", "within": 300})
@example({"taskId": "report", "scheduledTime": "2026-12-01T08:00:00Z", "params": None})
@example({"taskId": "report", "scheduledTime": "2026-12-01T08:00:00Z"})
def test_what_an_input_asks_for(given_input: Any) -> None:
    states = {"input": given_input, "context": {"Execution": {"StartTime": STARTED_AT}}}
    found = filled(variables.FROM_ANY_INPUT, {"states": states}, NOW)
    asked = Asked.read(given_input, STARTED_AT)
    assert (found["taskId"], found["slot"], found["trigger"]) == (asked.task_id, asked.slot, asked.trigger)
    assert ((found["replaces"] or ""), found["released"]) == (asked.replaces, asked.released)
    if evaluate(variables.INPUT_IS_VALID, states=states):
        assert filled(variables.FROM_INPUT, {"states": states}, NOW) == found


@given(st.lists(_moments.map(instants.to_second) | _moments.map(instants.to_millisecond), min_size=2, max_size=2))
@example(["2026-12-01T08:00:12.345Z", "2026-12-01T08:00:12Z"])
def test_which_of_two_moments_is_the_earlier(texts: list[str]) -> None:
    one, other = texts
    is_earlier = datetime.fromisoformat(one) < datetime.fromisoformat(other)
    written = evaluate(f"{variables.order('$one')} < {variables.order('$other')}", one=one, other=other)
    if datetime.fromisoformat(one) != datetime.fromisoformat(other):
        assert (instants.order(one) < instants.order(other)) == written == is_earlier


def test_the_longest_name_of_a_nested_execution_has_80_characters() -> None:
    context = {"Execution": {"Id": "arn:aws:states:us-east-1:123456789012:execution:orchestrator-dev-TaskRunner:x"}}
    bindings = {"taskId": "x" * 48, "slot": "2026-12-01T08:00:00.123Z", "attempt": 99_999_999}
    assert len(evaluate(running.CHILD_NAME, states={"context": context}, **bindings)) <= 80


@given(st.text(max_size=60) | st.text(min_size=CAUSE_LIMIT - 3, max_size=CAUSE_LIMIT + 3))
@example("a\r\n\tb\x85c\u2028d\u202ee\x7f\x00f")
def test_a_cause_in_one_line(text: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        return
    assert evaluate(vocabulary.one_line("$text"), text=text) == one_line(text)


@pytest.mark.parametrize(
    "until",
    ["", " ", "soon", "2026-11-23T09:00:29Z", "2026-11-23T09:00:30Z", "2026-11-23T09:00:31Z", "2999-01-01T00:00:00Z"],
)
def test_whether_a_pause_is_over(until: str) -> None:
    pause = Pause(who="ann", until=until)
    item = to_item({"pause": pause.to_value()})
    assert evaluate(paused("$item"), item=item) == (not pause.over(NOW))
    assert evaluate(variables.NOW_TEXT) == key(NOW)
