"""Rules that TaskRunner has in JSONata and the rest of the project in Python: both give the same for any input."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from definitions.system.task_runner import cost, running, variables
from definitions.system.task_runner.record import _PRICE, paused
from orchestrator import instants
from orchestrator.asl import vocabulary
from orchestrator.dynamodb import to_item
from orchestrator.local.aws.step_functions import jsonata
from orchestrator.runs.cost import STATES_OF_DEAD, Part, Used, dollars, of_dead
from orchestrator.runs.execution_end import Asked
from orchestrator.runs.run import CAUSE_LIMIT, Run, RunStatus, Trigger, one_line
from orchestrator.runs.task_state import Pause
from orchestrator.tasks.price import Price
from orchestrator.tasks.slots import key
from orchestrator.tasks.task import Target, TargetKind, Task
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


#: Of a task's price, as :func:`orchestrator.tasks.rates.rounded` leaves them.
_amounts = st.integers(0, 9999).map(Decimal) | st.integers(1, 9999).map(lambda number: Decimal(number).scaleb(-3))
_seconds = st.integers(0, 900_000).map(lambda milliseconds: Decimal(milliseconds) / 1000)

#: The last digit that a row keeps: floating point may round it the other way.
_LAST = Decimal("1e-9")


@st.composite
def _prices(draw: st.DrawFn) -> Price:
    return Price.from_value([float(draw(_amounts)) for _ in range(draw(st.sampled_from([8, 11])))]) or draw(_prices())


@given(
    _prices(),
    st.sampled_from(Part),
    st.booleans(),
    st.integers(0, 400),
    st.integers(1, 9),
    st.tuples(_seconds, _seconds),
    st.sampled_from(Trigger),
    st.booleans(),
    st.none() | _amounts.map(lambda amount: amount / 1_000_000),
)
def test_what_a_run_has_cost(
    price: Price,
    part: Part,
    express: bool,
    passed: int,
    attempt: int,
    seconds: tuple[Decimal, Decimal],
    trigger: Trigger,
    released: bool,
    earlier: Decimal | None,
) -> None:
    express = express and part is not Part.HOLD
    lasted, waited = max(seconds), min(seconds)
    claimed = part is Part.RUN
    used = Used(
        part=part,
        express=express,
        states=passed + 2,
        calls=attempt if claimed else 0,
        lasted=lasted if claimed else Decimal(0),
        waited=waited if claimed else Decimal(0),
        trigger=None if released else trigger,
        earlier=earlier or Decimal(0),
    )
    bindings = {
        "task": {"price": [float(number) for number in price.to_value()]},
        "passed": passed,
        "attempt": attempt,
        "began": 1_795_600_406_022,
        "ended": 1_795_600_406_022 + int(lasted * 1000),
        "waited": float(waited),
        "trigger": trigger,
        "released": released,
        "known": {"earlier": {} if earlier is None else {"dollars": float(earlier)}},
    }
    expected = dollars(price, used)
    assert evaluate(cost.is_known(express=express), **bindings) == (expected is not None)
    if expected is not None:
        written = evaluate(cost.dollars(part, express=express, further=1, calls=claimed), **bindings)
        assert abs(Decimal(written["N"]) - expected) <= _LAST


@given(_prices(), st.integers(0, 5000), st.integers(1, 900))
def test_what_a_run_has_cost_that_was_stopped(price: Price, went: int, timeout: int) -> None:
    task = Task(id="t", target=Target(kind=TargetKind.LAMBDA, name="work"), timeout_seconds=timeout, price=price)
    now = NOW.replace(microsecond=0)
    since = now - timedelta(seconds=went)
    lease = task.lease_seconds
    written = evaluate(
        cost.of_stopped(variables.NOW_SECONDS),
        task={
            "price": [float(number) for number in price.to_value()],
            "leaseSeconds": lease,
            "timeoutSeconds": timeout,
        },
        known={"holder": {"expiresAt": int(since.timestamp()) + lease}},
    )
    run = Run(task_id="t", slot=key(since), status=RunStatus.RUNNING)
    expected = of_dead(task, run, started_at=key(since), ended_at=key(now))
    assert expected is not None
    assert abs(Decimal(written["N"]) - expected) <= _LAST


def test_a_dead_run_that_waited_for_others_has_called_nothing() -> None:
    price = Price.from_value([10, 4, 0, 25, 1, 3, 1, 0])
    task = Task(id="t", target=Target(kind=TargetKind.LAMBDA, name="work"), price=price)
    run = Run(task_id="t", slot="2026-12-01T08:00:00Z", status=RunStatus.WAITING)
    times = {"started_at": "2026-12-01T08:00:00Z", "ended_at": "2026-12-01T09:00:00Z"}
    assert of_dead(task, run, **times) == Decimal(4 + 25 * STATES_OF_DEAD + 1) / 1_000_000
    assert of_dead(replace(task, price=None), run, **times) is None


@pytest.mark.parametrize(
    "numbers", [["1"] * 8, ["0.4868"] * 11, ["1"] * 9, [], ["-1"] * 8, ["1000000000"] * 8, ["9.9E+125"] * 11, None]
)
def test_a_price_that_a_run_is_not_worked_out_from(numbers: list[str] | None) -> None:
    item = {} if numbers is None else {"price": {"L": [{"N": number} for number in numbers]}}
    amounts = [float(number) for number in numbers or ()]
    assert evaluate(f"[{_PRICE}]", item=item) == ([] if Price.from_value(amounts) is None else amounts)
