"""Every row of usage is billed or reported with its file and line, and none is both or neither."""

from __future__ import annotations

import io
import json
from decimal import Decimal

import pytest

from lambdas.billing.errors import UnreadableUsage, UsageCutOff
from lambdas.billing.period import Period
from lambdas.billing.usage import Usage, problems_of

HEADER = "event_id,customer_id,meter,quantity,timestamp\n"
GOOD = "e-1,c-1,calls,3,2026-11-15T12:00:00Z"


def read(body: str | bytes, file: str = "usage.csv") -> Usage:
    usage = Usage(period=Period(year=2026, month=11, timezone="Europe/Berlin"))
    usage.add(file, io.BytesIO(body.encode() if isinstance(body, str) else body))  # type: ignore[arg-type]
    return usage


def csv(*rows: str) -> Usage:
    return read(HEADER + "".join(f"{row}\n" for row in rows))


def test_quantities_add_up_by_customer_and_meter_without_a_float() -> None:
    usage = csv(
        "e-1,c-1,calls,0.1,2026-11-15T12:00:00Z",
        "e-2,c-1,calls,0.2,2026-11-15T12:00:00Z",
        "e-3,c-1,storage,7,2026-11-15T12:00:00Z",
        "e-4,c-0,calls,1,2026-11-15T12:00:00+01:00",
    )
    assert list(usage.by_customer()) == [("c-0", {"calls": "1"}), ("c-1", {"calls": "0.3", "storage": "7"})]
    assert (usage.events, usage.problems) == (4, [])


def test_a_line_of_json_is_a_row_and_its_numbers_keep_their_digits() -> None:
    rows = [
        '{"event_id": "a", "customer_id": "c", "meter": "m", "quantity": 0.1, "timestamp": "2026-11-15T12:00:00Z"}',
        '{"event_id": "b", "customer_id": "c", "meter": "m", "quantity": "0.2", "timestamp": "2026-11-15T12:00:00Z"}',
        "",
        '{"event_id": "d", "customer_id": "c", "meter": "m", "quantity": 3, "timestamp": "2026-11-15T12:00Z", "x": 1}',
    ]
    usage = read("".join(f"{row}\n" for row in rows), "usage.jsonl")
    assert usage.sums == {("c", "m"): Decimal("3.3")}


def test_columns_may_be_in_any_order_and_more_than_needed() -> None:
    body = 'timestamp,quantity,note,meter,customer_id,event_id\r\n2026-11-15T12:00:00Z,2,"a, b",calls,c-1,e-1\r\n'
    assert read(body).sums == {("c-1", "calls"): Decimal(2)}


@pytest.mark.parametrize(
    ("row", "said", "customer"),
    [
        ("e-2,c-1,calls,-3,2026-11-15T12:00:00Z", "quantity: found '-3'", "c-1"),
        ("e-2,c-1,calls,many,2026-11-15T12:00:00Z", "quantity: found 'many'", "c-1"),
        ("e-2,c-1,calls,1e3,2026-11-15T12:00:00Z", "quantity: found '1e3'", "c-1"),
        ("e-2,c-1,calls,NaN,2026-11-15T12:00:00Z", "quantity: found 'NaN'", "c-1"),
        ("e-2,c-1,calls,,2026-11-15T12:00:00Z", "quantity: found ''", "c-1"),
        ("e-2,c-1,calls,3,2026-11-15", "timestamp: found '2026-11-15'", "c-1"),
        ("e-2,c-1,calls,3,2026-11-30T23:00:00Z", "is not in 2026-11 (Europe/Berlin)", "c-1"),
        ("e-2,c-1,calls,3,2026-10-31T22:59:59Z", "is not in 2026-11 (Europe/Berlin)", "c-1"),
        (",c-1,calls,3,2026-11-15T12:00:00Z", "event_id: expected", "c-1"),
        ("e-2,c-1,,3,2026-11-15T12:00:00Z", "meter: expected", "c-1"),
        ("e-2,c/1,calls,3,2026-11-15T12:00:00Z", "customer_id: expected", ""),
        ("e-2,c-1,calls,3", "expected 5 columns, found 4", ""),
        ('e-2,"c-1,calls,3,2026-11-15T12:00:00Z', "expected one line of CSV", ""),
        ("e-1,c-1,calls,4,2026-11-15T12:00:00Z", "'e-1' was there before, with another content", "c-1"),
    ],
)
def test_a_row_that_cannot_be_billed_is_reported_and_holds_its_customers_invoice(
    row: str, said: str, customer: str
) -> None:
    usage = csv(GOOD, row)
    (problem,) = usage.problems
    assert (problem.file, problem.line, problem.customer_id, problem.holds) == ("usage.csv", 3, customer, True)
    assert said in problem.said
    assert usage.events == 1


def test_the_same_row_again_is_reported_and_billed_once() -> None:
    usage = csv(GOOD, GOOD)
    (problem,) = usage.problems
    assert "with the same content: billed once" in problem.said
    assert (problem.holds, usage.sums) == (False, {("c-1", "calls"): Decimal(3)})


def test_an_event_is_known_again_in_another_file() -> None:
    usage = csv(GOOD)
    usage.add("again.csv", io.BytesIO((HEADER + GOOD + "\n").encode()))  # type: ignore[arg-type]
    assert [(problem.file, problem.line) for problem in usage.problems] == [("again.csv", 2)]


@pytest.mark.parametrize("line", ["{", "[]", '{"event_id": "a"}', "null", '{"quantity": NaN}'])
def test_a_line_that_is_no_row_of_json_is_reported(line: str) -> None:
    (problem,) = read(f"{line}\n", "usage.jsonl").problems
    assert (problem.line, problem.customer_id) == (1, "")


def test_bytes_that_are_no_text_are_a_row_that_is_reported() -> None:
    usage = read(HEADER.encode() + b"e-1,c-1,calls,\xff,2026\n" + GOOD.encode() + b"\n")
    assert [problem.line for problem in usage.problems] == [2]
    assert usage.events == 1


@pytest.mark.parametrize("body", [HEADER + GOOD, HEADER + GOOD + "\n" + GOOD[:20], HEADER[:-1], HEADER[:10]])
def test_a_file_without_an_end_has_been_cut_off(body: str) -> None:
    with pytest.raises(UsageCutOff, match=rf"usage\.csv is cut off in line {len(body.splitlines())}"):
        read(body)


def test_a_file_without_the_columns_is_none() -> None:
    with pytest.raises(UnreadableUsage, match="expected the columns event_id, customer_id"):
        read("customer,quantity\n")
    with pytest.raises(UnreadableUsage, match="at most 65536 bytes in a line"):
        read(HEADER + "x" * 70_000 + "\n")


def test_an_empty_file_has_no_events() -> None:
    assert read("").events == csv().events == 0


def test_the_first_problem_of_a_customer_is_what_holds_the_invoice() -> None:
    usage = csv("a,c-1,calls,x,2026-11-15T12:00:00Z", "b,c-1,calls,y,2026-11-15T12:00:00Z", GOOD, GOOD, "broken")
    held = problems_of(json.loads(json.dumps(problem.to_value())) for problem in usage.problems)
    assert list(held) == ["c-1"]
    assert held["c-1"].startswith("usage.csv, line 2: quantity: found 'x'")
